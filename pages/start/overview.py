"""How is the experience now, and what changed?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics import findings
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from cx_metrics.view import View
from pages.parts import cache, changed, echoes, figure, scores, trends
from pages.parts.figure import Explain
from pages.parts.markup import Words
from pages.parts.page import Page, run
from pages.parts.strips import Stage, Tile

SCORES = {  # score: share, decimals, unit of a change
    "nps": (False, 0, "pts"),
    "csat": (True, 0, "pt"),
    "ces": (False, 1, "pts"),
}
PERIODS = 9  # of a spark line


def show(page: Page) -> None:
    """Flags, tiles, what changed and where, the stage strip, the trend of the score with dated changes, the rules of the flags."""
    if page.has("touchpoints") and not page.people.get("touchpoints"):
        page.open(Text(N_("Nobody is left in this view")))
        page.nobody()
        return
    asked, problems = scores.ask(page)
    conversion = page.ask("conversion") if page.has("touchpoints") and page.has_goal() else None
    frames = {name: result.frame for name, result in asked.items()}
    page.open(findings.overview(
        frames.get("nps"), conversion.frame if conversion else None, frames.get("csat"), page.people.get("customers", 0),
        frames.get("ces"), page.people.get("responses", 0),
    ))  # fmt: skip
    scores.say(problems)
    scores.say_unlinked(page)
    if not page.has("touchpoints") and not page.people.get("answers") and scores.narrowed(page.view):
        page.nobody()
        return
    flags = changed.raised(page, asked)
    changed.say_flags(flags)
    figure.html(lambda m: m.tiles(tiles(page, asked, conversion)))
    unit = "customers" if page.has("touchpoints") else "responses"
    words = [Text(N_("95% intervals")), *against(page)]
    page.explain_tiles(page.caption(unit, words), explanations(page, asked, conversion))
    with page.part():
        changed.draw_movers(page)
    if page.has("touchpoints"):
        draw_stages(page)
    draw_trend_of_score(page, frames)
    with page.part():
        echoes.draw_in_short(page)
    changed.draw_flags(page, flags)


def against(page: Page) -> list[Text]:
    """Which days a change is against, and when it is coloured; nothing where nobody compares."""
    before = page.view.compared()
    if before is None or not before.first_day or not before.last_day:
        return []
    days = page.reader.dates(before.first_day, before.last_day)
    return [Text(N_("change against {days}, coloured where the intervals lie apart"), {"days": days})]


def tiles(page: Page, asked: dict[str, Result], conversion: Result | None) -> list[Tile]:
    """One tile per number there is, with its interval, n, change and last months."""
    shown: list[Tile] = []
    if page.has("touchpoints"):
        now = page.people["customers"]
        before = _before(page)
        was = cache.people(page.version, before).get("customers", 0) if before else 0
        counts = page.ask("conversion", by=["month"]).frame["customers"] if page.has_goal() and page.facts.timed else ()
        shown.append(Tile(Text(N_("Customers")), now, moved=findings.growth(now, was), moved_unit="%",
                          higher_is_better=None, periods=list(counts)[-PERIODS:]))  # fmt: skip
    if conversion is not None:
        label = Text(N_("Conversion"))
        shown.append(_tile(page, "conversion", "conversion_rate", label, True, 1, "pt", "customers", True))
    else:
        shown += [] if page.has("touchpoints") else [Tile(Text(N_("Responses")), page.people.get("responses", 0))]
    for name, result in asked.items():
        share, decimals, unit = SCORES[name]
        better = bool(result.frame.iloc[0]["higher_is_better"]) if name == "ces" else True
        label = scores.label(name, result.frame)
        shown.append(_tile(page, name, name, label, share, decimals, unit, "responses", better))
    if conversion is not None and page.facts.timed:
        shown.append(_time_tile(page))
    return shown


def explanations(page: Page, asked: dict[str, Result], conversion: Result | None) -> list[tuple[Words, Explain]]:
    """How each tile is counted, in their order."""
    unit = "customers" if page.has("touchpoints") else "responses"
    label = Text(N_("Customers") if page.has("touchpoints") else N_("Responses"))
    people: list[tuple[Words, Explain]] = [(label, page.explain_people(unit))]
    shown: list[tuple[Words, Explain]] = people if page.has("touchpoints") or conversion is None else []
    if conversion is not None:
        shown.append((Text(N_("Conversion")), page.explain(conversion, ("conversion_rate",))))
    shown += [(scores.label(name, result.frame), page.explain(result, (name,))) for name, result in asked.items()]
    if conversion is not None and page.facts.timed:
        times = page.ask("time_to_goal")
        shown.append((Text(N_("Median days to goal")), page.explain(times, ("median_seconds",))))
    return shown


def _tile(
    page: Page, metric: str, measure: str, label: Text, share: bool, decimals: int, unit: str, n: str, better: bool
) -> Tile:
    row = page.ask(metric).frame.iloc[0]
    was = _was(page, metric)
    moved = findings.change(row, was, measure)
    sure = was is not None and len(was) > 0 and findings.stands_out(row, was.iloc[0], measure)
    series = page.ask(metric, by=["month"]).frame[measure] if page.facts.first_day else ()
    return Tile(label, float(row[measure]), row[f"{measure}_low"], row[f"{measure}_high"], int(row[n]), decimals, share,
                moved, unit, better if sure else None, list(series)[-PERIODS:])  # fmt: skip


def _time_tile(page: Page) -> Tile:
    result = page.ask("time_to_goal").frame
    row: Any = result.iloc[0] if len(result) else {"median_seconds": None, "customers": 0}
    was = _was(page, "time_to_goal")
    moved = _days(findings.change(row, was, "median_seconds"))
    low, high = (row.get(f"median_seconds_{end}") for end in ("low", "high"))
    sure = was is not None and len(was) > 0 and findings.stands_out(row, was.iloc[0], "median_seconds")
    return Tile(Text(N_("Median days to goal")), _days(row["median_seconds"]), _days(low), _days(high), int(row["customers"]), 1,
                moved=moved, moved_unit="days", higher_is_better=False if sure else None)  # fmt: skip


def _days(seconds: Any) -> float | None:
    return None if seconds is None or pd.isna(seconds) else float(seconds) / 86_400


def _before(page: Page) -> View | None:
    return page.view.compared()


def _was(page: Page, metric: str) -> pd.DataFrame | None:
    """The metric in the period before; None where nobody compares, or it could not be counted then."""
    before = _before(page)
    result = scores.attempt(page, metric, view=before)[0] if before else None
    return result.frame if result else None


def draw_stages(page: Page) -> None:
    """The stage strip: who reaches each stage, what they say there, which share goes on."""
    engagement = page.ask("stage_engagement")
    known = engagement.frame[engagement.frame["stage"].notna()]
    scored: dict[str, Any] = {}
    if page.has("surveys") and "stage" in page.columns("surveys"):
        said_there, _why = scores.attempt(page, "csat", by=["stage"])
        rows = said_there.frame.itertuples() if said_there else ()
        scored = {row.stage: row for row in rows if row.responses}
    was = _was(page, "stage_engagement")
    strip = []
    for row in known.itertuples():
        said = scored.get(row.stage)
        score, n = (said.csat, said.responses) if said else (None, None)
        name = page.stage(row.stage)
        then = None if was is None else was[was["stage"] == row.stage]
        moved = findings.change(row._asdict(), then, "next_stage_rate")
        sure = (
            then is not None and len(then) > 0 and findings.stands_out(row._asdict(), then.iloc[0], "next_stage_rate")
        )
        strip.append(
            Stage(name, int(row.customers), row.next_stage_rate, moved, score, n, "CSAT", True, True if sure else None)
        )
    if not strip:
        return
    with page.card(
        "stages", findings.stages(known), Text(N_("Customers reached per stage, and the share who go on")), engagement,
        page.caption("customers", [Text(N_("next-stage rate: reached the stage and later a later stage")), *against(page)]),
        ("customers", "reach", "next_stage_rate"),
    ):  # fmt: skip
        figure.html(lambda m: m.stage_strip(strip))


def draw_trend_of_score(page: Page, frames: dict[str, pd.DataFrame]) -> None:
    """The trend of the main score with dated changes, if answers have dates."""
    name = next(iter(frames), None)
    if name is None or "answered_at" not in page.columns("surveys"):
        return
    label, measure, (share, decimals, _unit) = scores.label(name, frames[name]), name, SCORES[name]
    monthly = page.ask(name, by=["month"])
    frame = monthly.frame[monthly.frame["month"].notna()]
    finding = findings.trend(frame, measure, label)
    with page.card(
        "trend", finding, Text(N_("{measure} by month with its interval"), {"measure": label}), monthly,
        page.caption("responses", [Text(N_("by date of answer")), *trends.dashed(page),
                                   Text(N_("hollow points: fewer than 30 answers"))], int(frame["responses"].sum())),
        (measure, "responses"),
    ):  # fmt: skip
        trends.draw(page, frame, "month", measure, "responses", finding, "trend", share=share, decimals=decimals)


run(show, N_("Overview"), N_("How is the experience now, and what changed?"))
