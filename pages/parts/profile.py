"""The profile of one touchpoint: which one, its numbers, what lies around it in the journey, and what is said there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings, findings_profile, findings_words
from cx_metrics.charts.bars import draw_bars
from cx_metrics.charts.curves import draw_curves
from cx_metrics.engagement import MEASURES
from cx_metrics.run import Result
from cx_metrics.segments import condition_of, print_condition
from cx_metrics.texts import N_, Text
from cx_metrics.view import Filter, Member, View
from pages.parts import cache, engagement, figure, flow_rules, scores, state, trends, view_words, words
from pages.parts.markup import Markup, Words
from pages.parts.page import Page
from pages.parts.strips import Tile

AROUND = 10  # touchpoints before and after
MOST_GROUPS = 8
MOST_THEMES, QUOTES = 6, 3
ENOUGH = 10  # customers, journeys or comments below which a share is greyed
NOWHERE = N_("The link asks for the touchpoint {name}, which this dataset does not have. Another is shown.")
NEXT_TIMES = {  # by the seconds of the unit
    86_400: N_("Median days to the next touchpoint"), 3_600: N_("Median hours to the next touchpoint"),
    60: N_("Median minutes to the next touchpoint"), 1: N_("Median seconds to the next touchpoint"),
}  # fmt: skip
UNITS = {
    "nps": (False, 0, "pts"),
    "csat": (True, 0, "pt"),
    "ces": (False, 1, "pts"),
}  # share, decimals, unit of a change


def choose(page: Page) -> str:
    """The touchpoint of the address, else the most frequent one. A touchpoint that is not there is named."""
    names = [name for name in cache.values(page.version, "touchpoint") if name]
    asked = page.option("touchpoint", "name")
    if asked is not None and asked not in names:
        state.note([Text(NOWHERE, {"name": asked[:80]})])
    return asked if asked in names else names[0] if names else ""


def select(page: Page, name: str) -> None:
    """A box to choose the touchpoint by typing a part of its name; kept in the address."""
    names = [n for n in cache.values(page.version, "touchpoint") if n]
    state.seed("profile_name", name)
    with st.container(horizontal=True, key="profile_choice", vertical_alignment="bottom"):
        st.selectbox(page.reader.say(N_("Touchpoint")), names, key="profile_name", width=420, on_change=_take_name,
                     format_func=page.reader.name)  # fmt: skip


def _take_name() -> None:
    state.set_option("touchpoint", "name", str(state.value("profile_name")))


def who_met(view: View, name: str) -> View:
    """The customers of the view who met the touchpoint in it, their journeys whole."""
    if not view.touchpoints:
        return replace(view.alone().with_values("touchpoint", (name,)), touchpoint_rule="customers")
    rest = (
        tuple(f for f in view.touchpoints if f.column != "touchpoint") if view.touchpoint_rule == "touchpoints" else ()
    )
    kept = tuple(sorted((*rest, Filter("touchpoint", (name,))), key=lambda f: f.column))
    days = {"first_day": view.first_day, "last_day": view.last_day, "range_rule": view.range_rule}
    condition = condition_of(View(touchpoints=kept, **days))  # type: ignore[arg-type]
    assert condition is not None
    return view.alone().with_member(Member(name, print_condition(condition)))


def contacts_alone(view: View, name: str) -> View:
    """The contacts with the touchpoint, and nothing else."""
    rest = (
        tuple(f for f in view.touchpoints if f.column != "touchpoint") if view.touchpoint_rule == "touchpoints" else ()
    )
    kept = tuple(sorted((*rest, Filter("touchpoint", (name,))), key=lambda f: f.column))
    return replace(view.alone(), touchpoints=kept, touchpoint_rule="touchpoints")


def here(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows about the touchpoint."""
    return frame[frame["touchpoint"] == name]


def scores_there(page: Page, name: str) -> dict[str, Result]:
    """Each score that was given here, by touchpoint; its row of this touchpoint has answers."""
    found = {}
    if not page.has("surveys"):
        return found
    for score in scores.NAMES:
        with page.part():
            result, _why = scores.attempt(page, score, by=["touchpoint"])
            if result is not None and int(here(result.frame, name)["responses"].sum()):
                found[score] = result
    return found


# tiles ------------------------------------------------------------------------------------------------------------------------


def draw_tiles(page: Page, name: str, scored: dict[str, Result]) -> None:
    """Each number with its interval, n, and the change against the period before."""
    row = here(page.ask("touchpoint_engagement").frame, name)
    before = page.view.compared()
    was = None
    if before is not None:
        was = here(page.ask("touchpoint_engagement", view=before).frame, name)
    shown = [_count(row, was), *_engagement(page, row, was)]
    with page.part():
        if page.has_goal():
            result = page.ask("conversion", view=who_met(page.view, name))
            then = page.ask("conversion", view=who_met(before, name)).frame if before is not None else None
            shown.append(_tile(result.frame, then, "conversion_rate", Text(N_("Conversion of those who met it")), "customers",
                               True, 1, "pt", True))  # fmt: skip
    for score, result in scored.items():
        share, decimals, unit = UNITS[score]
        rows = here(result.frame, name)
        then = scores.attempt(page, score, by=["touchpoint"], view=before)[0] if before is not None else None
        better = bool(rows.iloc[0]["higher_is_better"]) if score == "ces" else True
        shown.append(_tile(rows, here(then.frame, name) if then else None, score, scores.label(score, rows), "responses", share,
                           decimals, unit, better))  # fmt: skip
    with page.part():
        if page.facts.timed:
            shown.append(_next_tile(page, name, before))
    figure.html(lambda m: m.tiles(shown))
    said: list[Words] = [Text(N_("95% intervals"))]
    if before is not None and before.first_day and before.last_day:
        said.append(Text(N_("change against {days}, coloured where the intervals lie apart"),
                         {"days": page.reader.dates(before.first_day, before.last_day)}))  # fmt: skip
    figure.html(lambda m: m.caption(page.caption("customers", said)))


def _count(row: pd.DataFrame, was: pd.DataFrame | None) -> Tile:
    now, then = int(row["customers"].sum()), 0 if was is None else int(was["customers"].sum())
    return Tile(Text(N_("Customers")), now, moved=findings.growth(now, then), moved_unit="%", higher_is_better=None)


def _engagement(page: Page, row: pd.DataFrame, was: pd.DataFrame | None) -> list[Tile]:
    """Reach, frequency, whether it leads on, bounce: those that are known here."""
    looks = {
        "reach": (True, 0, "pt"),
        "frequency": (False, 1, ""),
        "next_stage_rate": (True, 0, "pt"),
        "bounce_rate": (True, 0, "pt"),
    }
    found = []
    for name, (share, decimals, unit) in looks.items():
        measure = MEASURES[name]
        if row[name].notna().any() and (name != "bounce_rate" or page.facts.timed):
            found.append(
                _tile(
                    row, was, name, Text(measure.title), str(measure.n), share, decimals, unit, measure.higher_is_better
                )
            )
    return found


def _tile(
    rows: pd.DataFrame, was: pd.DataFrame | None, measure: str, label: Text, n: str, share: bool, decimals: int, unit: str,
    better: bool | None,
) -> Tile:  # fmt: skip
    row = rows.iloc[0]
    moved = findings.change(row, was, measure)
    sure = was is not None and len(was) > 0 and findings.stands_out(row, was.iloc[0], measure)
    return Tile(label, float(row[measure]), row[f"{measure}_low"], row[f"{measure}_high"], int(row[n]), decimals, share,
                moved, unit, better if sure else None)  # fmt: skip


def _next_tile(page: Page, name: str, before: View | None) -> Tile:
    """How long until the next touchpoint, in the largest unit that it fills."""
    rows = page.ask("time_to_next", touchpoint=(name,)).frame
    then = page.ask("time_to_next", touchpoint=(name,), view=before).frame if before is not None else None
    if not len(rows) or not int(rows.iloc[0]["timed"]):
        return Tile(Text(NEXT_TIMES[1]), None, n=0)
    row = rows.iloc[0]
    unit = next((u for u in NEXT_TIMES if row["median_seconds"] >= u), 1)
    low, high = (row[f"median_seconds_{end}"] / unit for end in ("low", "high"))
    moved = findings.change(row, then, "median_seconds")
    return Tile(Text(NEXT_TIMES[unit]), row["median_seconds"] / unit, low, high, int(row["timed"]), 1,
                moved=None if moved is None else moved / unit, higher_is_better=None)  # fmt: skip


# around it --------------------------------------------------------------------------------------------------------------------


def following(page: Page, name: str) -> Result:
    """Where journeys are after their first contact with the touchpoint."""
    return page.ask("step_matrix", start=(name,), steps=2, top=AROUND)


def draw_around(page: Page, name: str) -> None:
    """Where people come from, and where they go next."""
    left, right = st.columns([0.5, 0.5], gap="small")
    with left, page.part():
        result = page.ask("step_matrix", end=(name,), steps=2, top=AROUND)
        rows = result.frame[result.frame["step"] == 1]
        _draw_side(page, "before", findings_profile.came_from(rows), Text(N_("The touchpoint just before the first contact here")),
                   result, rows, None)  # fmt: skip
    with right, page.part():
        result = following(page, name)
        rows = result.frame[result.frame["step"] == 2]
        times = page.ask("flow_links", start=(name,), steps=2, top=AROUND) if page.facts.timed else None
        _draw_side(page, "after", findings_profile.goes_to(rows), Text(N_("The touchpoint just after the first contact here")),
                   result, rows, times)  # fmt: skip


def _draw_side(
    page: Page, key: str, finding: Words, note: Words, result: Result, rows: pd.DataFrame, times: Result | None
) -> None:
    took = {}
    if times is not None:
        moves = times.frame[(times.frame["step"] == 1) & (times.frame["kind"] == "move")]
        took = dict(zip(moves["target"], moves["median_seconds"], strict=True))
    heads: list[Words] = [Text(N_("Touchpoint")), Text(N_("Journeys")), Text(N_("Share")), Text(N_("Interval"))]
    heads += [Text(N_("Median time"))] if times is not None else []
    largest = float(rows["share"].max()) if len(rows) else 1.0
    n = int(rows["all_journeys"].max()) if len(rows) else 0

    def cells(m: Markup, r: Any) -> list[object]:
        known = str(r.touchpoint) not in findings_profile.NOT_NAMES
        named = m.profile(str(r.touchpoint)) if known else m.dim(flow_rules.node(page, r.touchpoint))
        found = [named, m.number(r.journeys), m.with_bar(m.percent(r.share, 1), r.share, largest, "accent" if known else "drop"),
                 m.dim(m.interval(r.share_low, r.share_high, 1, True))]  # fmt: skip
        return found + ([page.reader.duration(took.get(r.touchpoint)) if known else ""] if times is not None else [])

    caption = page.caption("journeys", [Text(N_("the first contact of each journey with it"))], n)
    with page.card(key, finding, note, result, caption, ("journeys", "share"), height="stretch"):
        figure.html(
            lambda m: m.table(heads, [cells(m, r) for r in rows.itertuples()], numeric=tuple(range(1, len(heads))))
        )


# when, where and who ----------------------------------------------------------------------------------------------------------


def draw_over_time(page: Page, name: str) -> None:
    """The share of each month's customers that it reaches, with dated changes."""
    result = page.ask("touchpoint_engagement", by=["month"])
    frame = here(result.frame, name)
    frame = frame[frame["month"].notna()]
    finding = findings_profile.reach_over_time(frame)
    with page.card("reach_trend", finding, Text(N_("Reach by month with its interval")), result,
                   page.caption("customers", [*trends.dashed(page),
                                              Text(N_("hollow: fewer than {n} customers"), {"n": findings.MIN_SCORES})]),
                   ("reach", "customers"), height="stretch"):  # fmt: skip
        trends.draw(page, frame, "month", "reach", "population", finding, "reach_trend", share=True, decimals=1)


def draw_channels(page: Page, name: str) -> None:
    """Through which channels its customers come."""
    result = page.ask("channel_engagement", view=contacts_alone(page.view, name))
    frame = result.frame[result.frame["channel"].notna()].head(MOST_GROUPS)
    if not len(frame):
        return
    frame = frame.assign(named=[engagement.word(page, "channel", c) for c in frame["channel"]])
    finding = findings_profile.channels(frame, "named")
    n = int(frame["population"].iloc[0])
    with page.card("by_channel", finding, Text(N_("Share of the customers met here who used each channel here")), result,
                   page.caption("customers", [Text(N_("a customer may use several channels"))], n), ("reach", "customers"),
                   height="stretch"):  # fmt: skip
        figure.altair(lambda who: draw_bars(frame, who, "named", "reach", "reach_low", "reach_high", "customers", share=True),
                      finding, key="by_channel")  # fmt: skip


def draw_groups(page: Page, name: str, column: str) -> None:
    """Whom of each persona, segment or other attribute it reaches, and who of them goes on."""
    result = page.ask("touchpoint_engagement", by=[column])
    frame = here(result.frame, name)
    frame = frame.sort_values("population", ascending=False, kind="stable").head(MOST_GROUPS)
    frame = frame.assign(named=[page.group(v) for v in frame[column]])
    finding = findings_profile.groups(frame, "named")
    heads = [
        view_words.label(column),
        Text(N_("Customers")),
        Text(N_("Reach")),
        Text(N_("Interval")),
        Text(N_("Next-stage rate")),
    ]

    def cells(m: Markup, r: Any) -> list[object]:
        rate = m.over(m.percent(r.next_stage_rate), m.interval(r.next_stage_rate_low, r.next_stage_rate_high, 0, True))
        return [m.strong(r.named), m.number(r.customers), m.with_bar(m.percent(r.reach, 1), r.reach, 1),
                m.dim(m.interval(r.reach_low, r.reach_high, 1, True)), m.dim(rate) if r.customers < ENOUGH else rate]  # fmt: skip

    note = Text(N_("Share of each group that it reaches"))
    with page.card(
        "by_persona", finding, note, result, page.caption("customers"), ("reach", "next_stage_rate"), height="stretch"
    ):
        figure.html(lambda m: m.table(heads, [cells(m, r) for r in frame.itertuples()], numeric=(1, 2, 3, 4)))


def draw_exposure(page: Page, name: str) -> None:
    """The conversion rate by number of contacts with it."""
    result = page.ask("exposure_curve", touchpoint=(name,))
    finding = engagement.findings_engagement.exposure(result.frame)
    caption = page.caption("customers", [
        Text(N_("contacts before the first conversion, or all if there is none")),
        Text(N_("hollow: fewer than {n} customers"), {"n": findings.MIN_SCORES}),
    ])  # fmt: skip
    with page.card("exposure", finding, Text(N_("Share of customers who reach the goal, by number of contacts before")),
                   result, caption, height="stretch"):  # fmt: skip
        if not len(result.frame):
            figure.html(lambda m: m.notice(Text(N_("Nobody had a contact before reaching the goal")), "plain"))
            return

        def draw(who: Any) -> Any:
            steps = {c: who.number(int(c.rstrip("+"))) + ("+" if c.endswith("+") else "") for c in engagement.CONTACTS}
            return draw_curves(
                result.frame, who, "contacts", "conversion_rate", "conversion_rate_low", "conversion_rate_high", "customers",
                series="touchpoint", steps=engagement.CONTACTS, shown_steps=steps, min_n=findings.MIN_SCORES,
            )  # fmt: skip

        figure.altair(draw, finding, key="exposure", wide=True)


# what is said there -----------------------------------------------------------------------------------------------------------


def draw_answers(page: Page, name: str, scored: dict[str, Result]) -> None:
    """How the answers spread over the scale, and the score over time, for the score that most gave here."""
    main = max(scored, key=lambda score: int(here(scored[score].frame, name)["responses"].sum()))
    label = scores.label(main, here(scored[main].frame, name))
    left, right = st.columns([0.5, 0.5], gap="small")
    with left, page.part():
        result = page.ask("distribution", by=["touchpoint"])
        frame = here(result.frame, name)
        frame = frame[frame["survey_type"] == main]
        first = frame["question"].iloc[0] if len(frame) else None
        frame = frame[frame["question"] == first].sort_values("score", ascending=False)
        if len(frame):
            frame = frame.assign(named=[page.reader.number(s, 0 if s == int(s) else 1) for s in frame["score"]])
            finding = findings_profile.answers(frame)
            note = Text(N_("{measure}: share of the answers given here"), {"measure": label})
            with page.card("distribution", finding, note, result,
                           page.caption("responses", [], int(frame["all_responses"].iloc[0])), ("share", "responses"),
                           height="stretch"):  # fmt: skip
                figure.altair(lambda who: draw_bars(frame, who, "named", "share", "share_low", "share_high", "responses",
                                                    share=True, keep_order=True), finding, key="distribution")  # fmt: skip
    with right, page.part():
        if "answered_at" in page.columns("surveys"):
            _draw_score_trend(page, name, main, label)


def _draw_score_trend(page: Page, name: str, main: str, label: Text) -> None:
    result = page.ask(main, by=["touchpoint", "month"])
    frame = here(result.frame, name)
    frame = frame[frame["month"].notna()]
    share, decimals, _unit = UNITS[main]
    finding = findings.trend(frame, main, label)
    with page.card("score_trend", finding, Text(N_("{measure} by month with its interval"), {"measure": label}), result,
                   page.caption("responses", [Text(N_("by date of answer")), *trends.dashed(page),
                                              Text(N_("hollow points: fewer than 30 answers"))], int(frame["responses"].sum())),
                   (main, "responses"), height="stretch"):  # fmt: skip
        trends.draw(page, frame, "month", main, "responses", finding, "score_trend", share=share, decimals=decimals)


def draw_words(page: Page, name: str) -> None:
    """The themes that are loudest here, and typical words."""
    if not words.is_read(page) or "touchpoint" not in page.columns("surveys"):
        return
    result = page.ask("themes", by=["touchpoint"])
    frame = here(result.frame, name)
    frame = frame[frame["theme"].notna() & frame["comments"].gt(0)].head(MOST_THEMES)
    quoted, total = cache.comments(page.version, page.view.alone(), touchpoint=name, typical=True, most=QUOTES)
    if not len(frame) and not len(quoted):
        return
    finding: Words = findings_words.themes(frame) if len(frame) else Text(N_("Comments here have no theme in common"))
    heads = [Text(N_("Theme")), Text(N_("Comments")), Text(N_("Share")), Text(N_("Negative")), Text(N_("Interval"))]
    with page.card("themes_here", finding, Text(N_("What people write about it, and typical words")), result,
                   page.caption("responses", [Text(N_("grey: fewer than {n} comments"), {"n": ENOUGH})], total),
                   ("comments", "share", "negative_share")):  # fmt: skip
        if len(frame):
            figure.html(lambda m: m.table(heads, [
                [m.strong(r.theme), m.number(r.comments), m.percent(r.share),
                 m.percent(r.negative_share) if r.read >= ENOUGH else m.dim(m.percent(r.negative_share)),
                 m.dim(m.interval(r.negative_share_low, r.negative_share_high, 0, True))] for r in frame.itertuples()
            ], numeric=(1, 2, 3, 4)))  # fmt: skip
        if len(quoted):
            figure.html(lambda m: m.definitions([
                (r.theme if isinstance(r.theme, str) else Text(N_("No theme")), m.quote(str(r.comment)))
                for r in quoted.itertuples()
            ]))  # fmt: skip
