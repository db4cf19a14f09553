"""Ways to reach a person or their machine: e-mail, phone, IP, URL."""

import ipaddress
import re
from collections.abc import Iterator

import phonenumbers

from afina.privacy.finding import Finding, Kind
from afina.privacy.ids import OTHER_NUMBER, before
from afina.privacy.plain import Plain

COUNTRY = "CL"
EMAIL = re.compile(r"(?<![\w.+-])[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,6}\w{2,24}(?![\w-])")
AT = r"(?: ?[(\[{<] ?(?:at|arroba|@) ?[)\]}>] ?| arroba | @ | at |@)"
DOT = r"(?: ?[(\[{] ?(?:dot|punto|\.) ?[)\]}] ?| punto | dot | \. |\.| \.|\. (?=com\b|cl\b|net\b|org\b))"
SPOKEN = re.compile(
    rf"(?<![\w.+-])[\w+-]{{1,64}}(?:(?:{DOT}| guion bajo | guion )[\w+-]{{1,64}}){{0,4}}{AT}[\w-]{{1,63}}(?:{DOT}[a-z][\w-]{{1,30}}){{1,3}}(?!\w)"
)
"""juan arroba gmail punto com, juan (at) gmail . com"""
URL = re.compile(r"(?<![\w@])(?:[a-z][a-z0-9+]{1,9}://|www\.)[^\s<>\"'«»\x00-\x1f]{1,4000}")
BARE_URL = re.compile(r"(?<![\w@./-])(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,10}/[^\s<>\"'«»]{1,2000}")
TOKEN = re.compile(
    r"[?&#;/](?:[\w.-]{0,30}(?:token|key|secret|passw(?:or)?d|pwd|clave|session|sid|sig(?:nature)?|auth|"
    r"jwt|code|otp|credential|access)[\w.-]{0,30})=[^&\s]{4,}|"
    r"://[^/\s:@]{1,100}:[^/\s@]{1,200}@"
)
IPV4 = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w]|\.\d)")
IPV6 = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])")
VERSION = re.compile(
    r"(?:\bv|versi\w*|\brelease|\bbuild|firmware|\bdriver|\bpython|\bsoftware|\bapp|\bcapitulo|\bseccion|"
    r"\bsection|\bchapter)\.? ?:?(?: es)?(?: la)? ?$"
)
PHONE = re.compile(r"(?<![\w.$/+-])(?<!\d[ ,])(?:\+|00)?\(?\d(?:[ ().\-/]{0,3}\d){6,16}(?!\w|[.,]\d|[-/]\d)")
DOTTED = re.compile(r"9\.\d{4}\.\d{4}")
PHONE_CUE = re.compile(
    r"(?:fono|telefono|\btel|celu?\w*|movil|whats?app|wsp|wa?sap\w*|guasap|llama\w*|llame\w*|llamen|contacto|"
    r"contactar\w*|marca\w*|(?:mi|su|al|este|mismo|otro) numero(?: es)?|phone|call|mobile|cell|anexo|fijo|"
    r"text me|reach me|tlf\w*|fax)\b[^\d\n]{0,30}$"
)


def emails(plain: Plain) -> Iterator[Finding]:
    """E-mail addresses, also spoken ones and with letters of other scripts in them."""
    if "@" in plain.text:
        for match in EMAIL.finditer(plain.latin):
            yield Finding(match.start(), match.end(), Kind.EMAIL, "email.form")
    if "@" in plain.text or "arroba" in plain.low or " at " in plain.low or "at)" in plain.low or "at]" in plain.low:
        for match in SPOKEN.finditer(plain.latin):
            if (
                "@" in match[0]
                or "arroba" in match[0]
                or " dot " in match[0]
                or "(" in match[0]
                or "[" in match[0]
                or ".com" in match[0]
            ):
                yield Finding(match.start(), match.end(), Kind.EMAIL, "email.spoken")


def urls(plain: Plain) -> Iterator[Finding]:
    """URLs: those that carry a token, a password or a session are secrets."""
    if "/" in plain.low and "=" in plain.low:
        for match in BARE_URL.finditer(plain.low):
            if TOKEN.search(match[0]):
                yield Finding(match.start(), match.end(), Kind.URL_TOKEN, "url.token")
    if "://" not in plain.low and "www." not in plain.low:
        return
    for match in URL.finditer(plain.low):
        words = match[0].rstrip(".,;:!?)]}…")
        kind, rule = (Kind.URL_TOKEN, "url.token") if TOKEN.search(words) else (Kind.URL, "url.form")
        yield Finding(match.start(), match.start() + len(words), kind, rule)


def addresses_of_machines(plain: Plain) -> Iterator[Finding]:
    """IP addresses; four numbers after a word for a version are one."""
    if "." in plain.text:
        for match in IPV4.finditer(plain.text):
            if not VERSION.search(before(plain, match.start())):
                yield Finding(match.start(), match.end(), Kind.IP, "ip.v4")
    if plain.low.count(":") > 1:
        for match in IPV6.finditer(plain.low):
            if is_ipv6(match[0]):
                yield Finding(match.start(), match.end(), Kind.IP, "ip.v6")


def is_ipv6(words: str) -> bool:
    """Whether it is one that somebody has; `::` alone is an operator."""
    try:
        return len(words) > 4 and bool(ipaddress.IPv6Address(words))
    except ValueError:
        return False


def phones(plain: Plain) -> Iterator[Finding]:
    """Phones, by phonenumbers: with a country code of any country, without one as they are dialled in Chile; after a cue, any of that length."""
    if not plain.has_digit:
        return
    for match in PHONE.finditer(plain.text):
        written, ahead = match[0], before(plain, match.start())
        digits = re.sub(r"\D", "", written)
        if not 7 <= len(digits) <= 15:
            continue
        rule = phone_rule(written, digits, cued=bool(PHONE_CUE.search(ahead)))
        if rule and (rule == "phone.country_code" or not OTHER_NUMBER.search(ahead)):
            start = match.start() + (1 if written.startswith("(") and ")" not in written else 0)
            yield Finding(start, match.end(), Kind.PHONE, rule)


def phone_rule(written: str, digits: str, *, cued: bool) -> str:
    """The rule that a number is a phone by; empty if it is none."""
    if written.startswith(("+", "00")):
        return "phone.country_code" if is_phone("+" + digits.removeprefix("00"), None, strictly=False) else ""
    if digits.startswith("569") and len(digits) == 11:
        return "phone.country_code"
    if cued:
        return "phone.cue"
    if ("." in written or "/" in written) and not DOTTED.fullmatch(written):
        return ""
    national = digits.removeprefix("0") if digits.startswith("09") else digits
    return "phone.national" if len(national) == 9 and is_phone(national, COUNTRY, strictly=True) else ""


def is_phone(written: str, country: str | None, *, strictly: bool) -> bool:
    """Whether a number is one that the country's plan has, or (not strictly) could have."""
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number) if strictly else phonenumbers.is_possible_number(number)
