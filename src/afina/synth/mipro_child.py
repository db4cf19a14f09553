"""DSPy's MIPROv2 (Opsahl-Ong and others 2024, arXiv 2406.11695), run by a Python that has `dspy[optuna]`: not by ours.

    python mipro_child.py < job and answers > questions

The first line of standard input is the job. Whatever a model is to answer or a metric to score is a line on standard output, and its
answer a line on standard input: `synth/mipro.py` is on the other side. So DSPy never talks to a model itself: answers are bound by
schemas, counted and kept there, and LiteLLM, which DSPy depends on, is not used.
"""

# ruff: noqa: E402  (what is set before the imports is for them)
import json
import os
import sys
import threading
from typing import Any

PIPE, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no line of ours
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it fetches a price list when it is imported otherwise

import dspy
from dspy.adapters.base import Adapter
from dspy.clients.base_lm import BaseLM
from dspy.teleprompt import MIPROv2


class Line:
    """The parent on the other side of the pipe; several threads may ask at once."""

    def __init__(self) -> None:
        self.lock, self.count = threading.Lock(), 0
        self.waiting: dict[int, tuple[threading.Event, dict[str, Any]]] = {}

    def start(self) -> None:
        """Read answers from now on."""
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        """Hand every answer to who waits for it. The parent is gone when the pipe ends, and so is this process."""
        for line in sys.stdin:
            found = json.loads(line)
            event, box = self.waiting.pop(found["id"])
            box.update(found)
            event.set()
        os._exit(1)

    def say(self, message: dict[str, Any]) -> None:
        """A line."""
        with self.lock:
            PIPE.write(json.dumps(message) + "\n")
            PIPE.flush()

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """A line and its answer."""
        event, box = threading.Event(), dict[str, Any]()
        with self.lock:
            self.count += 1
            number = self.count
            self.waiting[number] = (event, box)
        self.say({**message, "id": number})
        event.wait()
        return box


LINE = Line()


class Piped(Adapter):
    """Hands a signature to the parent: the role's question, or one of the optimiser's own, whose fields a schema binds there."""

    def __call__(
        self, lm: Any, lm_kwargs: dict[str, Any], signature: Any, demos: list[dict[str, Any]], inputs: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """The fields of the answer."""
        if list(signature.output_fields) == ["answer"] and list(signature.input_fields) == ["question"]:
            shown = [[str(demo["question"]), str(demo["answer"])] for demo in demos]
            told = {"instructions": signature.instructions, "examples": shown, "question": str(inputs["question"])}
            return [{"answer": LINE.ask({"kind": "answer", **told})["text"]}]
        fields = {name: str(field.json_schema_extra.get("desc", "")) for name, field in signature.output_fields.items()}
        given = {name: str(inputs.get(name, "")) for name in signature.input_fields}
        drawn = {**lm.kwargs, **lm_kwargs}
        asked = {"instructions": signature.instructions, "given": given, "fields": fields}
        return [LINE.ask({"kind": "write", **asked, "draw": drawn.get("rollout_id") or 0})["fields"]]


def scored(example: Any, prediction: Any, _trace: Any = None) -> float:
    """The metric, which the parent has."""
    message = {"kind": "score", "question": example.question, "answer": prediction.answer}
    return float(LINE.ask(message)["score"])


class Role(dspy.Module):
    """One question, one answer."""

    def __init__(self, instructions: str) -> None:
        super().__init__()
        self.answer = dspy.Predict(dspy.Signature("question -> answer", instructions))

    def forward(self, question: str) -> Any:
        """The answer."""
        return self.answer(question=question)


def example(question: str, answer: str = "") -> Any:
    """A row of DSPy's."""
    return dspy.Example(question=question, answer=answer).with_inputs("question")


def main() -> None:
    """Search, and say what was found."""
    job = json.loads(sys.stdin.readline())
    LINE.start()
    dspy.configure(lm=BaseLM("parent", cache=False), adapter=Piped())
    optimiser = MIPROv2(
        metric=scored,
        auto=None,
        num_candidates=job["candidates"],
        max_bootstrapped_demos=job["most_examples"],
        max_labeled_demos=job["most_examples"],
        num_threads=job["threads"],
        metric_threshold=job["threshold"],
        seed=job["seed"],
        max_errors=1_000_000,
    )
    found = optimiser.compile(
        Role(job["instructions"]),
        trainset=[example(question, answer) for question, answer in job["pool"]],
        valset=[example(question) for question in job["validation"]],
        num_trials=job["trials"],
        minibatch=False,
        seed=job["seed"],
    )
    predictor = found.predictors()[0]
    shown = [[str(demo["question"]), str(demo["answer"])] for demo in predictor.demos]
    LINE.say({"id": 0, "kind": "found", "instructions": predictor.signature.instructions, "examples": shown})


if __name__ == "__main__":
    main()
