"""Random datasets with everything that engines treat differently, and the questions to ask of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

import cx_metrics as cx
from cx_metrics.engines.incoming import Incoming
from cx_metrics.options import Choice, Count
from cx_metrics.registry import Metric
from cx_metrics.steps import Exclusions, TakenFrom
from cx_metrics.tables import CHANGES, INVITATION_STATUSES, INVITATIONS, SPEND, SURVEYS, TOUCHPOINTS
from cx_metrics.view import Answered, Belonging, Facts, Filter, Member, Passing, Tried, View
from tests.conftest import incoming

# Upper and lower case (collations), signs that SQL quotes in its own ways, letters beyond ASCII, a blank at the end.
NAMES = ("A", "B", "C", "a", "b", "é", "o'clock", "back\\slash", "100%", "خرید", "A ")
STAGES = ("awareness", "consideration", "decision", "own stage", None)
CHANNELS = ("web", "Web", "store", "call", None)
START = datetime(2025, 10, 20, 21, 30)  # the clocks of Berlin change in the weeks after it
ZONE = "Europe/Berlin"
RULES = (
    {"start": "A"}, {"end": "B"}, {"start": "A|a", "end": "o'clock|B"}, {"exclude": "b|C"}, {"group": "back*|*%"},
    {"start": "A", "exclude": "b", "group": "o'*|خ*"},
)  # fmt: skip
STEPS = ("A,B", "A|a,b,B", "B,A,B", "é,o'clock,A", "A,B?,C@3d", 'A[channel=web|""],B|b[channel=Web|store]')


@dataclass(frozen=True)
class Events:
    """The rows of a dataset: can be sent to any number of engines."""

    rows: Mapping[str, list[dict[str, Any]]]
    facts: Facts

    def tables(self) -> dict[str, Incoming]:
        """The rows as typed tables, in batches."""
        schemas = {
            "touchpoints": TOUCHPOINTS.schema,
            "surveys": SURVEYS.schema,
            "invitations": INVITATIONS.schema,
            "spend": SPEND.schema,
            "changes": CHANGES.schema,
        }
        schemas["customers"] = pa.schema([(name, pa.string()) for name in ("customer_id", "persona", "plan")])
        return {name: incoming(rows, schemas[name]) for name, rows in self.rows.items()}


def random_events(seed: int, customers: int = 25, timed: bool = True) -> Events:
    """Ties in time, journeys of one touchpoint, equal neighbours, rows that stand twice, nulls in every column that may hold
    them."""
    dice = random.Random(seed)
    touched: list[dict[str, Any]] = []
    for number in range(customers):
        at = START + timedelta(hours=dice.randrange(24 * 20), microseconds=dice.choice((0, 0, 1, 999_999)))
        few = dice.sample(NAMES, dice.randint(1, 4))
        for _again in range(dice.choice((1, 1, 2, 3, 5, 8, 13))):
            at += timedelta(seconds=dice.choice((0, 0, 1, 59, 1800, 1801, 3600 * 30, 3600 * 24 * 8)))
            name = dice.choice(few)
            touched.append({
                "customer_id": f"u{number}", "occurred_at": at if timed else None, "touchpoint": name,
                "raw_touchpoint": name.lower(), "channel": dice.choice(CHANNELS), "stage": dice.choice(STAGES),
                "touchpoint_type": dice.choice(("digital", "human", None)), "phase": dice.choice(("before", "after", None)),
                "case_id": dice.choice(("c1", f"c{number}", None)), "value": dice.choice((None, 0.0, 2.5, 19.99, -1.0)),
                "currency": "EUR", "duration_seconds": dice.choice((None, 0.0, 12.5)), "region": dice.choice(("n", "s", None)),
                "clicks": dice.choice(("0", "3", None)),
            })  # fmt: skip
            if dice.random() < 0.1:
                touched.append(dict(touched[-1]))  # the same row once more
    dice.shuffle(touched)
    for sequence, row in enumerate(touched):
        row["sequence"] = sequence
    people = [
        {
            "customer_id": f"u{n}",
            "persona": dice.choice(("saver", "Saver", "new'ish", None)),
            "plan": dice.choice(("x", None)),
        }
        for n in range(0, customers + 2, 2)
    ]
    spent = [
        {"period_start": (day := date(2025, 10, 20) + timedelta(days=7 * week)), "period_end": day + timedelta(days=7),
         "channel": channel, "cost": dice.choice((0.0, 10.5, 99.0)), "currency": "EUR", "campaign": None,
         "impressions": dice.choice((None, 100.0)), "clicks": dice.choice((None, 7.0))}
        for week in range(3) for channel in ("web", "store", "tv")
    ]  # fmt: skip
    changed = [{"changed_at": START + timedelta(days=3), "title": "New checkout"}]
    rows = {
        "touchpoints": touched,
        "surveys": _heard(random.Random(f"heard {seed}"), _answers(dice, customers)),
        "invitations": _invited(random.Random(f"invited {seed}"), customers),
        "customers": people,
        "spend": spent,
        "changes": changed,
    }
    return Events(rows, Facts(zone=ZONE, goal=("B", "b")))


def _answers(dice: random.Random, customers: int) -> list[dict[str, Any]]:
    given = []
    for number in range(customers * 2):
        kind, low, high = dice.choice((("nps", 0.0, 10.0), ("csat", 1.0, 5.0), ("ces", 1.0, 7.0)))
        status = dice.choice(("valid", "valid", "valid", "missing", "invalid"))
        score = float(dice.randint(int(low), int(high)))
        given.append({
            "response_id": f"r{number}", "customer_id": dice.choice((None, f"u{dice.randrange(customers + 3)}")),
            "answered_at": dice.choice((None, START + timedelta(hours=dice.randrange(24 * 20)))), "question": "q",
            "survey_type": kind, "scale_low": low, "scale_high": high, "higher_is_better": True, "score_status": status,
            "score": {"valid": score, "missing": None, "invalid": 99.0}[status], "comment": dice.choice((None, "fine", " ")),
            "touchpoint": dice.choice((None, *NAMES)), "stage": dice.choice(STAGES), "channel": dice.choice(CHANNELS),
            "language": "en", "wave": dice.choice(("1", "2", None)), "source": "x", "weight": 1.0,
        })  # fmt: skip
    return [*given, dict(given[0])]


def _heard(dice: random.Random, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers with what was read in their words: some say nothing, some cannot be read; what stands twice was read once."""
    read: dict[str, dict[str, Any]] = {}
    for answer in answers:
        said = {"comment_words": " fine ", "sentiment": dice.choice((None, "negative", "neutral", "positive")),
                "theme": dice.choice((None, "delivery", "price, value"))}  # fmt: skip
        read.setdefault(answer["response_id"], dice.choice((said, dict.fromkeys(said))))
    return [answer | read[answer["response_id"]] for answer in answers]


def _invited(dice: random.Random, customers: int) -> list[dict[str, Any]]:
    """Reminders, invitations of nobody known, of people who touched nothing, without a time, and counts of many."""
    return [
        {
            "invitation_id": dice.choice((None, f"i{dice.randrange(30)}")),
            "customer_id": dice.choice((None, f"u{dice.randrange(customers + 5)}", f"u{dice.randrange(customers)}")),
            "sent_at": dice.choice((None, START + timedelta(hours=dice.randrange(24 * 20)))), "wave": dice.choice(("1", "2", None)),
            "status": dice.choice(INVITATION_STATUSES), "channel": dice.choice(CHANNELS), "touchpoint": dice.choice((None, *NAMES)),
            "stands_for": dice.choice((1, 1, 1, 0, 40)),
        }
        for _again in range(customers * 3)
    ]  # fmt: skip


def views(timed: bool = True) -> dict[str, View]:
    """One view of each kind, and some together."""
    few = (Filter("channel", ("", "web")),)
    found = {
        "all": View(),
        "attribute": View(customers=(Filter("persona", ("", "saver")),)),
        "session": View(grain="session"),
        "case": View(grain="case"),
        "goal": View(goal=("A", "back\\slash")),
        "touched": View(touchpoints=few),
        "only these": View(touchpoints=few, touchpoint_rule="touchpoints"),
        "passing": View(passing=Passing(1, "A")),
        "passing a link": View(passing=Passing(1, "A", "B"), grain="session"),
        "ending": View(passing=Passing(2, "B", ends=True)),
        "lost": View(tried=Tried(2, True, (("steps", "A,B"), ("window", "unlimited")))),
        "came through in a session": View(grain="session", tried=Tried(2, False, (("steps", "A|B,a|B"),))),
        "cases that were lost": View(grain="case", tried=Tried(2, True, (("steps", "A,b|B"),))),
        "detractors": View(answered=Answered("nps", 0, 6)),
        "unhappy there": View(answered=Answered("csat", 1, 4), grain="session"),
        "in a segment": View(members=(Member("did", "any(touchpoint=A&is.plan=x;passing=1|B)"),)),
        "outside of segments": View(
            members=(
                Member("savers", "persona=saver&persona=Saver", inside=False),
                Member("more", "all(not(tried=lost|2|steps=A,B);any(answered=nps|7|10;channel=web))"),
            ),
            customers=(Filter("region", ("n", "")),),
        ),
        "answers by the last touchpoint": View(belonging=Belonging("last", 86_400)),
        "answers by the journey": View(belonging=Belonging("journey"), customers=(Filter("region", ("n", "")),)),
        "answers by nothing": View(belonging=Belonging("none")),
        "nobody": View(customers=(Filter("region", ("nowhere",)),)),
    }
    if timed:
        days = {"first_day": date(2025, 10, 25), "last_day": date(2025, 11, 2)}
        found |= {
            "range": View(**days),
            "journeys that start": View(**days, range_rule="journeys"),
            "range of sessions": View(**days, grain="session", customers=(Filter("plan", ("x",)),)),
            "lost in a range": View(
                **days, touchpoints=few, tried=Tried(2, True, (("steps", "A|a,B"), ("window", "2d")))
            ),
            "a segment in a range": View(
                **days,
                members=(Member("then", "from=2025-10-22&to=2025-10-28"), Member("web", "channel=web", inside=False)),
            ),
            "answered in a range": View(
                **days, answered=Answered("nps", 0, 10), tried=Tried(2, True, (("steps", "A|a|b,B"),))
            ),
            "range of few": View(**days, touchpoints=few, touchpoint_rule="touchpoints", passing=Passing(1, "A")),
        }
    return found


def questions(metric: Metric) -> Iterator[dict[str, Any]]:
    """The options to ask a metric with: as they stand, each choice once, and the rules of paths it takes."""
    given = {"steps": STEPS[0], "column": "stage", "first": "decision"}
    needed: dict[str, Any] = {o.name: given[o.name] for o in metric.options if o.required}
    few = {"min_support": 0, "min_per_driver": 0, "drivers": "channel|stage"}
    needed |= {name: value for name, value in few.items() if any(o.name == name for o in metric.options)}
    yield needed
    for option in metric.options:
        if isinstance(option.type, Choice):
            yield from (needed | {option.name: name} for name in option.type.names if name != option.default)
        elif isinstance(option.type, Count) and option.name != "min_per_driver":
            yield needed | {option.name: max(option.type.low, 2)}
        elif option.name == "steps":
            yield from ({"steps": steps} for steps in STEPS[1:])
        elif isinstance(option.type, TakenFrom):
            yield from (needed | {option.name: name} for name in (*option.type.names, "step 2"))
        elif isinstance(option.type, Exclusions):
            yield from (needed | {option.name: text} for text in ("C", "b|C@1-2"))
        elif option.name in ("window", "lookback"):
            yield from (needed | {option.name: length} for length in ("unlimited", "2d"))
    known = {option.name for option in metric.options}
    yield from (needed | rules for rules in RULES if set(rules) <= known)


GROUPS = {
    "touchpoints": ("persona", "week"),
    "paths": ("persona",),
    "surveys": ("stage", "region", "quarter", "contacts_before", "waiting", "path"),
    "invitations": ("wave", "month"),
}


def groups(metric: Metric) -> Iterator[tuple[str, ...]]:
    """What to group by: nothing, an attribute, a calendar column."""
    yield ()
    yield from ((column,) for column in GROUPS.get(metric.inputs[0], ()))


def ask(metric: Metric, dataset: Any, view: View, by: tuple[str, ...], options: dict[str, Any]) -> Any:
    """The answer as plain rows; or the words in which it is refused."""
    try:
        return cx.run(metric, dataset, view, by=by, **options).frame.to_dict("records")
    except cx.TouchlineError as refused:
        return str(refused)


def differences(ours: Any, theirs: Any) -> list[str]:
    """Where two answers differ: text by text, number by number up to 1e-9 of its size."""
    if isinstance(ours, str) or isinstance(theirs, str):
        return [] if ours == theirs else [f"{ours!r} is not {theirs!r}"]
    if len(ours) != len(theirs):
        return [f"{len(ours)} rows, and {len(theirs)}: {ours[:3]} … {theirs[:3]}"]
    found = []
    for place, (left, right) in enumerate(zip(ours, theirs, strict=True)):
        if list(left) != list(right):
            return [f"columns {list(left)} are not {list(right)}"]
        found += [
            f"row {place}, {name}: {left[name]!r} is not {right[name]!r}"
            for name in left
            if not same(left[name], right[name])
        ]
    return found


def same(left: Any, right: Any) -> bool:
    """Whether two cells hold the same; nothing is nothing, however it is written."""
    if isinstance(left, (tuple, list)):
        return list(left) == list(right)
    nothing = [value is None or value != value for value in (left, right)]
    if any(nothing):
        return all(nothing)
    if isinstance(left, (int, float)) and not isinstance(left, bool):
        return abs(left - right) <= 1e-9 * max(1.0, abs(left), abs(right))
    return bool(left == right)
