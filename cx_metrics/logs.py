"""What a server and its imports write down about themselves: one JSON object a line, and never anything from somebody's data.

A line has a time, an event and values; a value is a number or one of our own words or ids. Anything else, like a name, a title or
the message of an exception, is left out: logs are read by more people than the data.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType

# words of this program, ids, names of exceptions
OURS = re.compile(r"[a-z][a-z_]{0,30}|[0-9a-f]{8}|[0-9a-f]{32}|[A-Z][A-Za-z]{0,60}")


def event(name: str, /, **values: float | int | str) -> None:
    """Write down that something happened."""
    kept = {key: value for key, value in values.items() if not isinstance(value, str) or OURS.fullmatch(value)}
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": name, **kept}
    print(json.dumps(line), file=sys.stderr, flush=True)


def described(fault: BaseException) -> str:
    """A fault for a log: its kind and where it happened. Not its message, which may hold a value from somebody's data."""
    return _places(type(fault), fault.__traceback__)


def keep_messages_out() -> None:
    """From now on every logger of this process, also of the libraries, writes an exception as `described` does."""

    def without_message(
        _formatter: logging.Formatter,
        found: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        return _places(found[0] or BaseException, found[2])

    logging.Formatter.formatException = without_message  # type: ignore[method-assign, assignment]
    sys.excepthook = lambda kind, _fault, places: print(_places(kind, places), file=sys.stderr)
    threading.excepthook = lambda found: print(_places(found.exc_type, found.exc_traceback), file=sys.stderr)


def _places(kind: type[BaseException], found: TracebackType | None) -> str:
    places = "".join(f"\n  {f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(found))
    return f"{kind.__name__}{places}"
