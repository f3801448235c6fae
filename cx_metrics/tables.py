"""The typed tables: what one row means, which columns there are, what they may hold.

These names are the vocabulary that reading, metrics, pages, links and the command line share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from cx_metrics.texts import N_

STAGES = ("awareness", "consideration", "decision", "action", "loyalty")
PHASES = ("before", "during", "after")
TOUCHPOINT_TYPES = ("physical", "digital", "human")
SURVEY_TYPES = ("nps", "csat", "ces", "rating", "choice", "text")
SCORE_STATUSES = ("valid", "missing", "invalid")
INVITATION_STATUSES = ("sent", "bounced", "opted_out", "started", "completed")  # the later, the further it came

TableName = Literal["touchpoints", "surveys", "invitations", "customers", "spend", "changes"]
UTC_TIME = pa.timestamp("us")


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type, whether a value may be missing, what it means."""

    name: str
    type: pa.DataType
    meaning: str
    required: bool = False
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table: what a row is, and its columns. Columns of a file that are not listed are kept as text attributes."""

    name: TableName
    row: str
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the listed columns, without attributes."""
        return pa.schema([pa.field(c.name, c.type, nullable=not c.required) for c in self.columns])


TOUCHPOINTS = Table(
    "touchpoints",
    N_("one contact of one customer at one time"),
    (
        Column("customer_id", pa.string(), N_("who"), required=True),
        Column("occurred_at", UTC_TIME, N_("when, in UTC; empty only in files that have just an order")),
        Column("sequence", pa.int64(), N_("order of arrival in the file"), required=True),
        Column("touchpoint", pa.string(), N_("what kind of contact, after mapping"), required=True),
        Column("raw_touchpoint", pa.string(), N_("what kind of contact, as the file says it"), required=True),
        Column("channel", pa.string(), N_("where it happened: email, web, store, call")),
        Column("touchpoint_type", pa.string(), N_("physical, digital or human"), allowed=TOUCHPOINT_TYPES),
        Column("phase", pa.string(), N_("before, during or after the purchase"), allowed=PHASES),
        Column("stage", pa.string(), N_("where in the journey it belongs")),
        Column("session_id", pa.string(), N_("the visit it is part of")),
        Column("case_id", pa.string(), N_("the order or ticket it is about")),
        Column("value", pa.float64(), N_("money that came in with it")),
        Column("cost", pa.float64(), N_("money it cost")),
        Column("currency", pa.string(), N_("currency of value and cost")),
        Column("duration_seconds", pa.float64(), N_("how long it lasted, in seconds")),
    ),
)
SURVEYS = Table(
    "surveys",
    N_("one answer to one question"),
    (
        Column("response_id", pa.string(), N_("which answer"), required=True),
        Column("customer_id", pa.string(), N_("who")),
        Column("answered_at", UTC_TIME, N_("when, in UTC")),
        Column("question", pa.string(), N_("what was asked"), required=True),
        Column("survey_type", pa.string(), N_("nps, csat, ces, rating, choice or text"), True, SURVEY_TYPES),
        Column("scale_low", pa.float64(), N_("lowest answer of the scale")),
        Column("scale_high", pa.float64(), N_("highest answer of the scale")),
        Column("higher_is_better", pa.bool_(), N_("whether a high answer is a good one"), required=True),
        Column("score", pa.float64(), N_("the number in the answer")),
        Column("score_status", pa.string(), N_("valid, missing or invalid"), True, SCORE_STATUSES),
        Column("comment", pa.string(), N_("the words in the answer")),
        Column("touchpoint", pa.string(), N_("what the answer is about")),
        Column("stage", pa.string(), N_("the stage the answer is about")),
        Column("channel", pa.string(), N_("the channel the answer is about")),
        Column("language", pa.string(), N_("language of the comment")),
        Column("wave", pa.string(), N_("the survey round")),
        Column("source", pa.string(), N_("the file or tool it came from")),
        Column("weight", pa.float64(), N_("how much the answer counts; 1 if not given"), required=True),
    ),
)
INVITATIONS = Table(
    "invitations",
    N_("one invitation to a survey, or as many as a file counts together"),
    (
        Column("invitation_id", pa.string(), N_("which invitation")),
        Column("customer_id", pa.string(), N_("who was invited")),
        Column("sent_at", UTC_TIME, N_("when it was sent, in UTC")),
        Column("wave", pa.string(), N_("the survey round")),
        Column("status", pa.string(), N_("how far it came, at most"), True, INVITATION_STATUSES),
        Column("channel", pa.string(), N_("the channel it was sent by")),
        Column("touchpoint", pa.string(), N_("what it asks about")),
        Column("stands_for", pa.int64(), N_("how many invitations the row stands for"), required=True),
    ),
)  # fmt: skip
CUSTOMERS = Table(
    "customers",
    N_("one customer"),
    (
        Column("customer_id", pa.string(), N_("who"), required=True),
        Column("persona", pa.string(), N_("the persona the customer belongs to")),
        Column("segment", pa.string(), N_("the segment the customer belongs to")),
        Column("region", pa.string(), N_("where the customer lives")),
    ),
)
SPEND = Table(
    "spend",
    N_("one channel in one period"),
    (
        Column("period_start", pa.date32(), N_("first day of the period"), required=True),
        Column("period_end", pa.date32(), N_("day after the last day of the period"), required=True),
        Column("channel", pa.string(), N_("the channel that was paid for"), required=True),
        Column("campaign", pa.string(), N_("the campaign")),
        Column("cost", pa.float64(), N_("money spent"), required=True),
        Column("currency", pa.string(), N_("currency of the cost")),
        Column("impressions", pa.float64(), N_("how often it was shown")),
        Column("clicks", pa.float64(), N_("how often it was clicked")),
    ),
)
CHANGES = Table(
    "changes",
    N_("one dated change"),
    (
        Column("changed_at", UTC_TIME, N_("when, in UTC"), required=True),
        Column("title", pa.string(), N_("what changed"), required=True),
        Column("touchpoint", pa.string(), N_("the touchpoint it was about")),
        Column("channel", pa.string(), N_("the channel it was about")),
        Column("stage", pa.string(), N_("the stage it was about")),
        Column("note", pa.string(), N_("remarks")),
    ),
)

TABLE_NAMES = {  # what a table holds, in a word
    "touchpoints": N_("touchpoints"),
    "surveys": N_("survey answers"),
    "invitations": N_("invitations"),
    "customers": N_("customers"),
    "spend": N_("spend"),
    "changes": N_("changes"),
}
TABLES: dict[str, Table] = {t.name: t for t in (TOUCHPOINTS, SURVEYS, INVITATIONS, CUSTOMERS, SPEND, CHANGES)}

# Columns that the engine adds to touchpoints when a dataset is prepared. All follow the order (occurred_at, sequence).
PREPARED = {
    "occurred_microseconds": "int64",  # microseconds since 1970, exact: elapsed windows are compared on it
    "customer_number": "int64",  # the customer, from 1: counts and joins faster than a text
    "touchpoint_number": "int64",  # its name, numbered from 1 in the order of names: a path of numbers sorts as one of names
    "step": "int64",  # 1 for the first touchpoint of the customer
    "next_touchpoint": "string",
    "visit": "int64",  # 1 where the customer is at this touchpoint for the first time, 2 for the second …
    "pair_visit": "int64",  # the same for the touchpoint and the next one together; 1 for the last of a journey
    "seconds_to_next": "float64",
    "run": "int64",  # number of the run of equal neighbours that the touchpoint stands in, from 1
    "run_ends": "int64",  # 1 for the last touchpoint of its run, else 0
    "run_seconds": "float64",  # from the last touchpoint of this run to the last of the next; on the last of a run
    "previous_microseconds": "int64",  # when the touchpoint before was
    "session_number": "int64",  # 1 for the first session of the customer
    "journey_start": "timestamp",  # first touchpoint of the customer
    "stage_rank": "int64",  # position of the stage in the dataset's ordered list, from 1
    "day": "date",  # calendar day in the dataset's time zone; week starts on Monday
    "week": "date",
    "month": "date",
}
# Columns that the engine adds to survey answers when both tables are there: the journey of who answered, at the answer. Null where
# customer or time is not known, or no touchpoint lies at or before the answer. A touchpoint of the same instant lies before it.
PREPARED_ANSWERS = {
    "last_touchpoint": "string",  # the last one at or before the answer, and what is known of it
    "last_stage": "string",
    "last_channel": "string",
    "last_touchpoint_type": "string",
    "seconds_since_last": "float64",
    "contacts_before": "int64",  # touchpoints at or before the answer
    "repeats_before": "int64",  # of those, at a touchpoint where the customer had been
    "channel_switches_before": "int64",  # neighbours of those on different channels, both known
    "longest_wait_seconds": "float64",  # longest time between two neighbours of those; null for a single one
    "journey_seconds_before": "float64",  # from the first touchpoint to the answer
    "contacts_after": "int64",  # touchpoints after the answer
}
# Columns that the engine adds to all survey answers: numbers group and join faster than texts.
NUMBERED_ANSWERS = {
    "customer_number": "int64",  # who gave it, as in touchpoints; null where it names nobody
    "response_number": "int64",  # the response, from 1 in the order of their ids
    "nth_answer": "int64",  # its place by time, those without one first; of one time by response, question and score, backwards
}
# Columns that are read from the words of answers when files come in; null for an answer without words.
HEARD = {
    "comment_language": "string",  # en, ar, fa, ru; what the file says counts
    "sentiment": "string",  # negative, neutral or positive
    "sentiment_score": "float64",  # from −1 to 1
    "theme": "string",  # what it is about; null for none, and for one that people hid
    "theme_nearness": "float64",  # to the centre of the theme, 0..1: the nearest comments are its typical ones
    "comment_words": "string",  # as search looks for them
}
# Names that the engine uses on the way, beside the columns of a file: a file's own column of such a name gets another one.
RESERVED = ("arrival", "rowid", "local_time", "journey_id", "is_goal", "in_range", "path", "repeats", "level",
            "answer_number", "response_number", "nth_answer", "waiting")  # fmt: skip
# Tables that the engine keeps beside the typed ones: what pages ask most, added up in advance.
PREPARED_TABLES = {
    "names": "one touchpoint: its number and its name",
    "journeys": "one customer with touchpoints: their journey's start, length, and the numbers of its paths",
    "met": "one customer with touchpoints: how many different ones, the last stage, and one bit for each name and channel met",
    "channels": "one channel: its number and its name",
    "tallies": "one way to answer, for one group of answers and customers: how many answers",
    "channel_tallies": "one way to answer, for one group of answers and all the channels that their customers met: how many",
    "touchpoint_tallies": "one way to answer, for one group of answers and all the touchpoints that their customers met: how many",
    "paths": "one whole path, as it is with repeats merged or kept",
    "moves": "one move at one step of journeys, for one group of customers",
    "pairs": "one touchpoint that follows another, for one group of customers",
    "visits": "one touchpoint, for one group of customers: their journeys there, and those that come back",
}
EMBEDDED_TABLES = (
    "met",
    "channels",
    "tallies",
    "channel_tallies",
    "touchpoint_tallies",
)  # of the embedded engine alone: others have the same answers without them
CALENDAR = ("day", "week", "month", "quarter")
CUSTOMER_COLUMNS = ("persona", "segment", "region")
