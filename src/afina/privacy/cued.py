"""Dates of birth and amounts of money: what is meant is said by the words beside them."""

import re
from collections.abc import Iterator

from afina.privacy.finding import Finding, Kind
from afina.privacy.plain import Plain, any_of

MONTH = (
    r"(?:ene(?:ro)?|feb(?:rero)?|mar(?:zo)?|abr(?:il)?|may(?:o)?|jun(?:io)?|jul(?:io)?|ago(?:sto)?|sep"
    r"(?:tiembre|t)?|set(?:iembre)?|oct(?:ubre)?|nov(?:iembre)?|dic(?:iembre)?|"
    r"jan(?:uary)?|february|march|apr(?:il)?|june|july|aug(?:ust)?|september|october|november|dec(?:ember)?)(?![a-z])\.?"
)
NUMBER_WORD = (
    r"(?:primero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|veinte|treinta)"
)
DATE = (
    rf"(?:\d{{1,2}}[/.-]\d{{1,2}}(?:[/.-](?:\d{{4}}|\d{{2}}))?|\d{{4}}[/.-]\d{{1,2}}[/.-]\d{{1,2}}|"
    rf"(?:\d{{1,2}}[°º]?|{NUMBER_WORD}) ?(?:de |/|-)? ?{MONTH}(?:,? ?(?:de |del |/|-)? ?(?:\d{{4}}|'?\d{{2}})(?!\d))?|"
    rf"{MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? ?(?:\d{{4}})?)(?![\d])"
)
BORN = any_of(
    r"""
    naci nacio nacid[oa]s? nacimiento nac\.? f\.?~?nac\w*\.? f\.?~?de~?n(?:ac)?\w*\.? fec\.?~?nac\w*\.? fecha~nac\w*\.? cumple(?:anos)?
    cumplo(?:~anos)? cumplio cumple~anos dob d\.o\.b\. born birth~?da(?:y|te) date~of~birth natalicio
    """
)
BIRTH = re.compile(rf"(?<!\w){BORN}(?!\w)[^\d\n.;?!]{{0,30}}?(?<!\w)({DATE})")
BIRTH_NEXT_LINE = re.compile(rf"(?<!\w)fecha (?:de )?nac\w*[ :.\n-]{{1,4}}({DATE})")
WHOLE = r"\d{1,3}(?:[.,]\d{3}){1,4}|\d{1,12}(?:[.,]\d{1,2})?"
AMOUNT = re.compile(
    rf"(?<![\w.,])(?:(?:clp|us|usd|\$|€)[ $]{{0,2}}(?:{WHOLE})(?![\d])(?: ?(?:mil|millones|millon|mm?|k|lucas|palos)\b)?|"
    rf"u\.?f\.? ?(?:{WHOLE})(?!\d)|(?:{WHOLE}) ?(?:u\.?f\.?|clp|pesos|luc(?:as?|ones|on|itas?)|luquitas?|"
    rf"palos?(?: y medio)?|mil pesos|millones(?: de pesos)?|millon(?: de pesos)?|mil lucas|dolares|usd|"
    rf"euros|gambas?|quinas?)(?!\w))"
)
WORDED = re.compile(
    r"(?<!\w)(?:un|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|quince|veinte|treinta|cuarenta|"
    r"cincuenta|cien|doscientas|quinientas|media) (?:lucas?|palos?|gambas?|quinas?|mil pesos)(?!\w)"
)


def births(plain: Plain) -> Iterator[Finding]:
    """Dates after a word for being born."""
    if not plain.has_digit and "de " not in plain.low:
        return
    for pattern in (BIRTH, BIRTH_NEXT_LINE):
        for match in pattern.finditer(plain.low):
            yield Finding(match.start(1), match.end(1), Kind.DATE_OF_BIRTH, "birth.cue")


def amounts(plain: Plain) -> Iterator[Finding]:
    """Pesos, UF and what people call them."""
    for pattern in (AMOUNT, WORDED):
        for match in pattern.finditer(plain.low):
            yield Finding(match.start(), match.end(), Kind.AMOUNT, "amount.form")
