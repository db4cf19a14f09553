"""Text that was damaged before it came here: decoded with the wrong code page, or with characters replaced.

By ftfy's heuristics, which are made to leave unusual but real text alone ("CAFÉ»", "NÃO").
"""

import regex
from ftfy import fix_encoding
from ftfy.badness import is_bad

REPLACED = regex.compile("[\x00\ufffd\u0080-\u009f]")
"""NUL, the replacement character, and C1 controls: what cp1252's quotes and € become when they are read as Latin-1."""


def damage(text: str) -> str:
    """What is wrong with a text's characters; empty if nothing is."""
    found = REPLACED.search(text)
    if found:
        return f"damaged characters (U+{ord(found[0]):04X})"
    return "damaged characters (read in a wrong encoding)" if undamaged(text) != text else ""


def undamaged(text: str) -> str:
    """What a text was before it was decoded with a wrong code page; the text itself where that did not happen."""
    return str(fix_encoding(text)) if is_bad(text) else text
