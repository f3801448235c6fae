"""Looking at an upload before anybody trusts it, in a process of its own: what kind of file it is and what its columns mean.

A file can be made to take all memory or hours of a processor. So the process that serves pages never opens one: it asks a
worker (`python -m cx_metrics.looking MEMORY_MB SECONDS`), one JSON line there and one back. The worker limits itself, and lets
others go first. It is started when it is first needed and stays, because starting takes two seconds; one that dies has
made one file unreadable, and the next question starts another.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cx_metrics import limits, reading
from cx_metrics.errors import FileProblem, MappingProblem, TouchlineError
from cx_metrics.reading import FileMapping, PlainTable, RawFile, Recognition, shorten
from cx_metrics.texts import N_, Text

MEMORY_MB = 1024  # an idle worker holds 300 of them
SECONDS = (
    60  # of computing for one question; 2 GB are unpacked and looked through in 10, a workbook of a million rows in 40
)
PATIENCE_SECONDS = 180  # for one answer: on a busy server the worker gets a part of a processor
QUEUE_SECONDS = 120  # for those who asked before
PREVIEW_ROWS, PREVIEW_COLUMNS = 8, 40
DYING_SECONDS = 1.0  # an idle worker that was killed may look alive for so long
START_SECONDS = 60
GROWN_MB = 400  # a worker that held more is replaced, so that the memory goes back
MOST_ANSWER = 64 * limits.MB  # 500 names of columns of 4,000 letters, in signs of JSON, and as often again in reasons
HANDED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
)  # no secrets of the server
KINDS: Mapping[str, type[TouchlineError]] = {kind.__name__: kind for kind in (FileProblem, MappingProblem)}
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Seen:
    """What a file seems to be, and the mapping that follows, or why none does. `preview`: the first rows as they were read."""

    found: Recognition
    mapping: FileMapping | None
    problem: TouchlineError | None
    preview: tuple[tuple[str, ...], ...] = ()


def look(path: Path, name: str, encoding: str | None = None, delimiter: str | None = None) -> RawFile:
    """Is this a table in text form, and how is it written? As `reading.open_raw`, at no risk for this process.

    Raises:
        FileProblem: what was found, what was expected, what to do; also where the file is beyond a limit of looking.
    """
    asked = {"path": str(path.resolve()), "name": name, "encoding": encoding, "delimiter": delimiter}
    return RawFile.from_dict(WORKER.ask({"do": "look", **asked}, name)["raw"])


def open_upload(
    path: Path, name: str, folder: Path, encoding: str | None = None, delimiter: str | None = None
) -> list[PlainTable]:
    """Which tables does this upload hold, and how are they written? As `reading.open_upload`, at no risk for this process.

    Raises:
        FileProblem: what was found, what was expected, what to do; also where the file is beyond a limit of looking.
    """
    asked = {"path": str(path.resolve()), "name": name, "encoding": encoding, "delimiter": delimiter}
    answer = WORKER.ask({"do": "open", **asked, "folder": str(folder.resolve())}, name)
    return [PlainTable.from_dict(kept) for kept in answer["tables"]]


def recognise(raw: RawFile, table: str | None = None, preset: str | None = None) -> Seen:
    """What does this file hold, and which column is which? As `reading.recognise`, at no risk for this process.

    Raises:
        FileProblem: the file cannot be read after all, or is beyond a limit of looking.
    """
    asked = {"do": "recognise", "raw": raw.to_dict(), "table": table, "preset": preset}
    answer = WORKER.ask(asked, raw.name)
    mapping = FileMapping.from_dict(answer["mapping"]) if answer["mapping"] else None
    refused = _problem(answer["refused"]) if answer["refused"] else None
    return Seen(Recognition.from_dict(answer["found"]), mapping, refused, tuple(map(tuple, answer["preview"])))


class Worker:
    """The process that looks, and the door to it: one question at a time, from any thread."""

    def __init__(
        self,
        command: Sequence[str] = (sys.executable, "-m", "cx_metrics.looking"),
        memory_mb: int = MEMORY_MB,
        seconds: int = SECONDS,
        patience: float = PATIENCE_SECONDS,
        queue: float = QUEUE_SECONDS,
    ) -> None:
        self._command = [*command, str(memory_mb), str(seconds)]
        self._memory, self._seconds, self._patience, self._queue = memory_mb, seconds, patience, queue
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = 0

    def ask(self, question: Mapping[str, Any], file: str) -> dict[str, Any]:
        """The answer to one question about a file.

        Raises:
            FileProblem: the worker says so, or found no end within its limits.
        """
        if not self._turn.acquire(timeout=self._queue):
            raise FileProblem(
                N_("{file} waited {seconds} seconds while other files were looked at. Upload it again in a minute."),
                file=shorten(file), seconds=int(self._queue),
            )  # fmt: skip
        try:
            answer = self._answer(question, file)
        except BaseException:
            self._end()  # whatever it was: nobody reads an answer that was meant for another
            raise
        finally:
            self._turn.release()
        if answer["problem"] is not None:
            raise _problem(answer["problem"])
        return answer

    def close(self) -> None:
        """End the worker; the next question starts another."""
        with self._turn:
            self._end()

    def _answer(self, question: Mapping[str, Any], file: str) -> dict[str, Any]:
        self._asked += 1
        before, began = self._process, time.monotonic()
        process = self._running(file)
        line = json.dumps({**question, "number": self._asked}).encode() + b"\n"
        try:
            answer = self._exchange(process, line, self._asked, self._patience, file)
        except FileProblem:
            was_dying = (
                process is before and process.poll() == -signal.SIGKILL and time.monotonic() - began < DYING_SECONDS
            )
            if not was_dying:  # else somebody ended it before it was asked: no fault of this file
                raise
            self._end()
            answer = self._exchange(self._running(file), line, self._asked, self._patience, file)
        if answer.pop("last"):
            self._end()
        return answer

    def _running(self, file: str) -> subprocess.Popen[bytes]:
        """The worker, started anew where there is none; ready for a question."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        kept = {name: value for name, value in os.environ.items() if name in HANDED_ON or name.startswith("PYTHON")}
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True, bufsize=0,
            env=kept | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        for pipe in (self._process.stdin, self._process.stdout):
            os.set_blocking(_open(pipe).fileno(), False)
        self._exchange(self._process, b"", 0, START_SECONDS, file)
        return self._process

    def _exchange(
        self, process: subprocess.Popen[bytes], line: bytes, number: int, patience: float, file: str
    ) -> dict[str, Any]:
        """Hand over a line and wait for the answer with its number."""
        until = time.monotonic() + patience
        to, back = _open(process.stdin), _open(process.stdout)
        waiting, heard = memoryview(line), bytearray()
        with selectors.DefaultSelector() as pipes:
            pipes.register(back, selectors.EVENT_READ)
            if waiting:
                pipes.register(to, selectors.EVENT_WRITE)
            while (left := until - time.monotonic()) > 0 and len(heard) < MOST_ANSWER:
                for key, _event in pipes.select(left):
                    if key.fileobj is to:
                        waiting = waiting[_hand_over(to, waiting) :]
                        if not waiting:
                            pipes.unregister(to)
                        continue
                    piece = os.read(back.fileno(), 1 << 16)
                    if not piece:
                        raise self._died(process, file)
                    heard += piece
                    if b"\n" not in piece:
                        continue
                    *lines, rest = bytes(heard).split(b"\n")
                    heard = bytearray(rest)
                    for answer in map(_read_answer, lines):
                        if answer is not None and answer["number"] == number:
                            return answer
        raise self._took_too_long(file, int(patience))

    def _died(self, process: subprocess.Popen[bytes], file: str) -> FileProblem:
        try:
            status = process.wait(5)
        except subprocess.TimeoutExpired:
            status = 0
        if status in (-signal.SIGXCPU, -signal.SIGALRM):
            return self._took_too_long(file, self._seconds)
        return FileProblem(
            N_("Looking at {file} ended before it was done. It may take at most {memory} MB of memory and {seconds} seconds. "
               "Split the file, or open it in a spreadsheet and save it as CSV UTF-8."),
            file=shorten(file), memory=self._memory, seconds=self._seconds,
        )  # fmt: skip

    @staticmethod
    def _took_too_long(file: str, seconds: int) -> FileProblem:
        return FileProblem(
            N_("{file} takes longer than {seconds} seconds to look at. Split it into several files."),
            file=shorten(file), seconds=seconds,
        )  # fmt: skip

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            _open(pipe).close()


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("a worker has pipes for its questions and its answers")
    return pipe


def _hand_over(pipe: IO[bytes], waiting: memoryview) -> int:
    """How much of the question went through; a worker that is gone takes all of it, and is found dead by its answer."""
    try:
        return os.write(pipe.fileno(), waiting[: 1 << 16])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(waiting)


def _read_answer(line: bytes) -> dict[str, Any] | None:
    """An answer; None for what is none, as a library may print what it likes."""
    try:
        answer = json.loads(line)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and {"number", "last", "problem"} <= answer.keys() else None


def _problem(kept: Mapping[str, Any]) -> TouchlineError:
    return KINDS.get(kept["kind"], FileProblem)(Text.from_dict(kept["text"]))


WORKER = Worker()
atexit.register(WORKER.close)


# in the worker ----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """The worker: answer questions until nobody is there to ask."""
    memory, seconds = int(arguments[0]) * limits.MB, int(arguments[1])
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library prints is no answer
    limits.step_back()
    _say(answers, {"number": 0, "last": False, "problem": None})
    for line in sys.stdin:
        question = json.loads(line)
        limits.limit_this_process(memory, seconds)
        signal.alarm(2 * PATIENCE_SECONDS)  # ends a worker that hangs while nobody is left to end it
        answer, last = _answered(question, arguments[0])
        signal.alarm(0)
        last = last or limits.peak_memory() > GROWN_MB * limits.MB
        _say(answers, {"problem": None, **answer, "number": question["number"], "last": last})
        if last:
            return 0
    return 0


def _answered(question: Mapping[str, Any], memory: str) -> tuple[dict[str, Any], bool]:
    """What there is to answer, and whether this worker is worn out by it."""
    name = question["raw"]["name"] if question["do"] == "recognise" else question["name"]
    try:
        if question["do"] == "recognise":
            return _recognised(RawFile.from_dict(question["raw"]), question["table"], question["preset"]), False
        how = (Path(question["path"]), name, question.get("encoding"), question.get("delimiter"))
        if question["do"] == "look":
            return {"raw": reading.open_raw(*how).to_dict()}, False
        path, name, *written = how
        tables = reading.open_upload(path, name, Path(question["folder"]), *written)
        return {"tables": [table.to_dict() for table in tables]}, False
    except TouchlineError as problem:
        return {"problem": _said(problem)}, False
    except MemoryError:
        full = FileProblem(
            N_("{file} needs more than {memory} MB of memory to look at. Split it into several files."),
            file=shorten(name), memory=int(memory),
        )  # fmt: skip
        return {"problem": _said(full)}, True


def _recognised(raw: RawFile, table: str | None, preset: str | None) -> dict[str, Any]:
    found = reading.recognise(raw, table, preset=preset)
    rows = {"found": found.to_dict(), "mapping": None, "refused": None, "preview": first_rows(raw)}
    try:
        mapping = reading.default_mapping(raw, found)
    except MappingProblem as problem:
        return rows | {"refused": _said(problem)}
    return rows | {"mapping": mapping.to_dict()}


def first_rows(raw: RawFile) -> tuple[tuple[str, ...], ...]:
    """The first rows of a file as they were read, shortened."""
    batch, _rows, _problems = next(reading.read_batches(raw, PREVIEW_ROWS), (None, None, None))
    if batch is None:
        return ()
    columns = [column.slice(0, PREVIEW_ROWS).to_pylist() for column in batch.columns[:PREVIEW_COLUMNS]]
    return tuple(tuple(shorten(cell) for cell in row) for row in zip(*columns, strict=True))


def _said(problem: TouchlineError) -> dict[str, Any]:
    return {"kind": type(problem).__name__, "text": problem.text.to_dict()}


def _say(answers: IO[str], answer: Mapping[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
