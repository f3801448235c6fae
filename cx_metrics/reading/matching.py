"""One header, one column of ours: how well its name and its values fit, and who gets it where two would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cx_metrics.reading.aliases import ALIASES, LABELS, plain, words
from cx_metrics.reading.durations import read_durations
from cx_metrics.reading.mapping import COUNTED, mappable
from cx_metrics.reading.report import shorten
from cx_metrics.reading.sample import ALMOST_ALL, Sample, Values
from cx_metrics.reading.scale import word_scale
from cx_metrics.reading.typed import DURATIONS, NO, YES
from cx_metrics.reading.words import invitation_status
from cx_metrics.tables import PHASES, SURVEY_TYPES, TOUCHPOINT_TYPES
from cx_metrics.texts import N_, Text

TIMES = frozenset({"occurred_at", "answered_at", "sent_at", "period_start", "period_end", "changed_at"})
NUMBERS = frozenset(
    {
        "value",
        "cost",
        "duration_seconds",
        "weight",
        "impressions",
        "clicks",
        "score",
        "scale_low",
        "scale_high",
        "stands_for",
        *COUNTED,
    }  # fmt: skip
)
CHOICES: Mapping[str, tuple[str, ...]] = {
    "touchpoint_type": TOUCHPOINT_TYPES,
    "phase": PHASES,
    "survey_type": SURVEY_TYPES,
    "higher_is_better": (*YES, *NO),
}
# Columns that a header may name with a word more ("delivery date"); for the others a longer header means something else.
PARTLY = TIMES | {"value", "cost", "score", "comment", "channel"}
# Names of an order number that are believed even where the file has times.
SURE_ORDER = frozenset(
    {"sequence", "sequencenumber", "seq", "seqno", "eventsequence", "eventindex", "eventnumber", "hitnumber"}
)
KNOWN_NAME = 0.7  # confidence in a header that is a known name as a whole
HALF = 0.5  # of the values must fit what a header says

KEPT = Text(N_("no known name; kept as it is"))


@dataclass(frozen=True)
class ColumnMatch:
    """One column of the file: which of ours it is (None = kept as an attribute), how sure that is, and why.

    `use` says what else becomes of a column that is none of ours: `spread` (its cells are records), `left` (it is not kept).
    """

    column: str
    field: str | None
    confidence: float
    reason: Text
    use: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "reason": self.reason.to_dict()}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> ColumnMatch:
        return cls(**{**kept, "reason": Text.from_dict(kept["reason"])})


def match_columns(sample: Sample, table: str) -> dict[str, ColumnMatch]:
    """Each header with the column of ours it fits best; a column of ours is given once, to the best header."""
    offers = [
        offer
        for header, values in sample.columns.items()
        for name in mappable(table)
        if (offer := _offer(header, values, table, name))
    ]
    found: dict[str, ColumnMatch] = {}
    given: dict[str, str] = {}
    refused: dict[str, ColumnMatch] = {}
    for offer in sorted(offers, key=lambda o: -o.confidence):
        name = offer.field
        if name is None:
            refused.setdefault(offer.column, offer)
        elif offer.column not in found and name not in given:
            found[offer.column] = offer
            given[name] = offer.column
        elif offer.column not in found:
            better = {"label": Text(LABELS[name]), "better": shorten(given[name])}
            reason = Text(N_('it may be {label} too, but "{better}" fits better; kept as it is'), better)
            refused.setdefault(offer.column, ColumnMatch(offer.column, None, 0.0, reason))
    _add_by_values(sample, table, found, given)
    _stand_in(sample, table, found, given)
    return {name: found.get(name) or refused.get(name) or ColumnMatch(name, None, 0.0, KEPT) for name in sample.columns}


def _offer(header: str, values: Values, table: str, name: str) -> ColumnMatch | None:
    """How well a header and its values fit one column of ours; without a field where the values speak against it."""
    confidence, by_header = name_fit(header, table, name)
    if by_header is None:
        return None
    share, by_values = _value_fit(values, name, confidence >= KNOWN_NAME)
    sure_time = name in TIMES and confidence >= KNOWN_NAME  # of such a column every date counts; the rest is set aside
    if share == 0 or (share < HALF and not sure_time):
        reason = Text(
            N_("{by_header}, but {by_values}; kept as it is"), {"by_header": by_header, "by_values": by_values or ""}
        )
        return ColumnMatch(header, None, confidence, reason)
    both = {"by_header": by_header, "by_values": by_values}
    reason = Text(N_("{by_header}, and {by_values}"), both) if by_values else by_header
    return ColumnMatch(header, name, round(confidence * (0.5 + share / 2), 3), reason)


def name_fit(header: str, table: str, name: str) -> tuple[float, Text | None]:
    known = _known_names(table, name)
    place = known.get(plain(header))
    label = {"label": Text(LABELS[name])}
    if place is not None:
        return max(0.95 - 0.003 * place, KNOWN_NAME), Text(N_("the header is a known name for {label}"), label)
    if name in PARTLY:
        parts = words(header)
        longest = max(map(len, known))  # in letters, so no more words
        for length in range(min(len(parts) - 1, longest), 0, -1):
            for part in ("".join(parts[-length:]), "".join(parts[:length])):
                if len(part) > 3 and part in known:
                    return max(0.65 - 0.003 * known[part], 0.5), Text(
                        N_("the header holds a known name for {label}"), label
                    )
    return 0.0, None


@cache
def _known_names(table: str, name: str) -> dict[str, int]:
    """Known headers of a column of ours → their place in the list, the best first."""
    known: dict[str, int] = {}
    for place, alias in enumerate((name, *ALIASES[table][name])):
        known.setdefault(plain(alias), place)
    return known


def _value_fit(values: Values, name: str, sure: bool) -> tuple[float, Text | None]:
    """Share of the values that fit a column of ours, and what that says."""
    if not values.present:
        return 0.6, Text(N_("it is blank in the sample"))
    if name in TIMES:
        time = values.sure_time if sure else values.time
        return time.share, time.reason
    if name in CHOICES:
        allowed = {"allowed": ", ".join(CHOICES[name]), "fitting_share": values.share_in(CHOICES[name])}
        return values.share_in(CHOICES[name]), Text(N_("{fitting_share} of its values are one of {allowed}"), allowed)
    if name == "sequence":
        good = values.number_share >= ALMOST_ALL and values.whole
        return float(good), Text(
            N_("its values are whole numbers") if good else N_("its values are not all whole numbers")
        )
    if name == "score" and values.number_share < HALF and word_scale("", values.distinct_texts):
        return 1.0, Text(N_("its values are the words of a known scale"))
    if name == "status":
        known = sum(invitation_status(text) is not None for text in values.texts.drop_null().to_pylist())
        share = known / values.present
        return share, Text(N_("{status_share} of its values say how far an invitation came"), {"status_share": share})
    if name in DURATIONS:
        share = 1 - float(read_durations(values.texts).unreadable.sum()) / values.present
        return share, Text(N_("{duration_share} of its values are durations"), {"duration_share": share})
    if name in NUMBERS:
        number = {"number_share": values.number_share}
        return values.number_share, Text(N_("{number_share} of its values are numbers"), number)
    if name == "comment":
        words_share = {"words_share": 1 - values.number_share}
        return 1 - values.number_share, Text(N_("{words_share} of its values are words"), words_share)
    if name in ("response_id", "invitation_id", "customer_id") and values.near_unique:
        return 1.0, Text(N_("nearly every row has a value of its own"))
    return 1.0, None


def _add_by_values(sample: Sample, table: str, found: dict[str, ColumnMatch], given: dict[str, str]) -> None:
    """A time that no header names is known by its values, where they are calendar dates."""
    name = {
        "touchpoints": "occurred_at",
        "surveys": "answered_at",
        "invitations": "sent_at",
        "changes": "changed_at",
        "spend": "period_start",
    }.get(table)
    if name is None or name in given:
        return
    for header, values in sample.columns.items():
        if header not in found and values.present and values.calendar_time.share >= ALMOST_ALL:
            found[header] = ColumnMatch(header, name, 0.5, values.calendar_time.reason)
            given[name] = header
            return


def _stand_in(sample: Sample, table: str, found: dict[str, ColumnMatch], given: dict[str, str]) -> None:
    """A log without customers: each case, or else each visit, stands for one. An order number gives way to times."""
    if table != "touchpoints":
        return
    if "customer_id" not in given:
        for name in ("case_id", "session_id"):
            if name in given and not sample.columns[given[name]].near_unique:
                header = given.pop(name)
                label = {"label": Text(LABELS[name])}
                reason = Text(N_("the file names no customer: {label} stands for one"), label)
                found[header] = ColumnMatch(header, "customer_id", 0.6, reason)
                given["customer_id"] = header
                break
    order = given.get("sequence")
    if order and "occurred_at" in given and plain(order) not in SURE_ORDER:
        reason = Text(N_("it may be an order number, but the file has times; kept as it is"))
        found[order] = ColumnMatch(order, None, 0.0, reason)
        del given["sequence"]
