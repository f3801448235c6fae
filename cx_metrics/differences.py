"""A metric for two views, row by row: what is the difference of each of its numbers, and how sure is it?

For any metric but those whose names `comparison` has to choose over both views together. The metric is asked twice; rows of
the same keys stand beside each other; each number gets its difference, with the interval that fits the way its own is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias, cast

import numpy as np
import pandas as pd

from cx_metrics import intervals, registry
from cx_metrics.asking import CONFIDENCE
from cx_metrics.datasets import Dataset
from cx_metrics.definition import SIDES, define_both, with_privacy
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.funnel import STARTS
from cx_metrics.groups import OTHER
from cx_metrics.intervals import Array, NpsMethod
from cx_metrics.options import Count
from cx_metrics.protecting import said_of_both, unit_of, whole_months
from cx_metrics.registry import METRICS, Measure, Metric
from cx_metrics.routes import ROUTES, Route
from cx_metrics.run import Result, people, run
from cx_metrics.small_groups import SUPPRESSED, Privacy
from cx_metrics.tables import CALENDAR
from cx_metrics.texts import N_, Text
from cx_metrics.view import View

Key: TypeAlias = tuple[Any, ...]
ENDS = ("", "_low", "_high")
OTHER_PERIOD = "other_period"

# Metrics whose rows of two views are not about the same thing, and why.
REFUSED = {
    "time_to_convert": N_(
        "each side has bars of its own width, from its own shortest time to its longest; the times of a funnel can be compared"
    ),
    "score_difference": N_("it compares two groups itself; the scores can be compared: nps, csat, ces, rating"),
    "group_traits": N_("it compares each group with all others itself"),
    "journey_clusters": N_("each side has clusters of its own"),
    "flow_branch": N_("a branch stands in one flow; the whole flow can be compared: flow_links"),
}
# A row that one side lacks stands for a count of 0 there. Not so where a metric leaves out what it counts elsewhere: a touchpoint
# that nobody met has no curve, though everybody is at its point 0; a measure that no contact has no row, though there are contacts;
# a value of customers that is not among the most frequent ones stands in the rest.
LACKING_IS_UNKNOWN = ("answer_bias", "contact_measures", "exposure_curve")
# Counts that say again in each row of a group what shares are of: they stand as n_a and n_b.
REPEATED = (
    "all_answers", "all_happy", "all_journeys", "all_neutral", "all_unhappy", "days", "lost", "population", "previous",
    "without_customer", "without_journey", "without_scale", "without_time",
)  # fmt: skip
# Options that fold the rest into one row, or cut it: another rest on either side.
FOLDS = ("top", "next_top")
CUT = {"exposure_curve": "touchpoint"}  # these leave the rest out, and this is what they count the largest of
# Columns that have to be the same on both sides, where they are known, for a difference of measures of that unit.
CURRENCY, SCALE = ("currency", "spend_currency"), ("scale_low", "scale_high", "higher_is_better")
MEASURED_IN = {"money": CURRENCY, "ratio": CURRENCY, "per customer": CURRENCY, "score": SCALE}
# Key columns that have the name of a column here.
RENAMED = {"measure": "contact_measure"}

NEWCOMBE, WELCH, MOVER = "newcombe", "Welch t", "MOVER"
TESTS = {
    NEWCOMBE: "z test, pooled variance",
    WELCH: "Welch's t test, Satterthwaite's degrees of freedom",
    MOVER: "normal approximation, standard error from the width of the interval",
    "bootstrap": "twice the part of the drawn differences beyond 0",
} | {name: "z test on the adjusted scores" for name in intervals.NPS_ADDED}

MEASURES = {
    "n_a": Measure(N_("n in A"), "count", meaning=N_("what the number of A rests on; a count rests on itself")),
    "value_a": Measure(N_("A"), "ratio", n="n_a", interval="as the metric says", meaning=N_("the number of A, in its own unit")),
    "n_b": Measure(N_("n in B"), "count", meaning=N_("what the number of B rests on; a count rests on itself")),
    "value_b": Measure(N_("B"), "ratio", n="n_b", interval="as the metric says", meaning=N_("the number of B, in its own unit")),
    "difference": Measure(N_("Difference"), "ratio", n="n_a", interval="by measure", meaning=N_("A minus B")),
    "relative": Measure(
        N_("Relative change"), "ratio", n="n_b",
        meaning=N_("the difference as a share of the number of B; none where that is not above 0"),
    ),
    "p_value": Measure(N_("p-value"), "ratio", n="n_a", meaning=N_("how often chance alone would make a difference this large")),
}  # fmt: skip
COLUMNS = (
    "measure", *(c for side in SIDES for c in (f"n_{side}", *(f"value_{side}{end}" for end in ENDS))),
    *(f"difference{end}" for end in ENDS), "relative", "p_value", "flagged", "method",
)  # fmt: skip


def differences(
    name: str | Metric,
    dataset: Dataset,
    a: View,
    b: View,
    *,
    by: Sequence[str] = (),
    confidence: float = CONFIDENCE,
    version: str = "",
    route: Route | None = None,
    privacy: Privacy | None = None,
    **options: Any,
) -> Result:
    """Answer a metric for two views, and say how far each of its numbers differs.

    One row per key (`by` and the groups of the metric) and measure, in the order of A's rows, those that only B has after:
    measure; n_a, value_a, value_a_low, value_a_high, the same of B; difference (a − b) with its interval; relative (of B; null
    where that is not above 0); p_value; flagged (Benjamini-Hochberg over all rows that have a p-value, q = 0.10); method.

    Shares have Newcombe's interval, whichever their own is; NPS that of its option `method`; means with Student's t Welch's;
    whatever else has an interval the one that follows from those of the two sides (MOVER). The difference of two NPS is that of
    the scores shown, and its interval stands around the adjusted ones. Counts, and numbers without an interval, have a difference
    and no test. Sides are taken for independent, also where a person is in both.

    A count of a row that a side lacks is 0 there, unless nobody is on that side; its shares and means are unknown, and so is
    their difference. Calendar periods are compared by their place in the ranges of the two views: the k-th of A with the
    k-th of B, whose date is in `other_period`. What a metric would fold into a rest is named if it is among the largest of
    one side; the rest is left out. Unlike currencies or scales, and months of unlike parts, have no difference.
    Raises OptionProblem or ViewProblem.
    """
    metric = name if isinstance(name, Metric) else registry.find(name)
    check_comparable(metric, by)
    if privacy is not None:
        a, b = (whole_months(view, journeys=unit_of(metric) == "customers") for view in (a, b))
    asked, groups = metric.read_options(options), tuple(dict.fromkeys(by))
    given = {"by": groups, "confidence": confidence, "version": version, "route": route, "privacy": privacy}
    periods = _periods(metric, dataset, (a, b), groups, asked)
    sides = [_side(metric, dataset, view, asked, p, given) for view, p in zip((a, b), periods, strict=True)]
    places = sides[0].rows
    keys = sorted(dict.fromkeys(k for side in sides for k in side.shown), key=lambda key: places.get(key, len(places)))
    own = {name: measure for name, measure in metric.measures.items() if name not in REPEATED}
    methods = {name: method_of(sides[0].result.definition["intervals"].get(name)) for name in own}
    numbers = [_numbers(name, measure, methods[name], sides, keys, confidence) for name, measure in own.items()]
    frame = pd.concat([_keys(keys, sides)] * len(own), ignore_index=True)
    frame = pd.concat([frame, pd.concat(numbers, ignore_index=True)], axis=1)
    order = np.argsort(np.tile(np.arange(len(keys)), len(own)), kind="stable")  # measures stand in their order already
    p = frame["p_value"].to_numpy()[order]
    flagged = np.nan_to_num(intervals.benjamini_hochberg(p), nan=1.0) <= intervals.FALSE_DISCOVERIES
    frame = frame.iloc[order].reset_index(drop=True).assign(flagged=flagged)
    frame = frame if privacy is None else _hidden(frame, sides, [keys[i // len(own)] for i in range(len(frame))])
    whole = {n: "int64" for n in ("n_a", "n_b") if frame[n].notna().all()}  # but for money, which names no count
    last = [*COLUMNS, *(c for c in (SUPPRESSED,) if c in frame)]
    frame = frame[[*(c for c in frame.columns if c not in last), *last]].astype(whole)
    used = dict.fromkeys(method for method in methods.values() if method)
    more = {"periods": "by their place in the two ranges"} if sides[0].periods else {}
    more |= {"names": "the largest of a and the largest of b"} if folding(metric) else {}
    definition = define_both(
        metric, dataset.facts, (a, b), groups, asked, confidence, version,
        differences={name: method for name, method in methods.items() if method},
        tests={method: TESTS[method] for method in used},
        shares="differences of shares have Newcombe's interval, also where those of the sides are made by another method",
        relative="difference / b, where b is above 0", **more,
    )  # fmt: skip
    if privacy is not None:
        definition = with_privacy(definition, said_of_both([side.result.definition["privacy"] for side in sides]))
    taken = max((side.result.route for side in sides), key=["", *ROUTES].index)
    return Result(replace(metric, measures=MEASURES), frame, definition, taken, (a, b))


def check_comparable(metric: Metric, by: Sequence[str]) -> None:
    """Raises OptionProblem for a metric whose rows cannot be compared, ViewProblem for a column to group by whose name is taken."""
    if metric.name in REFUSED:
        raise OptionProblem(
            N_("{metric} cannot be asked for A against B: {why}. These can: {names}."),
            metric=metric.name, why=Text(REFUSED[metric.name]), names=tuple(n for n in METRICS if n not in REFUSED),
        )  # fmt: skip
    for column in by:
        if column in (*COLUMNS, *RENAMED.values(), OTHER_PERIOD):
            raise ViewProblem(
                N_("A comparison has a column {found} of its own and cannot be grouped by another. Rename it in the file."),
                found=column,
            )  # fmt: skip


def _hidden(frame: pd.DataFrame, sides: Sequence[Side], keys: Sequence[Key]) -> pd.DataFrame:
    """Nothing of a side where it hides its row; `suppressed` says where either does."""
    either = np.zeros(len(frame), dtype=bool)
    for letter, side in zip(SIDES, sides, strict=True):
        hidden = side.cells(SUPPRESSED, keys).eq(True).to_numpy(dtype=bool)
        frame = frame.assign(**{f"n_{letter}": frame[f"n_{letter}"].mask(hidden)})
        either |= hidden
    return frame.assign(**{SUPPRESSED: either})


def method_of(interval: str | None) -> str:
    """How the interval of a difference is made, by how those of its two sides are."""
    if interval is None:
        return ""
    if interval in intervals.SHARE_METHODS:
        return NEWCOMBE
    if interval in intervals.NPS_ADDED or interval == "bootstrap":
        return interval
    return WELCH if interval in ("Student t", "t") else MOVER


@dataclass(frozen=True)
class Periods:
    """The calendar periods of a view, numbered through: those in `column` of its answer.

    `begins`: that in which the range begins; `known`: those of which the data say something; `onto`: where the range of the other
    view begins, on which these are laid.
    """

    column: str
    frequency: str
    begins: int
    known: range
    onto: int

    def place(self, day: date) -> date:
        """The first day of the period of the other range that stands at the same place."""
        return self._day(self._number(day) + self.onto - self.begins)

    def back(self, day: date) -> date:
        """The first day of the period here that is laid on that of `day`."""
        return self._day(self._number(day) + self.begins - self.onto)

    def knows(self, day: date) -> bool:
        """Do the data and the range reach the period that is laid on that of `day`?"""
        return self._number(self.back(day)) in self.known

    def _number(self, day: date) -> int:
        return int(pd.Period(day, freq=self.frequency).ordinal)

    def _day(self, number: int) -> date:
        return pd.Period(ordinal=number, freq=self.frequency).start_time.date()


def _periods(
    metric: Metric, dataset: Dataset, views: Sequence[View], by: Sequence[str], options: Mapping[str, Any]
) -> tuple[Periods | None, ...]:
    """The periods of the two views, those of B laid on those of A; None where no key is a calendar period.

    Raises OptionProblem for two keys that are.
    """
    found = [(c, c) for c in by if c in CALENDAR]
    found += [(c, str(options.get(c, c))) for c in metric.groups if c in ("month", "period")]
    if len(found) > 1:
        raise OptionProblem(N_("Periods are compared by their place in the range. Group by one of {found}, not by several."),
                            found=tuple(column for column, _length in found))  # fmt: skip
    table = metric.inputs[0] if metric.inputs[0] in ("surveys", "invitations") else "touchpoints"
    if not found:
        return None, None
    (column, length), (first, _last) = found[0], dataset.facts.ranges.get(table, (date(1970, 1, 1),) * 2)
    onto: int | None = None
    laid = []
    for view in views:
        days = dataset.facts.days_of(view, table)
        begins, *ends = (pd.Period(d, freq=STARTS[length]).ordinal for d in (view.first_day or first, *(days or ())))
        onto = begins if onto is None else onto
        laid.append(Periods(column, STARTS[length], begins, range(ends[0], ends[1] + 1) if ends else range(0), onto))
    return tuple(laid)


@dataclass(frozen=True)
class Side:
    """The answer of one view: where its rows stand by key, which of them it shows, and what a row means that it lacks."""

    result: Result
    keys: tuple[str, ...]
    rows: Mapping[Key, int]
    shown: tuple[Key, ...]
    is_folded: bool
    is_somebody: bool
    periods: Periods | None

    def numbers(self, column: str, keys: Sequence[Key]) -> Array:
        """The numbers of a column at the keys; unknown where there is no such row."""
        values = np.asarray(self.result.frame[column].astype(float), dtype="float64")
        found: Array = np.concatenate([values, [np.nan]])[self._places(keys)]
        return found

    def cells(self, column: str, keys: Sequence[Key]) -> pd.Series:
        """What stands in a column at the keys; null where there is no such row, or no such column."""
        if column not in self.result.frame:
            return pd.Series([None] * len(keys), dtype=object)
        values = [*self.result.frame[column], None]
        return pd.Series([values[place] for place in self._places(keys)], dtype=object)

    def _places(self, keys: Sequence[Key]) -> Any:
        """In which rows the keys stand; -1, the place after the last, where they do not."""
        return np.array([self.rows.get(key, -1) for key in keys], dtype="int64")

    def is_none(self, keys: Sequence[Key]) -> Any:
        """At which keys is there no row because nothing was counted: where a count is 0?"""
        if self.result.definition.get("privacy", {}).get("kept_back"):  # there may be somebody who does not count
            return np.zeros(len(keys), dtype=bool)
        if self.is_folded or not self.is_somebody or self.result.metric.name in LACKING_IS_UNKNOWN:
            return np.zeros(len(keys), dtype=bool)
        return np.array([key not in self.rows and self._reaches(key) for key in keys], dtype=bool)

    def _reaches(self, key: Key) -> bool:
        if self.periods is None:
            return True
        day = key[self.keys.index(self.periods.column)]
        return day is None or self.periods.knows(day)


def _side(
    metric: Metric,
    dataset: Dataset,
    view: View,
    options: dict[str, Any],
    periods: Periods | None,
    given: dict[str, Any],
) -> Side:
    """Ask one view; where it folds names into a rest, once more for as many as it can name."""
    result = run(metric, dataset, view, **given, **options)
    names = tuple(dict.fromkeys(c for c in (*given["by"], *metric.groups) if c in result.frame))
    rows = _by_key(result.frame, names, periods)
    shown, most, is_folded = tuple(rows), folding(metric), _is_folded(metric, result.frame, rows, options)
    if is_folded:
        shown = tuple(key for key in rows if OTHER not in key)
        result = run(metric, dataset, view, **given, **(options | most))
        rows = _by_key(result.frame, names, periods)
        is_folded = _is_folded(metric, result.frame, rows, most)
    counted = "answers" if metric.inputs[0] == "surveys" else "customers"
    somebody = len(result.frame) > 0 or people(dataset, view, given["privacy"]).get(counted, 0) > 0
    return Side(result, names, rows, shown, is_folded, somebody, periods)


def folding(metric: Metric) -> dict[str, int]:
    """The options that fold what lies beyond the largest into one row, or cut it, and how many these can name at most."""
    return {o.name: o.type.high for o in metric.options if o.name in FOLDS and isinstance(o.type, Count)}


def _is_folded(metric: Metric, frame: pd.DataFrame, rows: Mapping[Key, int], options: Mapping[str, Any]) -> bool:
    """Are there names that do not stand in the rows?"""
    if metric.name in CUT:
        return bool(frame[CUT[metric.name]].nunique() >= options["top"])
    return bool(folding(metric)) and any(OTHER in key for key in rows)


def _by_key(frame: pd.DataFrame, names: Sequence[str], periods: Periods | None) -> dict[Key, int]:
    """Which row has which key? Unknown is None; periods are those of the other range."""
    columns = [frame[name].astype(object) for name in names]
    at = names.index(periods.column) if periods else None
    rows: dict[Key, int] = {}
    for row, values in enumerate(zip(*columns, strict=True) if names else [()] * len(frame)):
        key: Key = tuple(None if v is None or v != v else v for v in values)
        if periods is not None and at is not None and isinstance(key[at], date):
            key = (*key[:at], periods.place(key[at]), *key[at + 1 :])
        rows[key] = row
    return rows


def _keys(keys: Sequence[Key], sides: Sequence[Side]) -> pd.DataFrame:
    """The key columns, typed as in the answers; the periods of B beside those of A."""
    a, b = sides
    own = [side.result.frame[list(side.keys)] for side in sides]
    parts = [
        own[0].iloc[[a.rows[k] for k in keys if k in a.rows]],
        own[1].iloc[[b.rows[k] for k in keys if k not in a.rows]],
    ]
    frame = pd.concat([part for part in parts if len(part)] or own[:1], ignore_index=True)
    if b.periods is not None:
        days = [key[a.keys.index(b.periods.column)] for key in keys]
        frame[b.periods.column] = pd.Series(days, index=frame.index, dtype=object)
        frame[OTHER_PERIOD] = pd.Series([d and b.periods.back(d) for d in days], index=frame.index, dtype=object)
    return frame.rename(columns=RENAMED)


def _numbers(
    name: str, measure: Measure, method: str, sides: Sequence[Side], keys: Sequence[Key], confidence: float
) -> pd.DataFrame:
    """One measure at all keys: the columns of a comparison, but for `flagged`."""
    found: dict[str, Any] = {"measure": name}
    is_count = measure.unit == "count" and measure.n is None
    for letter, side in zip(SIDES, sides, strict=True):
        value = side.numbers(name, keys)
        if is_count:
            value = np.where(side.is_none(keys), 0, value)
        n = value if is_count else side.numbers(measure.n, keys) if measure.n else None
        found[f"n_{letter}"] = np.nan if n is None else np.nan_to_num(n)
        found[f"value_{letter}"] = value
        for end in ENDS[1:]:
            found[f"value_{letter}{end}"] = side.numbers(name + end, keys) if measure.interval else np.nan
    alike = _alike(name, measure, sides, keys)
    x, y = found["value_a"], found["value_b"]
    low, high, p = (np.where(alike, at, np.nan) for at in _interval(method, found, sides, keys, confidence))
    difference = np.where(alike, x - y, np.nan)
    relative = intervals.ratio(difference, y)  # unknown for y up to 0: a share of a negative number says the wrong way
    found |= {"difference": difference, "difference_low": low, "difference_high": high}
    return pd.DataFrame(found | {"relative": relative, "p_value": p, "method": method}, index=range(len(keys)))


def _interval(
    method: str, found: Mapping[str, Any], sides: Sequence[Side], keys: Sequence[Key], confidence: float
) -> tuple[Any, Any, Any]:
    """The ends of the interval of the difference, and its p-value."""
    x, n, y, m = (found[c] for c in ("value_a", "n_a", "value_b", "n_b"))
    if not method:
        return np.nan, np.nan, np.nan
    if method == NEWCOMBE:
        k, j = np.round(x * n), np.round(y * m)  # whole numbers again: the value is part / n
        low, high = intervals.newcombe(k, n, j, m, confidence)
        return low, high, intervals.difference_p(k, n, j, m)
    if method == WELCH:
        errors = [
            intervals.error_of_t(found[f"value_{s}"], found[f"value_{s}_high"], found[f"n_{s}"], confidence)
            for s in SIDES
        ]
        return intervals.welch(x, errors[0], n, y, errors[1], m, confidence)
    if method == MOVER:
        ends_a, ends_b = ((found[f"value_{side}_low"], found[f"value_{side}_high"]) for side in SIDES)
        return intervals.mover(x, *ends_a, y, *ends_b, confidence)
    a, b = (
        tuple(np.nan_to_num(side.numbers(c, keys)) for c in ("promoters", "passives", "detractors")) for side in sides
    )
    return intervals.nps_difference(cast(Any, a), cast(Any, b), cast(NpsMethod, method), confidence)


def _alike(name: str, measure: Measure, sides: Sequence[Side], keys: Sequence[Key]) -> Any:
    """At which keys are the numbers of the two sides in one currency, on one scale, over like parts of a month?"""
    alike = np.ones(len(keys), dtype=bool)
    for column in MEASURED_IN.get(measure.unit, ()):
        a, b = (side.cells(column, keys) for side in sides)
        alike &= (a.isna() | b.isna() | (a == b)).to_numpy(dtype=bool)
    if name == "stickiness":  # over few days each customer is there on a larger part of them
        partial = np.any([side.cells("is_partial", keys).eq(True).to_numpy(dtype=bool) for side in sides], axis=0)
        days = [side.numbers("days", keys) for side in sides]
        alike &= ~partial | (days[0] == days[1])
    return alike
