"""What a score says about the comment beside it: the label that sentiment is learnt from and judged by."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cx_metrics.texts import N_

NEGATIVE, NEUTRAL, POSITIVE, UNKNOWN = "negative", "neutral", "positive", ""
CLASSES = {NEGATIVE: N_("negative"), NEUTRAL: N_("neutral"), POSITIVE: N_("positive")}  # in order; the names on screen

Labels = NDArray[np.object_]  # one of CLASSES, or UNKNOWN

NPS_NEUTRAL, NPS_POSITIVE = 7, 9  # detractors 0-6, passives 7-8, promoters 9-10
BOXES = 2  # at each end of a scale
MOST_BOXES = 11  # a longer scale (0-100) is cut into five equal parts, read as five boxes
PARTS = 5


def label_of(
    score: ArrayLike, scale_low: ArrayLike, scale_high: ArrayLike, higher_is_better: ArrayLike, survey_type: ArrayLike
) -> Labels:
    """Does this score say negative, neutral or positive?

    Arrays of one length, or single values for all; one label a score. NPS: 0-6 negative, 7-8 neutral, 9-10 positive. Every
    other scale: the lowest two boxes negative, the top two positive, what lies between neutral; of two or three boxes the
    lowest one and the top one; of four boxes none lies between. A scale of more than 11 boxes (0-100) is cut into five
    equal parts: the lowest two negative, the top two positive. A score between two boxes belongs to neither end. Where a
    lower score is better (some effort questions), the ends change places.

    "" where there is no score, no scale, or a score outside of it. NPS without a scale runs from 0 to 10.

    >>> label_of([0, 6, 7, 9], 0, 10, True, "nps").tolist()
    ['negative', 'negative', 'neutral', 'positive']
    >>> label_of([1, 3, 5, 6], 1, 5, True, "csat").tolist()
    ['negative', 'neutral', 'positive', '']
    """
    found = np.broadcast_arrays(
        np.asarray(score, dtype=float), np.asarray(scale_low, dtype=float), np.asarray(scale_high, dtype=float),
        np.asarray(higher_is_better, dtype=bool), np.asarray(survey_type, dtype=object),
    )  # fmt: skip
    scores, lows, highs, upward, kinds = found
    nps = kinds == "nps"
    lows = np.where(nps & np.isnan(lows), 0.0, lows)
    highs = np.where(nps & np.isnan(highs), 10.0, highs)
    boxes = highs - lows + 1
    deep = np.where(boxes > MOST_BOXES, (highs - lows) * BOXES / PARTS, np.minimum(BOXES, boxes // 2) - 1)
    low, high = scores <= lows + deep, scores >= highs - deep
    low, high = np.where(nps, scores < NPS_NEUTRAL, low), np.where(nps, scores >= NPS_POSITIVE, high)
    low, high = np.where(upward | nps, low, high), np.where(upward | nps, high, low)
    usable = (scores >= lows) & (scores <= highs) & (highs > lows)
    labels: Labels = np.where(low, NEGATIVE, np.where(high, POSITIVE, NEUTRAL)).astype(object)
    return np.where(usable, labels, UNKNOWN)
