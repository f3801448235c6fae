"""Texts that a person will read: marked here, translated where they are shown.

`cx_metrics` never translates. It hands on a `Text`: an English source string with named places, and the values for them.
The pages look the source up in the catalogue of the reader's language; the command line prints it in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def N_(source: str) -> str:
    """Mark a string for translation and hand it back unchanged."""
    return source


def NP_(one: str, many: str) -> tuple[str, str]:
    """Mark a singular and a plural for translation and hand both back unchanged."""
    return one, many


@dataclass(frozen=True)
class Text:
    """A sentence to be translated later: `source` is the English message with `{named}` places for `values`.

    A sentence that counts something carries `many` and `count`; languages with more plural forms find them in the catalogue.
    A value may be a number (shown in the reader's digits), a string (data: isolated and escaped), another `Text`, or a tuple of
    these, shown as a list.
    `share` values are written as a number 0..1 under a name that ends in `_share`, and are shown in percent.
    """

    source: str
    values: Mapping[str, Any] = field(default_factory=dict)
    many: str | None = None
    count: int | None = None

    def __str__(self) -> str:
        source = self.source if self.many is None or self.count == 1 else self.many
        return source.format(**{name: _english(name, value) for name, value in self.values.items()})

    def to_dict(self) -> dict[str, Any]:
        """The text as plain JSON values, to be kept in a manifest."""
        values = {k: _kept(v) for k, v in self.values.items()}
        kept: dict[str, Any] = {"source": self.source, "values": values}
        if self.many is not None:
            kept |= {"many": self.many, "count": self.count}
        return kept

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Text:
        """The reverse of `to_dict`."""
        values = {k: _unkept(v) for k, v in kept.get("values", {}).items()}
        return cls(kept["source"], values, kept.get("many"), kept.get("count"))


def _kept(value: Any) -> Any:
    """A value of a text as plain JSON."""
    if isinstance(value, Text):
        return {"text": value.to_dict()}
    if isinstance(value, tuple) and any(isinstance(one, Text) for one in value):
        return {"texts": [_kept(one) for one in value]}
    return value


def _unkept(value: Any) -> Any:
    if isinstance(value, dict) and "text" in value:
        return Text.from_dict(value["text"])
    if isinstance(value, dict) and "texts" in value:
        return tuple(map(_unkept, value["texts"]))
    return value


def _english(name: str, value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return f"{value:,}".replace("-", "\N{MINUS SIGN}")
    if isinstance(value, float):
        shown = f"{value * 100:.0f}%" if name.endswith("_share") else f"{value:,.1f}"
        return shown.replace("-", "\N{MINUS SIGN}")
    if isinstance(value, (list, tuple)):
        return ", ".join(_english(name, one) for one in value)
    return str(value)
