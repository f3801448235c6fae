"""How long does the Voice page wait for its data after a filter has changed?

    python -m benchmarks.voice --rows 1M

`rows` survey answers about a million touchpoints of the same customers: NPS, satisfaction and a second rating of one answer, one in
twenty with a comment. All the questions that the page asks, one after the other, as a reader would wait for them whose question
nobody asked before; only building widgets and drawing are left out. The value of the filter changes every round.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

import cx_metrics as cx
from benchmarks.generate import CHANNELS, GOAL, PERSONAS, SEED, STAGES, TOUCHPOINTS, events, number_of
from benchmarks.measuring import Report
from cx_metrics import importing
from cx_metrics.engines import Store, open_store
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.run import comments
from cx_metrics.view import View
from cx_metrics.workspace import Workspace

TOUCHPOINT_ROWS = 1_000_000
ASKED = ("nps", "csat", "rating")  # of one response, in this order
GLAD = ("quick", "friendly", "easy", "wonderful", "clear")
SAD = ("late", "rude", "broken", "confusing", "slow")
THINGS = ("courier", "checkout", "support line", "app", "invoice", "return", "parcel", "store", "website", "packaging")
MOST_SECONDS = 0.5

CALLS: dict[str, Callable[[Store, View], Any]] = {
    "people": lambda store, view: cx.people(store, view),
    "nps": lambda store, view: cx.run("nps", store, view),
    "csat": lambda store, view: cx.run("csat", store, view),
    "ces": lambda store, view: cx.run("ces", store, view),
    "by month": lambda store, view: cx.run("nps", store, view, by=["month"]),
    "nps by touchpoint": lambda store, view: cx.run("nps", store, view, by=["touchpoint"]),
    "csat by touchpoint": lambda store, view: cx.run("csat", store, view, by=["touchpoint"]),
    "by touchpoint and persona": lambda store, view: cx.run("nps", store, view, by=["touchpoint", "persona"]),
    "by contacts before": lambda store, view: cx.run("nps", store, view, by=["contacts_before"]),
    "themes": lambda store, view: cx.run("themes", store, view),
    "themes by touchpoint": lambda store, view: cx.run("themes", store, view, by=["touchpoint"]),
    "comments": lambda store, view: comments(store, view, most=30),
    "drivers": lambda store, view: cx.run("key_drivers", store, view, outcome="nps"),
    "the silent": lambda store, view: cx.run("adjusted_nps", store, view),
    "who is silent": lambda store, view: cx.run("answer_bias", store, view, score="nps"),
}
LATER = ("drivers", "the silent", "who is silent")  # what stands below: the page above is there before


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


def main() -> None:
    """Import, ask everything under each filter, state the goal."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    rows = number_of(asked.parse_args().rows)
    pd.set_option("mode.string_storage", "python")  # as the processes that answer the pages keep texts
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
        views = [View().with_values("persona", (name,)) for name in PERSONAS]
        views += [View().with_values("channel", (name,)) for name in CHANNELS[1:4]]
        took: dict[str, list[float]] = {name: [] for name in CALLS}
        for view in (View(), *views):
            for name, ask in CALLS.items():
                start = time.perf_counter()
                ask(store, view)
                if view != View():  # the first compiles the queries
                    took[name].append(time.perf_counter() - start)
        store.close()
    table = [[name, 1_000 * statistics.median(seconds), 1_000 * max(seconds)] for name, seconds in took.items()]
    first = [sum(seconds) for seconds in zip(*(took[n] for n in CALLS if n not in LATER), strict=True)]
    whole = [sum(seconds) for seconds in zip(*took.values(), strict=True)]
    report.table("A persona or a channel chosen", ["question", "median ms", "longest ms"], [
        *table, ["scores, places, themes, comments", 1_000 * statistics.median(first), 1_000 * max(first)],
        ["all", 1_000 * statistics.median(whole), 1_000 * max(whole)],
    ])  # fmt: skip
    report.note(f"The import took {imported:,.0f} s, reading the comments included.")
    report.goal("seconds of all questions, median", statistics.median(whole), MOST_SECONDS)
    report.write()


if __name__ == "__main__":
    main()
