"""The command line, generated from the registry.

    python -m cx_metrics list
    python -m cx_metrics METRIC --touchpoints FILE [--surveys FILE] [--customers FILE] [--spend FILE] [--changes FILE]
                         [--invitations FILE]
                         [--goal A|B] [--by COL]… [--OPTION VALUE]… [--json]
                         [--view LINK] [--in CONDITION]… [--out CONDITION]… [--against LINK | --compare previous|DAY..DAY]
    python -m cx_metrics engine load --touchpoints FILE …     # into the engine that TOUCHLINE_ENGINE names
    python -m cx_metrics engine info
    python -m cx_metrics workspace COMMAND …                  # the datasets that this server keeps: import, back up, erase
    python -m cx_metrics preview FILE … [--json]              # what a file would be taken for, from its first megabyte

A view is written as in a link (persona=Saver&from=2026-01-01), or is the link itself; a condition names customers likewise:
touchpoint=Checkout, answered=nps|0|6, tried=lost|2|steps=ad,visit, and all(…;…), any(…;…), not(…) of these.

Without a file, METRIC answers from the dataset in that engine. Files in our column names or any recognised ones. Exit status 2
and a message on stderr for anything that cannot be.
"""

from __future__ import annotations

import argparse
import atexit
import inspect
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from zoneinfo import available_timezones

import cx_metrics
from cx_metrics.asking import CONFIDENCE
from cx_metrics.comparison import compare
from cx_metrics.engines import Served, Store, connect, read_address
from cx_metrics.errors import OptionProblem, TouchlineError, nearest
from cx_metrics.options import Choice, Count, Touchpoints
from cx_metrics.reading import Report
from cx_metrics.registry import METRICS, Metric, find
from cx_metrics.run import Result, run, values
from cx_metrics.segments import parse_condition, print_condition, views_of
from cx_metrics.steps import Exclusions, Steps
from cx_metrics.tables import HEARD, TABLES
from cx_metrics.texts import N_
from cx_metrics.view import Member, View
from cx_metrics.view_text import read_view

MOST_VALUES = 5_000  # of a column: enough to know a misspelt one
OTHERS = """besides metrics, each with --help:
  preview FILE …           what a file would be taken for, from its first megabyte: columns, reasons, first rows, questions
  workspace COMMAND        the datasets that this server keeps: import, list, check, export, restore, erase
  engine load | info       datasets in the engine that TOUCHLINE_ENGINE names"""
VIEW_FLAGS = ("--view", "--in", "--out", "--against", "--compare")

if TYPE_CHECKING:
    from cx_metrics import importing


class Parser(argparse.ArgumentParser):
    """Errors of the command line belong to the same family as all others."""

    def error(self, message: str) -> NoReturn:
        raise OptionProblem(N_("{message}. See: python -m cx_metrics --help"), message=message)


def main(arguments: Sequence[str]) -> int:
    """Answer one command; returns the exit status."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `… | head` ends quietly
    try:
        if arguments and arguments[0] == "engine":
            return engine_command(arguments[1:])
        if arguments and arguments[0] == "workspace":
            from cx_metrics import operations

            return operations.main(arguments[1:], add_files, plan_of)
        if arguments and arguments[0] == "preview":
            from cx_metrics import preview

            return preview.main(arguments[1:])
        if arguments and arguments[0] != "list" and not arguments[0].startswith("-"):
            find(arguments[0])  # says the nearest name, where the parser would only list them all
        asked, unknown = parser().parse_known_args(arguments)
        if unknown:
            refuse_option(unknown[0], asked.metric)
        if asked.metric == "list":
            return show_list(asked.json)
        return answer(METRICS[asked.metric], asked)
    except TouchlineError as problem:
        print(f"touchline: {problem}", file=sys.stderr)
        return 2


def refuse_option(found: str, name: str) -> NoReturn:
    """Say which flag was probably meant."""
    flags = [o.flag for o in METRICS[name].options] if name in METRICS else []
    known = [*flags, *(f"--{table}" for table in TABLES), *VIEW_FLAGS, "--goal", "--by", "--confidence", "--json"]
    raise OptionProblem(
        N_("{metric} has no option {found}. Its options: {options}. Nearest: {nearest}."), metric=name, found=found,
        options=", ".join(flags) or "–", nearest=nearest(found.split("=")[0], known) or "–",
    )  # fmt: skip


def parser() -> Parser:
    """One sub-command per metric of the registry, with its options as flags."""
    top = Parser(
        prog="python -m cx_metrics",
        description=inspect.getdoc(cx_metrics),
        epilog=OTHERS,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    commands = top.add_subparsers(dest="metric", required=True, metavar="METRIC", parser_class=Parser)
    listing = commands.add_parser("list", help="all metrics, with the question each answers")
    listing.add_argument("--json", action="store_true", help="the same as JSON")
    for metric in METRICS.values():
        about = f"{metric.question}\n\n{metric.description}"
        raw = argparse.RawTextHelpFormatter
        command = commands.add_parser(metric.name, help=metric.question, description=about, formatter_class=raw)
        add_files(command)
        command.add_argument(
            "--by", metavar="COL", action="append", default=[], help="group by a column; may be repeated"
        )
        command.add_argument(
            "--confidence", type=float, default=CONFIDENCE, help="of the intervals (default: %(default)s)"
        )
        add_view(command)
        command.add_argument("--json", action="store_true", help='{"metric": …, "definition": {…}, "rows": [{…}]}')
        for option in metric.options:
            names = " | ".join(option.type.names) if isinstance(option.type, Choice) else ""
            default = "required" if option.required else f"default: {option.type.print(option.default) or 'none'}"
            metavar = "N" if isinstance(option.type, Count) else "VALUE"
            help_text = f"{option.type.help} ({names + '; ' if names else ''}{default})".replace("%", "%%")
            command.add_argument(option.flag, dest=f"option_{option.name}", metavar=metavar, help=help_text)
    return top


def add_files(command: argparse.ArgumentParser) -> None:
    """The flags that say which files make a dataset."""
    for table in TABLES.values():
        command.add_argument(
            f"--{table.name}", metavar="FILE", action="append", default=[], help=f"{table.row}; may be repeated"
        )
    command.add_argument(
        "--zone", default="UTC", help="time zone in which days begin, like Asia/Tehran (default: %(default)s)"
    )
    command.add_argument("--goal", metavar="A|B", help="touchpoints that count as conversion")


def add_view(command: argparse.ArgumentParser) -> None:
    """The flags that say whom and when a metric is about, and what it is compared with."""
    command.add_argument(
        "--view", metavar="LINK", default="", help="dates and filters as in a link: persona=Saver&from=2026-01-01"
    )
    command.add_argument("--in", dest="inside", metavar="CONDITION", action="append", default=[],
                         help="only customers in this segment; may be repeated")  # fmt: skip
    command.add_argument("--out", dest="outside", metavar="CONDITION", action="append", default=[],
                         help="only customers who are not in it; may be repeated")  # fmt: skip
    against = command.add_mutually_exclusive_group()
    against.add_argument(
        "--against", metavar="LINK", help="compare with another view, B: both numbers and their differences"
    )
    against.add_argument(
        "--compare", metavar="DAYS", help="compare with other days: previous, or 2026-01-01..2026-01-31"
    )


def view_of(asked: argparse.Namespace, goal: tuple[str, ...] | None) -> tuple[View, View | None]:
    """The view that the flags ask for, and the one to compare it with."""
    view = _read(asked.view)
    for text, inside in [*((t, True) for t in asked.inside), *((t, False) for t in asked.outside)]:
        view = view.with_member(Member("", print_condition(parse_condition(text)), inside))
    if goal is not None:
        view = replace(view, goal=goal)
    other = None if asked.against is None else _read(asked.against)
    if other is not None and goal is not None and other.goal is None:
        other = replace(other, goal=goal)
    if asked.compare is not None:
        days = _read(f"compare={asked.compare}")
        view = replace(view, compare=days.compare, compare_first=days.compare_first, compare_last=days.compare_last)
    other = other or view.compared() or (view.other_side() if view.has_other_side else None)
    if other is None and view.compare == "previous":
        raise OptionProblem(N_('All dates have no period before them. Name both ends of a range: --view "from=…&to=…"'))
    return view.alone(), None if other is None else other.alone()


def _read(text: str) -> View:
    view, notes = read_view(text)
    if notes:
        raise OptionProblem(N_("{message}. See: python -m cx_metrics --help"), message=str(notes[0]).rstrip("."))
    return view


def plan_of(asked: argparse.Namespace) -> importing.Plan:
    """What those flags ask for."""
    from cx_metrics import importing

    goal = None if asked.goal is None else Touchpoints("").parse(asked.goal)
    folder = Path(tempfile.mkdtemp(prefix="touchline_tables_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    files = importing.files_of({table: getattr(asked, table) for table in TABLES}, folder)
    return importing.Plan(files, zone=zone_of(asked.zone), goal=goal)


def engine_command(arguments: Sequence[str]) -> int:
    """Load files into the engine that TOUCHLINE_ENGINE names, or say what is there."""
    from cx_metrics import importing

    top = Parser(prog="python -m cx_metrics engine", description=inspect.getdoc(engine_command))
    commands = top.add_subparsers(dest="what", required=True, metavar="load | info", parser_class=Parser)
    add_files(commands.add_parser("load", help="read files, prepare them in the engine, and show them on the pages"))
    commands.add_parser("info", help="what was loaded, and when")
    asked = top.parse_args(arguments)
    url = os.environ.get("TOUCHLINE_ENGINE")
    if not url:
        raise OptionProblem(N_("TOUCHLINE_ENGINE is not set. Set it to the address of the engine: {example}"),
                            example="clickhouse://user:password@host:8123/touchline")  # fmt: skip
    address = read_address(url)
    engine = connect(address)
    try:
        if asked.what == "load":
            _number, reports = importing.load_into(engine, plan_of(asked))
            show_reports(reports)
        print(f"{address.engine} at {address.shown}")
        for number, manifest in engine.readable().items():
            rows = ", ".join(f"{table} {count:,}" for table, count in manifest["rows"].items())
            print(f"version {number}, loaded {manifest['loaded_at']}: {rows}")
    finally:
        engine.close()
    return 0


def answer(metric: Metric, asked: argparse.Namespace) -> int:
    """Read the files, run the metric, print its rows."""
    from cx_metrics import importing

    if not 0 < asked.confidence < 1:
        raise OptionProblem(
            N_("Confidence lies between 0 and 1, like 0.95; found {found}."), found=str(asked.confidence)
        )
    given = {o.name: getattr(asked, f"option_{o.name}") for o in metric.options}
    options = metric.read_options({name: text for name, text in given.items() if text is not None})
    url = os.environ.get("TOUCHLINE_ENGINE")
    store: Store | Served
    reports: list[Report] = []
    if url and not any(getattr(asked, table) for table in TABLES):
        store = importing.open_engine(url)
        goal = None if asked.goal is None else Touchpoints("").parse(asked.goal)
    else:
        plan = plan_of(asked)
        said = " ".join([metric.name, *map(str, vars(asked).values())])
        store, reports = importing.load(plan, read_comments=any(name in said for name in (*HEARD, "themes")))
        goal = plan.goal
    for name in goal or ():
        if problem := unknown_touchpoint(name, store):
            raise problem
    steps = [step for option in metric.options if isinstance(option.type, Steps) for step in options[option.name]]
    anchors = [name for o in metric.options if isinstance(o.type, Touchpoints) for name in options[o.name] or ()]
    kinds = [x.kind for o in metric.options if isinstance(o.type, Exclusions) for x in options[o.name]]
    asked_for = dict.fromkeys([*(name for kind in (*steps, *kinds) for name in kind.touchpoints), *anchors])
    for name in asked_for if not options.get("group") else ():  # a group gives touchpoints other names
        if problem := unknown_touchpoint(name, store):  # nobody reached it is an answer, but perhaps a misspelt one
            print(f"touchline: {problem}", file=sys.stderr)
    view, other = view_of(asked, goal)
    for unknown in unknown_values((view, other or View()), store):
        print(f"touchline: {unknown}", file=sys.stderr)
    shared: dict[str, Any] = {"by": asked.by, "confidence": asked.confidence, **options}
    result = run(metric, store, view, **shared) if other is None else compare(metric, store, view, other, **shared)
    show_reports(reports)
    show(result, asked.json)
    return 0


def zone_of(name: str) -> str:
    """The name of a time zone. Raises OptionProblem for one that is not known, with the nearest."""
    known = available_timezones()
    if name in known:
        return name
    raise OptionProblem(
        N_("There is no time zone {found}. Nearest: {nearest}."), found=name, nearest=nearest(name, known) or "–"
    )


def unknown_touchpoint(name: str, store: Store | Served) -> OptionProblem | None:
    """The problem, if no touchpoint has that name."""
    t = store.tables.get("touchpoints")
    names = [] if t is None else list(store.fetch(t.select("touchpoint").distinct())["touchpoint"])
    if name in names:
        return None
    return OptionProblem(
        N_("No touchpoint is called {found}. Nearest: {nearest}."), found=name, nearest=nearest(name, names) or "–"
    )


def unknown_values(views: Sequence[View], store: Store | Served) -> Iterator[OptionProblem]:
    """A problem for each value that a view or its segments filter by and no row has: nobody is an answer, but perhaps a misspelt
    one."""
    asked = [*views, *(leaf for v in views for m in v.members for leaf in views_of(parse_condition(m.condition)))]
    named = dict.fromkeys(
        (f.column, value) for view in asked for f in (*view.customers, *view.touchpoints) for value in f.values
    )
    for column in dict.fromkeys(column for column, _value in named):
        known = values(store, column, MOST_VALUES)
        for found in (value for name, value in named if name == column and value not in known and known):
            yield OptionProblem(N_("No row has {column} = {found}. Nearest: {nearest}."), column=column, found=found or "–",
                                nearest=nearest(found, known) or "–")  # fmt: skip


def show(result: Result, as_json: bool) -> None:
    """Print the rows, as JSON with their definition or as a table."""
    if as_json:
        print(json.dumps(result.to_dict(), ensure_ascii=False, indent=1))
        return
    frame = result.frame
    print(frame.to_string(index=False, na_rep="–") if len(frame) else "no rows")
    print(
        f"\n{result.metric.title}: {result.metric.unit}; denominator: {result.metric.denominator}; source: {result.metric.source}"
    )


def show_reports(reports: Sequence[Report]) -> None:
    """What was set aside or assumed goes to stderr: nothing is lost in silence."""
    for report in reports:
        print(
            f"{report.file}: {report.rows} rows, {report.loaded} loaded, {report.set_aside} set aside", file=sys.stderr
        )
        for said in (*(group.counted for group in report.reasons), *report.notes):
            print(f"  {said}", file=sys.stderr)


def show_list(as_json: bool) -> int:
    """Print every metric with its question, unit and denominator."""
    rows = [{"metric": m.name, "question": m.question, "unit": m.unit, "denominator": m.denominator,
             "options": {o.flag: None if o.required else o.type.print(o.default) for o in m.options}}
            for m in METRICS.values()]  # fmt: skip
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for row in rows:
            print(f"{row['metric']:24}{row['question']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
