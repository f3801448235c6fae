"""A dataset that lives in an engine: its address, what is kept there, who reads it while it is loaded again, and the pages."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import cx_metrics as cx
from cx_metrics import importing
from cx_metrics.__main__ import main
from cx_metrics.engines import Engine, Served, address, asking_while, connect, loading, read_address, serve
from cx_metrics.engines.engine import KEPT_VERSIONS, LENT, MOST_LENT, Pool
from cx_metrics.engines.incoming import Incoming
from cx_metrics.errors import Cancelled, EngineProblem, ViewProblem, WorkspaceProblem
from cx_metrics.tables import TABLES
from cx_metrics.view import Facts, Filter, View
from cx_metrics.workspace import ServedWorkspace, Workspace, open_workspace
from tests.conftest import incoming, paths
from tests.engines.events import differences

ROOT = Path(__file__).parents[2]
SECRET = "s3cret%2Fpass"
CSV = """customer,time,touchpoint,stage
u1,2026-01-05 09:00,Ad,awareness
u1,2026-01-05 09:10,Purchase,action
u2,2026-01-06 10:00,Ad,awareness
"""


@pytest.fixture
def touchpoints(tmp_path: Path) -> Path:
    path = tmp_path / "touchpoints.csv"
    path.write_text(CSV, "utf-8")
    return path


@pytest.fixture
def own_engine(clickhouse: Engine, request: pytest.FixtureRequest) -> Any:
    """The URL of an empty database; `clickhouse` keeps the engine in memory alive."""
    return f"chdb://memory?database=t_{abs(hash(request.node.name)) % 10**9}"


def plan(path: Path) -> importing.Plan:
    return importing.Plan((importing.ImportFile(path, path.name),))


# Frames lent to queries


@pytest.mark.parametrize("kind", ["clickhouse", "postgres"])
def test_a_lent_frame_is_one_table_and_the_oldest_are_removed(kind: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(kind)
    before = set(engine.names())
    served = serve(engine, Facts(), {})
    frame = pd.DataFrame({"journey_id": [3, 1]})
    name = served.lend(frame).get_name()
    assert served.lend(frame.copy()).get_name() == name != served.lend(frame.head(1)).get_name()
    assert sorted(served.fetch(served.lend(frame))["journey_id"]) == [1, 3]
    assert served.fetch(served.lend(frame.head(0)))["journey_id"].tolist() == []
    cases = pd.DataFrame({"journey_id": ["o'1", "خرید"]})
    assert sorted(served.fetch(served.lend(cases))["journey_id"]) == ["o'1", "خرید"]
    for n in range(MOST_LENT):
        served.lend(pd.DataFrame({"journey_id": [n]}))
    now = set(engine.names()) - before
    assert name not in now and len(now) == MOST_LENT and all(t.startswith(LENT) for t in now)
    old = f"{LENT}{datetime(2026, 1, 1).toordinal()}_left_behind"
    engine.make(old, ibis.schema({"journey_id": "int64"}))
    engine.publish({"tables": {}})  # by a load, also of another server
    assert old not in engine.names() and now <= set(engine.names())  # who reads an older load still reads these


# Addresses


@pytest.mark.parametrize("url, engine, shown", [
    ("clickhouse://jo.doe:s3cret@db.example:8443/cx?secure=1", "ClickHouse", "clickhouse://db.example:8443/cx"),
    ("postgresql://jo.doe:s3cret@db.example/shop?schema=cx&sslmode=require", "PostgreSQL", "postgresql://db.example/shop/cx"),
    ("postgres://db.example/shop", "PostgreSQL", "postgresql://db.example/shop/touchline"),
    ("spark://master:7077", "Spark", "spark://master:7077/touchline"),
    ("sc://host:15002/cx;token=s3cret;use_ssl=true", "Spark", "sc://host:15002/cx"),
    ("chdb:///srv/data?database=cx", "ClickHouse", "chdb:///srv/data/cx"),
])  # fmt: skip
def test_an_address_is_read_and_shown_without_its_secrets(url: str, engine: str, shown: str) -> None:
    found = read_address(url)
    assert found.engine == engine
    assert found.shown == shown
    for secret in ("jo.doe", "s3cret"):
        assert secret not in repr(found)


def test_a_password_is_decoded_and_the_dataset_keeps_its_id_when_it_changes() -> None:
    before, after = (read_address(f"clickhouse://me:{password}@host/cx") for password in (SECRET, "other"))
    assert before.password == "s3cret/pass"
    assert before.id == after.id
    assert before.id != read_address("clickhouse://me@host/other").id
    assert len(before.id) == 32 and int(before.id, 16) >= 0


@pytest.mark.parametrize("url", [
    "", "nonsense", "mysql://me:s3cret@host/db", "clickhouse://me:s3cret@host:port/db", "clickhouse:///db", "clickhouse://host/a-b",
])  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(EngineProblem) as refused:
        read_address(url)
    assert "s3cret" not in str(refused.value)


def test_a_missing_driver_names_the_command_that_installs_it() -> None:
    with pytest.raises(EngineProblem, match="requirements-engines.txt"):
        address.needs("no_such_driver")


@pytest.mark.parametrize("url", ["clickhouse://me:s3cret@127.0.0.1:9/cx", "postgresql://me:s3cret@127.0.0.1:9/cx"])
def test_nobody_there_is_said_without_the_password(url: str) -> None:
    with pytest.raises(EngineProblem, match="cannot be reached") as refused:
        connect(read_address(url))
    assert "s3cret" not in str(refused.value)


# Loading again and again


@pytest.mark.parametrize("name", ["clickhouse", "postgres"])
def test_whoever_reads_goes_on_reading_while_the_dataset_is_loaded_again(
    name: str, request: pytest.FixtureRequest
) -> None:
    engine: Engine = request.getfixturevalue(name)

    def load(*journeys: str) -> Served:
        rows = [{"sequence": i, "raw_touchpoint": row["touchpoint"]} | row for i, row in enumerate(paths(*journeys))]
        loaded = loading.load(engine, {"touchpoints": incoming(rows, TABLES["touchpoints"].schema)}, Facts())
        engine.publish({"tables": loaded.tables})
        return serve(engine, loaded.built.facts, loaded.tables)

    reading = load("A B")
    assert cx.people(reading)["touchpoints"] == 2
    again = load("A B C")
    assert [cx.people(dataset)["touchpoints"] for dataset in (reading, again)] == [2, 3]
    for _more in range(KEPT_VERSIONS):
        again = load("A B C D")
    assert cx.people(again)["touchpoints"] == 4
    there = set(engine.names())
    assert not {t.get_name() for t in reading.tables.values()} & there  # the oldest is gone
    assert not [table for table in there if table.startswith(("raw_", "finest_"))]


def test_a_load_that_breaks_off_leaves_nothing(clickhouse: Engine) -> None:
    def broken() -> Any:
        yield from incoming(rows, schema).batches
        raise OSError("the disk is gone")

    schema = TABLES["touchpoints"].schema
    rows = [{"sequence": i, "raw_touchpoint": "A"} | row for i, row in enumerate(paths("A B"))]
    before = clickhouse.names()
    with pytest.raises(OSError, match="disk"):
        loading.load(clickhouse, {"touchpoints": Incoming(schema, broken())}, Facts())
    assert clickhouse.names() == before


@pytest.mark.parametrize("name, column, year, told", [
    ("clickhouse", "plan", 1850, "from 1900 to 2299; the touchpoints hold 1850-03-01"),
    ("postgres", "a" * 61, 2026, "cuts column names after 60 bytes"),
])  # fmt: skip
def test_what_an_engine_cannot_hold_is_refused(
    name: str, column: str, year: int, told: str, request: pytest.FixtureRequest
) -> None:
    rows = [{"sequence": 0, "raw_touchpoint": "A", "customer_id": "u1", "touchpoint": "A", column: "x",
             "occurred_at": datetime(year, 3, 1)}]  # fmt: skip
    engine: Engine = request.getfixturevalue(name)
    with pytest.raises(EngineProblem, match=told):
        loading.load(engine, {"touchpoints": incoming(rows, TABLES["touchpoints"].schema)}, Facts())


def test_a_user_who_may_only_read_can_open_what_another_one_loaded(
    postgres_url: str, touchpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    importing.load_into(connect(read_address(postgres_url)), plan(touchpoints))
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE reader LOGIN")
        owner.execute("GRANT USAGE ON SCHEMA touchline TO reader")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA touchline TO reader")
    found = importing.open_engine(postgres_url.replace("touchline@", "reader@"))
    assert cx.people(found)["touchpoints"] == 3


# Threads


@pytest.mark.parametrize("name", ["clickhouse", "postgres"])
def test_sixteen_threads_get_their_own_answers(name: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(name)
    rows = [
        {"sequence": i, "raw_touchpoint": "A", "segment": f"s{n}", "customer_id": f"u{n}_{k}", "touchpoint": "A",
         "occurred_at": paths("A")[0]["occurred_at"]}
        for i, (n, k) in enumerate((n, k) for n in range(16) for k in range(n + 1))
    ]  # fmt: skip
    loaded = loading.load(engine, {"touchpoints": incoming(rows, TABLES["touchpoints"].schema)}, Facts())
    dataset = serve(engine, loaded.built.facts, loaded.tables)
    wrong: list[str] = []

    def ask(number: int) -> None:
        for _again in range(4):
            try:
                found = cx.people(dataset, View(customers=(Filter("segment", (f"s{number}",)),)))["customers"]
                if found != number + 1:
                    wrong.append(f"{found} customers in segment {number}")
            except Exception as problem:
                wrong.append(repr(problem))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_connection_on_which_something_failed_is_not_lent_again() -> None:
    made, closed = iter(range(10)), []
    pool: Pool[int] = Pool(lambda: next(made), closed.append)
    with pytest.raises(ValueError), pool.lent():
        raise ValueError
    with pool.lent() as second, pool.lent() as third:
        assert (second, third) == (1, 2)
    with pool.lent() as again:
        assert again in (1, 2)
    pool.close()
    assert sorted(closed) == [0, 1, 2]


# Questions that take too long, or that nobody waits for

ENDLESS = {
    "clickhouse": "SELECT count() AS n FROM numbers(1000000) a, numbers(1000000) b WHERE cityHash64(a.number + b.number) = 1",
    "postgres": "SELECT count(*) AS n FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b WHERE a + b = 1",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_engine_ends_a_question_at_the_limit(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine: Engine = request.getfixturevalue(name)
    monkeypatch.setenv("TOUCHLINE_QUERY_SECONDS", "1")
    served, n = serve(engine, Facts(), {}), ibis.schema({"n": "int64"})
    start = time.monotonic()
    with pytest.raises(ViewProblem, match="longer than 1 s"):
        served._run(ENDLESS[name], n)
    assert time.monotonic() - start < 2
    for _again in range(3):
        assert served._run("SELECT 7 AS n", n)["n"].tolist() == [7]
    with asking_while(lambda: False), pytest.raises(Cancelled):
        served._run("SELECT 7 AS n", n)


def test_a_load_into_postgresql_has_no_limit(postgres: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_QUERY_SECONDS", "1")
    served, n = serve(postgres, Facts(), {}), ibis.schema({"n": "int64"})
    assert served._run("SELECT 7 AS n", n)["n"].tolist() == [7]
    slow = postgres.arrow("SELECT 7 AS n, pg_sleep(1.3)::text AS slept")  # on the connection that was asked before
    assert slow.column(0).to_pylist() == [7]


# The command line


@pytest.fixture
def same_signals() -> Iterator[None]:
    """The command line ends quietly on a closed pipe; the tests do not."""
    before = signal.getsignal(signal.SIGPIPE)
    yield
    signal.signal(signal.SIGPIPE, before)


@pytest.mark.usefixtures("same_signals")
def test_the_command_line_loads_shows_and_answers(
    touchpoints: Path, own_engine: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOUCHLINE_ENGINE", own_engine)
    assert main(["engine", "info"]) == 2
    assert "no dataset in ClickHouse yet" in capsys.readouterr().err
    assert main(["engine", "load", "--touchpoints", str(touchpoints)]) == 0
    said = capsys.readouterr()
    assert "3 rows, 3 loaded, 0 set aside" in said.err
    assert "version 1" in said.out and "touchpoints 3" in said.out
    assert main(["conversion", "--json"]) == 0
    engine_says = capsys.readouterr().out
    assert main(["conversion", "--json", "--touchpoints", str(touchpoints)]) == 0
    assert capsys.readouterr().out == engine_says
    assert '"customers": 2' in engine_says and '"converted": 1' in engine_says  # Purchase is proposed as the goal


@pytest.mark.usefixtures("same_signals")
def test_without_an_engine_the_command_says_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TOUCHLINE_ENGINE", raising=False)
    assert main(["engine", "info"]) == 2
    assert "TOUCHLINE_ENGINE is not set" in capsys.readouterr().err


# The workspace and the pages


def test_the_workspace_lists_the_engine_first_and_lets_no_page_change_it(
    touchpoints: Path, own_engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOUCHLINE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("TOUCHLINE_ENGINE", raising=False)
    assert type(open_workspace()) is Workspace
    monkeypatch.setenv("TOUCHLINE_ENGINE", own_engine)
    workspace = open_workspace()
    assert isinstance(workspace, ServedWorkspace)
    here = workspace.create("Here")
    importing.import_version(workspace, here, plan(touchpoints))
    first, second = workspace.datasets()
    assert (first.engine, second.id) == ("ClickHouse", here)
    with pytest.raises(WorkspaceProblem, match="no dataset"):
        workspace.versions(first.id)
    importing.load_into(connect(read_address(own_engine)), plan(touchpoints))
    version = workspace.current(first.id)
    workspace.verify(version)
    answers = [cx.run("conversion", dataset).frame.to_dict("records") for dataset in (
        workspace.served(version), importing.load(plan(touchpoints))[0], importing.open_engine(own_engine)
    )]  # fmt: skip
    assert not differences(answers[0], answers[1]) and not differences(answers[0], answers[2])
    for change in (workspace.delete, lambda d: workspace.use(d, 1), lambda d: workspace.adopt(d, "0" * 32)):
        with pytest.raises(WorkspaceProblem, match="lives in ClickHouse"):
            change(first.id)
    assert workspace.current(first.id).number == 1


@pytest.fixture
def server_with_engine(touchpoints: Path, own_engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import streamlit as st

    from pages.parts.keeping import ANSWERS

    monkeypatch.setenv("TOUCHLINE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("TOUCHLINE_ENGINE", own_engine)
    importing.load_into(connect(read_address(own_engine)), plan(touchpoints))
    st.cache_resource.clear()
    ANSWERS.forget()


@pytest.mark.usefixtures("server_with_engine")
@pytest.mark.parametrize("page", ["start/overview", "behaviour/flow", "behaviour/drop_off", "behaviour/stages",
                                  "behaviour/touchpoint",
                                  "behaviour/personas", "behaviour/channels", "start/data", "trust/definitions"])  # fmt: skip
def test_pages_answer_from_the_engine(page: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.run()
    if page != "start/overview":
        app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    shown = " ".join(str(html.proto.body) for html in app.get("html"))
    assert app.sidebar.selectbox[0].format_func is not None
    assert any("ClickHouse" in option for option in app.sidebar.selectbox[0].options)
    assert "cannot be reached" not in shown and "no dataset" not in shown
    if page == "start/data":
        assert "lives in" in shown
        assert not [button for button in app.button if button.key == "delete_dataset"]
