"""Mappings as texts: what is written is read again, and what is wrong is said with its line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cx_metrics.reading
from cx_metrics.errors import MappingProblem
from cx_metrics.reading import (
    FileMapping,
    Kind,
    KindsBy,
    NameMapping,
    Spread,
    SpreadColumn,
    fingerprint,
    mapping_from_yaml,
    mapping_to_yaml,
    saved_mapping,
)
from cx_metrics.reading.yaml_text import load, load_own

from .conftest import Upload

OWN = sorted(Path(cx_metrics.reading.__file__).parent.rglob("*.yaml"))
WHOLE = FileMapping(
    "surveys",
    {"response_id": "id", "answered_at": "когда"},
    ("note", "no", "2026-01-01", "089", "1e5", "~"),
    "day_first",
    "csat",
    1.0,
    5.0,
    True,
    True,
    "Europe/Moscow",
    "cp1251",
    ";",
    "qualtrics_answers",
    {"Status": ("Survey Preview", "1", "")},
    ("-99", "N/A", "نمی‌دانم"),
    {"good": 5.0, "no": 1.0},
    KindsBy("survey", {"NPS: 2026": Kind("nps"), "yes": Kind("ces", 1, 7, False)}),
    Spread(
        "answers",
        (SpreadColumn("q1", "Why?", role="text"), SpreadColumn("q2", kind=Kind("csat", 0, 1, True, ("6",), {"да": 1}))),
    ),
    "в котором часу",
)


def test_a_mapping_is_read_as_it_was_written() -> None:
    names = {"buy": NameMapping("buy", "purchase", stage="action"), "null": NameMapping("null")}
    kept = mapping_from_yaml(mapping_to_yaml(WHOLE, names))
    assert kept.mapping == WHOLE
    assert kept.names == names


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12), max_size=6, unique=True)
)
def test_any_header_survives(headers: list[str]) -> None:
    mapping = FileMapping("touchpoints", {}, tuple(headers), leave_out={header: (header,) for header in headers})
    assert mapping_from_yaml(mapping_to_yaml(mapping)).mapping == mapping


def test_a_person_may_write_numbers_where_texts_are_meant() -> None:
    text = (
        "touchline_mapping: 1\ntable: surveys\ncolumns: {score: q1}\nno_answer: [0, 99]\nscore_words: {1: 5, no: 1}\n"
    )
    mapping = mapping_from_yaml(text).mapping
    assert (mapping.no_answer, mapping.score_words) == (("0", "99"), {"1": 5.0, "no": 1.0})


BEGIN = "touchline_mapping: 1\ntable: surveys\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "This is no mapping of Touchline"),
        ("table: surveys", "This is no mapping of Touchline"),
        ("touchline_mapping: 2\ntable: surveys\ncolumns: {}", "has the form 2"),
        ("touchline_mapping: &a 1", "Line 1: anchors"),
        (BEGIN + "columns: !!python/object:os.system {}", "Line 3: tags"),
        (BEGIN + "columns: {score: q1", "Line 3, column 20: this is no YAML."),
        (BEGIN + "columns:\n\u0007: x", "Line 4, column 1: a sign stands here that no text has."),
        (BEGIN + "columns: {}\ntable: spend", "Line 4, column 1: this name stands twice."),
        ("[" * 20 + "]" * 20, "too deeply"),
        ("a" * 600_000, "longer than"),
        (BEGIN + "columns: {scor: q1}", 'Did you mean "score"?'),
        (BEGIN + "columns: {score: 1}", "must be named by a text"),
        (BEGIN + "columns: {}\nscale_low: high", '"scale_low" must be a number'),
        (BEGIN + "columns: {}\nclock: 5", '"clock" must be a text'),
        (BEGIN + "columns: {}\nclock: time", "no column is the date that it belongs to"),
        (BEGIN + "columns: {}\ndecimal_comma: maybe", '"decimal_comma" must be true or false'),
        (BEGIN + "columns: {}\nno_answer: none", '"no_answer" must be a list of texts'),
        (BEGIN + "columns: {}\nscore_words: {good: best}", '"score_words" must give a number'),
        (BEGIN + "columns: {}\nspread: {kind: answers}", "exactly these settings are needed: columns, kind"),
        (BEGIN + "columns: {}\nspread: {kind: answer, columns: []}", 'Did you mean "answers"?'),
        (BEGIN + "columns: {}\nspread: {kind: answers, columns: [{column: a, rolle: text}]}", 'Did you mean "role"?'),
        (BEGIN + "columns: {}\nscale_low: 5\nscale_high: 1", "begins with its lowest answer"),
        (BEGIN + "columns: {}\ntouchpoints: {buy: {fase: after}}", 'Did you mean "phase"?'),
        (BEGIN + "columns: {}\ntouchpoints: {buy: [1]}", 'The touchpoint "buy"'),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(MappingProblem) as refused:
        mapping_from_yaml(text)
    assert says in str(refused.value)


def test_a_saved_mapping_is_used_where_its_columns_are(upload: Upload) -> None:
    mapping = FileMapping(
        "touchpoints", {"customer_id": "who", "touchpoint": "what"}, ("page",), encoding="cp1251", delimiter=";"
    )
    saved = mapping_to_yaml(mapping, {"buy": NameMapping("buy", "Purchase", stage="action")}).encode("utf-8-sig")
    kept = saved_mapping(saved, upload("what,who,page,more\nbuy,u1,p,x\n"))
    assert kept.mapping == replace(mapping, encoding=None, delimiter=None)
    assert kept.names["buy"].touchpoint == "Purchase"
    with pytest.raises(MappingProblem) as refused:
        saved_mapping(saved, upload("what,whom,more\nbuy,u1,x\n", "march.csv"))
    said = str(refused.value)
    assert 'march.csv has no column "who", "page"' in said and 'Its columns are: "what", "whom", "more"' in said
    with pytest.raises(MappingProblem, match="no text in UTF-8"):
        saved_mapping(b"\xff\xfe\x00", upload("what,who\nbuy,u1\n"))
    with pytest.raises(MappingProblem, match="Line 2"):
        saved_mapping(b"touchline_mapping: 1\n  - : [", upload("what,who\nbuy,u1\n"))


def test_many_references_do_not_blow_up() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    with pytest.raises(MappingProblem, match="Line 1: anchors"):
        mapping_from_yaml(bomb)


def test_a_header_is_known_again_in_any_order_case_and_spacing() -> None:
    known = fingerprint(["Customer ID", "Event", "Дата"])
    assert known == fingerprint(["дата", " event ", "customer  id"])
    assert known != fingerprint(["Customer ID", "Event"])
    assert known != fingerprint(["Customer ID", "Event", "Дата", "More"])
    assert len(known) == 32
    assert "event" not in known


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_our_own_texts_say_the_same_to_the_quick_parser(path: Path) -> None:
    """They are within the limits of what anybody may write, and hold nothing that is not read there."""
    text = path.read_text(encoding="utf-8")
    assert load_own(text) == load(text)
