"""What the numbers of a result mean: its definition, machine-readable, with a hash; what differs between two; plain rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cx_metrics import answers
from cx_metrics.intervals import FALSE_DISCOVERIES
from cx_metrics.registry import Measure, Metric
from cx_metrics.view import Facts, View


def define(
    metric: Metric,
    facts: Facts,
    view: View,
    by: Sequence[str],
    options: Mapping[str, Any],
    confidence: float,
    version: str,
) -> dict[str, Any]:
    """The definition of a result: machine-readable, with a hash over everything that decides the numbers."""
    printed = {o.name: o.type.print(options[o.name]) for o in metric.options}
    definition: dict[str, Any] = {
        "metric": metric.name,
        "title": metric.title,
        "question": metric.question,
        "unit": metric.unit,
        "denominator": metric.denominator,
        "source": metric.source,
        "population": {
            "customers": {f.column: list(f.values) for f in view.customers},
            "touchpoints": {f.column: list(f.values) for f in view.touchpoints},
            "touchpoint_rule": view.touchpoint_rule if view.touchpoints else None,
            "passing": None if view.passing is None else vars(view.passing),
            "tried": None if view.tried is None else vars(view.tried) | {"funnel": dict(view.tried.funnel)},
            "answered": None if view.answered is None else vars(view.answered),
            "segments": [{"inside" if m.inside else "outside": m.condition} for m in view.members],
        },
        "grain": view.grain,
        "stages": list(facts.stages),
        "goal": list(facts.goal_of(view)),
        "range": {
            "first_day": view.first_day.isoformat() if view.first_day else None,
            "last_day": view.last_day.isoformat() if view.last_day else None,
            "rule": view.range_rule,
            "time_zone": facts.zone,
        },
        "order": "occurred_at, sequence",
        "by": list(by),
        "options": printed,
        "confidence": confidence,
        "intervals": {name: _interval(metric, m, printed) for name, m in metric.measures.items() if m.interval},
        "denominators": {name: m.n for name, m in metric.measures.items() if m.n},
        "data_version": version,
    }
    if answers.belongs(metric.inputs, by):
        said = answers.words(view.belonging, by)
        definition["belonging"] = vars(view.belonging) | {"words": said.to_dict()}
    return _hashed(definition)


SIDES = ("a", "b")


def define_both(
    metric: Metric, facts: Facts, views: Sequence[View], by: Sequence[str], options: Mapping[str, Any],
    confidence: float, version: str, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """The definition of a comparison: what both sides share; the population, grain, goal and range of each; what `more` says."""
    whole = [define(metric, facts, view, by, options, confidence, version) for view in views]
    own = [name for name in ("population", "grain", "goal", "range", "belonging") if name in whole[0]]
    definition = {name: said for name, said in whole[0].items() if name not in (*own, "hash")}
    definition |= {side: {name: said[name] for name in own} for side, said in zip(SIDES, whole, strict=True)}
    definition |= {
        "difference": "a - b",
        "flagged": f"Benjamini-Hochberg over all rows, q = {FALSE_DISCOVERIES:g}",
        "overlap": "a person in both sides counts in both; intervals take the sides as independent",
    }
    return _hashed(definition | more)


def with_privacy(definition: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of a result in which small groups are protected, with what that says."""
    return _hashed({name: part for name, part in definition.items() if name != "hash"} | {"privacy": dict(said)})


def _hashed(definition: dict[str, Any]) -> dict[str, Any]:
    """With a hash over everything it says."""
    text = json.dumps(definition, sort_keys=True, ensure_ascii=False)
    return definition | {"hash": hashlib.sha256(text.encode()).hexdigest()[:16]}


WEIGHTED = "linearised"  # weights leave no other way, whatever `method` says
UNSAID = ("title", "question", "hash")  # parts of a definition that decide no number


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """In which parts do two definitions differ? Name of the part → what each says, None where one says nothing.

    Parts of parts have names like `options.repeats` and `population.customers`. Titles and questions decide no number.
    """
    left, right = _parts(one), _parts(other)
    names = [*left, *(name for name in right if name not in left)]
    return {n: (left.get(n), right.get(n)) for n in names if left.get(n) != right.get(n)}


def _parts(definition: Mapping[str, Any], inside: str = "") -> dict[str, Any]:
    """The parts of a definition by their dotted names. A population's filters stay together, and so do empty parts."""
    found: dict[str, Any] = {}
    for name, said in definition.items():
        if not inside and name in UNSAID:
            continue
        if isinstance(said, Mapping) and said and inside != "population.":
            found |= _parts(said, f"{inside}{name}.")
        else:
            found[f"{inside}{name}"] = said
    return found


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The frame as plain JSON rows: unknown is null, whole numbers are whole, dates are ISO."""
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _interval(metric: Metric, measure: Measure, options: Mapping[str, str]) -> str | None:
    """How an interval was made: by the option `method`, for the measures whose usual way is that option's default."""
    if options.get("weighted") == "yes":
        return WEIGHTED
    usual = next((o.default for o in metric.options if o.name == "method"), None)
    return options["method"] if measure.interval == usual else measure.interval
