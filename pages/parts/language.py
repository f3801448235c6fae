"""The reader's language: words from the catalogues, and how numbers, shares, dates and durations are written.

English is the source text. `locale/{ar,fa,ru}/LC_MESSAGES/touchline.po` hold the translations; they are read as they are,
once per process. A missing file or message is English. The language of the reader stands in st.session_state["lang"].

Nothing here may run at import time of a page module with a language in it: the process serves many readers. Mark with
`N_` there, translate with `_` where it is shown.
"""

from __future__ import annotations

import datetime
import gettext as gnu
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import streamlit as st
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from cx_metrics.charts.theme import Mode
from cx_metrics.findings import Month
from cx_metrics.safe_text import clean, has_right_to_left
from cx_metrics.texts import N_, NP_, Text
from pages.parts import calendars
from pages.parts.calendars import Calendar

LANGUAGES = {"en": "English", "ar": "العربية", "fa": "فارسی", "ru": "Русский"}
RIGHT_TO_LEFT = frozenset({"ar", "fa"})
LOCALE = Path(__file__).parents[2] / "locale"

Digits = Literal["native", "latin"]

MISSING = "–"
MINUS, NO_BREAK = "\N{MINUS SIGN}", "\u00a0"
LRI, RLI, FSI, PDI = "\u2066", "\u2067", "\u2068", "\u2069"
OWN_DIGITS = {"ar": "٠١٢٣٤٥٦٧٨٩", "fa": "۰۱۲۳۴۵۶۷۸۹"}
_GROUP = {"en": ",", "ar": "٬", "fa": "٬", "ru": NO_BREAK}
_POINT = {"en": ".", "ar": "٫", "fa": "٫", "ru": ","}
_PERCENT = {"en": "%", "ar": "٪", "fa": "٪", "ru": NO_BREAK + "%"}
_COMMA = {"en": ", ", "ar": "، ", "fa": "، ", "ru": ", "}
_FIGURE = re.compile(f"[+×{MINUS}]?[0-9٠-٩۰-۹.,٫٬{NO_BREAK}]+")
_PLACE = re.compile(r"\{\{|\}\}|\{(\w+)\}")

_SPEAKING: ContextVar[str | None] = ContextVar("speaking", default=None)

UNDER_A_MINUTE = N_("under a minute")
DURATIONS = (  # from how many seconds, one of how many seconds, the words
    (86_400, 86_400, NP_("{number} day", "{number} days")),
    (3_600, 3_600, NP_("{number} hour", "{number} hours")),
    (60, 60, NP_("{number} minute", "{number} minutes")),
)
# Which whole number takes the same words as a number with decimals ("3.4 days"): 3,4 дня as in 2 дня; ٣٫٤ يوم as in ١٠٠ يوم.
_LIKE_DECIMALS = {"en": 2, "ar": 100, "fa": 2, "ru": 2}
UNITS = {  # what a change is counted in
    # i18n: percentage points, short, after a number
    "pt": N_("pt"),
    # i18n: points of a score, short, after a number
    "pts": N_("pts"),
    "days": N_("days"),
    "hours": N_("hours"),
    "minutes": N_("minutes"),
}


@lru_cache(maxsize=8)
def catalogue(language: str) -> gnu.NullTranslations:
    """The messages of that language; English, which is the source, where there is no file."""
    file = LOCALE / language / "LC_MESSAGES" / "touchline.po"
    if language not in LANGUAGES or not file.is_file():
        return gnu.NullTranslations()
    with file.open("rb") as opened:
        messages = read_po(opened, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gnu.GNUTranslations(compiled)


@dataclass(frozen=True)
class PageReader:
    """Who reads the page: language, ground of the page, digits and calendar. Implements `charts.theme.Reader`.

    `digits="latin"` keeps 0–9 in Arabic and Persian; `calendar` is another than is usual in the language: Jalali in Persian, else
    Gregorian.
    """

    language: str = "en"
    mode: Mode = "light"
    digits: Digits = "native"
    calendar: Calendar | None = None

    @property
    def rtl(self) -> bool:
        return self.language in RIGHT_TO_LEFT

    # words -----------------------------------------------------------------------------------------------------------

    def gettext(self, source: str) -> str:
        return catalogue(self.language).gettext(source) if source else ""

    def ngettext(self, one: str, many: str, count: int) -> str:
        return catalogue(self.language).ngettext(one, many, count)

    def pgettext(self, context: str, source: str) -> str:
        return catalogue(self.language).pgettext(context, source)

    def say(self, text: Text | str) -> str:
        """The sentence in the reader's language, with its values written as the reader writes them.

        Data in it is isolated against its direction, not escaped: escape the whole sentence where it is shown (`safe`).
        A plain string is a fixed word marked with `N_`, and is looked up.
        """
        if isinstance(text, str):
            return self.gettext(text)
        source = (
            self.gettext(text.source) if text.many is None else self.ngettext(text.source, text.many, text.count or 0)
        )
        shown = {name: self._value(name, value) for name, value in text.values.items()}
        return _PLACE.sub(lambda place: shown.get(place[1], place[0]) if place[1] else place[0][0], source)

    def _value(self, name: str, value: Any) -> str:
        if isinstance(value, Text):
            return self.say(value)
        if isinstance(value, str):
            return self.name(value)
        if isinstance(value, Month):
            return self.month_and_year(value)
        if isinstance(value, datetime.date):
            return self.date(value)
        if isinstance(value, (list, tuple)):
            return self.listing(self._value(name, v) for v in value)
        if value is None:
            return MISSING
        if isinstance(value, bool):
            return str(value)
        shown = (
            self.percent(float(value)) if name.endswith("_share") else self.number(value, 0 if _is_whole(value) else 1)
        )
        return self.isolate(shown) if self.rtl else shown

    def name(self, value: str) -> str:
        """Data inside a sentence: isolated wherever its direction could disturb what stands around it."""
        cleaned = clean(value)
        return f"{FSI}{cleaned}{PDI}" if self.rtl or has_right_to_left(cleaned) else cleaned

    def listing(self, items: Iterable[str]) -> str:
        return _COMMA[self.language].join(items)

    def unit(self, unit: str) -> str:
        """The word for what a change is counted in: pt, pts, days …"""
        return self.gettext(UNITS.get(unit, unit))

    # numbers ---------------------------------------------------------------------------------------------------------

    def number(self, x: float | None, decimals: int = 0, sign: bool = False) -> str:
        """A number in the reader's digits and separators, with a true minus. `sign` also writes the plus.

        >>> PageReader("ru").number(-48210.25, 1)
        '−48\\xa0210,2'
        """
        if _is_missing(x):
            return MISSING
        value = float(x)  # type: ignore[arg-type]
        if math.isinf(value):
            return (MINUS if value < 0 else "") + "∞"
        body = f"{abs(value):,.{decimals}f}"
        zero = not body.strip("0,.")
        lead = "" if zero else MINUS if value < 0 else "+" if sign else ""
        if self._latin():
            group, point = (_GROUP[self.language], _POINT[self.language]) if self.language == "ru" else (",", ".")
        else:
            group, point = _GROUP[self.language], _POINT[self.language]
        body = body.replace(",", "\0").replace(".", point).replace("\0", group)
        return lead + self._own_digits(body)

    def percent(self, share: float | None, decimals: int = 0) -> str:
        """A share of 0 to 1 in percent."""
        if _is_missing(share):
            return MISSING
        return self.number(float(share) * 100, decimals) + self.percent_sign  # type: ignore[arg-type]

    @property
    def percent_sign(self) -> str:
        return "%" if self._latin() and self.rtl else _PERCENT[self.language]

    def isolate(self, text: str) -> str:
        """The text with its own direction, for canvas and plain strings, which have no <bdi>.

        A number: its sign stands right in Arabic, left elsewhere; ٪ ends on the left. Anything else: the page's direction.
        """
        if text.endswith("٪"):
            return f"{RLI}{RLI if self.language == 'ar' else LRI}{text[:-1]}{PDI}٪{PDI}"
        if self.rtl and not self._latin() and self.language == "ar":
            side = RLI
        elif _FIGURE.fullmatch(text):
            side = LRI
        else:
            side = RLI if self.rtl else FSI
        return f"{side}{text}{PDI}"

    def _latin(self) -> bool:
        return self.digits == "latin" or self.language not in OWN_DIGITS

    def _own_digits(self, text: str) -> str:
        return text if self._latin() else text.translate(str.maketrans("0123456789", OWN_DIGITS[self.language]))

    # time ------------------------------------------------------------------------------------------------------------

    def date(self, day: datetime.date) -> str:
        """1 Oct 2026 · ١ أكتوبر ٢٠٢٦ · ۹ مهر ۱۴۰۵ · 1 окт. 2026"""
        number, month, year = self._parts(day)
        return f"{number} {month} {year}"

    def clock(self, at: datetime.datetime) -> str:
        """Hour and minute, like 16:05, in the reader's digits."""
        return self._own_digits(f"{at:%H:%M}")

    def dates(self, first: datetime.date, last: datetime.date) -> str:
        """Both days included, said once what they share: 1–31 Oct 2026 · 3 Sep – 2 Oct 2026."""
        (day_a, month_a, year_a), (day_b, month_b, year_b) = self._parts(first), self._parts(last)
        if (day_a, month_a, year_a) == (day_b, month_b, year_b):
            return self.date(first)
        if (month_a, year_a) == (month_b, year_b):
            return f"{day_a}–{day_b} {month_b} {year_b}"
        if year_a == year_b:
            return f"{day_a} {month_a} – {day_b} {month_b} {year_b}"
        return f"{self.date(first)} – {self.date(last)}"

    def month(self, day: datetime.date) -> str:
        """A month of the data as a short word for an axis: Oct · أكتوبر · اکتبر · окт. Months are cut by the Gregorian calendar,
        and that of another calendar which begins meanwhile is another one."""
        return calendars.month_name(day.month, "gregorian", self.language, standing_alone=True)

    def month_and_year(self, day: datetime.date) -> str:
        """Oct 2026 · اکتبر ۲۰۲۶"""
        return f"{self.month(day)} {self._own_digits(str(day.year))}"

    @property
    def own_calendar(self) -> Calendar:
        """The calendar that days are written in."""
        return self.calendar or calendars.USUAL.get(self.language, "gregorian")

    def typed(self, day: datetime.date) -> str:
        """The day as the reader would type it: 1405/07/09, in the reader's digits."""
        return self._own_digits(calendars.typed(day, self.own_calendar))

    def _of_calendar(self, day: datetime.date) -> tuple[Calendar, tuple[int, int, int]]:
        """The day in the reader's calendar; in the Gregorian one beyond the years that are known of it."""
        plain = _plain(day)
        found = calendars.parts(plain, self.own_calendar)
        return (self.own_calendar, found) if found else ("gregorian", (plain.year, plain.month, plain.day))

    def _parts(self, day: datetime.date) -> tuple[str, str, str]:
        calendar, (year, month, number) = self._of_calendar(day)
        era = f" {calendars.ERAS[self.language]}" if calendar == "hijri" else ""
        return (
            self._own_digits(str(number)), calendars.month_name(month, calendar, self.language), self._own_digits(str(year)) + era,
        )  # fmt: skip

    def duration(self, seconds: float | None) -> str:
        """A length of time in words: under a minute, 25 minutes, 1.5 hours, 3.4 days."""
        if _is_missing(seconds):
            return MISSING
        length = abs(float(seconds))  # type: ignore[arg-type]
        for start, one, (singular, plural) in DURATIONS:
            decimals = 0 if one == 60 or length >= 10 * one else 1
            amount = round(length / one, decimals)
            if length >= start or round(length / (one / 60)) * (one / 60) >= start:
                whole = amount == int(amount)
                count = int(amount) if whole else _LIKE_DECIMALS[self.language]
                shown = self.number(amount, 0 if whole else decimals)
                return self.ngettext(singular, plural, count).format(number=shown)
        return self.gettext(UNDER_A_MINUTE)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """For work outside a page run, such as a file made on demand: `_` and `reader` answer in that language."""
    before = _SPEAKING.set(language)
    try:
        yield
    finally:
        _SPEAKING.reset(before)


def current_language() -> str:
    """The language of whoever reads now: one of LANGUAGES, English if none was chosen."""
    spoken = _SPEAKING.get()
    if spoken is not None:
        return spoken
    chosen = st.session_state.get("lang", "en")
    return chosen if chosen in LANGUAGES else "en"


def reader() -> PageReader:
    """Who reads now. Ask once per run and hand it on."""
    return PageReader(
        language=current_language(),
        mode="dark" if st.context.theme.type == "dark" else "light",
        digits="latin" if st.session_state.get("digits") == "latin" else "native",
        calendar=chosen if (chosen := st.session_state.get("calendar")) in calendars.CALENDARS else None,
    )


def _(source: str) -> str:
    """The message in the language of whoever reads now."""
    return catalogue(current_language()).gettext(source) if source else ""


def ngettext(one: str, many: str, count: int) -> str:
    return catalogue(current_language()).ngettext(one, many, count)


def pgettext(context: str, source: str) -> str:
    return catalogue(current_language()).pgettext(context, source)


def say(text: Text | str) -> str:
    """The sentence in the language of whoever reads now; see `PageReader.say`."""
    return reader().say(text)


def _is_missing(x: Any) -> bool:
    return x is None or bool(pd.isna(x))


def _is_whole(x: Any) -> bool:
    return isinstance(x, int) or hasattr(x, "dtype") and x.dtype.kind in "iu"


def _plain(day: datetime.date) -> datetime.date:
    return datetime.date(day.year, day.month, day.day)
