"""Numbers as people write them: signs of currency, thousands, decimal comma or point, digits of three scripts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.report import Mask

# Arabic-Indic and Persian digits, their decimal mark and their thousands mark, the mathematical minus.
_LATIN = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬−", "01234567890123456789.,-")
_OTHER_SIGNS = "[٠-٩۰-۹٫٬−]"
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
    if not pc.any(pc.match_substring_regex(values, _OTHER_SIGNS)).as_py():
        return values
    return pa.array([value and value.translate(_LATIN) for value in values.to_pylist()], pa.string())


def read_numbers(values: pa.Array, decimal_comma: bool = False) -> Numbers:
    """Which numbers do these texts say? Null stays null.

    `1,234.50` with a decimal point, `1.234,50` with a decimal comma; `€ 12`, `12 EUR`, `1 234`, `1e3`. Infinite
    numbers and words are unreadable: nothing is guessed.
    """
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
