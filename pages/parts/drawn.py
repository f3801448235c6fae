"""Charts that were drawn before: the same rows for the same reader give the same picture, so it is built once.

Building a chart and writing it down takes ten times as long as fetching its numbers from the cache. What a chart is drawn from
stands in its function: the rows, the options, the reader. They are its name here; where one of them is of a kind that has no
plain content, the chart is drawn anew.
"""

from __future__ import annotations

import copy
import datetime
import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from types import CodeType, FunctionType
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from cx_metrics.run import Result
from cx_metrics.shelf import Shelf, content
from cx_metrics.texts import Text
from pages.parts.language import PageReader

MOST = 3_000  # pictures, some 20 kB each
PLAIN = (str, int, float, bool, bytes, type(None), datetime.date, datetime.timedelta, np.generic, PageReader)
_drawn = Shelf(MOST)


class NoContentError(Exception):
    """Something that a chart is drawn from, of which nobody can say whether it is the same as before."""


class Drawn:
    """A chart that is written down once; each time it is asked for, there is a copy of that."""

    def __init__(self, chart: Any) -> None:
        self._chart, self._written = chart, None
        self._rows: dict[str, Any] = {}

    def to_dict(self) -> dict[str, Any]:
        """The chart as plain values. Streamlit collects its rows on the way, in the `datasets` of the transformer it enables."""
        held = alt.data_transformers.options.get("datasets")
        if self._written is None:
            self._written = self._chart.to_dict(validate=False)  # tests do: it takes as long as the rest
            self._rows = dict(held or {})
            self._chart = None
        if isinstance(held, dict):
            held |= self._rows
        return copy.deepcopy(self._written)


def picture(draw: Callable[[PageReader], Any], who: PageReader) -> Any:
    """What `draw` draws for this reader, built before or now."""
    try:
        name = fingerprint((draw, who))
    except NoContentError:
        return draw(who)
    return _drawn.get(name, lambda: Drawn(draw(who)))


def forget() -> None:
    """Draw everything anew."""
    _drawn.forget()


def fingerprint(thing: Any) -> str:
    """A short name for what a thing is made of: equal contents have equal names. Raises NoContentError."""
    found = hashlib.sha256()
    _add(found.update, thing)
    return found.hexdigest()


def _add(say: Callable[[bytes], None], thing: Any) -> None:
    say(f"{type(thing).__name__}(".encode())
    if isinstance(thing, PLAIN):
        say(repr(thing).encode())
    elif isinstance(thing, pd.DataFrame):
        say(_rows(thing).encode())
    elif isinstance(thing, pd.Series):
        say(_rows(thing.to_frame("series")).encode())
    elif isinstance(thing, Mapping):
        for name, value in thing.items():
            _add(say, name)
            _add(say, value)
    elif isinstance(thing, (list, tuple, range)):
        for value in thing:
            _add(say, value)
    elif isinstance(thing, Text):
        _add(say, (thing.source, thing.values, thing.many, thing.count))
    elif isinstance(thing, Result):
        _add(say, (thing.definition["hash"], thing.definition["data_version"], thing.frame))
    elif isinstance(thing, partial):
        _add(say, (thing.func, thing.args, thing.keywords))
    elif isinstance(thing, FunctionType):
        _function(say, thing)
    else:
        raise NoContentError(type(thing).__name__)
    say(b")")


def _function(say: Callable[[bytes], None], function: FunctionType) -> None:
    """A function by its place in the source, and by what it holds from where it was made."""
    code: CodeType = function.__code__
    say(f"{function.__module__}:{code.co_qualname}:{code.co_firstlineno}".encode())
    say(code.co_code)
    _add(say, (code.co_names, [value for value in code.co_consts if isinstance(value, PLAIN)]))
    held = [cell.cell_contents for cell in function.__closure__ or ()]
    _add(say, (held, function.__defaults__, function.__kwdefaults__))


def _rows(frame: pd.DataFrame) -> str:
    """The rows of a frame with their index."""
    try:
        return content(frame.reset_index())
    except (TypeError, ValueError):  # a cell that holds a list, or names that stand twice
        raise NoContentError("rows") from None
