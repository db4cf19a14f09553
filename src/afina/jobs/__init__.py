"""The queue: long work is handed over, taken up by a worker, and taken up again when that worker was killed."""

from afina.jobs.queue import defer_evaluation, defer_finetune, defer_training, run_loop, run_worker

__all__ = ["defer_evaluation", "defer_finetune", "defer_training", "run_loop", "run_worker"]
