"""One sentence about what people wrote: which theme stands out, how they feel, how far the reading can be trusted."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.findings import counted
from cx_metrics.heard import LanguageHeard
from cx_metrics.texts import N_, NP_, Text

ENOUGH = 10  # comments of a theme whose feeling is spoken of
PROVEN = NP_(
    "{language}: feeling agrees with the score in {right_share} of {n} comment ({low_share} to {high_share}; the most frequent "
    "answer alone: {majority_share})",
    "{language}: feeling agrees with the score in {right_share} of {n} comments ({low_share} to {high_share}; the most frequent "
    "answer alone: {majority_share})",
)
UNPROVEN = N_("{language}: feeling read by a list of words, unproven: too few comments with a score to check it")


def themes(frame: pd.DataFrame) -> Text:
    """The theme that people feel worst about, or the one they write of most. `frame`: rows of `themes` that have a theme."""
    known = frame[frame["read"] >= ENOUGH]
    if not len(known):
        return Text(N_("There are too few comments on each theme to compare them"))
    worst, rest = most_negative(known), known["negative"].sum() / known["read"].sum()
    values = {"theme": str(worst["theme"]), "negative_share": float(worst["negative_share"])}
    if len(known) > 1 and worst["negative_share_low"] > rest:
        return Text(
            N_("{theme}: {negative_share} of comments about it are negative, more than about anything else"), values
        )
    most = known.sort_values(["comments", "theme"], ascending=[False, True]).iloc[0]
    return Text(N_("People write most about {theme}: {of_share} of all comments"),
                {"theme": str(most["theme"]), "of_share": float(most["share"])})  # fmt: skip


def most_negative(frame: pd.DataFrame) -> pd.Series[Any]:
    """The row of the theme with the largest negative share, of those with enough comments; the largest of equals by name."""
    known = frame[frame["read"] >= ENOUGH]
    ranked = (known if len(known) else frame).sort_values(
        ["negative_share", "comments", "theme"], ascending=[False, False, True]
    )
    return ranked.iloc[0]


def theme_at(frame: pd.DataFrame, place: str) -> Text:
    """The theme that people feel worst about, and where. `frame`: rows of `themes` by a place that is named in `place`."""
    known = frame[frame["read"] >= ENOUGH]
    if not len(known):
        return Text(N_("There are too few comments on each theme to compare them"))
    worst = most_negative(known)
    shown = {"theme": str(worst["theme"]), "place": str(worst[place]), "negative_share": float(worst["negative_share"])}
    return Text(N_("People feel worst about {theme} at {place}: {negative_share} of comments are negative"), shown)


def feelings(frame: pd.DataFrame) -> Text:
    """How people feel on the whole. `frame`: one row of `sentiment`."""
    row = frame.iloc[0]
    n = int(row["read"])
    one, many = NP_(
        "{negative_share} of {n} comment is negative, {positive_share} positive",
        "{negative_share} of {n} comments are negative, {positive_share} positive",
    )
    return counted(
        one, many, n, n=n, negative_share=float(row["negative_share"]), positive_share=float(row["positive_share"])
    )


def proof(one: LanguageHeard, language: Text | str) -> Text:
    """How far the feeling read in comments of a language can be trusted."""
    if one.unproven or one.accuracy is None:
        return Text(UNPROVEN, {"language": language})
    single, many = PROVEN
    return counted(
        single, many, one.judged, language=language, n=one.judged, right_share=one.accuracy, low_share=one.accuracy_low,
        high_share=one.accuracy_high, majority_share=one.majority_accuracy,
    )  # fmt: skip


def loudest(frame: pd.DataFrame, place: str) -> pd.DataFrame:
    """Of each place the theme with most comments there; ties by name. `frame`: rows of `themes` by a place."""
    known = frame[frame["theme"].notna() & frame[place].notna() & (frame["comments"] > 0)]
    ranked = known.sort_values(["comments", "theme"], ascending=[False, True], kind="stable")
    return ranked.drop_duplicates(place)


def loudest_at(loud: pd.DataFrame, place: str) -> Text:
    """Of the loudest themes of all places, the one that people feel worst about. `loud`: rows of `loudest`, named in `place`."""
    known = loud[loud["read"] >= ENOUGH]
    if not len(known):
        return Text(N_("There are too few comments on each theme to compare them"))
    worst = most_negative(known)
    shown = {"theme": str(worst["theme"]), "place": str(worst[place]), "negative_share": float(worst["negative_share"])}
    return Text(N_("At {place}, people write most about {theme}: {negative_share} of it is negative"), shown)


def loudest_of_all(frame: pd.DataFrame, at: pd.DataFrame, place: str) -> Text:
    """What people write about most, how they feel about it, and where they write of it most. `frame`: rows of `themes`; `at`: the
    same by a place that is named in `place`; without rows where no place is known."""
    known = frame[frame["theme"].notna() & (frame["comments"] > 0)]
    if not len(known):
        return Text(N_("There are no themes in the comments of this view"))
    top = known.sort_values(["comments", "theme"], ascending=[False, True], kind="stable").iloc[0]
    values: dict[str, Any] = {"theme": str(top["theme"])}
    if int(top["read"]) < ENOUGH:
        return Text(N_("People write most about {theme}"), values)
    values["negative_share"] = float(top["negative_share"])
    where = where_most(at, top["theme"], place) if len(at) else None
    if where is None:
        return Text(N_("People write most about {theme}: {negative_share} of it is negative"), values)
    values["place"] = where
    return Text(
        N_("People write most about {theme}, most often at {place}: {negative_share} of it is negative"), values
    )


def where_most(at: pd.DataFrame, theme: object, place: str) -> str | None:
    """Where people write most of a theme; ties by name. `at`: rows of `themes` by a place that is named in `place`."""
    where = at[(at["theme"] == theme) & at[place].notna()]
    first = where.sort_values(["comments", place], ascending=[False, True], kind="stable").head(1)
    return str(first[place].iloc[0]) if len(first) else None


def said_of_themes(differences: pd.DataFrame, step: str) -> Text:
    """What those who were lost write about more often than those who came through. `differences`: shares of themes."""
    known = differences[differences["p_value"].notna()]
    flagged = known[known["flagged"]]
    if flagged.empty:
        return Text(N_("Those lost before {step} write about the same as the others, within chance"), {"step": step})
    top = flagged.sort_values("p_value", kind="stable").iloc[0]
    values = {
        "step": step,
        "theme": str(top["theme"]),
        "lost_share": float(top["value_a"]),
        "other_share": float(top["value_b"]),
    }
    return Text(
        N_("{theme}: {lost_share} of comments of those lost before {step}, {other_share} of the others"), values
    )
