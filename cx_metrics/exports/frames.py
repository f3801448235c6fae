"""A frame as a table to read: heads in words, numbers as the reader writes them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import pandas as pd

from cx_metrics.charts.theme import Reader
from cx_metrics.exports.blocks import Cell, Grid
from cx_metrics.exports.book import Column
from cx_metrics.safe_text import clean

MISSING = "–"


def columns_of(frame: pd.DataFrame, columns: Sequence[Column] = ()) -> list[Column]:
    """The columns of a frame in words: as they are given, or by their names and types."""
    if len(columns) == frame.shape[1]:
        return list(columns)
    return [Column(str(name), _format(frame.iloc[:, i])) for i, name in enumerate(frame.columns)]


def grid_of(frame: pd.DataFrame, columns: Sequence[Column], reader: Reader) -> Grid:
    """The frame as a table with the reader's numbers and dates."""
    known = columns_of(frame, columns)
    heads = [Cell(clean(column.title), number=column.format != "text", strong=True) for column in known]
    rows = [
        [
            Cell(shown(value, column, reader), number=column.format != "text")
            for value, column in zip(row, known, strict=True)
        ]
        for row in frame.itertuples(index=False, name=None)
    ]
    return Grid(heads, rows)


def shown(value: Any, column: Column, reader: Reader) -> str:
    """One value as the reader writes it."""
    plain = plain_value(value)
    if plain is None:
        return "" if column.format == "text" else MISSING
    if isinstance(plain, (datetime.date, datetime.datetime)):
        return reader.date(plain)
    if isinstance(plain, bool) or not isinstance(plain, (int, float)):
        return clean(plain)
    decimals = 0 if float(plain) == int(plain) else 3 if column.format != "share" else 1
    text = reader.percent(plain, decimals) if column.format == "share" else reader.number(plain, decimals)
    return reader.isolate(text) if reader.rtl else text


def plain_value(value: Any) -> Any:
    """A value of a frame as Python has it: int, float, bool, text, date, time; None where nothing is known."""
    if value is None or (not isinstance(value, (list, tuple, str)) and bool(pd.isna(value))):
        return None
    if isinstance(value, pd.Timestamp):
        plain = value.tz_localize(None) if value.tzinfo else value
        return plain.date() if plain == plain.normalize() else plain.to_pydatetime()
    if hasattr(value, "item"):
        return value.item()
    return value


def _format(values: pd.Series[Any]) -> Any:
    if pd.api.types.is_bool_dtype(values.dtype):
        return "text"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "day"
    if pd.api.types.is_integer_dtype(values.dtype):
        return "whole"
    return "number" if pd.api.types.is_numeric_dtype(values.dtype) else "text"
