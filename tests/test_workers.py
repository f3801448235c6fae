"""Processes that answer beside the server: the same answers, the same problems, and nothing is lost with one of them."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cx_metrics import workers
from cx_metrics.answering import comparison_of, metric_of, movers_of, place_of
from cx_metrics.engines import Store, asking_while, open_store, patience
from cx_metrics.errors import Cancelled, OptionProblem, ViewProblem, WorkspaceProblem
from cx_metrics.importing import import_sample
from cx_metrics.registry import METRICS, find
from cx_metrics.right_of_way import RIGHT_OF_WAY
from cx_metrics.run import comments, people, values
from cx_metrics.view import Filter, View
from cx_metrics.workspace import Version, Workspace
from pages.parts import server

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0
ASKED: tuple[tuple[str, tuple[str, ...], dict[str, str]], ...] = (
    ("nps", (), {}), ("nps", ("persona",), {}), ("stage_engagement", (), {}), ("transitions", (), {}), ("key_drivers", (), {}),
    ("funnel", (), {"steps": "Search|search,Purchase"}), ("adjusted_nps", (), {}), ("answer_bias", (), {}), ("themes", (), {}),
)  # fmt: skip


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The sample, imported."""
    workspace = Workspace(tmp_path_factory.mktemp("workers") / "workspace")
    import_sample(workspace, ROOT / "sample_data", "Sample")
    return workspace.current(workspace.datasets()[0].id)


@pytest.fixture(scope="module")
def store(version: Version) -> Store:
    return open_store(version.path, version.facts)


@pytest.fixture(autouse=True)
def as_pages_keep_texts() -> Iterator[None]:
    with pd.option_context("mode.string_storage", "python"):
        yield


@pytest.fixture
def hired(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[workers.Worker]]:
    """Two workers that are ready; no limit of time ends what they are asked."""
    monkeypatch.setenv("TOUCHLINE_QUERY_SECONDS", "600")
    workers.hire(2)
    assert workers._hired is not None
    workers._hired.wait_until_ready(PATIENCE)
    assert all(worker.ready.is_set() for worker in workers._hired._all)
    yield workers._hired._all
    workers.dismiss()


def ask(question: Any, store: Store, version: Version, *given: Any, **named: Any) -> Any:
    return workers.ask(question, store, version.content, version.path, *given, **named)


def view(persona: str) -> View:
    return View(customers=(Filter("persona", (persona,)),))


def test_workers_answer_what_would_be_answered_here(
    store: Store, version: Version, hired: list[workers.Worker]
) -> None:
    persona, other = values(store, "persona", 10)[:2]
    for name, by, options in ASKED:
        for shown in (View(), view(persona)):
            given = (name, shown, by, version.key, None, options)
            frame, definition, route = ask(metric_of, store, version, *given, place=place_of(find(name)))
            here = metric_of(store, *given)
            pd.testing.assert_frame_equal(frame, here[0])
            assert (definition, route) == here[1:]
    two = ((view(persona), view(other)), (), version.key, None, {})
    pd.testing.assert_frame_equal(
        ask(comparison_of, store, version, "nps", *two)[0], comparison_of(store, "nps", *two)[0]
    )
    moved = ((view(persona), view(other)), version.key, None)
    pd.testing.assert_frame_equal(ask(movers_of, store, version, *moved)[0], movers_of(store, *moved)[0])
    assert ask(people, store, version, view(persona), None) == people(store, view(persona))
    shown, count = ask(comments, store, version, view(persona), most=5)
    assert (len(shown), count) == (5, comments(store, view(persona), most=5)[1])


def test_without_workers_the_asker_answers(store: Store, version: Version) -> None:
    assert ask(process_of, store, version) == os.getpid()


def test_with_workers_another_process_answers(store: Store, version: Version, hired: list[workers.Worker]) -> None:
    at = [ask(process_of, store, version, place=place) for place in (workers.FIRST, workers.LAST)]
    assert at == [worker.process.pid for worker in hired]
    alike = {ask(process_of, store, version, name) for _turn in range(4) for name in ("nps",)}
    assert len(alike) == 1 and alike < set(at)  # who has nothing else to do and met its kind before
    assert {ask(process_of, store, version, name) for name in METRICS} == set(at)


def test_metrics_that_share_what_they_look_at_are_asked_at_one_place() -> None:
    places = {name: place_of(metric) for name, metric in METRICS.items()}
    assert places["funnel"] == workers.FIRST
    assert places["adjusted_nps"] == places["answer_bias"] == workers.LAST
    assert places["nps"] is None


def test_a_problem_comes_back_with_its_text(store: Store, version: Version, hired: list[workers.Worker]) -> None:
    with pytest.raises(ViewProblem) as said:
        ask(metric_of, store, version, "nps", View(), ("no such column",), version.key, None, {})
    here: list[ViewProblem] = []
    try:
        metric_of(store, "nps", View(), ("no such column",), version.key, None, {})
    except ViewProblem as problem:
        here.append(problem)
    assert (
        said.value.text == here[0].text and "{" in said.value.text.source
    )  # so that it is shown in the reader's language
    with pytest.raises(OptionProblem):
        ask(metric_of, store, version, "nps", View(), (), version.key, None, {"method": "guess"})


def test_a_problem_may_say_anything(store: Store, version: Version, hired: list[workers.Worker]) -> None:
    for _again in range(2):
        with pytest.raises(OptionProblem) as said:
            ask(problem_with_braces, store, version, place=0)
        assert said.value.text.values == {"found": "Recommend {brand} or {0}? 100% {"}
    assert ask(process_of, store, version, place=0) == hired[0].process.pid
    again = pickle.loads(pickle.dumps(said.value))
    assert (type(again), again.text, str(again)) == (OptionProblem, said.value.text, str(said.value))


def test_a_fault_comes_back_as_one_and_the_worker_goes_on(
    store: Store, version: Version, hired: list[workers.Worker]
) -> None:
    with pytest.raises(ZeroDivisionError):
        ask(fault, store, version, place=0)
    with pytest.raises(RuntimeError, match="lock"):  # what cannot be sent
        ask(unsendable, store, version, place=0)
    assert ask(process_of, store, version, place=0) == hired[0].process.pid


def test_who_gives_up_is_let_go_and_the_worker_stops(
    store: Store, version: Version, hired: list[workers.Worker]
) -> None:
    waits = threading.Event()
    threading.Timer(0.3, waits.set).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled), asking_while(lambda: not waits.is_set()):
        ask(long_query, store, version, place=0)
    assert time.monotonic() - begun < 5
    until = time.monotonic() + PATIENCE
    while ask(running_queries, store, version, place=0):  # its query ends too
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_worker_that_dies_is_replaced_and_the_question_is_answered(
    store: Store, version: Version, hired: list[workers.Worker]
) -> None:
    before = [worker.process.pid for worker in hired]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, slow_process_of, store, version, place=0)
        until = time.monotonic() + PATIENCE
        while not hired[0]._open and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(before[0], signal.SIGKILL)
        now = asked.result(timeout=PATIENCE)
    assert now not in before and now == hired[0].process.pid


def test_a_question_that_ends_every_worker_is_refused_and_the_server_lives(
    store: Store, version: Version, hired: list[workers.Worker]
) -> None:
    with pytest.raises(ViewProblem, match="more memory than the machine has"):
        ask(end_of_process, store, version)
    with pytest.raises(ViewProblem, match="more memory than the machine has"):  # asked again at once
        ask(end_of_process, store, version, place=0)
    assert ask(process_of, store, version, place=0) == hired[0].process.pid


def test_many_ask_at_once_and_each_gets_its_own_answer(
    store: Store, version: Version, hired: list[workers.Worker]
) -> None:
    personas = values(store, "persona", 10)
    right = {persona: people(store, view(persona)) for persona in personas}
    with ThreadPoolExecutor(12) as pool:
        asked = [(p, pool.submit(ask, people, store, version, view(p), None)) for p in personas * 12]
        assert all(found.result(timeout=PATIENCE) == right[persona] for persona, found in asked)


def test_forgetting_closes_the_file(store: Store, version: Version, hired: list[workers.Worker]) -> None:
    ask(people, store, version, View(), None, place=0)
    with pytest.raises(ZeroDivisionError):
        ask(fault_of_the_store, store, version, place=0)
    with pytest.raises(ViewProblem):
        ask(problem_of_the_store, store, version, place=0)
    assert opened_by(hired[0], version.path)
    workers.forget()
    until = time.monotonic() + PATIENCE
    while opened_by(hired[0], version.path) and time.monotonic() < until:
        time.sleep(0.05)
    assert not opened_by(hired[0], version.path)
    assert ask(people, store, version, View(), None, place=0) == people(store, View())


def test_imports_make_way_for_what_a_worker_answers(
    store: Store, version: Version, hired: list[workers.Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(RIGHT_OF_WAY, "begins", lambda: said.append("begins"))
    monkeypatch.setattr(RIGHT_OF_WAY, "ends", lambda: said.append("ends"))
    ask(people, store, version, view("Family"), None)
    until = time.monotonic() + PATIENCE
    while said.count("ends") < said.count("begins") or not said:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert said.count("begins") == said.count("ends") >= 1


def test_where_none_can_begin_the_asker_answers_and_no_more_are_begun(
    store: Store, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "PROGRAM", "raise SystemExit(3)")
    workers.hire(2)
    try:
        assert workers._hired is not None
        begun = time.monotonic()
        workers._hired.wait_until_ready(PATIENCE)
        assert time.monotonic() - begun < PATIENCE / 2
        first = [worker.process.pid for worker in workers._hired._all]
        for place in (None, 0, 1):
            assert ask(process_of, store, version, place=place) == os.getpid()
        assert [worker.process.pid for worker in workers._hired._all] == first
    finally:
        workers.dismiss()


def test_a_worker_leaves_no_folder_behind(
    store: Store, version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    workers.hire(1)
    try:
        assert workers._hired is not None
        workers._hired.wait_until_ready(PATIENCE)
        ask(people, store, version, View(), None)
        assert list(tmp_path.glob("touchline_engine_*"))
        worker = workers._hired._all[0]
        with socket.socket(fileno=os.dup(worker._door.fileno())) as door:  # as if the server were gone
            door.shutdown(socket.SHUT_RDWR)
        worker.process.wait(timeout=PATIENCE)
        assert not list(tmp_path.glob("touchline_engine_*"))
    finally:
        workers.dismiss()


def test_workers_share_the_memory_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOUCHLINE_MEMORY", raising=False)
    assert "TOUCHLINE_MEMORY" not in workers._memory_shared(2)  # a quarter each
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PAGE_SIZE": 2**12, "SC_PHYS_PAGES": 2**24}[name])  # 64 GiB
    assert workers._memory_shared(4)["TOUCHLINE_MEMORY"] == "8192MB"
    assert workers._memory_shared(64)["TOUCHLINE_MEMORY"] == "2000MB"
    monkeypatch.setenv("TOUCHLINE_MEMORY", "6GB")
    assert workers._memory_shared(4)["TOUCHLINE_MEMORY"] == "6GB"


def test_workers_end_with_the_process_that_hired_them() -> None:
    program = (
        "from cx_metrics import workers; workers.hire(2); workers._hired.wait_until_ready(60);"
        "print(*(w.process.pid for w in workers._hired._all), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as hiring:  # fmt: skip
        assert hiring.stdout is not None
        found = [int(number) for number in hiring.stdout.readline().split()]
        assert len(found) == 2 and all(Path(f"/proc/{number}").exists() for number in found)
        hiring.kill()
    until = time.monotonic() + PATIENCE
    while any(lives(number) for number in found):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("asked", ["0", "3", "16"])
def test_so_many_workers_are_wanted_as_the_setting_says(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workers.VARIABLE, asked)
    assert workers.wanted() == int(asked)


@pytest.mark.parametrize("asked", ["17", "-1", "two", "1.5", " "])
def test_a_setting_that_is_no_number_of_workers_is_said_before_the_server_starts(
    asked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(workers.VARIABLE, asked)
    with pytest.raises(WorkspaceProblem):
        workers.wanted()
    monkeypatch.setattr(server, "prepare", lambda sample: pytest.fail("nothing is prepared for it"))
    assert server.main([]) == 1
    assert "TOUCHLINE_WORKERS has to be a number from 0 to 16" in capsys.readouterr().err


def test_unless_told_there_is_a_worker_for_each_processor_but_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(workers.VARIABLE, raising=False)
    for processors, wanted in ((1, 0), (2, 2), (3, 3), (64, 4)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _process, n=processors: set(range(n)))
        assert workers.wanted() == wanted


# questions of these tests; a worker finds them by their name


def process_of(_store: Store, _name: str = "") -> int:
    return os.getpid()


def slow_process_of(_store: Store) -> int:
    time.sleep(5)
    return os.getpid()


def fault(_store: Store) -> float:
    return 1 / 0


def unsendable(_store: Store) -> Any:
    return threading.Lock()


def end_of_process(_store: Store) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def long_query(store: Store) -> Any:
    t = store.tables["touchpoints"]
    many = t.select(a=t.sequence).cross_join(t.select(b=t.sequence)).cross_join(t.select(c=t.sequence))
    return store.fetch(many.aggregate(n=(many.a * many.b * many.c).max()))


def running_queries(_store: Store) -> int:
    return len(patience._WATCHDOG._running)


def fault_of_the_store(store: Store) -> None:
    held = store.connection.cursor()
    raise ZeroDivisionError(str(held))


def problem_with_braces(_store: Store) -> None:
    raise OptionProblem("No question is called {found}.", found="Recommend {brand} or {0}? 100% {")


def problem_of_the_store(store: Store) -> None:
    held = store.connection.cursor()
    raise ViewProblem("Nobody is left: {held}", held=str(held))


def opened_by(worker: workers.Worker, path: Path) -> bool:
    held = []
    for number in Path(f"/proc/{worker.process.pid}/fd").iterdir():
        try:
            held.append(os.readlink(number))
        except OSError:  # closed meanwhile
            continue
    return any(name.startswith(str(path)) for name in held)


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
