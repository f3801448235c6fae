"""Is a row of this file several records? Questions, times, months or channels in columns of their own."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cx_metrics.reading.aliases import words
from cx_metrics.reading.dictionary import look_up
from cx_metrics.reading.matching import KNOWN_NAME, ColumnMatch, name_fit
from cx_metrics.reading.periods import period_of
from cx_metrics.reading.report import quoted
from cx_metrics.reading.sample import ALMOST_ALL, Sample, Values
from cx_metrics.reading.scale import answer_codes, guess_scale, says, word_scale
from cx_metrics.reading.shapes import Kind, Spread, SpreadColumn
from cx_metrics.reading.words import advertiser, fold, means_no_answer, not_chosen, of_headers
from cx_metrics.texts import N_, NP_, Text

FEW_ANSWERS = 12  # different numbers on a scale, codes for no answer aside
MOST_CHOICES = 30  # different texts of a choice; more are free text
LONG_CHOICE = 60  # letters
RARE = 0.002  # share of the answers up to which a number is a slip
FAMILY = 3  # columns of short names on one scale that speak for each other
LEAST_TIMES = 3
LEAST_CHOICES = 3  # questions in a file in which none has an answer on a scale
LEAST_PERIODS = 3
_QUESTION_MARK = re.compile(r"[?؟]|\[.+\]\s*$")
_NUMBERED = re.compile(
    r"^(?:q|question|frage|вопрос|в|سؤال|سوال|پرسش|س)[\W_]*\d+(?:[_.]\d+)?(?:$|\W+\w+\W+\w+)", re.IGNORECASE
)
_STEM = re.compile(r"^[^\W\d_]+\d*")
_WHOLE = tuple(frozenset(map(float, range(low, high + 1))) for low, high in ((1, 5), (1, 7), (0, 10), (1, 10)))
_CODES = frozenset({-99.0, -9.0, -1.0, 0.0, 6.0, 8.0, 9.0, 11.0, 88.0, 98.0, 99.0, 999.0})
_PARTS = re.compile(r"^(?P<question>.+?)\s*(?:\[(?P<bracket>[^\[\]]+)\]|\s[-–—|:]\s(?P<rest>.+))\s*$", re.DOTALL)


@dataclass(frozen=True)
class Wide:
    """A file told to be wide: how it is spread, how sure that is, and why. `sure`: it is read so unless somebody objects.
    `doubtful`: columns that may as well be codes of a list (an age, an income) and are spread only if somebody says so."""

    table: str
    spread: Spread
    sure: bool
    confidence: float
    reason: Text
    doubtful: tuple[SpreadColumn, ...] = ()


def find_wide(sample: Sample, fits: Mapping[str, Mapping[str, ColumnMatch]]) -> Wide | None:
    """The way in which this file is wide, or None."""
    fields = {table: {m.field: m for m in found.values() if m.field} for table, found in fits.items()}
    return (
        _wide_times(sample, fields) or _wide_costs(sample, fields["spend"]) or _wide_answers(sample, fields["surveys"])
    )


def question_columns(sample: Sample, headers: Iterable[str], parted_by: Sequence[str] = ()) -> tuple[SpreadColumn, ...]:
    """What each of these columns, all of them questions, holds: scores, choices, boxes that were ticked, or words."""
    found = [_question(header, sample.columns[header], parted_by) for header in headers]
    return tuple(column for column in found if column)


def _question(header: str, values: Values, parted_by: Sequence[str] = ()) -> SpreadColumn | None:
    if not values.present:
        return SpreadColumn(header, role="text")
    if values.calendar_time.share >= ALMOST_ALL:
        return None
    said = values.texts.drop_null().unique().to_pylist()
    numbers = [text for text in said if not means_no_answer(text)]
    if numbers and values.number_share >= 1 - _no_answer_share(values) - 0.05 and len(values.numbers):
        return _numeric(header, values)
    kind = word_scale(header, numbers)
    if kind:
        none = tuple(text for text in said if means_no_answer(text))
        return SpreadColumn(header, kind=replace(kind, no_answer=none or None))
    chosen = {fold(text) for text in said} - set(not_chosen())
    if len(chosen) == 1 and (values.filled_share < 1 or len(said) > 1):
        return _option(header, next(text for text in said if fold(text) in chosen))
    few = values.distinct <= MOST_CHOICES and values.distinct <= max(values.present / 2, 2)
    parting = next((sign for sign in parted_by if _are_lists(said, sign)), "")
    if parting or (few and max(map(len, said)) <= LONG_CHOICE):
        return SpreadColumn(header, role="choice", parted_by=parting)
    return SpreadColumn(header, role="text")


def _are_lists(said: Sequence[str], sign: str) -> bool:
    """Whether texts are lists of choices: their parts are few, short, and stand in several texts."""
    lists = [text.split(sign) for text in said]
    parts = Counter(part.strip() for parts in lists for part in parts)
    several = [parts for parts in lists if len(parts) > 1]
    short = max(map(len, parts)) <= LONG_CHOICE
    return bool(several) and short and len(parts) <= MOST_CHOICES and sum(parts.values()) >= 1.5 * len(parts)


def _no_answer_share(values: Values) -> float:
    counts = values.texts.value_counts().to_pylist()
    none = sum(c["counts"] for c in counts if c["values"] is not None and means_no_answer(c["values"]))
    return none / values.present if values.present else 0.0


def _numeric(header: str, values: Values) -> SpreadColumn | None:
    different = set(values.numbers.tolist())
    if different == {1.0} and (values.filled_share < 1 or _PARTS.match(header)):
        return _option(header, "1")
    if any(number != int(number) for number in different) and not says(header):
        return None
    codes = answer_codes(header, values)
    if len(different - {float(code) for code in codes}) > FEW_ANSWERS and not (
        min(different) >= 0 and max(different) <= 100
    ):
        return None  # a measure, no answer on a scale
    guess = guess_scale(header, values, without=codes)
    none = (*codes, *(t for t in values.texts.drop_null().unique().to_pylist() if means_no_answer(t)))
    kind = Kind(guess.survey_type, guess.low, guess.high, guess.higher_is_better, tuple(dict.fromkeys(none)) or None)
    return SpreadColumn(header, kind=kind)


def _option(header: str, said: str) -> SpreadColumn:
    """One box of a list: its question and what it stands for, as the header says them, or else the cell."""
    parts = _PARTS.match(header)
    if parts:
        return SpreadColumn(header, parts["question"].strip(), role="option", option=parts["bracket"] or parts["rest"])
    named = fold(said) in ("1", "yes", "y", "true", "x", "да", "نعم", "بله", "✓", "checked", "selected")
    return SpreadColumn(header, role="option", option=header if named else said)


def _wide_answers(sample: Sample, fields: Mapping[str, ColumnMatch]) -> Wide | None:
    """Two questions or more with scores, each in its column."""
    taken = {
        m.column for name, m in fields.items() if name not in ("score", "comment", "question", "survey_type", "source")
    }
    scores, others, texts = {}, [], []
    for header, values in sample.columns.items():
        if header in taken or _describes(header) or not values.present:
            continue
        column = _question(header, values)
        if column is None:
            continue
        if column.role == "score" and column.kind and (column.kind.survey_type != "choice" or _asks(header)):
            scores[header] = column
        elif column.role in ("choice", "option") and _QUESTION_MARK.search(header):
            others.append(column)
        elif column.role == "text" and (_asks(header) or _names_comment(header)):
            texts.append(column)
    numbered = {header for header in scores if _NUMBERED.match(header) and _whole(sample.columns[header])}
    asked = numbered | {h for h in scores if _asks(h) or says(h) or _names_score(h)} | _family(scores, sample)
    if len(asked) < 2 and len(asked) + len(others) < LEAST_CHOICES:
        return None
    doubtful = _doubtful(scores, asked, sample)
    asked = (asked - doubtful) | {column.column for column in others}
    kept = {column.column: column for column in (*scores.values(), *others, *texts)}
    said = {column.column for column in texts}
    columns = tuple(kept[header] for header in sample.columns if header in kept and header in asked | said)
    clear = [header for header in asked if _asks(header)]
    score = fields.get("score")
    one = score is not None and score.confidence >= KNOWN_NAME and not _QUESTION_MARK.search(score.column)
    sure = not one and len(clear) >= 2
    names = quoted([c.column for c in columns if c.column in asked][:3])
    one_text, many = NP_(
        "{count} column is a question of its own: {names}",
        "{count} columns are questions of their own: {names}",
    )
    reason = Text(one_text, {"count": len(asked), "names": names}, many, len(asked))
    unclear = tuple(scores[header] for header in sample.columns if header in doubtful)
    return Wide("surveys", Spread("answers", columns), sure, 0.8 if sure else 0.5, reason, unclear)


def _doubtful(scores: Mapping[str, SpreadColumn], asked: set[str], sample: Sample) -> set[str]:
    """Columns beside a block of ratings, named by a code or in passing, whose answers are spread as codes of a list are, or lie on
    another scale than those of the block: ages and incomes stand beside ratings, in numbers too."""
    block = _family(scores, sample)
    ends = {_ends(scores[header]) for header in block}
    if len(block) < FAMILY:
        return set()
    alone = {h for h in asked - block if not (_QUESTION_MARK.search(h) or says(h) or _names_score(h))}
    return {
        h for h in alone if _ends(scores[h]) not in ends or not spread_as_ratings(sample.columns[h], *_ends(scores[h]))
    }


def _ends(column: SpreadColumn) -> tuple[float | None, float | None]:
    return (column.kind.scale_low, column.kind.scale_high) if column.kind else (None, None)


def spread_as_ratings(values: Values, low: float | None, high: float | None) -> bool:
    """Whether the answers from `low` to `high` get more up to the most frequent one and fewer from there on, or are most at both
    ends: so lie nearly all ratings, and hardly any codes of a list. What chance may do to two neighbours counts as level."""
    on_scale = values.numbers[(values.numbers >= (low or 0)) & (values.numbers <= (high or 0))]
    given: list[int] = np.unique(on_scale, return_counts=True)[1].tolist()
    steps = [b > a for a, b in itertools.pairwise(given) if abs(b - a) > 2 * math.sqrt(a + b)]
    return sum(a != b for a, b in itertools.pairwise(steps)) <= 1


def _family(scores: Mapping[str, SpreadColumn], sample: Sample) -> set[str]:
    """Columns with short names that begin alike and whose answers are one whole scale: they are one block of a questionnaire."""

    def block(header: str) -> str | None:
        found = _STEM.match(header)
        return found[0].casefold() if found and _whole(sample.columns[header]) else None

    blocks = {header: block(header) for header in scores}
    sizes = Counter(name for name in blocks.values() if name)
    if sum(size for size in sizes.values() if size > 1) < FAMILY:
        return set()
    return {header for header, name in blocks.items() if name and sizes[name] > 1}


def _whole(values: Values) -> bool:
    """Whether the usual answers are all those of one scale, codes for no answer beside them."""
    numbers, counts = np.unique(values.numbers, return_counts=True)
    usual = frozenset(numbers[counts > max(1, RARE * counts.sum())].tolist())
    given = frozenset(numbers.tolist())
    return any(
        usual - scale <= _CODES
        and _all_given(scale, given, usual)
        and (scale <= given or spread_as_ratings(values, min(scale), max(scale)))
        for scale in _WHOLE
    )


def _all_given(scale: frozenset[float], given: frozenset[float], usual: frozenset[float]) -> bool:
    """Whether these are the answers of a scale: nobody may have chosen one of them, and hardly anybody two, if not the best."""
    rare = scale - usual
    return len(scale - given) <= 1 and (len(rare) <= 1 or (len(rare) == 2 and max(scale) in usual))


def _describes(header: str) -> bool:
    parts = words(header)
    return not _QUESTION_MARK.search(header) and len(parts) <= 4 and bool(of_headers("people") & set(parts))


def _asks(header: str) -> bool:
    """Whether a header reads as a question, not as a name or a code."""
    return bool(_QUESTION_MARK.search(header)) or len(words(header)) >= 5


def _names_score(header: str) -> bool:
    return name_fit(header, "surveys", "score")[0] > 0


def _names_comment(header: str) -> bool:
    return name_fit(header, "surveys", "comment")[0] > 0


def _wide_times(sample: Sample, fields: Mapping[str, Mapping[str, ColumnMatch]]) -> Wide | None:
    """Three times or more about one thing, and no column that says what happened."""
    touchpoints = fields["touchpoints"]
    what = touchpoints.get("touchpoint")
    if (what and what.confidence >= KNOWN_NAME) or "customer_id" not in touchpoints:
        return None
    answers = fields["surveys"].get("score")
    if answers and answers.confidence >= KNOWN_NAME and sample.columns[answers.column].filled_share >= 0.5:
        return None
    times = [
        header
        for header, values in sample.columns.items()
        if values.present
        and values.calendar_time.share >= ALMOST_ALL
        and not of_headers("planned") & set(words(header))
    ]
    if len(times) < LEAST_TIMES:
        return None
    columns = tuple(SpreadColumn(header, name) for header, name in zip(times, event_names(times), strict=True))
    one, many = NP_(
        "{count} column holds times: each is taken as a contact of its own, named after its column",
        "{count} columns hold times: each is taken as a contact of its own, named after its column",
    )
    reason = Text(one, {"count": len(times)}, many, len(times))
    return Wide("touchpoints", Spread("times", columns), True, 0.75, reason)


def event_names(headers: Sequence[str]) -> list[str]:
    """What happened at each of these times: the words of the header without those that say that it is a time, and without words
    that all of them begin with. `order_delivered_customer_date` of an order table is `delivered customer`."""
    parted = [
        [word for word in words(header) if word not in of_headers("time")] or list(words(header)) for header in headers
    ]
    while parted and all(len(parts) > 1 for parts in parted) and len({parts[0] for parts in parted}) == 1:
        parted = [parts[1:] for parts in parted]
    names = [" ".join(parts) for parts in parted]
    return [name if names.count(name) == 1 and name else header for name, header in zip(names, headers, strict=True)]


def _one_channel(sample: Sample, spend: Mapping[str, ColumnMatch]) -> Wide | None:
    """Costs of one channel, which only the names of the columns tell: an export of an advertising tool."""
    if "channel" in spend or "period_start" not in spend:
        return None
    named = {name for header in sample.columns for part in words(header) if (name := advertiser(part))}
    if len(named) != 1:
        return None
    channel = named.pop()
    column = SpreadColumn(spend["cost"].column, channel)
    source = N_("the file names no channel; its columns speak of {channel}, which is taken for all rows")
    return Wide("spend", Spread("costs_by_channel", (column,)), True, 0.6, Text(source, {"channel": channel}))


def _wide_costs(sample: Sample, spend: Mapping[str, ColumnMatch]) -> Wide | None:
    """A column for each month beside a channel, or for each channel beside a date."""
    if "cost" in spend:
        return _one_channel(sample, spend)
    numeric = [h for h, v in sample.columns.items() if v.present and v.number_share >= ALMOST_ALL]
    periods = {header: name for header in numeric if (name := period_of(header))}
    if len(periods) >= LEAST_PERIODS and ("channel" in spend or "campaign" in spend):
        columns = tuple(SpreadColumn(header, name) for header, name in periods.items())
        one, many = NP_(
            "{count} column is a period by its name, and holds numbers",
            "{count} columns are periods by their names, and hold numbers",
        )
        reason = Text(one, {"count": len(columns)}, many, len(columns))
        return Wide("spend", Spread("costs_by_period", columns), True, 0.75, reason)
    channels = [h for h in numeric if (known := look_up(h)) and known.channel or fold(h) in of_headers("channels")]
    if len(channels) >= 2 and "period_start" in spend and "channel" not in spend:
        columns = tuple(SpreadColumn(header) for header in channels)
        one, many = NP_(
            "{count} column is a channel by its name, and holds numbers",
            "{count} columns are channels by their names, and hold numbers",
        )
        reason = Text(one, {"count": len(columns)}, many, len(columns))
        return Wide("spend", Spread("costs_by_channel", columns), True, 0.7, reason)
    return None
