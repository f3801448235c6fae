"""From journeys to the five files: rows in a fixed order, a few blemishes, and the same bytes every time."""

import csv
import gzip
import io
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import retailer as shop
from journey import Answer, Customer, Journey
from retailer import DAY, HOUR, MINUTE

Campaigns = dict[str, tuple[str, date, date]]  # name: paid channel, first day, day after the last

TOUCHPOINT_COLUMNS = (
    "customer_id",
    "occurred_at",
    "touchpoint",
    "channel",
    "touchpoint_type",
    "stage",
    "phase",
    "case_id",
    "value",
)
SURVEY_COLUMNS = (
    "response_id",
    "customer_id",
    "answered_at",
    "question",
    "survey_type",
    "scale_low",
    "scale_high",
    "higher_is_better",
    "score",
    "comment",
    "touchpoint",
    "stage",
    "channel",
    "language",
    "wave",
)
SPEND_COLUMNS = ("period_start", "period_end", "channel", "campaign", "cost", "currency", "impressions", "clicks")
CHANGE_COLUMNS = ("changed_at", "title", "touchpoint", "channel", "stage", "note")

# Blemishes, so that an import has something to report.
DUPLICATE_ROWS = 40
UNREADABLE_TIMES = (
    "2026-02-30 10:15:00",
    "2026-13-01 12:00:00",
    "2026-04-01 25:61:00",
    "31/31/2026 09:00",
    "soon",
    "pending",
    "not recorded",
)
ROWS_WITHOUT_CUSTOMER = 5
BLANK_SCORES = 180
OUT_OF_SCALE = {"nps": (11, 11, 11, 11, -1), "csat": (6, 0), "ces": (8, 8)}
ANSWERS_WITHOUT_CUSTOMER = 40


def timestamp(moment: int) -> str:
    """As in 2025-10-03 14:05:09, UTC."""
    hours, seconds = divmod(moment % DAY, HOUR)
    day = shop.START + timedelta(days=moment // DAY)
    return f"{day} {hours:02}:{seconds // MINUTE:02}:{seconds % MINUTE:02}"


def touchpoint_rows(journeys: Iterable[Journey]) -> Iterator[list[str]]:
    """All contacts by customer and time; contacts of one instant keep the order in which they happened."""
    for journey in journeys:
        for touch in sorted(journey.touches, key=lambda touch: touch.moment):
            kind, stage, phase = shop.TOUCHPOINTS[touch.touchpoint]
            if touch.touchpoint == "Purchase" and touch.channel == "store":
                kind = "physical"
            yield [
                journey.customer.customer_id,
                timestamp(touch.moment),
                touch.touchpoint,
                touch.channel,
                kind,
                stage,
                phase,
                touch.case_id,
                touch.value,
            ]


def blemish_touchpoints(rows: list[list[str]], chance: random.Random) -> list[list[str]]:
    """Add exact duplicates and unusable copies, each right after the row it was made from."""
    chosen = chance.sample(range(len(rows)), DUPLICATE_ROWS + len(UNREADABLE_TIMES) + ROWS_WITHOUT_CUSTOMER)
    copies = [list(rows[index]) for index in chosen]
    for copy, text in zip(copies[DUPLICATE_ROWS:], UNREADABLE_TIMES, strict=False):
        copy[1] = text
    for copy in copies[-ROWS_WITHOUT_CUSTOMER:]:
        copy[0] = ""
    added = dict(zip(chosen, copies, strict=True))
    return [row for index, original in enumerate(rows) for row in (original, added.get(index)) if row]


def survey_rows(answers: Iterable[Answer], chance: random.Random) -> list[list[str]]:
    """All answers by time, some of them blank, out of scale or without customer id."""
    rows = []
    ordered = sorted(answers, key=lambda answer: (answer.moment, answer.customer.customer_id))
    for number, given in enumerate(ordered, start=1):
        question, low, high = shop.QUESTION[given.survey_type]
        day = shop.START + timedelta(days=given.moment // DAY)
        stage = shop.TOUCHPOINTS[given.touchpoint][1] if given.touchpoint else ""
        rows.append(
            [
                f"R{number:05}",
                given.customer.customer_id,
                timestamp(given.moment),
                question,
                given.survey_type,
                str(low),
                str(high),
                "true",
                str(given.score),
                given.comment,
                given.touchpoint,
                stage,
                given.channel,
                given.customer.language,
                f"{day.year}-Q{(day.month + 2) // 3}",
            ]
        )
    blemish_surveys(rows, chance)
    return rows


def blemish_surveys(rows: list[list[str]], chance: random.Random) -> None:
    """Blank some scores and customer ids and put a few scores out of scale, in different rows."""
    chance_order = chance.sample(range(len(rows)), len(rows))
    customer_id, survey_type, score = 1, 4, 8
    for index in chance_order[:BLANK_SCORES]:
        rows[index][score] = ""
    rest = chance_order[BLANK_SCORES:]
    for index in rest[:ANSWERS_WITHOUT_CUSTOMER]:
        rows[index][customer_id] = ""
    rest = rest[ANSWERS_WITHOUT_CUSTOMER:]
    for kind, wrong_scores in OUT_OF_SCALE.items():
        of_kind = [index for index in rest if rows[index][survey_type] == kind]
        for index, wrong in zip(of_kind, wrong_scores, strict=False):
            rows[index][score] = str(wrong)


def spend_rows(journeys: Sequence[Journey], campaigns: Campaigns, chance: random.Random) -> list[list[str]]:
    """What each paid channel cost in each week (Monday to Sunday, cut at both ends of the year)."""
    contacts: Counter[tuple[int, str]] = Counter()
    voucher_sales: defaultdict[int, float] = defaultdict(float)
    for journey in journeys:
        by_voucher = {touch.case_id for touch in journey.touches if touch.channel == "partner"}
        for touch in journey.touches:
            contacts[week_of(touch.moment), touch.channel] += 1
            if touch.value and touch.case_id in by_voucher:
                voucher_sales[week_of(touch.moment)] += float(touch.value)
    rows = []
    for week in range(week_of(shop.YEAR_SECONDS - 1) + 1):
        start, end = week_bounds(week)
        for channel, (shares, price, impressions) in shop.PAID_CHANNELS.items():
            for campaign, share in shares_in_week(channel, shares, campaigns, start, end).items():
                clicks = round(contacts[week, channel] * share)
                cost = clicks * price * chance.uniform(0.92, 1.08)
                seen = str(round(clicks * impressions * chance.uniform(0.9, 1.1))) if impressions else ""
                rows.append([str(start), str(end), channel, campaign, f"{cost:.2f}", "EUR", seen, str(clicks)])
        commission, clicks = voucher_sales[week] * shop.VOUCHER_COMMISSION, contacts[week, "partner"]
        rows.append([str(start), str(end), "partner", "Voucher sites", f"{commission:.2f}", "EUR", "", str(clicks)])
    return rows


def week_of(moment: int) -> int:
    """0 is the week of the first day, from its Monday."""
    return (moment // DAY + shop.START.weekday()) // 7


def week_bounds(week: int) -> tuple[date, date]:
    """First day and the day after the last."""
    monday = shop.START + timedelta(days=7 * week - shop.START.weekday())
    return max(monday, shop.START), min(monday + timedelta(days=7), shop.START + timedelta(days=shop.DAYS))


def shares_in_week(
    channel: str, shares: dict[str, float], campaigns: Campaigns, start: date, end: date
) -> dict[str, float]:
    """The campaigns of this channel and week; a dated campaign takes half of what runs always."""
    for campaign, (paid_channel, first, after_last) in campaigns.items():
        if channel == paid_channel and start < after_last and end > first:
            return {**{name: share / 2 for name, share in shares.items()}, campaign: 0.5}
    return shares


def write_files(
    folder: Path,
    journeys: Sequence[Journey],
    changes: Iterable[Sequence[str]],
    campaigns: Campaigns,
    chance: random.Random,
) -> None:
    """Write the five files into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    contacts = blemish_touchpoints(list(touchpoint_rows(journeys)), chance)
    answers = survey_rows([answer for journey in journeys for answer in journey.answers], chance)
    (folder / "touchpoints.csv.gz").write_bytes(zipped(as_csv(TOUCHPOINT_COLUMNS, contacts)))
    (folder / "surveys.csv").write_bytes(as_csv(SURVEY_COLUMNS, answers))
    (folder / "customers.csv").write_bytes(as_csv(Customer._fields, [journey.customer for journey in journeys]))
    (folder / "spend.csv").write_bytes(as_csv(SPEND_COLUMNS, spend_rows(journeys, campaigns, chance)))
    (folder / "changes.csv").write_bytes(as_csv(CHANGE_COLUMNS, changes))


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """UTF-8 without mark, comma, one line feed a row, quotes where needed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def zipped(content: bytes) -> bytes:
    """Gzip without file name and time, so that equal content gives equal bytes."""
    target = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=target, mtime=0) as file:
        file.write(content)
    return target.getvalue()
