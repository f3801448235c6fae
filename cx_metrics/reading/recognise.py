"""Their headers → our columns, each with a confidence and a reason that the Data page shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from cx_metrics.errors import MappingProblem
from cx_metrics.errors import nearest as nearest_name
from cx_metrics.reading.files import RawFile
from cx_metrics.reading.finishing import by_preset, finish, mapping_of, with_wide
from cx_metrics.reading.mapping import (
    REQUIRED,
    FileMapping,
    header_list,
    missing_columns,
    missing_fields,
    one_column_hint,
)
from cx_metrics.reading.matching import KEPT, ColumnMatch, match_columns
from cx_metrics.reading.presets import Match, find_preset, presets
from cx_metrics.reading.presets.presets import SURE_PRESET
from cx_metrics.reading.recognition import Recognition
from cx_metrics.reading.report import quoted, shorten
from cx_metrics.reading.sample import Sample, take_sample
from cx_metrics.reading.shapes import did_you_mean
from cx_metrics.reading.wide import find_wide
from cx_metrics.tables import TABLES
from cx_metrics.texts import N_, NP_, Text

NO_LOG = ("customers", "changes")  # tables that a wide file may look like at first sight
SURE_TABLE = 0.5  # below this the user is asked which table it is
LIKELY_TABLE = 0.3  # below this no table is even named


def recognise(
    raw: RawFile, table: str | None = None, sample_rows: int = 2000, preset: str | None = None
) -> Recognition:
    """What does this file hold, which column is which, and how sure is that?

    Headers are compared with the exports of known tools and with known names in four languages, values in the first
    `sample_rows` rows with what a column must hold. `table` fixes the table; otherwise the one that fits best is taken, or none.
    `preset` fixes the tool's export; "" is none of them.

    Raises:
        MappingProblem: there is no such preset.
    """
    sample = take_sample(raw, sample_rows)
    fits = {name: match_columns(sample, name) for name in TABLES}
    scores = _table_scores(sample, fits)
    match = _preset_match(raw, sample, table, preset)
    if match and not (match.preset.instead and preset is None and scores["touchpoints"] >= SURE_TABLE):
        found = by_preset(raw, sample, match, table)
        if found is not None:
            return found
    wide = find_wide(sample, fits)
    if table is not None:
        reason = Text(N_("the table was chosen by hand"))
        found = finish(raw, sample, table, 1.0, reason, fits[table])
        return with_wide(raw, sample, found, fits[table], wide) if wide and wide.table == table else found
    best = max(scores, key=lambda name: scores[name])
    if wide and (scores[best] < SURE_TABLE or (wide.sure and best in (wide.table, *NO_LOG))):
        plain = finish(raw, sample, wide.table, wide.confidence, wide.reason, fits[wide.table])
        return with_wide(raw, sample, plain, fits[wide.table], replace(wide, sure=True))
    if scores[best] < SURE_TABLE:
        unsure = Text(N_("no table fits these columns well; choose what the file is"))
        kept = tuple(ColumnMatch(name, None, 0.0, KEPT) for name in raw.header)
        nearest = best if scores[best] >= LIKELY_TABLE and best != "changes" else None
        return Recognition(None, round(scores[best], 2), unsure, kept, nearest=nearest)
    columns = quoted(match.column for match in fits[best].values() if match.field in _needed(best))
    one, many = NP_("It has the column {columns}.", "It has the columns {columns}.")
    reason = Text(one, {"columns": columns}, many, len(columns))
    found = finish(raw, sample, best, round(scores[best], 2), reason, fits[best])
    return with_wide(raw, sample, found, fits[best], wide) if wide and wide.table == best else found


def _preset_match(raw: RawFile, sample: Sample, table: str | None, preset: str | None) -> Match | None:
    if preset == "":
        return None
    if preset is None:
        match = find_preset(raw.header, sample, table)
        return match if match and match.confidence >= SURE_PRESET else None
    known = presets().get(preset)
    if known is None:
        hint = did_you_mean(nearest_name(preset, presets()))
        raise MappingProblem(N_('There is no preset "{name}". {hint}'), name=shorten(preset), hint=hint)
    return Match(known, 1.0, Text(N_("the tool was chosen by hand")))


def default_mapping(raw: RawFile, recognition: Recognition) -> FileMapping:
    """The mapping that recognition proposes; every other column is kept as an attribute.

    Raises:
        MappingProblem: the table is not clear, a column it needs was not found (all of them are named, with the headers
            there are and the nearest), or something must be answered first.
    """
    if recognition.table is None:
        if recognition.blockers:
            raise MappingProblem(recognition.blockers[0])
        raise _unrecognised(raw, recognition.nearest)
    mapping = recognition.proposed or mapping_of(raw, recognition)
    missing = missing_fields(mapping)
    if missing:
        raise missing_columns(raw, mapping.table, missing)
    if recognition.blockers:
        raise MappingProblem(recognition.blockers[0])
    return mapping


def _unrecognised(raw: RawFile, nearest: str | None) -> MappingProblem:
    """The error for a file that fits no table: what the nearest table misses, or what there is to choose."""
    nearest = nearest or ("touchpoints" if len(raw.header) == 1 else None)
    missing = missing_fields(FileMapping(nearest, recognise(raw, nearest, preset="").columns)) if nearest else []
    if nearest and missing:
        return missing_columns(raw, nearest, missing)
    choose = Text(N_("Choose what it is: touchpoints, surveys, invitations, customers, spend or changes."))
    return MappingProblem(
        N_("{file} was not recognised. Its columns are: {headers}. {hint}"),
        file=shorten(raw.name),
        headers=header_list(raw),
        hint=one_column_hint(raw) or choose,
    )


def _needed(table: str) -> set[str]:
    optional = {"touchpoints": {"occurred_at", "sequence"}, "surveys": {"answered_at"}}.get(table, set())
    return {name for group in REQUIRED[table] for name in group} | optional


def _table_scores(sample: Sample, fits: Mapping[str, dict[str, ColumnMatch]]) -> dict[str, float]:
    """How well each table fits, 0..1: the confidence of the columns it needs, with what speaks against it."""
    by_field = {table: {m.field: m for m in matches.values() if m.field} for table, matches in fits.items()}

    def sure(table: str, *names: str) -> float:
        return max((by_field[table][name].confidence for name in names if name in by_field[table]), default=0.0)

    def column(table: str, name: str) -> str | None:
        match = by_field[table].get(name)
        return match.column if match else None

    touchpoints = (sure("touchpoints", "customer_id") + sure("touchpoints", "touchpoint")) / 2
    touchpoints *= 1.0 if sure("touchpoints", "occurred_at", "sequence") else 0.7
    surveys = max(sure("surveys", "score"), 0.7 * sure("surveys", "comment"))
    surveys *= 1.0 if sure("surveys", "answered_at", "response_id", "customer_id", "comment") else 0.6
    if min(touchpoints, surveys) >= SURE_TABLE:
        # A log in which few rows carry a score is a log; answers about touchpoints are answers.
        score = column("surveys", "score")
        if score and sample.columns[score].filled_share >= 0.5:
            touchpoints *= 0.7
        else:
            surveys *= 0.7
    spend = (
        sure("spend", "cost") + sure("spend", "period_start") + max(sure("spend", "channel"), sure("spend", "campaign"))
    )
    spend *= 1 / 3 if sure("spend", "cost") and sure("spend", "period_start") else 0.7 / 3
    changes = (sure("changes", "changed_at") + sure("changes", "title")) / 2
    if touchpoints >= SURE_TABLE or sure("surveys", "score", "response_id"):
        changes *= 0.5
    if column("changes", "title") == column("touchpoints", "touchpoint"):
        changes *= 0.5  # a title that may as well be the name of an event makes no list of changes
    customers = 0.0
    if who := column("customers", "customer_id"):
        spend, changes = spend * 0.5, changes * 0.4
        customers = sure("customers", "customer_id") * 0.85 if sample.columns[who].near_unique else 0.0
    if changes >= SURE_TABLE and not sure("surveys", "score", "response_id", "customer_id"):
        surveys *= 0.7  # dated titles with remarks are changes, not comments
    if max(touchpoints, surveys) >= SURE_TABLE:
        customers *= 0.5
    invitations = _invitations(sure)
    if invitations >= SURE_TABLE:
        if sure("surveys", "score") or touchpoints >= SURE_TABLE:
            invitations *= 0.5  # answers and logs may say a status too
        else:
            surveys, customers, changes, spend = surveys * 0.5, customers * 0.5, changes * 0.5, spend * 0.5
    return {
        "touchpoints": touchpoints, "surveys": surveys, "invitations": invitations, "customers": customers, "spend": spend,
        "changes": changes,
    }  # fmt: skip


def _invitations(sure: Callable[..., float]) -> float:
    """How well a file holds invitations: one a row with how far it came, or their counts side by side."""
    each = sure("invitations", "status")
    each *= 1.0 if sure("invitations", "customer_id", "invitation_id", "sent_at", "wave", "stands_for") else 0.5
    counted = (sure("invitations", "sent") + sure("invitations", "completed", "started")) / 2
    counted *= 1.0 if sure("invitations", "sent") and sure("invitations", "completed", "started") else 0.5
    return max(each, counted)
