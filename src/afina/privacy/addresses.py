"""Street addresses as people in Chile write them, and in English: a word for a street or for living somewhere, a name, a number, and what follows it
(flat, house, block, town)."""

import re
from collections.abc import Iterator

from afina.privacy.finding import Finding, Kind
from afina.privacy.plain import Plain, any_of

STREET = any_of(
    r"""
    avenida avda?\.? ave\.? av\.? calle c/ pasaje psje\.? pje\.? psj\.? pas\. camino cam\. ruta diagonal alameda gran~avenida autopista
    carretera costanera callejon paseo boulevard bulevar circunvalacion cerro subida bajada escalera rotonda vereda
    """
)
WORD = r"(?:[a-z][\w'.-]{0,30}|\d{1,2}(?= (?:norte|sur|oriente|poniente|de)))"
NUMBERED = (
    r"(?:,? ?(?:n[°ºo]\.?|nro\.?|num(?:ero)?\.?|#|no\.|al|altura|numeracion) ?#?|[ ,]{1,2}#?|#)(?:\d{1,5}"
    r"(?:-?[a-h])?|s/n)(?![\w]|[.,]\d|:\d|[-/]\d)"
)
UNIT_WORD = any_of(
    r"""
    departamento depart\.? depto\.? dpto\.? dept\.? dep\.? dp\.? apto\.? casa block blok bloque torre edificio edif\.? piso oficina ofic\.?
    of\.? local villa poblacion pobl?\.? condominio cond\.? sector parcela sitio lote lt\.? mz\.? manzana km\.? kilometro paradero apt\.? suite
    unit floor bodega interior int\.? letra pasaje psje\.?
    """
)
UNIT = (
    rf"(?:[ ,.;\n-]{{1,3}}{UNIT_WORD} ?#?(?:n[°ºo] ?)?(?:(?:(?:las?|los?|el|de|del|san|santa|don) ){{1,2}}[a-z]{{3,20}}|"
    rf"[a-z]{{1,2}}-?\d{{0,4}}(?!\w)|\d{{1,5}}-?[a-z]?(?!\w)|[a-z]{{3,20}}(?: [a-z]{{3,20}}(?=[,.\n]|"
    rf"$))?))"
)
STREETS = re.compile(rf"(?<!\w){STREET}(?: |: ?)(?:{WORD}[ ,]{{1,2}}){{0,6}}?{WORD}{NUMBERED}(?:{UNIT}){{0,4}}")
BARE_STREETS = re.compile(
    rf"(?<!\w)(?:(?:gran avenida|alameda|panamericana(?: norte| sur)?|costanera(?: norte| sur)?|la alameda)|"
    rf"(?:calle )?\d{{1,2}}(?: y medio| 1/2)? (?:norte|sur|oriente|poniente)){NUMBERED}(?:{UNIT}){{0,4}}"
)
"""Streets that need no word for one: Gran Avenida 5678, 5 Norte 321."""
NUMBER_STREETS = re.compile(
    rf"(?<!\w)(?:calle|avenida|avda?\.?|av\.?|pasaje|psje\.?|pje\.?) \d{{1,3}}(?: (?:norte|sur|oriente|poniente))?{NUMBERED}(?:{UNIT}){{0,4}}"
)
ROAD = re.compile(
    rf"(?<!\w)(?:camino|ruta|carretera|autopista)(?: (?:a|al|de|internacional))?(?: {WORD}){{1,4}},? ?km\.? ?\d{{1,4}}(?:[.,]\d)?(?:{UNIT}){{0,3}}"
)
LIVING = any_of(
    r"""
    vivo~en vivo~por vivo~x vive~en vivimos~en viven~en mi~casa~(?:es|esta~en|queda~en) mi~direccion(?:~nueva)?(?:~es)?
    direccion(?:~de~\w+)?(?:~es)? domicilio(?:~es|~en)? domiciliad[oa]~en despach\w*~(?:a|en|al) env[ii]\w*~(?:a|al) mand\w+~(?:a|al)
    entreg\w+~(?:en|a) reparto~(?:a|en) llevar~(?:a|al) lo~llevan~a retir\w+~en pas\w+~(?:a~buscar~)?(?:a|por) queda~en estoy~en quedamos~en
    ubicad[oa]~en nos~ubicamos~en local~en tienda~en esquina residente~en i~live~at live~at address(?:~is)? ship~to deliver(?:ed)?~to send~it~to
    office~at
    """
)
LIVED = re.compile(
    rf"(?<!\w){LIVING}[ :,.\n-]{{1,3}}((?:(?:la|el|los|las|calle) )?{WORD}(?: {WORD}){{0,4}}{NUMBERED}(?:{UNIT}){{0,4}})"
)
UNITS = re.compile(
    rf"(?<!\w)(?:block|blok|torre|villa|poblacion|pobl?\.?|condominio|cond\.|parcela|sitio|edificio|manzana|"
    rf"mz\.?)(?: (?:[a-z]{{2,20}}|[a-z](?!\w)|\d{{1,4}}(?!\w))){{1,5}}?"
    rf"[ ,]{{1,3}}(?:depto\.?|dpto\.?|departamento|casa|block|torre|sitio|parcela|lote|pasaje|psje\.?|manzana|"
    rf"mz\.?) ?#?(?:n[°ºo] ?)?(?:\d{{1,5}}-?[a-z]?|[a-z]\d{{0,3}})(?!\w)(?:{UNIT}){{0,3}}"
)
LOOSE = re.compile(
    rf"(?<![\w.])(?:{WORD} ){{1,4}}(?:n[°º]\.? ?|nro\.? ?|#)?(?!(?:19|20)\d\d )\d{{2,5}}(?:-?[a-h])?,? "
    rf"(?:depto\.?|dpto\.?|departamento|casa|block|torre|ofic(?:ina)?\.?|of\.) ?#?(?:n[°º] ?)?(?:\d{{1,5}}-?[a-z]?|"
    rf"[a-z]\d{{0,3}})(?!\w)(?:{UNIT}){{0,3}}"
)
"""A name and a number with a flat or house after them."""
INSIDE = re.compile(
    rf"(?<!\w)(?:depto\.?|dpto\.?|departamento|casa|sitio|parcela|lote) ?#?(?:n[°º] ?)?(?:\d{{1,5}}-?[a-z]?|"
    rf"[a-z]\d{{0,3}}),? (?:del? |en (?:el |la )?)?(?:torre|block|edificio|edif\.|pasaje|psje\.?|pje\.?|"
    rf"condominio|cond\.|villa|poblacion|pobl?\.|calle|camino) (?:[a-z]{{1,20}}|\d{{1,4}})(?: [a-z]{{3,20}}){{0,2}}"
    rf"(?:{UNIT}){{0,3}}"
)
"""From the inside out: depto 301 torre B, casa 12 pasaje los lirios."""
PLOT = re.compile(rf"(?<!\w)parcela (?:n[°ºo] ?)?\d{{1,4}}[a-z]?(?!\w)(?:{UNIT}){{1,3}}")
NAMED = re.compile(
    rf"(?<!\w)(?:a|en|hasta|desde|de|es|por|ponle|entre|frente a) ((?:{WORD} ){{0,2}}{WORD} (?!(?:19|20)\d\d)\d{{2,4}})"
    rf"(?=[.,;?!)\n]|$| y | depto| dpto| casa| of| hasta)(?![.,]\d)(?:{UNIT}){{0,4}}"
)
"""A street by its name alone: only where the name has capitals, or is one that many towns have."""
HASHED = re.compile(
    rf"(?<![\w#])((?:{WORD} ){{1,4}})(?:n[°º]\.?|nro\.?|#) ?\d{{1,5}}(?:-?[a-h])?(?!\w)((?:{UNIT}){{0,4}})"
)
LEADING = re.compile(r"(?:hasta|desde|ponle|entre|frente a) ")
STREET_NAMES = frozenset(
    [
        "esmeralda",
        "sotomayor",
        "vivaceta",
        "chacabuco",
        "simpson",
        "huerfanos",
        "prat",
        "condell",
        "colon",
        "freire",
        "maipu",
        "bulnes",
        "balmaceda",
        "errazuriz",
        "providencia",
        "irarrazaval",
        "grecia",
        "apoquindo",
        "vitacura",
        "portales",
        "lastarria",
        "matta",
        "recoleta",
        "independencia",
        "brasil",
        "aldea",
        "carrera",
        "rodriguez",
        "o'higgins",
        "ohiggins",
        "serrano",
        "thompson",
        "baquedano",
        "cochrane",
        "blanco",
        "latorre",
        "lynch",
        "orella",
        "riquelme",
        "tarapaca",
        "zenteno",
        "bilbao",
        "macul",
        "tobalaba",
        "pajaritos",
        "vespucio",
        "carvajal",
        "lircay",
        "rancagua",
        "merced",
        "moneda",
        "compania",
        "catedral",
        "teatinos",
        "morande",
        "bandera",
        "ahumada",
        "estado",
        "mapocho",
        "manquehue",
        "kennedy",
        "alonso",
        "ercilla",
        "caupolican",
        "lautaro",
        "leones",
        "acacias",
        "aromos",
        "robles",
        "roble",
        "pinos",
        "alamos",
        "castanos",
        "copihues",
    ]
)
ENGLISH = re.compile(
    r"(?<![\w.,])\d{1,5}[a-z]? (?:[a-z][\w'.]{1,20} ){1,4}(?:street|st|avenue|ave|road|rd|boulevard|blvd|"
    r"lane|ln|drive|dr|court|ct|square|sq|terrace|place|pl|way|parkway|pkwy|highway|hwy)\b\.?"
    r"(?:,? (?:apt|suite|unit|floor)\.? ?#?\w{1,5})?"
)
NO_NAME = re.compile(
    r"^(?:avenida|calle|camino|ruta|autopista|carretera|costanera|rotonda|cerro|subida|bajada|escalera|"
    r"paseo|pasaje|diagonal|vereda) (?:que|en|y|con|a las|por|estaba|esta|cerrada)\b"
)
NO_NUMBER = re.compile(
    r"\b(?:a las|hace|dentro de|unos|son|quedan|cuesta|cuestan|vale|por|mide|cada|de|tengo|en|faltan|hasta|desde|\d+ ?[x×]) \d{1,5}$"
)
"""A number that counts or tells the time, with nothing of an address after it."""
CUE_AT_START = re.compile(
    r"^(?:(?:vivo|vive|en|a|es|mi|direccion|direc|dir|casa|es|queda|por|de|al|y|para|hasta|desde|domicilio|"
    r"despacho|envio|enviar|favor|porfa) )+"
)
PATTERNS = (
    (STREETS, 0, "address.street"),
    (BARE_STREETS, 0, "address.street"),
    (NUMBER_STREETS, 0, "address.street"),
    (LOOSE, 0, "address.unit"),
    (INSIDE, 0, "address.unit"),
    (ROAD, 0, "address.road"),
    (LIVED, 1, "address.cue"),
    (NAMED, 1, "address.name"),
    (UNITS, 0, "address.unit"),
    (PLOT, 0, "address.unit"),
    (ENGLISH, 0, "address.english"),
)


def addresses(plain: Plain) -> Iterator[Finding]:
    """Street to unit; the town is part of it only between two of them."""
    if not plain.has_digit and "s/n" not in plain.low:
        return
    for pattern, group, rule in PATTERNS:
        for match in pattern.finditer(plain.low):
            words, start = match[group], match.start(group)
            if lead := CUE_AT_START.match(words):
                start += lead.end()
            if pattern is NAMED and not is_street(plain, match.start(1), match.end(1), led=LEADING.match(match[0])):
                continue
            if not NO_NAME.search(words) and not NO_NUMBER.search(words):
                yield Finding(start, match.end(group), Kind.ADDRESS, rule)
    for match in HASHED.finditer(plain.low):
        if match[2] or is_street(plain, match.start(1), match.end(1), led=match):
            yield Finding(match.start(1), match.end(), Kind.ADDRESS, "address.number")


def is_street(plain: Plain, start: int, end: int, *, led: object = None) -> bool:
    """Whether the last word is a name that many streets have; after a word that leads to a place, or before a number sign, capitals are enough.

    A product with its size ("Mesa de Comedor 160") has capitals too.
    """
    words = [word for word in plain.text[start:end].split() if word[0].isalpha()]
    names = [word for word in words if len(word) > 3]
    if not names:
        return False
    return plain.low[start:end].split()[len(words) - 1] in STREET_NAMES or (
        led is not None and all(word[0].isupper() for word in names)
    )
