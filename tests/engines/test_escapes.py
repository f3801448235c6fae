"""What SQL could do beyond the tables of an opened dataset: nothing.

Nobody but us writes SQL here; this is the second wall. Each statement runs in a process of its own, so that one that takes the
process down is seen, against a fresh file, and beside files and a web server that nobody may notice. As a script, this file is
what runs them.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).parents[2]

# {d}: a folder with files of others; {port}: a web server; {db}: the opened file; {tmp}: where it may put what is too much
FILES = {
    "a csv file": "select * from read_csv('{d}/secret.csv')",
    "a csv file by its own name": "select * from read_csv('secret.csv')",
    "a csv file, guessing": "select * from read_csv_auto('{d}/secret.csv')",
    "a file instead of a table": "select * from '{d}/secret.csv'",
    "a file instead of a table, by url": "select * from 'file://{d}/secret.csv'",
    "a text file": "select content from read_text('{d}/secret.csv')",
    "bytes": "select size from read_blob('{d}/secret.csv')",
    "bytes of the system": "select size from read_blob('/etc/passwd')",
    "json": "select * from read_json('{d}/secret.json')",
    "json lines": "select * from read_ndjson_objects('{d}/secret.json')",
    "parquet": "select * from read_parquet('{d}/secret.parquet')",
    "parquet by its scan": "select * from parquet_scan('{d}/secret.parquet')",
    "what parquet says of itself": "select * from parquet_metadata('{d}/secret.parquet')",
    "columns of parquet": "select * from parquet_schema('{d}/secret.parquet')",
    "values in parquet": "select * from parquet_bloom_probe('{d}/secret.parquet', 'a', 1)",
    "another database by function": "select * from read_duckdb('{d}/other.duckdb')",
    "what kind of csv": "from sniff_csv('{d}/secret.csv')",
    "names of files": "select * from glob('{d}/*')",
    "names of files of the system": "select * from glob('/etc/pass*')",
    "writing a file": "copy (select 1) to '{d}/written.csv'",
    "writing parquet": "copy (select 1 as a) to '{d}/written.parquet' (format parquet)",
    "writing many files": "copy (select 1 as a, 2 as b) to '{d}/written' (format csv, partition_by (a))",
    "a file into a table": "create temp table x (a varchar, b varchar); copy x from '{d}/secret.csv'",
    "another database": "attach '{d}/other.duckdb' as o; select * from o.secret",
    "a new database": "attach '{d}/new.duckdb' as o; create table o.t as select 1 as a",
    "everything to a folder": "export database '{d}/exported'",
    "everything from a folder": "import database '{d}/exported'",
    "a query as text": "from query('select content from read_text(''{d}/secret.csv'')')",
    "a table by its name": "from query_table('{d}/secret.csv')",
    "a query as json": "from json_execute_serialized_sql(json_serialize_sql('select content from read_text(''{d}/secret.csv'')'))",
    "a macro": "create temp macro m(p) as table select * from read_csv(p); from m('{d}/secret.csv')",
    "a prepared statement": "prepare q as select content from read_text('{d}/secret.csv'); execute q",
    "a view": "create temp view v as select * from read_csv('{d}/secret.csv'); from v",
}  # fmt: skip
REST = {
    "a database in memory": "attach ':memory:' as m",
    "a copy of the database": "attach ':memory:' as m; copy from database work to m",
    "installing an extension": "install httpfs",
    "loading an extension": "load httpfs",
    "loading an extension by path": "load '{d}/foreign.duckdb_extension'",
    "installing from the network": "install foreign from 'http://127.0.0.1:{port}/'",
    "reading from the network": "select * from read_csv('http://127.0.0.1:{port}/secret.csv')",
    "parquet from the network": "select * from 'http://127.0.0.1:{port}/secret.parquet'",
    "a secret": "create secret s (type http, bearer_token 'x')",
    "which secret": "from which_secret('s3://x', 's3')",
    "secrets": "select * from duckdb_secrets()",
    "the environment": "select getenv('HOME')",
    "a variable of the program": "select * from of_the_program",
    "writing a log": "call enable_logging(storage = 'file', storage_path = '{d}/log')",
    "a log by setting": "set logging_storage = 'file'; set enable_logging = true",
    "writing profiles": "set profiling_output = '{d}/profile'",
    "profiles of queries": "pragma enable_profiling = 'json'; set profiling_output = '{d}/profile.json'; select 1",
    "another temporary folder": "set temp_directory = '{d}/elsewhere'",
    "another home": "set home_directory = '{d}/home'",
    "another folder of secrets": "set secret_directory = '{d}/secrets'",
    "another folder of extensions": "set extension_directory = '{d}/extensions'",
    "more memory": "set memory_limit = '100GB'",
    "more threads": "set threads = 64",
    "more of the disk": "set max_temp_directory_size = '1TB'",
    "files again": "set disabled_filesystems = ''",
    "files again by reset": "reset disabled_filesystems",
    "the outside": "set enable_external_access = true",
    "the outside by reset": "reset enable_external_access",
    "the outside for all": "set global enable_external_access = true",
    "allowed folders": "set allowed_directories = ['/']",
    "allowed files": "set allowed_paths = ['/etc/passwd']",
    "unlocking": "set lock_configuration = false",
    "unlocking by reset": "reset lock_configuration",
    "unlocking by pragma": "pragma lock_configuration = false",
}  # fmt: skip
OWN = {
    "its file: bytes": "select size from read_blob('{db}')",
    "its file: written over": "copy (select 1) to '{db}' (format csv)",
    "its file: written over in place": "copy (select 1) to '{db}' (format csv, use_tmp_file false)",
    "its file: a table": "create table t as select 1 as a",
    "its file: a row less": "delete from touchpoints",
    "its log": "copy (select 1) to '{db}.wal' (format csv)",
    "beside its file": "copy (select 1) to '{db}.x' (format csv)",
    "its temporary folder: names": "select * from glob('{tmp}/*')",
    "its temporary folder: a file": "copy (select 1) to '{tmp}/w.csv'",
    "its temporary folder: a database": "attach '{tmp}/n.duckdb' as n",
    "its temporary folder: out of it": "copy (select 1) to '{tmp}/../w.csv'",
}
HARMLESS = {
    "settings": "select count(*) from duckdb_settings()",
    "checkpoint": "checkpoint",
}  # shown, and nothing to do
STATEMENTS = FILES | REST | OWN

# Table functions that reach nothing beyond the database. One that an upgrade brings is called with names of files.
WITHIN = re.compile(
    r"checkpoint|force_checkpoint|duckdb_\w+|truncate_duckdb_logs|pragma_\w+|generate_series|range|repeat|repeat_row|unnest"
    r"|summary|test_all_types|test_vector_types|histogram|histogram_values|icu_calendar_names|pg_timezone_names|json_each"
    r"|json_tree|seq_scan|enable_profiling|disable_profiling|enable_logging|disable_logging"
)
SUGGESTS_FILES = re.compile(r"read_|scan|glob|sniff|parquet|query|secret|file")

REFUSED = re.compile(r"\w*(Exception|Error): ")


def run_each(statements: Mapping[str, str], folder: Path, port: str, opens: str) -> dict[str, Any]:
    """What becomes of each statement: {"said": …, "left": status of the process, "files": new ones, "changed": …}."""
    from cx_metrics.engines import open_store
    from cx_metrics.view import Facts

    found = {}
    for name, statement in statements.items():
        place = folder / "opened"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        file = Path(shutil.copy(folder / "work.duckdb", place))
        before, content = set(tree(folder)), file.read_bytes()
        said, tell = os.pipe()
        child = os.fork()
        if child == 0:
            of_the_program = {"leak": [1]}  # noqa: F841  # what "a variable of the program" asks for
            os.chdir(folder)
            connection = open_store(file, Facts()).connection if opens == "as served" else duckdb.connect(str(file))
            cursor = connection.cursor()
            (tmp,) = cursor.execute("select current_setting('temp_directory')").fetchone() or ("",)
            places = {"d": str(folder), "db": str(file), "tmp": str(tmp), "port": port}
            try:
                for mark, held in places.items():
                    statement = statement.replace(f"{{{mark}}}", held)
                rows = cursor.execute(statement).fetchall()
                os.write(tell, f"ALLOWED {rows}"[:200].encode())
            except duckdb.Error as problem:
                os.write(tell, f"{type(problem).__name__}: {problem}"[:200].encode())
            one = connection.cursor().execute("select count(*) from duckdb_tables() where table_name = 'touchpoints'")
            os.write(tell, f"\n{one.fetchone()}".encode())
            os._exit(0)
        os.close(tell)
        with os.fdopen(said, "rb") as pipe:
            text, _, afterwards = pipe.read().decode().rpartition("\n")
        _, status = os.waitpid(child, 0)
        changed = not file.exists() or file.read_bytes() != content
        new = sorted(set(tree(folder)) - before)
        for path in new:
            (folder / path).unlink()
        found[name] = {"said": text, "left": status, "usable": afterwards, "files": new, "changed": changed}
    return found


def tree(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


class Place:
    """A folder with a version to open and files of others, and a web server that counts who comes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.visits = folder, list[str]()
        (folder / "home").mkdir()
        (folder / "tmp").mkdir()
        (folder / "secret.csv").write_text("id,email\n1,a@x.test\n", "utf-8")
        (folder / "secret.json").write_text('{"id": 1, "email": "a@x.test"}\n', "utf-8")
        for name, table in (("work", "touchpoints"), ("other", "secret")):
            with duckdb.connect(str(folder / f"{name}.duckdb")) as made:
                made.cursor().execute(f"create table {table} as select 1 as a")
        duckdb.connect().execute(f"copy (select 1 as a) to '{folder / 'secret.parquet'}'")
        outer = self

        class Server(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.visits.append(self.path)
                self.send_error(404)

            do_HEAD = do_GET

            def log_message(self, *_said: object) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def run(self, statements: Mapping[str, str], opens: str = "as served") -> dict[str, Any]:
        known = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp"), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, __file__, str(self.folder), str(self.server.server_port), opens],
            input=json.dumps(dict(statements)), capture_output=True, text=True, timeout=120, env=os.environ | known,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("escapes"))
    yield made
    made.server.shutdown()


@pytest.fixture(scope="module")
def found(place: Place) -> dict[str, Any]:
    return place.run(STATEMENTS | HARMLESS)


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_gets_out_of_an_opened_dataset(name: str, found: dict[str, Any]) -> None:
    got = found[name]
    assert REFUSED.match(got["said"]), got
    assert (got["left"], got["usable"], got["files"], got["changed"]) == (0, "(1,)", [], False)


def test_what_is_allowed_shows_settings_and_changes_nothing(found: dict[str, Any]) -> None:
    for name in HARMLESS:
        got = found[name]
        assert got["said"].startswith("ALLOWED") and (got["left"], got["files"], got["changed"]) == (0, [], False), name


@pytest.mark.usefixtures("found")
def test_nothing_went_over_the_network(place: Place) -> None:
    assert place.visits == []


def test_the_same_statements_get_out_of_a_file_that_is_opened_without_care(place: Place) -> None:
    open_to_all = place.run({name: text for name, text in FILES.items() if name != "everything from a folder"}, "as is")
    refused = {name: got["said"] for name, got in open_to_all.items() if not got["said"].startswith("ALLOWED")}
    assert set(refused) <= {"a query as json", "another database by function"}, refused
    assert {"written.csv", "new.duckdb"} <= {path for got in open_to_all.values() for path in got["files"]}


def test_every_function_that_may_reach_a_file_is_refused(place: Place) -> None:
    functions = """
        select distinct function_name, list_zip(parameters, parameter_types) from duckdb_functions()
        where function_type in ('table', 'table_macro') and not list_contains(parameter_types, 'POINTER')
    """  # no text is a place in memory
    rows = duckdb.connect().execute(functions).fetchall()
    outside = [row for row in rows if not WITHIN.fullmatch(row[0])]
    within = {name for name, _ in rows} - {name for name, _ in outside}
    assert {name for name in within if SUGGESTS_FILES.search(name)} <= {
        "duckdb_external_file_cache", "duckdb_secrets", "duckdb_secret_types", "duckdb_temporary_files", "seq_scan",
    }  # fmt: skip
    assert len({name for name, _ in outside}) > 25
    calls = {}
    for name, parameters in outside:
        values = [SQL_OF.get(name) or _value(kind) for given, kind in parameters if re.fullmatch(r"col\d+", given)]
        calls[f"from {name}({', '.join(values)})"] = f"from {name}({', '.join(values)})"
    for call, got in place.run(calls).items():
        assert got["said"].startswith("PermissionException: "), (call, got)
        assert (got["left"], got["usable"], got["files"], got["changed"]) == (0, "(1,)", [], False), (call, got)


SQL_OF = {  # what these take is no name
    "query": "'select content from read_text(''{d}/secret.csv'')'",
    "json_execute_serialized_sql": "json_serialize_sql('select content from read_text(''{d}/secret.csv'')')",
}


def _value(kind: str) -> str:
    """A name of a file as a value of this type; a truth or a number where that cannot be."""
    return {"VARCHAR": "'{d}/secret.csv'", "VARCHAR[]": "['{d}/secret.csv']", "BOOLEAN": "true"}.get(kind, "1")


def test_two_processes_never_share_a_temporary_folder_and_open_one_file_at_once(place: Place) -> None:
    shutil.copy(place.folder / "work.duckdb", place.folder / "shared.duckdb")
    opening = (
        "import sys; from pathlib import Path; from cx_metrics.engines import open_store; from cx_metrics.view import Facts\n"
        "cursor = open_store(Path(sys.argv[1]), Facts()).connection.cursor()\n"
        "print(*cursor.execute(\"select current_setting('temp_directory')\").fetchone(), flush=True); sys.stdin.read()\n"
        "print(*cursor.execute('select count(*) from touchpoints').fetchone())"
    )
    command = [sys.executable, "-c", opening, str(place.folder / "shared.duckdb")]
    two = [subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, text=True) for _each in range(2)]
    folders = [one.stdout.readline().strip() for one in two if one.stdout]
    said = [one.communicate(timeout=60)[0].strip() for one in two]  # both are open until here
    assert said == ["1", "1"] and len(set(folders)) == 2
    assert all(Path(folder).parent == Path(tempfile.gettempdir()) for folder in folders)
    assert not any(Path(folder).exists() for folder in folders)  # removed when the process ends


if __name__ == "__main__":
    root, port, opens = sys.argv[1:]
    print(json.dumps(run_each(json.load(sys.stdin), Path(root), port, opens)))
