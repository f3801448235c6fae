"""A version without some customers against one that was imported without their rows: every table, the facts, the answers, the
bytes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cx_metrics.engines import build, duckdb_build, duckdb_erase, open_store
from cx_metrics.engines.duckdb_erase import Erased, erase
from cx_metrics.engines.incoming import Built, Incoming
from cx_metrics.engines.prepared import COUNTS, CUBE_SHARE, CUBES
from cx_metrics.errors import WorkspaceProblem
from cx_metrics.journeys import PATH_SIGN
from cx_metrics.registry import METRICS
from cx_metrics.tables import PREPARED_TABLES, TABLES
from cx_metrics.view import Facts, View
from tests.engines.events import START, Events, ask, differences, random_events

HOSTILE = ("o'clock", "100%", '"quoted"', "back\\slash", "عميل", "a;b--", "{}", "$1", " ")
ASKED = (
    "stage_engagement",
    "touchpoint_engagement",
    "transitions",
    "variants",
    "journey_duration",
    "rework",
    "nps",
    "csat",
    "channel_performance",
)

Held = dict[str, tuple[list[tuple[str, str]], list[tuple[Any, ...]]]]


def made(
    folder: Path, name: str, events: Events, cube_share: float = 100, without: Iterable[str] = ()
) -> tuple[Path, Built]:
    """The events as a version file: all, or those without some customers, in files with the same columns."""
    spill = folder / f"{name}_spill"
    spill.mkdir()
    path = folder / f"{name}.duckdb"
    gone = pa.array(sorted(without), pa.string())
    tables = {
        n: Incoming(t.schema, [_left(batch, gone) for batch in t.batches], t.ordered)
        for n, t in events.tables().items()
    }
    return path, build(path, tables, events.facts, lambda _done, _of: None, spill, cube_share)


def _left(batch: pa.RecordBatch, gone: pa.Array) -> pa.RecordBatch:
    if "customer_id" not in batch.schema.names:
        return batch
    return batch.filter(pc.invert(pc.is_in(batch["customer_id"], value_set=gone)))


def erased(
    folder: Path, events: Events, who: Sequence[str], name: str = "before", cube_share: float = 100
) -> tuple[Path, Erased]:
    """The version of the events after erasing."""
    path, _built = made(folder, name, events, cube_share)
    spill = folder / f"{name}_erasing"
    spill.mkdir()
    new = folder / f"{name}_after.duckdb"
    return new, erase(path, new, who, events.facts, spill, cube_share)


def contents(path: Path) -> Held:
    """Every table: its columns and their types, and its rows in their order."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = [row[0] for row in connection.execute("select table_name from duckdb_tables() order by 1").fetchall()]
        return {
            name: (
                [row[:2] for row in connection.execute(f"describe {name}").fetchall()],
                connection.execute(f"select * from {name}").fetchall(),
            )
            for name in names
        }


def same_tables(ours: Held, theirs: Held) -> None:
    assert ours.keys() == theirs.keys()
    for name in theirs:
        assert ours[name][0] == theirs[name][0], name
        if name in CUBES:
            same_cube(*(added_up(held[name]) for held in (ours, theirs)))
        elif name in ("surveys", "invitations", "spend", "changes"):  # rows that tie have no order
            assert sorted(ours[name][1], key=repr) == sorted(theirs[name][1], key=repr), name
        else:
            assert ours[name][1] == theirs[name][1], name


Cube = dict[tuple[Any, ...], dict[str, float | None]]


def added_up(held: tuple[list[tuple[str, str]], list[tuple[Any, ...]]]) -> Cube:
    names = [name for name, _kind in held[0]]
    rows = [dict(zip(names, row, strict=True)) for row in held[1]]
    cube = {
        tuple(v for n, v in row.items() if n not in COUNTS): {n: row[n] for n in names if n in COUNTS} for row in rows
    }
    assert len(cube) == len(rows)
    return cube


def same_cube(ours: Cube, theirs: Cube) -> None:
    assert ours.keys() == theirs.keys()
    for key, counts in theirs.items():
        for count, value in counts.items():
            assert ours[key][count] == (None if value is None else pytest.approx(value, rel=1e-9)), (key, count)


def same_answers(ours: Path, theirs: Path, our_facts: Facts, their_facts: Facts, by: Sequence[str] = ()) -> None:
    stores = open_store(ours, our_facts), open_store(theirs, their_facts)
    for name in ASKED:
        for view in (View(), View(grain="session")):
            answers = [ask(METRICS[name], store, view, tuple(by), {}) for store in stores]
            assert differences(*answers) == [], (name, view)
    for store in stores:
        store.close()


def own_names(events: Events, dice: random.Random) -> Events:
    """The same with names, channels and stages that one customer alone has, and no row that stands twice (importing orders
    stages of the data by all rows)."""
    rows = {name: [dict(row) for row in held] for name, held in events.rows.items()}
    for row in rows["touchpoints"]:
        who = row["customer_id"]
        if dice.random() < 0.3 and who in ("u1", "u4", "u5"):
            row |= {"touchpoint": f"only {who}", "raw_touchpoint": f"RAW {who}", "channel": f"channel of {who}"}
        if dice.random() < 0.4 and who in ("u2", "u5"):
            row["stage"] = f"stage of {who}"
    once: dict[str, Any] = {}
    for row in rows["touchpoints"]:
        once.setdefault(
            repr([v for n, v in row.items() if n != "sequence"]) + repr(row["occurred_at"] or row["sequence"]), row
        )
    rows["touchpoints"] = list(once.values())
    for row in rows["customers"]:
        row["plan"] = dice.choice(("x", None, f"plan of {row['customer_id']}"))
    return replace(events, rows=rows)


def only(events: Events, *tables: str) -> Events:
    return replace(events, rows={name: events.rows[name] for name in tables})


SHAPES: dict[str, Callable[[int], Events]] = {
    "as they come": random_events,
    "no times": lambda seed: random_events(seed, timed=False),
    "names of one customer": lambda seed: own_names(random_events(seed), random.Random(seed)),
    "touchpoints alone": lambda seed: only(random_events(seed, 8), "touchpoints"),
    "surveys alone": lambda seed: only(random_events(seed, 6), "surveys"),
    "customers and surveys": lambda seed: only(random_events(seed, 6), "surveys", "customers"),
    "few": lambda seed: random_events(seed, 3),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_a_version_without_customers_is_one_that_was_imported_without_them(
    shape: str, seed: int, tmp_path: Path
) -> None:
    events, dice = SHAPES[shape](seed), random.Random(seed)
    everybody = sorted({r["customer_id"] for rows in events.rows.values() for r in rows if r.get("customer_id")})
    who = dice.sample(everybody, min(len(everybody) - 1, dice.choice((1, 1, 2, 5))))
    ours, said = erased(tmp_path, events, [*who, "nobody"])
    theirs, built = made(tmp_path, "anew", events, without=who)
    assert said.rows == built.rows
    assert said.touchpoints == built.touchpoints
    assert said.facts == built.facts
    if said.emptied:  # such a column stays, or goes, by which file it came from
        same_answers(ours, theirs, said.facts, built.facts)
    else:
        same_tables(contents(ours), contents(theirs))


@pytest.mark.parametrize("seed", range(2))
def test_metrics_answer_as_if_the_customers_had_never_been_there(seed: int, tmp_path: Path) -> None:
    events = own_names(random_events(seed + 100), random.Random(seed))
    who = ["u5", "u2", f"u{seed + 6}"]
    ours, said = erased(tmp_path, events, who, cube_share=CUBE_SHARE)
    theirs, built = made(tmp_path, "anew", events, CUBE_SHARE, without=who)
    same_answers(ours, theirs, said.facts, built.facts)
    same_answers(ours, theirs, said.facts, built.facts, ["persona"])


@pytest.mark.parametrize("shape", SHAPES)
def test_erasing_everybody_leaves_the_tables_empty(shape: str, tmp_path: Path) -> None:
    events = SHAPES[shape](7)
    everybody = sorted({r["customer_id"] for rows in events.rows.values() for r in rows if r.get("customer_id")})
    ours, said = erased(tmp_path, events, everybody)
    theirs, built = made(tmp_path, "anew", events, without=everybody)
    assert (said.rows, said.touchpoints, said.facts) == (built.rows, built.touchpoints, built.facts)
    nameless = sum(not r["customer_id"] for r in {r["response_id"]: r for r in events.rows.get("surveys", [])}.values())
    assert said.rows.get("surveys", 0) == nameless  # answers of nobody stay
    assert said.rows["customers"] == 0
    kinds = [
        {
            name: [c for c in columns if c[0] not in said.emptied]
            for name, (columns, _rows) in held.items()
            if name not in CUBES
        }
        for held in (contents(ours), contents(theirs))
    ]
    gone = set(said.emptied)
    assert kinds[0] == {n: [c for c in columns if c[0] not in gone] for n, columns in kinds[1].items()}


def test_who_is_not_there_changes_nothing_and_writes_nothing(tmp_path: Path) -> None:
    events = random_events(1)
    new, said = erased(tmp_path, events, ["nobody", "U1", "u1 ", ""])
    assert not said.any and set(said.removed.values()) == {0}
    assert not new.exists() and not new.with_name(new.name + ".wal").exists()
    _path, built = made(tmp_path, "anew", events)
    assert (said.rows, said.facts, said.touchpoints) == (built.rows, built.facts, built.touchpoints)


def test_a_version_about_nobody_has_nobody_to_erase(tmp_path: Path) -> None:
    new, said = erased(tmp_path, only(random_events(1), "spend", "changes"), ["u1"])
    assert (said.removed, new.exists()) == ({"spend": 0, "changes": 0}, False)


def test_what_was_removed_is_counted_by_table(tmp_path: Path) -> None:
    events = random_events(3)
    _new, said = erased(tmp_path, events, ["u0", "u2"])
    gone = {"u0", "u2"}
    seen: set[str] = set()
    touched = [
        r for r in events.rows["touchpoints"] if r["customer_id"] in gone
        and (key := repr([v for n, v in r.items() if n != "sequence"])) not in seen and not seen.add(key)
    ]  # fmt: skip
    answers = {r["response_id"] for r in events.rows["surveys"] if r["customer_id"] in gone}
    assert said.removed == {
        "touchpoints": len(touched),
        "surveys": len(answers),
        "invitations": sum(r["customer_id"] in gone for r in events.rows["invitations"]),
        "customers": 2,
        "spend": 0,
        "changes": 0,
    }


@pytest.mark.parametrize("who", HOSTILE)
def test_ids_of_any_letters_are_erased_and_their_neighbours_stay(who: str, tmp_path: Path) -> None:
    events = random_events(2, 6)
    renamed = {"u1": who, "u2": who + "'", "u3": who.strip() + "%"}
    rows = {
        n: [r | {"customer_id": renamed.get(r["customer_id"], r["customer_id"])} if r.get("customer_id") else r for r in held]
        for n, held in events.rows.items()
    }  # fmt: skip
    events = replace(events, rows=rows)
    ours, said = erased(tmp_path, events, [who])
    theirs, built = made(tmp_path, "anew", events, without=[who])
    assert said.removed["customers"] == 1 and said.facts == built.facts
    same_tables(contents(ours), contents(theirs))


def test_many_customers_close_all_their_gaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb_erase, "AT_ONCE", 3)  # so that 17 customers take several statements
    events = random_events(11, 40)
    for name, who in (("some", [f"u{n}" for n in range(3, 37, 2)]), ("three", ["u0", "u1", "u2"])):
        ours, said = erased(tmp_path, events, who, name)
        theirs, built = made(tmp_path, f"{name}_anew", events, without=who)
        assert said.facts == built.facts
        same_tables(contents(ours), contents(theirs))


def test_names_too_many_for_codes_get_them_when_few_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb_build, "MOST_NAMES", 11)
    events = own_names(random_events(5), random.Random(5))
    for name, who in (("still", ["u1"]), ("few", ["u1", "u4", "u5"])):
        ours, _said = erased(tmp_path, events, who, name)
        theirs, _built = made(tmp_path, f"{name}_anew", events, without=who)
        same_tables(contents(ours), contents(theirs))
        kinds = dict(contents(ours)["touchpoints"][0])
        assert kinds["touchpoint"].startswith("ENUM") == (name == "few")


def test_a_persona_that_nobody_has_any_more_is_an_empty_column(tmp_path: Path) -> None:
    events = random_events(4, 6)
    rows = dict(events.rows)
    rows["customers"] = [r | {"persona": "P" if r["customer_id"] == "u2" else None} for r in rows["customers"]]
    events = replace(events, rows=rows)
    ours, said = erased(tmp_path, events, ["u2"])
    assert said.emptied == ("persona",)
    assert "persona" not in said.facts.attributes and "persona" not in said.facts.columns["customers"]
    theirs, built = made(tmp_path, "anew", events, without=["u2"])
    same_answers(ours, theirs, said.facts, built.facts)


def test_stages_that_journeys_reach_in_another_order_now_are_ranked_anew(tmp_path: Path) -> None:
    row = {"channel": "web", "touchpoint_type": None, "phase": None}
    paths = {"u1": ("late", "early"), "u2": ("late", "early"), "u3": ("early", "late")}
    touched = [
        row | {"customer_id": who, "occurred_at": START + timedelta(hours=step), "touchpoint": stage, "raw_touchpoint": stage,
               "stage": stage, "sequence": 10 * int(who[1]) + step}
        for who, path in paths.items() for step, stage in enumerate(path)
    ]  # fmt: skip
    ours, said = erased(tmp_path, Events({"touchpoints": touched}, Facts()), ["u1", "u2"])
    assert said.facts.stages == ("early", "late")
    columns, rows = contents(ours)["touchpoints"]
    places = [[name for name, _kind in columns].index(name) for name in ("stage", "stage_rank")]
    assert [tuple(r[p] for p in places) for r in rows] == [("early", 1), ("late", 2)]


CANARIES = {
    "customer_id": "canary-7f3a9c52", "email": "canary-b81e@mail.example", "comment": "canary-20d4 waited for an hour",
    "touchpoint": "canary-66fa page", "case_id": "canary-case-9", "channel": "canary-channel", "stage": "canary-stage",
}  # fmt: skip


@pytest.mark.parametrize("packed", [True, False], ids=["as it is written", "without compression"])
def test_nothing_of_an_erased_customer_stands_in_the_bytes(
    packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without compression every text stands in the file as it is, so that a search finds what a free block would keep.
    if not packed:
        for module in (duckdb_build, duckdb_erase):
            monkeypatch.setattr(module, "CLOSED", module.CLOSED | {"force_compression": "uncompressed"})
    events = random_events(6, 400)
    rows = {name: [dict(r) for r in held] for name, held in events.rows.items()}
    number = len(rows["touchpoints"])
    for step in range(5_000):  # enough to fill blocks of their own
        rows["touchpoints"].append(
            rows["touchpoints"][step % number]
            | {n: f"{v} {step}" if n == "case_id" else v for n, v in CANARIES.items() if n not in ("email", "comment")}
            | {"sequence": number + step, "raw_touchpoint": CANARIES["touchpoint"], "occurred_at": START + timedelta(seconds=step)}
        )  # fmt: skip
    for r in rows["customers"]:
        r["email"] = f"{r['customer_id']}@mail.example"
    rows["customers"].append(
        {"customer_id": CANARIES["customer_id"], "persona": "saver", "plan": "x", "email": CANARIES["email"]}
    )
    answer = rows["surveys"][0] | {"customer_id": CANARIES["customer_id"], "comment": CANARIES["comment"]}
    rows["surveys"] += [answer | {"response_id": f"canary-answer-{n}"} for n in range(500)]
    path, _built = made(tmp_path, "before", replace(events, rows=rows))
    if not packed:
        assert path.read_bytes().count(b"canary-") > 5_000
    spill = tmp_path / "spill"
    spill.mkdir()
    new = tmp_path / "after.duckdb"
    said = erase(path, new, [CANARIES["customer_id"]], events.facts, spill)
    assert (said.removed["touchpoints"], said.removed["surveys"]) == (5_000, 500)
    assert b"canary" not in new.read_bytes() and b"yranac" not in new.read_bytes()
    for name, (columns, held) in contents(new).items():
        assert "canary" not in repr(columns), name
        assert "canary" not in repr(held), name
    with duckdb.connect(str(new), read_only=True) as connection:
        assert "canary" not in repr(connection.execute("select * from duckdb_types() where not internal").fetchall())
        assert "canary" not in repr(connection.execute("select * from pragma_storage_info('touchpoints')").fetchall())
    assert "canary" not in repr(said.facts) + repr(said.touchpoints)


def test_the_version_as_it_was_is_only_read(tmp_path: Path) -> None:
    events = random_events(8)
    path, built = made(tmp_path, "before", events)
    path.chmod(0o444)
    bytes_before = path.read_bytes()
    store = open_store(path, built.facts)  # a page may read it meanwhile
    (tmp_path / "spill").mkdir()
    said = erase(path, tmp_path / "it's new.duckdb", ["u1"], events.facts, tmp_path / "spill")
    assert said.any and path.read_bytes() == bytes_before
    assert int(store.fetch(store.tables["customers"].aggregate(n=store.tables["customers"].count()))["n"].iloc[0]) > 0
    store.close()
    assert {p.name for p in tmp_path.iterdir()} == {"before.duckdb", "it's new.duckdb", "before_spill", "spill"}


def test_a_file_that_is_there_already_is_not_written_over(tmp_path: Path) -> None:
    path, _built = made(tmp_path, "before", random_events(8, 3))
    new = tmp_path / "after.duckdb"
    new.write_bytes(b"kept")
    with pytest.raises(FileExistsError):
        erase(path, new, ["u1"], Facts(), tmp_path)
    assert new.read_bytes() == b"kept"


def test_a_version_with_a_log_beside_it_is_refused(tmp_path: Path) -> None:
    path, _built = made(tmp_path, "before", random_events(8, 3))
    path.with_name(path.name + ".wal").write_bytes(b"x")
    with pytest.raises(WorkspaceProblem, match="leftover log"):
        erase(path, tmp_path / "after.duckdb", ["u1"], Facts(), tmp_path)


def test_a_failure_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = random_events(8, 3)
    path, _built = made(tmp_path, "before", events)

    def fail(*_given: object) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr(duckdb_erase, "prepare_cubes", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        erase(path, tmp_path / "after.duckdb", ["u1"], events.facts, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"before.duckdb", "before_spill"}


def test_every_table_of_a_version_is_one_that_erasing_knows(tmp_path: Path) -> None:
    # A table that is added to versions one day has to be copied, or left out, by a decision.
    ours, _said = erased(tmp_path, random_events(9), ["u1"])
    copied = {
        "touchpoints",
        "surveys",
        "invitations",
        "customers",
        "spend",
        "changes",
        "names",
        "paths",
        "journeys",
        "met",
        "channels",
        "tallies",
        "channel_tallies",
        "touchpoint_tallies",
        *CUBES,
    }
    assert contents(ours).keys() == copied == {*TABLES, *PREPARED_TABLES}
    assert PATH_SIGN not in "".join(copied)
