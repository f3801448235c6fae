"""Loading a dataset into an engine: what the embedded engine does at import, written once for all others.

Raw tables go in as they came, the prepared ones are made from them inside the engine, then the raw ones are dropped.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _

from cx_metrics.engines import prepared
from cx_metrics.engines.before_answers import before_answers
from cx_metrics.engines.engine import Engine, stored
from cx_metrics.engines.incoming import Built, Incoming
from cx_metrics.errors import EngineProblem
from cx_metrics.routes import steps_of
from cx_metrics.tables import CUSTOMER_COLUMNS, CUSTOMERS, NUMBERED_ANSWERS, TABLE_NAMES, TABLES, UTC_TIME
from cx_metrics.texts import N_, Text
from cx_metrics.view import Facts

PEOPLE = ("invitations", "surveys", "touchpoints", "customers")  # tables whose rows are about customers
CLOCK = {"touchpoints": "occurred_at", "surveys": "answered_at", "invitations": "sent_at"}


@dataclass(frozen=True)
class Loaded:
    """A load that is ready to be published: what preparing found, and every table it wrote: its name in the engine, and the
    types of its columns."""

    built: Built
    tables: Mapping[str, Mapping[str, Any]]


def load(
    engine: Engine,
    tables: Mapping[str, Incoming],
    facts: Facts,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
    cube_share: float = prepared.CUBE_SHARE,
) -> Loaded:
    """Write and prepare a dataset. Nobody sees it before `Engine.publish` is told its manifest."""
    stages = len(tables) + 1
    begun = _Load(engine, secrets.token_hex(4))
    try:
        for done, (name, incoming) in enumerate(tables.items()):
            tell(done, stages)
            begun.take_in(name, incoming)
        tell(len(tables), stages)
        built = begun.prepare(facts, cube_share)
    except BaseException:
        begun.drop(begun.written)
        raise
    finally:
        begun.drop(begun.raw)
    tell(stages, stages)
    columns = {name: {c: str(kind) for c, kind in t.schema().items()} for name, t in begun.written.items()}
    return Loaded(built, {name: {"name": begun.place(name), "columns": held} for name, held in columns.items()})


@dataclass
class Arriving:
    """One table on its way into the engine: counts its rows and notes its first and last time, so that nobody has to ask.

    Adds a number of its own to every row, and its time in microseconds: engines read parts of a second each in their own way.
    """

    incoming: Incoming
    clock: str | None
    rows: int = 0
    first: int | None = None
    last: int | None = None

    @property
    def schema(self) -> pa.Schema:
        added = [pa.field("arrival", pa.int64()), pa.field("occurred_microseconds", pa.int64())]
        return pa.schema([*self.incoming.schema, *(added if self.clock else ())])

    def batches(self) -> Iterator[pa.RecordBatch]:
        for batch in self.incoming.batches:
            columns = list(batch.columns)
            if self.clock:
                at = batch[self.clock].cast(UTC_TIME).cast(pa.int64())
                ends = pc.min_max(at).as_py()
                self.first = min((n for n in (self.first, ends["min"]) if n is not None), default=None)
                self.last = max((n for n in (self.last, ends["max"]) if n is not None), default=None)
                columns += [pa.array(range(self.rows, self.rows + batch.num_rows), pa.int64()), at]
            self.rows += batch.num_rows
            yield pa.record_batch(columns, schema=self.schema)

    def shifts(self, zone: str) -> tuple[prepared.Shift, ...]:
        """When the clocks of the zone change between the first time and the last."""
        if self.first is None or self.last is None:
            return ()
        return prepared.clock_shifts(
            zone, *(datetime(1970, 1, 1) + timedelta(microseconds=n) for n in (self.first, self.last))
        )


class _Load:
    """One load on its way: the tables as they came, and those that are written so far."""

    def __init__(self, engine: Engine, mark: str) -> None:
        self.engine, self.mark = engine, mark
        self.arrived: dict[str, Arriving] = {}
        self.raw: dict[str, ibis.Table] = {}
        self.written: dict[str, ibis.Table] = {}

    def place(self, name: str) -> str:
        """What a table of this load is called in the engine."""
        return f"{name}_{self.mark}"

    def take_in(self, name: str, incoming: Incoming) -> None:
        """Send the rows of a file as they are."""
        self.arrived[name] = arriving = Arriving(incoming, CLOCK.get(name))
        sent = Incoming(arriving.schema, arriving.batches())
        self.raw[name] = ibis.table(stored(ibis.Schema.from_pyarrow(sent.schema)), name=self.place(f"raw_{name}"))
        self.engine.put(self.place(f"raw_{name}"), sent)
        ends = [
            datetime(1970, 1, 1) + timedelta(microseconds=n) for n in (arriving.first, arriving.last) if n is not None
        ]
        first, last = self.engine.years
        beyond = [at for at in ends if not first <= at.year <= last]
        if beyond:
            raise EngineProblem(
                N_("{engine} keeps times from {first} to {last}; the {table} hold {found}."), engine=self.engine.name,
                first=str(first), last=str(last), table=Text(TABLE_NAMES[name]), found=beyond[0].date().isoformat(),
            )  # fmt: skip

    def drop(self, tables: Mapping[str, ibis.Table]) -> None:
        for t in tables.values():
            self.engine.drop(t.get_name())

    def prepare(self, facts: Facts, cube_share: float) -> Built:
        """Write the prepared tables."""
        conflicts = 0
        attributes: tuple[str, ...] = ()
        if set(self.raw) & set(PEOPLE):
            conflicts = self._customers()
            written = self.written["customers"].columns
            attributes = tuple(c for c in written if c not in ("customer_id", "customer_number"))
        if "touchpoints" in self.raw:
            facts = replace(facts, stages=self._stages(facts.stages))
            carried = beside(attributes, "touchpoints")
            self._touchpoints(carried, facts)
            apart = prepared.told_apart(carried)
            self._paths(apart)
            self._cubes(apart, cube_share)
        for name, write in (("surveys", self._surveys), ("invitations", self._invitations)):
            if name in self.raw:
                write(beside(attributes, name), facts)
        for name in ("spend", "changes"):
            if name in self.raw:
                self._write(name, self.raw[name])
        return self._built(facts, attributes, conflicts)

    def _write(self, name: str, expression: ibis.Table) -> ibis.Table:
        self.written[name] = ibis.table(stored(expression.schema()), name=self.place(name))
        self.engine.create(self.place(name), expression)
        return self.written[name]

    def _one(self, value: ibis.Value) -> int:
        return int(self.engine.fetch(value.name("n").as_table())["n"].iloc[0])

    def _customers(self) -> int:
        """One row per customer of any file; see the embedded engine. Returns how many have more than one persona, segment or
        region in the rows of other files."""
        own = self.raw.get("customers")
        attributes = []
        if own is not None:
            _rows, held, _days = _profile(self.engine, own)
            attributes = [c for c in own.columns if c != "customer_id" and (c not in CUSTOMERS.names or c in held)]
        ids = [self.raw[n].select("customer_id").filter(_.customer_id.notnull()) for n in PEOPLE if n in self.raw]
        people = ibis.union(*ids, distinct=True) if len(ids) > 1 else ids[0].distinct()
        if own is not None and attributes:
            known = own.group_by("customer_id").aggregate(**{c: own[c].max() for c in attributes})
            people = _beside(people, known)
        conflicts = 0
        for name in PEOPLE[:3]:  # touchpoints last: what people did wins over what they wrote down
            for column in CUSTOMER_COLUMNS if name in self.raw else ():
                if column in self.raw[name].columns and column not in attributes:
                    conflicts += self._one(_several(self.raw[name], column).count())
                    people = _beside(people, _most_frequent(self.raw[name], column))
                    attributes.append(column)
        numbered = ibis.row_number().over(ibis.window(order_by="customer_id")) + 1
        self._write("customers", people.mutate(customer_number=numbered))
        return conflicts

    def _stages(self, given: Sequence[str]) -> tuple[str, ...]:
        """The given stages, then the file's own in the order in which journeys reach them; its own alone if it has none of
        the given."""
        t = self.raw["touchpoints"].filter(_.stage.notnull())
        order = ibis.window(group_by="customer_id", order_by=["occurred_at", "sequence"])
        place = t.mutate(place=ibis.row_number().over(order)).group_by("stage").aggregate(mean=_.place.mean())
        own = tuple(self.engine.fetch(place.order_by(["mean", "stage"]))["stage"])
        beyond = tuple(stage for stage in own if stage not in given)
        return (*given, *beyond) if not own or set(own) & set(given) else beyond

    def _touchpoints(self, attributes: tuple[str, ...], facts: Facts) -> None:
        arrived, raw = self.arrived["touchpoints"], self.raw["touchpoints"]
        once = raw if arrived.incoming.ordered else _once(raw)
        customers, shifts = self.written["customers"], arrived.shifts(facts.zone)
        names = self._write("names", prepared.names(once))
        self._write("touchpoints", prepared.touchpoints(once, customers, names, facts.stages, shifts, attributes))

    def _paths(self, attributes: tuple[str, ...]) -> None:
        """The journeys, one a customer, and the different whole paths they take, numbered in the order of their names."""
        t = self.written["touchpoints"]
        named = prepared.journeys(t, attributes)
        for repeats in prepared.REPEATS:
            own = prepared.customer_paths(t, repeats, numbered=False).rename({f"key_{repeats}": "path_key"})
            named = named.join(own, named.customer_number == own.journey_id).drop("journey_id")
        self.raw["paths"] = named = self.engine.create(self.place("raw_paths"), named)
        both = [named.select(path=named[f"key_{r}"]) for r in prepared.REPEATS]
        order = ibis.window(order_by="path")
        paths = ibis.union(*both, distinct=True).mutate(path_id=ibis.row_number().over(order) + 1)
        paths = self._write("paths", paths.select("path_id", "path", steps=steps_of(paths.path)))
        for repeats in prepared.REPEATS:
            known = paths.select(**{f"path_{repeats}": paths.path_id, f"known_{repeats}": paths.path})
            named = named.join(known, named[f"key_{repeats}"] == known[f"known_{repeats}"])
            named = named.drop(f"key_{repeats}", f"known_{repeats}")
        self._write("journeys", named)

    def _cubes(self, attributes: tuple[str, ...], share: float) -> None:
        """Moves and pairs added up, with as many attributes as their limit allows; none longer than `share` of the
        touchpoints."""
        if not share:
            return
        t, customers = self.written["touchpoints"], self.written["customers"]
        held = {f"a{i}": customers[a].nunique() + 1 for i, a in enumerate(attributes)}
        found = self.engine.fetch(customers.aggregate(customers=_.count(), **held)).iloc[0]
        values = {a: int(found[f"a{i}"]) for i, a in enumerate(attributes)}
        rows = self._one(t.count())
        for name, cube in prepared.CUBES.items():
            chosen = prepared.cube_attributes(values, self._one(cube(t, ()).count()))
            finest = self.engine.create(self.place(f"finest_{name}"), cube(t, chosen))
            self.raw[f"finest_{name}"] = finest
            if self._one(finest.count()) <= share * rows:
                self._write(name, prepared.rolled_up(finest, chosen))

    def _surveys(self, attributes: tuple[str, ...], facts: Facts) -> None:
        """Answers that stand twice, the same in every column, count once: the one that came first."""
        raw = self.raw["surveys"]
        once = raw.group_by([c for c in raw.columns if c != "arrival"]).aggregate(answer_number=raw.arrival.min())
        self.raw["answers"] = once = self.engine.create(self.place("raw_answers"), once)
        t = prepared.with_calendar(once, "occurred_microseconds", self.arrived["surveys"].shifts(facts.zone))
        t = t.drop("occurred_microseconds", *(a for a in attributes if a in once.columns))
        customers = self.written["customers"]
        if "touchpoints" in self.written:
            numbers = customers.select("customer_id", "customer_number")
            asked = once.filter(once.answered_at.notnull()).join(numbers, "customer_id")
            asked = asked.select("answer_number", "customer_number", answered_microseconds=asked.occurred_microseconds)
            before = before_answers(asked, self.written["touchpoints"])
            t = t.left_join(before, "answer_number").drop("answer_number_right")
        t = _beside(t.drop("answer_number"), customers.select("customer_id", "customer_number", *attributes))
        self._write("surveys", _numbered(t))

    def _invitations(self, attributes: tuple[str, ...], facts: Facts) -> None:
        once = self.raw["invitations"].drop("arrival")
        t = prepared.with_calendar(once, "occurred_microseconds", self.arrived["invitations"].shifts(facts.zone))
        t = t.drop("occurred_microseconds", *(a for a in attributes if a in once.columns))
        customers = self.written["customers"]
        self._write("invitations", _beside(t, customers.select("customer_id", *attributes)) if attributes else t)

    def _built(self, given: Facts, attributes: tuple[str, ...], conflicts: int) -> Built:
        typed = {name: t for name, t in sorted(self.written.items()) if name in TABLES}
        rows, columns, ranges, counted = {}, {}, {}, {}
        for name, t in typed.items():
            rows[name], held, days = _profile(self.engine, t)
            columns[name] = tuple(c for c in held if name != "surveys" or c not in NUMBERED_ANSWERS)
            if name in CLOCK and days is not None:
                ranges[name] = days
        if "touchpoints" in typed:
            t = typed["touchpoints"].group_by("touchpoint").aggregate(n=_.count())
            frame = self.engine.fetch(t.order_by([ibis.desc("n"), "touchpoint"]))
            counted = {str(k): int(n) for k, n in zip(frame["touchpoint"], frame["n"], strict=True)}
        timed = not rows.get("touchpoints") or "occurred_at" in columns["touchpoints"]
        duplicates = sum(self.arrived[name].rows - rows[name] for name in CLOCK if name in rows)
        kept = tuple(a for a in beside(attributes, "touchpoints") if a in columns.get("customers", ()))
        facts = replace(
            given, tables=tuple(sorted(rows)), columns=columns, attributes=kept, timed=timed, ranges=ranges
        )  # fmt: skip
        return Built(rows, duplicates, conflicts, facts, counted)


def beside(attributes: Sequence[str], table: str) -> tuple[str, ...]:
    """The customers' attributes that a table can carry: a customer's "channel" does not replace that of a touchpoint."""
    own = {name.casefold() for name in TABLES[table].names}
    return tuple(a for a in attributes if a.casefold() not in own)


def _beside(left: ibis.Table, right: ibis.Table) -> ibis.Table:
    """Every row of `left` with the columns that `right` knows of its customer."""
    return left.left_join(right, "customer_id").drop("customer_id_right")


def _numbered(answers: ibis.Table) -> ibis.Table:
    """The answers with the numbers of their responses, and their own."""
    ids = answers.select(named=answers.response_id).distinct()
    ids = ids.mutate(response_number=ibis.row_number().over(ibis.window(order_by="named")) + 1)
    t = answers.join(ids, answers.response_id == ids.named).drop("named")
    by_time = ibis.window(order_by=[ibis.asc("answered_at", nulls_first=True), ibis.desc("response_id"), ibis.desc("question"),
                                    ibis.desc("score")])  # fmt: skip
    return t.mutate(nth_answer=ibis.row_number().over(by_time) + 1)


def _most_frequent(t: ibis.Table, column: str) -> ibis.Table:
    """The value that most rows of a customer hold, ties by name: customer_id and the column."""
    known = t.filter(t.customer_id.notnull() & t[column].notnull()).group_by(["customer_id", column])
    counted = known.aggregate(n=_.count())
    ranked = ibis.window(group_by="customer_id", order_by=[ibis.desc("n"), column])
    return counted.mutate(nth=ibis.row_number().over(ranked)).filter(_.nth == 0).select("customer_id", column)


def _several(t: ibis.Table, column: str) -> ibis.Table:
    """Customers whose rows hold more than one value."""
    held = t.filter(t.customer_id.notnull() & t[column].notnull()).group_by("customer_id")
    return held.aggregate(kinds=t[column].nunique()).filter(_.kinds > 1)


def _once(raw: ibis.Table) -> ibis.Table:
    """Of rows that are the same in every column but their number the first; rows without a time are all kept."""
    same = [c for c in raw.columns if c not in ("sequence", "arrival")]
    nth = ibis.row_number().over(ibis.window(group_by=same, order_by="sequence"))
    return raw.mutate(nth=nth).filter((_.nth == 0) | _.occurred_at.isnull()).drop("nth")


def _profile(engine: Engine, t: ibis.Table) -> tuple[int, tuple[str, ...], tuple[date, date] | None]:
    """How many rows, which columns hold something, and from which day to which: one question to the engine."""
    asked = {f"held_{i}": t[c].count() for i, c in enumerate(t.columns)} | {"rows": t.count()}
    if "day" in t.columns:
        asked |= {"first_day": t.day.min(), "last_day": t.day.max()}
    found = engine.fetch(t.aggregate(**asked)).iloc[0]
    columns = tuple(c for i, c in enumerate(t.columns) if int(found[f"held_{i}"]))
    days = (found["first_day"], found["last_day"]) if "day" in columns else None
    return int(found["rows"]), columns, days
