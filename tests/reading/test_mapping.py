"""What the user confirmed: kept as JSON, checked against the file, safe names for attributes."""

from __future__ import annotations

import json

import pytest

from cx_metrics.errors import MappingProblem
from cx_metrics.reading import FileMapping, NameMapping, check_mapping, look_up
from cx_metrics.reading.mapping import attribute_names
from cx_metrics.tables import HEARD, PREPARED, PREPARED_ANSWERS
from cx_metrics.texts import Text

from .conftest import Upload

COLUMNS = {"customer_id": "who", "touchpoint": "what", "occurred_at": "when"}


def test_file_mapping_survives_json() -> None:
    mapping = FileMapping(
        "surveys", {"score": "q1"}, ("note",), "day_first", "nps", 0.0, 10.0, True, True, "Europe/Moscow"
    )
    assert FileMapping.from_dict(json.loads(json.dumps(mapping.to_dict()))) == mapping


def test_name_mapping_survives_json() -> None:
    mapping = look_up("add_to_cart")
    assert mapping and mapping.reason
    kept = NameMapping.from_dict(json.loads(json.dumps(mapping.to_dict())))
    assert kept == mapping
    assert str(kept.reason) == str(mapping.reason)


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        ({"table": "touchpoint", "columns": {}}, 'Did you mean "touchpoints"?'),
        ({"table": "touchpoints", "columns": {"custmer_id": "a"}}, 'Did you mean "customer_id"?'),
        ({"table": "touchpoints", "columns": {"raw_touchpoint": "a"}}, "no column"),
        ({"table": "touchpoints", "columns": {}, "time_format": "dayfirst"}, 'Did you mean "day_first"?'),
        ({"table": "surveys", "columns": {}, "survey_type": "npss"}, 'Did you mean "nps"?'),
        ({"table": "touchpoints", "columns": {}, "time_zone": "Berlin"}, "no time zone"),
        ({"table": "touchpoints", "columns": {}, "colour": 1}, '"colour"'),
        ({"columns": {}}, "must name its table"),
    ],
)
def test_unknown_names_in_a_kept_mapping_are_refused(kept: dict[str, object], says: str) -> None:
    with pytest.raises(MappingProblem) as refused:
        FileMapping.from_dict(kept)
    assert says in str(refused.value)


def test_mapping_to_a_column_that_is_not_there_names_it_and_the_nearest(upload: Upload) -> None:
    raw = upload("who,what,whenn\na,b,2026-01-01\n", "log.csv")
    with pytest.raises(MappingProblem) as refused:
        check_mapping(raw, FileMapping("touchpoints", COLUMNS))
    assert 'log.csv has no column "when"' in str(refused.value)
    assert 'Did you mean "whenn"?' in str(refused.value)


def test_mapping_without_a_needed_column_is_refused(upload: Upload) -> None:
    raw = upload("who,what,when\na,b,2026-01-01\n")
    with pytest.raises(MappingProblem, match="touchpoint, which touchpoints need"):
        check_mapping(raw, FileMapping("touchpoints", {"customer_id": "who"}))


def test_attribute_with_a_name_of_ours_gets_a_suffix() -> None:
    mapping = FileMapping("touchpoints", COLUMNS, ("Channel", "step", "region", "step_in_file", "plan", "Plan"))
    assert attribute_names(mapping) == {
        "Channel_in_file": "Channel",
        "step_in_file": "step",
        "region": "region",
        "step_in_file_in_file": "step_in_file",
        "plan": "plan",
        "Plan_in_file": "Plan",
    }


def test_attributes_never_take_a_prepared_name() -> None:
    taken = (*PREPARED, *PREPARED_ANSWERS, *HEARD)
    for table in ("touchpoints", "surveys", "customers"):
        names = attribute_names(FileMapping(table, COLUMNS, taken))
        assert len(names) == len(taken) and not {name.casefold() for name in names} & set(taken)


def test_names_in_a_message_are_quoted_as_its_language_does_and_survive_being_kept(upload: Upload) -> None:
    with pytest.raises(MappingProblem) as refused:
        check_mapping(upload("a,b\n1,2\n"), FileMapping("customers", {"customer_id": "x"}, ("y",)))
    text = refused.value.text
    assert Text.from_dict(json.loads(json.dumps(text.to_dict()))) == text
    assert [name.source for name in text.values["headers"]] == ['"{name}"'] * 2
    assert 'has no column "x", "y". Its columns are: "a", "b".' in str(text)
