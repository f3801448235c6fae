"""A metric, a view, a dataset → a finished result with its definition. The one place where a query is asked for a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import ibis
import pandas as pd

from cx_metrics import answers, registry, routes
from cx_metrics.asking import (
    CONFIDENCE,
    ask,
    check_needs,
    followed,
    made_beside,
    plainly,
    walked,
)
from cx_metrics.comments.search import search_condition
from cx_metrics.datasets import Asked, Dataset, Remembering, alone, fetched
from cx_metrics.definition import define, rows_of, with_privacy
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.groups import apart, how_many
from cx_metrics.journeys import Cut
from cx_metrics.narrowing import narrowed
from cx_metrics.population import check, population
from cx_metrics.protecting import CHOSEN_BY_WAY, Protected, Unit, kept_back_text, kind_of, protect, unit_of
from cx_metrics.registry import Metric
from cx_metrics.routes import Route
from cx_metrics.small_groups import Privacy, suppress
from cx_metrics.tables import HEARD
from cx_metrics.tallies import tallied, times_of
from cx_metrics.texts import N_, Text
from cx_metrics.view import View


@dataclass(frozen=True)
class Result:
    """A small finished frame, what its numbers mean; by which route they came and which views were asked (no part of the meaning:
    the definition says what they choose)."""

    metric: Metric
    frame: pd.DataFrame
    definition: dict[str, Any]
    route: str = ""
    views: tuple[View, ...] = ()

    @property
    def kept_back(self) -> Text | None:
        """How many are kept back to protect small groups, as a sentence; None where nobody is."""
        return kept_back_text(self.definition)

    def to_dict(self) -> dict[str, Any]:
        """`{"metric": …, "definition": {…}, "rows": [{…}]}` with plain JSON values; unknown numbers are null."""
        return {"metric": self.metric.name, "definition": self.definition, "rows": rows_of(self.frame)}


def run(
    name: str | Metric,
    dataset: Dataset,
    view: View | None = None,
    *,
    by: Sequence[str] = (),
    confidence: float = CONFIDENCE,
    version: str = "",
    route: Route | None = None,
    privacy: Privacy | None = None,
    **options: Any,
) -> Result:
    """Answer one metric for one view of a dataset.

    `by` names columns to group by, or groups of survey answers (`answers.GROUPS`); `options` are the metric's own, as values or in
    their text form. `route` asks for one way to the paths; without it the fastest is taken, and all give the same answer.
    `privacy` protects small groups: people count in whole blocks, what is too small is hidden (column `suppressed`), and
    `kept_back` says how many are missing; without it nothing is hidden. Raises OptionProblem or ViewProblem for what the metric or
    the dataset cannot answer.
    """
    metric = name if isinstance(name, Metric) else registry.find(name)
    if not 0 < confidence < 1:
        raise OptionProblem(N_("A confidence lies between 0 and 1, like 0.95; found {found}."), found=str(confidence))
    given_view = view or View()
    dataset, view, guarded = chosen_by(metric, dataset, answers.acting(given_view, metric.inputs, by), by, privacy)
    asked = metric.read_options(options)
    check_needs(metric, dataset.facts, view)

    def build(shown: View) -> Asked:
        query, groups, taken = ask(metric, dataset, shown, by, asked, confidence, route)
        return query, (groups, taken)

    if metric.walk is not None:
        frame, groups, taken = walked(metric, metric.walk, dataset, view, by, asked)
    elif metric.same_rows is not None:
        own = ("rows", metric.same_rows(asked), tuple(by))
        make = partial(_same_rows, metric, dataset, view, by, asked, own, build)
        frame, (groups, taken) = dataset.shelf.get((view.alone(), *own), make)
    elif (made := made_beside(metric, dataset, view, by, asked)) is not None:
        frame, groups, taken = made, (), ""
    else:
        frame, (groups, taken) = plainly(metric, dataset, view, by, asked, confidence, route)
    named = tuple(apart(column) for column in groups)
    if metric.finish is not None:
        given = asked | {"confidence": confidence, "by": named, "stages": dataset.facts.stages}
        given |= {"days": dataset.facts.days_of(view), "zone": dataset.facts.zone}
        if metric.follow is not None:
            given["followed"] = followed(metric, metric.follow, dataset, view, named, asked, frame)
        frame = metric.finish(frame, **registry.accepted(metric.finish, given))
    if metric.inputs[0] == "surveys":
        frame = answers.spelled(frame, dict(zip(named, groups, strict=True)), dataset.tables)
    frame = frame.drop(columns=[c for c in groups if c in frame]).rename(columns=dict(zip(named, groups, strict=True)))
    definition = define(metric, dataset.facts, view, groups, asked, confidence, version)
    if privacy is not None and guarded is not None:
        about = [c for c in metric.groups if c in frame]
        frame = suppress(frame, metric.measures, groups, about, privacy.scores, guarded.lacking, metric.rests_on)
        definition = with_privacy(definition, guarded.said(privacy))
    return Result(metric, frame.reset_index(drop=True), definition, taken, (given_view,))


def _same_rows(
    metric: Metric, dataset: Dataset, view: View, by: Sequence[str], options: Mapping[str, Any], key: tuple[Any, ...],
    build: Callable[[View], Asked],
) -> tuple[pd.DataFrame, Any]:  # fmt: skip
    """The rows that several metrics share, from memory or asked; and how they are grouped."""
    here = metric.here(dataset, view, options, tuple(by)) if metric.here else None
    return fetched(dataset, view, key, build) if here is None else (here, (tuple(by), ""))


def chosen_by(
    metric: Metric, dataset: Dataset, view: View, by: Sequence[str], privacy: Privacy | None
) -> tuple[Dataset, View, Protected | None]:
    """The dataset with those whom the view chooses, the view, and how small groups are protected, if they are."""
    if privacy is None:
        return narrowed(dataset, view), view, None
    if metric.chooses_people:
        raise ViewProblem(CHOSEN_BY_WAY)
    check_needs(metric, dataset.facts, view)
    guarded = protect(dataset, view, by, privacy, unit_of(metric), kind_of(metric.name))
    return narrowed(guarded.dataset, guarded.view), guarded.view, guarded


def people(dataset: Dataset, view: View | None = None, privacy: Privacy | None = None) -> dict[str, int]:
    """Who is left by the view? Counts for captions: customers, journeys, touchpoints, responses, and journeys that began
    before the range. With `privacy`, of those who count."""
    counts: dict[str, int] = {}
    for table, (counted, unit) in PEOPLE.items():
        if table in dataset.tables:
            held, shown = _held(dataset, view, privacy, unit)
            frame, _known = fetched(held, shown, ("people", table), partial(alone, counted, held))
            counts |= {str(k): int(v) for k, v in frame.iloc[0].items()}
    return counts


def query_of_people(dataset: Dataset, view: View, privacy: Privacy | None, table: str) -> ibis.Table:
    """The query with which `people` counts those of a table."""
    counted, unit = PEOPLE[table]
    held, shown = _held(dataset, view, privacy, unit)
    return counted(held, shown)


def _held(
    dataset: Dataset, view: View | None, privacy: Privacy | None, unit: Unit, by: Sequence[str] = ()
) -> tuple[Dataset, View]:
    """The dataset with those whom the view chooses, and the view; with `privacy` those of them who count."""
    view = view or View()
    if privacy is None:
        return narrowed(dataset, view), view
    guarded = protect(dataset, view, by, privacy, unit)
    return guarded.dataset, guarded.view


def _answers(dataset: Dataset, view: View) -> ibis.Table:
    """Valid responses and all answers, in one row."""
    s = tallied(dataset.tables, view, ())
    if s is None:
        s = population(dataset.tables, view, dataset.facts)["surveys"]
    times = times_of(s)
    return s.aggregate(
        responses=how_many(s.score_status == "valid", times), answers=how_many(s.survey_type.notnull(), times)
    )


def _counted(dataset: Dataset, view: View) -> ibis.Table:
    """Customers, journeys, touchpoints and journeys begun earlier, in one row: from the journeys' own table where each is
    whole."""
    left = population(dataset.tables, view, dataset.facts)
    cubes = routes.paths(left, dataset.tables, view, dataset.facts).cubes
    if "journeys" in cubes:
        j = cubes["journeys"]
        whole = j.aggregate(customers=j.count(), journeys=j.count(), touchpoints=j.touchpoints.sum().fill_null(0))
        return whole.mutate(begun_earlier=ibis.literal(0))
    t = left["touchpoints"]
    start, _end = view.bounds(dataset.facts.zone)
    if isinstance(left.ways[0], Cut):  # a journey has one touchpoint that is its first in the range
        since = left.ways[0].from_microseconds
        earlier = ibis.literal(False) if since is None else (t.previous_microseconds < since).fill_null(False)
        firsts = how_many((t.step == 1) | earlier)
        begun = ibis.literal(0) if since is None else how_many(earlier)
        return t.aggregate(customers=firsts, journeys=firsts, touchpoints=t.count(), begun_earlier=begun)
    earlier = t.journey_start < ibis.timestamp(start) if start is not None else ibis.literal(False)
    return t.aggregate(
        customers=t.customer_number.nunique(),
        journeys=t.journey_id.nunique(),
        touchpoints=t.count(),
        begun_earlier=t.customer_number.nunique(where=earlier),
    )


PEOPLE: dict[str, tuple[Callable[[Dataset, View], ibis.Table], Unit]] = {
    "touchpoints": (_counted, "customers"), "surveys": (_answers, "answers"),
}  # fmt: skip


def conversions(dataset: Dataset, view: View | None = None, privacy: Privacy | None = None) -> int:
    """How many touchpoints of the view are conversions? With `privacy`, of the customers who count."""
    dataset, view = _held(dataset, view, privacy, "customers")
    t = population(dataset.tables, view, dataset.facts)["touchpoints"]
    return int(dataset.fetch(t.aggregate(n=t.is_goal.sum().fill_null(0)))["n"].iloc[0])


def values(dataset: Dataset, column: str, most: int) -> tuple[str, ...]:
    """Which values does a column hold? The most frequent first, ties by name; "" stands for "not known".

    Looks in touchpoints, then customers, then surveys: the first table that has the column.
    """
    for name in ("touchpoints", "customers", "surveys"):
        t = dataset.tables.get(name)
        if t is not None and column in t.columns:
            held = t.select(held=t[column].cast("string").fill_null(""))
            counted = held.group_by("held").aggregate(n=held.count()).order_by([ibis.desc("n"), "held"]).limit(most)
            return tuple(dataset.fetch(counted)["held"])
    return ()


def stages(dataset: Dataset) -> dict[str, str]:
    """Which stage does each touchpoint belong to? The one it stands in most often; unmapped ones are left out."""
    t = dataset.tables["touchpoints"]
    counted = t.filter(t.stage.notnull()).group_by(["touchpoint", "stage"]).aggregate(n=ibis._.count())
    frame = dataset.fetch(counted.order_by(["n", ibis.desc("stage")]))
    return dict(zip(frame["touchpoint"], frame["stage"], strict=True))


def names(dataset: Dataset, most: int = 2_000) -> pd.DataFrame:
    """Which touchpoint names does the file use, and where were they put? The most frequent first.

    One row per raw name: raw_touchpoint, rows, touchpoint, stage, touchpoint_type, phase, channel (null where the file and
    the dictionary say nothing, or say different things in different rows).
    """
    t = dataset.tables["touchpoints"]
    axes = ("touchpoint", "stage", "touchpoint_type", "phase", "channel")
    one = {a: ibis.ifelse(t[a].nunique() == 1, t[a].max(), ibis.null("string")) for a in axes}
    counted = t.group_by("raw_touchpoint").aggregate(rows=t.count(), **one)
    return dataset.fetch(counted.order_by([ibis.desc("rows"), "raw_touchpoint"]).limit(most))


def places(dataset: Dataset, most: int = 2_000) -> pd.DataFrame:
    """To which stage do the rows of each touchpoint belong? The most frequent touchpoints first.

    One row per touchpoint and stage (null: none): touchpoint, stage, rows, stages (of the touchpoint). A touchpoint in several
    stages is a name that means several things, or a slip.
    """
    t = dataset.tables["touchpoints"]
    counted = t.group_by("touchpoint").aggregate(of_all=t.count()).order_by([ibis.desc("of_all"), "touchpoint"])
    each = t.group_by(["touchpoint", "stage"]).aggregate(rows=t.count()).inner_join(counted.limit(most), "touchpoint")
    kept = each.select("touchpoint", "stage", "rows", "of_all")
    frame = dataset.fetch(kept.order_by([ibis.desc("of_all"), "touchpoint", ibis.desc("rows"), "stage"]))
    stages = frame.groupby("touchpoint")["touchpoint"].transform("size")
    return frame.drop(columns="of_all").assign(stages=stages)


def out_of_order(dataset: Dataset) -> int:
    """How many touchpoints stood in their file after a later one of the same customer? Journeys are in order of time anyway."""
    t = dataset.tables["touchpoints"]
    before = (
        t.sequence.lag().over(group_by="customer_id", order_by=["occurred_at", "sequence"]).nullif(0)
    )  # 0 is before no other
    seen = t.select(t.sequence, before=before).filter(
        lambda r: (r.sequence < r.before) & (r.before - r.sequence < ONE_FILE)
    )
    return int(dataset.fetch(seen.aggregate(n=seen.count()))["n"].iloc[0])


def daily(dataset: Dataset) -> pd.DataFrame:
    """How many touchpoints lie on each day? Days without any are missing: day, touchpoints."""
    t = dataset.tables["touchpoints"]
    return dataset.fetch(
        t.filter(t.day.notnull()).group_by("day").aggregate(touchpoints=ibis._.count()).order_by("day")
    )


def changes(dataset: Dataset, view: View | None = None) -> pd.DataFrame:
    """The dated changes in the range of the view, for time axes: changed_at, title, in order."""
    view = view or View()
    held = narrowed(dataset, view)
    if "changes" not in held.tables:
        check(held.tables, view, held.facts)
        return pd.DataFrame({"changed_at": pd.Series(dtype="datetime64[us]"), "title": pd.Series(dtype="str")})

    def asked(shown: View) -> Asked:
        dated = population(held.tables, shown, held.facts)["changes"].select("changed_at", "title")
        return dated.order_by(["changed_at", "title"]).limit(50), None

    return fetched(held, view, ("changes",), asked)[0]


ONE_FILE = 2**40  # sequences of one file lie closer than this
Mood = Literal["low", "high"]
QUOTED = (20, 300)  # signs of a comment that can be quoted
LOW_END, HIGH_END = (
    0.34,
    0.66,
)  # of the way from the worst answer of a scale to the best: up to here unhappy, from here happy


def comments(
    dataset: Dataset, view: View | None = None, *, survey_type: str | None = None, mood: Mood | None = None,
    touchpoint: str | None = None, theme: str | None = None, feeling: str | None = None, find: str = "", typical: bool = False,
    most: int = 100, privacy: Privacy | None = None,
) -> tuple[pd.DataFrame, int]:  # fmt: skip
    """What did people write? The newest comments of the view, and how many there are in all.

    Columns: answered_at, survey_type, score, comment, touchpoint, language, sentiment, theme. `theme` keeps comments about it,
    `feeling` those read as negative, neutral or positive, `find` those that hold what was typed (`comments.search`); `typical`
    puts those nearest to the middle of their theme first, of a length that can be quoted. `mood` keeps valid answers on the bad
    or the good side of their own scale: detractors and promoters for NPS, else the worst and the best third. With `privacy`,
    those of whole blocks, and none where they are fewer than it says; nothing is said of when, where and in what language each
    was written.
    """
    chosen = [c for c, wanted in (("survey_type", survey_type), ("touchpoint", touchpoint)) if wanted is not None]
    dataset, view = _held(dataset, view, privacy, "comments", chosen)
    names: dict[str, str] = {}
    if isinstance(dataset, Remembering) and not find:  # another theme or touchpoint is only another value
        names = {f"\ue000{role}\ue001": name for role, name in (("w", touchpoint), ("h", theme)) if name}
        touchpoint, theme = (touchpoint and "\ue000w\ue001", theme and "\ue000h\ue001")
    wanted = (survey_type, mood, touchpoint, theme, feeling, find, typical)

    def chosen_of(shown: View) -> ibis.Table:
        s = population(dataset.tables, shown, dataset.facts)["surveys"]
        if dataset.facts.heard is not None:  # every comment was read: its own column need not be looked through
            return _comments(s.filter(s.comment_words.notnull()), *wanted)
        return _comments(s.filter(s.comment.notnull() & (s.comment.strip() != "")), *wanted)

    def counted(shown: View) -> Asked:
        s = chosen_of(shown)
        return s.aggregate(n=s.count()), None

    def listed(shown: View) -> Asked:
        s = chosen_of(shown)
        newest = [ibis.desc("answered_at"), "response_id"]
        if typical:
            s = s.filter(s.comment.length().between(*QUOTED))
            newest = [ibis.desc(s.theme_nearness.fill_null(0.0)), *newest]
        return s.order_by(newest).limit(most).select(
            "answered_at", "survey_type", "score", "comment", "touchpoint", "language", "sentiment", "theme"
        ), None  # fmt: skip

    if find:  # what somebody types is asked once
        count, found = int(dataset.fetch(counted(view)[0])["n"].iloc[0]), dataset.fetch(listed(view)[0])
    else:
        count = int(fetched(dataset, view, ("comments counted", *wanted), counted, names)[0]["n"].iloc[0])
        found = fetched(dataset, view, ("comments", *wanted, most), listed, names)[0]
    if privacy is None:
        return found, count
    told_apart: dict[str, Any] = {"answered_at": pd.NaT, "touchpoint": None, "language": None}
    return (found.iloc[:0], 0) if count < privacy.comments else (found.assign(**told_apart), count)


def _comments(
    s: ibis.Table, survey_type: str | None, mood: Mood | None, touchpoint: str | None, theme: str | None, feeling: str | None,
    find: str, _typical: bool,
) -> ibis.Table:  # fmt: skip
    """The answers with words that are wanted."""
    if survey_type is not None:
        s = s.filter(s.survey_type == survey_type)
    if mood is not None:
        way = (s.score - s.scale_low) / (s.scale_high - s.scale_low)
        good = ibis.ifelse(s.higher_is_better, way, 1 - way)
        nps = s.survey_type == "nps"
        unhappy = ibis.ifelse(nps, s.score <= 6, good <= LOW_END)
        happy = ibis.ifelse(nps, s.score >= 9, good >= HIGH_END)
        s = s.filter((s.score_status == "valid") & (unhappy if mood == "low" else happy))
    if touchpoint is not None:
        s = s.filter(s.touchpoint == touchpoint)
    s = s.mutate(**{name: ibis.null(kind) for name, kind in HEARD.items() if name not in s.columns})
    sought = search_condition(s.comment_words, find)
    for condition in (sought, theme and s.theme == theme, feeling and s.sentiment == feeling):
        if isinstance(condition, ibis.Value):
            s = s.filter(condition)
    return s
