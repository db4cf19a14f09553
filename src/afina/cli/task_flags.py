"""The flags that say what a file is and what is learnt of it → settings. Commands that only read files load no more than this."""

from typing import Any

from afina.errors import InputError
from afina.settings import read_train_settings

DEFAULT_MINUTES = 10.0


def label_columns(label: str) -> tuple[str, ...]:
    """`a, b+c` → ("a", "b+c"): a comma parts fields, a plus joins columns into one label.

    Raises:
        InputError: a name is empty or there twice.
    """
    fields = tuple("+".join(part.strip() for part in name.split("+")) for name in label.split(","))
    if any(not part for name in fields for part in name.split("+")) or len(set(fields)) != len(fields):
        raise InputError(
            f"--label {label!r}: an empty or repeated column name", remedy="e.g. --label intent or --label topic,intent"
        )
    return fields


def flags_of(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as settings."""
    given = {
        "task": {
            "kind": options["kind"],
            "text": options["text"],
            "fields": list(label_columns(options["label"])) if options["label"] else None,
            "prompt": options["system"],
            "instructions": options["instructions"],
            "answer_schema": options["schema"],
            "metrics": list(options["metrics"]) or None,
        },
        "base": {"model": options["base"]},
        "export": {"quantisation": options["quant"]},
        "privacy": {"canaries": options["canaries"], "scrub": options["scrub"]},
    }
    train: dict[str, Any] = read_train_settings(options["config"]).model_dump() if options["config"] else {}
    minutes = options["minutes"] if options["minutes"] is not None or options["recipe"] else DEFAULT_MINUTES
    if minutes is not None:
        train = {**train, "training": {**train.get("training", {}), "minutes": minutes}}
    flags: dict[str, Any] = {
        section: {name: value for name, value in values.items() if value is not None}
        for section, values in given.items()
    }
    return {**flags, "train": train, **({"recipe": options["recipe"]} if options["recipe"] else {})}
