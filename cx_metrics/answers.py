"""Survey answers and the journey of those who gave them: where an answer belongs, and groups of answers by what came before.

Both act where a score is asked `by` something. `placed` decides touchpoint, stage, channel and type of an answer by the rule of the
view; `GROUPS` are what answers can be grouped by beside their own columns. Both read what was prepared at import
(`tables.PREPARED_ANSWERS`): the journey of the customer at the answer, whatever range the view has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import ibis
import pandas as pd
from ibis import _

from cx_metrics.errors import ViewProblem
from cx_metrics.groups import OTHER
from cx_metrics.journeys import PATH_SIGN
from cx_metrics.options import Duration
from cx_metrics.texts import N_, Text
from cx_metrics.view import Belonging, View

Tables = Mapping[str, ibis.Table]
PLACES = ("touchpoint", "stage", "channel", "touchpoint_type")
MOST_PATHS = 50  # paths that are groups of their own: those of most answers; the rest is one group
FIRST_PLACE = 1_000  # of a path among the largest: all places have as many digits, and sort as texts

SAID = N_("an answer belongs to what the file says it is about")
LAST = N_(
    "an answer belongs to what the file says it is about, else to the last touchpoint at or before it, up to {within} earlier, "
    "and its stage, channel and type"
)
JOURNEY = {
    "touchpoint": N_(
        "an answer counts once for each touchpoint that the customer met at or before it, so groups overlap and do not add up"
    ),
    "stage": N_(
        "an answer counts once for each stage that the customer met at or before it, so groups overlap and do not add up"
    ),
    "channel": N_(
        "an answer counts once for each channel that the customer met at or before it, so groups overlap and do not add up"
    ),
    "touchpoint_type": N_(
        "an answer counts once for each type of touchpoint that the customer met at or before it, so groups overlap and do not "
        "add up"
    ),
}
JOURNEY_OF_SEVERAL = N_(
    "an answer counts once for each combination that the customer met at or before it, so groups overlap and do not add up"
)
NONE = N_("answers belong to no touchpoint, stage or channel")


@dataclass(frozen=True)
class Band:
    """One group of a number: its id in a result, and what it is called."""

    id: str
    title: Text


@dataclass(frozen=True)
class Bands:
    """Groups of answers by a number that was prepared: from `edges[i]` to under `edges[i + 1]`, the last without an end. Their
    order is the order of the rows. Below the first edge and unknown is a group of its own, null."""

    title: str
    column: str
    edges: tuple[float, ...]
    bands: tuple[Band, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """The ids, in order."""
        return tuple(band.id for band in self.bands)


DAY = 86_400


def _number(n: int) -> Band:
    return Band(str(n), Text("{n}", {"n": n}))


def _between(low: int, high: int) -> Band:
    return Band(f"{low}-{high}", Text(N_("{low} to {high}"), {"low": low, "high": high}))


def _from(low: int) -> Band:
    return Band(f"{low}+", Text(N_("{low} or more"), {"low": low}))


FEW = (*map(_number, range(3)), _from(3))
WAITED = (
    Band("<1h", Text(N_("under 1 hour"))), Band("<1d", Text(N_("under 1 day"))), Band("<3d", Text(N_("under 3 days"))),
    Band("<7d", Text(N_("under 7 days"))), Band("<14d", Text(N_("under 14 days"))), Band("14d+", Text(N_("14 days and more"))),
)  # fmt: skip
GROUPS: dict[str, Bands] = {  # what is asked by → its bands
    "contacts_before": Bands(
        N_("Contacts before the answer"), "contacts_before", (1, 2, 3, 4, 6, 11),
        (*map(_number, range(1, 4)), _between(4, 5), _between(6, 10), _from(11)),
    ),
    "waiting": Bands(
        N_("Longest wait before the answer"), "longest_wait_seconds", (0, 3_600, DAY, 3 * DAY, 7 * DAY, 14 * DAY), WAITED
    ),
    "repeats_before": Bands(N_("Touchpoints met again before the answer"), "repeats_before", (0, 1, 2, 3), FEW),
    "channel_switches_before": Bands(
        N_("Changes of channel before the answer"), "channel_switches_before", (0, 1, 2, 3), FEW
    ),
}  # fmt: skip
PATH = "path"  # the whole path of who answered, to the end of the data, repeats kept
TITLES = {name: group.title for name, group in GROUPS.items()} | {PATH: N_("Whole path")}


def acting(view: View, inputs: Sequence[str], by: Sequence[str]) -> View:
    """The view without a rule of belonging that changes nothing: it acts on scores by touchpoint, stage, channel or type alone."""
    if view.belonging == Belonging() or belongs(inputs, by):
        return view
    return replace(view, belonging=Belonging())


def belongs(inputs: Sequence[str], by: Sequence[str]) -> bool:
    """Does the answer to this question depend on where survey answers belong?"""
    return tuple(inputs) == ("surveys",) and any(place in by for place in PLACES)


def words(belonging: Belonging, by: Sequence[str]) -> Text:
    """The rule in words, for a definition and a caption."""
    if belonging.rule == "last":
        within = Duration("").print(timedelta(seconds=belonging.within_seconds or 0))
        return Text(LAST, {"within": within})
    if belonging.rule == "journey":
        asked = [place for place in PLACES if place in by]
        return Text(JOURNEY[asked[0]] if len(asked) == 1 else JOURNEY_OF_SEVERAL)
    return Text(NONE if belonging.rule == "none" else SAID)


def said_of(definition: Mapping[str, Any]) -> Text | None:
    """Which rule of belonging made the numbers of a result, in words; None where it has none to follow."""
    said = definition.get("belonging")
    return None if said is None else Text.from_dict(said["words"])


def grouped(surveys: ibis.Table, belonging: Belonging, by: Sequence[str], tables: Tables) -> ibis.Table:
    """The answers that a view leaves, with the columns to group by: where they belong, the bands of numbers, the whole paths.

    `tables`: those of the dataset, whole: the journey before an answer does not depend on the range of the view. Raises ViewProblem
    where the rule needs the journeys of those who answered, and the dataset does not know them.
    """
    asked = tuple(place for place in PLACES if place in by)
    made = made_here(by, tables)
    if asked and belonging.rule != "said":
        surveys = placed(surveys, belonging, asked, tables)
    bands = {name: band_of(surveys[GROUPS[name].column], GROUPS[name]) for name in made if name != PATH}
    surveys = surveys.mutate(**bands)
    return _with_paths(surveys, tables) if PATH in made else surveys


def made_here(by: Sequence[str], tables: Tables) -> tuple[str, ...]:
    """Those groups that are no columns of the answers, but made of what was prepared."""
    return tuple(name for name in dict.fromkeys(by) if (name in GROUPS or name == PATH) and is_linked(tables))


def is_linked(tables: Tables) -> bool:
    """Does the dataset know the journeys of those who answered?"""
    return "touchpoints" in tables and "surveys" in tables and "contacts_before" in tables["surveys"].columns


def spelled(frame: pd.DataFrame, columns: Mapping[str, str], tables: Tables) -> pd.DataFrame:
    """The frame of a score with the ids of bands in place of their numbers, and paths as names in order. `columns`: column of the
    frame → what was asked by."""
    made = made_here(tuple(columns.values()), tables)
    named = {}
    for column, name in columns.items():
        if name in made:
            spell = _path if name == PATH else GROUPS[name].order.__getitem__
            named[column] = pd.Series([None if pd.isna(v) else spell(v) for v in _plain(frame[column])], dtype=object)
    return frame.reset_index(drop=True).assign(**named)


def _plain(values: pd.Series) -> list[Any]:
    """Places as whole numbers: where one is not known, the column holds floats."""
    return [int(v) if isinstance(v, float) and v == v else v for v in values]


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(PATH_SIGN)[1:])


def placed(surveys: ibis.Table, belonging: Belonging, by: Sequence[str], tables: Tables) -> ibis.Table:
    """The answers with touchpoint, stage, channel and type by another rule than what the file says; with `journey`, each answer
    once for each different value of `by` (some of PLACES) that its customer met, and once with nulls if there is none."""
    if belonging.rule == "none":
        return surveys.mutate(**{place: ibis.null("string") for place in PLACES})
    if not is_linked(tables):
        raise ViewProblem(
            N_("Where answers belong can be read from journeys only where touchpoints and answers name the same customers. "
               "Add both on the Data page, each with a customer column.")
        )  # fmt: skip
    return _by_last(surveys, belonging) if belonging.rule == "last" else _by_journey(surveys, by, tables)


def _by_last(s: ibis.Table, belonging: Belonging) -> ibis.Table:
    """The file's own word wins where it has one. The last touchpoint lends its stage, channel and type to answers about itself
    alone: one that is about another touchpoint has what the file says of it."""
    near = (s.seconds_since_last <= float(belonging.within_seconds or 0)).fill_null(False)
    lends = near & (s.touchpoint.isnull() | (s.touchpoint == s.last_touchpoint).fill_null(False))
    null = ibis.null("string")
    made = {}
    for place in PLACES:
        lent = ibis.ifelse(lends, s[f"last_{place}"], null)
        made[place] = ibis.coalesce(s[place], lent) if place in s.columns else lent
    return s.mutate(**made)


def _by_journey(s: ibis.Table, by: Sequence[str], tables: Tables) -> ibis.Table:
    """Each answer beside every place that its customer had met for the first time before it, or at the same instant. What is not
    known is no place."""
    mine, columns = _beginning(s), [c for c in s.columns if c not in by]
    who, number, at, first = (mine + name for name in ("id", "number", "met_at", "first_met_at"))
    numbers = tables["customers"].select(**{who: _.customer_id, number: _.customer_number})  # join faster than texts
    s = s.left_join(numbers, s.customer_id == numbers[who]).drop(who)
    t = tables["touchpoints"]
    t = t.filter(ibis.or_(*(t[place].notnull() for place in by)) & t.occurred_at.notnull())
    t = t.semi_join(s.select(customer_number=s[number]).distinct(), "customer_number")
    t = t.select(**{who: t.customer_number, at: t.occurred_at} | {mine + place: t[place] for place in by})
    met = t.group_by([who, *(mine + place for place in by)]).aggregate(**{at: t[at].min()})
    begun = t.group_by(who).aggregate(**{first: t[at].min()})
    there = s.join(met, s[number] == met[who])
    there = there.filter(there[at] <= there.answered_at)
    nowhere = s.left_join(begun, s[number] == begun[who])
    nowhere = nowhere.filter(
        nowhere.answered_at.isnull() | nowhere[first].isnull() | (nowhere[first] > nowhere.answered_at)
    )
    return there.select(*columns, **{place: there[mine + place] for place in by}).union(
        nowhere.select(*columns, **{place: ibis.null("string") for place in by})
    )


def _beginning(s: ibis.Table) -> str:
    """What no column of the answers begins with: names of columns that are there for a moment do."""
    beginning = "of journey "
    while any(c.casefold().startswith(beginning) for c in s.columns):
        beginning += "too "
    return beginning


def band_of(number: ibis.Value, bands: Bands) -> ibis.Value:
    """The place of a number among the bands, from 0; null below the first and where it is not known."""
    place: ibis.Value = ibis.null("int64")
    for index, edge in enumerate(bands.edges):
        place = ibis.ifelse(number >= edge, ibis.literal(index, "int64"), place)
    return place


def scale_of(s: ibis.Table) -> ibis.Value:
    """The scale of an answer with its direction, in one text."""
    return s.scale_low.cast("string") + "|" + s.scale_high.cast("string") + "|" + s.higher_is_better.cast("string")


def _with_paths(s: ibis.Table, tables: Tables) -> ibis.Table:
    """The whole path of the journey, to the end of the data, as whole paths have it (`variants`): that of most answers first. Text
    that sorts in this order: its place, then the names."""
    who, number, kept, named = (_beginning(s) + name for name in ("who", "path_id", "kept_id", "path"))
    journeys, paths = tables["journeys"], tables["paths"]
    whose = journeys.select(**{who: journeys.customer_id, number: journeys.path_keep})
    s = s.left_join(whose, s.customer_id == whose[who])
    known = s.filter(s[number].notnull())
    sizes = known.group_by(number).aggregate(size=_.count())
    sizes = sizes.mutate(place=ibis.row_number().over(ibis.window(order_by=[ibis.desc("size"), number])))
    largest = sizes.filter(sizes.place < MOST_PATHS).join(paths, sizes[number] == paths.path_id)
    place = (largest.place + FIRST_PLACE).cast("string")
    largest = largest.select(**{kept: largest[number], named: place + PATH_SIGN + largest.path})
    s = s.left_join(largest, s[number] == largest[kept])
    rest = f"{MOST_PATHS + FIRST_PLACE}" + PATH_SIGN + OTHER
    path = ibis.ifelse(s[number].isnull(), ibis.null("string"), s[named].fill_null(rest))
    return s.mutate(path=path)
