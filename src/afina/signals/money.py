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
AMOUNT = r"\d[\d.,]{0,30}\d|\d"
PESO = regex.compile(rf"(?<![\w.,])\$\s?({AMOUNT})(?![\w])(?!\s*(?:mil|millon|M\b|MM))")
UF = regex.compile(rf"(?i)(?<!\w)UF\s?({AMOUNT})(?!\w)|(?<![\w.,])({AMOUNT})\s?UF(?!\w)")
GOOD_PESO = regex.compile(r"\d{1,3}(\.\d{3})*")
GOOD_UF = regex.compile(r"\d{1,3}(\.\d{3})*(,\d{1,4})?|\d+,\d{1,4}|\d{1,3}")
PART = r"\$\s?\d[\d.]{0,30}"
SUM = regex.compile(
    rf"(?<![-+*/×x÷%]\s*)(?<!\bde\s+){PART}(?:\s*[+-]\s*(?:\$\s?)?\d[\d.]{{0,30}})+\s*=\s*\$\s?(?P<total>\d[\d.]{{0,30}}\d|\d)"
)
"""A sum from its first term: what is multiplied, a share of something or below zero is left alone."""
TERM = regex.compile(r"(?P<sign>[+-])?\s*(?:\$\s?)?(?P<amount>\d[\d.]*)")
DATE = regex.compile(
    r"(?<![\d/-])(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?![\d/-])|(?<=\b(?:el|al|del|hasta)\s)(\d{1,2})[/-](\d{1,2})(?![\d/-])"
)
"""With a year of four digits, or after a word that comes before dates: 24-48 horas and 50/30/20 are none."""
WORDED = regex.compile(r"(?i)(?<!\d)(\d{1,2}) de (\p{L}{3,12})(?: (?:de|del) (\d{4}))?")
QUOTED = r"[«\"'“](?P<quoted>\p{L}[\p{L} ]{1,30})[»\"'”]"
UNQUOTED = r"(?!que\b|donde\b)(?P<plain>\p{L}{2,30}(?: \p{L}{2,20})?)(?=[.,;:!?\n)]|$)"
CATEGORY = regex.compile(rf"(?i)categor[ií]a:?\s+(?:{QUOTED}|{UNQUOTED})")
BUYING = r"comprar|invertir|meter|poner|adquirir|compres|inviertas|metas|pongas"
ADVICE = rf"(te (recomiendo|aconsejo|sugiero)|deberias|debes|conviene)\b[^.!?\n]{{0,40}}?\b({BUYING})"
ORDER = r"compra|invierte|mete|pon|adquiere"
ASSETS = r"acciones|cripto\w*|bitcoin|ethereum|etf|fondos? mutuos?|forex|bonos?|opciones financieras"
PROMISES = r"va a subir|van a subir|es seguro que|rentabilidad asegurada|no puedes perder"
INVESTING = regex.compile(
    rf"\b({ADVICE}|{ORDER})\b[^.!?\n]{{0,40}}?\b({ASSETS})\b|\b({ASSETS})\b[^.!?\n]{{0,40}}\b({PROMISES})\b"
)
ADVISED = regex.compile(r"\b(invertir|inversion\w*|credito\w*|prestamo\w*|hipotecari\w*|fondos? mutuos?|afp|apv)\b")
DENIED = regex.compile(r"\b(no|nunca|jamas)\b[^.!?\n]{0,25}$")


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a text broke: its id, the words and where they stand, what may stand in their place ("" = nobody knows), and whether they may not
    be said at all. Without words: what is missing, to be added at the end.
    """

    rule: str
    words: str
    at: int = 0
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


def repaired(text: str, checks: Checks) -> tuple[str, list[Finding]]:
    """The text with everything put right that can be, and what was found on the way: each rule reads what the ones before it left, so that a sum is
    added up after its amounts are written right.

    Raises:
        KeyError: no such rule.
    """
    every: list[Finding] = []
    for name in checks.rules:
        found = RULES[name](text, checks)
        for one in sorted(found, key=lambda one: one.at, reverse=True):
            if one.repair and one.words:
                text = text[: one.at] + one.repair + text[one.at + len(one.words) :]
            elif one.repair:
                text = f"{text.rstrip()}\n\n{one.repair}"
        every += found
    return text, every


def peso(text: str, _: Checks) -> list[Finding]:
    """Pesos have no cents, and a point every three digits: $12.990."""
    found = []
    for match in PESO.finditer(text):
        written = match[1]
        if GOOD_PESO.fullmatch(written):
            continue
        amount = pesos(written)
        right = f"${grouped(amount)}" if amount is not None else ""
        found.append(Finding("format.clp", match[0], match.start(), right))
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
        found.append(Finding("format.uf", match[0], match.start(), match[0].replace(written, right) if right else ""))
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
            found.append(Finding("sum.wrong", match[0], match.start(), f"{left.rstrip()} = {amount}"))
    return found


def date(text: str, _: Checks) -> list[Finding]:
    """A date must exist: day before month, as in Chile."""
    found = []
    for match in DATE.finditer(text):
        day, month_, year = (match[1], match[2], match[3]) if match[3] else (match[4], match[5], LEAP_YEAR)
        if not exists(int(day), int(month_), int(year)):
            found.append(Finding("date.impossible", match[0], match.start()))
    for match in WORDED.finditer(text):
        named = month_of(match[2])
        if named and not exists(int(match[1]), named, int(match[3] or LEAP_YEAR)):
            found.append(Finding("date.impossible", match[0], match.start()))
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
        Finding("month.unknown", match[0], match.start())
        for match in WORDED.finditer(text)
        if match[3] and not month_of(match[2])
    ]


def category(text: str, checks: Checks) -> list[Finding]:
    """Only categories that there are."""
    known = {fold(name) for name in checks.categories}
    if not known:
        return []
    named = [(match["quoted"] or match["plain"], match.start()) for match in CATEGORY.finditer(text)]
    return [Finding("category.unknown", name, at) for name, at in named if fold(name.strip()) not in known]


def investment(text: str, _: Checks) -> list[Finding]:
    """No advice to buy something specific, and no promised gain."""
    plain = fold(text)
    return [
        Finding("policy.investment", match[0], match.start(), forbids=True)
        for match in INVESTING.finditer(plain)
        if not DENIED.search(plain[: match.start()])
    ]


def disclaimer(text: str, checks: Checks) -> list[Finding]:
    """Who speaks of investing or credit says the disclaimer."""
    if not checks.disclaimer or fold(checks.disclaimer) in fold(text) or not ADVISED.search(fold(text)):
        return []
    return [Finding("policy.disclaimer", "", len(text), checks.disclaimer)]


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
