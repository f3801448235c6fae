"""Findings about two views side by side: the difference that stands out most, or that none does.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cx_metrics.registry import Measure
from cx_metrics.texts import N_, Text

IN_SHARES = {
    False: N_("{what}: {a_share} in A against {b_share} in B"),
    True: N_("{what}, {measure}: {a_share} in A against {b_share} in B"),
}
IN_NUMBERS = {
    False: N_("{what}: {a} in A against {b} in B"),
    True: N_("{what}, {measure}: {a} in A against {b} in B"),
}


def strongest(frame: pd.DataFrame, measures: Mapping[str, Measure], several: bool) -> Text:
    """The flagged row that differs most, see `largest`. `frame`: rows of `differences` with `what`, the name of each row;
    `several`: the rows are about more than one measure, so the sentence says which."""
    tested = frame[frame["p_value"].notna()]
    if tested.empty:
        return Text(N_("There is nothing to compare"))
    flagged = tested[tested["flagged"]]
    if flagged.empty:
        return Text(N_("No difference between A and B is larger than chance allows"))
    top = largest(flagged, 1).iloc[0]
    measure = measures[str(top["measure"])]
    values: dict[str, object] = {"what": str(top["what"])} | ({"measure": Text(measure.title)} if several else {})
    a, b = float(top["value_a"]), float(top["value_b"])
    if measure.unit == "share":
        words = IN_SHARES[several]
        return Text(words, values | {"a_share": a, "b_share": b})
    if measure.unit == "points":
        return Text(IN_NUMBERS[several], values | {"a": round(a), "b": round(b)})
    return Text(IN_NUMBERS[several], values | {"a": round(a, 1), "b": round(b, 1)})


def largest(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """The rows that differ most, those beyond chance first: of one measure by size, of several, which have no size in common, by
    p-value. Ties in the order of the frame."""
    by_size = frame["measure"].nunique() <= 1
    place = -frame["difference"].abs() if by_size else frame["p_value"].fillna(2)
    order = frame.assign(within=~frame["flagged"], place=place)
    return order.sort_values(["within", "place"], kind="stable").head(most).drop(columns=["within", "place"])
