"""Text that comes from data is shown character by character, and does nothing, wherever it lands."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cx_metrics.safe_text import FSI, PDI, clean, cut, safe

HOSTILE = [
    "<img src=x>[a](http://b)$x$",
    "{b}|{c} {@x} {a|z} %{customdata}",
    "$& $$ $5 to $9",
    "![](http://x.example/a.png) www.a.example http://a.example/x me@a.example",
    ":smile: :material/home: :material_home: :streamlit: :red[x] :color[y]",
    "-> a -- b <= c ~= d <-> e >= f <- g",
    "1. one",
    "10) ten",
    "# head",
    "- item",
    "+ item",
    "> quote",
    "| a | b |",
    "`code` **b** _i_ ~~s~~ &lt; &#60; \\",
    "--@x.example",
    "[^1] ![a][b]",
    ":a:b:c:",
    "javascript:alert(1)",
    "</script><script>alert(1)</script>",
    '" onmouseover="x',
    "=1+1",
    "سلام (x)",
    "  edges  ",
    "",
]
SEAM = ":color[]"
# What Streamlit 1.67 looks for in finished text, copied from its front end (StreamlitMarkdown, remark-emoji, remark-gfm).
SEARCHES = [
    r"(https?://|www(?=\.))([-.\w]+)([^ \t\r\n]*)",
    r"(?:^|(?<=[\s\W_]))([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)",
    r":material_(\w+):",
    r":streamlit:",
    r":\+1:|:-1:|:[\w-]+:",
    *(rf"(^|\s){sign}(\s|$)" for sign in ("<->", "->", "<-", "--", ">=", "<=", "~=")),
]


def shown_by_markdown(source: str) -> tuple[str, list[str]]:
    """The text a reader sees, and the stretches of text that the searches run over."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source)
    assert [t.type for t in tokens] in (["paragraph_open", "inline", "paragraph_close"], [])
    children = tokens[1].children or [] if tokens else []
    assert {c.type for c in children} <= {"text", "text_special"}, source
    # the seam is the only markup we write; its own signs are never escaped, those of the data always are
    text = "".join(c.content if c.type == "text" else c.content.replace(":", "\ue000") for c in children)
    parts = text.split(SEAM)
    return "".join(parts).replace("\ue000", ":"), [p.replace("\ue000", ":") for p in parts]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_hostile_text_as_it_is(text: str) -> None:
    shown, parts = shown_by_markdown(safe(text, "markdown"))
    assert shown == clean(text)
    for pattern in SEARCHES:
        assert not any(re.search(pattern, part, re.IGNORECASE) for part in parts), pattern


@given(st.text(alphabet=st.sampled_from(list("ab1 :/.@-<>=~!$[](){}#*_`\\|&;+wWhtps\n\"'é")), max_size=40))
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    shown, parts = shown_by_markdown(safe(text, "markdown"))
    assert shown == clean(text)
    for pattern in SEARCHES:
        assert not any(re.search(pattern, part, re.IGNORECASE) for part in parts), pattern


@given(st.text())
def test_html_gives_the_text_back_and_no_markup(text: str) -> None:
    escaped = safe(text, "html")
    assert not set("<>\"'") & set(escaped)
    assert html.unescape(escaped) == clean(text)


@given(st.text())
def test_echarts_tooltip_holds_no_template_sign_and_no_markup(text: str) -> None:
    escaped = safe(text, "echarts")
    assert not set("<>{}") & set(escaped)
    assert html.unescape(escaped) == clean(text)


@given(st.text(max_size=60))
def test_plotly_text_holds_no_tag_and_no_template(text: str) -> None:
    escaped = safe(text, "plotly")
    assert "<" not in escaped
    assert "%{" not in escaped
    assert html.unescape(escaped) == html.unescape(clean(text)) or "&" in text


@given(st.text())
def test_no_place_lets_control_characters_or_overrides_through(text: str) -> None:
    for place in ("markdown", "html", "canvas", "echarts", "plotly"):
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", safe(text, place))
        safe(text, place).encode()


@pytest.mark.parametrize("text", [f"{PDI}x", f"{FSI}x", f"{FSI}{FSI}x{PDI}", f"a{PDI}b{FSI}c"])
def test_isolates_leave_in_pairs(text: str) -> None:
    depth = 0
    for sign in clean(text):
        depth += (sign == FSI) - (sign == PDI)
        assert depth >= 0
    assert depth == 0


def test_lines_become_one_line() -> None:
    assert clean("a\r\nb\tc\u2028d") == "a b c d"


def test_long_names_are_cut_in_charts_only() -> None:
    name = "x" * 100
    assert safe(name, "canvas") == "x" * 59 + "…"
    assert safe(name, "canvas", limit=0) == name
    assert safe(name, "html") == name


def test_a_cut_does_not_part_a_letter_from_its_accent() -> None:
    assert cut("abe\u0301fgh", 4) == "ab…"


def test_isolated_text_stands_between_its_signs() -> None:
    assert safe("a b", "canvas", isolate=True) == f"{FSI}a b{PDI}"
