"""A false value that stands for a true one, the same one each time, by HMAC with the client's key.

RUT, phone and e-mail keep their form, because validators and metrics read it; others become a mark, `[PERSON-7K3Q9A]`. A pseudonym is itself never
taken for personal data: its RUT is of a range that nobody has (46 to 50 million: people end at 30, companies begin at 50), its phone begins with
+56 9 00, which no operator has, and its e-mail ends in `.invalid` (RFC 2606).
"""

import hmac
import re
from base64 import b32encode
from hashlib import sha256

from stdnum.cl import rut as rut_number

from afina.privacy.finding import Kind
from afina.privacy.plain import plain

FIRST_RUT, RUTS = 46_000_000, 4_000_000
PHONES = 10_000_000
MAIL_HOST = "anon.invalid"
MARK = re.compile(r"\[(?:[A-Z_]{2,20})(?:-[A-Z2-7]{6}(?:\.\d+)?)?\]")
"""`[RUT]` of a mask, `[PERSON-7K3Q9A]` of a pseudonym."""


def client_key(key: bytes, client: str) -> bytes:
    """The key of one client: what another client's key makes is another pseudonym."""
    return hmac.digest(key, f"client:{client}".encode(), "sha256")


def canonical(kind: Kind, value: str) -> str:
    """Equal for the same value however it is written."""
    low = plain(value).low
    if kind in {Kind.RUT, Kind.PHONE, Kind.CARD, Kind.ACCOUNT, Kind.SSN, Kind.IBAN}:
        bare = re.sub(r"[^0-9a-z]", "", low)
        return bare[-9:] if kind is Kind.PHONE else bare
    return " ".join(low.split())


def pseudonym(kind: Kind, value: str, key: bytes, again: int = 0) -> str:
    """What stands for a value. `again`: the next one, where the last one already stands for something else."""
    digest = hmac.new(key, f"{kind}\0{canonical(kind, value)}\0{again or ''}".encode(), sha256).digest()
    number = int.from_bytes(digest[:8])
    if kind is Kind.RUT:
        return as_rut(FIRST_RUT + number % RUTS, value)
    if kind is Kind.PHONE:
        return f"+56 9 00{number % PHONES:07d}"[:15]
    if kind is Kind.EMAIL:
        return f"{b32encode(digest[:5]).decode().lower()}@{MAIL_HOST}"
    same = hmac.new(key, f"{kind}\0{canonical(kind, value)}\0".encode(), sha256).digest()
    more = f".{again}" if again else ""
    return f"[{kind}-{b32encode(same[:5]).decode()[:6]}{more}]"


def as_rut(number: int, like: str) -> str:
    """A number with its check digit, with points and a dash where the true one has them."""
    digit = rut_number.calc_check_digit(str(number))
    body = f"{number:,}".replace(",", ".") if "." in like else str(number)
    return f"{body}{'-' if plain(like).text.count('-') else ''}{digit}"


def is_pseudonym(kind: Kind, value: str) -> bool:
    """Whether a value is one that `pseudonym` makes."""
    if kind is Kind.RUT:
        digits = re.sub(r"\D", "", value[:-1])
        return bool(digits) and FIRST_RUT <= int(digits) < FIRST_RUT + RUTS
    if kind is Kind.PHONE:
        return re.sub(r"\D", "", value).removeprefix("56").startswith("900")
    return kind is Kind.EMAIL and value.lower().endswith(MAIL_HOST)
