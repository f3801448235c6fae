"""How well are the language and the sentiment of real comments read, and how long does it take?

    TOUCHLINE_TEST_DATA=… python -m benchmarks.sentiment --rows 100k

Sentiment: comments whose authors (or readers) said what they meant, read by `read_sentiment`; accuracy, kappa and macro-F1 are
cross-validated, each comment read by what comments with other texts taught. Language: the same texts, whole and cut to a few words,
each source as a file of its own and all together. Nothing of these texts is in the product: its rules and lists were there before,
and a classifier lives as long as the question.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.generate import number_of
from benchmarks.measuring import Report
from cx_metrics.comments.labels import label_of
from cx_metrics.comments.languages import languages_of
from cx_metrics.comments.sentiment import read_sentiment

Labelled = tuple[str, list[str], list[str]]  # language, texts, labels ("" where there are none)

SEED = 1
POLARITY = {1: "positive", -1: "negative"}
MOOD = {"HAPPY": "positive", "SAD": "negative"}
SHOWN = ["language", "labelled", "method", "accuracy", "accuracy_low", "accuracy_high", "kappa", "macro_f1"]
BESIDE = ["majority_accuracy", "list_accuracy", "list_macro_f1"]
LETTER = re.compile(r"[^\W\d_]")


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=number_of, default=100_000, help="comments of the timing; 0 leaves it out")
    rows = parser.parse_args().rows
    if not os.environ.get("TOUCHLINE_TEST_DATA"):
        parser.error("TOUCHLINE_TEST_DATA has to point at the folder of real data sets.")
    sets = read_sets(Path(os.environ["TOUCHLINE_TEST_DATA"]))
    report = Report("sentiment", rows, "How well are language and sentiment of comments read?", of="comments")
    report.table(
        "Sentiment", ["", *SHOWN, *BESIDE, "seconds"], [sentiment_row(name, *one) for name, one in sets.items()]
    )
    for title, cut in (("whole texts", None), ("one to three words", 3), ("one word", 1)):
        head = ["", "texts", "right", "unknown", "right among others", "unknown among others", "µs a text"]
        report.table(f"Language: {title}", head, language_rows(sets, cut))
    if rows:
        report.table("Time", ["", "seconds", "µs a comment"], times(sets, rows))
        report.note(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    report.write()


def read_sets(folder: Path) -> dict[str, Labelled]:
    """The texts by source, with what their source says about them."""
    seats = pd.read_csv(folder / "skytrax_seat/seat.csv.gz")
    tweets = pd.read_csv(folder / "airline_tweets/Tweets.csv.gz")
    meals = pd.read_csv(folder / "persian_snappfood/snappfood_test.tsv.gz", sep="\t")
    places = pd.read_csv(folder / "arabic_reviews/RES1_restaurants.csv.gz")
    sights = pd.read_csv(folder / "arabic_reviews/ATT_attractions.csv.gz")
    bank = pd.read_csv(folder / "russian_bank_texts/test_250_reviews.csv").drop_duplicates("text")
    rated = label_of(seats.overall_rating, 0, 10, True, "nps").tolist()
    return {
        "skytrax_seat (score as NPS)": ("en", texts(seats.content), rated),
        "airline_tweets": ("en", texts(tweets.text), tweets.airline_sentiment.tolist()),
        "arabic_reviews, restaurants": ("ar", texts(places.text), places.polarity.map(POLARITY).tolist()),
        "arabic_reviews, sights": ("ar", texts(sights.text), sights.polarity.map(POLARITY).tolist()),
        "persian_snappfood": ("fa", texts(meals.comment), meals.label.map(MOOD).tolist()),
        "russian_bank_texts, distinct": ("ru", texts(bank.text), [""] * len(bank)),
    }


def texts(column: pd.Series) -> list[str]:
    """A column as texts, "" where it is empty."""
    return column.fillna("").astype(str).tolist()


def sentiment_row(name: str, language: str, comments: list[str], labels: list[str]) -> list[object]:
    """One line of the table: how well the sentiment of one source is read."""
    began = time.perf_counter()
    proof = read_sentiment(comments, [language] * len(comments), labels).proofs.iloc[0]
    took = time.perf_counter() - began
    values = [proof[column] for column in (*SHOWN, *BESIDE)]
    return [name, *(None if pd.isna(v) else v.item() if isinstance(v, np.generic) else v for v in values), took]


def language_rows(sets: dict[str, Labelled], most_words: int | None) -> list[list[object]]:
    """How often is the language of a source's texts read right: as one file, and among those of all others?"""
    pieces = {name: cut(one[1], most_words) for name, one in sets.items()}
    among = iter(languages_of([text for some in pieces.values() for text in some]))
    rows: list[list[object]] = []
    for name, some in pieces.items():
        began = time.perf_counter()
        alone = languages_of(some)
        took = time.perf_counter() - began
        row: list[object] = [name, len(some)]
        for found in (alone, [next(among) for _ in some]):
            row += [found.count(sets[name][0]) / len(some), found.count("") / len(some)]
        rows.append([*row, 1e6 * took / len(some)])
    return rows


def cut(comments: Sequence[str], most_words: int | None) -> list[str]:
    """Neighbouring words from anywhere in each text, at most so many; texts without a word are left out."""
    chance = random.Random(SEED)
    found = []
    for comment in comments:
        words = [word for word in comment.split() if LETTER.search(word) and "@" not in word and "://" not in word]
        if not words:
            continue
        length = min(len(words), chance.randint(1, most_words or 1))
        first = chance.randrange(len(words) - length + 1)
        found.append(" ".join(words[first : first + length]) if most_words else comment)
    return found


def times(sets: dict[str, Labelled], rows: int) -> list[list[object]]:
    """How long for so many different comments in two languages, all of them with a score?"""
    _, english, moods = sets["airline_tweets"]
    _, persian, others = sets["persian_snappfood"]
    comments, labels = english + persian, moods + others
    chosen = np.random.default_rng(SEED).integers(0, len(comments), rows)
    made = [f"{comments[k]} {j}" for j, k in enumerate(chosen.tolist())]
    began = time.perf_counter()
    languages = languages_of(made)
    read = time.perf_counter()
    read_sentiment(made, languages, [labels[k] for k in chosen.tolist()])
    ended = time.perf_counter()
    took = {"language": read - began, "sentiment, learnt from 20,000 in each of two languages": ended - read}
    return [[what, seconds, 1e6 * seconds / rows] for what, seconds in took.items()]


if __name__ == "__main__":
    main()
