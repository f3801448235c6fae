"""Times as files write them → UTC, a whole column at once, under one format; never by the clock.

Words like "now" or "today" are no times here. A time without a zone is taken in the zone that the mapping names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.calendars import to_hijri, to_jalali
from cx_metrics.reading.pieces import texts_of, written_bytes
from cx_metrics.reading.report import Mask
from cx_metrics.reading.signs import in_plain_signs
from cx_metrics.reading.written_dates import SHAPES, read_stamps
from cx_metrics.reading.zones import zone_of
from cx_metrics.texts import N_

FIRST_YEAR = 1990

_PLAIN_SHAPE = "0000-00-00T00:00:00.000000"  # 0: any digit, T: that or a space
_PLAIN_WIDTHS = (10, 16, 19, *range(21, 27))  # a day, minutes, seconds, one to six digits of a fraction
# Where the signs of a date of two digits each and a year of four stand in other orders: first its year, then month and day.
_PLAIN_ORDERS = {"year_first": (0, 5, 8), "day_first": (6, 3, 0), "month_first": (6, 0, 3)}
_EPOCHS = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000, "epoch_microseconds": 1}
_EPOCH_PATTERNS = {
    "epoch_seconds": r"^(?P<n>\d{9,10})(?:[.,](?P<F>\d{1,9}))?$",
    "epoch_milliseconds": r"^(?P<n>\d{12,13})(?P<F>)(?:[.,]0+)?$",
    "epoch_microseconds": r"^(?P<n>\d{15,16})(?P<F>)(?:[.,]0+)?$",
}
_POWER = re.compile(r"(\d)(?:[.,](\d{1,15}))?[eE](\+?)(\d{1,2})")
_SERIALS = {"excel_serial": date(1899, 12, 30), "excel_serial_1904": date(1904, 1, 1)}
_DAY = 86_400_000_000  # microseconds

TIME_FORMATS = {
    "iso": N_("year-month-day, as 2026-01-31 14:05"),
    "year_first": N_("year/month/day, as 2026/01/31"),
    "day_first": N_("day/month/year, as 31/01/2026"),
    "month_first": N_("month/day/year, as 01/31/2026"),
    "month_name": N_("with the name of the month, as 31 January 2026"),
    "day_first_short": N_("day/month/year of two digits, as 31/01/26"),
    "month_first_short": N_("month/day/year of two digits, as 01/31/26"),
    "year_first_short": N_("year of two digits/month/day, as 26/01/31"),
    "compact": N_("year, month, day without signs, as 20260131"),
    "epoch_seconds": N_("seconds since 1970"),
    "epoch_milliseconds": N_("milliseconds since 1970"),
    "epoch_microseconds": N_("microseconds since 1970"),
    "jalali": N_("Jalali calendar (Iran), as 1404/11/11 or 11 Bahman 1404"),
    "hijri": N_("Hijri calendar (Umm al-Qura), as 1447/08/12 or 12 Shaban 1447"),
    "excel_serial": N_("days since 1900, as spreadsheets count (46053.5)"),
    "excel_serial_1904": N_("days since 1904, as spreadsheets of old Macs count (44591.5)"),
}

# What is a time without being called one. The others are bare numbers, or look like numbers of versions (10.4.21).
CALENDAR_FORMATS = ("iso", "year_first", "day_first", "month_first", "month_name", "jalali", "hijri")


@dataclass(frozen=True)
class Times:
    """`values` as UTC microseconds, null where nothing stood, nothing could be read, or the year cannot be.

    `unreadable` and `out_of_range` mark the latter two, `naive` times of day that named no zone.
    """

    values: pa.Array
    unreadable: Mask
    out_of_range: Mask
    naive: Mask


def last_year() -> int:
    """The last year a date may lie in: the next one."""
    return datetime.now(UTC).year + 1


def first_and_last_year(time_format: str, until_year: int | None = None) -> tuple[int, int]:
    """The years a date may lie in, as the calendar of the format counts them."""
    years = (FIRST_YEAR, until_year or last_year())
    convert = {"jalali": to_jalali, "hijri": to_hijri}.get(time_format)
    if convert is None:
        return years
    ends = np.array([f"{years[0]}-01-01", f"{years[1]}-12-31"], "datetime64[D]").astype(np.int64)
    first, last = convert(ends)[0]
    return int(first), int(last)


def read_times(values: pa.Array, time_format: str, until_year: int | None = None, zone: str = "UTC") -> Times:
    """Which times do these texts say, in UTC microseconds? Null stays null.

    A time lies between 1990 and the end of next year, or it is out of range. A date without a time of day is its
    midnight. Times and dates without a zone are local to `zone`; an hour that the clocks repeat is the first one, an
    hour that they skip is moved on. 24:00, leap seconds, abbreviations of several zones and powers of ten that leave out
    digits are unreadable. A year of two digits is the one in range that ends so. Fractions beyond microseconds are cut.
    """
    until_year = until_year or last_year()
    plain = in_plain_signs(values)
    return _read_quickly(plain, time_format, until_year, zone) or _read_carefully(plain, time_format, until_year, zone)


def _read_quickly(values: pa.Array, time_format: str, until_year: int, zone: str) -> Times | None:
    """The times of a column in plain signs where all that stand have one common shape; None where one has not."""
    if time_format != "iso" and time_format not in _PLAIN_ORDERS:
        return None
    if not values.null_count:
        return _read_plainly(_as_iso(values, time_format), until_year, zone)
    there = pc.is_valid(values).to_numpy(zero_copy_only=False)
    found = _read_plainly(_as_iso(values.drop_null(), time_format), until_year, zone)
    if found is None:
        return None
    naive, none = np.zeros(len(values), bool), np.zeros(len(values), bool)
    naive[there] = found.naive
    return Times(found.values.take(pa.array(np.cumsum(there) - 1, mask=~there)), none, none, naive)


def _as_iso(values: pa.Array, time_format: str) -> pa.Array | None:
    """Dates of ten signs in another order, as 31/01/2026, in the order of ISO with all that follows; None for other shapes."""
    order = _PLAIN_ORDERS.get(time_format)
    if order is None:
        return values
    written = _matrix(values)
    if written is None or written.shape[1] < 10:
        return None
    year, month, day = order
    signs = [
        place for place in range(10) if not any(begin <= place < begin + (4 if begin == year else 2) for begin in order)
    ]
    allowed = np.isin(written[:, signs], list(SHAPES[time_format].signs.encode()))
    if not allowed.all() or (written[:, signs[0]] != written[:, signs[1]]).any():
        return None
    iso = written.copy()
    for begin, places in ((0, range(year, year + 4)), (5, (month, month + 1)), (8, (day, day + 1))):
        iso[:, begin : begin + len(places)] = written[:, places]
    iso[:, [4, 7]] = ord("-")
    return texts_of(iso.ravel(), np.arange(0, iso.size + 1, iso.shape[1]))


def _matrix(values: pa.Array) -> npt.NDArray[np.uint8] | None:
    """The bytes of texts that are all as long, one row a text; None where they are not, or there is none."""
    signs = written_bytes(values)
    width = len(signs) // len(values) if len(values) else 0
    if not width or values.null_count or not pc.all(pc.equal(pc.binary_length(values), width)).as_py():
        return None
    return signs.reshape(len(values), width)


def _read_plainly(values: pa.Array | None, until_year: int, zone: str) -> Times | None:
    """The times, where all texts have one shape, 2026-01-31 or 2026-01-31 14:05:00 with or without a fraction and Z, and are
    times in range; None where one is not.

    The quick way for most files. It says nothing that the careful way would say otherwise.
    """
    written = None if values is None else _matrix(values)
    if values is None or written is None:
        return None
    width = written.shape[1]
    is_utc = bool((written[:, -1] == ord("Z")).all())
    if is_utc:
        written, width, values = written[:, :-1], width - 1, pc.utf8_slice_codeunits(values, 0, width - 1)
    if width not in _PLAIN_WIDTHS:
        return None
    for place, sign in enumerate(_PLAIN_SHAPE[:width]):
        column = written[:, place]
        allowed = (column == ord("T")) | (column == ord(" ")) if sign == "T" else column == ord(sign)
        if not (column - ord("0") < 10 if sign == "0" else allowed).all():
            return None
    try:
        times = values.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    if not _in_range(times.cast(pa.int64()).to_numpy(), until_year).all():
        return None
    none = np.zeros(len(values), bool)
    if is_utc:
        return Times(times, none, none, none)
    return Times(in_utc(times, zone), none, none, np.full(len(values), width > len("2026-01-31")))


def _read_carefully(values: pa.Array, time_format: str, until_year: int, zone: str) -> Times:
    plain = pc.utf8_trim_whitespace(in_plain_signs(values))
    zones: dict[str, Mask] = {}
    if time_format in _EPOCHS:
        moments, good = _read_epochs(plain, time_format)
        naive = local = np.zeros(len(values), bool)
    elif time_format in _SERIALS:
        moments, good, naive = _read_serials(plain, time_format)
        local = good
    else:
        moments, good, local, naive, zones = _read_calendar(plain, time_format, until_year)
    in_range = _in_range(moments, until_year)
    present = pc.is_valid(values).to_numpy(zero_copy_only=False)
    times = pa.array(moments, pa.int64(), mask=~(good & in_range)).cast(pa.timestamp("us"))
    for name, there in {**zones, zone: local | zones.get(zone, False)}.items():
        if there.any():
            times = pc.replace_with_mask(times, there, in_utc(times.filter(pa.array(there)), name))
    return Times(times, present & ~good, good & ~in_range, naive & in_range)


def _in_range(moments: npt.NDArray[np.int64], until_year: int) -> Mask:
    first = np.datetime64(f"{FIRST_YEAR}-01-01", "us").astype(np.int64)
    end = np.datetime64(f"{until_year + 1}-01-01", "us").astype(np.int64)
    inside: Mask = (moments >= first) & (moments < end)
    return inside


def in_utc(local: pa.Array, zone: str) -> pa.Array:
    """Times of the clocks of a zone as UTC."""
    if zone == "UTC":
        return local
    zoned = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    return zoned.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))


def _read_epochs(plain: pa.Array, time_format: str) -> tuple[npt.NDArray[np.int64], Mask]:
    powers = pc.fill_null(pc.match_substring_regex(plain, "[eE]"), False)
    if pc.any(powers).as_py():
        mask = powers.to_numpy(zero_copy_only=False)
        whole = [_written_out(text) for text in plain.filter(powers).to_pylist()]
        plain = pc.replace_with_mask(plain, mask, pa.array(whole, pa.string()))
    found = pc.extract_regex(plain, _EPOCH_PATTERNS[time_format])
    good = pc.is_valid(found).to_numpy(zero_copy_only=False)
    moments = _whole(found.field("n"), good) * _EPOCHS[time_format]
    if time_format == "epoch_seconds":
        moments += _microseconds(found.field("F"), good)
    return moments, good


def _written_out(text: str) -> str:
    """A power of ten as the number it is; "" where a spreadsheet rounded it.

    Spreadsheets write E+09 and leave out digits: all must stand there, down to the second. Programs that write E9 leave out
    zeros only.
    """
    power = _POWER.fullmatch(text)
    if power is None:
        return ""
    digits, size = power[2] or "", int(power[4])
    if size > 16 or power[3] and len(digits) < 9:
        return ""
    return (
        f"{Decimal(f'{power[1]}.{digits or 0}').scaleb(size):f}".rstrip("0").rstrip(".")
        if len(digits) > size
        else (power[1] + digits.ljust(size, "0"))
    )


def was_rounded(values: pa.Array) -> bool:
    """Whether most of these texts are times since 1970 that a spreadsheet rounded, as 1.7E+09."""
    rounded = pc.sum(pc.match_substring_regex(values, r"^\d(?:[.,]\d{1,8})?[eE]\+(?:09|9|12|15)$")).as_py() or 0
    return bool(rounded * 2 > len(values))


def _read_serials(plain: pa.Array, time_format: str) -> tuple[npt.NDArray[np.int64], Mask, Mask]:
    """Microseconds of the clock, which are good, and which say a time of day.

    A whole second is taken where the digits cannot tell it from the number.
    """
    found = pc.extract_regex(plain, r"^(?P<n>\d{5})(?:[.,](?P<F>\d{1,15}))?$")
    good = pc.is_valid(found).to_numpy(zero_copy_only=False)
    digits = pc.fill_null(found.field("F"), "")
    share = pc.if_else(pa.array(good), pc.binary_join_element_wise("0", digits, "."), "0.")
    of_day = np.rint(share.cast(pa.float64()).to_numpy(zero_copy_only=False) * _DAY)
    second = np.rint(of_day / 1e6) * 1e6
    step = 0.5 * _DAY / 10.0 ** pc.utf8_length(digits).to_numpy(zero_copy_only=False)
    of_day = np.where(np.abs(of_day - second) <= np.maximum(step, 500), second, of_day).astype(np.int64)
    since = (_SERIALS[time_format] - date(1970, 1, 1)).days
    return (since + _whole(found.field("n"), good)) * _DAY + of_day, good, good & _stands(digits)


def _read_calendar(
    plain: pa.Array, time_format: str, until_year: int
) -> tuple[npt.NDArray[np.int64], Mask, Mask, Mask, dict[str, Mask]]:
    """Microseconds of the clock or, where an offset stands, of UTC; which are good, local, local with a time of day; and which
    follow the clock of a zone they name."""
    found = read_stamps(plain, time_format, FIRST_YEAR, until_year)
    east, names, known = meant_zones(found.zones, found.zone)
    local = np.array([not written for written in found.zones], bool)[found.zone]
    good = found.good & known
    zones = {name: good & mine for name, mine in names.items()}
    moments = found.days * _DAY + found.of_day - east * 1_000_000
    return moments, good, good & local, good & local & found.has_clock, zones


def _stands(part: pa.Array) -> Mask:
    """Where a part of the time is written at all."""
    stands: Mask = pc.not_equal(pc.fill_null(part, ""), "").to_numpy(zero_copy_only=False)
    return stands


def _whole(texts: pa.Array, good: Mask) -> npt.NDArray[np.int64]:
    """The digits as numbers, 0 where there are none."""
    digits = pc.if_else(pc.fill_null(pc.not_equal(texts, ""), False), texts, "0")
    return np.where(good, digits.cast(pa.int64()).to_numpy(zero_copy_only=False), 0).astype(np.int64)


def _microseconds(fraction: pa.Array, good: Mask) -> npt.NDArray[np.int64]:
    if not _stands(fraction).any():
        return np.zeros(len(good), np.int64)
    return _whole(pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 6, "0"), 0, 6), good)


def meant_zones(
    written: Sequence[str], places: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], dict[str, Mask], Mask]:
    """Seconds east of UTC; which times follow the clock of a zone by its name; and where the zone is known, or none stands.

    `places`: the place of the zone of each time among the written ones.
    """
    said = [zone_of(text) if text else 0 for text in written]
    east = np.array([one if isinstance(one, int) else 0 for one in said], np.int64)[places]
    known = np.array([one is not None for one in said], bool)[places]
    names = {one for one in said if isinstance(one, str)}
    return east, {name: np.array([one == name for one in said], bool)[places] for name in names}, known
