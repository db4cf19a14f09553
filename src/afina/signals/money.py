"""Rules that a reply about money in Chile is held to (document 002, part 7): formats of pesos and UF, sums, dates, categories, and two policies.

Each finding has the id of its rule. Some can be put right without a model: a peso amount's points, a UF's comma, a wrong total, a missing
disclaimer. A date that does not exist or an unknown category is only reported: nobody knows which one was meant.
"""

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import regex

from afina.signals.turn import fold

MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
)  # fmt: skip
OTHER_NAMES = {"setiembre": 9}
LEAP_YEAR = 2024
"""Stands for a date without a year: 29 February may exist."""
PESO = regex.compile(r"(?<![\w.,])\$\s?(\d[\d.,]*\d|\d)(?![\w])")
UF = regex.compile(r"(?i)(?<!\w)UF\s?(\d[\d.,]*\d|\d)(?!\w)|(?<![\w.,])(\d[\d.,]*\d|\d)\s?UF(?!\w)")
GOOD_PESO = regex.compile(r"\d{1,3}(\.\d{3})*")
GOOD_UF = regex.compile(r"\d{1,3}(\.\d{3})*(,\d{1,4})?|\d+,\d{1,4}|\d{1,3}")
SUM = regex.compile(r"\$\s?[\d.]+(?:\s*[+-]\s*\$?\s?[\d.]+)+\s*=\s*\$\s?(?P<total>[\d.]*\d)")
TERM = regex.compile(r"(?P<sign>[+-])?\s*\$?\s?(?P<amount>\d[\d.]*)")
DATE = regex.compile(r"(?<!\d)(\d{1,2})[/-](\d{1,2})(?:[/-](\d{4}|\d{2}))?(?![\d/-])")
WORDED = regex.compile(r"(?i)(?<!\d)(\d{1,2}) de (\p{L}{3,12})(?: (?:de|del) (\d{4}))?")
CATEGORY = regex.compile(
    r"(?i)categor[ií]a:?\s+[«\"'“]?(\p{L}[\p{L} ]{1,30}?)[»\"'”]?(?=[.,;:!?\n)]|$| (?:por|con|y|de|este|esta|en) )"
)
ADVICE = r"te (recomiendo|aconsejo|sugiero)|deberias|debes|conviene|compra|invierte|mete|pon"
ASSETS = r"acciones|cripto\w*|bitcoin|ethereum|etf|fondos? mutuos?|forex|opciones|bonos?"
PROMISES = r"va a subir|van a subir|es seguro que|rentabilidad asegurada|no puedes perder"
INVESTING = regex.compile(
    rf"\b({ADVICE})\b[^.!?\n]{{0,60}}?\b({ASSETS})\b|\b({ASSETS})\b[^.!?\n]{{0,40}}\b({PROMISES})\b"
)
ADVISED = regex.compile(
    r"\b(invertir|inversion\w*|credito\w*|prestamo\w*|hipotecari\w*|acciones|fondos? mutuos?|afp|apv)\b"
)
DENIED = regex.compile(r"\b(no|nunca|jamas)\b[^.!?\n]{0,25}$")


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a text broke: its id, the words, what they were replaced by ("" = nothing was), and whether the words may not be said at all."""

    rule: str
    words: str
    repair: str = ""
    forbids: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Which rules apply, and what they need to know."""

    rules: Sequence[str]
    categories: Sequence[str] = ()
    disclaimer: str = ""


Rule = Callable[[str, Checks], list[Finding]]


def findings(text: str, checks: Checks) -> list[Finding]:
    """Everything that a text breaks.

    Raises:
        KeyError: no such rule.
    """
    return [finding for name in checks.rules for finding in RULES[name](text, checks)]


def repaired(text: str, found: Sequence[Finding]) -> str:
    """The text with everything put right that can be."""
    for finding in found:
        if finding.repair:
            text = (
                text.replace(finding.words, finding.repair) if finding.words else f"{text.rstrip()}\n\n{finding.repair}"
            )
    return text


def peso(text: str, _: Checks) -> list[Finding]:
    """Pesos have no cents, and a point every three digits: $12.990."""
    found = []
    for match in PESO.finditer(text):
        written = match[1]
        if GOOD_PESO.fullmatch(written):
            continue
        amount = pesos(written)
        found.append(Finding("format.clp", match[0], f"${grouped(amount)}" if amount is not None else ""))
    return found


def pesos(written: str) -> int | None:
    """What was meant; None where that is not clear. 12990, 12,990, 12.990,00 and 12,990.00 are the same amount."""
    plain = (
        regex.sub(r"[.,]\d{2}$", "", written) if regex.search(r"[.,]\d{3}[.,]\d{2}$|^\d+[.,]00$", written) else written
    )
    if regex.fullmatch(r"\d+|\d{1,3}([.,]\d{3})+", plain):
        return int(regex.sub("[.,]", "", plain))
    return None


def grouped(amount: int) -> str:
    """With a point every three digits."""
    return f"{amount:,}".replace(",", ".")


def uf(text: str, _: Checks) -> list[Finding]:
    """UF have a comma before their decimals: UF 3,45."""
    found = []
    for match in UF.finditer(text):
        written = match[1] or match[2]
        if GOOD_UF.fullmatch(written):
            continue
        clear = regex.fullmatch(r"(\d{1,3}(?:,\d{3})*|\d+)\.(\d{1,2}|\d{4})", written)  # three digits may be thousands
        right = f"{grouped(int(clear[1].replace(',', '')))},{clear[2]}" if clear else ""
        found.append(Finding("format.uf", match[0], match[0].replace(written, right) if right else ""))
    return found


def total(text: str, _: Checks) -> list[Finding]:
    """A sum that is written out must be right."""
    found = []
    for match in SUM.finditer(text):
        left = match[0].rpartition("=")[0]
        terms = [
            (-1 if term["sign"] == "-" else 1) * int(term["amount"].replace(".", "")) for term in TERM.finditer(left)
        ]
        if (right := sum(terms)) != int(match["total"].replace(".", "")):
            amount = f"${grouped(abs(right))}" if right >= 0 else f"-${grouped(-right)}"
            found.append(Finding("sum.wrong", match[0], f"{left.rstrip()} = {amount}"))
    return found


def date(text: str, _: Checks) -> list[Finding]:
    """A date must exist: day before month, as in Chile."""
    found = []
    for match in DATE.finditer(text):
        year = int(match[3]) if match[3] else LEAP_YEAR
        if not exists(int(match[1]), int(match[2]), year + 2000 if year < 100 else year):
            found.append(Finding("date.impossible", match[0]))
    for match in WORDED.finditer(text):
        month = month_of(match[2])
        if month and not exists(int(match[1]), month, int(match[3] or LEAP_YEAR)):
            found.append(Finding("date.impossible", match[0]))
    return found


def exists(day: int, month: int, year: int) -> bool:
    """Whether the calendar has that day."""
    return 1 <= month <= 12 and 1 <= year <= 9999 and 1 <= day <= calendar.monthrange(year, month)[1]


def month_of(name: str) -> int:
    """1 to 12; 0 for what is no month."""
    word = fold(name)
    return MONTHS.index(word) + 1 if word in MONTHS else OTHER_NAMES.get(word, 0)


def month(text: str, _: Checks) -> list[Finding]:
    """Where a year follows, the word before it must be a month."""
    return [
        Finding("month.unknown", match[0]) for match in WORDED.finditer(text) if match[3] and not month_of(match[2])
    ]


def category(text: str, checks: Checks) -> list[Finding]:
    """Only categories that there are."""
    known = {fold(name) for name in checks.categories}
    if not known:
        return []
    return [
        Finding("category.unknown", match[1].strip())
        for match in CATEGORY.finditer(text)
        if fold(match[1].strip()) not in known
    ]


def investment(text: str, _: Checks) -> list[Finding]:
    """No advice to buy something specific, and no promised gain."""
    plain = fold(text)
    return [
        Finding("policy.investment", match[0], forbids=True)
        for match in INVESTING.finditer(plain)
        if not DENIED.search(plain[: match.start()])
    ]


def disclaimer(text: str, checks: Checks) -> list[Finding]:
    """Who speaks of investing or credit says the disclaimer."""
    if not checks.disclaimer or fold(checks.disclaimer) in fold(text) or not ADVISED.search(fold(text)):
        return []
    return [Finding("policy.disclaimer", "", checks.disclaimer)]


RULES: dict[str, Rule] = {
    "clp": peso,
    "uf": uf,
    "sum": total,
    "date": date,
    "month": month,
    "category": category,
    "investment": investment,
    "disclaimer": disclaimer,
}
