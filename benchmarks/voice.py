"""How long does the Voice page wait for its data after a filter has changed?

    python -m benchmarks.voice --rows 1M

`rows` survey answers about a million touchpoints of the same customers: NPS, satisfaction and a second rating of one answer, one in
twenty with a comment. All the questions that the page asks, of processes as a server has them, as a reader would wait for them
whose question nobody asked before; only building widgets and drawing are left out. Half of the views are asked as the page asks
them: one after the other, and at the same time from the end of the page, since it knows what it asked for the last view
(`pages.parts.ahead`); that is what the goal is about. The others are asked one after the other alone: how long each question takes.
Before, a view of each kind is asked as a server does after its start while nobody is there.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from benchmarks.generate import CHANNELS, GOAL, PERSONAS, SEED, STAGES, TOUCHPOINTS, events, number_of
from benchmarks.measuring import Report
from cx_metrics import importing, workers
from cx_metrics.answering import metric_of, place_of
from cx_metrics.engines import Store, open_store
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.registry import find
from cx_metrics.run import changes, comments, people
from cx_metrics.view import View
from cx_metrics.workspace import Version, Workspace
from pages.parts import ahead, keeping

TOUCHPOINT_ROWS = 1_000_000
ASKED = ("nps", "csat", "rating")  # of one response, in this order
GLAD = ("quick", "friendly", "easy", "wonderful", "clear")
SAD = ("late", "rude", "broken", "confusing", "slow")
THINGS = ("courier", "checkout", "support line", "app", "invoice", "return", "parcel", "store", "website", "packaging")
MOST_SECONDS = 0.5

Asked = Callable[
    [View], tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
]  # view → question, what it is given


def _metric(name: str, *by: str, **options: Any) -> Asked:
    place = place_of(find(name))
    return lambda view: (metric_of, (name, view, by, "", None, options), {"place": place})


def _comments(**wanted: Any) -> Asked:
    return lambda view: (comments, (view,), {"privacy": None, **wanted})


# What the page asks, in its order, with the options that it has when nobody has chosen any.
ASKS: dict[str, Asked] = {
    "people": lambda view: (people, (view, None), {}),
    "nps": _metric("nps"),
    "csat": _metric("csat"),
    "ces": _metric("ces"),
    "nps by touchpoint": _metric("nps", "touchpoint"),
    "csat by touchpoint": _metric("csat", "touchpoint"),
    "nps by month": _metric("nps", "month"),
    "dated changes": lambda view: (changes, (view,), {}),
    "distribution": _metric("distribution"),
    "ratings": _metric("rating", "question"),
    "nps by touchpoint and persona": _metric("nps", "touchpoint", "persona"),
    "nps by contacts before": _metric("nps", "contacts_before"),
    "the silent": _metric("adjusted_nps"),
    "who is silent": _metric("answer_bias", score="nps"),
    "before and after": _metric("around_answers", score="nps", exclude=("survey",)),
    "drivers": _metric("key_drivers", outcome="nps"),
    "themes": _metric("themes"),
    "negative quotes": _comments(feeling="negative", most=2, theme=", ".join(sorted(SAD)[:3]), typical=True),
    "positive quotes": _comments(feeling="positive", most=2, theme=", ".join(sorted(SAD)[:3]), typical=True),
    "themes by stage": _metric("themes", "stage"),
    "comments": _comments(most=30),
}
BELOW = ("the silent", "who is silent", "before and after", "drivers")  # what takes longest, and stands below


def answers(rows: int, csv: Path, folder: Path) -> Path:
    """A file of so many answers of the customers of the touchpoints."""
    random = np.random.default_rng(SEED)
    customers = pc.unique(
        pcsv.read_csv(csv, convert_options=pcsv.ConvertOptions(include_columns=["customer_id"]))["customer_id"]
    )
    each = rows // len(ASKED)
    who = random.integers(0, len(customers), each)
    mood = random.normal(7.2, 2.2, each)
    commented = random.random(each) < 0.15
    words = np.where(mood[:, None] > 7, random.choice(GLAD, (each, 2)), random.choice(SAD, (each, 2)))
    said = [f"the {thing} was {a} and {b}" if there else "" for thing, (a, b), there in
            zip(random.choice(THINGS, each), words, commented, strict=True)]  # fmt: skip
    parts = []
    for kind, high in zip(ASKED, (10, 5, 5), strict=True):
        score = np.clip(np.rint(mood * high / 10 + random.normal(0, 0.5, each)), 0 if kind == "nps" else 1, high)
        parts.append(pa.table({
            "response_id": pa.array(np.arange(each)).cast(pa.string()),
            "customer_id": customers.take(pa.array(who)).cast(pa.string()),
            "answered_at": pa.array(1_740_000_000 + random.integers(0, 300 * 86_400, each)).cast(pa.timestamp("s")),
            "question": pa.array([f"How about {kind}?"] * each), "survey_type": pa.array([kind] * each), "score": score,
            "scale_low": pa.array([0 if kind == "nps" else 1] * each), "scale_high": pa.array([high] * each),
            "touchpoint": pa.array(np.array([name for name, _s, _c in TOUCHPOINTS])[random.integers(0, 12, each)]),
            "comment": pa.array(said if kind == "nps" else [""] * each),
        }))  # fmt: skip
    path = folder / "answers.csv"
    pcsv.write_csv(pa.concat_tables(parts), path)
    return path


def waited(version: Version, store: Store, view: View) -> dict[str, float]:
    """Seconds for each question, asked of the processes that answer the pages of a server, one after the other."""
    took = {}
    for name, asked in ASKS.items():
        question, given, named = asked(view)
        start = time.perf_counter()
        workers.ask(question, store, version.content, version.path, *given, **named)
        took[name] = time.perf_counter() - start
    return took


def waited_for_the_page(version: Version, store: Store, view: View) -> float:
    """Seconds until all is answered, asked as the page asks: from its beginning, and from its end by a second asker."""
    answers = keeping.Answers()

    def ask(name: str) -> None:
        question, given, named = ASKS[name](view)
        answers.get(name, lambda: workers.ask(question, store, version.content, version.path, *given, **named))

    start = time.perf_counter()
    other = threading.Thread(target=ahead.ask, args=([(ask, (name,)) for name in reversed(ASKS)], lambda: True, ""))
    other.start()
    for name in ASKS:
        ask(name)
    took = time.perf_counter() - start
    other.join()
    return took


def main() -> None:
    """Import, ask everything under each filter, state the goal."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    rows = number_of(asked.parse_args().rows)
    pd.set_option("mode.string_storage", "python")  # as the server does
    report = Report(
        "voice", rows, "How long does the Voice page wait for its data after a filter has changed?", of="answers"
    )
    with tempfile.TemporaryDirectory() as folder:
        csv = events(TOUCHPOINT_ROWS).csv
        files = (ImportFile(csv, csv.name), ImportFile(answers(rows, csv, Path(folder)), "answers.csv"))
        workspace = Workspace(Path(folder) / "workspace")
        start = time.perf_counter()
        version = importing.import_version(
            workspace, workspace.create("voice"), Plan(files, stages=STAGES, goal=(GOAL,))
        )
        imported = time.perf_counter() - start
        store = open_store(version.path, version.facts)
        workers.hire(workers.wanted())
        views = {column: [View().with_values(column, (name,)) for name in names] for column, names in
                 (("persona", PERSONAS), ("channel", CHANNELS))}  # fmt: skip
        with workers.rehearsal(60, lambda: True):  # a server asks a view of each kind while nobody is there
            for view in (View(), *(of_kind[0] for of_kind in views.values())):
                waited(version, store, view)
                waited(version, store, view)  # whoever only echoed the first one is done
        paged, alone = {}, {}
        for column, of_kind in views.items():
            paged[column] = [waited_for_the_page(version, store, view) for view in of_kind[1::2]]
            alone[column] = [waited(version, store, view) for view in of_kind[2::2]]
        workers.dismiss()
        store.close()
    for chosen, seen in alone.items():
        above = [sum(seconds for name, seconds in one.items() if name not in BELOW) for one in seen]
        lines: dict[str, list[float]] = {name: [one[name] for one in seen] for name in ASKS}
        lines |= {"all but the silent, before and after, drivers": above, "all": [sum(one.values()) for one in seen]}
        lines |= {"all, asked as the page does": paged[chosen]}
        report.table(
            f"A {chosen} chosen", ["question", "median ms", "longest ms"],
            [[name, 1_000 * statistics.median(ms), 1_000 * max(ms)] for name, ms in lines.items()],
        )  # fmt: skip
        report.goal(
            f"seconds until all is there, a {chosen} chosen, median", statistics.median(paged[chosen]), MOST_SECONDS
        )
    report.note(f"The import took {imported:,.0f} s, reading the comments included.")
    report.write()


if __name__ == "__main__":
    main()
