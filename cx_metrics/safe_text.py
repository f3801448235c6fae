"""The one escape for text that comes from data: names, comments, file names, titles people typed.

Four languages would otherwise read such text as commands: Streamlit's Markdown (links, pictures, formulas, icons), HTML,
ECharts templates and Plotly's pseudo-HTML. `safe(value, place)` writes the text so that the reader sees the very
characters of the data and nothing happens.

The places:

- "markdown": everything Streamlit renders as Markdown: st.markdown, messages, labels, radio options, tabs, metrics.
  (Options of select boxes and cells of st.dataframe are plain text: use "canvas" there, or the value itself.)
- "html": our own markup, in text and in quoted attributes.
- "canvas": text that is drawn or shown as it is: Vega-Lite data, axis labels, ECharts node ids and titles.
- "echarts": an ECharts tooltip, which is a template and then HTML. ECharts labels have no escape for template signs:
  never put data into `label.formatter`; a node without a formatter shows its id as it is ("canvas").
- "plotly": any Plotly text, with or without a template.

Out of every text go: control characters, characters that reverse the direction of what follows, halves of surrogate
pairs. Line breaks and tabs become spaces. Isolates (U+2066 to U+2069) stay where they are in pairs.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Literal

Place = Literal["markdown", "html", "canvas", "echarts", "plotly"]

FSI, PDI = "\u2068", "\u2069"
LABEL_LIMIT = 60  # longer names are cut in charts, where they would push the picture away; tables show them whole

_OPENING = "\u2066\u2067\u2068"
_DIRECTION = re.compile("[\u202a-\u202e]")  # embeddings and overrides: they reach beyond the text that holds them
_SPACES = re.compile("[\t\n\v\f\r\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufeff\ufff9-\ufffb]")
_SURROGATE = re.compile("[\ud800-\udfff]")

# Markdown: a backslash stops the parser, but Streamlit then searches the finished text once more for links, e-mail
# addresses, :shortcodes: and arrows. `:color[]` is an empty span without a style: it parts the text, so nothing is found.
_SEAM = ":color[]"
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_SEARCHED = re.compile(
    r"""(?P<link>h(?=ttps?://)|w(?=ww\.))   # http://…, www.…: parted after the first letter
      | (?P<mail>[-.\w+](?=@))              # somebody@…: parted before the @
      | (?P<code>:[\w+-](?=[\w+-]*:))       # :smile:, :streamlit:, :material_x:
      | (?P<pair>-(?=[->])|[<~>](?=[-=]))   # -- -> <- <= >= ~= become typographic signs
    """,
    re.IGNORECASE | re.VERBOSE,
)


def safe(value: object, place: Place, *, limit: int | None = None, isolate: bool = False) -> str:
    """How do I show this text there, character by character as it is in the data?

    `limit` cuts after so many characters and ends with an ellipsis; charts cut at LABEL_LIMIT unless told otherwise
    (0: never). `isolate` wraps the text in FSI … PDI, for places without <bdi>.

    >>> safe("![](http://x) $5", "html")
    '![](http://x) $5'
    >>> safe("a|b <img>", "markdown")
    'a\\\\|b \\\\<img\\\\>'
    """
    text = clean(value)
    if limit is None:
        limit = LABEL_LIMIT if place in ("canvas", "plotly") else 0
    if limit:
        text = cut(text, limit)
    if isolate:
        text = f"{FSI}{text}{PDI}"
    return _ESCAPES[place](text)


def clean(value: object) -> str:
    """The text without control characters, direction overrides, half surrogates and unpaired isolates; in one line."""
    text = _SURROGATE.sub("\ufffd", str(value))
    text = _CONTROL.sub("", _SPACES.sub(" ", text.replace("\r\n", "\n")))
    return _paired(_DIRECTION.sub("", text))


def has_right_to_left(text: str) -> bool:
    """Is any letter of it written from right to left?"""
    return any(unicodedata.bidirectional(sign) in ("R", "AL", "AN") for sign in text)


def cut(text: str, limit: int) -> str:
    """The first `limit` characters at most, an ellipsis last if any was left out; never between a letter and its accent."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and (
        unicodedata.combining(text[end]) or text[end] in "\u200c\u200d\ufe0f" or text[end - 1] == "\u200d"
    ):
        end -= 1
    return _paired(text[:end].rstrip() + "…")


def _paired(text: str) -> str:
    """Isolates in pairs: a PDI without its start is dropped, a missing one is added at the end."""
    if not any(sign in text for sign in (*_OPENING, PDI)):
        return text
    kept, depth = [], 0
    for sign in text:
        if sign == PDI and depth == 0:
            continue
        depth += (sign in _OPENING) - (sign == PDI)
        kept.append(sign)
    return "".join(kept) + PDI * depth


def _markdown(text: str) -> str:
    parts, last = [], 0
    for found in _SEARCHED.finditer(text):
        parts += [_backslashed(text[last : found.end()]), _SEAM]
        last = found.end()
    body = "".join([*parts, _backslashed(text[last:])])
    inner = body.strip(" ")  # spaces at the edges would be lost, or make a line break or a code block
    if inner == body:
        return body
    start, end = len(body) - len(body.lstrip(" ")), len(body) - len(body.rstrip(" "))
    return "&#32;" * start + inner + "&#32;" * (end if inner else 0)


def _backslashed(text: str) -> str:
    return _PUNCTUATION.sub(r"\\\g<0>", text)


def _html(text: str) -> str:
    return html.escape(text, quote=True)


def _echarts(text: str) -> str:
    """HTML in which no brace stands for itself, so that the template finds nothing to replace."""
    return _html(text).replace("{", "&#123;").replace("}", "&#125;")


def _plotly(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "%&#123;")


_ESCAPES: Mapping[Place, Callable[[str], str]] = {
    "markdown": _markdown,
    "html": _html,
    "canvas": str,
    "echarts": _echarts,
    "plotly": _plotly,
}
