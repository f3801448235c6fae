"""How a number is written by a program that formats numbers itself: a spreadsheet, a chart on a slide."""

from __future__ import annotations

from cx_metrics.charts.theme import Reader
from cx_metrics.exports.book import Format

DIGITS = {
    "٠": "[$-2000401]",
    "۰": "[$-3000429]",
}  # the reader's zero: digits of that script, in the language they belong to
PATTERNS: dict[Format, str] = {
    "whole": "#,##0", "number": "#,##0.00", "share": "0.0%", "score": "0.0", "day": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm",
}  # fmt: skip


def pattern(format: Format, reader: Reader) -> str:
    """The number format for a kind of number, in the reader's digits; text has none."""
    return in_digits(PATTERNS[format], reader) if format in PATTERNS else "@"


def decimals(places: int, reader: Reader, share: bool = False) -> str:
    """The number format with so many places after the point."""
    body = ("0" if share else "#,##0") + ("." + "0" * places if places else "") + ("%" if share else "")
    return in_digits(body, reader)


def in_digits(body: str, reader: Reader) -> str:
    """A number format in the reader's digits."""
    return DIGITS.get(reader.number(0), "") + body
