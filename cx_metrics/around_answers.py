"""Around an answer: what did people do before they gave it, and what did they do after? Unhappy against happy ones.

Order is that of journeys: a touchpoint at the same instant as the answer lies before it (`tables.PREPARED_ANSWERS`). The journey is
that of the customer, whatever the grain of the view, and reaches beyond its range: an answer on the last day has an after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.around_in_memory import UNKNOWN, Answers, counted
from cx_metrics.groups import OTHER, how_many, nullable
from cx_metrics.instants import Bools
from cx_metrics.journeys import Repeats
from cx_metrics.options import Count, Duration
from cx_metrics.registry import Beside, Measure, metric
from cx_metrics.rules import ExcludeOption
from cx_metrics.sequences import Sequences
from cx_metrics.surveys import best_two, better_side
from cx_metrics.texts import N_
from cx_metrics.two_shares import either_p

MOODS = ("unhappy", "neutral", "happy")
BEFORE, AFTER = "before", "after"
LEFT_OUT = (
    "without_customer",
    "without_time",
    "without_journey",
    "without_scale",
)  # answers that stand nowhere in a journey
MOST_PLACES = 5
PERSON, AT = "person", "answered"  # of an answer: the number of its customer, and when, in microseconds

Score = Annotated[
    Literal["nps", "csat", "ces", "rating"],
    N_(
        "which answers; happy are promoters (nps), the two best answers (csat, rating), the easy side of the scale (ces)"
    ),
]
Places = Annotated[int, Count(N_("how many touchpoints to show before the answer, and after it"), 1, MOST_PLACES)]
Top = Annotated[int, Count(N_("how many touchpoints to show at each place; the rest becomes one"), 1, 200)]
Window = Annotated[
    timedelta | None, Duration(N_("how far from the answer a touchpoint may lie, before and after"), unlimited=True)
]
RepeatsOption = Annotated[Repeats, N_("whether the same touchpoint twice in a row is one (merge) or two (keep)")]


def _of_mood(
    mood: str, title: str, share: str, wait: str, customers: str, open_: str, meaning: str
) -> dict[str, Measure]:
    """The measures of one group of answers."""
    return {
        mood: Measure(title, "count", meaning=meaning),
        f"{mood}_share": Measure(
            share, "share", n=f"all_{mood}", interval="wilson", meaning=N_("share of the answers of the group that are in journeys")
        ),
        f"{mood}_customers": Measure(
            customers, "count", meaning=N_("customers who gave these answers; fewer than answers where some gave several")
        ),
        f"{mood}_median_seconds": Measure(
            wait, "seconds", n=f"{mood}_customers", meaning=N_("median time between the answer and the touchpoint")
        ),
        f"{mood}_not_over": Measure(
            open_, "count", meaning=N_("answers with nothing there yet, whose time was not over when the data end")
        ),
    }  # fmt: skip


def _all(title: str) -> Measure:
    return Measure(title, "count", meaning=N_("answers of the group that are in journeys"))


MEASURES: Mapping[str, Measure] = {
    **_of_mood("unhappy", N_("Unhappy"), N_("Share of the unhappy"), N_("Median time of the unhappy"), N_("Unhappy customers"),
               N_("Unhappy, not over yet"), N_("answers of the unhappy (NPS: detractors) with this touchpoint there")),
    **_of_mood("neutral", N_("Neutral"), N_("Share of the neutral"), N_("Median time of the neutral"), N_("Neutral customers"),
               N_("Neutral, not over yet"), N_("answers of those between (NPS: passives) with this touchpoint there")),
    **_of_mood("happy", N_("Happy"), N_("Share of the happy"), N_("Median time of the happy"), N_("Happy customers"),
               N_("Happy, not over yet"), N_("answers of the happy (NPS: promoters) with this touchpoint there")),
    "difference": Measure(
        N_("Difference"), "ratio", n="all_unhappy", interval="newcombe", meaning=N_("share of the unhappy minus share of the happy")
    ),
    "p_value": Measure(
        N_("p-value"), "ratio", n="all_unhappy", meaning=N_("how often chance alone would make a difference this large")
    ),
    "all_unhappy": _all(N_("All unhappy")), "all_neutral": _all(N_("All neutral")), "all_happy": _all(N_("All happy")),
    "all_answers": Measure(N_("All answers"), "count", meaning=N_("valid answers of the kind asked for")),
    "without_customer": Measure(N_("No customer"), "count", meaning=N_("answers left out: they name no customer")),
    "without_time": Measure(N_("No time"), "count", meaning=N_("answers left out: it is not known when they were given")),
    "without_journey": Measure(
        N_("No journey"), "count", meaning=N_("answers left out: their customer has no touchpoint with a time in this view")
    ),
    "without_scale": Measure(N_("No scale"), "count", meaning=N_("answers left out: it is not known what a good answer is")),
}  # fmt: skip


def finish_around(frame: pd.DataFrame, *, by: tuple[str, ...], places: int, confidence: float) -> pd.DataFrame:
    """One row per place and touchpoint: the shares of the unhappy, the neutral and the happy, and how far apart they are."""
    named = frame.groupby(list(by), dropna=False, sort=False).ngroup() if by else pd.Series(0, index=frame.index)
    frame = frame.assign(group=named.astype("int64"))
    totals = frame[frame["place"].isna()].set_index("group")
    counted = frame[frame["place"].notna()].astype({"place": "int64"})
    counted = counted.assign(touchpoint=counted["touchpoint"].astype(object).where(counted["touchpoint"].notna(), None))
    rows = _rows(totals, counted, places)
    whole = {f"all_{m}": "in_journeys" for m in MOODS} | {n: n for n in ("all_answers", *LEFT_OUT)}
    for name, column in whole.items():
        mine = totals[totals["mood"] == name.removeprefix("all_")] if column == "in_journeys" else totals
        rows[name] = rows["group"].map(mine[column].groupby(level=0).sum()).fillna(0).astype("int64")
    for mood in MOODS:
        rows = intervals.add_share(rows, f"{mood}_share", mood, f"all_{mood}", confidence)
    a, n, b, m = (rows[c].to_numpy() for c in ("unhappy", "all_unhappy", "happy", "all_happy"))
    low, high = intervals.newcombe(a, n, b, m, confidence)
    p = either_p(a, n, b, m) if len(rows) else np.array([])
    flagged = np.nan_to_num(intervals.benjamini_hochberg(p), nan=1.0) <= intervals.FALSE_DISCOVERIES
    gap = rows["unhappy_share"] - rows["happy_share"]
    rows = rows.assign(difference=gap, difference_low=low, difference_high=high, p_value=p, flagged=flagged)
    keys = totals[~totals.index.duplicated()][list(by)]
    rows = rows.join(keys, on="group")
    rows = rows.assign(side=np.where(rows["place"] < 0, BEFORE, AFTER), place=rows["place"].abs())
    shown = [c + end for c, one in MEASURES.items() for end in (("", "_low", "_high") if one.interval else ("",))]
    at = shown.index("p_value") + 1
    return rows[[*by, "side", "place", "touchpoint", *shown[:at], "flagged", *shown[at:]]].reset_index(drop=True)


COUNTS = ("answers_there", "customers_there", "not_over")


def _rows(totals: pd.DataFrame, counted: pd.DataFrame, places: int) -> pd.DataFrame:
    """group, place, touchpoint, and of each mood: answers, customers, median seconds, answers whose time is not over. In order:
    before, then after, from the answer away; the largest first, the rest and nothing last. Nothing has a row at every place."""
    order = [*(-k for k in range(1, places + 1)), *range(1, places + 1)]
    held: dict[tuple[int, int, str | None], dict[str, tuple[int, ...]]] = {}
    seconds: dict[tuple[int, int, str | None, str], float] = {}
    columns = [counted[name].tolist() for name in ("group", "place", "touchpoint", "mood", *COUNTS, "median_seconds")]
    for group, place, touchpoint, mood, *counts, median in zip(*columns, strict=True):
        held.setdefault((group, place, touchpoint), {})[mood] = tuple(map(int, counts))
        seconds[group, place, touchpoint, mood] = median
    for group in totals.index.unique():
        for place in order:
            held.setdefault((int(group), place, None), {})

    def rank(key: tuple[int, int, str | None]) -> tuple[Any, ...]:
        group, place, touchpoint = key
        last = 2 if touchpoint is None else int(touchpoint == OTHER)
        return group, order.index(place), last, -sum(counts[0] for counts in held[key].values()), touchpoint or ""

    keys = sorted(held, key=rank)
    rows: dict[str, Any] = {
        name: pd.Series([key[at] for key in keys], dtype=kind)
        for at, (name, kind) in enumerate({"group": "int64", "place": "int64", "touchpoint": "object"}.items())
    }
    none = (0,) * len(COUNTS)
    for mood in MOODS:
        counts = [held[key].get(mood, none) for key in keys]
        rows |= {
            name: pd.Series([one[at] for one in counts], dtype="int64")
            for at, name in enumerate((mood, f"{mood}_customers", f"{mood}_not_over"))
        }
        rows[f"{mood}_median_seconds"] = pd.Series([seconds.get((*key, mood)) for key in keys], dtype="float64")
    return pd.DataFrame(rows)


def answers_alone(surveys: ibis.Table, *, score: Score) -> ibis.Table:
    """The valid answers without their journeys: mood (its place in MOODS, −1: not known), named (1: a customer is), person,
    answered, contacts_before."""
    s = _valid(surveys, score)
    mood = ibis.cases(*((s.mood == mood, place) for place, mood in enumerate(MOODS)), else_=UNKNOWN)
    return s.select(
        mood=mood.cast("int64"), named=ibis.ifelse(s.customer_id.notnull(), 1, 0).cast("int64"),
        **{PERSON: s.customer_number.cast("int64"), AT: s[AT]}, contacts_before=s.contacts_before.fill_null(0),
    )  # fmt: skip


def make_around(
    sequences: Sequences, rows: pd.DataFrame, people: Bools | None, *, places: int, window: timedelta | None, top: int,
    repeats: Repeats, exclude: Sequence[str] | None,
) -> pd.DataFrame | None:  # fmt: skip
    """What the query gives, from touchpoints in memory; None where some of these have no time."""
    if not sequences.timed:
        return None
    person = rows[PERSON].fillna(0).to_numpy(dtype="int64")
    when = rows[AT].fillna(0).to_numpy(dtype="int64")
    having = sequences.having(people)
    reasons = [
        rows["named"].to_numpy() == 0, rows[AT].isna().to_numpy(), ~having[np.minimum(person, len(having) - 1)],
        rows["mood"].to_numpy() == UNKNOWN,
    ]  # fmt: skip
    left_out = np.select(reasons, range(len(LEFT_OUT)), len(LEFT_OUT))
    mood, kept = rows["mood"].to_numpy(dtype="int64"), left_out == len(LEFT_OUT)
    there = np.unique(mood)
    totals = pd.DataFrame({
        "mood": [None if m == UNKNOWN else MOODS[m] for m in there],
        "all_answers": [int((mood == m).sum()) for m in there], "in_journeys": [int(kept[mood == m].sum()) for m in there],
        **{why: [int((left_out[mood == m] == place).sum()) for m in there] for place, why in enumerate(LEFT_OUT)},
    })  # fmt: skip
    before = rows["contacts_before"].to_numpy(dtype="int64")
    answers = Answers(mood[kept], person[kept], when[kept], before[kept])
    ends = sequences.ends(having)
    found = counted(
        sequences,
        answers,
        MOODS,
        ends,
        places=places,
        window=window,
        top=top,
        merge=repeats == "merge",
        exclude=exclude or (),
    )
    return pd.concat([totals, found], ignore_index=True)


@metric(
    title=N_("Before and after the answer"),
    unit=N_("share of responses"),
    denominator=N_(
        "answers of the unhappy, the neutral or the happy whose customer and time are known and have a journey"
    ),
    inputs=("surveys", "touchpoints"),
    optional_inputs=("customers",),
    needs_time=True,
    entries=True,
    groups=("side", "place", "touchpoint"),
    beside=Beside(answers_alone, make_around, PERSON),
    finish=finish_around,
    source="Wilson (1927), JASA 22; Newcombe (1998), Stat. Med. 17; Fisher (1922), JRSS 85; Benjamini & Hochberg (1995), JRSS B 57",
    measures=MEASURES,
)
def around_answers(
    surveys: ibis.Table, touchpoints: ibis.Table, customers: ibis.Table | None = None, by: tuple[str, ...] = (), *,
    score: Score = "nps", places: Places = 3, window: Window = timedelta(days=30), top: Top = 8,
    repeats: RepeatsOption = "merge", exclude: ExcludeOption = None,
) -> ibis.Table:  # fmt: skip
    """What did unhappy customers do before and after their answer, and what did happy ones do?

    One row per side (before, after), place (1: next to the answer) and touchpoint (null: nothing so far from the answer): of the
    unhappy, the neutral and the happy how many answers have it there, their share of all answers of the group, their customers, the
    median time between the two, and not_over; difference (unhappy minus happy) with its interval, p_value, flagged
    (Benjamini-Hochberg over all rows). At each place the answers of a group add up to all_unhappy, all_neutral, all_happy.

    Unhappy, neutral, happy: detractors, passives and promoters of NPS; csat and rating: others and the two best answers; ces: the
    hard and the easy side of the scale, its middle being hard. Answers are those of the view; each stands in the whole journey of
    its customer, also before and after the range of the view. Touchpoints of the same instant as the answer lie before it; further
    than `window` away they do not count. With repeats="merge" equal neighbours on one side of the answer are one, at the time of
    the nearest. Left out before anything is counted: `exclude`, as the touchpoint that is the answer itself. not_over: answers
    with nothing there yet, whose window ends after the last touchpoint of the view; they may still do something.

    all_answers counts all valid ones; those that name no customer or time, whose customer has no touchpoints in the view, or whose
    scale is not known, stand in without_customer … without_scale (the first that applies) and nowhere else.
    """
    asked = _asked(surveys, touchpoints, customers, score)
    counted = ibis.ifelse(asked.left_out.isnull(), 1, 0)
    why = {name: how_many((asked.left_out == name).fill_null(False)) for name in LEFT_OUT}
    totals = asked.group_by([*by, "mood"]).aggregate(all_answers=asked.count(), in_journeys=counted.sum(), **why)
    placed = asked.filter(asked.left_out.isnull()).select(*by, "mood", PERSON, AT, step=_.contacts_before.fill_null(0))
    met = touchpoints.filter(touchpoints.occurred_microseconds.notnull())
    ends = met.aggregate(ends=met.occurred_microseconds.max())
    met = met.semi_join(placed.select(customer_number=PERSON).distinct(), "customer_number")
    length = None if window is None else window // timedelta(microseconds=1)
    there = _folded(_there(placed, _runs(met, exclude, repeats), places, length), top).cross_join(ends)
    is_open = ibis.literal(True) if length is None else there[AT] + length > there.ends
    is_open = (there.place > 0) & there.touchpoint.isnull() & is_open
    found = there.mutate(is_open=ibis.ifelse(is_open, 1, 0)).group_by([*by, "mood", "place", "touchpoint"]).aggregate(
        answers_there=_.count(), customers_there=_[PERSON].nunique(), not_over=_.is_open.sum(),
        median_seconds=(_.away.cast("float64") / 1e6).median(),
    )  # fmt: skip
    return _under_each_other(totals, found).order_by([*by, "place", "touchpoint", "mood"])


def _asked(surveys: ibis.Table, touchpoints: ibis.Table, customers: ibis.Table | None, score: str) -> ibis.Table:
    """The valid answers with mood (null: not known), person and answered (when); left_out: why one is in no journey, or null."""
    s = _valid(surveys, score)
    known = touchpoints.select("customer_id", "customer_number").distinct() if customers is None else customers
    numbers = known.select(who=known.customer_id, **{PERSON: known.customer_number})
    s = s.left_join(numbers, [("customer_id", "who")])
    timed = touchpoints.filter(touchpoints.occurred_microseconds.notnull())
    having = timed.select(having="customer_number").distinct()
    s = s.left_join(having, [(PERSON, "having")])
    reasons = (s.customer_id.isnull(), s[AT].isnull(), s.having.isnull(), s.mood.isnull())
    return s.mutate(left_out=ibis.cases(*zip(reasons, LEFT_OUT, strict=True), else_=ibis.null("string")))


def _valid(surveys: ibis.Table, score: str) -> ibis.Table:
    """The valid answers with mood (null: not known), answered (when), and contacts_before."""
    s = surveys.filter((surveys.survey_type == score) & (surveys.score_status == "valid") & surveys.score.notnull())
    if score == "nps":
        mood = ibis.ifelse(s.score >= 9, "happy", ibis.ifelse(s.score <= 6, "unhappy", "neutral"))
    else:
        good = better_side(s) if score == "ces" else best_two(s)
        known = s.scale_low.notnull() & s.scale_high.notnull()
        mood = ibis.ifelse(known, ibis.ifelse(good == 1, "happy", "unhappy"), ibis.null("string"))
    whole, rest = s.answered_at.truncate("s").epoch_seconds(), s.answered_at.microsecond()
    at = whole.cast("int64") * 1_000_000 + rest.cast("int64")
    before = s.contacts_before if "contacts_before" in s.columns else ibis.null("int64")
    return s.mutate(mood=mood, contacts_before=before, **{AT: at})


def _runs(met: ibis.Table, exclude: Sequence[str] | None, repeats: Repeats) -> ibis.Table:
    """The touchpoints with the number of their run: customer_number, step, touchpoint, at (microseconds), run (from 1). With
    repeats="keep" each is a run."""
    if exclude:
        met = met.filter(met.touchpoint.notin(sorted(exclude)))
    each = ibis.window(group_by="customer_number", order_by="step")
    t = met.select(
        "customer_number", "step", touchpoint=met.touchpoint.cast("string"), at=met.occurred_microseconds,
        previous=met.touchpoint.cast("string").lag().over(each).nullif(""),
    )  # fmt: skip
    again = (t.previous == t.touchpoint).fill_null(False) if repeats == "merge" else ibis.literal(False)
    t = t.mutate(begins=ibis.ifelse(again, 0, 1).cast("int64"))
    so_far = ibis.window(group_by="customer_number", order_by="step", preceding=None, following=0)
    return t.mutate(run=t.begins.sum().over(so_far)).drop("previous", "begins")


def _there(placed: ibis.Table, runs: ibis.Table, places: int, window: int | None) -> ibis.Table:
    """What stands at each place around each answer: its columns, place (−1: the last before it, 1: the first after it), touchpoint
    and away (microseconds); both null where nothing does."""
    kinds = {name: kind for name, kind in placed.schema().items() if name not in (PERSON, "step")}
    met = runs.select(
        **{name: ibis.null(kind.copy(nullable=True)) for name, kind in kinds.items()},
        **{PERSON: runs.customer_number, "step": runs.step}, run=runs.run, at=runs.at, is_answer=ibis.literal(0, "int64"),
    )  # fmt: skip
    said = placed.select(
        *kinds, PERSON, "step", run=ibis.null("int64"), at=ibis.null("int64"), is_answer=ibis.literal(1, "int64")
    )
    both = nullable(said).union(nullable(met.select(*said.columns)))
    so_far = ibis.window(group_by=PERSON, order_by=["step", "is_answer"], preceding=None, following=0)
    from_end = ibis.window(
        group_by=PERSON, order_by=[ibis.desc("step"), ibis.desc("is_answer")], preceding=None, following=0
    )
    both = both.mutate(
        last_run=both.run.max().over(so_far), last_at=both["at"].max().over(so_far),
        next_run=both.run.min().over(from_end), next_at=both["at"].min().over(from_end),
    )  # fmt: skip
    answers = both.filter(both.is_answer == 1).drop("run", "at", "is_answer", "step")
    shown = ibis.array([*range(-places, 0), *range(1, places + 1)]).unnest()
    each = answers.mutate(place=shown)
    each = each.mutate(run=ibis.ifelse(each.place < 0, each.last_run + each.place + 1, each.next_run + each.place - 1))
    whole = runs.group_by(whose="customer_number", number="run").aggregate(
        touchpoint=_.touchpoint.max(), first_at=_["at"].min(), ends_at=_["at"].max()
    )
    found = each.left_join(whole, [(PERSON, "whose"), ("run", "number")]).drop("whose", "number")
    far = ibis.ifelse(found.place < 0, found.ends_at, found.first_at)  # of runs that the answer does not cut
    at = ibis.cases((found.place == -1, found.last_at), (found.place == 1, found.next_at), else_=far)
    away = ibis.ifelse(found.place < 0, found[AT] - at, at - found[AT])
    near = found.touchpoint.notnull()
    if window is not None:
        near = near & (away <= window).fill_null(False)
    return found.select(
        *kinds, PERSON, "place",
        touchpoint=ibis.ifelse(near, found.touchpoint, ibis.null("string")),
        away=ibis.ifelse(near, away, ibis.null("int64")),
    )  # fmt: skip


def _folded(there: ibis.Table, top: int) -> ibis.Table:
    """The touchpoints of most answers at each place keep their names (over all groups; ties by name), the rest is OTHER."""
    sizes = there.filter(there.touchpoint.notnull()).group_by(["place", "touchpoint"]).aggregate(size=_.count())
    largest = ibis.window(group_by="place", order_by=[ibis.desc("size"), "touchpoint"])
    kept = sizes.mutate(rank=ibis.row_number().over(largest)).filter(_.rank < top)
    kept = kept.select("place", "touchpoint", is_kept=ibis.literal(1))
    found = there.left_join(kept, ["place", "touchpoint"]).drop("place_right", "touchpoint_right")
    name = ibis.ifelse(found.touchpoint.notnull() & found.is_kept.isnull(), OTHER, found.touchpoint)
    return found.mutate(touchpoint=name).drop("is_kept")


def _under_each_other(totals: ibis.Table, found: ibis.Table) -> ibis.Table:
    """Totals by group and mood, and under them what stands at each place; what one has not is null."""
    wide: list[tuple[ibis.Table, ibis.Table]] = [(totals, found), (found, totals)]
    both = []
    for own, other in wide:
        missing: dict[str, Any] = {
            name: ibis.null(kind.copy(nullable=True))
            for name, kind in other.schema().items()
            if name not in own.columns
        }
        both.append(nullable(own.mutate(**missing)))
    columns = [*both[0].columns]
    return both[0].union(both[1].select(*columns))
