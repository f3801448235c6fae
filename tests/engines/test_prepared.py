"""The prepared store against plain Python: every prepared column, whole journeys and paths, the cubes and their limits."""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.engines import Store, duckdb_build, memory_store, prepared
from cx_metrics.engines.incoming import Built, Incoming, lent_rows
from cx_metrics.journeys import PATH_SIGN
from cx_metrics.routes import ROUTES, level
from cx_metrics.tables import PREPARED, TOUCHPOINTS
from cx_metrics.view import Facts, Filter, View
from tests.conftest import dataset, incoming, paths

Row = dict[str, Any]
ZONES = ("UTC", "Europe/Berlin", "Asia/Tehran", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe")
NAMES = (
    "A", "a", "B", "o'clock", 'say "hi"', "back\\slash", "one, two", "100%", "_", "{}", "$1", "خرید", "\u00e9", "e\u0301", "🙂",
    "A ", " A", "(other)", "(none)", "path_end", "...", "None", "null", "NaN", "1", "01", "--", "/*", ";", "line\nbreak",
)  # fmt: skip
STAGES = ("awareness", "own one", "action", None)
# Days with clock changes in the zones above, the years before 1970, and instants that no whole second describes.
STARTS = (
    datetime(2026, 3, 28, 22), datetime(2026, 10, 24, 21), datetime(2022, 3, 21, 20), datetime(2022, 9, 21, 18),
    datetime(2026, 3, 8, 4), datetime(2026, 11, 1, 3), datetime(1985, 12, 31, 18), datetime(1969, 12, 31, 23, 59, 59, 999_999),
    datetime(1899, 12, 31, 22), datetime(2026, 1, 1, 0, 0, 0, 1), datetime(2026, 4, 4, 14, 59, 59, 500_000),
)  # fmt: skip
GAPS = (0, 0, 0, 1e-6, 0.5, 1, 60, 1_799.999999, 1_800, 1_800.000001, 86_400, 40 * 86_400)


@dataclass(frozen=True)
class Log:
    """Rows of touchpoints and of customers, in no order, and the zone they are read in."""

    touchpoints: list[Row]
    customers: list[Row]
    zone: str
    ordered: bool = False

    def store(self, cube_share: float = float("inf")) -> tuple[Store, Built]:
        touched = incoming(self.touchpoints, TOUCHPOINTS.schema)
        people = pa.schema([(name, pa.string()) for name in ("customer_id", "persona", "plan")])
        tables = {
            "touchpoints": Incoming(touched.schema, touched.batches, self.ordered),
            "customers": incoming(self.customers, people),
        }
        return memory_store(tables, Facts(zone=self.zone), cube_share)


def random_log(seed: int, customers: int = 14) -> Log:
    """Ties, equal neighbours, one-touchpoint customers, rows that stand twice; some logs have no times, or not all."""
    dice = random.Random(seed)
    times = dice.choice(("all", "all", "all", "all", "none", "some"))
    some = dice.sample(NAMES, dice.randint(1, 8))
    ids = [
        "u1",
        "U1",
        "u1 ",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "01",
        "1",
        "\u00e9",
        "e\u0301",
        "NA",
    ]
    ids += [f"customer {n}" for n in range(customers)]
    rows: list[Row] = []
    for who in dice.sample(ids, customers):
        at = dice.choice(STARTS)
        known = times == "all" or times == "some" and dice.random() < 0.6
        for _ in range(dice.choice((1, 1, 2, 3, 5, 9))):
            at += timedelta(seconds=dice.choice(GAPS))
            name = dice.choice(some)
            timed = known or times == "some" and dice.random() < 0.5
            rows.append({
                "customer_id": who, "occurred_at": at if timed else None, "touchpoint": name, "raw_touchpoint": name,
                "stage": dice.choice(STAGES), "channel": dice.choice(("web", None)), "extra": dice.choice(("x", "y", None)),
            })  # fmt: skip
            if dice.random() < 0.2:
                rows.append(dict(rows[-1]))
    dice.shuffle(rows)
    for sequence, row in enumerate(rows):
        row["sequence"] = sequence
    people = [
        {"customer_id": who, "persona": dice.choice(("p", "q'", None)), "plan": dice.choice(("x", None))}
        for who in dice.sample(ids, customers)
    ]
    return Log(rows, people, dice.choice(ZONES), ordered=dice.random() < 0.2)


# What plain Python makes of it


def once(log: Log) -> list[Row]:
    """The rows without exact duplicates: of those, the one that came first."""
    seen, kept = set(), []
    for row in log.touchpoints:  # in order of arrival
        same = tuple(sorted((k, str(v)) for k, v in row.items() if k != "sequence"))
        if log.ordered or row["occurred_at"] is None or same not in seen:
            kept.append(row)
        seen.add(same)
    return kept


def microseconds(at: datetime) -> int:
    return (at.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def elapsed(early: Row, late: Row) -> float | None:
    if early["occurred_at"] is None or late["occurred_at"] is None:
        return None
    return (microseconds(late["occurred_at"]) - microseconds(early["occurred_at"])) / 1e6


def journeys_of(log: Log) -> dict[str, list[Row]]:
    each: dict[str, list[Row]] = defaultdict(list)
    for row in once(log):
        each[row["customer_id"]].append(row)
    known = datetime.min, datetime.max
    return {
        who: sorted(own, key=lambda r: (r["occurred_at"] is None, r["occurred_at"] or known[0], r["sequence"]))
        for who, own in each.items()
    }


def expected(log: Log, stages: Sequence[str]) -> dict[int, Row]:
    """What each row of touchpoints has in its prepared columns, by sequence; all but customer_number."""
    found = {}
    names = sorted({row["touchpoint"] for row in log.touchpoints})
    for own in journeys_of(log).values():
        visits: Counter[str] = Counter()
        pairs: Counter[tuple[str, str | None]] = Counter()
        runs = [list(run) for _name, run in groupby(own, key=lambda r: r["touchpoint"])]
        step, session = 0, 1
        for number, run in enumerate(runs, 1):
            for row in run:
                before = own[step - 1] if step else None
                after = own[step + 1] if step + 1 < len(own) else None
                step += 1
                pair = row["touchpoint"], after["touchpoint"] if after else None
                visits[pair[0]] += 1
                pairs[pair] += 1
                gap = elapsed(before, row) if before else None
                session += gap is not None and gap > 1_800
                ends, next_run = row is run[-1], runs[number] if number < len(runs) else None
                at = row["occurred_at"]
                local = at.replace(tzinfo=UTC).astimezone(ZoneInfo(log.zone)).date() if at else None
                found[row["sequence"]] = {
                    "occurred_microseconds": microseconds(at) if at else None,
                    "touchpoint_number": names.index(row["touchpoint"]) + 1,
                    "step": step, "next_touchpoint": after["touchpoint"] if after else None,
                    "visit": visits[pair[0]], "pair_visit": pairs[pair],
                    "seconds_to_next": elapsed(row, after) if after else None,
                    "run": number, "run_ends": int(ends),
                    "run_seconds": elapsed(row, next_run[-1]) if ends and next_run else None,
                    "previous_microseconds": microseconds(before["occurred_at"]) if before and before["occurred_at"] else None,
                    "session_number": session, "journey_start": own[0]["occurred_at"],
                    "stage_rank": stages.index(row["stage"]) + 1 if row["stage"] else None,
                    "day": local, "week": local - timedelta(days=local.weekday()) if local else None,
                    "month": local.replace(day=1) if local else None,
                }  # fmt: skip
    return found


def query(store: Store, sql: str) -> list[tuple[Any, ...]]:
    return store.connection.cursor().execute(sql).fetchall()


def check(log: Log, store: Store, built: Built) -> None:
    """Everything that was prepared from a log."""
    numbers = check_columns(log, store, built)
    check_journeys(log, store, numbers)
    check_moves(log, store)
    check_pairs(log, store)
    check_visits(log, store)
    names = sorted({row["touchpoint"] for row in log.touchpoints})
    assert query(store, "select touchpoint_number, touchpoint from names order by 1") == list(enumerate(names, 1))


def check_columns(log: Log, store: Store, built: Built) -> dict[str, int]:
    columns = [c for c in PREPARED if c != "customer_number"]
    rows = query(store, f"select sequence, customer_id, customer_number, {', '.join(columns)} from touchpoints")
    kept = once(log)
    assert (len(rows), built.duplicates) == (len(kept), len(log.touchpoints) - len(kept))
    found = {row[0]: dict(zip(columns, row[3:], strict=True)) for row in rows}
    wanted = expected(log, store.facts.stages)
    for sequence, row in wanted.items():
        assert found[sequence] == row, (log.zone, row)
    numbers = {row[1]: row[2] for row in rows}
    assert len(set(numbers.values())) == len(numbers) and min(numbers.values()) >= 1
    assert {row[1]: row[2] for row in rows}.items() == {(row[1], row[2]) for row in rows}
    given = "customer_id, touchpoint, occurred_at, stage, channel, extra"
    sent = sorted((tuple(row[c] for c in given.split(", ")) for row in kept), key=repr)
    assert sorted(query(store, f"select {given} from touchpoints"), key=repr) == sent
    order = [row[0] for row in query(store, "select sequence from touchpoints order by rowid")]
    assert order == sorted(order, key=lambda s: (numbers[_customer(log, s)], wanted[s]["step"]))
    return numbers


def _customer(log: Log, sequence: int) -> str:
    return str(log.touchpoints[sequence]["customer_id"])


def attributes_of(log: Log) -> dict[str, tuple[str | None, str | None]]:
    return {row["customer_id"]: (row["persona"], row["plan"]) for row in log.customers}


def merged(own: Sequence[Row], repeats: str) -> list[Row]:
    """The nodes of a journey: each row, or the last of each run."""
    return (
        list(own) if repeats == "keep" else [list(run)[-1] for _n, run in groupby(own, key=lambda r: r["touchpoint"])]
    )


def check_journeys(log: Log, store: Store, numbers: dict[str, int]) -> None:
    known = attributes_of(log)
    found = query(
        store,
        "select j.customer_id, customer_number, persona, plan, journey_start, touchpoints, sessions, seconds, "
        "m.path, m.steps, k.path, k.steps from journeys j join paths m on m.path_id = path_merge "
        "join paths k on k.path_id = path_keep",
    )
    wanted = expected(log, store.facts.stages)
    rows = []
    for who, own in journeys_of(log).items():
        steps = [[row["touchpoint"] for row in merged(own, repeats)] for repeats in ("merge", "keep")]
        path = [(PATH_SIGN.join(names), len(names)) for names in steps]
        times = [row["occurred_at"] for row in own if row["occurred_at"]]
        lasted = (microseconds(max(times)) - microseconds(min(times))) / 1e6 if times else None
        rows.append((who, numbers[who], *known.get(who, (None, None)), own[0]["occurred_at"], len(own),
                     wanted[own[-1]["sequence"]]["session_number"], lasted, *path[0], *path[1]))  # fmt: skip
    assert sorted(found, key=repr) == sorted(rows, key=repr)
    paths = [row[0] for row in query(store, "select path from paths order by path_id")]
    assert paths == sorted({row[8] for row in rows} | {row[10] for row in rows})


Sums = dict[tuple[Any, ...], list[float]]


def cube_rows(store: Store, cube: str, keys: Sequence[str], counts: Sequence[str], held: tuple[str, ...]) -> Sums:
    """The rows of one level of a cube: keys and attributes → counts. Each combination stands once."""
    wanted = f"select {', '.join([*keys, *held])}, {', '.join(counts)} from {cube} where level = {_text(level(held))}"
    rows = query(store, wanted)
    split = len(keys) + len(held)
    found = {row[:split]: [float(n or 0) for n in row[split:]] for row in rows}
    assert len(found) == len(rows)
    return found


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


LEVELS: tuple[tuple[str, ...], ...] = ((), ("persona",), ("plan",), ("plan", "persona"))


def compare_sums(found: Sums, wanted: Sums) -> None:
    assert found.keys() == wanted.keys()
    for key, counts in wanted.items():
        assert found[key] == pytest.approx(counts, rel=1e-9, abs=1e-9), key


def held_of(who: str, held: tuple[str, ...], known: dict[str, tuple[str | None, str | None]]) -> tuple[str | None, ...]:
    persona, plan = known.get(who, (None, None))
    return tuple({"persona": persona, "plan": plan}[a] for a in held)


def stored_levels(store: Store, cube: str) -> list[tuple[str, ...]]:
    """The levels of a cube; the order in which the finest names its attributes is the cube's."""
    columns = [c for c in store.tables[cube].columns if c in ("persona", "plan")]
    return [level for level in LEVELS[:3] if set(level) <= set(columns)] + (
        [tuple(columns)] if len(columns) > 1 else []
    )


def check_moves(log: Log, store: Store) -> None:
    known = attributes_of(log)
    for held in stored_levels(store, "moves"):
        wanted: Sums = defaultdict(lambda: [0.0, 0.0, 0.0])
        for repeats in ("merge", "keep"):
            for who, own in journeys_of(log).items():
                nodes = merged(own, repeats)
                for step, row in enumerate(nodes[: prepared.CUBE_POSITIONS]):
                    after = nodes[step + 1] if step + 1 < len(nodes) else None
                    seconds = elapsed(row, after) if after else None
                    following = after["touchpoint"] if after else None
                    cell = wanted[repeats, step + 1, row["touchpoint"], following, *held_of(who, held, known)]
                    cell[0] += 1
                    cell[1] += seconds is not None
                    cell[2] += seconds or 0
        keys = ("repeats", "position", "touchpoint", "next_touchpoint")
        compare_sums(cube_rows(store, "moves", keys, ("journeys", "timed", "seconds"), held), wanted)


def check_pairs(log: Log, store: Store) -> None:
    known = attributes_of(log)
    for held in stored_levels(store, "pairs"):
        wanted: Sums = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0, 0.0])
        for repeats in ("merge", "keep"):
            for who, own in journeys_of(log).items():
                nodes, seen = merged(own, repeats), set()
                for step, row in enumerate(nodes):
                    after = nodes[step + 1] if step + 1 < len(nodes) else None
                    seconds = elapsed(row, after) if after else None
                    pair = row["touchpoint"], after["touchpoint"] if after else None
                    cell = wanted[repeats, *pair, *held_of(who, held, known)]
                    for place, n in enumerate((1, pair not in seen, step == 0, seconds is not None, seconds or 0)):
                        cell[place] += n
                    seen.add(pair)
        keys, counts = (
            ("repeats", "touchpoint", "next_touchpoint"),
            ("transitions", "journeys", "opens", "timed", "seconds"),
        )
        compare_sums(cube_rows(store, "pairs", keys, counts, held), wanted)


def check_visits(log: Log, store: Store) -> None:
    known = attributes_of(log)
    for held in stored_levels(store, "visits"):
        wanted: Sums = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0, 0.0])
        for who, own in journeys_of(log).items():
            names = [row["touchpoint"] for row in own]
            for name in set(names):
                cell = wanted["keep", name, *held_of(who, held, known)]
                ends = names[0] == name, names[-1] == name
                for place, n in enumerate((1, names.count(name) > 1, names.count(name), *ends)):
                    cell[place] += n
        counts = ("journeys", "reworked", "occurrences", "begins", "ends")
        compare_sums(cube_rows(store, "visits", ("repeats", "touchpoint"), counts, held), wanted)


# Random logs


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10**6))
def test_every_prepared_column_and_table_is_what_plain_python_makes_of_the_rows(seed: int) -> None:
    log = random_log(seed)
    store, built = log.store()
    check(log, store, built)
    store.close()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_everything_prepared_from_ten_thousand_journeys_agrees_with_plain_python() -> None:
    for seed in range(800):
        log = random_log(1_000_000 + seed)
        store, built = log.store()
        check(log, store, built)
        store.close()


@pytest.mark.parametrize("zone", ZONES)
def test_days_follow_the_clocks_of_the_zone_hour_by_hour_through_every_change_of_a_decade(zone: str) -> None:
    dice = random.Random(zone)
    rows = []
    for day in range(0, 366 * 11, 3):
        at = datetime(2019, 12, 30) + timedelta(
            days=day, seconds=dice.randrange(86_400), microseconds=dice.randrange(10**6)
        )
        rows.append(
            {"customer_id": "u", "occurred_at": at, "touchpoint": "A", "raw_touchpoint": "A", "sequence": len(rows)}
        )
    for hour in range(24 * 400):  # Tehran gave up summer time in September 2022
        at = datetime(2022, 3, 1) + timedelta(hours=hour) - timedelta(microseconds=hour % 2)
        rows.append(
            {"customer_id": "v", "occurred_at": at, "touchpoint": "A", "raw_touchpoint": "A", "sequence": len(rows)}
        )
    log = Log([row | {"stage": None} for row in rows], [], zone, ordered=True)
    store, _built = log.store()
    wanted = expected(log, store.facts.stages)
    for sequence, day, week, month in query(store, "select sequence, day, week, month from touchpoints"):
        row = wanted[sequence]
        assert (day, week, month) == (row["day"], row["week"], row["month"])


def test_summer_time_of_a_single_week_counts() -> None:
    #: Recife moved its clocks forward on 8 October 2000, from UTC-3 to UTC-2, and back on 15 October (tz database):
    # 02:30 UTC is 23:30 of the day before, and 00:30 of the same day in that week
    rows = [
        {"touchpoint": "A", "occurred_at": datetime(2000, 10, day, 2, 30), "customer_id": "u"} for day in range(2, 30)
    ]
    found = query(dataset(rows, zone="America/Recife"), "select occurred_at, day from touchpoints order by step")
    assert [(at.day, day.day) for at, day in found] == [(d, d if 9 <= d <= 14 else d - 1) for d in range(2, 30)]


def test_customers_of_a_file_without_times_follow_their_order_and_have_no_seconds_days_or_start() -> None:
    rows = [row | {"occurred_at": None, "stage": None, "channel": None, "extra": None, "raw_touchpoint": row["touchpoint"]}
            for row in paths("A A B", "A", "A A")]  # fmt: skip
    people = [{"customer_id": "u1", "persona": "p", "plan": "x"}]
    log = Log([row | {"sequence": i} for i, row in enumerate(rows)], people, "Asia/Tehran")
    store, built = log.store()
    check(log, store, built)
    assert not store.facts.timed and built.duplicates == 0
    unknown = (
        "seconds_to_next, run_seconds, occurred_microseconds, previous_microseconds, journey_start, day, week, month"
    )
    assert query(store, f"select distinct {unknown} from touchpoints") == [(None,) * 8]
    assert query(store, "select step, session_number from touchpoints order by sequence") == [
        (1, 1), (2, 1), (3, 1), (1, 1), (1, 1), (2, 1),
    ]  # fmt: skip


def test_a_customer_with_ten_thousand_touchpoints_keeps_the_order_of_all() -> None:
    names = [f"t{(n * n) % 97}" for n in range(10_000)]
    log = Log(
        [
            {"customer_id": "u", "occurred_at": datetime(2026, 1, 1) + timedelta(seconds=n // 3), "touchpoint": name,
             "raw_touchpoint": name, "stage": None, "sequence": n}
            for n, name in enumerate(names)
        ], [], "UTC", ordered=True,
    )  # fmt: skip
    store, _built = log.store()
    found = query(store, "select touchpoint from touchpoints order by step")
    assert [name for (name,) in found] == names
    for route in ROUTES:
        frame = cx.run("variants", store, route=route).frame
        assert frame["path"].tolist() == [tuple(names)] and frame["median_seconds"].tolist() == [3_333]


@pytest.mark.parametrize("most", [1, 3])
def test_texts_of_too_many_values_to_be_coded_are_prepared_alike(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    for seed in range(2):
        log = random_log(seed)
        monkeypatch.setattr(duckdb_build, "MOST_NAMES", 20_000)
        coded, _ = log.store()
        monkeypatch.setattr(duckdb_build, "MOST_NAMES", most)
        plain, built = log.store()
        check(log, plain, built)
        for metric in ("flow_links", "transitions", "variants", "touchpoint_engagement"):
            ours, theirs = (cx.run(metric, store, by=["persona"]).frame for store in (coded, plain))
            assert ours.to_csv() == theirs.to_csv(), metric


# Names of attributes


ASKED = ("flow_links", "transitions", "variants")
# Words that the engine uses for itself on the way, and such as a file may well use.
WORDS = (
    "arrival", "RowId", "Repeats", "path", "paths", "local_time", "level", "Position", "journeys", "transitions", "opens", "timed",
    "seconds", "sessions", "touchpoints", "path_merge", "path_id", "journey_id", "is_goal", "in_range", "steps", "named", "begins",
    "ends_at", "size", "rank", "kind", "select", "it's", 'a"b', "by persona", "month", "Day", "step", "customer_number",
    "code_touchpoint", "%s",
)  # fmt: skip


def test_no_name_of_a_column_of_a_file_changes_a_number(tmp_path: Path) -> None:
    journeys = [
        (row["customer_id"], str(row["occurred_at"]), row["touchpoint"]) for row in paths("A B C", "A A", "B A")
    ]

    def opened(*of_rows: str, of_people: tuple[str, ...] = ()) -> Store:
        touched = [("customer_id", "occurred_at", "touchpoint", *of_rows)]
        touched += [(*row, *[str(n % 2)] * len(of_rows)) for n, row in enumerate(journeys)]
        people = [
            ("customer_id", *of_people, "usual"),
            *((u, *[n] * len(of_people), n) for u, n in (("u1", "7"), ("u2", "8"))),
        ]
        written(tmp_path / "touchpoints.csv", touched)
        written(tmp_path / "customers.csv", people)
        files = {"touchpoints": tmp_path / "touchpoints.csv", "customers": tmp_path / "customers.csv"}
        return cx.open_files(**files, goal=["B"])

    usual, of_rows, of_people = opened("odd"), opened(*WORDS), opened("odd", of_people=WORDS)
    assert cx.people(usual) == cx.people(of_rows) == cx.people(of_people)
    for metric in ASKED:
        wanted = cx.run(metric, usual).frame.to_csv()
        assert cx.run(metric, of_rows).frame.to_csv() == wanted, metric
        assert cx.run(metric, of_people).frame.to_csv() == wanted, metric
    kept = {name: View(customers=(Filter(name, ("8", "")),)) for name in of_people.facts.attributes}
    assert len(kept) == len(WORDS) + 1
    counted, taken = (
        cx.people(usual, kept["usual"]),
        {*cx.METRICS["flow_links"].groups, *cx.METRICS["flow_links"].measures},
    )
    grouped = cx.run("flow_links", usual, by=["usual"]).frame
    for name in kept:
        assert cx.people(of_people, kept[name]) == counted, name
        if name not in taken:
            found = cx.run("flow_links", of_people, by=[name]).frame
            assert found.rename(columns={name: "usual"}).to_csv() == grouped.to_csv(), name


def written(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


# The limits of cubes


def test_a_cube_takes_the_attributes_of_fewest_values_while_it_stays_under_its_limit() -> None:
    #: 1,000 rows × 2 × 5 = 10,000 and × 60 = 600,000 stay under 5 million; × 20 more would be 12 million
    assert prepared.cube_attributes({"a": 60, "b": 2, "c": 5, "d": 20}, 1_000) == ("b", "c", "d")
    assert prepared.cube_attributes({"a": 61, "b": 2}, 1) == ("b",)  # 60 values are the most
    assert prepared.cube_attributes({"b": 2, "a": 2}, 1) == ("a", "b")  # ties by name
    assert prepared.cube_attributes({"a": 2}, 2_500_000) == ("a",)
    assert prepared.cube_attributes({"a": 2}, 2_500_001) == ()
    assert prepared.cube_attributes({}, 10) == ()


@pytest.mark.parametrize(("limit", "at"), [("CUBE_VALUES", 2), ("CUBE_ROWS", 10), ("CUBE_VALUES", 0)])
def test_where_a_cube_has_not_the_attribute_the_columns_answer_alike(
    monkeypatch: pytest.MonkeyPatch, limit: str, at: int
) -> None:
    log = random_log(5)
    full, _ = log.store()
    monkeypatch.setattr(prepared, limit, at)
    small, built = log.store()
    assert set(small.tables["moves"].columns) < set(full.tables["moves"].columns)
    check(log, small, built)
    for view in (View(), View(customers=(Filter("persona", ("p", "")),)), View(customers=(Filter("plan", ("x",)),))):
        for metric in ("flow_links", "transitions"):
            for by in ([], ["plan", "persona"]):
                ours, theirs = (cx.run(metric, store, view, by=by) for store in (full, small))
                assert ours.frame.equals(theirs.frame), (metric, by)


def finest_cells(log: Log, cube: str) -> set[tuple[Any, ...]]:
    """The different rows of a cube that tells all attributes apart."""
    known, cells = attributes_of(log), set()
    for repeats in ("merge", "keep"):
        for who, own in journeys_of(log).items():
            nodes = [row["touchpoint"] for row in merged(own, repeats)]
            for place, name in enumerate(nodes[: prepared.CUBE_POSITIONS] if cube == "moves" else nodes):
                following = nodes[place + 1] if place + 1 < len(nodes) else None
                cells.add((repeats, place if cube == "moves" else 0, name, following, known.get(who, (None, None))))
    return cells


def test_a_cube_as_long_as_the_touchpoints_is_not_kept_and_the_columns_answer_alike() -> None:
    log = random_log(6)
    full, _ = log.store()
    none, _ = log.store(cube_share=0)
    assert {"moves", "pairs"} <= set(full.tables) and not {"moves", "pairs"} & set(none.tables)
    finest = {name: len(finest_cells(log, name)) for name in ("moves", "pairs")}
    touchpoints, smaller = len(once(log)), min(finest.values())
    for share, kept in (
        (smaller, {n for n in finest if finest[n] <= smaller}),
        (smaller - 1, set()),
        (max(finest.values()), set(finest)),
    ):
        just, _ = log.store(cube_share=share / touchpoints)
        assert {"moves", "pairs"} & set(just.tables) == kept
    for metric in ("flow_links", "transitions", "variants"):
        ours, theirs = cx.run(metric, full, by=["persona"]), cx.run(metric, none, by=["persona"])
        assert (ours.route, theirs.route) == ("cube", "columns")
        assert ours.frame.equals(theirs.frame)


def test_attributes_stay_with_their_customer_whatever_the_case_of_the_id() -> None:
    people = [{"customer_id": who, "persona": who} for who in ("a", "A", "a ", "9007199254740993", "9007199254740992")]
    rows = [{"customer_id": row["customer_id"], "touchpoint": "X"} for row in people]
    store = dataset(rows, customers=people)
    assert Counter(query(store, "select customer_id = persona from touchpoints")) == {(True,): 5}
    assert cx.people(store)["customers"] == 5


def test_a_lent_column_in_which_nothing_is_known_has_a_type() -> None:
    rows = lent_rows(pd.DataFrame({"who": [1, 2], "group": [None, None], "at": [None, 1.5]}))
    assert [str(kind) for kind in rows.schema.types] == ["int64", "string", "double"]
    assert rows.column("group").null_count == 2
