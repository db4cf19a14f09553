"""What forty people said, for tests of all that follows from it."""

import csv
from pathlib import Path

from tests.tasks import unlike


def said(number: int) -> str:
    """A message like no other."""
    return f"{unlike(number)} quisiera saber algo del pedido {number * 7919}"


def write_people(path: Path) -> Path:
    """Forty users with three messages each, reviewed by one person."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "text", "user", "reviewer", "sentiment", "topic", "intent", "created_at"])
        for n in range(120):
            labels = ["ab"[n % 2], "cd"[n // 2 % 2], "ef"[n % 3 // 2]]
            out.writerow([n, said(n), f"u{n % 40}", "eva", *labels, f"2026-05-{1 + n % 28:02}"])
    return path
