"""The error family. Every message says where, what was found, what was expected and what to do next.

A page catches `TouchlineError` and shows its text in the reader's language; the command line prints it in English and
ends with status 2. Anything else that is raised is a fault of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from cx_metrics.texts import Text


class TouchlineError(Exception):
    """A problem the user can act on. `text` is translated where it is shown."""

    def __init__(self, source: str | Text, **values: Any) -> None:
        self.text = source if isinstance(source, Text) else Text(source, values)
        super().__init__(str(self.text))

    def __reduce__(self) -> tuple[type[TouchlineError], tuple[Text]]:
        """Another process makes it anew of its text, whose values may hold anything."""
        return type(self), (self.text,)


class FileProblem(TouchlineError):
    """A file that cannot be read as a table: empty, wrong kind, wrong delimiter, too wide."""


class MappingProblem(TouchlineError):
    """A file whose columns do not say what a table needs, or a mapping that names columns which are not there."""


class OptionProblem(TouchlineError):
    """An option of a metric that cannot be: unknown name, out of bounds, not readable."""


class ViewProblem(TouchlineError):
    """A view that asks for something the dataset does not have: a column, a goal, a time."""


class DataProblem(TouchlineError):
    """Data that a metric cannot honestly answer from."""


class WorkspaceProblem(TouchlineError):
    """A dataset, version or job that is not there, damaged, or from a newer Touchline."""


class TooLittleMemory(WorkspaceProblem):
    """An import that found no end in the memory and on the disk that it may take; with more of them it may."""


class DamagedVersion(WorkspaceProblem):
    """A version whose files are not those that were written; the one before it may still be opened."""


class EngineProblem(WorkspaceProblem):
    """A server or cluster that holds a dataset and cannot be reached, or lacks its driver or its tables."""


class Cancelled(Exception):
    """A question that its asker gave up. No TouchlineError: nobody is left to read a text, and what shows the problems of a
    question (and goes on) must not catch it."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, or None: for "did you mean" in messages."""
    found = difflib.get_close_matches(name.casefold(), {k.casefold(): k for k in known}, n=1, cutoff=0.6)
    return next((k for k in known if found and k.casefold() == found[0]), None)
