"""What lies before an answer, against plain Python and pandas: by hand, on random journeys, on real ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.engines import Store, memory_store
from cx_metrics.engines.incoming import Incoming
from cx_metrics.tables import PREPARED_ANSWERS, SURVEYS, TOUCHPOINTS
from cx_metrics.view import Facts
from tests.conftest import MORNING, dataset, incoming

Row = dict[str, Any]
NAMES = ("A", "a", "B", "خرید")
GAPS = (0, 0, 1e-6, 1, 3_600, 3 * 86_400)


def prepared(store: Store) -> dict[str, Row]:
    """The prepared columns of each answer, by its id; unknown is None."""
    frame = store.fetch(store.tables["surveys"]).set_index("response_id")[list(PREPARED_ANSWERS)]
    return {who: {k: None if pd.isna(v) else v for k, v in row.items()} for who, row in frame.to_dict("index").items()}


def before(answer: Row, touchpoints: list[Row]) -> Row:
    """The same in plain Python, touchpoint by touchpoint."""
    unknown = dict.fromkeys(PREPARED_ANSWERS)
    who, at = answer["customer_id"], answer["answered_at"]
    own = [row for row in touchpoints if row["customer_id"] == who and row["occurred_at"] is not None]
    own.sort(key=lambda row: (row["occurred_at"], row["sequence"]))
    met = [row for row in own if at is not None and row["occurred_at"] <= at]
    if who is None or not met:
        return unknown
    last, waits = met[-1], [seconds(one["occurred_at"], two["occurred_at"]) for one, two in pairwise(met)]
    channels = [(one["channel"], two["channel"]) for one, two in pairwise(met)]
    return {
        "last_touchpoint": last["touchpoint"], "last_stage": last["stage"], "last_channel": last["channel"],
        "last_touchpoint_type": last["touchpoint_type"], "seconds_since_last": seconds(last["occurred_at"], at),
        "contacts_before": len(met), "repeats_before": len(met) - len({row["touchpoint"] for row in met}),
        "channel_switches_before": sum(None not in pair and pair[0] != pair[1] for pair in channels),
        "longest_wait_seconds": max(waits, default=None), "journey_seconds_before": seconds(met[0]["occurred_at"], at),
        "contacts_after": len(own) - len(met),
    }  # fmt: skip


def seconds(early: datetime, late: datetime) -> float:
    return (late - early) // timedelta(microseconds=1) / 1e6


def random_rows(seed: int) -> tuple[list[Row], list[Row]]:
    """Touchpoints and answers: ties between both, unknown times, customers without touchpoints or without a name."""
    dice = random.Random(seed)
    touched: list[Row] = []
    instants: dict[str, list[datetime]] = {}
    for number in range(30):
        at = MORNING
        for _again in range(dice.choice((1, 1, 2, 4, 9))):
            at += timedelta(seconds=dice.choice(GAPS))
            instants.setdefault(f"u{number}", []).append(at)
            name = dice.choice(NAMES)
            touched.append({
                "customer_id": f"u{number}", "occurred_at": at if dice.random() < 0.9 else None, "touchpoint": name,
                "raw_touchpoint": name, "stage": dice.choice(("action", None)),
                "channel": dice.choice(("web", "Web", "store", None)), "touchpoint_type": dice.choice(("digital", "human", None)),
            })  # fmt: skip
    dice.shuffle(touched)
    for sequence, row in enumerate(touched):
        row["sequence"] = sequence
    said: list[Row] = []
    for number in range(120):
        who = dice.choice((None, "nobody", *(f"u{n}" for n in range(30))))
        near = dice.choice(instants.get(str(who), [MORNING]))
        moved = near + timedelta(seconds=dice.choice((-86_400, -1e-6, 0, 0, 1e-6, 86_400)))
        said.append({
            "response_id": f"r{number}", "customer_id": who, "answered_at": dice.choice((None, moved, moved, moved)),
            "question": "q", "survey_type": "nps", "higher_is_better": True, "score": 9.0, "score_status": "valid", "weight": 1.0,
        })  # fmt: skip
    return touched, said


def check(seed: int) -> None:
    touched, said = random_rows(seed)
    rows = incoming(touched, TOUCHPOINTS.schema)
    tables = {
        "touchpoints": Incoming(rows.schema, rows.batches, ordered=True),  # rows that look alike are not the same
        "surveys": incoming([*said, said[0]], SURVEYS.schema),
    }
    store, built = memory_store(tables, Facts())
    found = prepared(store)
    assert built.rows["surveys"] == len(found) == len(said)
    for answer in said:
        assert found[answer["response_id"]] == before(answer, touched), answer
    store.close()


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10**6))
def test_what_lies_before_an_answer_is_what_plain_python_finds(seed: int) -> None:
    check(seed)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_what_lies_before_ten_thousand_answers_is_what_plain_python_finds() -> None:
    for seed in range(90):
        check(2_000_000 + seed)


def at(minutes: float) -> datetime:
    return MORNING + timedelta(minutes=minutes)


def touch(
    minutes: float | None, touchpoint: str, channel: str | None, stage: str | None = None, who: str = "u1"
) -> Row:
    when = None if minutes is None else at(minutes)
    return {"customer_id": who, "occurred_at": when, "touchpoint": touchpoint, "channel": channel, "stage": stage}


JOURNEY = [
    touch(0, "Ad", "web"), touch(10, "Shop", "store"), touch(40, "Shop", None), touch(45, "Call", "phone"),
    touch(45, "Help", "web", "loyalty"), touch(None, "Letter", "post"),
]  # fmt: skip


def test_an_answer_in_the_middle_of_a_journey_by_hand() -> None:
    answers = [
        {"response_id": "middle", "customer_id": "u1", "answered_at": at(44)},
        {"response_id": "same instant", "customer_id": "u1", "answered_at": at(45)},
        {"response_id": "first", "customer_id": "u1", "answered_at": at(0)},
        {"response_id": "too early", "customer_id": "u1", "answered_at": at(-1)},
        {"response_id": "no time", "customer_id": "u1"},
        {"response_id": "nobody", "answered_at": at(44)},
        {"response_id": "somebody else", "customer_id": "u9", "answered_at": at(44)},
    ]
    found = prepared(dataset(JOURNEY, surveys=answers))
    # Ad, Shop, Shop: web → store is a change, store → unknown none; 30 minutes between the two at the shop
    assert found["middle"] == {
        "last_touchpoint": "Shop", "last_stage": None, "last_channel": None, "last_touchpoint_type": None,
        "seconds_since_last": 240, "contacts_before": 3, "repeats_before": 1, "channel_switches_before": 1,
        "longest_wait_seconds": 1_800, "journey_seconds_before": 44 * 60, "contacts_after": 2,
    }  # fmt: skip
    # both touchpoints of that instant lie before it, the later row last; phone → web is the second change
    same = found["same instant"]
    assert (same["last_touchpoint"], same["last_stage"], same["seconds_since_last"]) == ("Help", "loyalty", 0)
    assert (same["contacts_before"], same["channel_switches_before"], same["contacts_after"]) == (5, 2, 0)
    assert (found["first"]["contacts_before"], found["first"]["longest_wait_seconds"]) == (1, None)
    for unknown in ("too early", "no time", "nobody", "somebody else"):
        assert set(found[unknown].values()) == {None}, unknown


def test_answers_without_touchpoints_beside_them_get_no_columns_and_those_that_name_nobody_hold_nothing() -> None:
    alone = dataset(surveys=[{"customer_id": "u1", "answered_at": at(1)}])
    assert not set(alone.tables["surveys"].columns) & set(PREPARED_ANSWERS)
    nameless = dataset(JOURNEY, surveys=[{"response_id": "r", "answered_at": at(1)}])
    assert set(prepared(nameless)["r"].values()) == {None}
    assert not set(nameless.facts.columns["surveys"]) & set(PREPARED_ANSWERS)  # what pages offer


def test_touchpoints_without_times_lie_neither_before_nor_after() -> None:
    rows = [{"customer_id": "u1", "touchpoint": name, "occurred_at": None} for name in "AB"]
    store = dataset(rows, surveys=[{"response_id": "r", "customer_id": "u1", "answered_at": at(1)}])
    assert set(prepared(store)["r"].values()) == {None}


def test_columns_of_files_that_are_called_like_ours_stay_beside_them(tmp_path: Path) -> None:
    names = (
        *PREPARED_ANSWERS,
        "Contacts_Before",
        "waiting",
        "path",
        "answer_number",
        "rowid",
        "by waiting",
        "answer's path",
    )
    filled = ",".join("7" for _name in names)
    head = ",".join(f'"{name}"' for name in names)
    touched = (
        f"customer_id,occurred_at,touchpoint,{head}\nu1,2026-01-01 10:00,A,{filled}\nu1,2026-01-01 11:00,B,{filled}\n"
    )
    said = f"customer_id,answered_at,survey_type,score,{head}\nu1,2026-01-01 10:30,nps,9,{filled}\n"
    people = f"customer_id,{head}\nu1,{filled}\n"
    files = {}
    for table, text in (("touchpoints", touched), ("surveys", said), ("customers", people)):
        files[table] = tmp_path / f"{table}.csv"
        files[table].write_text(text, encoding="utf-8")
    store = cx.open_files(**files)
    (found,) = prepared(store).values()
    assert (found["last_touchpoint"], found["contacts_before"], found["contacts_after"]) == ("A", 1, 1)
    assert not set(store.facts.attributes) & set(PREPARED_ANSWERS)
    for name, value in (("contacts_before", "1"), ("waiting", None), ("path", ("A", "B")), ("repeats_before", "0")):
        assert cx.run("nps", store, by=[name]).frame[[name, "responses"]].to_numpy().tolist() == [[value, 1]], name
        theirs = f"{name}_in_file"
        assert cx.run("nps", store, by=[theirs]).frame[[theirs, "responses"]].to_numpy().tolist() == [["7", 1]], name


def test_what_lies_before_the_answers_of_a_shop_is_what_pandas_finds(test_data: Callable[[str], Path]) -> None:
    """Olist (olist_journey): nearly 4,000 reviews and the orders of those who wrote them."""
    files = {name: test_data(f"olist_journey/{file}.csv.gz") for name, file in
             (("touchpoints", "touchpoints"), ("surveys", "survey"))}  # fmt: skip
    store = cx.open_files(**files)
    ours = store.fetch(store.tables["surveys"]).sort_values(["response_id", "customer_id"]).reset_index(drop=True)
    touched = pd.read_csv(files["touchpoints"], dtype=str).drop_duplicates()
    touched["met"] = pd.to_datetime(touched["timestamp"])
    touched["row"] = range(len(touched))
    touched = touched.sort_values(["customer_id", "met", "row"])
    said = pd.read_csv(files["surveys"], dtype=str).drop_duplicates()
    said["answered"] = pd.to_datetime(said["review_answer_timestamp"])
    said = said.sort_values(["review_id", "customer_id"]).reset_index(drop=True)
    assert len(said) == len(ours) == 3_986 and (said["answered"] == ours["answered_at"]).all()
    pairs = said.reset_index().merge(touched[["customer_id", "met", "touchpoint"]], on="customer_id")
    pairs = pairs[pairs["met"] <= pairs["answered"]]  # the order of the touchpoints stays
    pairs["waited"] = pairs.groupby("index")["met"].diff().dt.total_seconds()
    each = pairs.groupby("index")
    wanted = pd.DataFrame({"contacts": each.size(), "last": each["touchpoint"].last(), "wait": each["waited"].max()})
    wanted = wanted.reindex(said.index)
    assert wanted["contacts"].notna().sum() > 3_900  # all but a handful have a touchpoint before
    pd.testing.assert_series_equal(
        ours["contacts_before"].astype(float), wanted["contacts"].astype(float), check_names=False
    )
    pd.testing.assert_series_equal(ours["longest_wait_seconds"], wanted["wait"], check_names=False)
    assert (ours["last_touchpoint"].fillna("") == wanted["last"].fillna("")).all()
