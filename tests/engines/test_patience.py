"""Questions that take too long, that nobody waits for any more, and that are asked at once."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import cx_metrics as cx
from cx_metrics.engines import Store, asking_while, build, open_store, patience
from cx_metrics.engines.incoming import Incoming
from cx_metrics.errors import Cancelled, TouchlineError, ViewProblem, WorkspaceProblem
from cx_metrics.tables import TOUCHPOINTS
from cx_metrics.view import Facts
from tests.conftest import dataset, incoming, paths

SOON = 2.0  # seconds in which a query ends that is to end, beside other tests; alone it takes a tenth
N = pa.schema([("n", pa.int64())])
ENDLESS = "select count(*) as n from range(1000000) a, range(1000000) b where hash(a.range + b.range) = 1"
WORST = {
    "cross join": ENDLESS,
    "sort": "select count(*) as n from (select hash(range) as h from range(400000000) order by h limit 100000000)",
    "window": "select max(k) as n from (select row_number() over (partition by range % 9 order by hash(range)) as k"
    " from range(400000000))",
    "group": "select count(*) as n from (select hash(range) as h, count(*) from range(400000000) group by h)",
    "recursion": "with recursive t(n) as (select 1 union all select n + 1 from t where n < 1000000000) select max(n) as n from t",
    "pattern": "select count(*) as n from range(400000000) where regexp_matches(md5(range::varchar), '(a|b|c)+.*(d|e|f)+.*9+$')",
    "many rows": "select range as n from range(1000000000000)",
}  # fmt: skip


@pytest.fixture
def store() -> Iterator[Store]:
    made = dataset(touchpoints=paths(*["A B C"] * 30))
    made.connection.cursor().execute("set memory_limit = '1GB'")
    yield made
    made.close()


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_QUERY_SECONDS", "1")


def ask(store: Store, sql: str) -> int:
    return int(store._run(sql, N)["n"].iloc[0])


def touchpoints(store: Store) -> int:
    return ask(store, "select count(*) as n from touchpoints")


@contextmanager
def lasting(least: float, most: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert least <= time.monotonic() - start <= most


def in_threads(*asked: Callable[[], Any]) -> list[Any]:
    """What each of them gives or raises, asked at once."""
    found: list[Any] = [None] * len(asked)

    def one(place: int) -> None:
        try:
            found[place] = asked[place]()
        except Exception as problem:
            found[place] = problem

    threads = [threading.Thread(target=one, args=(place,)) for place in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


# The limit


@pytest.mark.usefixtures("one_second")
@pytest.mark.parametrize("name", WORST)
def test_no_question_takes_longer_than_the_limit(store: Store, name: str) -> None:
    with lasting(0, 1 + SOON), pytest.raises(ViewProblem) as told:
        ask(store, WORST[name])
    said = str(told.value)
    assert "takes longer than 1 s" in said and "TOUCHLINE_QUERY_SECONDS" in said or "needs more memory" in said
    assert touchpoints(store) == 90


@pytest.mark.usefixtures("one_second")
def test_others_get_their_answers_while_one_question_is_ended(store: Store) -> None:
    def small() -> set[int]:
        return {touchpoints(store) for _again in range(100)}

    slow, *answers = in_threads(lambda: ask(store, ENDLESS), small, small, small)
    assert isinstance(slow, ViewProblem) and answers == [{90}] * 3


@pytest.mark.parametrize("asked", ["0", "-1", "10s", "2.5", "10000", "ten", "007"])
def test_a_limit_that_is_none_is_refused(asked: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    schema = TOUCHPOINTS.schema
    rows = [{"sequence": i, "raw_touchpoint": "A"} | row for i, row in enumerate(paths("A B"))]
    built = build(tmp_path / "v.duckdb", {"touchpoints": incoming(rows, schema)}, Facts(), lambda *_: None, tmp_path)
    monkeypatch.setenv("TOUCHLINE_QUERY_SECONDS", asked)
    with pytest.raises(WorkspaceProblem, match="TOUCHLINE_QUERY_SECONDS has to be a number of seconds"):
        open_store(tmp_path / "v.duckdb", built.facts)


def test_the_limit_is_ten_seconds_or_what_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOUCHLINE_QUERY_SECONDS", raising=False)
    assert patience.query_seconds() == 10
    monkeypatch.setenv("TOUCHLINE_QUERY_SECONDS", "45")
    assert patience.query_seconds() == 45


@pytest.mark.usefixtures("one_second")
def test_an_import_may_take_longer(tmp_path: Path) -> None:
    rows = [{"sequence": i, "raw_touchpoint": "A"} | row for i, row in enumerate(paths("A B"))]
    batch = incoming(rows, TOUCHPOINTS.schema)

    def slowly() -> Iterator[pa.RecordBatch]:
        for one in batch.batches:
            time.sleep(1.5)  # within one statement
            yield one

    arriving = {"touchpoints": Incoming(batch.schema, slowly())}
    built = build(tmp_path / "v.duckdb", arriving, Facts(), lambda *_: None, tmp_path)
    assert built.rows["touchpoints"] == 2


# Who gives up


@pytest.mark.parametrize("name", WORST)
def test_a_question_ends_soon_after_its_asker_gave_up(store: Store, name: str) -> None:
    gone = threading.Event()
    given_up = []

    def give_up() -> None:
        given_up.append(time.monotonic())
        gone.set()

    timer = threading.Timer(0.3, give_up)
    timer.start()
    with asking_while(lambda: not gone.is_set()), pytest.raises((Cancelled, ViewProblem)) as told:
        ask(store, WORST[name])
    assert time.monotonic() - (given_up or [time.monotonic()])[0] < SOON
    assert told.type is Cancelled or "needs more memory" in str(told.value)
    timer.cancel()
    assert touchpoints(store) == 90


def test_what_nobody_wants_is_not_even_begun(store: Store) -> None:
    with lasting(0, 0.1), asking_while(lambda: False), pytest.raises(Cancelled):
        ask(store, ENDLESS)


def test_no_text_is_shown_to_who_gave_up() -> None:
    assert not issubclass(Cancelled, TouchlineError)


def test_what_was_given_up_leaves_nothing_behind() -> None:
    given, fresh = (dataset(touchpoints=paths("A B C", "A C", "B"), goal=("C",)) for _ in range(2))
    for metric, options in (("transitions", {}), ("funnel", {"steps": "A,C"}), ("flow_links", {})):
        with asking_while(lambda: False), pytest.raises(Cancelled):
            cx.run(metric, given, **options)
        assert cx.run(metric, given, **options).to_dict() == cx.run(metric, fresh, **options).to_dict()


def test_an_answer_is_wanted_by_everybody_around(store: Store) -> None:
    for outer, inner in ((True, False), (False, True)):
        asked_by = asking_while(functools.partial(bool, outer)), asking_while(functools.partial(bool, inner))
        with asked_by[0], asked_by[1], pytest.raises(Cancelled):
            touchpoints(store)
        assert touchpoints(store) == 90
    with asking_while(lambda: True), asking_while(lambda: True):
        assert touchpoints(store) == 90


@pytest.mark.usefixtures("one_second")
def test_what_goes_wrong_with_the_asker_is_raised_there_and_the_watchdog_goes_on(store: Store) -> None:
    asked = []

    def breaks() -> bool:
        asked.append(1)
        if len(asked) > 2:
            raise KeyError("the asker's own")
        return True

    with asking_while(breaks), lasting(0, SOON), pytest.raises(KeyError, match="the asker's own"):
        ask(store, ENDLESS)
    with lasting(0, 1 + SOON), pytest.raises(ViewProblem):
        ask(store, ENDLESS)


# Many at once


@pytest.fixture
def few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MOST_HEAVY", 2)
    monkeypatch.setattr(patience, "HEAVY_SECONDS", 0.1)
    monkeypatch.setenv("TOUCHLINE_QUERY_SECONDS", "2")


@pytest.mark.usefixtures("few_places")
def test_heavy_questions_stand_in_line_and_short_ones_pass(store: Store) -> None:
    waits: list[float] = []

    def short_ones() -> None:
        until = time.monotonic() + 1.9
        while time.monotonic() < until:
            start = time.monotonic()
            assert touchpoints(store) == 90
            waits.append(time.monotonic() - start)
            time.sleep(0.01)

    with lasting(1.7, 2 + SOON):
        *heavy, short = in_threads(*[lambda: ask(store, ENDLESS)] * 4, short_ones)
    told = sorted(str(problem).split(" ")[2] for problem in heavy)  # "This question takes …", "The server is busy …"
    assert told == ["is", "is", "takes", "takes"] and all(isinstance(problem, ViewProblem) for problem in heavy)
    assert short is None and len(waits) > 5 and max(waits) < 1


@pytest.mark.usefixtures("few_places")
def test_a_heavy_question_that_gave_way_is_answered_when_its_turn_comes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_QUERY_SECONDS", "9")
    counting = "select sum(range % 7) as n from range(70000001)"
    expected = sum(range(7)) * 10_000_000  # ten million rounds of 0 to 6, and a 0
    gone = threading.Event()

    def holds_a_place() -> None:
        with asking_while(lambda: not gone.is_set()):
            ask(store, ENDLESS)

    def asks_later() -> tuple[int, float]:
        time.sleep(0.4)
        start = time.monotonic()
        threading.Timer(0.6, gone.set).start()
        return ask(store, counting), time.monotonic() - start

    *others, (found, took) = in_threads(holds_a_place, holds_a_place, asks_later)
    assert [type(problem) for problem in others] == [Cancelled] * 2
    assert found == expected and took > 0.6


@pytest.mark.usefixtures("few_places")
def test_who_gives_up_in_the_line_leaves_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MOST_HEAVY", 0)
    gone = threading.Event()
    threading.Timer(0.4, gone.set).start()
    with lasting(0.3, 0.4 + SOON), asking_while(lambda: not gone.is_set()), pytest.raises(Cancelled):
        ask(store, ENDLESS)
    monkeypatch.setattr(patience, "MOST_HEAVY", 1)
    with lasting(1.7, 2 + SOON), pytest.raises(ViewProblem, match="longer than 2 s"):
        ask(store, ENDLESS)


def test_one_thread_watches_all_questions(store: Store) -> None:
    def some() -> set[int]:
        return {touchpoints(store) for _again in range(20)}

    assert in_threads(*[some] * 8) == [{90}] * 8
    assert [thread.name for thread in threading.enumerate()].count("query watchdog") == 1


def test_who_asks_long_stands_behind_the_others_and_who_did_not_agree_does_not(store: Store) -> None:
    after: dict[bool, int] = {}

    def ask_long(steps_back: bool) -> None:
        gone = time.monotonic() + 0.5
        with asking_while(lambda: time.monotonic() < gone, steps_back=steps_back), pytest.raises(Cancelled):
            ask(store, WORST["cross join"])
        after[steps_back] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = os.getpriority(os.PRIO_PROCESS, 0)
    for steps_back in (False, True):
        thread = threading.Thread(target=ask_long, args=(steps_back,))
        thread.start()
        thread.join()
    assert after == {False: before, True: max(before, patience.BEHIND)}
