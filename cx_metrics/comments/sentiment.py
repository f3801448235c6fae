"""Is a comment negative, neutral or positive, and how far can that be trusted? Per language, with the proof beside it.

Where customers gave scores beside their comments, a classifier is learnt from them (own.py); a list of words
(word_list.py) stands in where they are too few, and stays where it does better. Both are judged on the same comments against
the score that came with each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cx_metrics.comments.agreement import Agreement, agreement
from cx_metrics.comments.labels import CLASSES, NEGATIVE, NEUTRAL, POSITIVE, UNKNOWN, Labels
from cx_metrics.comments.normalise import plain
from cx_metrics.comments.own import ORDER, Chances, Judged, learn
from cx_metrics.comments.word_list import SIDE, list_scores
from cx_metrics.texts import N_, NP_, Text

OWN, LIST = "own", "list"
METHODS = {OWN: N_("learnt from your own scored comments"), LIST: N_("a list of words")}
LEAST_PROVEN = 30  # labelled comments; with fewer, no accuracy is shown and the language counts as unproven

PROOF_COLUMNS = (
    "language", "comments", "labelled", "method", "accuracy", "accuracy_low", "accuracy_high", "kappa", "macro_f1", "n",
    "majority_accuracy", "own_accuracy", "own_macro_f1", "list_accuracy", "list_macro_f1", "unproven",
)  # fmt: skip


@dataclass(frozen=True)
class Sentiment:
    """What was read, one value a comment, and how far it can be trusted, one row a language.

    `classes`: negative, neutral, positive, or "" where there is nothing to read. `scores`: P(positive) − P(negative) by
    the classifier, the list's −1..1 otherwise; NaN where there is no class. `by`: own, list or "".
    `proofs`: PROOF_COLUMNS, the languages with most comments first. Accuracy, kappa and macro-F1 are those of the method
    that was chosen; `n` is the number of comments they rest on.
    """

    classes: Labels
    scores: NDArray[np.float64]
    by: Labels
    proofs: pd.DataFrame


def read_sentiment(
    comments: Sequence[str | None], languages: Sequence[str | None], labels: Sequence[str | None] | Labels
) -> Sentiment:
    """Is each comment negative, neutral or positive?

    `languages` are those of `languages_of`, `labels` those of `label_of`; "" or None where unknown. Per language the better
    of classifier and list by macro-F1 over the same cross-validated comments is used for all comments; the list where
    labels are too few to learn from (200 texts, with 30 negative and 30 positive ones). A comment that taught the classifier is
    read by what the others taught it, so its own score is not read back. With fewer than LEAST_PROVEN labels the language is
    `unproven` and has no accuracy. Comments in an unknown language are read by their emoji, and have no class without one.
    The same comments give the same answer.
    """
    texts = plain(comments)
    given: Labels = np.array([label if label in CLASSES else UNKNOWN for label in labels], dtype=object)
    tongues = np.array([one if isinstance(one, str) else UNKNOWN for one in languages], dtype=object)
    found = Sentiment(
        np.full(len(texts), UNKNOWN, object),
        np.full(len(texts), np.nan),
        np.full(len(texts), UNKNOWN, object),
        _proofs([]),
    )
    written = np.array([bool(text) for text in texts], dtype=bool)
    rows = []
    for language in sorted(set(tongues[written].tolist())):
        mine = np.flatnonzero((tongues == language) & written)
        rows.append(_read([texts[i] for i in mine.tolist()], language, given[mine], mine, found))
    return Sentiment(found.classes, found.scores, found.by, _proofs(rows))


def said(proof: pd.Series) -> Text:
    """One sentence for one row of `proofs`: how this language was read, and how well."""
    if proof["unproven"]:
        return Text(N_("Read by a list of words, unproven: too few comments come with a score to check it."))
    values = {"right_share": proof["accuracy"], "low_share": proof["accuracy_low"], "high_share": proof["accuracy_high"],
              "majority_share": proof["majority_accuracy"], "n": int(proof["n"])}  # fmt: skip
    one, many = NP_(
        "Agrees with the score of the customer in {right_share} of {n} comment ({low_share} to {high_share}); "
        "always the most frequent answer would in {majority_share}.",
        "Agrees with the score of the customer in {right_share} of {n} comments ({low_share} to {high_share}); "
        "always the most frequent answer would in {majority_share}.",
    )
    return Text(one, values, many, int(proof["n"]))


def _read(
    texts: list[str], language: str, labels: Labels, rows: NDArray[np.intp], found: Sentiment
) -> dict[str, object]:
    """Read the comments of one language into `found`, and give the row of its proof."""
    judged = learn(texts, labels)
    tested = judged.rows if judged else np.flatnonzero(labels != UNKNOWN)
    of_list = agreement(labels[tested], _sided(list_scores([texts[i] for i in tested.tolist()], language)[0]))
    of_own = agreement(labels[tested], _likeliest(judged.chances)) if judged else None
    if judged and of_own and of_own.macro_f1 >= of_list.macro_f1:
        chances = _of_all(judged, texts)
        method, classes, scores = OWN, _likeliest(chances), chances[:, -1] - chances[:, 0]
    else:
        scores, known = list_scores(texts, language)
        nothing = (known == 0) & (language == UNKNOWN)
        method, classes, scores = LIST, np.where(nothing, UNKNOWN, _sided(scores)), np.where(nothing, np.nan, scores)
    found.classes[rows], found.scores[rows] = classes, scores
    found.by[rows] = np.where(classes == UNKNOWN, UNKNOWN, method)
    counted = {
        "language": language,
        "comments": len(texts),
        "labelled": int(np.sum(labels != UNKNOWN)),
        "method": method,
    }
    return counted | _proof(method, of_own, of_list, labels[tested])


def _of_all(judged: Judged, texts: list[str]) -> Chances:
    """The chances of every comment: of a text that was learnt from, those that the others gave it."""
    codes, distinct = pd.factorize(np.array(texts, dtype=object))
    chances = np.empty((len(distinct), len(ORDER)))
    learnt = np.zeros(len(distinct), bool)
    chances[codes[judged.rows]] = judged.chances  # one text is in one part, so all of its rows have the same
    learnt[codes[judged.rows]] = True
    chances[~learnt] = judged.learnt.chances([distinct[i] for i in np.flatnonzero(~learnt).tolist()])
    return chances[codes]


def _likeliest(chances: Chances) -> Labels:
    likeliest: Labels = np.array(ORDER, dtype=object)[chances.argmax(axis=1)]
    return likeliest


def _sided(scores: NDArray[np.float64]) -> Labels:
    return np.where(scores >= SIDE, POSITIVE, np.where(scores <= -SIDE, NEGATIVE, NEUTRAL)).astype(object)


def _proof(method: str, of_own: Agreement | None, of_list: Agreement, tested: Labels) -> dict[str, object]:
    """How well the chosen method did, beside the other one and the most frequent label; nothing of few comments."""
    chosen = of_own if method == OWN and of_own else of_list
    if chosen.n < LEAST_PROVEN:
        return {"n": chosen.n, "unproven": True}
    row: dict[str, object] = {name: getattr(chosen, name) for name in chosen.__dataclass_fields__} | {"unproven": False}
    for name, one in ((OWN, of_own), (LIST, of_list)):
        row |= {f"{name}_accuracy": one.accuracy, f"{name}_macro_f1": one.macro_f1} if one else {}
    return row | {"majority_accuracy": max(int(np.sum(tested == name)) for name in CLASSES) / chosen.n}


def _proofs(rows: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(PROOF_COLUMNS))
    kinds = dict.fromkeys(PROOF_COLUMNS, "float64") | {"language": "object", "method": "object", "unproven": "bool"}
    frame = frame.astype(kinds | dict.fromkeys(("comments", "labelled", "n"), "int64"))
    return frame.sort_values(["comments", "language"], ascending=[False, True], ignore_index=True)
