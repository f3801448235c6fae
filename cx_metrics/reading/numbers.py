"""Numbers as people write them: signs of currency, thousands, percent, decimal comma or point, digits of four scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.pieces import cut, different, different_pairs, places_of, written_bytes
from cx_metrics.reading.report import Mask, shorten
from cx_metrics.reading.signs import in_plain_signs
from cx_metrics.texts import N_, NP_, Text

_PLAIN_SIGNS = np.isin(np.arange(256), list(b"0123456789.-"))
# Codes of money; other capitals behind a number may be a unit (12 MIN), which is not guessed.
_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP"
    " CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR"
    " IRT ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK"
    " MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RMB RON RSD RUB RUR RWF SAR SBD SCR SDG SEK SGD SHP"
    " SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR"
    " ZMW ZWG"
)
_MONEY = (
    r"\s|(?:US|CA|AU|NZ|HK|NT|[ACRS])\$|S/|[\$€£¥₽₴₸₹₺₪﷼₩₦₫₱฿₡₲₵₼₾]|kr\b\.?|zł|Kč|Ft\b|lei\b|лв\.?|грн\.?|тг\.?|сум\b|руб\.?|р\.|Rs\.?"
    r"|ریال|تومان|ريال|درهم|دينار|جنيه|د\.إ\.?|ر\.س\.?|ج\.م\.?|د\.ك\.?|ر\.ق\.?|ر\.ع\.?|د\.ب\.?|(?:"
    + _CODES.replace(" ", "|")
    + r")\b"
)
_BEFORE = re.compile(rf"([+-]?)(?:{_MONEY})*([+-]?)([.,]?)")
_BEHIND = re.compile(rf"([.,]?)(?:{_MONEY})*")


def _digits(group: str) -> str:
    """Whole numbers, with or without one sign between thousands; with commas also as India groups them, 1,23,456."""
    parted = "|".join(rf"\d{{1,3}}(?:{sign}\d{{3}})+" for sign in (group, "[ ]", "'"))
    return rf"(?:\d+|{parted}" + (rf"|\d{{1,2}}(?:{group}\d{{2}})+{group}\d{{3}})" if group == "," else ")")


_POINT = rf"^[+-]?{_digits(',')}?(?:\.\d*)?(?:[eE][+-]?\d{{1,3}})?$"
_COMMA = rf"^[+-]?{_digits('[.]')}?(?:,\d*)?(?:[eE][+-]?\d{{1,3}})?$"
# What one decimal sign alone can mean: digits behind it that are no thousands, a zero before it, or the other sign grouping.
_EVIDENT_COMMA = (
    r"^[+-]?(?:\d{1,3}(?:[. ']\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|\d+,(?:\d{1,2}|\d{4,})|0+,\d+|\d{4,},\d+)$"
)
_EVIDENT_POINT = (
    r"^[+-]?(?:\d{1,3}(?:[, ']\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?"
    r"|\d+\.(?:\d{1,2}|\d{4,})|0+\.\d+|\d{4,}\.\d+)$"
)
_EITHER = r"^[+-]?[1-9]\d{0,2}[.,]\d{3}$"


_BUT = NP_(
    '"{found}" shows the decimal sign, as most values do, but {count} value uses the other one',
    '"{found}" shows the decimal sign, as most values do, but {count} values use the other one',
)
_GROUPS = {False: "[ ',+]", True: "[ '.+]"}  # what a readable number holds beside its digits and decimal sign


@dataclass(frozen=True)
class Numbers:
    """`values` as float64, null where nothing stood or nothing could be read; `unreadable` marks the latter.

    `percent` marks values with a percent sign: 12,3 % is 12.3.
    """

    values: pa.Array
    unreadable: Mask
    percent: Mask


@dataclass(frozen=True)
class DecimalGuess:
    """Whether a column writes a decimal comma, and what shows it. None: no value shows it.

    `ambiguous`: there are numbers such as 1.234 that mean one or the other thing, and nothing decides.
    """

    comma: bool | None
    ambiguous: bool
    reason: Text


def read_numbers(values: pa.Array, decimal_comma: bool = False) -> Numbers:
    """Which numbers do these texts say? Null stays null.

    `1,234.50` with a decimal point, `1.234,50` with a decimal comma, `١٬٢٣٤٫٥` with either; `€ 12`, `12 EUR`, `1 234`, `1e3`,
    `12 %`; `(12)` is -12. Infinite numbers, words and numbers with units are unreadable: nothing is guessed.
    """
    numbers = _read_plainly(values, decimal_comma)
    if numbers is not None:
        none = np.zeros(len(values), bool)
        return Numbers(numbers, none, none)
    return _read_carefully(values, decimal_comma)


def _read_plainly(values: pa.Array, decimal_comma: bool) -> pa.Array | None:
    """The numbers, where no text holds more than digits, a decimal point and a minus; None where one does, or is no number.

    The quick way for most columns. It says nothing that the careful way would say otherwise.
    """
    signs = written_bytes(values)
    if not _PLAIN_SIGNS[signs].all() or decimal_comma and bool((signs == ord(".")).any()):
        return None
    try:
        numbers = values.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    return None if pc.all(pc.is_finite(numbers)).as_py() is False else numbers


def _read_carefully(values: pa.Array, decimal_comma: bool) -> Numbers:
    plain, percent = _plain(values, "," if decimal_comma else ".")
    good = pc.fill_null(pc.match_substring_regex(plain, _COMMA if decimal_comma else _POINT), False)
    texts = pc.if_else(good, plain, pa.scalar(None, pa.string()))
    if pc.any(pc.match_substring_regex(texts, _GROUPS[decimal_comma])).as_py():
        texts = pc.replace_substring_regex(texts, _GROUPS[decimal_comma], "")
    if decimal_comma:
        texts = pc.replace_substring(texts, ",", ".")
    numbers = texts.cast(pa.float64())
    numbers = pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))
    unreadable = pc.and_(pc.is_valid(values), pc.is_null(numbers)).to_numpy(zero_copy_only=False)
    return Numbers(numbers, unreadable, percent & ~unreadable & pc.is_valid(numbers).to_numpy(zero_copy_only=False))


def guess_decimal_sign(values: pa.Array) -> DecimalGuess:
    """Does the column write a decimal comma? What one of its values shows; the majority where they do not agree."""
    plain, _percent = _plain(values.drop_null(), ".")
    commas, points, either = (pc.match_substring_regex(plain, p) for p in (_EVIDENT_COMMA, _EVIDENT_POINT, _EITHER))
    comma, point = (int(pc.sum(found).as_py() or 0) for found in (commas, points))
    if comma == point:
        open_ones = plain.filter(either)
        if not comma and len(open_ones):
            doubt = N_('numbers such as "{found}" may be thousands or decimals, and no value shows which')
            return DecimalGuess(None, True, Text(doubt, {"found": shorten(open_ones[0])}))
        if comma:
            both = N_("as many values write a decimal comma as a decimal point")
            return DecimalGuess(None, True, Text(both))
        return DecimalGuess(None, False, Text(N_("no value has a decimal sign")))
    found = shorten(plain.filter(commas if comma > point else points)[0])
    shows = N_('"{found}" has a decimal comma') if comma > point else N_('"{found}" has a decimal point')
    if min(comma, point):
        others = min(comma, point)
        but = Text(_BUT[0], {"found": found, "count": others}, _BUT[1], others)
        return DecimalGuess(comma > point, True, but)
    return DecimalGuess(comma > point, False, Text(shows, {"found": found}))


def evident_decimal_comma(values: pa.Array) -> bool | None:
    """Does the column write a decimal comma? True or False where a value shows it, None where none does."""
    return guess_decimal_sign(values).comma


def readable_share(values: pa.Array) -> float:
    """Share of the values (nulls apart) that are numbers under the better of the two decimal signs."""
    present = len(values) - int(values.null_count)
    if not present:
        return 0.0
    found = max(present - int(np.sum(read_numbers(values, comma).unreadable)) for comma in (False, True))
    return found / present


def _plain(values: pa.Array, decimal: str) -> tuple[pa.Array, Mask]:
    """Numbers in plain signs, without money and percent signs, null where anything else stands around them; and which had a
    percent sign. Those in brackets are negative, as bookkeepers write them."""
    plain = pc.fill_null(pc.utf8_trim_whitespace(in_plain_signs(values, decimal)), "")
    data, places = written_bytes(plain), places_of(plain)
    begin, end = places[:-1], places[1:]
    digits = np.flatnonzero((data >= ord("0")) & (data <= ord("9")))
    low, high = np.searchsorted(digits, begin), np.searchsorted(digits, end)
    there = high > low
    if not there.any():
        return pa.nulls(len(values), pa.string()), np.zeros(len(values), bool)
    first = np.where(there, digits[np.minimum(low, len(digits) - 1)], end)
    last = np.where(there, digits[high - 1] + 1, end)
    heads, head = different(cut(data, begin, first))
    tails, tail = different(cut(data, last, end))
    around, rests, place = different_pairs(head, tail, len(heads), len(tails))
    said = [_around(heads[one], tails[two]) for one, two in zip(around.tolist(), rests.tolist(), strict=True)]
    numbers = cut(data, first, last)
    if any(one is None or one[0] or one[1] for one in said):
        before = pa.array([one and one[0] for one in said], pa.string()).take(pa.array(place))
        behind = pa.array([one and one[1] for one in said], pa.string()).take(pa.array(place))
        numbers = pc.binary_join_element_wise(before, numbers, behind, "")
    if not there.all():
        numbers = pc.if_else(pa.array(there), numbers, pa.scalar(None, pa.string()))
    return numbers, np.array([one is not None and one[2] for one in said], bool)[place] & there


def _around(before: str, behind: str) -> tuple[str, str, bool] | None:
    """Sign and point before a number, point behind it, and whether a percent sign stands; None where anything else does."""
    brackets = before.startswith("(") and behind.endswith(")")
    if brackets:
        before, behind = before[1:], behind[:-1]
    percent = (before + behind).count("%")
    if percent:
        before, behind = before.removeprefix("%").strip(), behind.removesuffix("%").strip()
    head, tail = _BEFORE.fullmatch(before), _BEHIND.fullmatch(behind)
    if head is None or tail is None or len(head[1] + head[2] + "-" * brackets) > 1 or percent > 1:
        return None
    return "-" * brackets + head[1] + head[2] + head[3], tail[1], percent == 1
