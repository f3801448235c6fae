"""The one list of metrics. Page, caption, command line, glossary and export all read a metric's declaration here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import ibis
import pandas as pd

from cx_metrics.errors import OptionProblem, nearest
from cx_metrics.options import Choice, OptionType
from cx_metrics.texts import N_

Unit = Literal["count", "share", "points", "seconds", "score", "money", "per customer", "ratio", "rank", "name"]
Query = Callable[..., ibis.Table]
Finish = Callable[..., pd.DataFrame]
Here = Callable[[Any, Any, Mapping[str, Any], tuple[str, ...]], pd.DataFrame | None]


@dataclass(frozen=True)
class Walk:
    """What several metrics are made from: rows that a query picks, made into something once, and kept while they ask.

    `make(rows, by, ends=…, timed=…, **options of the query)`; `ends`: when the data end, in microseconds; `timed`: are there
    times? `picked(sequences, people, bounds, ends=…, timed=…, **options)`: the same made of all touchpoints in memory, without a
    query; None where that is not possible. `shape`: the options with placeholders for names, and what these stand for, so that a
    query is compiled once for all that differ by names alone. `told(answers, places, **options)`: the rows of the query, of the
    responses at these places of all answers in memory; None where that is not possible.
    """

    query: Query
    make: Callable[..., Any]
    rules: Callable[..., Any] | None = None  # what names the options, where the query hands them on
    shape: Callable[[Mapping[str, Any]], tuple[dict[str, Any], dict[str, str]]] | None = None
    picked: Callable[..., Any] | None = None  # what is made, without a query, if it can be had so
    told: Callable[..., pd.DataFrame | None] | None = None

    @property
    def declared(self) -> Callable[..., Any]:
        """The function whose options are those of the walk."""
        return self.rules or self.query

    @property
    def options(self) -> tuple[str, ...]:
        """The options that decide what is made."""
        return tuple(_own(self.declared))


@dataclass(frozen=True)
class Follow:
    """What a metric with a walk asks of its table once more, about what the walk made.

    `lend(made, by, **options)`: a frame to set beside the table; without rows nothing is asked. `query(table, lent, *,
    attributes, by, made, **options)`: what is counted of the two. `told(answers, places, made=…)`: the same of answers in memory,
    as a walk has it. Each names the options that it needs.
    """

    lend: Callable[..., pd.DataFrame]
    query: Query
    picked: Callable[..., pd.DataFrame | None] | None = (
        None  # the same from all touchpoints in memory, if it can be had so
    )
    alike: bool = (
        False  # most views make and lend the same (and it can be a key): the query is compiled once for all of them
    )
    told: Callable[..., pd.DataFrame | None] | None = None


@dataclass(frozen=True)
class Beside:
    """How the frame of a metric is made of touchpoints in memory and rows of its table, without its query.

    `query(table, **options)`: the rows that are fetched, whatever the touchpoints. `make(sequences, rows, people, **options)`: the
    frame that the metric's query would give; `people`: by customer number, whose touchpoints the view keeps (None: everybody's).
    `person`: the column of the rows with the number of whose they are (null: nobody's), if a view of some people leaves theirs.
    """

    query: Query
    make: Callable[..., pd.DataFrame | None]
    person: str = ""


@dataclass(frozen=True)
class Measure:
    """One column of a result: its title, unit, the count column it rests on, and how its interval is made.

    A measure with an `interval` has `_low` and `_high` beside it.
    """

    title: str
    unit: Unit
    n: str | None = None
    interval: str | None = None
    higher_is_better: bool | None = None
    meaning: str = ""


@dataclass(frozen=True)
class Option:
    """One option of a metric: its name, type and default."""

    name: str
    type: OptionType
    default: Any

    @property
    def required(self) -> bool:
        """An option without a default has to be given."""
        return self.default is inspect.Parameter.empty

    @property
    def flag(self) -> str:
        """The option as the command line writes it."""
        return "--" + self.name.replace("_", "-")

    def read(self, given: Any) -> Any:
        """The value of a text or of a value; both have to keep the bounds. Raises OptionProblem."""
        if isinstance(given, str):
            return self.type.parse(given)
        try:
            text = str(self.type.print(given))
        except (AttributeError, TypeError):
            raise OptionProblem(
                N_("The option {option} cannot be {found}."), option=self.flag, found=repr(given)
            ) from None
        return self.type.parse(text)


@dataclass(frozen=True)
class Metric:
    """A metric's declaration, its query (a table in, a table out) and what finishes the frame.

    A metric with a `walk` finishes what that made of its query's rows.
    """

    name: str
    title: str
    unit: str
    denominator: str
    inputs: tuple[str, ...]
    source: str
    measures: Mapping[str, Measure]
    query: Query
    finish: Finish | None = None
    optional_inputs: tuple[str, ...] = ()
    needs_goal: bool = False
    needs_time: bool = False
    entries: bool = False
    groups: tuple[str, ...] = ()
    options: tuple[Option, ...] = field(default=())
    walk: Walk | None = None
    follow: Follow | None = None
    rests_on: tuple[str, ...] = ()
    chooses_people: bool = False
    tallied: bool = False
    same_rows: Callable[[Mapping[str, Any]], Hashable] | None = None
    beside: Beside | None = None
    tallied_by: tuple[str, ...] = ()
    here: Here | None = None

    @property
    def function(self) -> Callable[..., Any]:
        """What was declared: it carries the docstring."""
        return self.query if self.walk is None or self.finish is None else self.finish

    @property
    def question(self) -> str:
        """The question that the number answers: first line of the docstring."""
        return (inspect.getdoc(self.function) or "").split("\n", 1)[0]

    @property
    def description(self) -> str:
        """The docstring after its first line: shape, edges, source."""
        return (inspect.getdoc(self.function) or "").partition("\n")[2].strip()

    def read_options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options in full: texts are parsed, defaults filled in. Raises OptionProblem for what cannot be."""
        known = {o.name: o for o in self.options}
        for name in given:
            if name not in known:
                raise OptionProblem(
                    N_("{metric} has no option {found}. Its options: {options}. Nearest: {nearest}."),
                    metric=self.name, found=name, options=tuple(known) or "–",
                    nearest=nearest(name, known) or "–",
                )  # fmt: skip
        values = {}
        for name, option in known.items():
            value = given.get(name, option.default)
            if value is inspect.Parameter.empty:
                raise OptionProblem(N_("{metric} needs the option {option}."), metric=self.name, option=option.flag)
            values[name] = option.read(value)
        return values


METRICS: dict[str, Metric] = {}
Declared = TypeVar("Declared", bound=Callable[..., Any])


def metric(
    *,
    title: str,
    unit: str,
    denominator: str,
    inputs: Sequence[str],
    source: str,
    measures: Mapping[str, Measure],
    finish: Finish | None = None,
    optional_inputs: Sequence[str] = (),
    needs_goal: bool = False,
    needs_time: bool = False,
    entries: bool = False,
    groups: Sequence[str] = (),
    walk: Walk | None = None,
    follow: Follow | None = None,
    rests_on: Sequence[str] = (),
    chooses_people: bool = False,
    tallied: bool = False,
    same_rows: Callable[[Mapping[str, Any]], Hashable] | None = None,
    beside: Beside | None = None,
    tallied_by: Sequence[str] = (),
    here: Here | None = None,
) -> Callable[[Declared], Declared]:
    """Declare a metric. The decorated function stays a plain function.

    `inputs` names the tables it takes, in order; `optional_inputs` those it can do without. `entries` asks for touchpoints
    after the range too (funnels: only the first step has to lie in the range). `groups` are the columns that rows are
    about, before `by`. `finish(frame, *, confidence, …)` may name any option of the metric. With a `walk` the decorated
    function takes what that makes and gives the frame; its options come after those of the walk. What a `follow` counted comes
    to it as `followed`. `rests_on`: counts that each hide a row where small groups are protected and they are small; else the
    smallest denominator does. `chooses_people`: its options choose people by what they did, so it is refused where small groups
    are protected. `tallied`: it counts answers that stand for several (`tallies.TIMES`), so long as they are not `weighted`,
    and tells apart `tallied_by`.
    `same_rows(options)`: a name for what it asks; metrics that give the same name ask the same, and it is fetched once.
    `here(dataset, view, options, by)`: the rows of its query from what is in memory; None where that does not tell them.
    `beside`: the same frame where touchpoints are in memory and the view keeps journeys of customers whole.
    """

    def declare(function: Declared) -> Declared:
        name = function.__name__
        query, last, options = function, finish, _options(function)
        if walk is not None:
            query, last, options = walk.query, function, (*_options(walk.declared), *options)  # type: ignore[assignment]
        METRICS[name] = Metric(
            name, title, unit, denominator, tuple(inputs), source, dict(measures), query, last,
            tuple(optional_inputs), needs_goal, needs_time, entries, tuple(groups), options, walk, follow,
            tuple(rests_on),
            chooses_people,
            tallied,
            same_rows,
            beside,
            tuple(tallied_by),
            here,
        )  # fmt: skip
        return function

    return declare


def find(name: str) -> Metric:
    """The metric of that name. Raises OptionProblem with the nearest one."""
    if name in METRICS:
        return METRICS[name]
    raise OptionProblem(
        N_("There is no metric {found}. Nearest: {nearest}. All metrics: {names}."),
        found=name, nearest=nearest(name, METRICS) or "–", names=tuple(METRICS),
    )  # fmt: skip


def accepted(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the given keyword values that the function names."""
    names = inspect.signature(function).parameters
    return {k: v for k, v in given.items() if k in names}


def _own(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The keyword-only parameters: a metric's options."""
    found = inspect.signature(function).parameters
    return {name: p for name, p in found.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}


def _options(function: Callable[..., Any]) -> tuple[Option, ...]:
    hints = get_type_hints(function, include_extras=True)
    return tuple(
        Option(name, _option_type(function.__name__, name, hints[name]), parameter.default)
        for name, parameter in _own(function).items()
    )


def _option_type(metric_name: str, name: str, hint: Any) -> OptionType:
    """The option type in `Annotated[..., type]`; a bare help text on a `Literal` makes a Choice."""
    kind, *extras = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
    for extra in extras:
        if isinstance(extra, str) and get_origin(kind) is Literal:
            return Choice(extra, get_args(kind))
        if isinstance(extra, OptionType):
            return extra
    raise TypeError(f"option {name} of {metric_name} has no option type")
