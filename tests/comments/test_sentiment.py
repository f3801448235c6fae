"""Sentiment: learnt from scores where they are enough, judged on what was not learnt from, and honest where nothing is proven."""

from __future__ import annotations

import ast
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cx_metrics.comments.agreement import agreement
from cx_metrics.comments.grams import count_runs
from cx_metrics.comments.labels import CLASSES, label_of
from cx_metrics.comments.languages import languages_of
from cx_metrics.comments.own import LEAST_LABELLED, PARTS, enough, parts_of, sample
from cx_metrics.comments.sentiment import LEAST_PROVEN, PROOF_COLUMNS, read_sentiment, said

DATA = os.environ.get("TOUCHLINE_TEST_DATA")
GLAD, SAD, EVEN = "zumba", "krotz", "plimp"  # words that no list knows, so that only learning can tell them apart


def made(n: int, seed: int = 1) -> tuple[list[str], np.ndarray]:
    """Comments of three made-up moods, each with words of no meaning around."""
    random = np.random.default_rng(seed)
    moods = {"positive": GLAD, "negative": SAD, "neutral": EVEN}
    labels = np.array(list(moods), dtype=object)[np.arange(n) % 3]
    signs = str.maketrans("0123456789", "bcdfghjklm")  # no vowels, so no word; no digits, so no number of an order
    noise = [[str(part).translate(signs) for part in pair] for pair in random.integers(0, 10**9, (n, 2))]
    return [f"{a} {moods[label]} {b}" for (a, b), label in zip(noise, labels, strict=True)], labels


def test_what_scores_teach_is_found_again_in_comments_without_one() -> None:
    texts, labels = made(300)
    found = read_sentiment([*texts, f"the {GLAD}!", f"{SAD.upper()}", None], ["en"] * 303, [*labels, "", None, ""])
    assert found.classes[300:].tolist() == ["positive", "negative", ""]
    assert found.by.tolist() == ["own"] * 302 + [""]
    assert found.scores[300] > 0 > found.scores[301] and np.isnan(found.scores[302])
    proof = found.proofs.iloc[0]
    assert list(found.proofs) == list(PROOF_COLUMNS)
    assert (proof["language"], proof["comments"], proof["labelled"], proof["n"]) == ("en", 302, 300, 300)
    assert proof["method"] == "own" and not proof["unproven"] and proof["accuracy"] > 0.98 and proof["kappa"] > 0.97
    assert proof["majority_accuracy"] == pytest.approx(1 / 3) and proof["list_accuracy"] == pytest.approx(1 / 3)


def test_labels_by_chance_prove_nothing() -> None:
    """One text in one part: were a comment and its copy in two, the copy would give its label away."""
    texts, labels = made(300)
    labels = np.random.default_rng(2).permutation(labels)
    copies = [text for text in texts for _ in range(3)]
    found = read_sentiment(copies, ["en"] * 900, np.repeat(labels, 3))
    assert abs(found.proofs["own_accuracy"][0] - 1 / 3) < 0.1


def test_a_comment_is_not_read_by_its_own_score() -> None:
    texts, labels = made(300)
    labels[0] = "negative"  # though it says GLAD
    assert read_sentiment(texts, ["en"] * 300, labels).classes[0] == "positive"


def test_the_list_stays_where_it_does_better() -> None:
    """Every word once: nothing to learn from, but the list knows them."""
    words = pd.read_csv(Path(__file__).parents[2] / "cx_metrics/comments/lists/en.csv")
    good, bad = words[words.weight > 2].word[:150].tolist(), words[words.weight < -2].word[:150].tolist()
    found = read_sentiment(good + bad, ["en"] * 300, ["positive"] * 150 + ["negative"] * 150)
    assert found.proofs["method"][0] == "list" and set(found.by) == {"list"}
    assert found.proofs["list_accuracy"][0] > found.proofs["own_accuracy"][0]
    assert found.proofs["accuracy"][0] == found.proofs["list_accuracy"][0] > 0.97


@pytest.mark.parametrize(
    "labels", [["positive"] * 400, ["neutral"] * 400, [""] * 400, ["positive"] * 371 + ["negative"] * 29]
)
def test_labels_of_one_class_only_are_not_learnt_from(labels: list[str]) -> None:
    found = read_sentiment(["good food"] * 400, ["en"] * 400, labels)
    assert set(found.by) == {"list"} and set(found.classes) == {"positive"}
    assert found.proofs["unproven"][0] == (labels[0] == "")
    assert np.isnan(found.proofs["own_accuracy"][0])


def test_few_labels_prove_the_list_and_fewer_prove_nothing() -> None:
    texts = ["good"] * 20 + ["bad"] * 10
    proven = read_sentiment(texts, ["en"] * 30, ["positive"] * 20 + ["negative"] * 10).proofs.iloc[0]
    assert (
        proven["n"] == LEAST_PROVEN and proven["accuracy"] == 1 and proven["majority_accuracy"] == pytest.approx(2 / 3)
    )
    assert "30" in str(said(proven)) and "67%" in str(said(proven))
    unproven = read_sentiment(texts, ["ru"] * 30, ["positive"] * 29 + [""]).proofs.iloc[0]
    assert unproven["unproven"] and np.isnan(unproven["accuracy"]) and unproven["method"] == "list"
    assert "unproven" in str(said(unproven))


def test_a_neutral_class_of_few_is_not_learnt_but_counts_against() -> None:
    texts, labels = made(600)
    keep = (labels != "neutral") | (np.cumsum(labels == "neutral") <= 20)
    found = read_sentiment([t for t, k in zip(texts, keep, strict=True) if k], ["en"] * keep.sum(), labels[keep])
    assert "neutral" not in found.classes and found.proofs["accuracy"][0] == pytest.approx(400 / 420, abs=0.01)


def test_each_language_learns_alone_and_the_unknown_one_reads_emoji() -> None:
    texts, labels = made(300)
    turned = ["negative" if label == "positive" else "positive" if label == "negative" else label for label in labels]
    found = read_sentiment(
        [*texts, *texts, GLAD, GLAD, "👍", "10/10", "🙂 هه ok"], ["en"] * 300 + ["fa"] * 300 + ["en", "fa", "", "", None],
        [*labels, *turned, *[""] * 5],
    )  # fmt: skip
    assert found.classes[600:604].tolist() == ["positive", "negative", "positive", ""]
    assert found.proofs["language"].tolist() == ["en", "fa", ""]
    assert found.proofs["unproven"].tolist() == [False, False, True]


def test_the_same_comments_give_the_same_answer() -> None:
    texts, labels = made(240)
    one, other = (read_sentiment(texts, ["en"] * 240, labels) for _ in range(2))
    assert (one.classes == other.classes).all() and (one.scores == other.scores).all()
    pd.testing.assert_frame_equal(one.proofs, other.proofs)


@pytest.mark.parametrize("comments", [[], [None], [float("nan")], ["", "  "], ["\x00\u202e"]])
def test_nothing_to_read_is_no_error(comments: list[str | None]) -> None:
    found = read_sentiment(comments, languages_of(comments), ["positive"] * len(comments))
    assert found.classes.tolist() == [""] * len(comments) and found.proofs.empty
    assert list(found.proofs) == list(PROOF_COLUMNS)


def test_hostile_texts_among_others_do_no_harm() -> None:
    texts, labels = made(240)
    bad = [
        "a" * 100_000,
        "<script>alert(1)</script>",
        "![](http://x)",
        "=1+1",
        "\ud800",
        "%s {0} {x}",
        "ب" * 9_999,
        "🙃" * 500,
        "x" * 6,
    ]
    began = time.perf_counter()
    found = read_sentiment([*texts, *bad], languages_of([*texts, *bad]), [*labels, *["positive"] * len(bad)])
    assert time.perf_counter() - began < 5
    assert len(found.classes) == 249 and set(found.classes) <= {*CLASSES, ""}


def test_copies_of_few_texts_are_not_learnt_from() -> None:
    """All the same text, half of it glad and half sad; or 24 texts, as often as one likes: the list reads them."""
    same = read_sentiment(["zumba"] * 300, ["en"] * 300, ["positive", "negative"] * 150)
    assert set(same.by) == {"list"} and same.proofs["accuracy"][0] == 0 and np.isnan(same.proofs["own_accuracy"][0])
    texts, labels = made(24)
    assert set(read_sentiment(texts * 50, ["ru"] * 1_200, np.tile(labels, 50)).by) == {"list"}


def test_agreement_of_a_published_example() -> None:
    """Two readers of 50 grant proposals (Wikipedia, Cohen's kappa): 20 both yes, 15 both no, 5 and 10 apart: .7, kappa .4."""
    one = np.array(["positive"] * 25 + ["negative"] * 25, dtype=object)
    other = np.array(["positive"] * 20 + ["negative"] * 5 + ["positive"] * 10 + ["negative"] * 15, dtype=object)
    found = agreement(one, other)
    assert (found.accuracy, found.kappa) == (pytest.approx(0.7), pytest.approx(0.4))
    assert found.macro_f1 == pytest.approx((40 / 55 + 30 / 45) / 2)  # 2·20 / (25 + 30), 2·15 / (25 + 20)
    assert (round(found.accuracy_low, 4), round(found.accuracy_high, 4)) == (0.5625, 0.809)  # Wilson, 35 of 50


def test_agreement_of_nothing_and_of_one_class() -> None:
    nothing = agreement(np.array([], dtype=object), np.array([], dtype=object))
    assert nothing.n == 0 and np.isnan(nothing.accuracy)
    same = np.array(["positive"] * 3, dtype=object)
    assert agreement(same, same).accuracy == 1 and np.isnan(agreement(same, same).kappa)


def test_runs_of_a_word_are_counted_within_it() -> None:
    """ " ab " has 2 to 5 characters long: " a", "ab", "b ", " ab", "ab ", " ab ": six; twice in the text, so each twice."""
    counts = count_runs(["ab ab", "", "ab"])
    assert counts.sum(axis=1).ravel().tolist()[0] == [12, 1, 6]  # an empty text is two spaces
    assert (counts[0] != 2 * counts[2]).nnz == 0


def test_one_text_is_in_one_part_and_labels_are_spread() -> None:
    texts, labels = made(300)
    parts = parts_of([*texts, *texts], np.concatenate([labels, labels]))
    assert (parts[:300] == parts[300:]).all()
    assert [(labels[parts[:300] == part] == "negative").sum() for part in range(PARTS)] == [20] * PARTS


def test_a_sample_keeps_the_share_of_each_label_and_some_of_a_rare_one() -> None:
    labels = np.array((["positive"] * 8 + ["negative"] * 2 + [""] * 10) * 1_000, dtype=object)
    rows = sample(labels, 1_000)
    assert len(set(rows.tolist())) == 1_000 and (labels[rows] == "positive").sum() == 800
    assert (sample(labels, 10_000) == np.flatnonzero(labels != "")).all()
    rare = np.array(["positive"] * 10_000 + ["negative"] * 40, dtype=object)
    assert (rare[sample(rare, 1_000)] == "negative").sum() == 40


def test_when_labels_are_enough() -> None:
    def with_(positive: int, negative: int, neutral: int) -> bool:
        labels = ["positive"] * positive + ["negative"] * negative + ["neutral"] * neutral
        return enough([str(i) for i in range(len(labels))], np.array(labels, dtype=object))

    assert LEAST_LABELLED == 200 and with_(170, 30, 0) and with_(30, 30, 140)
    assert not with_(169, 30, 0) and not with_(171, 29, 0) and not with_(29, 171, 0)


def test_only_who_reads_sentiment_waits_for_scikit_learn() -> None:
    """It takes a second to import, so no module of ours does so before it is needed."""
    for path in (Path(__file__).parents[2] / "cx_metrics").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert "sklearn" not in ast.unparse(node), path


@pytest.mark.skipif(not DATA, reason="TOUCHLINE_TEST_DATA is not set")
def test_real_reviews_are_read_better_than_always_the_same() -> None:
    reviews = pd.read_csv(Path(str(DATA)) / "skytrax_seat/seat.csv.gz")
    labels = label_of(reviews.overall_rating, 0, 10, True, "nps")
    proof = read_sentiment(reviews.content.tolist(), ["en"] * len(reviews), labels).proofs.iloc[0]
    assert proof["labelled"] == 1_257 and proof["kappa"] > 0.4 and proof["accuracy_low"] > proof["majority_accuracy"]
