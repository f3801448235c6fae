"""One table in many dialects: whatever a program made of it, the same typed frame comes out.

Encodings, delimiters, ends of lines, languages of the header, scripts of digits, calendars, orders of dates, decimal signs.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hijridate import Gregorian
from persiantools.jdatetime import JalaliDate

from cx_metrics.reading import default_mapping, open_raw, read_surveys, read_touchpoints, recognise

LATIN, PERSIAN, ARABIC = "0123456789", "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"
ENGLISH = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
RUSSIAN = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
]
GULF = ["يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"]
LEVANT = [
    "كانون الثاني", "شباط", "آذار", "نيسان", "أيار", "حزيران",
    "تموز", "آب", "أيلول", "تشرين الأول", "تشرين الثاني", "كانون الأول",
]  # fmt: skip

# The table. Ids that are easily lost, names in four languages, times on both sides of every boundary, amounts with thousands.
IDS = ["00123", "NA", "9007199254740993", "null", "A-7", "1e5", "0042"]
NAMES = ["visit shop", "посещение магазина", "زيارة المتجر", "خرید از فروشگاه"]
COMMENTS = ["Good, quick; kind", 'Хорошо, "быстро"', "خدمة جيدة", "خیلی خوب"]
START = datetime(2024, 1, 25, 22, 59, 58)
ROWS = [
    (IDS[n % 7], START + timedelta(days=17 * n, hours=5 * n, minutes=n), NAMES[n % 4], round(1234.5 * n + 0.25, 2), n * 7 % 11)
    for n in range(40)
]  # fmt: skip

HEADERS = {
    "en": ("customer_id", "occurred_at", "touchpoint", "value", "answered_at", "nps", "comment"),
    "ru": ("id клиента", "дата и время", "событие", "сумма", "дата ответа", "оценка nps", "комментарий"),
    "ar": ("معرف العميل", "التاريخ والوقت", "الحدث", "القيمة", "تاريخ الإجابة", "nps", "التعليق"),
    "fa": ("شناسه مشتری", "زمان رویداد", "رویداد", "ارزش", "تاریخ پاسخ", "nps", "نظر"),
}


def jalali(t: datetime) -> JalaliDate:
    return JalaliDate(t.date())


def hijri(t: datetime) -> Gregorian:
    return Gregorian.fromdate(t.date()).to_hijri()


def epoch(t: datetime) -> int:
    return int(t.replace(tzinfo=UTC).timestamp())


TIMES: dict[str, Callable[[datetime], str]] = {
    "iso": lambda t: f"{t:%Y-%m-%d %H:%M:%S}",
    "iso with zone": lambda t: f"{t + timedelta(hours=3.5):%Y-%m-%dT%H:%M:%S}+03:30",
    "iso with name of zone": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}Z[UTC]",
    "year first": lambda t: f"{t:%Y/%m/%d %H:%M:%S}",
    "forms": lambda t: f"{t + timedelta(hours=3):%Y/%m/%d %I:%M:%S %p} GMT+3",
    "day first": lambda t: f"{t:%d/%m/%Y %H:%M:%S}",
    "dots": lambda t: f"{t:%d.%m.%Y, %H:%M:%S}",
    "clock first": lambda t: f"{t:%H:%M:%S %d.%m.%Y}",
    "month first": lambda t: f"{t:%m/%d/%Y %I:%M:%S %p}",
    "no zeros": lambda t: f"{t.month}/{t.day}/{t.year} {t.hour}:{t:%M:%S}",
    "two digits": lambda t: f"{t:%d.%m.%y %H:%M:%S}",
    "mail": lambda t: f"{t:%a, %d %b %Y %H:%M:%S} +0000",
    "script": lambda t: f"{t:%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)",
    "english": lambda t: f"{ENGLISH[t.month - 1]} {t.day}, {t.year} at {t:%I:%M:%S %p}",
    "russian": lambda t: f"{t.day} {RUSSIAN[t.month - 1]} {t.year} г., {t:%H:%M:%S}",
    "gulf": lambda t: f"{t.day} {GULF[t.month - 1]} {t.year} {t:%I:%M:%S} {'م' if t.hour >= 12 else 'ص'}",
    "levant": lambda t: f"{t.day} {LEVANT[t.month - 1]} {t.year} {t:%H:%M:%S}",
    "arabic marks": lambda t: f"{t:%d/%m/%Y %I:%M:%S} {'م' if t.hour >= 12 else 'ص'}",
    "compact": lambda t: f"{t:%Y%m%dT%H%M%SZ}",
    "seconds": lambda t: f"{epoch(t)}",
    "milliseconds": lambda t: f"{epoch(t)}000",
    "microseconds": lambda t: f"{epoch(t)}000000",
    "powers": lambda t: f"{epoch(t):.9E}",
    "jalali": lambda t: f"{jalali(t):%Y/%m/%d} {t:%H:%M:%S}",
    "jalali day first": lambda t: f"{t:%H:%M:%S} - {jalali(t):%d/%m/%Y}",
    "jalali names": lambda t: f"{jalali(t).strftime('%A %d %B %Y', locale='fa')} ساعت {t:%H:%M:%S}",
    "jalali marks": lambda t: f"{jalali(t):%Y-%m-%d} {t:%I:%M:%S} {'ب.ظ' if t.hour >= 12 else 'ق.ظ'}",
    "hijri": lambda t: f"{hijri(t).isoformat().replace('-', '/')} {t:%H:%M:%S}",
    "hijri day first": lambda t: f"{hijri(t).dmyformat('/')} هـ {t:%H:%M:%S}",
    "hijri names": lambda t: f"{hijri(t).day} {hijri(t).month_name('ar')} {hijri(t).year} {t:%H:%M:%S}",
}
AMOUNTS: dict[str, Callable[[float], str]] = {
    "point": lambda v: f"{v:.2f}",
    "thousands": lambda v: f"{v:,.2f}",
    "comma": lambda v: f"{v:.2f}".replace(".", ","),
    "dots and comma": lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")),
    "spaces and comma": lambda v: f"{v:,.2f}".translate(str.maketrans(",.", "\u00a0,")),
    "narrow spaces": lambda v: f"{v:,.2f}".translate(str.maketrans(",.", "\u202f,")),
    "apostrophes": lambda v: f"{v:,.2f}".replace(",", "'"),
    "euro": lambda v: f"{v:,.2f} €".translate(str.maketrans(",.", ".,")),
    "dollar": lambda v: f"${v:,.2f}",
    "code": lambda v: f"USD {v:.2f}",
    "arabic signs": lambda v: f"{v:,.2f}".translate(str.maketrans(",.", "٬٫")),
}


@dataclass(frozen=True)
class Dialect:
    """How a program writes the table."""

    times: str
    amounts: str
    digits: str = LATIN
    language: str = "en"
    encoding: str = "utf-8"
    delimiter: str = ","
    line_end: str = "\n"

    def __str__(self) -> str:
        script = {LATIN: "latin", PERSIAN: "persian", ARABIC: "arabic"}[self.digits]
        sign = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}[self.delimiter]
        end = {"\n": "lf", "\r\n": "crlf", "\r": "cr"}[self.line_end]
        return f"{self.encoding}-{self.language}-{self.times}-{self.amounts}-{script}-{sign}-{end}".replace(" ", "_")

    def holds(self, text: str) -> bool:
        """Whether the encoding can say it."""
        return text.encode(self.encoding, "ignore").decode(self.encoding) == text

    def time(self, moment: datetime) -> str:
        return TIMES[self.times](moment).translate(str.maketrans(LATIN, self.digits))

    def amount(self, value: float) -> str:
        return AMOUNTS[self.amounts](value).translate(str.maketrans(LATIN, self.digits))

    def write(self, path: Path, header: list[str], rows: list[list[str]]) -> None:
        text = io.StringIO()
        csv.writer(text, delimiter=self.delimiter, lineterminator=self.line_end).writerows([header, *rows])
        begin = {"utf-16-be": b"\xfe\xff"}.get(
            self.encoding, b""
        )  # the codec named utf-16 writes the little-endian mark
        path.write_bytes(begin + text.getvalue().encode(self.encoding))


def dialects() -> Iterator[Dialect]:
    """Each way to write a time with two ways to write amounts in Unicode, and once in an encoding of its own region; the other
    choices go round."""
    amounts, ends, signs = list(AMOUNTS), ["\n", "\r\n", "\r"], [",", ";", "\t", "|"]
    unicodes, languages = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"], list(HEADERS)
    scripts = {"jalali": (PERSIAN, LATIN), "hijri": (ARABIC, LATIN)}
    narrow = ["cp1251", "koi8-r", "cp866", "cp1256", "iso-8859-6", "cp1252", "utf-16-le"]
    number = 0
    for name in TIMES:
        for turn in (0, 1):
            digits = scripts.get(name.split()[0], (LATIN, (PERSIAN, ARABIC)[number % 2]))[turn]
            if digits != LATIN and name in ("powers", "iso with name of zone", "mail", "script"):
                digits = LATIN  # programs write these
            yield Dialect(name, amounts[number % len(amounts)], digits, languages[number // 2 % 4], unicodes[number % 4],
                          signs[number // 3 % 4], ends[number % 3])  # fmt: skip
            number += 1
        for encoding in (narrow[number % 7], narrow[(number + 3) % 7]):
            found = Dialect(
                name, amounts[number % len(amounts)], LATIN, "en", encoding, signs[number % 4], ends[number % 2]
            )
            if found.holds(found.time(START) + found.amount(1234.5)):
                yield found


DIALECTS = list(dialects())


def test_there_are_many_dialects_and_each_choice_is_among_them() -> None:
    now = DIALECTS
    assert len(set(now)) >= 100
    assert {d.times for d in now} == set(TIMES) and {d.amounts for d in now} == set(AMOUNTS)
    assert {d.digits for d in now} == {LATIN, PERSIAN, ARABIC} and {d.language for d in now} == set(HEADERS)
    assert {d.delimiter for d in now} == {",", ";", "\t", "|"} and {d.line_end for d in now} == {"\n", "\r\n", "\r"}


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_touchpoints_are_the_same_in_every_dialect(dialect: Dialect, tmp_path: Path) -> None:
    rows = [row for row in ROWS if dialect.holds(row[2])]
    written = [[one, dialect.time(when), name, dialect.amount(value)] for one, when, name, value, _ in rows]
    dialect.write(tmp_path / "file", list(HEADERS[dialect.language][:4]), written)
    raw = open_raw(tmp_path / "file", "touchpoints.csv")
    mapping = default_mapping(raw, recognise(raw))
    typed = read_touchpoints(raw, mapping)
    table = typed.to_table()
    assert mapping.table == "touchpoints"
    assert (typed.report.rows, typed.report.loaded) == (len(rows), len(rows))
    assert table.select(["customer_id", "occurred_at", "raw_touchpoint", "value"]).to_pylist() == [
        {"customer_id": one, "occurred_at": when, "raw_touchpoint": name, "value": value} for one, when, name, value, _ in rows
    ]  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_answers_are_the_same_in_every_dialect(dialect: Dialect, tmp_path: Path) -> None:
    rows = [(row, COMMENTS[n % 4]) for n, row in enumerate(ROWS) if dialect.holds(COMMENTS[n % 4])]
    digits = str.maketrans(LATIN, dialect.digits)
    written = [[row[0], dialect.time(row[1]), str(row[4]).translate(digits), said] for row, said in rows]
    names = HEADERS[dialect.language]
    dialect.write(tmp_path / "file", [names[0], *names[4:]], written)
    raw = open_raw(tmp_path / "file", "answers.csv")
    mapping = default_mapping(raw, recognise(raw))
    typed = read_surveys(raw, mapping)
    table = typed.to_table()
    assert (mapping.table, mapping.survey_type) == ("surveys", "nps")
    assert (typed.report.rows, typed.report.loaded) == (len(rows), len(rows))
    assert table.select(["customer_id", "answered_at", "score", "score_status", "comment"]).to_pylist() == [
        {"customer_id": row[0], "answered_at": row[1], "score": float(row[4]), "score_status": "valid", "comment": said}
        for row, said in rows
    ]  # fmt: skip
