"""Findings about what people did before and after their answer: where the unhappy go that the happy do not.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.findings import MIN_SHARE
from cx_metrics.groups import OTHER
from cx_metrics.texts import N_, Text

NEXT, LAST, NOTHING, ALIKE = "next", "last", "nothing", "alike"
OF_NPS = {
    NEXT: N_("{unhappy_share} of detractors go to {touchpoint} next, and {happy_share} of promoters"),
    LAST: N_("{unhappy_share} of detractors come from {touchpoint}, and {happy_share} of promoters"),
    NOTHING: N_("{unhappy_share} of detractors do nothing after their answer, and {happy_share} of promoters"),
    ALIKE: N_("Detractors and promoters do the same around their answer, within chance"),
}
OF_OTHERS = {
    NEXT: N_("{unhappy_share} of the unhappy go to {touchpoint} next, and {happy_share} of the happy"),
    LAST: N_("{unhappy_share} of the unhappy come from {touchpoint}, and {happy_share} of the happy"),
    NOTHING: N_("{unhappy_share} of the unhappy do nothing after their answer, and {happy_share} of the happy"),
    ALIKE: N_("The unhappy and the happy do the same around their answer, within chance"),
}


def around(frame: pd.DataFrame, score: str) -> Text:
    """What sets the unhappy apart from the happy: what they do next, whether they do anything, where they come from; in this
    order, of what is beyond chance. `frame`: rows of `around_answers`."""
    sentences = OF_NPS if score == "nps" else OF_OTHERS
    if not len(frame) or int(frame[["all_unhappy", "all_happy"]].iloc[0].min()) < MIN_SHARE:
        return Text(N_("Too few answers to compare what people did around them"))
    near = frame[(frame["place"] == 1) & frame["flagged"].astype(bool)]
    named = near["touchpoint"].notna() & (near["touchpoint"] != OTHER)
    after = near["side"] == "after"
    for kind, rows in ((NEXT, near[after & named]), (NOTHING, near[after & near["touchpoint"].isna()]),
                       (LAST, near[~after & named])):  # fmt: skip
        if len(rows):
            return Text(sentences[kind], _values(rows.iloc[int(rows["difference"].abs().argmax())]))
    return Text(sentences[ALIKE])


def _values(row: Any) -> dict[str, Any]:
    found = {"unhappy_share": float(row["unhappy_share"]), "happy_share": float(row["happy_share"])}
    return found | ({"touchpoint": str(row["touchpoint"])} if isinstance(row["touchpoint"], str) else {})
