"""Numbers as people write them: signs of currency, thousands, decimal comma or point, digits of three scripts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.report import Mask

# Arabic-Indic and Persian digits, their decimal mark and their thousands mark, the mathematical minus.
_LATIN = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬−", "01234567890123456789.,-")
_OTHER_SIGNS = "[٠-٩۰-۹٫٬−]"
_PLAIN_SIGNS = np.isin(np.arange(256), list(b"0123456789.-"))
_GROUP = r"[\s\x{A0}\x{2009}\x{202F}'’"  # parts thousands beside comma or point: spaces of all widths, apostrophes
_MONEY = r"[\s\x{A0}\x{200E}\x{200F}\x{202F}]|US\$|R\$|[€$£¥₽₴₸₹₺₪﷼₩]|[A-Z]{3}\b|руб\.?|р\.|ریال|تومان|د\.إ|ر\.س"
_BEFORE, _AFTER = rf"^([+-]?)(?:{_MONEY})+([+-]?)", rf"(?:{_MONEY})+$"
_POINT = rf"^[+-]?(?:\d+|\d{{1,3}}(?:{_GROUP},]\d{{3}})+)?(?:\.\d*)?(?:[eE][+-]?\d{{1,3}})?$"
_COMMA = rf"^[+-]?(?:\d+|\d{{1,3}}(?:{_GROUP}.]\d{{3}})+)?(?:,\d*)?(?:[eE][+-]?\d{{1,3}})?$"
_EVIDENT_COMMA = rf"^[+-]?(?:\d{{1,3}}(?:{_GROUP}.]\d{{3}})+,\d+|\d+,(?:\d{{1,2}}|\d{{4,}}))$"
_EVIDENT_POINT = rf"^[+-]?(?:\d{{1,3}}(?:{_GROUP},]\d{{3}})+\.\d+|\d+\.(?:\d{{1,2}}|\d{{4,}}))$"


@dataclass(frozen=True)
class Numbers:
    """`values` as float64, null where nothing stood or nothing could be read; `unreadable` marks the latter."""

    values: pa.Array
    unreadable: Mask


def latin_digits(values: pa.Array) -> pa.Array:
    """The same texts with Arabic-Indic and Persian digits and marks written in Latin ones."""
    if pc.all(pc.string_is_ascii(values)).as_py() is not False:
        return values
    if not pc.any(pc.match_substring_regex(values, _OTHER_SIGNS)).as_py():
        return values
    return pa.array([value and value.translate(_LATIN) for value in values.to_pylist()], pa.string())


def read_numbers(values: pa.Array, decimal_comma: bool = False) -> Numbers:
    """Which numbers do these texts say? Null stays null.

    `1,234.50` with a decimal point, `1.234,50` with a decimal comma; `€ 12`, `12 EUR`, `1 234`, `1e3`. Infinite
    numbers and words are unreadable: nothing is guessed.
    """
    numbers = _read_plainly(values, decimal_comma)
    if numbers is not None:
        return Numbers(numbers, np.zeros(len(values), bool))
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
    plain = _plain(values)
    good = pc.fill_null(pc.match_substring_regex(plain, _COMMA if decimal_comma else _POINT), False)
    good = pc.and_(good, pc.fill_null(pc.match_substring_regex(plain, r"\d"), False))
    texts = pc.if_else(good, plain, pa.scalar(None, pa.string()))
    texts = pc.replace_substring_regex(texts, f"{_GROUP}{'.' if decimal_comma else ','}]", "")
    if decimal_comma:
        texts = pc.replace_substring(texts, ",", ".")
    numbers = pc.replace_substring_regex(texts, r"^\+", "").cast(pa.float64())
    numbers = pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))
    unreadable = pc.and_(pc.is_valid(values), pc.is_null(numbers)).to_numpy(zero_copy_only=False)
    return Numbers(numbers, unreadable)


def written_bytes(values: pa.Array) -> npt.NDArray[np.uint8]:
    """All texts of a column, one behind the other, as bytes."""
    _valid, offsets, data = values.buffers()
    if offsets is None or data is None or not len(values):
        return np.zeros(0, np.uint8)
    places = np.frombuffer(offsets, np.int32)
    return np.frombuffer(data, np.uint8)[places[values.offset] : places[values.offset + len(values)]]


def evident_decimal_comma(values: pa.Array) -> bool | None:
    """Does the column write a decimal comma? True or False where a value shows it, None where none does."""
    plain = _plain(values)
    commas = pc.sum(pc.match_substring_regex(plain, _EVIDENT_COMMA)).as_py() or 0
    points = pc.sum(pc.match_substring_regex(plain, _EVIDENT_POINT)).as_py() or 0
    return None if commas == points else bool(commas > points)


def readable_share(values: pa.Array) -> float:
    """Share of the values (nulls apart) that are numbers under the better of the two decimal signs."""
    present = len(values) - int(values.null_count)
    if not present:
        return 0.0
    found = max(present - int(np.sum(read_numbers(values, comma).unreadable)) for comma in (False, True))
    return found / present


def _plain(values: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(latin_digits(values), _BEFORE, r"\1\2")
    return pc.replace_substring_regex(plain, _AFTER, "")
