"""Who and what a view leaves: the one place where a view meets the tables.

Every metric of a page receives tables that went through here, so that all charts of a page speak about the same people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import ibis
from ibis import _

from cx_metrics import journeys
from cx_metrics.errors import ViewProblem, nearest
from cx_metrics.journeys import Cut, Way
from cx_metrics.texts import N_
from cx_metrics.view import Facts, Filter, View, microseconds

Tables = Mapping[str, ibis.Table]
MET, CHANNELS = "met", "channels"  # what each customer met, and the numbers of channels: prepared
BITS = {
    "touchpoint": ("touchpoints_met", "names"),
    "channel": ("channels_met", CHANNELS),
}  # a bit for each number of the table
CHOSEN = "chosen"  # the journeys of a funnel that a view chooses, beside the tables of a dataset
MEMBERS = "members"  # the numbers of the customers that segments and answers leave, or that small groups leave
KEPT_BACK = (
    "kept back"  # what the answers hold that are not counted, so that small groups stay unknown: columns HELD + name
)
HELD = "held "  # a column as a plain value that is never null
UNDATED = -1_000_000_000  # stands for a day that is not known


@dataclass(frozen=True)
class Population:
    """The tables that a view leaves.

    touchpoints: those in the range, with `journey_id` (the unit of the view's grain) and `is_goal` (1 or 0).
    entries: the same and what came after the range, with `in_range` (1 or 0), for metrics whose windows reach further.
    surveys, invitations, spend, changes: cut to the range and the people.
    ways: how the touchpoints become paths (`journeys.nodes`), the fastest first; all give the same paths.
    met, channels: what their customers met, where the view keeps journeys whole and an engine has prepared it.
    journeys: the prepared journeys that the view keeps, where it keeps them whole and their table knows all it asks for.
    """

    tables: dict[str, ibis.Table]
    entries: ibis.Table | None
    ways: tuple[Way, ...] = ("windows",)
    journeys: ibis.Table | None = None

    def __getitem__(self, name: str) -> ibis.Table:
        return self.tables[name]


def population(tables: Tables, view: View, facts: Facts) -> Population:
    """Apply `view` to the tables of a dataset. Raises ViewProblem for a column or time the dataset does not have."""
    check(tables, view, facts)
    left: dict[str, ibis.Table] = {}
    entries: ibis.Table | None = None
    ways: tuple[Way, ...] = ("windows",)
    touched = whole = people = None
    if "touchpoints" in tables:
        ways = ways_of(view, facts)
        entries, chosen = _touchpoints(tables["touchpoints"], view, facts, ways[0], tables)
        if ways[0] == "columns" and "journeys" in tables:
            whole = _whole(tables["journeys"], view, facts, chosen)
            if whole is not None and MET in tables:
                left[MET] = _met(whole, tables[MET])
                left[CHANNELS] = tables[CHANNELS]
        left["touchpoints"] = entries.filter(_inside(entries, view, facts)).drop("in_range")
        if _narrows_by_touchpoints(view):
            touched = left["touchpoints"]
            if view.touchpoint_rule == "customers" and view.passing is None and view.tried is None:
                people = chosen[-1]  # whoever has one of the touchpoints: quicker told than by all that is left
    if "customers" in tables:
        left["customers"] = _members(by_customer(tables["customers"], view), tables)
    if "surveys" in tables:
        answers = _shared(tables["surveys"], tables)
        if MEMBERS in tables:  # answers that name nobody belong to nobody
            answers = answers.semi_join(left["customers"].select("customer_id"), "customer_id")
        left["surveys"] = _answers(answers, "answered_at", view, facts, touched, people)
    if "invitations" in tables:
        invited = tables["invitations"]
        if MEMBERS in tables:
            invited = invited.semi_join(left["customers"].select("customer_id"), "customer_id")
        left["invitations"] = _answers(invited, "sent_at", view, facts, touched)
    # what a group of customers cost, nobody wrote down
    by_people = view.customers or view.chooses_people() or MEMBERS in tables
    if "spend" in tables and not by_people:
        left["spend"] = _spend(tables["spend"], view)
    if "changes" in tables:
        left["changes"] = _dated(tables["changes"], "changed_at", view, facts)
    return Population(left, entries, ways, whole)


def ways_of(view: View, facts: Facts) -> tuple[Way, ...]:
    """How the touchpoints that a view leaves become paths, by what it touches.

    Filters on customers, and filters that keep journeys whole, leave the prepared columns true. A session or a date range
    cuts a stretch out of a journey. "Only these touchpoints" takes others out of the middle, and those left keep their
    order. A case takes its touchpoints from anywhere, perhaps from two customers.
    """
    if view.grain == "case":
        return ("windows",)
    if view.touchpoints and view.touchpoint_rule == "touchpoints":
        return ("gaps", "windows")
    cut = view.range_rule == "touchpoints" and (view.first_day is not None or view.last_day is not None)
    if view.grain == "session":
        return ("slices", "windows")
    if cut:
        start, end = (None if at is None else microseconds(at) for at in view.bounds(facts.zone))
        return (Cut(start, end), "slices", "windows")
    return ("columns", "slices", "windows")


def _touchpoints(
    t: ibis.Table, view: View, facts: Facts, way: Way, tables: Tables
) -> tuple[ibis.Table, list[ibis.Table]]:
    """All touchpoints of the people the view keeps, with the columns that metrics count by; and who was chosen by what they did
    or said: tables of one column customer_number, each of which leaves its customers."""
    chosen: list[ibis.Table] = [tables[MEMBERS]] if MEMBERS in tables else []
    t = _members(_by_people(t, view, facts), tables)
    if view.range_rule == "journeys":  # journeys are kept whole, or not at all
        t = t.filter(_inside(t, view, facts))
    t = t.mutate(in_range=ibis.ifelse(_inside(t, view, facts), 1, 0))
    if view.grain == "session":
        t = t.mutate(journey_id=_.customer_number * MOST_SESSIONS + _.session_number)
    elif view.grain == "case":
        t = t.filter(_.case_id.notnull()).mutate(journey_id=_.case_id)
    else:
        t = t.mutate(journey_id=_.customer_number)
    goal = facts.goal_of(view)
    reached = t.touchpoint.isin(goal) if goal else ibis.literal(False)
    t = t.mutate(is_goal=ibis.ifelse(reached, 1, 0))
    if view.touchpoints:
        matching = t
        for kept in view.touchpoints:
            matching = matching.filter(_holds(matching, kept))
        if view.touchpoint_rule == "touchpoints":
            t = matching
        else:
            touched = _met_already(view, facts, tables)
            if touched is None:
                touched = matching.filter(_inside(matching, view, facts)).select("customer_number").distinct()
            t = t.semi_join(touched, "customer_number")
            chosen.append(touched)
    if view.tried is not None:
        tried = tables[CHOSEN]  # who asks for such a view finds them out first
        t = t.semi_join(tried, "journey_id")
        chosen.append(tried.select(customer_number="journey_id"))
    if view.passing is not None:
        path = journeys.nodes(t.filter(_inside(t, view, facts)), "merge", way)
        passing = journeys.passing(path, view.passing)
        t = t.semi_join(passing, "journey_id")
        chosen.append(passing.select(customer_number="journey_id"))
    return t, chosen


def _met_already(view: View, facts: Facts, tables: Tables) -> ibis.Table | None:
    """The customers who ever met what the filter on touchpoints keeps, from what was prepared: customer_number. None where that
    does not tell who they are."""
    if MET not in tables or asked_to_meet(view) is None:
        return None
    if not {held.column for held in view.customers} <= {"customer_id", "customer_number", *facts.attributes}:
        return None  # customers who have such a touchpoint: whose answers these are, the answers do not say
    return of_those_who_met(tables[MET], view, tables).select("customer_number")


def asked_to_meet(view: View) -> Filter | None:
    """The only filter on touchpoints, where a view keeps all customers who ever met one of its touchpoints or channels; None where
    it asks more: days, what is not known, single touchpoints."""
    if len(view.touchpoints) != 1 or view.touchpoint_rule != "customers" or view.grain == "case":
        return None
    kept = view.touchpoints[0]
    dated = view.first_day is not None or view.last_day is not None
    return None if dated or kept.column not in BITS or "" in kept.values else kept


def of_those_who_met(rows: ibis.Table, view: View, tables: Tables) -> ibis.Table:
    """The rows, with the bits of `met`, of the customers who met what `asked_to_meet` names."""
    kept = view.touchpoints[0]
    bits, names = BITS[kept.column]
    numbers = tables[names].filter(_holds(tables[names], kept))[f"{kept.column}_number"]
    one = ibis.literal(1, "int64")
    asked = numbers.as_table().aggregate(asked_to_meet=(one << (numbers - 1)).cast("int64").bit_or())
    both = rows.cross_join(asked)
    return both.filter((both[bits] & both.asked_to_meet) != 0).drop("asked_to_meet")


def _members(t: ibis.Table, tables: Tables) -> ibis.Table:
    """The rows of the customers that segments and answers leave, found out before."""
    return t.semi_join(tables[MEMBERS], "customer_number") if MEMBERS in tables else t


def _shared(s: ibis.Table, tables: Tables) -> ibis.Table:
    """The answers without those that are kept back to protect small groups."""
    if KEPT_BACK not in tables:
        return s
    back = tables[KEPT_BACK]
    held = {column: held_as(s, column.removeprefix(HELD)) for column in back.columns}
    return s.mutate(**held).anti_join(back, list(held)).drop(*held)


def held_as(t: ibis.Table, name: str) -> ibis.Value:
    """A column as a value that is never null: a day as its number, all else as text; unknown is the empty text, as in filters."""
    column = t[name]
    if column.type().is_date():
        return column.epoch_days().cast("int64").fill_null(UNDATED)
    return (column if column.type().is_string() else column.cast("string")).fill_null("")


def _inside(t: ibis.Table, view: View, facts: Facts) -> ibis.Value:
    """Is a touchpoint in the range, or the journey it belongs to? Said plainly wherever it filters: engines plan by it."""
    start, end = view.bounds(facts.zone)
    inside = ibis.literal(True)
    if view.range_rule == "journeys":
        inside = inside if start is None else inside & (t.journey_start >= ibis.timestamp(start))
        return inside if end is None else inside & (t.journey_start < ibis.timestamp(end))
    at = t.occurred_microseconds
    inside = inside if start is None else inside & (at >= microseconds(start))
    return inside if end is None else inside & (at < microseconds(end))


def _whole(j: ibis.Table, view: View, facts: Facts, chosen: Sequence[ibis.Table]) -> ibis.Table | None:
    """The prepared journeys that a view of whole journeys keeps; None where it chooses people by more than they know."""
    if not {kept.column for kept in view.customers} <= set(j.columns):
        return None
    j = by_customer(j, view)
    if view.range_rule == "journeys":
        j = _dated(j, "journey_start", view, facts)
    for people in chosen:
        j = j.semi_join(people, "customer_number")
    return j


def _met(journeys: ibis.Table, met: ibis.Table) -> ibis.Table:
    """What the customers met whose whole journeys the view keeps: the columns of `met`, and contacts (touchpoints)."""
    kept = journeys.select(whose=journeys.customer_number, contacts=journeys.touchpoints)
    return met.join(kept, met.customer_number == kept.whose).drop("whose")


def _answers(
    s: ibis.Table, clock: str, view: View, facts: Facts, touched: ibis.Table | None, people: ibis.Table | None = None
) -> ibis.Table:
    """Answers given, or invitations sent, in the range: those of the people of the view. `touched`: the touchpoints left, where
    the view narrows them; `people`: the numbers of their customers, where these are known without them.

    Under "only these touchpoints" an answer belongs if it is about one of them; otherwise if its customer touched one.
    """
    s = _dated(by_customer(s, view), clock, view, facts)
    about = view.touchpoint_rule == "touchpoints" or touched is None
    for kept in view.touchpoints if about else ():
        if kept.column in s.columns:
            s = s.filter(_holds(s, kept))
        elif touched is not None:  # answers say no type or phase, but which touchpoint they are about
            s = s.semi_join(touched.select("touchpoint").distinct(), "touchpoint")
    if people is not None:
        s = s.semi_join(people, "customer_number")
    elif touched is not None and (view.touchpoint_rule == "customers" or view.passing or view.tried):
        s = s.semi_join(touched.select("customer_id").distinct(), "customer_id")
    return s


def _spend(s: ibis.Table, view: View) -> ibis.Table:
    """Spend in the range: a period that overlaps it counts pro rata by day."""
    for kept in view.touchpoints:
        if kept.column == "channel":
            s = s.filter(_holds(s, kept))
    days = s.period_end.epoch_days() - s.period_start.epoch_days()
    first, last = s.period_start.epoch_days(), s.period_end.epoch_days()
    if view.first_day is not None:
        first = ibis.greatest(first, ibis.literal(view.first_day).epoch_days())
    if view.last_day is not None:
        last = ibis.least(last, ibis.literal(view.last_day + timedelta(1)).epoch_days())
    share = (last - first).cast("float64") / days.cast("float64")
    s = s.mutate(overlap=share).filter(_.overlap > 0)
    return s.mutate(cost=_.cost * _.overlap, impressions=_.impressions * _.overlap, clicks=_.clicks * _.overlap).drop(
        "overlap"
    )


MOST_SESSIONS = 2**31  # of one customer: numbers of customers times this leave room for them


def _dated(t: ibis.Table, column: str, view: View, facts: Facts) -> ibis.Table:
    start, end = view.bounds(facts.zone)
    if start is not None:
        t = t.filter(t[column] >= ibis.timestamp(start))
    if end is not None:
        t = t.filter(t[column] < ibis.timestamp(end))
    return t


def _by_people(t: ibis.Table, view: View, facts: Facts) -> ibis.Table:
    """The touchpoints of the customers that the view keeps, journeys whole: a column that says something about touchpoints
    keeps the customers who have such a touchpoint."""
    of_people = {"customer_id", "customer_number", *facts.attributes}
    for kept in view.customers:
        held = t.filter(_holds(t, kept)) if kept.column in t.columns else t.limit(0)
        if kept.column in t.columns and kept.column not in of_people:
            held = t.semi_join(held.select("customer_number").distinct(), "customer_number")
        t = held
    return t


def by_customer(t: ibis.Table, view: View) -> ibis.Table:
    """The rows of the customers that the view keeps by their attributes."""
    for kept in view.customers:
        t = t.filter(_holds(t, kept)) if kept.column in t.columns else t.limit(0)
    return t


def _holds(t: ibis.Table, kept: Filter) -> ibis.Value:
    """True where the column holds one of the kept values; the empty value stands for null."""
    column = t[kept.column] if t[kept.column].type().is_string() else t[kept.column].cast("string")
    held = column.isin(kept.values)
    return held | column.isnull() if "" in kept.values else held


def _narrows_by_touchpoints(view: View) -> bool:
    return bool(view.touchpoints) or view.passing is not None or view.tried is not None


def check(tables: Tables, view: View, facts: Facts) -> None:
    """Refuse what this dataset cannot answer, with the nearest thing it could."""
    known = {
        c for t in ("touchpoints", "surveys", "customers", "invitations") if t in tables for c in tables[t].columns
    }
    for kept in view.customers + view.touchpoints:
        if kept.column not in known:
            raise ViewProblem(
                N_("This dataset has no column {found} to filter by. Nearest: {nearest}."),
                found=kept.column, nearest=nearest(kept.column, known) or "–",
            )  # fmt: skip
    if not facts.timed and (view.first_day or view.last_day):
        raise ViewProblem(N_("These touchpoints have an order but no time, so they cannot be cut to a date range."))
    if view.grain == "case" and "case_id" not in facts.columns.get("touchpoints", ("case_id",)):
        raise ViewProblem(
            N_("These touchpoints name no case (an order, a ticket), so journeys cannot be counted by case.")
        )
