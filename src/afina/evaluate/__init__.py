"""ModelVersion + held-out examples → EvalResult, judged on the GGUF that will serve. Promotes nothing.

The door holds what needs no numeric library; `judge`, `score` and `yardsticks` are imported by their own names.
"""

from afina.evaluate.job import load_results, save_result

__all__ = ["load_results", "save_result"]
