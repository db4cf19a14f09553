"""Numbers that name a person or their money: RUT, card, IBAN, SSN, bank account. Form first, then the check digit, by python-stdnum."""

import re
from collections.abc import Iterator

from stdnum import iban as iban_number
from stdnum import luhn
from stdnum.cl import rut as rut_number

from afina.privacy.finding import Finding, Kind
from afina.privacy.plain import Plain

RUT = re.compile(
    r"(?<![\w.,$/*-])(?:\d{1,2}([. ])\d{3}\1\d{3} ?- ?|\d{7,8} ?- ?|\d{1,2}\.\d{3}\.\d{3}[ .]?|\d{7,8})[\dk](?![\w*]|[.,/-]\w)"
)
"""Points, one blank or nothing between thousands; a dash before the check digit, or none. A 1 to 99 million RUT only: older ones are nobody's."""
RUT_CUE = re.compile(
    r"(?<!cuenta )(?<!cta )(?<!cta. )\b(?:r\.? ?u\.? ?t\.?|r\.? ?u\.? ?n\.?|cedula|carnet|c\.i\.|ci)\b[^\d\n]{0,25}$"
)
RUT_CUE_AFTER = re.compile(r"[^\d\n]{0,8}\b(?:rut|run|r\.u\.t)\b")
CUED_RUT = re.compile(
    r"(?<!cuenta )(?<!cta )(?<!cta. )\b(?:rut|r\.u\.t\.?|run|cedula|carnet)\b[^\d\n$]{0,25}(\d{1,2}([. ]?)\d{3}\2\d{3} ?-? ?[\dk])(?!\w)"
)
OTHER_NUMBER = re.compile(
    r"\b(?:folio|boleta|factura|pedido|orden|order|ticket|guia|seguimiento|tracking|codigo|sku|serie|serial|"
    r"isbn|modelo|lote|imei|patente|caso|solicitud|"
    r"reclamo|comprobante|transaccion|invoice|cupon|version|build|id|ref|referencia|operacion)\b[^\d\n]{0,12}$"
)
"""Words before a number that is a thing's and not a person's."""
CARD = re.compile(r"(?<![\d.,-])(?<!\d )(?:\d[ -]?){11,18}\d(?![\d]|[.,]\d)")
CARD_LENGTHS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|39\d{12}|"
    r"(?:2131|1800)\d{11}|35\d{14}|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|62\d{14,17}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"
)
"""First digits and lengths of the card networks: Visa, Mastercard, Amex, Diners, JCB, Discover, UnionPay, Maestro."""
CARD_CUE = re.compile(
    r"\b(?:card|cards|tarjeta|tarjetas|credito|debito|credit|debit|visa|mastercard|amex|maestro|cc|tc|td)\b[^\d\n]{0,30}$"
)
IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}\d{2}(?:[ -]?[a-z0-9]){11,30}(?![a-z0-9])")
SSN = re.compile(r"(?<![\w-])(?!000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
ACCOUNT_CUE = (
    r"(?:cuenta|cta\.?|cta ?cte\.?|cuentarut|cuenta ?rut|chequera|account|acct\.?)"
    r"(?: (?:corriente|cte\.?|vista|rut|de ahorro|ahorro|number|no\.?|bancaria|del banco|banco))?"
)
ACCOUNT = re.compile(
    rf"\b{ACCOUNT_CUE}\b[^\d\n]{{0,45}}?\n?[^\d\n]{{0,15}}?(?<!\$)(?<!\$ )(\d(?:[ -]?\d){{5,19}})(?![\d]|[.,]\d)"
)
BANK = re.compile(
    r"\b(?:banco ?\w*|bancoestado|santander|bci|scotiabank|itau|falabella|ripley|bice|security|consorcio|coopeuch|mach|tenpo|mercado pago)\b"
    r"[^\d\n]{0,30}?\b(?:n[°ºo]\.?|nro\.?|numero|num\.?|cta\.?|:|cuenta)[^\d\n]{0,12}(\d(?:[ -]?\d){5,19})(?![\d]|[.,]\d)"
)

NO_ACCOUNT = re.compile(r"\b(?:tiene|tengo|saldo|debe|debo|puntos|pesos|personas|cuotas|millas|seguidores|points)\b")
"""What is counted on an account."""
ACCOUNT_AFTER = re.compile(
    r"(?<![\d$.,/-])(\d(?:[ -]?\d){6,19}),? (?:del? |en |es (?:de )?(?:la |mi )?(?:una )?|\()?(?:mi )?"
    r"(?:bancoestado|banco (?:estado|de chile|santander|bci|itau|falabella|security|bice|ripley|consorcio)|"
    r"santander|scotiabank|"
    r"cuenta (?:rut|vista|corriente|de ahorro)|cuentarut|cta\.? (?:rut|cte|vista|corriente))\b"
)
BANK_FIRST = re.compile(
    r"\b(?:bancoestado|banco (?:de )?(?:estado|chile|santander|bci|itau|falabella|security|bice|ripley|"
    r"consorcio|edwards)|scotiabank|coopeuch|(?:cta|cuenta) (?:vista|cte|corriente|rut)) (?:[a-z]{1,12} ){0,3}(\d(?:[ -]?\d){6,19})"
    r"(?![\d]|[.,]\d)"
)
ACCOUNTS = (
    (ACCOUNT, "account.cue"), (BANK, "account.bank"), (BANK_FIRST, "account.bank"), (ACCOUNT_AFTER, "account.after"),
)  # fmt: skip


def ruts(plain: Plain) -> Iterator[Finding]:
    """RUTs. Without a dash or points a number of nine digits may be anything: then a cue before it is needed, or that the message is nothing else."""
    if not plain.has_digit:
        return
    for match in RUT.finditer(plain.low):
        digits = re.sub(r"[ .-]", "", match[0])
        if len(digits) < 8 or not rut_number.is_valid(digits):
            continue
        formed = "-" in match[0] or "." in match[0] or digits.endswith("k")
        if formed and not (match[0].isalnum() and OTHER_NUMBER.search(before(plain, match.start()))):
            yield Finding(match.start(), match.end(), Kind.RUT, "rut.check_digit")
        elif (
            RUT_CUE.search(before(plain, match.start()))
            or RUT_CUE_AFTER.match(plain.low, match.end())
            or plain.low.strip() == match[0]
        ):
            yield Finding(match.start(), match.end(), Kind.RUT, "rut.cue")
    if "r" in plain.low or "c" in plain.low:
        for match in CUED_RUT.finditer(plain.low):  # mistyped ones are personal too
            yield Finding(match.start(1), match.end(1), Kind.RUT, "rut.cue")


def before(plain: Plain, at: int) -> str:
    """What stands before an offset, enough of it for a cue."""
    return plain.low[max(0, at - 60) : at]


def cards(plain: Plain) -> Iterator[Finding]:
    """Payment cards: a network's first digits and length, and Luhn's check digit."""
    if not plain.has_digit:
        return
    for match in CARD.finditer(plain.text):
        digits = re.sub(r"[ -]", "", match[0])
        if not luhn.is_valid(digits) or len(set(digits)) == 1:
            continue
        if CARD_LENGTHS.fullmatch(digits):
            yield Finding(match.start(), match.end(), Kind.CARD, "card.luhn")
        elif CARD_CUE.search(before(plain, match.start())):
            yield Finding(match.start(), match.end(), Kind.CARD, "card.cue")


def ibans(plain: Plain) -> Iterator[Finding]:
    """IBANs, by their check digits. What follows in capitals may look like more of one: the longest valid beginning counts."""
    if not plain.has_digit:
        return
    for match in IBAN.finditer(plain.low):
        words = match[0]
        while words:
            if iban_number.is_valid(words, check_country=False):
                yield Finding(match.start(), match.start() + len(words), Kind.IBAN, "iban.check_digits")
                break
            words = words.rpartition(" ")[0].rstrip()


def ssns(plain: Plain) -> Iterator[Finding]:
    """Social security numbers of the United States."""
    if "-" in plain.text:
        for match in SSN.finditer(plain.text):
            yield Finding(match.start(), match.end(), Kind.SSN, "ssn.form")


def accounts(plain: Plain) -> Iterator[Finding]:
    """Bank accounts: digits after a word for an account, or after a bank and a word for a number."""
    if not plain.has_digit:
        return
    for pattern, rule in ACCOUNTS:
        for match in pattern.finditer(plain.low):
            if not NO_ACCOUNT.search(plain.low[match.start() : match.end() + 12]):
                yield Finding(match.start(1), match.end(1), Kind.ACCOUNT, rule)
