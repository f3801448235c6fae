"""Where touchpoints belong: those without a stage by their weight, and the rows of each touchpoint by stage."""

from __future__ import annotations

import pandas as pd

from cx_metrics.charts.heatmap import draw_heatmap
from cx_metrics.texts import N_, NP_, Text
from pages.parts import cache, figure
from pages.parts.figure import Explain
from pages.parts.page import Page

MOST_TOUCHPOINTS = 20  # rows of the matrix
MOST_UNMAPPED = 10
UNMAPPED = N_(
    "Names that neither the file nor the dictionary gives a stage, with their loaded rows and the share of all rows."
)
MATRIX = N_("Loaded rows, counted by touchpoint and by the stage that the file or the dictionary gives each row.")


def show(page: Page) -> None:
    """Names without a stage, the heaviest first; then touchpoint by stage."""
    frame = cache.places(page.version)
    if not len(frame):
        return
    _unmapped(page, frame)
    _matrix(page, frame)


def _unmapped(page: Page, frame: pd.DataFrame) -> None:
    """What no dictionary and no file gives a stage, and how much of the data it is."""
    names = cache.names(page.version)
    lost = names[names["stage"].isna()]
    without = frame[frame["stage"].isna()]
    rows, total = int(without["rows"].sum()), int(frame["rows"].sum())
    if not rows or not len(lost):
        return
    one, many = NP_("{touchpoints_share} of the touchpoints have no stage: {rows} row",
                    "{touchpoints_share} of the touchpoints have no stage: {rows} rows")  # fmt: skip
    title = Text(one, {"touchpoints_share": rows / total, "rows": rows}, many, rows)
    heads = [Text(N_("Name in the file")), Text(N_("Rows")), Text(N_("Of all touchpoints"))]
    largest = float(lost["rows"].max()) / total
    caption = [Text(N_("give them a stage in the list below"))]
    if len(lost) > MOST_UNMAPPED:
        caption.append(Text(N_("the {shown} most frequent of {n} names"), {"shown": MOST_UNMAPPED, "n": len(lost)}))
    with figure.card("unmapped", title, Text(N_("Names without a stage, by weight")), caption,
                     Explain(Text(UNMAPPED), lost, "names-without-stage")):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [m.strong(r.raw_touchpoint), m.number(r.rows), m.share_bar(r.rows / total, largest)]
            for r in lost.head(MOST_UNMAPPED).itertuples()
        ], numeric=(1,)))  # fmt: skip


def _matrix(page: Page, frame: pd.DataFrame) -> None:
    """The rows of each touchpoint by stage: a touchpoint in two stages means several things, or is a slip."""
    touchpoints = list(dict.fromkeys(frame["touchpoint"]))
    several = len(set(frame.loc[frame["stages"] > 1, "touchpoint"]))
    title = Text(N_("Every touchpoint belongs to one stage"))
    if several:
        one, many = NP_("{n} touchpoint stands in more than one stage", "{n} touchpoints stand in more than one stage")
        title = Text(one, {"n": several}, many, several)
    shown = touchpoints[:MOST_TOUCHPOINTS]
    none = page.reader.say(N_("no stage"))
    cells = frame[frame["touchpoint"].isin(shown)].assign(
        group=lambda f: [none if pd.isna(s) else page.stage(s) for s in f["stage"]]
    )
    there = set(cells["group"])
    order = [name for name in (*(page.stage(s) for s in page.facts.stages), *cells["group"], none) if name in there]
    caption = [page.counted("touchpoints", int(cells["rows"].sum()))]
    if len(touchpoints) > len(shown):
        most = {"shown": len(shown), "n": len(touchpoints)}
        caption.append(Text(N_("the {shown} most frequent of {n} touchpoints"), most))
    with figure.card("matrix", title, Text(N_("Rows by touchpoint and stage")), caption,
                     Explain(Text(MATRIX), frame, "touchpoints-by-stage")):  # fmt: skip
        figure.altair(
            lambda who: draw_heatmap(cells, who, "touchpoint", "group", "rows", domain=(0, float(cells["rows"].max())),
                                     rows=shown, columns=list(dict.fromkeys(order))),
            title, key="matrix", wide=True,
        )  # fmt: skip
