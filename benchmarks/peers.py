"""Peers: other tools in environments and processes of their own, asked over a pipe.

    python -m benchmarks.peers          builds every environment and says which versions are in it

`peers/<name>.txt` pins what a peer runs on; a peer without such a file runs on our own environment (pandas and DuckDB: the
very versions we use). `peers/ask_<name>.py` is its program (see `peers/protocol.py`). Environments lie beside the data of the
benchmarks.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.generate import folder

PROGRAMS = Path(__file__).with_name("peers")
LONGEST_ANSWER_SECONDS, LONGEST_PREPARATION_SECONDS = 900, 7_200
NAMES = ("touchline", "duckdb", "pandas", "polars", "retentioneering", "pm4py")


class PeerProblem(Exception):
    """A peer that did not start, stopped, or said that it failed. The run goes on without it."""


def python_of(name: str) -> Path:
    """The Python of a peer; its environment is built when its pins have changed or it is not there yet."""
    pins = PROGRAMS / f"{name}.txt"
    if not pins.exists():
        return Path(sys.executable)
    mark = hashlib.sha256(pins.read_bytes()).hexdigest()[:8]
    home = folder() / "environments" / f"{name}-{mark}"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        print(f"building the environment of {name} …", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(pins)]
        for command in ([sys.executable, "-m", "venv", str(home)], install):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise PeerProblem(f"no environment for {name}: {done.stderr.strip()[-300:]}")
        (home / "ready").touch()
    return python


class Peer:
    """A running peer. Used in a `with` block; its process ends with the block."""

    def __init__(self, name: str) -> None:
        self.name = name
        logs = folder() / "logs"
        logs.mkdir(exist_ok=True)
        self._log = (logs / f"{name}.log").open("ab")
        self._process = subprocess.Popen(
            [str(python_of(name)), str(PROGRAMS / f"ask_{name}.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def prepare(self, what: str, options: Mapping[str, Any]) -> float:
        """Let it get ready; returns the seconds that took."""
        return float(self.say({"do": "prepare", "what": what, "options": dict(options)})["seconds"])

    def ask(self, question: str, options: Mapping[str, Any], check: bool = False) -> dict[str, Any]:
        """One answer: its seconds, and with `check` its rows."""
        return self.say({"do": "ask", "question": question, "options": dict(options), "check": check})

    def peak_mib(self) -> float:
        """The most memory it has held since it began, or since `forget_peak`."""
        return float(self.say({"do": "memory"})["peak_mib"])

    def forget_peak(self) -> None:
        """Start to look for the peak anew."""
        self.say({"do": "forget_peak"})

    def versions(self) -> dict[str, str]:
        """What it runs on."""
        return dict(self.say({"do": "versions"})["versions"])

    def say(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """Say one line and wait for the answer. Raises PeerProblem for an error, silence or an end."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or self._process.poll() is not None:
            raise PeerProblem(f"{self.name} has stopped (its log: {self._log.name})")
        try:
            stdin.write(json.dumps(line).encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            raise PeerProblem(f"{self.name} has stopped (its log: {self._log.name})") from None
        patience = LONGEST_PREPARATION_SECONDS if line["do"] == "prepare" else LONGEST_ANSWER_SECONDS
        if not select.select([stdout], [], [], patience)[0]:
            self._process.kill()
            raise PeerProblem(f"{self.name} did not answer within {patience} s")
        text = stdout.readline()
        if not text:
            raise PeerProblem(f"{self.name} has stopped: exit code {self._process.wait()} (its log: {self._log.name})")
        answer: dict[str, Any] = json.loads(text)
        if "error" in answer:
            raise PeerProblem(f"{self.name}: {answer['error']}")
        return answer

    def close(self) -> None:
        """End its process."""
        if self._process.poll() is None:
            try:
                self.say({"do": "quit"})
                self._process.wait(timeout=20)
            except (PeerProblem, subprocess.TimeoutExpired):
                self._process.kill()
        self._process.wait()
        self._log.close()


def main() -> None:
    """Build all environments, start every peer, say its versions."""
    for name in NAMES:
        try:
            with Peer(name) as peer:
                print(f"{name:16}", ", ".join(f"{package} {v}" for package, v in peer.versions().items()), flush=True)
        except PeerProblem as problem:
            print(f"{name:16} {problem}", flush=True)


if __name__ == "__main__":
    main()
