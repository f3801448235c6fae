"""The workspace from the command line: python -m cx_metrics workspace COMMAND."""

from __future__ import annotations

import argparse
import inspect
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cx_metrics import erasing, importing
from cx_metrics.errors import FileProblem, TouchlineError, WorkspaceProblem
from cx_metrics.importing import Plan
from cx_metrics.texts import N_
from cx_metrics.workspace import DatasetInfo, Workspace, default_root, jobs, packing
from cx_metrics.workspace.catalog import FILE

MB = 2**20
SOON = 0.5  # seconds between two looks at a job


def main(
    arguments: Sequence[str],
    add_files: Callable[[argparse.ArgumentParser], None],
    plan_of: Callable[[argparse.Namespace], Plan],
) -> int:
    """Look after the datasets that this server keeps: import files of any size, check, back up, restore, erase."""
    asked = _parser(add_files).parse_args(arguments)
    if asked.what == "check" and asked.rebuild:
        _set_catalog_aside(default_root())
    workspace = Workspace(default_root())
    if asked.what == "import":
        return _import(workspace, asked, plan_of(asked))
    commands: dict[str, Callable[[Workspace, argparse.Namespace], int]] = {
        "list": _list, "use": _use, "check": _check, "sweep": _sweep, "upgrade": _upgrade, "erase": _erase, "export": _export,
        "restore": _restore, "delete": _delete, "health": _health,
    }  # fmt: skip
    return commands[asked.what](workspace, asked)


def _parser(add_files: Callable[[argparse.ArgumentParser], None]) -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m cx_metrics workspace", description=inspect.getdoc(main))
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="datasets and their versions").add_argument("--json", action="store_true")
    one = commands.add_parser("import", help="make a dataset of files of any size, or add them to one")
    add_files(one)
    one.add_argument("--title", default="", help="name of a new dataset (default: that of its first file)")
    one.add_argument(
        "--to",
        metavar="DATASET",
        default="",
        help="add the files to this dataset: newer rows of a key replace older ones",
    )
    one.add_argument("--instead", action="store_true", help="with --to: in place of the files it has")
    one.add_argument(
        "--pseudonyms", action="store_true", help="keep no customer id as it came: put a keyed hash in its place"
    )
    use = commands.add_parser("use", help="go back to a version, or on to a later one")
    use.add_argument("dataset", metavar="DATASET")
    use.add_argument("version", type=int, metavar="VERSION")
    check = commands.add_parser("check", help="compare every file with its checksum")
    check.add_argument("--rebuild", action="store_true", help="first build the catalog again from the folders")
    commands.add_parser("sweep", help="remove what a crash left and uploads nobody imported")
    commands.add_parser("upgrade", help="prepare afresh what an earlier Touchline prepared")
    erase = commands.add_parser("erase", help="remove every row of a customer, and print the receipt")
    erase.add_argument(
        "customer", metavar="CUSTOMER_ID", help="the id as it stands in the files; - reads it from the input"
    )
    erase.add_argument("--dataset", metavar="DATASET", default="", help="from this dataset alone (default: from all)")
    export = commands.add_parser("export", help="write a dataset to an archive")
    export.add_argument("dataset", metavar="DATASET", help="its id, or `all`: one archive each, in the folder FILE")
    export.add_argument("file", metavar="FILE", type=Path)
    restore = commands.add_parser("restore", help="make datasets of archives that export wrote")
    restore.add_argument("files", metavar="FILE", type=Path, nargs="+")
    commands.add_parser("delete", help="remove a dataset with its files and versions").add_argument(
        "dataset", metavar="DATASET"
    )
    commands.add_parser("health", help="whether the workspace can be written, as JSON; exit status 1 if not")
    return top


def _list(workspace: Workspace, asked: argparse.Namespace) -> int:
    rows = [_described(workspace, info) for info in workspace.datasets()]
    if asked.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        print(f"{row['id']}  {row['title']}{'  (sample)' if row['is_sample'] else ''}")
        for version in row["versions"]:
            held = ", ".join(f"{table} {count:,}" for table, count in version["rows"].items()) or "damaged"
            mark = "*" if version["number"] == row["current"] else " "
            print(
                f"  {mark} version {version['number']}, {version['created_at']}, {version['size'] / MB:,.0f} MB: {held}"
            )
    return 0


def _described(workspace: Workspace, info: DatasetInfo) -> dict[str, Any]:
    versions = []
    for version in workspace.versions(info.id):
        try:
            rows = dict(version.manifest["rows"])
        except WorkspaceProblem:
            rows = {}
        versions.append(
            {"number": version.number, "created_at": version.created_at, "size": version.size, "rows": rows}
        )
    return {
        "id": info.id,
        "title": info.title,
        "is_sample": info.is_sample,
        "current": info.version,
        "versions": versions,
    }


def _import(workspace: Workspace, asked: argparse.Namespace, plan: Plan) -> int:
    files = plan.files
    if not files:
        raise WorkspaceProblem(N_("Name at least one file, like --touchpoints FILE."))
    if asked.to:
        before = importing.plan_of(workspace, workspace.current(asked.to))
        dataset, plan = asked.to, before.instead(files) if asked.instead else before.with_files(files)
    else:
        dataset = workspace.create(asked.title or Path(files[0].name).stem)
        plan = Plan(files, zone=plan.zone, goal=plan.goal, pseudonyms=asked.pseudonyms)
    try:
        version = importing.import_version(workspace, dataset, plan, _Bar())
    except BaseException:
        if not workspace.versions(dataset):
            workspace.delete(dataset)
        raise
    for report in version.manifest["reports"]:
        print(
            f"{report['file']}: {report['rows']} rows, {report['loaded']} loaded, {report['set_aside']} set aside",
            file=sys.stderr,
        )
    for table, count in version.manifest["replaced"].items():
        print(f"{table}: {count} rows of earlier uploads replaced", file=sys.stderr)
    print(f"{dataset} version {version.number}")
    return 0


class _Bar:
    """How far an import is, on one line of the terminal; nothing where the output is no terminal."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __call__(self, now: jobs.Progress) -> None:
        if not sys.stderr.isatty():
            return
        print(
            f"\r{now.share:4.0%}  {now.stage}, {now.rows:,} rows\x1b[K",
            end="" if now.share < 0.97 else "\n",
            file=sys.stderr,
        )


def _use(workspace: Workspace, asked: argparse.Namespace) -> int:
    workspace.use(asked.dataset, asked.version)
    return 0


def _check(workspace: Workspace, _asked: argparse.Namespace) -> int:
    """Every version, its manifest and its sources against their checksums."""
    bad = checked = 0
    for info in workspace.datasets():
        home = workspace.root / "datasets" / info.id / "sources"
        for version in workspace.versions(info.id):
            try:
                workspace.verify(version)
                checked += 1
            except TouchlineError as problem:
                bad += 1
                print(f"{info.id} version {version.number}: {problem}")
        for path in sorted(home.iterdir()):
            try:
                workspace.check_sources(info.id, [path])
                checked += 1
            except TouchlineError as problem:
                bad += 1
                print(f"{info.id} source {path.name}: {problem}")
    print(f"{checked} files and versions are whole, {bad} are not")
    return 1 if bad else 0


def _set_catalog_aside(root: Path) -> None:
    """The catalog file gets another name: opening the workspace then builds a new one from the folders."""
    for path in root.glob(f"{FILE}*"):
        path.rename(path.with_name(f"damaged-{int(time.time())}-{path.name}"))


def _sweep(workspace: Workspace, _asked: argparse.Namespace) -> int:
    print(f"{workspace.sweep()} removed")
    return 0


def _upgrade(workspace: Workspace, _asked: argparse.Namespace) -> int:
    begun = importing.upgrade(workspace)
    for job in begun:
        ended = importing.wait(workspace, job, float("inf"))
        print(f"{ended.dataset}: {ended.state}{f', {ended.error}' if ended.error else ''}")
    print(f"{len(begun)} prepared afresh")
    return 0


def _erase(workspace: Workspace, asked: argparse.Namespace) -> int:
    customer = sys.stdin.readline().rstrip("\n") if asked.customer == "-" else asked.customer
    receipts = (
        [erasing.erase(workspace, asked.dataset, customer)]
        if asked.dataset
        else erasing.erase_everywhere(workspace, customer)
    )
    print(json.dumps(receipts, ensure_ascii=False, indent=1))
    return 0


def _export(workspace: Workspace, asked: argparse.Namespace) -> int:
    if asked.dataset != "all":
        print(f"{asked.file}: {packing.pack(workspace, asked.dataset, asked.file) / MB:,.1f} MB")
        return 0
    asked.file.mkdir(parents=True, exist_ok=True)
    for info in workspace.datasets():
        if not info.engine:
            path = asked.file / f"{info.id}.tar"
            print(f"{path}: {packing.pack(workspace, info.id, path) / MB:,.1f} MB")
    return 0


def _restore(workspace: Workspace, asked: argparse.Namespace) -> int:
    for path in asked.files:
        if not path.is_file():
            raise FileProblem(N_("There is no file {path}. Check the name and the folder."), path=str(path))
        print(f"{packing.unpack(workspace, path)}  {path.name}")
    return 0


def _delete(workspace: Workspace, asked: argparse.Namespace) -> int:
    workspace.delete(asked.dataset)
    return 0


def _health(workspace: Workspace, _asked: argparse.Namespace) -> int:
    found = health(workspace)
    print(json.dumps(found))
    return 0 if found["ok"] else 1


def health(workspace: Workspace) -> dict[str, Any]:
    """Whether the workspace answers and can be written, its free disk, and its queue; no names, no titles."""
    found: dict[str, Any] = {"ok": False, "free_mb": shutil.disk_usage(workspace.root).free // MB}
    try:
        with workspace.catalog.writing():
            found["ok"] = True
        queue = [now.state for _job, now in jobs.under_way(workspace)]
        found |= {"imports_running": queue.count("running"), "imports_waiting": queue.count("waiting")}
    except WorkspaceProblem as problem:
        found["problem"] = str(problem)
    return found
