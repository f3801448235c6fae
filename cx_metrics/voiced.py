"""What people wrote: how they feel, and what they write about. Counts what was read in their comments on arrival."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from cx_metrics import intervals
from cx_metrics.groups import how_many
from cx_metrics.registry import Measure, metric
from cx_metrics.tables import HEARD
from cx_metrics.tallies import times_of
from cx_metrics.texts import N_

COMMENTS = Measure(N_("Comments"), "count", meaning=N_("answers with words of the customer's own"))
READ = Measure(
    N_("Comments with a known feeling"), "count", meaning=N_("comments that are negative, neutral or positive")
)
NEGATIVE = Measure(N_("Negative"), "count", meaning=N_("comments read as negative"))
NEUTRAL = Measure(N_("Neutral"), "count", meaning=N_("comments read as neutral"))
POSITIVE = Measure(N_("Positive"), "count", meaning=N_("comments read as positive"))
NEGATIVE_SHARE = Measure(
    N_("Negative share"), "share", n="read", interval="wilson", higher_is_better=False,
    meaning=N_("negative comments / comments read; how often the reading is right stands beside it, by language"),
)  # fmt: skip
POSITIVE_SHARE = Measure(
    N_("Positive share"), "share", n="read", interval="wilson", higher_is_better=True,
    meaning=N_("positive comments / comments read"),
)  # fmt: skip
SCORE = Measure(
    N_("Mean score"), "share", n="scored", interval="Student t", higher_is_better=True,
    meaning=N_("mean of the scores given with the comments, from 0 (worst) to 1 (best)"),
)  # fmt: skip
SCORED = Measure(N_("With a score"), "count", meaning=N_("comments with a valid score beside them"))

READ_BY = ("comment_words", "sentiment")  # what comments are counted by


def _pm(measure: str) -> list[str]:
    """A measure and its interval."""
    return [measure, f"{measure}_low", f"{measure}_high"]


def finish_sentiment(frame: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Add negative_share and positive_share with their intervals."""
    frame = intervals.add_share(frame, "negative_share", "negative", "read", confidence)
    return intervals.add_share(frame, "positive_share", "positive", "read", confidence)


@metric(
    title=N_("Sentiment of comments"),
    unit=N_("share of comments"),
    denominator=N_("comments whose feeling could be read"),
    inputs=("surveys",),
    finish=finish_sentiment,
    tallied=True,
    tallied_by=READ_BY,
    source="TF-IDF of character n-grams with a linear classifier learnt from the scores beside the comments, or a list of words",
    measures={
        "comments": COMMENTS, "read": READ, "negative": NEGATIVE, "neutral": NEUTRAL, "positive": POSITIVE,
        "negative_share": NEGATIVE_SHARE, "positive_share": POSITIVE_SHARE,
    },
)  # fmt: skip
def sentiment(surveys: ibis.Table, by: tuple[str, ...] = ()) -> ibis.Table:
    """How do people feel about what they write of?

    One row per group of `by`: comments, read (those with a feeling), negative, neutral, positive, negative_share and
    positive_share with their intervals. The feeling of each comment was read when the file came in: by a classifier learnt from
    the dataset's own scored comments where they are enough and it does better, else by a list of words; the intervals are about
    which comments were drawn, not about misreadings. A group without comments has no row.
    """
    s = _read(surveys)
    return s.aggregate(by=list(by), **_counts(s)).order_by([*by, "comments"])


THEME_COLUMNS = [
    "comments", "of", *_pm("share"), "read", "negative", "neutral", "positive", *_pm("negative_share"), *_pm("positive_share"),
    "scored", *_pm("mean_score"),
]  # fmt: skip


def finish_themes(frame: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Add the share of each theme, the mean of its scores, and how its comments feel."""
    frame = intervals.add_share(frame, "share", "comments", "of", confidence)
    frame = finish_sentiment(frame, confidence=confidence)
    n, mean = frame["scored"], intervals.ratio(frame["score_sum"], frame["scored"])
    spread = intervals.ratio(frame["score_squares"] - n * mean**2, n - 1)
    low, high = intervals.mean_t(mean, np.sqrt(np.maximum(spread, 0)), n, confidence)
    frame = frame.assign(mean_score=mean, mean_score_low=np.maximum(low, 0), mean_score_high=np.minimum(high, 1))
    own = list(frame.columns[: frame.columns.get_loc("comments")])
    return frame[[*own, *THEME_COLUMNS]]


@metric(
    title=N_("Themes of comments"),
    unit=N_("share of comments"),
    denominator=N_("comments in the group"),
    inputs=("surveys",),
    finish=finish_themes,
    groups=("theme",),
    tallied=True,
    tallied_by=(*READ_BY, "theme"),
    source="Lee & Seung (1999), Nature 401 (non-negative matrix factorisation), over TF-IDF",
    measures={
        "comments": COMMENTS,
        "of": Measure(N_("All comments"), "count", meaning=N_("all comments of the group, whatever they are about")),
        "share": Measure(
            N_("Share"), "share", n="of", interval="wilson", meaning=N_("comments about the theme / all comments of the group")
        ),
        "read": READ, "negative": NEGATIVE, "neutral": NEUTRAL, "positive": POSITIVE,
        "negative_share": NEGATIVE_SHARE, "positive_share": POSITIVE_SHARE, "scored": SCORED, "mean_score": SCORE,
    },
)  # fmt: skip
def themes(surveys: ibis.Table, by: tuple[str, ...] = ()) -> ibis.Table:
    """What do people write about?

    One row per theme and group of `by`: comments about the theme, of (all comments of the group), share with its interval, how they
    feel (as in `sentiment`), and mean_score, the mean of the scores given with them as a share of their scale. A comment has one
    theme or none; those with none are the row without a name. Themes with most comments stand first.
    """
    s = _read(surveys)
    way = (s.score - s.scale_low) / (s.scale_high - s.scale_low)
    s = s.mutate(
        _well=ibis.ifelse(
            s.score_status == "valid", ibis.ifelse(s.higher_is_better, way, 1 - way), ibis.null("float64")
        )
    )
    times = times_of(s)
    counted = s.aggregate(
        by=[*by, "theme"],
        **_counts(s),
        scored=how_many(s._well.notnull(), times),
        score_sum=(times * s._well).sum().fill_null(0.0),
        score_squares=(times * s._well * s._well).sum().fill_null(0.0),
    )
    whole = ibis.window(group_by=list(by)) if by else ibis.window()
    counted = counted.mutate(of=counted.comments.sum().over(whole))
    return counted.order_by([*by, ibis.desc("comments"), "theme"])


def _read(surveys: ibis.Table) -> ibis.Table:
    """The answers with words, and what was read in them; none where nothing was read when the answers came in."""
    unread = {name: ibis.null(kind) for name, kind in HEARD.items() if name not in surveys.columns}
    return surveys.mutate(**unread).filter(lambda s: s.comment_words.notnull())


def _counts(s: ibis.Table) -> dict[str, ibis.Value]:
    times, known = times_of(s), s.sentiment.notnull()
    return {
        "comments": how_many(s.comment_words.notnull(), times), "read": how_many(known, times),
        **{name: how_many(known & (s.sentiment == name), times) for name in ("negative", "neutral", "positive")},
    }  # fmt: skip
