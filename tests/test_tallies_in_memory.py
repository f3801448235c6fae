"""Answers added up from memory for views that ask to have met something: as the query has it, and asked where it must be."""

from typing import Any

import pandas as pd
import pytest

from cx_metrics import tallies_in_memory
from cx_metrics.engines import Store, memory_store
from cx_metrics.registry import METRICS
from cx_metrics.view import Answered, Belonging, Filter, View
from tests.conftest import MORNING, dataset, seldom
from tests.engines.events import ask, differences, random_events

ADDED_UP = [name for name, metric in METRICS.items() if metric.tallied]
OF_COMMENTS = ["sentiment", "themes"]
MET = {
    "a channel": View(touchpoints=(Filter("channel", ("web",)),)),
    "channels and a goal": View(touchpoints=(Filter("channel", ("store", "Web", "never heard of")),), goal=("A",)),
    "a touchpoint": View(touchpoints=(Filter("touchpoint", ("o'clock", "خرید")),)),
    "what nobody met": View(touchpoints=(Filter("channel", ("fax",)),)),
}  # fmt: skip
BY: tuple[tuple[str, ...], ...] = (
    ("touchpoint", "persona"), ("persona",), ("stage", "channel"), ("quarter", "plan"), ("touchpoint", "stage", "wave"),
)  # fmt: skip


def opened(seed: int) -> Store:
    """Random events, where all answers may differ from each other."""
    events = random_events(seed, 60)
    return memory_store(events.tables(), events.facts, 100)[0]


def both(
    store: Store, metric: str, view: View, by: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[bool, list[str]]:
    """Did its answers come from memory, and where do they differ from those of the query?"""
    told, plain = list[pd.DataFrame | None](), tallies_in_memory.tally_here

    def noted(*given: Any) -> pd.DataFrame | None:
        told.append(plain(*given))
        return told[-1]

    found = []
    for here in (noted, lambda *_given: None):
        with monkeypatch.context() as changed:
            changed.setattr(tallies_in_memory, "MOST_SHARE", 1.0)
            changed.setattr("cx_metrics.asking.tally_here", here)
            found.append(ask(METRICS[metric], store, view, by, options))
    return any(frame is not None for frame in told), differences(*found)


@pytest.mark.parametrize(
    "metric", [*ADDED_UP[:1], *OF_COMMENTS, *seldom(*(m for m in ADDED_UP[1:] if m not in OF_COMMENTS))]
)
def test_those_who_met_something_are_counted_from_memory(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(ADDED_UP.index(metric))
    for name, view in MET.items():
        for by in BY:
            assert both(store, metric, view, by, monkeypatch) == (True, []), (name, by)
        alone = both(store, metric, view, (), monkeypatch)
        assert alone == (metric in OF_COMMENTS, []), name  # of scores alone, tallies tell


@pytest.mark.parametrize(
    "view, by",
    [
        (View(), ("touchpoint", "persona")),
        (View(customers=(Filter("persona", ("saver",)),), touchpoints=MET["a channel"].touchpoints), ("touchpoint", "wave")),
        (View(touchpoints=(Filter("channel", ("web", "")),)), ("touchpoint", "persona")),
        (View(touchpoints=MET["a channel"].touchpoints, first_day=MORNING.date()), ("touchpoint", "persona")),
        (View(touchpoints=MET["a channel"].touchpoints, touchpoint_rule="touchpoints"), ("touchpoint", "persona")),
        (View(touchpoints=MET["a channel"].touchpoints, answered=Answered("nps", 0, 6)), ("touchpoint", "persona")),
        (View(touchpoints=MET["a channel"].touchpoints, belonging=Belonging("last", 60)), ("touchpoint", "persona")),
        (MET["a channel"], ("touchpoint",)), (MET["a channel"], ("contacts_before", "persona")), (MET["a channel"], ("path",)),
        (MET["a channel"], ("no such column",)), (MET["a channel"], ("nps",)),
    ],
)  # fmt: skip
def test_other_questions_are_asked(view: View, by: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    assert both(opened(1), "nps", view, by, monkeypatch) == (False, [])


def test_answers_are_read_into_memory_only_for_views_that_need_them(monkeypatch: pytest.MonkeyPatch) -> None:
    store, read = opened(4), list[int]()
    monkeypatch.setattr(tallies_in_memory, "are_few", lambda _dataset: bool(read.append(1)))
    for view in (View(), View(customers=(Filter("persona", ("saver",)),))):
        assert tallies_in_memory.tally_here(store, view, ("touchpoint", "wave")) is None
    assert not read
    assert tallies_in_memory.tally_here(store, MET["a channel"], ("touchpoint", "wave")) is None
    assert read


def test_weighted_scores_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    view, by = MET["a channel"], ("touchpoint", "persona")
    assert both(opened(2), "nps", view, by, monkeypatch, weighted=True) == (False, [])


def test_answers_of_which_most_differ_are_asked() -> None:
    said = [{"score": float(i % 11), "survey_type": "nps", "touchpoint": f"T{i % 10}", "customer_id": f"u{i % 7}", "wave": "1"}
            for i in range(440)]  # fmt: skip
    met = [{"customer_id": f"u{i}", "touchpoint": "A", "channel": "web"} for i in range(7)]
    held = dataset(met, said)
    found = tallies_in_memory.tally_here(held, MET["a channel"], ("touchpoint", "wave"))
    assert found is not None and len(found) == 110 and found[tallies_in_memory.TIMES].tolist() == [4] * 110
    few = dataset(met, said[:220])  # each stands twice
    assert tallies_in_memory.tally_here(few, MET["a channel"], ("touchpoint", "wave")) is None


def test_a_column_of_the_file_that_is_called_like_ours_is_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [{"score": float(i), "survey_type": "nps", "customer_id": f"u{i % 3}", name: "x", "wave": str(i % 2)}
            for i in range(11) for name in ("person", "n")]  # fmt: skip
    met = [{"customer_id": f"u{i}", "touchpoint": "A", "channel": "web"} for i in range(2)]
    held = dataset(met, [row | {"person": row.get("person"), "n": row.get("n")} for row in said])
    for by in (("person", "n"), ("n", "wave")):
        assert both(held, "nps", MET["a channel"], by, monkeypatch) == (True, []), by
