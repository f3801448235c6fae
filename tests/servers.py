"""Servers for the tests of engines: PostgreSQL, and a Spark cluster of one master and two workers, each a process of its own.

python tests/servers.py     # installs what this machine lacks: PostgreSQL, Java and strace, by apt as root on Debian

Servers listen on free ports of 127.0.0.1 and keep their files in a temporary folder. A watching shell ends them as soon as
the test process is gone, however it went.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PACKAGES = {"initdb": "postgresql", "java": "openjdk-17-jre-headless", "strace": "strace"}
PATIENCE_SECONDS = 90
WATCH = """exec 3<&0; "$@" 3<&- & child=$!
(trap '' TERM; cat <&3 >/dev/null; kill -TERM 0; sleep 3; kill -KILL 0) & wait $child"""


def program(name: str) -> str | None:
    """Where a program is; PostgreSQL's stand aside of the path on Debian."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[-3]))
    return shutil.which(name) or (str(beside[-1]) if beside else None)


def install() -> None:
    """Install what is missing, if this machine lets us."""
    missing = [package for name, package in PACKAGES.items() if program(name) is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Touchline: installing {', '.join(missing)} for the tests …", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        quiet = {"stdout": subprocess.DEVNULL, "env": environment, "check": False}
        subprocess.run(["apt-get", "update", "-qq"], **quiet)  # type: ignore[call-overload]
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], **quiet)  # type: ignore[call-overload]
    missing = [package for name, package in PACKAGES.items() if program(name) is None]
    if missing:
        sys.exit(f"Touchline: the tests need {' and '.join(missing)}; install them as root.")


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server of one's own; yields the URL of its database."""
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    with _folder("touchline_postgres_", user) as folder:
        data, port = folder / "data", _free_port()
        initdb = [
            _needed("initdb"),
            "-D",
            str(data),
            "-A",
            "trust",
            "-U",
            "touchline",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=folder)
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
        flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
        with _running([_needed("postgres"), "-D", str(data), *flags], folder / "log", {}, user) as server:
            _wait_for(folder / "log", r"(ready to accept connections)", server)
            yield f"postgresql://touchline@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def spark_cluster() -> Iterator[str]:
    """A Spark cluster: one master, two workers. Yields the URL of the master, with a warehouse that all of them see."""
    with _folder("touchline_spark_") as folder:
        runner = ["bash", str(_spark_home() / "bin" / "spark-class"), "org.apache.spark.deploy"]
        master = [*runner[:2], f"{runner[2]}.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        with contextlib.ExitStack() as servers:
            log = folder / "master.log"
            running = servers.enter_context(_running(master, log, _spark_environment()))
            at = _wait_for(log, r"Starting Spark master at (spark://\S+)", running)[0]
            for number in (1, 2):
                worker = [*runner[:2], f"{runner[2]}.worker.Worker", "--host", "127.0.0.1", "--cores", "2", "--memory", "2g",
                          "--webui-port", "0", "--work-dir", str(folder / f"worker_{number}"), at]  # fmt: skip
                servers.enter_context(_running(worker, folder / f"worker_{number}.log", _spark_environment()))
            _wait_for(log, r"(Registering worker)", running, times=2)
            yield f"{at}/touchline?spark.sql.warehouse.dir={folder}/warehouse&{'&'.join((*SMALL, *INTERPRETED))}"


SMALL = (
    "spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1", "spark.executor.memory=700m", "spark.executor.cores=1",
    "spark.sql.shuffle.partitions=2", "spark.default.parallelism=2",
    "spark.cores.max=2",  # one on each worker, and as many left for a Spark Connect server beside
)  # fmt: skip
# Compiling a query to Java takes longer than reading a few hundred rows. Through Spark Connect queries are compiled.
INTERPRETED = ("spark.sql.codegen.wholeStage=false", "spark.sql.codegen.factoryMode=NO_CODEGEN")


@contextlib.contextmanager
def spark_connect(cluster: str) -> Iterator[str]:
    """A Spark Connect server on a cluster; yields its URL."""
    at, _question, options = cluster.partition("?")
    kept = [text for text in options.split("&") if text not in INTERPRETED]
    port = _free_port()
    with _folder("touchline_connect_") as folder:
        confs = [flag for text in (*kept, f"spark.connect.grpc.binding.port={port}") for flag in ("--conf", text)]
        script = [
            "bash",
            str(_spark_home() / "sbin" / "start-connect-server.sh"),
            "--master",
            at.rpartition("/")[0],
            *confs,
        ]
        with _running(script, folder / "log", _spark_environment()) as server:
            _wait_for_port(port, server, folder / "log")
            yield f"sc://127.0.0.1:{port}/touchline"


def _spark_home() -> Path:
    import pyspark

    return Path(pyspark.__file__).parent


def _spark_environment() -> dict[str, str]:
    return {"SPARK_HOME": str(_spark_home()), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1",
            "PYSPARK_PYTHON": sys.executable, "SPARK_DAEMON_MEMORY": "512m"}  # fmt: skip


@contextlib.contextmanager
def _running(
    command: Sequence[str], log: Path, environment: dict[str, str], user: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that ends with this block; or with this process, when the pipe to its watcher closes."""
    with log.open("wb") as out:
        server = subprocess.Popen(
            ["sh", "-c", WATCH, "sh", *command], stdin=subprocess.PIPE, stdout=out, stderr=out, start_new_session=True,
            env=os.environ | environment, user=user, cwd=log.parent,
        )  # fmt: skip
    try:
        yield server
    finally:
        assert server.stdin is not None
        server.stdin.close()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, 9)
            server.wait(20)


@contextlib.contextmanager
def _folder(prefix: str, user: str | None = None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _needed(name: str) -> str:
    found = program(name)
    assert found is not None, f"{name} is not installed: python tests/servers.py"
    return found


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _wait_for_port(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nobody listens on port {port}: {log.read_text(errors='replace')[-2000:]}")


def _wait_for(log: Path, pattern: str, server: subprocess.Popen[bytes], times: int = 1) -> list[str]:
    """Wait until a server has said something so many times."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and server.poll() is None:
        found = re.findall(pattern, log.read_text(errors="replace"))
        if len(found) >= times:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{pattern} was not said: {log.read_text(errors='replace')[-2000:]}")


if __name__ == "__main__":
    install()
