"""How the benchmarks measure: contenders take turns in one run, the clock runs inside each, medians and their ratios count.

Before the clock starts every contender gives its answer once, and it has to be the answer of the reference: a fast wrong answer is
reported as wrong and gets no figure. A contender that fails is reported, and the others go on.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.generate import short
from benchmarks.peers import Peer, PeerProblem
from cx_metrics.workspace.files import write_json

RESULTS = Path(__file__).with_name("results")
LEAST_ROUNDS = 3
NEEDS_NO_WARMING_SECONDS = 5.0  # an answer that takes longer counts as a round, though it was the first one


@dataclass(frozen=True)
class Contender:
    """One way to answer: what the table calls it, whose process answers, what it prepares first, what it is asked.

    `seen` and `expected` bring its answer and that of the reference into a form in which they can be equal.
    """

    name: str
    peer: str
    prepare: tuple[str, ...]
    question: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seen: Callable[[Any], Any] = lambda answer: answer
    expected: Callable[[Any], Any] = lambda answer: answer


@dataclass
class Measured:
    """What a contender took: seconds per round, seconds of preparing, or why there is no figure."""

    contender: Contender
    prepared_seconds: float | None = None
    seconds: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def name(self) -> str:
        """What the table calls it."""
        return self.contender.name

    @property
    def median(self) -> float | None:
        """The median of its rounds; None where it has no figure."""
        return statistics.median(self.seconds) if self.seconds and not self.problem else None


def compare(
    contenders: Sequence[Contender],
    questions: Sequence[Mapping[str, Any]],
    paths: Mapping[str, str],
    *,
    rounds: int,
    budget_seconds: float = 40,
    reference: Contender | None = None,
    peer_versions: dict[str, str] | None = None,
) -> list[Measured]:
    """Prepare everybody, check everybody against the reference (by default the first), then let them take turns.

    Round r asks question r of `questions` (in turn, so that nobody answers the same twice running). Who has used up
    `budget_seconds` sits out once it has three rounds; who has used up twice as much sits out with two.
    """
    found = [Measured(c) for c in contenders]
    judge = reference or contenders[0]
    with ExitStack() as stack:
        peers = _start(stack, [judge, *contenders], found, peer_versions)
        _prepare(peers, judge, found, paths)
        _check(peers, judge, found, questions)
        for round_ in range(rounds):
            asked = questions[(round_ + 1) % len(questions)]
            for one in found[round_ % len(found) :] + found[: round_ % len(found)]:
                spent = sum(one.seconds)
                enough = len(one.seconds) >= LEAST_ROUNDS or spent > 2 * budget_seconds
                if one.problem or (spent > budget_seconds and enough):
                    continue
                _ask(peers, one, asked)
    return found


def _start(
    stack: ExitStack, wanted: Sequence[Contender], found: Sequence[Measured], versions: dict[str, str] | None
) -> dict[str, Peer]:
    peers: dict[str, Peer] = {}
    for name in dict.fromkeys(c.peer for c in wanted):
        try:
            peers[name] = stack.enter_context(Peer(name))
            if versions is not None:
                versions |= {f"{package} ({name})": v for package, v in peers[name].versions().items()}
        except PeerProblem as problem:
            _give_up([one for one in found if one.contender.peer == name], problem)
    return peers


def _give_up(those: Sequence[Measured], problem: Exception | str) -> None:
    for one in those:
        one.problem = one.problem or str(problem)
        print(f"  {one.name}: {one.problem}", flush=True)


def _prepare(peers: Mapping[str, Peer], judge: Contender, found: Sequence[Measured], paths: Mapping[str, str]) -> None:
    """Each preparation once per peer; a contender's time is that of all it needs."""
    took: dict[tuple[str, str], float | PeerProblem] = {}
    for one in [Measured(judge), *found]:
        for what in one.contender.prepare:
            key = (one.contender.peer, what)
            if key not in took and not one.problem:
                try:
                    took[key] = peers[key[0]].prepare(what, paths)
                except PeerProblem as problem:
                    took[key] = problem
        needed = [took.get((one.contender.peer, what)) for what in one.contender.prepare]
        failed = next((n for n in needed if isinstance(n, PeerProblem)), None)
        if failed is not None:
            _give_up([one], failed)
        one.prepared_seconds = sum(n for n in needed if isinstance(n, float))


def _check(
    peers: Mapping[str, Peer], judge: Contender, found: Sequence[Measured], questions: Sequence[Mapping[str, Any]]
) -> None:
    """Everybody answers the first question; who differs from the reference gets no figure."""
    asked = questions[0]
    right = peers[judge.peer].ask(judge.question, {**judge.options, **asked}, check=True)["answer"]
    for one in found:
        if one.problem:
            continue
        answer = _ask(peers, one, asked, check=True)
        if answer is None:
            continue
        c = one.contender
        if c.seen(answer) != c.expected(right):
            _give_up(
                [one], f"its answer differs from that of {judge.name}: {_difference(c.seen(answer), c.expected(right))}"
            )
        if one.seconds and one.seconds[0] < NEEDS_NO_WARMING_SECONDS:
            one.seconds.clear()


def _ask(peers: Mapping[str, Peer], one: Measured, asked: Mapping[str, Any], check: bool = False) -> Any:
    c = one.contender
    try:
        answer = peers[c.peer].ask(c.question, {**c.options, **asked}, check)
    except PeerProblem as problem:
        _give_up([one], problem)
        return None
    one.seconds.append(float(answer["seconds"]))
    return answer.get("answer")


def _difference(seen: Sequence[Any], expected: Sequence[Any]) -> str:
    """The first rows that only one of the two has."""
    more = [row for row in seen if row not in expected][:2]
    less = [row for row in expected if row not in seen][:2]
    return f"{len(seen)} rows against {len(expected)}; only here {more}, only there {less}"[:400]


# The report ---------------------------------------------------------------------------------------------------------


class Report:
    """The tables of one benchmark: printed as they come, kept as JSON at the end."""

    def __init__(self, name: str, rows: int, question: str, of: str = "touchpoints") -> None:
        self.name, self.rows = name, rows
        self.versions: dict[str, str] = {
            p: version(p) for p in ("duckdb", "ibis-framework", "pandas", "pyarrow", "numpy")
        }
        self.kept: list[dict[str, Any]] = []
        self.load = os.getloadavg()[0]
        self.began = datetime.now(UTC)
        self.question = question
        print(f"\n## {question}\n\n{short(rows)} {of} · {self.began:%Y-%m-%d %H:%M} UTC · {machine()}", flush=True)

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print and keep one table; numbers are seconds unless the head says otherwise."""
        self.kept.append({"title": title, "head": list(head), "rows": [list(row) for row in rows]})
        print("\n" + markdown(self.kept[-1]), flush=True)

    def contest(self, title: str, found: Sequence[Measured], against: Sequence[str]) -> None:
        """The table of a comparison: medians, spread, and how many times as long as each of `against`."""
        medians = {one.name: one.median for one in found}
        head = ["", "median ms", "fastest", "slowest", "rounds", "prepared in s", *(f"× {name}" for name in against)]
        rows: list[list[Any]] = []
        for one in found:
            if one.median is None:
                rows.append([one.name, one.problem or "no answer", *[None] * (len(head) - 2)])
                continue
            times = [one.median / base if (base := medians.get(name)) else None for name in against]
            ms = [1_000 * one.median, 1_000 * min(one.seconds), 1_000 * max(one.seconds)]
            rows.append([one.name, *ms, len(one.seconds), one.prepared_seconds, *times])
        self.table(title, head, rows)

    def goal(self, what: str, found: float | None, wanted: float, at_most: bool = True) -> None:
        """Say whether a goal of the issue is met."""
        met = None if found is None else (found <= wanted if at_most else found >= wanted)
        sign = "≤" if at_most else "≥"
        self.kept.append({"goal": what, "found": found, "wanted": wanted, "at_most": at_most, "met": met})
        said = {True: "met", False: "NOT met", None: "not measured"}[met]
        print(f"goal: {what} {sign} {number(wanted)}: {number(found)} – {said}", flush=True)

    def note(self, said: str) -> None:
        """Print and keep a sentence."""
        self.kept.append({"note": said})
        print(f"note: {said}", flush=True)

    def write(self) -> Path:
        """Keep everything as JSON."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}_{short(self.rows)}.json"
        write_json(path, {
            "name": self.name, "question": self.question, "rows": self.rows, "date": self.began.isoformat(timespec="minutes"),
            "seconds": (datetime.now(UTC) - self.began).total_seconds(), "machine": machine(), "load_at_start": self.load,
            "python": platform.python_version(), "versions": self.versions, "found": self.kept,
        })  # fmt: skip
        print(f"\nkept in {path}", flush=True)
        return path


def markdown(table: Mapping[str, Any]) -> str:
    """A table as the README shows it."""
    lines = [f"**{table['title']}**", "", "| " + " | ".join(table["head"]) + " |"]
    lines.append("|" + "---|" * len(table["head"]))
    lines += ["| " + " | ".join(number(cell) for cell in row) + " |" for row in table["rows"]]
    return "\n".join(lines)


def number(cell: Any) -> str:
    """Three digits that matter; whole numbers and texts as they are."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        digits = 0 if abs(cell) >= 100 else 1 if abs(cell) >= 10 else 2 if abs(cell) >= 1 else 3
        return f"{cell:,.{digits}f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def machine() -> str:
    """Processor, cores that this process may use, memory."""
    cpu = next(_lines("/proc/cpuinfo", "model name"), platform.machine())
    memory = int(next(_lines("/proc/meminfo", "MemTotal"), "0").split()[0]) / 2**20
    return f"{cpu}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB"


def _lines(path: str, name: str) -> Iterator[str]:
    if Path(path).exists():
        for line in Path(path).read_text().splitlines():
            if line.startswith(name):
                yield line.partition(":")[2].strip()
