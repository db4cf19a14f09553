"""Bytes → text. What is certain is read and said (byte order marks, UTF-8); what would be a guess is refused with the line.

An 8-bit file does not say its code page: read as the wrong one it becomes another text without any error. Where only Windows' page gives every
character a place in western writing, that is certain; otherwise it is refused, with what the most likely pages would make of the line.
"""

import codecs
import itertools
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from afina.errors import InputError

NOTICES = logging.getLogger("afina.notice")
"""What a person should know although nothing failed; the command line prints it."""
MAX_LINE_CHARACTERS = 1_000_000
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),  # before UTF-16: its mark begins with the same bytes
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"),
)  # fmt: skip
CODE_PAGES = {"cp1252": "Windows, western Europe", "mac_roman": "older Macs", "cp850": "DOS"}
WESTERN = frozenset("áéíóúñüçãõâêôàèòëïÁÉÍÓÚÑÜÇÃÕÂÊÔÀÈ¿¡“”‘’–—…•€°ºª«»´·\xa0®©£½¼")
"""What such writing has beyond ASCII."""
LIKE_UTF8 = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
"""What is written as UTF-8 writes a character: a file that has this and is not UTF-8 is a damaged one."""
FIRST_HIGH = 0x80
SNIFFED_LINES = 5000
SHOWN = 40
HALF = re.compile("[\ud800-\udfff]")


def encoding_of(path: Path) -> str:
    """The encoding that a file's first bytes prove; `utf-8` where they prove nothing."""
    if not path.is_file():  # a pipe cannot be read twice
        return "utf-8"
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 8 and min(even, odd) == 0:  # letters of western scripts: every second byte is 0
        return "utf-16-le" if odd else "utf-16-be"
    return "cp1252" if is_windows(path) else "utf-8"


def is_windows(path: Path) -> bool:
    """Whether a file that is not UTF-8 is certainly of Windows' western code page: read so, every character is one that Spanish, Portuguese,
    French or English writing has where it stands, and read as an older Mac's or as DOS's some are not.
    """
    with path.open("rb") as file:
        pieces = itertools.islice(iter(lambda: file.readline(MAX_LINE_CHARACTERS), b""), SNIFFED_LINES)
        lines = [line for line in pieces if max(line) >= FIRST_HIGH]
    if not lines or all(is_utf8(line) for line in lines) or any(LIKE_UTF8.search(line) for line in lines):
        return False
    strange = {page: sum(strangeness(line.decode(page, "replace")) for line in lines) for page in CODE_PAGES}
    return strange["cp1252"] == 0 and all(found > 0 for page, found in strange.items() if page != "cp1252")


def is_utf8(line: bytes) -> bool:
    """Whether a line is UTF-8."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def strangeness(text: str) -> int:
    """Characters beyond ASCII that do not belong where they stand: none of a western letter or sign, or a capital after a small letter."""
    return sum(
        c not in WESTERN
        or (c.isupper() and before.islower())
        or (c in "’—–" and before.isalpha() and after.isalpha() and not after.islower())
        or (c in "—–€" and before.isalpha() and after.isalpha())
        for before, c, after in zip(f" {text}", text, f"{text[1:]} ", strict=False)
        if ord(c) >= FIRST_HIGH
    )


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their ends and their numbers from 1, whatever ends them: LF, CR LF or CR.

    Raises:
        InputError: a line that cannot be decoded, is longer than a million characters, or holds NUL; names the line.
    """
    encoding = encoding_of(path)
    if encoding not in {"utf-8", "utf-8-sig"}:
        NOTICES.info("%s: read as %s", path, encoding.upper())
    # surrogateescape keeps an undecodable byte in its line, so that the line can be named; UTF-8 itself holds no surrogate.
    errors = "surrogateescape" if encoding.startswith("utf-8") else "surrogatepass"
    number = 0
    try:
        with path.open(encoding=encoding, errors=errors, newline="") as file:
            while line := file.readline(MAX_LINE_CHARACTERS + 1):
                number += 1
                require_readable(path, number, line, encoding)
                yield number, line
    except UnicodeDecodeError as exc:  # UTF-16 and UTF-32: what an escape cannot keep
        raise InputError(
            f"{path}, after line {number}: not {encoding.upper()} ({exc.reason})", remedy="save it anew as UTF-8"
        ) from exc


def require_readable(path: Path, number: int, line: str, encoding: str) -> None:
    """Refuse a line that is too long or not text.

    Raises:
        InputError: names the line and what is wrong with it.
    """
    where = f"{path}, line {number}"
    if len(line) > MAX_LINE_CHARACTERS:
        raise InputError(f"{where}: longer than {MAX_LINE_CHARACTERS:,} characters", remedy="is a line break missing?")
    if "\x00" in line:
        raise InputError(f"{where}: the character NUL", remedy="is this a text file? Save it anew as UTF-8")
    found = HALF.search(line)
    half = found.start() if found else None
    if half is not None and not encoding.startswith("utf-8"):
        raise InputError(
            f"{where}: half a character of {encoding.upper()} (character {half + 1})", remedy="save it anew as UTF-8"
        )
    if half is not None:
        raise InputError(f"{where}: not UTF-8 (character {half + 1})", remedy=code_page_remedy(path, line, half))


def code_page_remedy(path: Path, line: str, at: int) -> str:
    """How to convert the file: what each likely code page would make of the place that is not UTF-8."""
    raw = line[max(0, at - SHOWN // 2) : at + SHOWN // 2].encode("utf-8", "surrogateescape")
    readings = []
    for page, whose in CODE_PAGES.items():
        try:
            readings.append(f"{page} ({whose}): “{raw.decode(page).strip()}”")
        except (UnicodeDecodeError, UnicodeError):
            continue
    if not readings:
        return "save it anew as UTF-8"
    return (
        f"save it as UTF-8, or convert it with the code page that reads right here: {'; '.join(readings)}. "
        f"For the first: iconv -f {readings[0].split(' ')[0]} -t UTF-8 {path.name} > utf8-{path.name}"
    )


def read_text(path: Path) -> str:
    """A whole text file.

    Raises:
        InputError: see `numbered_lines`.
    """
    return "".join(line for _, line in numbered_lines(path))
