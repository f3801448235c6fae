"""Contacts: what do the numbers that touchpoints carry say about each medium: how long, how many clicks or views, what value?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import ibis
import numpy as np
import pandas as pd

from cx_metrics import intervals
from cx_metrics.groups import beside
from cx_metrics.registry import Measure, metric
from cx_metrics.tables import PREPARED, TOUCHPOINTS
from cx_metrics.texts import N_

Per = Literal["channel", "touchpoint", "touchpoint_type", "phase", "stage"]

OWN = ("duration_seconds", "value", "cost")
MONEY = ("value", "cost")
# Words in the name of a column that say: it counts something that happened in the contact.
COUNTING = {
    "click", "clicks", "view", "views", "pageviews", "impression", "impressions", "open", "opens", "scroll",
    "scrolls", "download", "downloads", "play", "plays", "like", "likes", "shares", "replies", "forwards", "swipes",
    "taps", "visits", "hits", "pages", "items", "quantity", "searches", "seconds", "minutes", "نقرات", "مشاهدات",
    "ظهور", "تنزيلات", "کلیک", "کلیک‌ها", "بازدید", "نمایش", "دانلود", "клик", "клики", "кликов", "просмотр",
    "просмотры", "просмотров", "показы", "показов", "открытия", "открытий", "скачивания", "скачиваний",
}  # fmt: skip
# Words that say: it names, dates or relates something, whatever else stands in the name.
NAMING = {"id", "ids", "url", "name", "type", "date", "time", "at", "by", "source", "rate", "ratio", "percent"}
# Plain decimal numbers. What else a column holds is counted and left out: a guess would change a total in silence.
NUMBER = "^[+-]?[0-9]{1,15}([.][0-9]{1,15})?([eE][+-]?[0-9]{1,2})?$"
SUMS = ("known", "total", "customers", "squares", "cross", "knowns", "bad")


def measure_columns(columns: Iterable[str], attributes: Sequence[str] = ()) -> tuple[str, ...]:
    """Which columns of touchpoints hold a measure? Ours first, then the file's own by the words in their names.

    `attributes` belong to the customer and say nothing about a contact.

    >>> measure_columns(["value", "Page views", "click_id", "emailOpens", "colour"])
    ('value', 'Page views', 'emailOpens')
    """
    given = list(columns)
    listed = {*TOUCHPOINTS.names, *PREPARED, *attributes, "journey_id", "is_goal"}
    return (*(c for c in OWN if c in given), *(c for c in given if c not in listed and _counts(c)))


def _counts(name: str) -> bool:
    words = set(re.split(r"[^\w\u200c]+|_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold()))
    return bool(words & COUNTING) and not words & NAMING


def finish_contacts(
    frame: pd.DataFrame, *, by: tuple[str, ...], per: Per, stages: tuple[str, ...], confidence: float
) -> pd.DataFrame:
    """From one row per group with all measures side by side to one row per group and measure."""
    names = [str(c).removeprefix("known ") for c in frame.columns if str(c).startswith("known ")]
    ends = ("", "_low", "_high")
    columns = [
        *by, per, "measure", "contacts", "known", "missing", "not_numbers", "customers", "total", *(f"mean{e}" for e in ends),
        "median", *(f"per_customer{e}" for e in ends), "currency",
    ]  # fmt: skip
    held = [n for n in names if frame[f"known {n}"].sum() + frame[f"bad {n}"].sum() > 0]
    order = {stage: i for i, stage in enumerate(stages)} if per == "stage" else {}
    place = frame[per].map(lambda value: order.get(value, len(order))).mask(frame[per].isna(), len(order) + 1)
    frame = frame.assign(place=place.astype("int64"))
    rows = [_measured(frame, name, confidence).assign(nth=i) for i, name in enumerate(held)]
    if not rows:
        return pd.DataFrame(columns=columns)
    finished = pd.concat(rows).sort_values(
        [*by, "place", "contacts", per, "nth"], ascending=[*[True] * len(by), True, False, True, True]
    )
    return finished[columns]


def _measured(frame: pd.DataFrame, name: str, confidence: float) -> pd.DataFrame:
    """One measure of every group. The customer is the unit of both intervals: contacts of one customer are alike."""
    sums = {s: frame[f"{s} {name}"].astype(float).fillna(0).to_numpy() for s in SUMS}
    known, total, customers = sums["known"], sums["total"], sums["customers"]
    mean, each = intervals.ratio(total, known), intervals.ratio(total, customers)
    # residuals of the ratio total / known over customers; rounding may leave a trace where there is no spread
    spread = sums["squares"] - 2 * mean * sums["cross"] + mean**2 * sums["knowns"]
    spread = np.where(spread > 1e-12 * sums["squares"], spread, 0)
    between = sums["squares"] - each * total
    between = np.where(between > 1e-12 * sums["squares"], between, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(spread / (customers - 1)) * customers / known
        low, high = intervals.mean_t(mean, deviation, customers, confidence)
        each_low, each_high = intervals.mean_t(each, np.sqrt(between / (customers - 1)), customers, confidence)
    numbers = {
        "total": np.where(known > 0, total, np.nan), "mean": mean, "mean_low": low, "mean_high": high,
        "median": frame[f"median {name}"].astype(float).to_numpy(),
        "per_customer": each, "per_customer_low": each_low, "per_customer_high": each_high,
    }  # fmt: skip
    currency: pd.Series | None = None
    if name in MONEY:  # money of several currencies cannot be added up
        one = frame[f"currencies {name}"].fillna(0).to_numpy() <= 1
        currency = frame[f"currency {name}"].where(one, None)
        numbers = {column: np.where(one, values, np.nan) for column, values in numbers.items()}
    counts = {"known": known, "not_numbers": sums["bad"], "customers": customers}
    whole = {column: values.astype("int64") for column, values in counts.items()}
    contacts = frame["contacts"].astype("int64")
    missing = contacts - whole["known"] - whole["not_numbers"]
    return frame.assign(measure=name, contacts=contacts, missing=missing, currency=currency, **whole, **numbers)


@metric(
    title=N_("Measures of contacts"),
    unit=N_("as the column says"),
    denominator=N_("contacts whose measure is known; for what a customer adds up to, customers with such a contact"),
    inputs=("touchpoints",),
    source="Cochran (1977), Sampling Techniques, 6.3 (variance of a ratio), over customers",
    groups=("channel", "touchpoint", "touchpoint_type", "phase", "stage", "measure"),
    finish=finish_contacts,
    measures={
        "contacts": Measure(N_("Contacts"), "count", meaning=N_("touchpoints of the group")),
        "known": Measure(N_("Known"), "count", meaning=N_("contacts whose measure is a number")),
        "missing": Measure(N_("Missing"), "count", meaning=N_("contacts without the measure; nothing is put in their place")),
        "not_numbers": Measure(
            N_("Not a number"), "count", meaning=N_("contacts whose measure is something else than a plain number; left out")
        ),
        "customers": Measure(N_("Customers"), "count", meaning=N_("customers with a known measure")),
        "total": Measure(N_("Total"), "ratio", n="known", meaning=N_("sum over the known contacts")),
        "mean": Measure(N_("Mean"), "ratio", n="known", interval="t by customer", meaning=N_("total / known contacts")),
        "median": Measure(N_("Median"), "ratio", n="known", meaning=N_("middle of the known contacts")),
        "per_customer": Measure(
            N_("Per customer"), "per customer", n="customers", interval="t by customer",
            meaning=N_("total / customers with a known measure"),
        ),
    },
)  # fmt: skip
def contact_measures(
    touchpoints: ibis.Table,
    by: tuple[str, ...] = (),
    attributes: tuple[str, ...] = (),
    *,
    per: Annotated[Per, N_("what the contacts are grouped by")] = "channel",
) -> ibis.Table:
    """How long do contacts last, how many clicks or views do they have, and what do they bring, medium by medium?

    One row per group (the column that `per` names; null = not known) and measure: contacts, known, missing, not_numbers,
    customers, total, mean, median, per_customer, currency. The measures are duration_seconds, value and cost, and columns of
    the file whose name speaks of clicks, views, impressions, opens and the like; one that nothing is known of is left out.

    Contacts without a number count as missing or not_numbers and never as 0. Plain decimal numbers are read ("12",
    "1.5", "2e3"); "1,200" or "twelve" are not numbers. Money of several currencies in one group has no total. The interval
    takes a customer's contacts together; one customer has none. The largest group stands first, stages in their order.
    """
    keys = [*by, per]
    names = measure_columns(touchpoints.columns, (*attributes, *by))
    numbers = {f"number {n}": _number(touchpoints[n]) for n in names}
    others = {f"other {n}": _other(touchpoints[n]) for n in names}
    t = touchpoints.select(*dict.fromkeys([*keys, "customer_number", "currency"]), **numbers, **others)
    own = t.group_by([*keys, "customer_number"]).aggregate(
        contacts=t.count(),
        **{f"known {n}": t[f"number {n}"].count() for n in names},
        **{f"total {n}": t[f"number {n}"].sum() for n in names},
        **{f"bad {n}": t[f"other {n}"].sum() for n in names},
    )
    sums: dict[str, ibis.Value] = {"contacts": own.contacts.sum()}
    for n in names:
        known, total = own[f"known {n}"].cast("float64"), own[f"total {n}"]
        sums |= {
            f"known {n}": own[f"known {n}"].sum(), f"total {n}": total.sum(), f"customers {n}": total.count(),
            f"squares {n}": (total * total).sum(), f"cross {n}": (total * known).sum(), f"knowns {n}": (known * known).sum(),
            f"bad {n}": own[f"bad {n}"].sum(),
        }  # fmt: skip
    middles = {f"median {n}": t[f"number {n}"].median() for n in names}
    for n in MONEY:
        there = t[f"number {n}"].notnull()
        middles |= {f"currencies {n}": t.currency.nunique(where=there), f"currency {n}": t.currency.max(where=there)}
    return beside(own.group_by(keys).aggregate(**sums), t.group_by(keys).aggregate(**middles), keys).order_by(keys)


def _number(column: ibis.Value) -> ibis.Value:
    """The number in a column, null where there is none."""
    if not column.type().is_string():
        return column.cast("float64")
    plain = column.strip()
    return ibis.ifelse(plain.re_search(NUMBER), plain, ibis.null("string")).cast("float64")


def _other(column: ibis.Value) -> ibis.Value:
    """1 where the column holds something that is no number."""
    if not column.type().is_string():
        return ibis.literal(0)
    plain = column.strip()
    return ibis.ifelse(plain.re_search(NUMBER) | (plain == "") | plain.isnull(), 0, 1)
