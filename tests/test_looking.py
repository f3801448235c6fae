"""Looking at uploads in a process of its own: the same answers as here, and no harm when that process comes to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cx_metrics import looking, reading
from cx_metrics.errors import FileProblem, MappingProblem
from cx_metrics.looking import Worker

from .hostile import HEADER, MB, ROW, SMALL, packed

ROOT = Path(__file__).parents[1]
SAMPLE = sorted(p for p in (ROOT / "sample_data").iterdir() if p.name.endswith((".csv", ".csv.gz")))
READY = '{"number": 0, "last": false, "problem": null}'
linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")


def acting(script: str, **limits: float) -> Worker:
    """A worker that plays a part: it says that it is ready, then does as `script` says for each `question` it reads."""
    lines = [
        "import json, os, signal, sys, time", f"print('{READY}', flush=True)", "for line in sys.stdin:",
        "    question = json.loads(line)", *(f"    {line}" for line in script.splitlines()),
    ]  # fmt: skip
    return Worker((sys.executable, "-c", "\n".join(lines)), **limits)  # type: ignore[arg-type]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table"
    path.write_bytes(HEADER + ROW * 3)
    return path


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker of this test alone."""
    worker = Worker()
    monkeypatch.setattr(looking, "WORKER", worker)
    yield worker
    worker.close()


def pid(worker: Worker) -> int:
    assert worker._process is not None
    return worker._process.pid


def gone(process: int, seconds: float = 20) -> bool:
    """Whether a process ends in that time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        stat = Path(f"/proc/{process}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


# The same answers


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
@pytest.mark.parametrize("as_table", [None, "surveys"])
def test_the_worker_answers_as_reading_does(path: Path, as_table: str | None) -> None:
    raw = looking.look(path, "my file.csv")
    assert raw == reading.open_raw(path, "my file.csv")
    seen = looking.recognise(raw, as_table)
    assert seen.found == reading.recognise(raw, as_table)
    try:
        assert seen.mapping == reading.default_mapping(raw, seen.found)
    except MappingProblem as problem:
        assert (seen.mapping, str(seen.problem)) == (None, str(problem))


def test_a_refusal_comes_back_as_a_text_to_be_translated(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    SMALL["picture"][0](path)
    with pytest.raises(FileProblem) as here:
        reading.open_raw(path, "täglich.csv")
    with pytest.raises(FileProblem) as there:
        looking.look(path, "täglich.csv")
    assert there.value.text == here.value.text


def test_bytes_that_are_no_text_are_shown_as_such_in_a_column_name(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"customer_id,n\xff\n" + b"a,1\n" * 300)
    raw = looking.look(path, "file.csv")
    assert raw == reading.open_raw(path, "file.csv")
    assert raw.header == ("customer_id", "n\ufffd")
    assert looking.recognise(raw, "customers").problem is None


def test_threads_get_the_answers_to_their_own_questions(tmp_path: Path) -> None:
    paths = [tmp_path / f"file{i}" for i in range(16)]
    for i, path in enumerate(paths):
        path.write_text(f"customer_id,column{i}\n" + "a,1\n" * (i + 1))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda path: looking.look(path, path.name), paths * 4))
    assert [(raw.name, raw.header[1], raw.lines) for raw in found] == [
        (f"file{i}", f"column{i}", i + 3) for i in range(16)
    ] * 4


# What ends a worker, and what comes after


@linux
def test_what_needs_more_memory_is_refused_with_the_limit_and_the_next_file_is_read(
    own: Worker, tmp_path: Path, table: Path
) -> None:
    path = tmp_path / "wide"
    SMALL["8 million columns"][0](path)
    looking.look(table, "a.csv")
    status = Path(f"/proc/{pid(own)}/status").read_text().splitlines()
    held = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmData:"))
    worker = Worker(memory_mb=held + 30)  # the columns alone take 64
    with pytest.raises(FileProblem, match=rf"wide\.csv.* {held + 30} MB"):
        worker.ask({"do": "look", "path": str(path), "name": "wide.csv"}, "wide.csv")
    assert worker.ask({"do": "look", "path": str(table), "name": "a.csv"}, "a.csv")["raw"]["name"] == "a.csv"
    worker.close()


def test_what_computes_for_too_long_is_refused_with_the_limit() -> None:
    worker = acting("from cx_metrics import limits; limits.limit_this_process(4 << 30, 1)\nwhile True: pass", seconds=1)
    with pytest.raises(FileProblem, match=r"long\.csv takes longer than 1 seconds"):
        worker.ask({}, "long.csv")
    worker.close()


def test_a_worker_that_hangs_is_ended() -> None:
    worker = acting("time.sleep(600)", patience=0.5)
    begun = time.monotonic()
    with pytest.raises(FileProblem, match=r"slow\.csv takes longer"):
        worker.ask({}, "slow.csv")
    assert time.monotonic() - begun < 30
    assert worker._process is None


@pytest.mark.parametrize(
    "end", ["os._exit(3)", "os.abort()", "os.kill(os.getpid(), signal.SIGKILL)", "raise ValueError"]
)
def test_a_worker_that_dies_makes_one_file_unreadable_and_says_the_limits(end: str) -> None:
    worker = acting(f"{end} if question['number'] == 1 else print(json.dumps(ANSWER), flush=True)".replace(
        "ANSWER", "{'number': question['number'], 'last': False, 'problem': None}"
    ) if not end.startswith("raise") else end)  # fmt: skip
    with pytest.raises(FileProblem, match=r"bad\.csv ended before it was done.*1,024 MB.*60 seconds"):
        worker.ask({}, "bad.csv")
    if not end.startswith("raise"):
        assert worker.ask({}, "good.csv")["number"] == 2
    worker.close()


def test_a_worker_that_was_killed_while_idle_is_replaced(own: Worker, table: Path) -> None:
    looking.look(table, "a.csv")
    first = pid(own)
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    assert looking.look(table, "a.csv").header == ("customer_id", "occurred_at", "touchpoint")
    assert pid(own) != first


def test_a_worker_that_grew_large_gives_its_memory_back(own: Worker, table: Path, tmp_path: Path) -> None:
    path = tmp_path / "wide"
    path.write_bytes(b"12," * (5 * MB) + b"\n1\n")
    with pytest.raises(FileProblem, match="500"):
        looking.look(path, "wide.csv")
    assert own._process is None
    assert looking.look(table, "a.csv").lines == 5


def test_noise_and_old_answers_are_no_answers() -> None:
    worker = acting("\n".join([
        "sys.stdout.write('warning: {\"number\"\\n[1]\\n{}\\n')",
        "print(json.dumps({'number': question['number'] - 1, 'last': False, 'problem': None, 'is': 'old'}))",
        "print(json.dumps({'number': question['number'], 'last': False, 'problem': None, 'is': 'new'}), flush=True)",
    ]))  # fmt: skip
    assert [worker.ask({}, "a.csv")["is"] for _ in range(3)] == ["new"] * 3
    worker.close()


def test_a_worker_that_says_endlessly_much_is_ended() -> None:
    worker = acting("while True: sys.stdout.write('x' * 1000000)")
    with pytest.raises(FileProblem, match="much.csv"):
        worker.ask({}, "much.csv")
    assert worker._process is None


def test_who_waits_too_long_for_others_is_told() -> None:
    worker = acting(
        "time.sleep(2)\nprint(json.dumps({'number': 1, 'last': False, 'problem': None}), flush=True)", queue=0.1
    )
    first = threading.Thread(target=worker.ask, args=({}, "first.csv"))
    first.start()
    while worker._process is None:
        time.sleep(0.01)
    with pytest.raises(FileProblem, match=r"second\.csv waited"):
        worker.ask({}, "second.csv")
    first.join()
    worker.close()


# What a worker holds


@linux
def test_a_worker_dies_with_the_process_that_asked_it(table: Path) -> None:
    script = (
        f"import sys, time; from pathlib import Path; from cx_metrics import looking; looking.look(Path({str(table)!r}), 'a');"
        "print(looking.WORKER._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        server.kill()
    assert gone(worker)


@linux
def test_a_worker_holds_no_files_and_no_secrets_of_the_server(
    own: Worker, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_ENGINE", "postgres://user:hunter2@host/db")
    with table.open("rb") as held:
        os.set_inheritable(held.fileno(), True)
        looking.look(table, "a.csv")
        process = Path("/proc") / str(pid(own))
        kinds = [os.readlink(entry) for entry in (process / "fd").iterdir()]
        assert str(table) not in kinds
        assert (
            sum(kind.startswith(("pipe:", "socket:")) for kind in kinds) <= 5
        )  # its questions, its answers, what it logs to
        assert b"hunter2" not in (process / "environ").read_bytes()
        assert int((process / "stat").read_text().rpartition(")")[2].split()[16]) > os.nice(0)


def test_this_process_goes_on_while_the_worker_unpacks(own: Worker, tmp_path: Path, table: Path) -> None:
    path = tmp_path / "bomb.gz"
    packed((HEADER, 1), (b"a" * 99 + b"\n", 6 * MB))(path)
    looking.look(table, "a.csv")  # started
    late, done = [], threading.Event()

    def ask() -> None:
        try:
            looking.look(path, "bomb.csv")
        finally:
            done.set()

    asking = threading.Thread(target=ask)
    asking.start()
    while not done.is_set():
        begun = time.monotonic()
        time.sleep(0.02)
        late.append(time.monotonic() - begun - 0.02)
    asking.join()
    assert len(late) >= 10  # it took a while: somebody else did the work
    assert sorted(late)[len(late) // 2] < 0.2


# The limits themselves


def limited(script: str) -> subprocess.CompletedProcess[str]:
    code = f"from cx_metrics.limits import *\n{script}"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_memory_beyond_the_limit_is_an_error_that_can_be_caught() -> None:
    found = limited(
        "import numpy as np, pyarrow as pa\nlimit_this_process(1500 << 20, 30)\nkept = np.ones(50_000_000)\n"
        "for make in (lambda: np.ones(200_000_000), lambda: pa.allocate_buffer(1600 << 20), lambda: b'x' * (1600 << 20)):\n"
        "    try:\n        make()\n    except MemoryError:\n        print('refused')\n"
    )
    assert (found.returncode, found.stdout.split()) == (0, ["refused"] * 3), found.stderr


def test_computing_beyond_the_limit_ends_the_process_and_waiting_does_not() -> None:
    found = limited(
        "import time\nlimit_this_process(4 << 30, 1)\ntime.sleep(2.5)\nprint('here', flush=True)\nwhile True: pass"
    )
    assert (found.returncode, found.stdout.split()) == (-signal.SIGXCPU, ["here"])
    again = limited(
        "import time\nfor _ in range(3):\n    limit_this_process(4 << 30, 3)\n    until = time.process_time() + 1.5\n"
        "    while time.process_time() < until: pass\nprint('here')"
    )
    assert (again.returncode, again.stdout.split()) == (0, ["here"])


@linux
def test_the_peak_is_that_of_this_process_alone() -> None:
    found = limited(
        "import subprocess, sys\nkept = b'x' * (300 << 20)\nprint(peak_memory() >> 20, subprocess.run([sys.executable, '-c',"
        "'from cx_metrics.limits import *; print(peak_memory() >> 20)'], capture_output=True, text=True).stdout)"
    )
    mine, child = map(int, found.stdout.split())
    assert mine > 400 and child < mine - 200
