"""Who was asked, and who answered: response rates of invitations, and the share of customers who ever answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import ibis
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.groups import how_many, nullable
from cx_metrics.intervals import ShareMethod
from cx_metrics.known import CONTACT_BANDS, answerers, contact_band
from cx_metrics.options import Duration
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_

ShareInterval = Annotated[ShareMethod, N_("how the interval of a share is made")]
Completes = Literal["found", "statuses", "answers"]
OptOuts = Literal["before", "after"]
Band = Literal["all", "contacts", "first_touchpoint", "last_touchpoint"]
# The furthest of several rows of one invitation counts. One that was sent and came back was never there to be answered.
RANKS = {"sent": 1, "bounced": 2, "opted_out": 3, "started": 4, "completed": 5}
FROM_STATUSES, FROM_ANSWERS = "statuses", "answers"
COUNTS = ("sent", "bounced", "opted_out", "started", "completed", "began", "answered")


def finish_response_rate(
    frame: pd.DataFrame, *, by: tuple[str, ...], completes: Completes, opt_outs: OptOuts, method: ShareMethod, confidence: float
) -> pd.DataFrame:  # fmt: skip
    """Choose where completes come from, and add the three rates."""
    frame = frame.assign(**{name: frame[name].astype("int64") for name in COUNTS})
    told = int(frame["started"].sum() + frame["completed"].sum()) > 0
    by_status = completes == "statuses" or (completes == "found" and told)
    starts = frame["started"] + frame["completed"] if by_status else frame["began"]
    complete = frame["completed"] if by_status else frame["answered"]
    sent = frame[["sent", "bounced", "opted_out", "started", "completed"]].sum(axis=1)
    kept_back = frame["opted_out"] if opt_outs == "before" else 0
    made = frame[list(by)].assign(
        sent=sent, bounced=frame["bounced"], opted_out=frame["opted_out"], invited=sent - frame["bounced"] - kept_back,
        starts=starts, completes=complete, partials=starts - complete,
    )  # fmt: skip
    for name, part, whole in (
        ("response_rate", "completes", "invited"), ("start_rate", "starts", "invited"), ("completion_rate", "completes", "starts"),
    ):  # fmt: skip
        made = intervals.add_share(made, name, part, whole, confidence, method)
    ends = [name + end for name in ("response_rate", "start_rate", "completion_rate") for end in ("", "_low", "_high")]
    made = made.assign(completes_from=FROM_STATUSES if by_status else FROM_ANSWERS)
    return made[
        [*by, "invited", "starts", "completes", *ends, "partials", "sent", "bounced", "opted_out", "completes_from"]
    ]


@metric(
    title=N_("Response rate"),
    unit=N_("share of invitations"),
    denominator=N_("invitations that were not returned and did not go to people who had opted out"),
    inputs=("invitations",),
    optional_inputs=("surveys",),
    source="AAPOR Standard Definitions (2023), RR1; Wilson (1927), JASA 22",
    finish=finish_response_rate,
    measures={
        "invited": Measure(N_("Invited"), "count", meaning=N_("sent, less bounced, less opted out before sending")),
        "starts": Measure(N_("Starts"), "count", meaning=N_("invitations whose survey was begun")),
        "completes": Measure(N_("Completes"), "count", meaning=N_("invitations whose survey was finished; one each")),
        "response_rate": Measure(
            N_("Response rate"), "share", n="invited", interval="wilson", higher_is_better=True,
            meaning=N_("completes, as a share of the invited"),
        ),
        "start_rate": Measure(
            N_("Start rate"), "share", n="invited", interval="wilson", higher_is_better=True,
            meaning=N_("starts, as a share of the invited"),
        ),
        "completion_rate": Measure(
            N_("Completion rate"), "share", n="starts", interval="wilson", higher_is_better=True,
            meaning=N_("completes, as a share of starts"),
        ),
        "partials": Measure(N_("Partials"), "count", meaning=N_("begun and not finished; they are not completes")),
        "sent": Measure(N_("Sent"), "count", meaning=N_("invitations; a reminder is not another one")),
        "bounced": Measure(N_("Bounced"), "count", higher_is_better=False, meaning=N_("invitations that came back")),
        "opted_out": Measure(N_("Opted out"), "count", higher_is_better=False, meaning=N_("invitations to people who opted out")),
    },
)  # fmt: skip
def response_rate(
    invitations: ibis.Table,
    surveys: ibis.Table | None = None,
    by: tuple[str, ...] = (),
    *,
    completes: Annotated[
        Completes, N_("where starts and completes come from: statuses, answers, or statuses if there are any (found)")
    ] = "found",
    within: Annotated[
        timedelta,
        Duration(
            N_("how long after an invitation or its last reminder an answer belongs to it, where no wave says so")
        ),
    ] = timedelta(days=30),
    reminder: Annotated[
        timedelta, Duration(N_("without a wave, a message this soon after the one before is its reminder"))
    ] = timedelta(days=30),
    opt_outs: Annotated[
        OptOuts, N_("whether those who opted out did so before sending (not invited) or after (invited)")
    ] = "before",
    method: ShareInterval = "wilson",
) -> ibis.Table:
    """How many of those who were asked answered?

    One row per group of `by`: invited (sent less bounced less opted out before sending), starts, completes, response_rate
    (completes / invited), start_rate (starts / invited), completion_rate (completes / starts), each with its interval,
    partials (begun and not finished: not completes), sent, bounced, opted_out, completes_from (statuses or answers).

    Rows of one customer and wave are one invitation: the furthest status counts (completed, started, opted out, bounced, sent),
    and the group is that of the first message. Without a wave, a message within `reminder` of the one before is its reminder. Rows
    without a customer are one by their invitation id, else each for itself; a row that counts stands for as many as it says.

    Where no status says more than sent, completes are answers: an invitation is complete if its customer gave a valid score or a
    comment in that wave, or, where one of the two says no wave, from its first message until `within` after its last; begun if
    there is any answer. Answers are those of the view. Only invitations with a customer can be complete so. Nobody invited: null.
    """
    t = _with_key(invitations, reminder)
    group = ibis.window(group_by="unit")
    nth = ibis.window(
        group_by="unit", order_by=[ibis.asc("at", nulls_first=False), ibis.desc("rank"), "channel", "touchpoint"]
    )
    t = t.mutate(
        furthest=t["rank"].max().over(group), last_at=t["at"].max().over(group), place=ibis.row_number().over(nth)
    )
    known = t.filter((t.place == 0) | t.alone)
    known = known.mutate(furthest=ibis.ifelse(known.alone, known["rank"], known.furthest))
    known = _with_answers(known, surveys, within)
    counted = {
        name: ibis.ifelse(known.furthest == rank, known.stands_for, 0).sum().fill_null(0)
        for name, rank in RANKS.items()
    }
    counted |= {name: how_many(known[name] == 1) for name in ("began", "answered")}
    return known.aggregate(by=list(by), **counted).order_by([*by, "sent"])


def _with_key(t: ibis.Table, reminder: timedelta) -> ibis.Table:
    """Rows with `unit`, one for all rows of an invitation, `alone` where a row is one by itself, `rank` and `at` (seconds)."""
    rank = ibis.cases(*((t.status == name, number) for name, number in RANKS.items()), else_=1)
    t = t.mutate(rank=rank.cast("int64"), at=t.sent_at.epoch_seconds().cast("int64"))
    own = ibis.window(group_by=["customer_id", "wave"], order_by=[ibis.asc("at", nulls_first=False), "rank"])
    later = t["at"] - t["at"].lag().over(own).nullif(0) > int(reminder.total_seconds())
    t = t.mutate(new=ibis.ifelse(t.wave.isnull() & later.fill_null(False), 1, 0))
    t = t.mutate(nth=t.new.sum().over(ibis.window(
        group_by=["customer_id", "wave"], order_by=[ibis.asc("at", nulls_first=False), "rank"], preceding=None, following=0,
    )))  # fmt: skip
    of_wave = t.wave.length().cast("string") + ":" + t.wave  # so that no two pairs of texts make one
    of_person = "c" + of_wave.fill_null("-") + ":" + t.nth.cast("string") + ":" + t.customer_id
    unit = ibis.coalesce(of_person, "i" + t.invitation_id)
    return t.mutate(alone=unit.isnull(), unit=unit.fill_null(""))


def _with_answers(t: ibis.Table, surveys: ibis.Table | None, within: timedelta) -> ibis.Table:
    """Invitations with `began` and `answered`: 1 where an answer belongs to them, else 0."""
    none = ibis.literal(0, type="int64")
    if surveys is None:
        return t.mutate(began=none, answered=none)
    said = (surveys.score_status == "valid") | (surveys.comment.fill_null("").strip() != "")
    given = surveys.filter(surveys.customer_id.notnull()).select(
        who=surveys.customer_id, of_wave=surveys.wave, then=surveys.answered_at.epoch_seconds().cast("int64"),
        said=ibis.ifelse(said, 1, 0),
    )  # fmt: skip
    asked = t.filter(t.customer_id.notnull()).select("unit", "customer_id", "wave", "at", "last_at")
    both = asked.join(given, asked.customer_id == given.who)
    in_time = (both["at"].isnull() | (both.then >= both["at"])) & (
        both.last_at.isnull() | (both.then <= both.last_at + int(within.total_seconds()))
    )
    in_wave = both.wave == both.of_wave
    belongs = ibis.ifelse(
        both.wave.isnull() | both.of_wave.isnull(), in_time.fill_null(False), in_wave.fill_null(False)
    )
    found = both.filter(belongs).group_by("unit").aggregate(answered=_.said.max())
    found = found.select(answered_unit=found.unit, answered=found.answered)
    t = t.left_join(found, t.unit == found.answered_unit)
    return t.mutate(
        began=ibis.ifelse(t.answered_unit.notnull() & ~t.alone, 1, 0),
        answered=ibis.ifelse(t.alone, 0, t.answered.fill_null(0)),
    )


def finish_answer_rate(
    frame: pd.DataFrame, *, by: tuple[str, ...], method: ShareMethod, confidence: float
) -> pd.DataFrame:
    """Add the share, and put the bands in their order."""
    frame = frame.assign(customers=frame["customers"].astype("int64"), answered=frame["answered"].astype("int64"))
    frame = intervals.add_share(frame, "answer_rate", "answered", "customers", confidence, method)
    order = frame["band"].map({name: place for place, name in enumerate(CONTACT_BANDS)})
    frame = frame.assign(order=order.fillna(0), size=-frame["customers"]).sort_values(
        [*by, "order", "size", "band"], kind="stable"
    )
    ends = [f"answer_rate{end}" for end in ("", "_low", "_high")]
    return frame[[*by, "band", "customers", "answered", *ends]].reset_index(drop=True)


@metric(
    title=N_("Share of customers who answered"),
    unit=N_("share of customers"),
    denominator=N_("customers with a touchpoint; whether they were asked is not known, so this is not a response rate"),
    inputs=("touchpoints", "surveys"),
    optional_inputs=("customers",),
    source="Wilson (1927), JASA 22 (interval of a share)",
    groups=("band",),
    finish=finish_answer_rate,
    measures={
        "customers": Measure(N_("Customers"), "count", meaning=N_("customers with a touchpoint")),
        "answered": Measure(N_("Answered"), "count", meaning=N_("of these, customers with a valid score")),
        "answer_rate": Measure(
            N_("Share who answered"), "share", n="customers", interval="wilson", higher_is_better=True,
            meaning=N_("answered, as a share of customers; not a response rate, since nobody knows who was asked"),
        ),
    },
)  # fmt: skip
def answer_rate(
    touchpoints: ibis.Table,
    surveys: ibis.Table,
    customers: ibis.Table | None = None,
    by: tuple[str, ...] = (),
    *,
    band: Annotated[
        Band,
        N_("how customers are told apart: not at all, by number of contacts, by their first or their last touchpoint"),
    ] = "all",
    method: ShareInterval = "wilson",
) -> ibis.Table:
    """How many customers ever answered, whether or not they were asked?

    One row per group of `by` and band: customers (with a touchpoint in the view), answered (of these, with a valid score of any
    kind), answer_rate with its interval. Not a response rate: that needs invitations. `band` tells customers apart by their
    contacts, or by the touchpoint where their journey in the view begins or ends; "all" is one band. With `by`, a customer
    stands in each group in which they have a touchpoint: by touchpoint it is who met it. Answers that name no
    customer do not count.
    """
    t, number = touchpoints, "customer_number"
    people = t.select(number, *by).distinct()
    answering = answerers(surveys.filter(surveys.score_status == "valid"))
    if band == "all":
        people = people.mutate(band=ibis.literal("all"))
    else:
        whole = t.group_by(number).aggregate(contacts=_.count(), first=_.step.min(), last=_.step.max())
        if band == "contacts":
            place = contact_band(whole.contacts)
            named = ibis.cases(*((place == i, name) for i, name in enumerate(CONTACT_BANDS)), else_=CONTACT_BANDS[-1])
            banded = whole.select(of=number, band=named)
        else:
            end = whole.select(of=number, at=whole.first if band == "first_touchpoint" else whole.last)
            ends = t.select(number, "step", "touchpoint").distinct()
            banded = end.join(ends, (end["of"] == ends[number]) & (end["at"] == ends.step))
            banded = banded.select("of", band=banded.touchpoint.cast("string"))
        people = people.join(banded, people[number] == banded["of"]).drop("of")
    answering = answering.select(who=number).distinct()
    both = people.left_join(answering, people[number] == answering.who)
    counted = both.group_by([*by, "band"]).aggregate(customers=_.count(), answered=how_many(both.who.notnull()))
    return nullable(counted).order_by([*by, "band"])
