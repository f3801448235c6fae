"""The second opinion: what a view leaves and what it adds up to, in slow plain Python that shares no line with the library."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any
from zoneinfo import ZoneInfo

from cx_metrics.engines import Store
from cx_metrics.segments import AllOf, AnyOf, Condition, Leaf, Not, condition_of, parse_condition, print_condition
from cx_metrics.view import Answered, Filter, Member, Passing, Tried, View

Row = dict[str, Any]
Unit = list[Row]
Link = tuple[int, str, str | None, str]

SESSION_GAP = timedelta(minutes=30)
OURS = (
    "customer_id",
    "occurred_at",
    "sequence",
    "touchpoint",
    "channel",
    "touchpoint_type",
    "phase",
    "stage",
    "case_id",
)


def rows_of(store: Store) -> list[Row]:
    """The touchpoints of a dataset as plain rows, without what was prepared."""
    columns = (*OURS, *store.facts.attributes)
    asked = ", ".join('"' + c.replace('"', '""') + '"' for c in columns)
    found = store.connection.cursor().execute(f"select {asked} from touchpoints").fetchall()
    return [dict(zip(columns, row, strict=True)) for row in found]


def in_order(rows: Iterable[Row]) -> list[Row]:
    """By time, then by arrival; a time that is not known comes last."""
    return sorted(rows, key=lambda r: (r["occurred_at"] is None, r["occurred_at"] or datetime.min, r["sequence"]))


def journeys_of(rows: Iterable[Row]) -> dict[str, Unit]:
    """The rows of each customer, in order."""
    each = defaultdict(list)
    for row in rows:
        each[row["customer_id"]].append(row)
    return {who: in_order(own) for who, own in each.items()}


def sessions_of(journey: Unit) -> list[Unit]:
    """A journey cut at gaps of more than half an hour."""
    cut: list[Unit] = []
    for row in journey:
        before = cut[-1][-1]["occurred_at"] if cut else None
        at = row["occurred_at"]
        if cut and not (before is not None and at is not None and at - before > SESSION_GAP):
            cut[-1].append(row)
        else:
            cut.append([row])
    return cut


def local_day(at: datetime, zone: str) -> date:
    """The calendar day of a UTC instant in a zone."""
    return at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).date()


@dataclass(frozen=True)
class Left:
    """What a view leaves: journeys (of its grain) in order, and the goal."""

    units: dict[Any, Unit]
    goal: tuple[str, ...]

    @property
    def rows(self) -> list[Row]:
        return [row for unit in self.units.values() for row in unit]

    @property
    def customers(self) -> set[str]:
        return {row["customer_id"] for row in self.rows}

    @property
    def people(self) -> dict[str, int]:
        return {"customers": len(self.customers), "journeys": len(self.units), "touchpoints": len(self.rows)}


@dataclass(frozen=True)
class People:
    """All that is known of customers beside their touchpoints: their attributes, and what they answered."""

    attributes: dict[str, Row]
    answers: list[Row]


def people_of(store: Store) -> People:
    """The customers and answers of a dataset as plain rows, without what was prepared."""
    ask = store.connection.cursor().execute
    customers = ask("select * from customers").fetchdf().astype(object)
    rows = customers.where(customers.notna(), None).to_dict("records") if len(customers) else []
    answers = []
    if "surveys" in store.tables:
        names = ("customer_id", "survey_type", "score", "score_status", "touchpoint", "answered_at")
        found = ask(f"select {', '.join(names)} from surveys").fetchall()
        answers = [dict(zip(names, row, strict=True)) for row in found]
    return People({row["customer_id"]: row for row in rows}, answers)


def members_by(rows: Sequence[Row], view: View, zone: str, people: People) -> set[str]:
    """The customers that the segments and the answers of a view leave."""
    kept = set(people.attributes)
    for member in view.members:
        inside = _belong(parse_condition(member.condition), rows, zone, people)
        kept = kept & inside if member.inside else kept - inside
    if view.answered:
        kept &= _answered(view.answered, view, zone, people)
    return kept


def _belong(condition: Condition, rows: Sequence[Row], zone: str, people: People) -> set[str]:
    if isinstance(condition, Leaf):
        return _leaf(condition.view, rows, zone, people)
    if isinstance(condition, AllOf | AnyOf):
        each = [_belong(part, rows, zone, people) for part in condition.parts]
        return set.intersection(*each) if isinstance(condition, AllOf) else set.union(*each)
    return set(people.attributes) - _belong(condition.part, rows, zone, people)


def _leaf(view: View, rows: Sequence[Row], zone: str, people: People) -> set[str]:
    rest = replace(view, answered=None)
    kept = set(people.attributes)
    if view.answered:
        kept = _answered(view.answered, view, zone, people)
        if rest == View(view.first_day, view.last_day, range_rule=view.range_rule):
            return kept
    are = {
        who for who, row in people.attributes.items() if all(_holds(row, f) for f in rest.customers if f.column in row)
    }
    if rest == View(customers=rest.customers):
        return kept & are
    found = left_by(rows, rest, zone).customers
    if not (rest.touchpoints or rest.passing or rest.tried):
        said = [a for a in people.answers if _in_range({"occurred_at": a["answered_at"]}, rest, zone)]
        found = found | {a["customer_id"] for a in said} & are
    return kept & found


def _answered(asked: Answered, view: View, zone: str, people: People) -> set[str]:
    return {
        a["customer_id"]
        for a in people.answers
        if a["customer_id"] is not None and a["score_status"] == "valid" and a["survey_type"] == asked.survey_type
        and asked.low <= a["score"] <= asked.high and asked.touchpoint in (None, a["touchpoint"])
        and _in_range({"occurred_at": a["answered_at"]}, view, zone)
    }  # fmt: skip


def left_by(
    rows: Sequence[Row], view: View, zone: str, goal: tuple[str, ...] = (), people: People | None = None
) -> Left:
    """What a view leaves of these rows; `people`: for views that choose them by segments or answers."""
    if view.members or view.answered:
        assert people is not None
        kept = members_by(rows, view, zone, people)
        rows = [row for row in rows if row["customer_id"] in kept]
    every: dict[Any, Unit] = defaultdict(list)  # with what lies outside the range: steps of a funnel may
    inside: set[int] = set()
    for who, journey in journeys_of(rows).items():
        if not all(_holds(journey[0], kept) for kept in view.customers):
            continue
        for session, part in enumerate(sessions_of(journey)):
            for row in part:
                if view.grain == "case" and row["case_id"] is None:
                    continue
                if _in_range(row if view.range_rule == "touchpoints" else journey[0], view, zone):
                    inside.add(row["sequence"])
                elif view.range_rule == "journeys":
                    continue
                unit = {"journey": who, "session": (who, session), "case": row["case_id"]}[view.grain]
                every[unit].append(row)
    if view.touchpoints and view.touchpoint_rule == "touchpoints":
        every = {u: [r for r in own if all(_holds(r, kept) for kept in view.touchpoints)] for u, own in every.items()}
    elif view.touchpoints:
        held = [r for own in every.values() for r in own if all(_holds(r, kept) for kept in view.touchpoints)]
        touched = {r["customer_id"] for r in held if r["sequence"] in inside}
        every = {u: [r for r in own if r["customer_id"] in touched] for u, own in every.items()}
    if view.tried is not None:
        every = {u: own for u, own in every.items() if _tried(in_order(own), inside, view.tried)}
    units = {u: [r for r in own if r["sequence"] in inside] for u, own in every.items()}
    found = {u: in_order(own) for u, own in units.items() if own}
    if view.passing is not None:
        found = {u: own for u, own in found.items() if _passes(names(own, "merge"), view.passing)}
    return Left(found, view.goal if view.goal is not None else goal)


def _tried(unit: Unit, inside: set[int], asked: Tried) -> bool:
    """Was the journey lost before a step of a plain funnel of two steps, or did it come through?"""
    rules = dict(asked.funnel)
    first, second = (set(step.split("|")) for step in rules["steps"].split(","))
    days = rules.get("window", "14d")
    length = None if days == "unlimited" else timedelta(days=int(days[:-1]))
    opened = [i for i, row in enumerate(unit) if row["touchpoint"] in first and row["sequence"] in inside]
    done = any(
        i != j and _follows(unit, i, j, length)
        for i in opened
        for j, row in enumerate(unit)
        if row["touchpoint"] in second
    )
    assert asked.step == 2
    return bool(opened) and not done if asked.lost else done


def _follows(unit: Unit, i: int, j: int, within: timedelta | None) -> bool:
    if unit[i]["occurred_at"] is None:
        return i < j
    gap: timedelta = unit[j]["occurred_at"] - unit[i]["occurred_at"]
    return gap >= timedelta(0) and (within is None or gap <= within)


def _holds(row: Row, kept: Filter) -> bool:
    return (row[kept.column] if row[kept.column] is not None else "") in kept.values


def _in_range(row: Row, view: View, zone: str) -> bool:
    if view.first_day is None and view.last_day is None:
        return True
    if row["occurred_at"] is None:
        return False
    day = local_day(row["occurred_at"], zone)
    return (view.first_day or date.min) <= day <= (view.last_day or date.max)


def _passes(path: tuple[str, ...], asked: Passing) -> bool:
    here, beyond = asked.step - 1, asked.step
    if len(path) <= here or path[here] != asked.touchpoint:
        return False
    if asked.ends:
        return len(path) == beyond
    return asked.next_touchpoint is None or path[beyond : beyond + 1] == (asked.next_touchpoint,)


def names(unit: Unit, repeats: str) -> tuple[str, ...]:
    """The path of a journey."""
    path = [row["touchpoint"] for row in unit]
    return tuple(path) if repeats == "keep" else tuple(name for name, _run in groupby(path))


def flow(left: Left, steps: int, repeats: str) -> Counter[Link]:
    """Journeys by step, source, target and kind."""
    found: Counter[Link] = Counter()
    for unit in left.units.values():
        path = names(unit, repeats)
        for step, name in enumerate(path[:steps], 1):
            if step == len(path):
                found[step, name, None, "drop_off"] += 1
            elif step == steps:
                found[step, name, None, "continues_beyond"] += 1
            else:
                found[step, name, path[step], "move"] += 1
    return found


def transitions(left: Left, repeats: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Pairs of neighbours: how often, and in how many journeys."""
    often: Counter[tuple[str, str]] = Counter()
    journeys: Counter[tuple[str, str]] = Counter()
    for unit in left.units.values():
        pairs = Counter(pairwise(names(unit, repeats)))
        often += pairs
        journeys.update(pairs.keys())
    return {pair: (n, journeys[pair]) for pair, n in often.items()}


def whole_paths(left: Left, repeats: str) -> Counter[tuple[str, ...]]:
    """Journeys by their path."""
    return Counter(names(unit, repeats) for unit in left.units.values())


def touched(left: Left, column: str) -> dict[str | None, tuple[int, int]]:
    """Customers and touchpoints by the value of a column."""
    who, often = defaultdict(set), Counter[Any]()
    for row in left.rows:
        who[row[column]].add(row["customer_id"])
        often[row[column]] += 1
    return {value: (len(who[value]), often[value]) for value in often}


COLUMNS = ("channel", "stage", "touchpoint", "touchpoint_type", "phase")


def random_view(dice: random.Random, rows: Sequence[Row], store: Store) -> View:
    """A view of any kind, or of several at once, over values that the rows hold (and a few that they do not)."""

    def some(column: str) -> Filter:
        held = sorted({row[column] or "" for row in rows})
        return Filter(column, tuple(dice.sample([*held, "held by no row"], dice.randint(1, min(3, len(held))))))

    view = View(grain=dice.choice(("journey", "journey", "session", "case")))
    if view.grain == "case" and not any(row["case_id"] for row in rows):
        view = replace(view, grain="session")
    if store.facts.attributes and dice.random() < 0.4:
        kept = dice.sample(store.facts.attributes, dice.randint(1, min(2, len(store.facts.attributes))))
        view = replace(view, customers=tuple(some(a) for a in kept))
    if dice.random() < 0.4:
        kept = dice.sample(COLUMNS, dice.choice((1, 1, 2)))
        rule: Any = dice.choice(("customers", "touchpoints"))
        view = replace(view, touchpoints=tuple(some(c) for c in kept), touchpoint_rule=rule)
    if store.facts.timed and dice.random() < 0.5:
        days = sorted(local_day(dice.choice(rows)["occurred_at"], store.facts.zone) for _ in range(2))
        first, last = dice.choice(((days[0], days[1]), (days[0], None), (None, days[1])))
        view = replace(view, first_day=first, last_day=last, range_rule=dice.choice(("touchpoints", "journeys")))
    if dice.random() < 0.3:
        held = sorted({row["touchpoint"] for row in rows})
        view = replace(view, goal=tuple(dice.sample(held, min(len(held), dice.choice((0, 1, 2, 2))))))
    return passing_view(dice, rows, view, store) if dice.random() < 0.4 else view


def segment_view(dice: random.Random, rows: Sequence[Row], store: Store) -> View:
    """A view of any kind, its customers inside or outside of segments that other views make."""
    view = random_view(dice, rows, store)
    for number in range(dice.choice((1, 1, 2))):
        condition = random_condition(dice, rows, store)
        if condition is not None:
            view = view.with_member(Member(f"segment {number}", print_condition(condition), dice.random() < 0.6))
    if "surveys" in store.tables and dice.random() < 0.3:
        low = dice.randint(0, 6)
        view = replace(view, answered=Answered(dice.choice(("nps", "csat", "ces")), low, low + dice.randint(0, 4)))
    return view


def random_condition(dice: random.Random, rows: Sequence[Row], store: Store, deepest: int = 2) -> Condition | None:
    """Who a random view leaves, or several such together."""
    if deepest and dice.random() < 0.4:
        found = [random_condition(dice, rows, store, deepest - 1) for _ in range(dice.choice((1, 2, 2, 3)))]
        parts = tuple(part for part in found if part is not None)
        if len(parts) == 1:
            return Not(parts[0])
        return dice.choice((AllOf, AnyOf))(parts) if parts else None
    return condition_of(random_view(dice, rows, store))


def passing_view(dice: random.Random, rows: Sequence[Row], view: View, store: Store) -> View:
    """The view cut to the journeys that pass a node, a link or an end that there is."""
    links = sorted(flow(left_by(rows, view, store.facts.zone), 5, "merge"), key=repr)
    if not links:
        return view
    step, source, target, kind = dice.choice(links)
    following = target if dice.random() < 0.7 else None
    return replace(view, passing=Passing(step, source, following, ends=kind == "drop_off" and dice.random() < 0.7))
