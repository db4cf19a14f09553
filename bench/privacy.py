"""How much personal data does `afina scrub` find, what does it take for personal data that is none, and how fast; Presidio beside it.

    python -m bench.privacy [--data ../shared/data] [--without-peer]

Texts: Presidio's own synthetic sentences (`pii_presidio_en`), RUT vectors (`rut_chile`), and sentences from Chile (`bench/data/pii_es_cl.jsonl`,
see the README there). A span is found where findings cover half of it; a finding is right where marked spans cover half of it.

Prints one JSON line. Structured = card, e-mail, IBAN, IP, URL, SSN, RUT, secrets, phones with a country code, of all texts together:
`recall_structured`, `precision_structured`, and of the held-out half of the Chilean sentences alone `recall_structured_held_out`. Names and addresses
of the Chilean ones: `recall_names`, `precision_names`, `recall_address`, `precision_address`, and the same with `_held_out`; `flagged_harmless`,
share of the harmless ones in which anything is found (amounts, which stay by default, aside). `by_type`: type →
[found, marked] over the Chilean sentences. `texts_per_s`: of the Chilean sentences on one core, median of `--rounds`. Presidio (2.2, pattern
recognisers of every country, no language model: nothing is downloaded) on the same texts: `presidio_recall_structured`,
`presidio_precision_structured`, `presidio_flagged_harmless`, `presidio_texts_per_s`.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import time
import venv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afina.privacy import find
from bench.peers import FOLDER

ROOT = Path(__file__).parents[1]
OWN = Path(__file__).parent / "data" / "pii_es_cl.jsonl"
PEER = FOLDER / "presidio"
PINNED = ("presidio-analyzer==2.2.366",)
PRESIDIO_TYPES = {
    "CREDIT_CARD": "CARD", "EMAIL_ADDRESS": "EMAIL", "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP", "DOMAIN_NAME": "URL", "US_SSN": "SSN",
    "PHONE_NUMBER": "PHONE", "PERSON": "PERSON", "STREET_ADDRESS": "ADDRESS", "URL": "URL",
}  # fmt: skip
STRUCTURED = frozenset({"CARD", "EMAIL", "IBAN", "IP", "URL", "URL_TOKEN", "SSN", "RUT", "SECRET"})
Span = tuple[str, int, int]
"""Type, first character, character after the last."""

PROGRAM = """
import json, sys, time
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NoOpNlpEngine

languages = ["es", "en"]
engine = NoOpNlpEngine(models=[{"lang_code": one, "model_name": "none"} for one in languages])
engine.load()
registry = RecognizerRegistry(supported_languages=languages)
registry.load_predefined_recognizers(languages=languages)
registry.remove_recognizer("SpacyRecognizer")
analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=languages)
texts = json.load(open(sys.argv[1]))
found, began = [], time.process_time()
for language, text in texts:
    spans = [(one.entity_type, one.start, one.end) for one in analyzer.analyze(text=text, language=language)]
    if language == "es":
        spans += [(one.entity_type, one.start, one.end) for one in analyzer.analyze(text=text, language="en")]
    found.append(spans)
json.dump({"found": found, "seconds": time.process_time() - began}, open(sys.argv[2], "w"))
"""
"""Spanish texts are read with the recognisers of both languages: those for cards and phones of English only would be missing otherwise."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with what is to be found in it."""

    text: str
    spans: tuple[Span, ...]
    language: str
    held_out: bool = False
    harmless: bool = False
    own: bool = False


def own_texts() -> list[Marked]:
    """The sentences from Chile."""
    found = []
    for line in OWN.read_text("utf-8").splitlines():
        row = json.loads(line)
        spans = tuple((kind, start, end) for kind, start, end in row["spans"])
        found.append(
            Marked(
                text=row["text"].replace("\u2060", ""),
                spans=spans,
                language="es",
                held_out=row["split"] == "held_out",
                harmless=row.get("negative", False),
                own=True,
            )
        )
    return found


def presidio_texts(data: Path) -> list[Marked]:
    """Presidio's sentences."""
    rows = json.loads((data / "pii_presidio_en" / "synth_dataset_v2_part.json").read_text("utf-8"))
    return [
        Marked(
            text=row["full_text"],
            spans=tuple(
                (PRESIDIO_TYPES.get(one["entity_type"], "OTHER"), one["start_position"], one["end_position"])
                for one in row["spans"]
            ),
            language="en",
        )
        for row in rows
    ]


def rut_texts(data: Path) -> list[Marked]:
    """RUT vectors: valid ones are to be found, invalid ones not."""
    with (data / "rut_chile" / "rut_vectors.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["valid"]]
    return [
        Marked(row["input"], (("RUT", 0, len(row["input"])),) if row["valid"] == "true" else (), "es") for row in rows
    ]


def is_structured(span: Span, text: str) -> bool:
    """Whether a span counts among the structured ones; of phones those with a country code."""
    kind, start, end = span
    return kind in STRUCTURED or (kind == "PHONE" and text[start:end].startswith("+"))


def covered(span: Span, others: Sequence[Span]) -> bool:
    """Whether others cover half of a span."""
    _, start, end = span
    return sum(max(0, min(end, b) - max(start, a)) for _, a, b in others) >= 0.5 * (end - start)


def shares(
    texts: Sequence[Marked], found: Sequence[Sequence[Span]], kinds: frozenset[str] | None
) -> tuple[float, float]:
    """Recall and precision over texts; `kinds` None = the structured ones."""
    hits = marked = right = seen = 0
    for one, spans in zip(texts, found, strict=True):
        for span in one.spans:
            if is_structured(span, one.text) if kinds is None else span[0] in kinds:
                marked += 1
                hits += covered(span, spans)
        for span in spans:
            if is_structured(span, one.text) if kinds is None else span[0] in kinds:
                seen += 1
                right += covered(span, one.spans)
    return hits / max(1, marked), right / max(1, seen)


def flagged(texts: Sequence[Marked], found: Sequence[Sequence[Span]]) -> float:
    """Share of the harmless texts in which anything is found."""
    harmless = [[s for s in spans if s[0] != "AMOUNT"] for one, spans in zip(texts, found, strict=True) if one.harmless]
    return sum(map(bool, harmless)) / len(harmless)


def by_type(texts: Sequence[Marked], found: Sequence[Sequence[Span]]) -> dict[str, list[int]]:
    """Type → [found, marked] over the Chilean sentences."""
    hits: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    for one, spans in zip(texts, found, strict=True):
        for span in one.spans if one.own else ():
            marked[span[0]] += 1
            hits[span[0]] += covered(span, spans)
    return {kind: [hits[kind], total] for kind, total in sorted(marked.items())}


def ours(texts: Sequence[Marked], rounds: int) -> tuple[list[list[Span]], float]:
    """Our findings, and texts a second over the Chilean ones."""
    found: list[list[Span]] = [[(one.type.value, one.start, one.end) for one in find(text.text)] for text in texts]
    own = [one.text for one in texts if one.own]
    rates = []
    for _ in range(rounds):
        began = time.process_time()
        for text in own:
            find(text)
        rates.append(len(own) / (time.process_time() - began))
    return found, statistics.median(rates)


def presidio(texts: Sequence[Marked]) -> tuple[list[list[Span]], float]:
    """Its findings, and texts a second."""
    python = PEER / "bin" / "python"
    if not (PEER / ".installed").exists():
        sys.stderr.write(f"installing {', '.join(PINNED)} into {PEER}\n")
        venv.create(PEER, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINNED], check=True)
        (PEER / ".installed").touch()
    given, taken = PEER / "texts.json", PEER / "found.json"
    given.write_text(json.dumps([[one.language, one.text] for one in texts]), "utf-8")
    subprocess.run([python, "-c", PROGRAM, given, taken], check=True, stderr=subprocess.DEVNULL)
    answer: dict[str, Any] = json.loads(taken.read_text("utf-8"))
    found = [[(PRESIDIO_TYPES.get(kind, "OTHER"), a, b) for kind, a, b in spans] for spans in answer["found"]]
    return found, len(texts) / answer["seconds"]


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-peer", action="store_true")
    options = parser.parse_args()
    texts = [*own_texts(), *presidio_texts(options.data), *rut_texts(options.data)]
    found, rate = ours(texts, options.rounds)
    result: dict[str, Any] = {"texts": len(texts)}
    held = [at for at, one in enumerate(texts) if one.held_out]
    own = [at for at, one in enumerate(texts) if one.own]
    parts = {"": (range(len(texts)), own), "_held_out": (held, held)}
    for end, (every, chilean) in parts.items():
        all_texts, all_found = [texts[at] for at in every], [found[at] for at in every]
        own_t, own_f = [texts[at] for at in chilean], [found[at] for at in chilean]
        result[f"recall_structured{end}"], result[f"precision_structured{end}"] = shares(all_texts, all_found, None)
        result[f"recall_names{end}"], result[f"precision_names{end}"] = shares(own_t, own_f, frozenset({"PERSON"}))
        result[f"recall_address{end}"], result[f"precision_address{end}"] = shares(own_t, own_f, frozenset({"ADDRESS"}))
        result[f"flagged_harmless{end}"] = flagged(own_t, own_f)
    result |= {"by_type": by_type(texts, found), "texts_per_s": round(rate)}
    if not options.without_peer:
        theirs, their_rate = presidio(texts)
        recall, precision = shares(texts, theirs, None)
        result |= {
            "presidio_recall_structured": recall,
            "presidio_precision_structured": precision,
            "presidio_flagged_harmless": flagged(texts, theirs),
            "presidio_texts_per_s": round(their_rate),
        }
    sys.stdout.write(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in result.items()}) + "\n")


if __name__ == "__main__":
    main()
