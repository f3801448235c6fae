"""Which themes do open answers have, how coherent and steady are they, and how long does it take?

    python -m benchmarks.themes [--terms] [comments ...]

On the real open answers of TOUCHLINE_TEST_DATA: the number of themes that is chosen, the adjusted Rand index between the groups
found in random halves and in all comments, the mean NPMI of the leading terms, the comments with a theme, and seconds; once more
without grouping of word forms. `--terms` prints the themes themselves. Then seconds for so many comments (10,000, 100,000 and
1,000,000 by default): tweets made of the sentences of the real ones, so that nearly all differ; with their plain spelling at
hand, and to search them in the embedded engine.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import ibis
import numpy as np
import pandas as pd

from benchmarks.measuring import Report
from cx_metrics.comments import terms
from cx_metrics.comments.normalise import plain
from cx_metrics.comments.search import search_condition, searchable
from cx_metrics.comments.themes import NUMBERS, Themes, find_themes

SETS = {  # what it is called: language, file, column
    "reviews of seats": ("en", "skytrax_seat/seat.csv.gz", "content"),
    "tweets to airlines": ("en", "airline_tweets/Tweets.csv.gz", "text"),
    "comments on food orders": ("fa", "persian_snappfood/snappfood_test.tsv.gz", "comment"),
    "reviews of restaurants": ("ar", "arabic_reviews/RES1_restaurants.csv.gz", "text"),
    "reviews of attractions": ("ar", "arabic_reviews/ATT_attractions.csv.gz", "text"),
}
SIZES = (10_000, 100_000, 1_000_000)
TOUCHED = "tweets to airlines"
SEARCHED = ("delay", '"customer service"', "late -refund")
ROUNDS = 5
HEAD = [
    "",
    "language",
    "comments",
    "themes",
    "adjusted Rand",
    "NPMI",
    "with a theme",
    "steady themes (Jaccard > .75)",
    "s",
]


def comments_of(name: str, folder: Path) -> list[str]:
    """The texts of a data set."""
    _, file, column = SETS[name]
    frame = pd.read_csv(folder / file, sep="\t" if ".tsv" in file else ",", usecols=[column])
    return [str(text) for text in frame[column].dropna()]


def timed(question: Callable[[], Themes]) -> tuple[Themes, float]:
    """The answer and its seconds."""
    began = time.perf_counter()
    return question(), time.perf_counter() - began


def row(name: str, language: str, found: Themes, seconds: float) -> list[object]:
    """One line of the table."""
    steady = found.stability[language]
    likeness = found.themes["stability"]
    return [
        name, language, len(found.theme), steady.number, steady.adjusted_rand, steady.coherence, float((found.theme > 0).mean()),
        f"{(likeness > 0.75).sum()} of {len(likeness)}", seconds,
    ]  # fmt: skip


def quality(report: Report, folder: Path, show: bool) -> None:
    """Themes of each data set, with and without grouping of word forms."""
    with_forms, without, numbers, single = [], [], [], []
    for name, (language, _, _) in SETS.items():
        comments = comments_of(name, folder)
        found, seconds = timed(lambda: find_themes(comments, [language] * len(comments)))  # noqa: B023
        with_forms.append(row(name, language, found, seconds))
        numbers += [[name, *tried] for tried in found.stability[language].tried.itertuples(index=False)]
        single += [
            [name, theme.name, theme.comments, theme.coherence, theme.stability, " ".join(theme.terms)]
            for theme in found.themes.itertuples()
        ]
        with patch.object(terms, "stem", lambda word, _language: word):
            found, seconds = timed(
                lambda: find_themes(comments, [language] * len(comments), number=found.stability[language].number)  # noqa: B023
            )
        without.append(row(name, language, found, seconds))
    report.table("Themes of real open answers", HEAD, with_forms)
    report.table("As many themes, each word form by itself", HEAD, without)
    report.table("Numbers of themes that were tried", ["", "themes", "adjusted Rand", "NPMI"], numbers)
    if show:
        report.table("The themes", ["", "name", "comments", "NPMI", "stability", "terms"], single)


def sentences(size: int, folder: Path) -> list[str]:
    """So many tweets, each of two halves of real ones: nearly all differ, and the words are those of real ones."""
    real = comments_of(TOUCHED, folder)
    draw = np.random.default_rng(0)
    halves = [text.split(" ") for text in real]
    one, other = draw.integers(0, len(real), (2, size))
    return [
        " ".join([*halves[a][: len(halves[a]) // 2], *halves[b][len(halves[b]) // 2 :]])
        for a, b in zip(one, other, strict=True)
    ]


def speed(report: Report, folder: Path, sizes: list[int]) -> None:
    """Seconds by number of comments."""
    rows = []
    for size in sizes:
        comments = sentences(size, folder)
        began = time.perf_counter()
        spelled = plain(comments)
        spelling = time.perf_counter() - began
        languages = ["en"] * size
        _, finding = timed(lambda: find_themes(comments, languages, plain_texts=spelled))  # noqa: B023
        rows.append([size, len(set(spelled)), spelling, finding, *searching(spelled)])
    searched = [f"search {text}, ms" for text in SEARCHED]
    report.table(
        "Seconds by number of comments",
        ["comments", "distinct", "plain spelling", f"themes, {len(NUMBERS)} numbers tried", *searched],
        rows,
    )


def searching(spelled: list[str]) -> list[float]:
    """Milliseconds of each question of SEARCHED to a table in the memory of the embedded engine; medians."""
    table = ibis.duckdb.connect().create_table("comments", pd.DataFrame({"comment_plain": searchable(spelled)}))
    medians = []
    for text in SEARCHED:
        question = table.filter(search_condition(table.comment_plain, text)).count()
        took = []
        for _round in range(ROUNDS):
            began = time.perf_counter()
            question.execute()
            took.append(1_000 * (time.perf_counter() - began))
        medians.append(float(np.median(took)))
    return medians


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser()
    asked.add_argument("sizes", nargs="*", type=int, default=list(SIZES))
    asked.add_argument("--terms", action="store_true")
    given = asked.parse_args()
    if not (root := os.environ.get("TOUCHLINE_TEST_DATA")):
        raise SystemExit("TOUCHLINE_TEST_DATA is not set: the real data sets are not at hand")
    report = Report(
        "themes", max(given.sizes), "Which themes do open answers have, how steady are they, and how long does it take?"
    )
    quality(report, Path(root), given.terms)
    speed(report, Path(root), given.sizes)
    report.write()


if __name__ == "__main__":
    main()
