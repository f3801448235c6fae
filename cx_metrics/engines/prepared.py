"""The prepared store: what is computed once, when data come in, so that pages do not compute it again. Runs on every engine.

Written beside the touchpoints, in one pass over (customer, time, sequence): step, next touchpoint, seconds to next, run of
equal neighbours, how often the customer was here before, session, journey start, calendar. Then, once per customer, the facts
of the journey and its whole path; and three cubes, which answer flows without reading touchpoints at all.

Stored: journeys whole, repeats merged and kept (columns, paths, cubes): what nearly every view asks for.
From the same columns: sessions, and journeys cut to a date range. A slice of a journey keeps its order, so positions shift
and only its last move ends.
Computed by windows on the filtered rows: cases, "only these touchpoints", names grouped or left out by a rule. Each gives
other neighbours, and there is no end of combinations to store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
from ibis import _

from cx_metrics.journeys import ORDER, Repeats, moves, nodes, pairs, visits, whole, within
from cx_metrics.routes import CUBE_COLUMNS, level
from cx_metrics.tables import PREPARED

SESSION_GAP_SECONDS = 30 * 60  # a gap of more than this starts a new session
CUBE_POSITIONS = 10  # steps that a flow can show
CUBE_ROWS = 5_000_000  # a larger cube is no shortcut any more
CUBE_SHARE = 0.5  # of the touchpoints: a cube that is nearly as long as the table gains nothing
CUBE_VALUES = 60  # an attribute with more values is no dimension of a cube
MOST_BITS = 62  # of names, and of channels, that a customer can be said to have met in one number
ERA = 62_135_596_800  # seconds from year 1 to 1970: whole divisions stay positive

REPEATS: tuple[Repeats, ...] = ("merge", "keep")
PATH_COLUMNS = {"path", "steps", "path_id"}
COUNTS = (
    "journeys", "transitions", "opens", "timed", "seconds", "reworked", "occurrences", "begins", "ends",
)  # fmt: skip


@dataclass(frozen=True)
class Shift:
    """From this instant on (UTC microseconds), local clocks are `seconds` ahead of UTC."""

    from_microseconds: int
    seconds: int


def clock_shifts(zone: str, first: datetime, last: datetime) -> tuple[Shift, ...]:
    """When do the clocks of a zone change between two instants (naive, UTC)? The first shift holds from the beginning."""
    known = ZoneInfo(zone)

    def offset(at: datetime) -> int:
        found = at.replace(tzinfo=UTC).astimezone(known).utcoffset()
        return int(found.total_seconds()) if found is not None else 0

    shifts = [Shift(_microseconds(first), offset(first))]
    at = first
    while at < last:
        following = min(at + timedelta(days=2), last)  # no zone has changed twice in three days (Recife: in a week)
        if offset(following) != shifts[-1].seconds:
            low, high = at, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (low, middle) if offset(middle) != shifts[-1].seconds else (middle, high)
            change = high.replace(microsecond=0)
            shifts.append(Shift(_microseconds(change), offset(change)))
        at = following
    return tuple(shifts)


def _microseconds(at: datetime) -> int:
    return (at.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def with_calendar(t: ibis.Table, microseconds: str, shifts: Sequence[Shift]) -> ibis.Table:
    """Add day, week (from Monday) and month of local time; null where the time is not known."""
    at = t[microseconds]
    ahead: ibis.Value = ibis.literal(shifts[0].seconds if shifts else 0)
    for shift in shifts[1:]:
        ahead = ibis.ifelse(at >= shift.from_microseconds, shift.seconds, ahead)
    since = at + ERA * 1_000_000  # whole numbers, and a division without a rest: exact on every engine
    seconds = ((since - since % 1_000_000) / 1_000_000).cast("int64") - ERA
    t = t.mutate(local_time=(seconds + ahead.cast("int64")).as_timestamp("s"))
    local = t.local_time
    return t.mutate(
        day=local.date(), week=local.truncate("W").date(), month=local.truncate("M").date()
    ).drop("local_time")  # fmt: skip


def names(raw: ibis.Table) -> ibis.Table:
    """The names of touchpoints, numbered from 1 in their order: touchpoint_number, touchpoint."""
    each = raw.select("touchpoint").distinct()
    return each.select("touchpoint", touchpoint_number=ibis.row_number().over(ibis.window(order_by="touchpoint")) + 1)


def touchpoints(
    raw: ibis.Table,
    customers: ibis.Table,
    names: ibis.Table,
    stages: Sequence[str],
    shifts: Sequence[Shift],
    attributes: Sequence[str],
) -> ibis.Table:
    """The prepared touchpoints: the columns of `raw`, those of `tables.PREPARED`, and the customers' attributes.

    `raw` has the columns of the table, `occurred_microseconds` and `arrival` (a number of its own for every row); `customers`
    has customer_id, customer_number and the attributes; `names` is what `prepared.names` gives. Rows come in no particular
    order; the engine sorts them.
    """
    own = [c for c in raw.columns if c not in (*attributes, *PREPARED, "arrival")]
    numbers = customers.select("customer_id", "customer_number")
    keys = raw.select("arrival", "customer_id", *ORDER, "occurred_microseconds", "touchpoint")
    keys = keys.join(names, "touchpoint").join(numbers, "customer_id").drop("customer_id")
    path = _path_columns(keys)
    t = raw.select(*own, "arrival", "occurred_microseconds").join(path, "arrival")
    t = t.join(customers.select("customer_number", *attributes), "customer_number") if attributes else t
    t = with_calendar(with_rank(t, stages), "occurred_microseconds", shifts)
    return t.select(*own, *PREPARED, *attributes)


def with_rank(t: ibis.Table, stages: Sequence[str]) -> ibis.Table:
    """Add the place of the stage in the ordered list."""
    rank = ibis.null("int64")
    for place, stage in reversed(list(enumerate(stages, 1))):
        rank = ibis.ifelse(t.stage == stage, ibis.literal(place, "int64"), rank)
    return t.mutate(stage_rank=rank)


def _path_columns(t: ibis.Table) -> ibis.Table:
    """Step, run, session and what comes next of every touchpoint: few columns, so that sorting them is cheap."""
    each = within("customer_number")
    so_far = within("customer_number", preceding=None, following=0)
    ahead = within("customer_number", following=(1, None))
    null = ibis.null("int64")
    t = t.mutate(
        step=ibis.row_number().over(each) + 1,
        next_touchpoint=t.touchpoint.lead().over(each).nullif(""),
        previous_touchpoint=t.touchpoint.lag().over(each).nullif(""),
        next_microseconds=t.occurred_microseconds.lead().over(each),
        previous_microseconds=t.occurred_microseconds.lag().over(each),
        journey_start=t.occurred_at.min().over(so_far),
        visit=ibis.row_number().over(within("customer_number", "touchpoint_number")) + 1,
    )
    t = t.mutate(
        pair_visit=ibis.row_number().over(within("customer_number", "touchpoint_number", "next_touchpoint")) + 1
    )
    t = t.mutate(
        next_microseconds=ibis.ifelse(t.next_touchpoint.isnull(), null, t.next_microseconds),
        previous_microseconds=ibis.ifelse(t.step == 1, null, t.previous_microseconds),
        run_ends=ibis.ifelse(t.next_touchpoint.isnull() | (t.next_touchpoint != t.touchpoint), 1, 0),
        begins=ibis.ifelse(t.previous_touchpoint.isnull() | (t.previous_touchpoint != t.touchpoint), 1, 0),
    )
    gap = t.occurred_microseconds - t.previous_microseconds
    t = t.mutate(
        ends_at=ibis.ifelse(t.run_ends == 1, t.occurred_microseconds, null),
        new_session=ibis.ifelse((gap > SESSION_GAP_SECONDS * 1_000_000).fill_null(False), 1, 0),
    )
    t = t.mutate(
        run=t.begins.sum().over(so_far),
        session_number=t.new_session.sum().over(so_far) + 1,
        next_run_ends_at=t.ends_at.min().over(ahead),
    )
    moves_on = (t.run_ends == 1) & t.next_touchpoint.notnull()
    return t.select(
        "arrival", "customer_number", "touchpoint_number", "step", "next_touchpoint", "visit", "pair_visit", "run",
        "run_ends", "previous_microseconds", "session_number", "journey_start",
        seconds_to_next=(t.next_microseconds - t.occurred_microseconds).cast("float64") / 1e6,
        run_seconds=ibis.ifelse(
            moves_on, (t.next_run_ends_at - t.occurred_microseconds).cast("float64") / 1e6, ibis.null("float64")
        ),
    )  # fmt: skip


def journeys(prepared: ibis.Table, attributes: Sequence[str]) -> ibis.Table:
    """One row per customer with touchpoints: customer_number, customer_id, the attributes, journey_start, touchpoints, sessions,
    seconds (from first to last)."""
    lasted = (_.occurred_microseconds.max() - _.occurred_microseconds.min()).cast("float64") / 1e6
    return prepared.group_by(["customer_number", "customer_id", *attributes]).aggregate(
        journey_start=_.journey_start.min(), touchpoints=_.count(), sessions=_.session_number.max(), seconds=lasted
    )  # fmt: skip


def channels(prepared: ibis.Table) -> ibis.Table:
    """The channels, numbered from 1 in the order of their names: channel_number, channel."""
    each = prepared.filter(prepared.channel.notnull()).select(channel=prepared.channel.cast("string")).distinct()
    order = ibis.window(order_by="channel")
    return each.select(channel_number=ibis.row_number().over(order) + 1, channel="channel")


def met(prepared: ibis.Table, channels: ibis.Table) -> ibis.Table:
    """What each customer met: customer_number, different (touchpoints), last_stage (the rank of the stage of the last touchpoint
    that has one), touchpoints_met and channels_met, where bit n - 1 says that the name or channel with number n was met. Numbers
    go up to MOST_BITS."""
    named = channels.select(number=channels.channel_number, known=channels.channel)
    t = prepared.left_join(named, prepared.channel.cast("string") == named.known)
    one = ibis.literal(1, "int64")
    bits = {"touchpoints_met": one << (t.touchpoint_number - 1), "channels_met": one << (t.number - 1).fill_null(0)}
    bits["channels_met"] = ibis.ifelse(t.number.isnull(), ibis.literal(0, "int64"), bits["channels_met"])
    return t.group_by("customer_number").aggregate(
        different=t.touchpoint_number.nunique(),
        last_stage=t.stage_rank.argmax(t.step, where=t.stage_rank.notnull()),
        **{name: bit.cast("int64").bit_or() for name, bit in bits.items()},
    )


def as_journeys(prepared: ibis.Table) -> ibis.Table:
    """The prepared touchpoints with whole journeys as units."""
    return prepared.mutate(journey_id=prepared.customer_number)


def customer_paths(prepared: ibis.Table, repeats: Repeats, numbered: bool = True) -> ibis.Table:
    """The whole path of each customer: journey_id, path_key (as `journeys.whole`: a list of numbers, or names)."""
    keep = ["touchpoint_number"] if numbered else []
    return whole(nodes(as_journeys(prepared), repeats, "columns", keep)).select("journey_id", "path_key")


def moves_cube(prepared: ibis.Table, attributes: Sequence[str]) -> ibis.Table:
    """How many journeys make each move at each of the first steps, by attribute of their customer. Columns of
    `journeys.moves`, the attributes, and `repeats`."""
    units = as_journeys(prepared)
    each = [_of(r, moves(nodes(units, r, "columns", attributes), attributes, CUBE_POSITIONS)) for r in REPEATS]
    return each[0].union(each[1])


def pairs_cube(prepared: ibis.Table, attributes: Sequence[str]) -> ibis.Table:
    """How often does one touchpoint follow another, by attribute of the customer? Columns of `journeys.pairs`, the attributes,
    and `repeats`."""
    units = as_journeys(prepared)
    keep = [*attributes, "pair_visit"]
    each = [_of(r, pairs(nodes(units, r, "columns", keep), attributes)) for r in REPEATS]
    return each[0].union(each[1])


def visits_cube(prepared: ibis.Table, attributes: Sequence[str]) -> ibis.Table:
    """How many journeys are at each touchpoint, by attribute of their customer? Columns of `journeys.visits`, the attributes, and
    `repeats`."""
    path = nodes(as_journeys(prepared), "keep", "columns", [*attributes, "visit"])
    return _of("keep", visits(path, attributes))


CUBES = {"moves": moves_cube, "pairs": pairs_cube, "visits": visits_cube}


def _of(repeats: Repeats, t: ibis.Table) -> ibis.Table:
    return t.mutate(repeats=ibis.literal(repeats))


def rolled_up(cube: ibis.Table, attributes: Sequence[str]) -> ibis.Table:
    """The cube once more for each attribute alone and for none, so that a view reads no finer rows than it asks for. `level`
    says which attributes a row tells apart (`routes.level`)."""
    counts = [c for c in COUNTS if c in cube.columns]
    keys = [c for c in cube.columns if c not in (*counts, *attributes)]
    levels = dict.fromkeys([(), *((a,) for a in attributes), tuple(attributes)])
    parts = []
    for held in levels:
        part = cube.group_by([*keys, *held]).aggregate(**{c: cube[c].sum().cast(cube[c].type()) for c in counts})
        unknown = {a: ibis.null(cube[a].type()) for a in attributes if a not in held}
        parts.append(
            part.mutate(level=ibis.literal(level(held)), **unknown).select("level", *keys, *attributes, *counts)
        )
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def told_apart(attributes: Sequence[str]) -> tuple[str, ...]:
    """The attributes that prepared tables can carry: those that are not named like one of their own columns."""
    own = {name.casefold() for name in CUBE_COLUMNS | PATH_COLUMNS}
    return tuple(a for a in attributes if a.casefold() not in own)


def cube_attributes(values: dict[str, int], cells: int, most: int | None = None) -> tuple[str, ...]:
    """Which attributes does a cube get? `values`: how many each holds; `cells`: rows of the cube without any;
    `most`: rows that it may have, `CUBE_ROWS` by itself.

    Those with fewest values first, as long as the cube can stay under its limit.
    """
    most = CUBE_ROWS if most is None else most
    chosen: list[str] = []
    for attribute, held in sorted(values.items(), key=lambda item: (item[1], item[0])):
        if held > CUBE_VALUES or cells * held > most:
            break
        cells *= max(held, 1)
        chosen.append(attribute)
    return tuple(chosen)
