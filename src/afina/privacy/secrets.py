"""Keys, tokens, private keys and passwords. The forms of keys are data (`secrets.toml`); a password is what somebody says is one."""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources

from afina.privacy.finding import Finding, Kind
from afina.privacy.plain import Plain, any_of

WORD = any_of(
    r"""
    password passwd passphrase passcode contrasena contra~sena contra(?=~(?:es|era|sigue)\b|:) nip
    clave(?:~(?:secreta|dinamica|unica|wifi|de~acceso|del?~\w+))? pass pwd pin codigo~pin cvv cvc cvv2 api[~_-]?key apikey api[~_-]?token
    access[~_-]?token auth[~_-]?token secret(?:[~_-]?key)? client[~_-]?secret token codigo~de~(?:verificacion|seguridad) coordenadas
    """
)
SAID = re.compile(
    rf"(?<![\w-])(?:\w{{1,30}}[_-])?{WORD}(?: (?:del?|de la|para|para el|for|of|de mi|al) (?:\w{{1,15}} ?){{1,3}})?[\"']?"
    rf"(?P<how> ?(?:=>|->|→|:=|=|:) ?| (?:(?:es|era|is|was|puse|son|sigue siendo|quedo en|quedo como|quedo)"
    rf"(?: la| el| esta| este)?)(?: ?:)? )[\"'`«“(]?"
    rf"(?P<value>[^\s\"'`«»“”,;]{{3,200}})"
)
ASSIGNED = frozenset({"=", ":", ":=", "=>", "->", "→"})
QUOTED = re.compile(
    rf"(?<![\w-]){WORD}(?: \w{{1,12}}){{0,4}}[ :=]{{1,3}}[\"'`«“](?P<value>[^\"'`»”\n]{{3,60}})[\"'`»”]"
)
NUMBERED = re.compile(
    r"(?<![\w-])(?P<word>pin|clave|cvv|cvc|cvv2|codigo de (?:verificacion|seguridad)|password|contrasena|"
    r"pass)(?: (?:del? \w{1,15}|nueva|actual))? (?P<value>\d{3,8})(?![\w.,]\d|\w)"
)
FILLER = any_of(
    r"""
    a al del? la el los portal correo cuenta banco app pagina sitio web unica nueva actual antigua que puse use tengo pusieron fue es era sigue
    siendo en y o misma mismo siempre te dejo paso anota ojo cajero tarjeta cel celular casa wifi invitados internet mi su tu ahora quedo como
    con secreta for of to the my is was new old account wi-fi
    """
)
NEXT = re.compile(
    rf"(?<![\w-]){WORD}(?: {FILLER}){{0,5}}(?P<how>:? |: ?|=)[\"'`«“]?(?P<value>[^\s\"'`«»“”,;]{{4,200}})"
)
"""A password that stands after its word without an "is": only what has letters and digits or signs together."""
MIXED = re.compile(r"(?=.*[a-z])(?=.*[\d_%#@$!&*+=?-])(?!.*(?:https?:|\.(?:com|cl|org|net)$)).+")
PIN = re.compile(r"\d{4,8}")
NOUN = re.compile(r"\b(?:la|el|un|una|the) \w+$")
"""La clave es la paciencia."""
STATE = re.compile(r"(?:ed|ada|ado|ida|ido|ing)$")
"""The PIN is blocked, la clave es conocida."""
DOOR = re.compile(
    r"\bcodigo (?:del? |de la )?(?:porton|puerta|acceso|reja|alarma|casillero|entrada|edificio|conserjeria|"
    r"ascensor|caja)(?: es| :|:)? ?(?P<value>#?\d{3,8}#?)(?!\w)"
)
NO_VALUE = frozenset(
    [
        "incorrecta",
        "incorrecto",
        "correcta",
        "correcto",
        "invalida",
        "invalido",
        "valida",
        "valido",
        "muy",
        "la",
        "el",
        "lo",
        "los",
        "las",
        "una",
        "un",
        "mi",
        "tu",
        "su",
        "que",
        "no",
        "esta",
        "este",
        "eso",
        "esa",
        "para",
        "por",
        "de",
        "del",
        "con",
        "sin",
        "nueva",
        "nuevo",
        "otra",
        "otro",
        "segura",
        "seguro",
        "facil",
        "dificil",
        "larga",
        "corta",
        "igual",
        "secreta",
        "personal",
        "obligatoria",
        "necesaria",
        "unica",
        "parte",
        "algo",
        "solo",
        "siempre",
        "nunca",
        "importante",
        "wrong",
        "invalid",
        "incorrect",
        "correct",
        "required",
        "missing",
        "not",
        "too",
        "the",
        "a",
        "an",
        "my",
        "your",
        "his",
        "her",
        "very",
        "null",
        "none",
        "true",
        "false",
        "undefined",
        "string",
        "expired",
        "vencida",
        "vencido",
        "bloqueada",
        "bloqueado",
        "mala",
        "malo",
        "donde",
        "cual",
        "como",
        "cuando",
        "porque",
        "si",
        "bien",
        "mal",
    ]
)


@lru_cache(maxsize=1)
def forms() -> tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...]:
    """(id, what must be in the text, pattern) of every key of a service."""
    raw = tomllib.loads(resources.files(__package__).joinpath("secrets.toml").read_text("utf-8"))
    return tuple((one["id"], tuple(one["has"]), re.compile(one["pattern"])) for one in raw["secret"])


def keys(plain: Plain) -> Iterator[Finding]:
    """Keys and tokens of services, and private keys."""
    if len(plain.text) < 16:
        return
    for name, needed, pattern in forms():
        if any(one in plain.text for one in needed):
            for match in pattern.finditer(plain.text):
                yield Finding(match.start(), match.end(), Kind.SECRET, f"secret.{name}")


def passwords(plain: Plain) -> Iterator[Finding]:
    """What follows a word for a password: after a colon or an equals sign anything, after "is" what looks like one."""
    for match in SAID.finditer(plain.low):
        start, end = match.span("value")
        value = plain.text[start:end].rstrip(".,;:!?)]}")
        if is_password(value, plain, end=start + len(value), assigned=match["how"].strip() in ASSIGNED):
            yield Finding(start, start + len(value), Kind.SECRET, "secret.said")
    for match in NEXT.finditer(plain.low):
        start, end = match.span("value")
        value = plain.text[start:end].rstrip(".,;:!?)]}")
        low = value.lower()
        if low not in NO_VALUE and (
            MIXED.fullmatch(low)
            or PIN.fullmatch(low)
            or (
                ":" in match["how"]
                and low.isalpha()
                and len(low) > 4
                and plain.low[end : end + 1] in {"", ".", "\n", ","}
            )
        ):
            yield Finding(start, start + len(value), Kind.SECRET, "secret.said")
    for match in QUOTED.finditer(plain.low):
        yield Finding(match.start("value"), match.end("value"), Kind.SECRET, "secret.said")
    for match in DOOR.finditer(plain.low):
        yield Finding(match.start("value"), match.end("value"), Kind.SECRET, "secret.said")
    for match in NUMBERED.finditer(plain.low):
        yield Finding(match.start("value"), match.end("value"), Kind.SECRET, "secret.said")


def is_password(value: str, plain: Plain, *, end: int, assigned: bool) -> bool:
    """Whether the words after "password is" are one: they have a digit, a sign or a capital inside, or the sentence ends with them."""
    low = value.lower()
    if len(value) < 3 or low in NO_VALUE or "://" in low:
        return False
    odd = any(not c.isalpha() for c in value) or (any(c.isupper() for c in value[1:]) and not value.isupper())
    ends = plain.low[end : end + 1] in {"", ".", "\n", ",", '"'} and not NOUN.search(
        plain.low[max(0, end - len(value) - 4) : end]
    )
    return odd or (ends and len(value) >= (3 if assigned else 5) and not STATE.search(low))
