"""The journey of who answered, at the answer: the columns `tables.PREPARED_ANSWERS`. One query, on every engine.

A touchpoint at the same instant as the answer lies before it: tools often write the answer down as a touchpoint too, with the
time of the answer. Touchpoints whose time is not known lie neither before nor after an answer.
"""

from __future__ import annotations

import ibis
from ibis import _

from cx_metrics.tables import PREPARED_ANSWERS


def before_answers(answers: ibis.Table, touchpoints: ibis.Table) -> ibis.Table:
    """What lies before each answer? One row per answer with a touchpoint at or before it: answer_number and the columns of
    `PREPARED_ANSWERS`.

    `answers`: answer_number, customer_number, answered_microseconds, none of them null. `touchpoints`: as prepared.

    Touchpoints and answers are put in one order of time, and running counts of the touchpoints are read off at the answers: one
    sort, however many answers a customer gives. The last touchpoint itself is then found by its step.
    """
    whose = answers.select("customer_number").distinct()
    timed = touchpoints.filter(touchpoints.occurred_microseconds.notnull()).semi_join(whose, "customer_number")
    counted = _counted(answers, _events(timed))
    whole = timed.group_by("customer_number").aggregate(
        first_microseconds=_.occurred_microseconds.min(), touchpoints=_.count()
    )
    last = timed.select(
        "customer_number", "step", last_touchpoint=timed.touchpoint, last_stage=timed.stage, last_channel=timed.channel,
        last_touchpoint_type=timed.touchpoint_type, last_microseconds=timed.occurred_microseconds,
    )  # fmt: skip
    t = counted.join(whole, "customer_number")
    t = t.join(last, [t.customer_number == last.customer_number, t.contacts_before == last.step])
    return t.select(
        "answer_number",
        **{name: t[name] for name in PREPARED_ANSWERS if name in t.columns},
        seconds_since_last=(t.answered_microseconds - t.last_microseconds).cast("float64") / 1e6,
        longest_wait_seconds=t.longest_microseconds.cast("float64") / 1e6,
        journey_seconds_before=(t.answered_microseconds - t.first_microseconds).cast("float64") / 1e6,
        contacts_after=t.touchpoints - t.contacts_before,
    ).select("answer_number", *PREPARED_ANSWERS)


def _events(timed: ibis.Table) -> ibis.Table:
    """Every touchpoint as what it adds to the counts: customer_number, microseconds, step, again (1 where the customer had been at
    this touchpoint), switched (1 where the one before was on another channel), waited_microseconds since the one before."""
    each = ibis.window(group_by="customer_number", order_by="step")
    t = timed.select(
        "customer_number", "step", "visit", "channel", "occurred_microseconds", "previous_microseconds",
        previous_channel=timed.channel.cast("string").lag().over(each).nullif(""),
    )  # fmt: skip
    known = t.channel.notnull() & t.previous_channel.notnull()
    return t.select(
        "customer_number",
        "step",
        microseconds=t.occurred_microseconds,
        again=ibis.ifelse(t.visit > 1, 1, 0).cast("int64"),
        switched=ibis.ifelse(known & (t.channel != t.previous_channel), 1, 0).cast("int64"),
        waited_microseconds=t.occurred_microseconds - t.previous_microseconds,
    )


def _counted(answers: ibis.Table, events: ibis.Table) -> ibis.Table:
    """Running counts of the touchpoints at each answer that has one at or before it: answer_number, customer_number,
    answered_microseconds, contacts_before, repeats_before, channel_switches_before, longest_microseconds."""
    none = ibis.literal(0, "int64")
    asked = answers.select(
        "customer_number", "answer_number", microseconds=answers.answered_microseconds, is_answer=ibis.literal(1, "int64"),
        step=none, again=none, switched=none, waited_microseconds=ibis.null("int64"),
    )  # fmt: skip
    met = events.mutate(answer_number=ibis.null("int64"), is_answer=none).select(*asked.columns)
    both = asked.mutate(answer_number=asked.answer_number.cast("int64")).union(met)
    so_far = ibis.window(
        group_by="customer_number", order_by=["microseconds", "is_answer", "step"], preceding=None, following=0
    )
    both = both.mutate(
        contacts_before=both.step.max().over(so_far),
        repeats_before=both.again.sum().over(so_far),
        channel_switches_before=both.switched.sum().over(so_far),
        longest_microseconds=both.waited_microseconds.max().over(so_far),
    )
    both = both.filter((both.is_answer == 1) & (both.contacts_before > 0))
    return both.select(
        "answer_number", "customer_number", "contacts_before", "repeats_before", "channel_switches_before",
        "longest_microseconds", answered_microseconds=both.microseconds,
    )  # fmt: skip
