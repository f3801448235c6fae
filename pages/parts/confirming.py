"""One table in hand: what it was recognised as and why, what only a person can say, and every correction that is possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from cx_metrics import looking, reading
from cx_metrics.errors import FileProblem, MappingProblem, TouchlineError
from cx_metrics.looking import Seen
from cx_metrics.reading import FileMapping, KeptMapping, Recognition, Spread, SpreadColumn
from cx_metrics.reading.mapping import TIME_WITH_CLOCK, mappable
from cx_metrics.safe_text import safe
from cx_metrics.tables import SURVEY_TYPES, TABLES
from cx_metrics.texts import N_, Text
from pages.parts import cache, state, uploads
from pages.parts.language import PageReader
from pages.parts.markup import Markup
from pages.parts.uploads import Waiting

ATTRIBUTE, LEAVE_OUT, SPREAD = "+", "–", "⇢"  # in the grid: keep as an attribute; leave out; becomes rows
CLOCK = "clock"  # in the grid: the time of day of the date
FOUND = ""  # of encoding and delimiter: as found
TABLE_WORDS = {
    "touchpoints": N_("Touchpoints: one row per contact"),
    "surveys": N_("Survey answers: one row per answer"),
    "invitations": N_("Invitations: who was asked to answer"),
    "customers": N_("Customers: persona, segment, region"),
    "spend": N_("Spend: cost by channel and period"),
    "changes": N_("Changes: dated releases and campaigns"),
}
SURVEY_WORDS = {
    "nps": N_("NPS, 0 to 10"), "csat": N_("Satisfaction (CSAT)"), "ces": N_("Effort (CES)"), "rating": N_("Other rating"),
    "choice": N_("Choice"), "text": N_("Comments only"),
}  # fmt: skip
ROLE_WORDS = {
    "score": N_("a score"), "text": N_("a comment"), "choice": N_("a choice"), "option": N_("one option of a list"),
}  # fmt: skip
SCALES = {"1–5": (1.0, 5.0), "1–7": (1.0, 7.0), "1–10": (1.0, 10.0), "0–10": (0.0, 10.0), "1–4": (1.0, 4.0)}
USUAL_SCALES = {"csat": "1–5", "ces": "1–7"}
EFFORT_SCALE = "1–5"  # CES 1.0 asks for effort, so a high score is bad
DELIMITER_WORDS = {
    ",": N_("comma"), ";": N_("semicolon"), "\t": N_("tab"), "|": N_("pipe"), " ": N_("space"), ":": N_("colon"), "^": N_("caret"),
}  # fmt: skip
_TIMES = (TABLES["touchpoints"]["occurred_at"].type, TABLES["spend"]["period_start"].type)


def show(reader: PageReader, m: Markup, found: Waiting, first: bool = True) -> FileMapping | None:
    """Everything about one table; its mapping as it stands now, or None while it cannot be read. How a file is written is asked
    once, with the first table of the file that is shown."""
    st.html(m.card_head(Text("{file}", {"file": found.source.name})))
    seen = _seen(found)
    if isinstance(seen, TouchlineError):
        st.html(m.notice(seen.text, "bad"))
        if first:
            _how_written(reader, found)
        st.button(
            reader.say(N_("Remove this file")), key=f"drop_{found.token}", on_click=uploads.drop, args=(found.token,)
        )
        return None
    mapping, remembered = _start(found, seen)
    _say_how(m, found, seen, mapping, remembered)
    _preview(reader, m, found, seen, first)
    _offer_saved(reader, m, found)
    chosen = _choose_table(reader, found, seen.found, mapping)
    if chosen is None:
        st.html(m.notice(seen.problem.text if seen.problem else seen.found.reason, "bad"))
        return None
    if chosen != mapping.table:
        mapping = replace(mapping, table=chosen, columns={}, spread=None, kinds_by=None, clock=None)
    for note in (*seen.found.problems, *seen.found.blockers):
        if note != seen.found.reason:  # which is said above
            st.html(m.notice(note))
    if remembered is None and found.mapping is None:
        mapping = _ask(reader, found, seen.found, mapping)
    with st.expander(reader.say(N_("Columns: what was recognised, and why")), expanded=seen.mapping is None):
        mapping = _grid(reader, found, seen.found, mapping)
    if mapping.spread is not None:
        with st.expander(reader.say(N_("Columns that become rows of their own"))):
            mapping = replace(mapping, spread=_spread_grid(reader, found, mapping.spread))
    mapping = _as_written(found, _formats(reader, found, mapping))
    try:
        reading.check_mapping(_raw(found), mapping)
    except MappingProblem as missing:
        st.html(m.notice(missing.text, "bad"))
        return None
    _keep_aside(reader, found, mapping, remembered)
    return mapping


def _raw(found: Waiting) -> reading.RawFile:
    if found.raw is None:
        raise found.problem or FileProblem(N_("This file cannot be read."))
    return found.raw


def _seen(found: Waiting) -> Seen | TouchlineError:
    """What the table seems to be under what was chosen for it, asked once; or why nobody can say."""
    if found.raw is None:
        return found.problem or FileProblem(N_("This file cannot be read."))
    table = state.kept(f"table_{found.token}")
    preset = state.kept(f"preset_{found.token}")
    asked = (found.token, str(table) if table else None, preset if isinstance(preset, str) else None, found.raw.encoding,
             found.raw.delimiter)  # fmt: skip
    kept = state.kept("seen")
    known = dict(kept) if isinstance(kept, dict) else {}
    if asked not in known:
        try:
            known[asked] = looking.recognise(found.raw, asked[1], asked[2])
        except TouchlineError as problem:
            known[asked] = problem
        tokens = {w.token for w in uploads.waiting()}
        state.keep("seen", {key: seen for key, seen in known.items() if key[0] in tokens})
    return known[asked]


def _start(found: Waiting, seen: Seen) -> tuple[FileMapping, FileMapping | None]:
    """The mapping that everything begins with: how the table is read already, else as its header was read before, else as
    recognised; and the one that was remembered, if that is it."""
    if (loaded := loaded_mapping(found)) is not None:
        return loaded.mapping, loaded.mapping
    if found.mapping is not None and not state.kept(f"table_{found.token}"):
        return found.mapping, None
    recognised = seen.mapping or _partly(seen.found)
    if state.kept(f"afresh_{found.token}") or state.kept(f"table_{found.token}"):
        return recognised, None
    said = cache.workspace().mapping_of(reading.fingerprint(_raw(found).header))
    if said is None:
        return recognised, None
    try:
        remembered = reading.mapping_from_yaml(said).mapping
        reading.check_mapping(_raw(found), remembered)
    except MappingProblem:  # of an earlier Touchline, or a header that only looks the same
        return recognised, None
    remembered = replace(remembered, encoding=None, delimiter=None)
    return remembered, remembered


def loaded_mapping(found: Waiting) -> KeptMapping | None:
    """The saved mapping that somebody gave for this table, unless another table was chosen since."""
    kept = state.kept(_loaded_key(found))
    return kept if isinstance(kept, KeptMapping) and not state.kept(f"table_{found.token}") else None


def _loaded_key(found: Waiting) -> str:
    return f"loaded_{found.token}"


def _offer_saved(reader: PageReader, m: Markup, found: Waiting) -> None:
    """A saved mapping instead of what was recognised; what is wrong with it is said, and nothing changes."""
    with st.expander(reader.say(N_("Use a saved mapping"))):
        given = st.file_uploader(
            reader.say(N_("Mapping as YAML")), type=["yaml", "yml"], key=f"saved_{found.token}_{_round(found)}",
            label_visibility="collapsed",
        )  # fmt: skip
        if given is None:
            return
        try:
            kept = reading.saved_mapping(given.getvalue(), _raw(found))
        except MappingProblem as problem:
            st.html(m.notice(problem.text, "bad"))
            return
        use_saved(found, kept)
        st.rerun()


def use_saved(found: Waiting, kept: KeptMapping | None) -> None:
    """Read a table by a saved mapping from now on, or (None) as it is recognised."""
    state.keep(_loaded_key(found), kept)
    state.keep(f"table_{found.token}", None)
    state.keep(f"round_{found.token}", _round(found) + 1)


def _round(found: Waiting) -> int:
    """How often another mapping took the place of the one before: corrections of that one do not count for the next."""
    return int(str(state.kept(f"round_{found.token}", 0)))


def _afresh(found: Waiting) -> None:
    use_saved(found, None)
    state.keep(f"afresh_{found.token}", True)


def _partly(found: Recognition) -> FileMapping:
    """The mapping as far as recognition goes, where it does not go all the way."""
    return FileMapping(
        found.table or "touchpoints", found.columns, (), found.time_format or "iso", found.survey_type, found.scale_low,
        found.scale_high, found.higher_is_better, found.decimal_comma,
    )  # fmt: skip


def _say_how(m: Markup, found: Waiting, seen: Seen, mapping: FileMapping, remembered: FileMapping | None) -> None:
    """How the table was found in its file and how it is written, what it is taken for, and by what."""
    raw = _raw(found)
    sign = DELIMITER_WORDS.get(raw.delimiter)
    delimiter = Text(sign) if sign else Text("{sign}", {"sign": raw.delimiter})
    said = [*found.told]
    if raw.encoding_reason is not None:
        said.append(raw.encoding_reason)
    if found.source == found.origin:
        said.append(Text(N_("Encoding {encoding}; columns parted by {delimiter}."),
                         {"encoding": reading.ENCODINGS.get(raw.encoding, raw.encoding), "delimiter": delimiter}))  # fmt: skip
    if loaded_mapping(found) is not None:
        said.append(Text(N_("It is read as the saved mapping says.")))
    elif remembered is not None:
        said.append(Text(N_("A file with this header was read before: it is read in the same way now.")))
    elif found.mapping is None:
        said.append(seen.found.reason)
    if mapping.leave_out:
        said += [
            Text(N_('Rows whose "{column}" is {values} are left out, and counted.'),
                 {"column": reading.shorten(column), "values": reading.quoted(values)})
            for column, values in mapping.leave_out.items()
        ]  # fmt: skip
    st.html(m.list(said))


def _preview(reader: PageReader, m: Markup, found: Waiting, seen: Seen, first: bool) -> None:
    """The first rows as they were read, with what decides on that."""
    with st.expander(reader.say(N_("First rows, as read"))):
        header = list(_raw(found).header)[: len(seen.preview[0])] if seen.preview else []
        if seen.preview:
            st.dataframe(pd.DataFrame(list(seen.preview), columns=header), hide_index=True, width="stretch")
        else:
            st.html(m.notice(Text(N_("No row could be read at the beginning of the file."))))
        if first:
            _how_written(reader, found)


def _as_written(found: Waiting, mapping: FileMapping) -> FileMapping:
    """The mapping with the encoding and the delimiter that somebody chose, so that the import reads the file in the same way.
    A file that was made of a table is ours, and needs neither."""
    encoding, delimiter = None, None
    if found.file is not None and found.mapping is not None:
        encoding, delimiter = found.mapping.encoding, found.mapping.delimiter
    elif found.source == found.origin:
        chosen = state.kept(_written_key(found))
        encoding, delimiter = chosen if isinstance(chosen, tuple) else (None, None)
    return replace(mapping, encoding=encoding, delimiter=delimiter)


def _written_key(found: Waiting) -> str:
    return f"written_{found.origin.token[:12]}"


def _how_written(reader: PageReader, found: Waiting) -> None:
    """Another encoding, another delimiter: the file is opened anew."""
    if found.file is not None:
        return
    raw, origin = found.raw, found.origin
    encodings = list(dict.fromkeys([*(raw.other_encodings if raw else ()), *reading.ENCODINGS]))
    key = origin.token[:12]
    with st.container(horizontal=True):
        encoding = st.selectbox(
            reader.say(N_("Encoding")), [FOUND, *encodings], key=f"encoding_{key}", width=220,
            format_func=lambda e: reading.ENCODINGS.get(e, e) or reader.say(N_("as found")),
        )  # fmt: skip
        delimiter = st.selectbox(
            reader.say(N_("Columns are parted by")), [FOUND, *DELIMITER_WORDS], key=f"delimiter_{key}", width=220,
            format_func=lambda d: reader.say(DELIMITER_WORDS.get(d, N_("as found"))),
        )  # fmt: skip
    now = (encoding or None, delimiter or None)
    if now != state.kept(_written_key(found), (None, None)):
        state.keep(_written_key(found), now)
        uploads.open_again(origin, *now)
        st.rerun()


def _choose_table(reader: PageReader, found: Waiting, recognised: Recognition, mapping: FileMapping) -> str | None:
    token = found.token
    key = f"pick_table_{token}"
    known = recognised.table or found.mapping or loaded_mapping(found)
    state.seed(key, state.kept(f"table_{token}") or (mapping.table if known else None))
    return st.selectbox(
        reader.say(N_("What is in this file?")), list(TABLES), key=key, placeholder=reader.say(N_("Choose one")),
        format_func=lambda t: reader.say(TABLE_WORDS[t]),
        on_change=lambda: state.keep(f"table_{token}", state.value(key)),
    )  # fmt: skip


def _ask(reader: PageReader, found: Waiting, recognised: Recognition, mapping: FileMapping) -> FileMapping:
    """What only a person can say: each question with what speaks for its answers."""
    answers: dict[str, str] = {}
    for question in recognised.questions:
        if question.only_if and answers.get(question.only_if[0]) != question.only_if[1]:
            continue
        values = [option.value for option in question.options]
        labels = {option.value: option.label for option in question.options}
        answer = st.radio(
            safe(reader.say(question.text), "markdown"), values, index=values.index(question.chosen), horizontal=True,
            key=f"ask_{found.token}_{question.key}_{question.only_if}", help=safe(reader.say(question.reason), "markdown"),
            format_func=lambda v, labels=labels: safe(reader.say(labels[v]), "markdown"),
        )  # fmt: skip
        answers[question.key] = str(answer)
        mapping = reading.answered(mapping, question, str(answer))
    return mapping


def _grid(reader: PageReader, found: Waiting, recognised: Recognition, mapping: FileMapping) -> FileMapping:
    """The columns of the file with their meaning; the second column can be changed."""
    reasons: Mapping[str, Text] = {match.column: match.reason for match in recognised.matches}
    becomes = {header: name for name, header in mapping.columns.items()}
    spread = mapping.spread.headers if mapping.spread else ()
    fresh = not mapping.columns and not mapping.spread
    matched = {match.column: match.field for match in recognised.matches if match.field in mappable(mapping.table)}
    rows = [
        {
            "column": header,
            "becomes": SPREAD if header in spread else CLOCK if header == mapping.clock else becomes.get(header)
            or (matched.get(header) if fresh else None)
            or (ATTRIBUTE if fresh or header in mapping.attributes else LEAVE_OUT),
            "reason": reader.say(reasons[header]) if header in reasons else "",
        }
        for header in _raw(found).header
    ]  # fmt: skip
    edited = st.data_editor(
        pd.DataFrame(rows), hide_index=True, width="stretch",
        key=f"grid_{found.token}_{_round(found)}_{mapping.table}_{len(spread)}",
        column_config={
            "column": st.column_config.TextColumn(reader.say(N_("Column in the file")), disabled=True),
            "becomes": st.column_config.SelectboxColumn(
                reader.say(N_("Becomes")), options=_meanings(mapping),
                required=True, help=reader.say(N_("+ keeps the column as it is, – leaves it out, ⇢ makes rows of it, clock is the "
                                                  "time of day beside a date")),
            ),
            "reason": st.column_config.TextColumn(reader.say(N_("Why")), disabled=True),
        },
    )  # fmt: skip
    pairs = list(zip(edited["column"], edited["becomes"], strict=True))
    other = (ATTRIBUTE, LEAVE_OUT, SPREAD, CLOCK)
    columns = {name: column for column, name in pairs if name not in other}
    clock = next((column for column, name in pairs if name == CLOCK), None)
    taken = {*columns.values(), clock}
    attributes = tuple(c for c, name in pairs if name == ATTRIBUTE or (name not in other[1:3] and c not in taken))
    spread = _still_spread(mapping.spread, pairs)
    return replace(mapping, columns=columns, attributes=attributes, spread=spread, clock=clock)


def _meanings(mapping: FileMapping) -> list[str]:
    """What a column can be: one of ours, the time of day beside a date, kept, left out, or rows."""
    clock = [CLOCK] if mapping.table in TIME_WITH_CLOCK else []
    return [*mappable(mapping.table), *clock, ATTRIBUTE, LEAVE_OUT, *([SPREAD] if mapping.spread else [])]


def _still_spread(spread: Spread | None, pairs: list[tuple[str, str]]) -> Spread | None:
    """The columns that become rows, as the grid has them now."""
    if spread is None:
        return None
    known = {column.column: column for column in spread.columns}
    columns = tuple(known.get(column, SpreadColumn(column)) for column, name in pairs if name == SPREAD)
    return replace(spread, columns=columns) if columns else None


def _spread_grid(reader: PageReader, found: Waiting, spread: Spread) -> Spread:
    """What each of these columns is called, and of a question what kind it is and on which scale."""
    answers = spread.kind == "answers"
    rows = [
        {
            "column": c.column, "name": c.shown, "role": c.role, "type": c.kind.survey_type if c.kind else None,
            "low": c.kind.scale_low if c.kind else None, "high": c.kind.scale_high if c.kind else None,
        }
        for c in spread.columns
    ]  # fmt: skip
    frame = pd.DataFrame(rows) if answers else pd.DataFrame(rows)[["column", "name"]]
    called = {"answers": N_("Question"), "times": N_("Touchpoint"), "costs_by_period": N_("Period")}.get(
        spread.kind, N_("Channel")
    )
    edited = st.data_editor(
        frame, hide_index=True, key=f"spread_{found.token}_{_round(found)}_{len(rows)}", width="stretch",
        column_config={
            "column": st.column_config.TextColumn(reader.say(N_("Column in the file")), disabled=True),
            "name": st.column_config.TextColumn(safe(reader.say(called), "markdown"), required=True),
            "role": st.column_config.SelectboxColumn(
                reader.say(N_("Holds")), options=list(ROLE_WORDS), required=True, format_func=lambda r: reader.say(ROLE_WORDS[r])
            ),
            "type": st.column_config.SelectboxColumn(
                reader.say(N_("The score is")), options=list(SURVEY_TYPES), format_func=lambda k: reader.say(SURVEY_WORDS[k])
            ),
            "low": st.column_config.NumberColumn(reader.say(N_("Lowest answer"))),
            "high": st.column_config.NumberColumn(reader.say(N_("Highest answer"))),
        },
    )  # fmt: skip
    columns = []
    for column, new in zip(spread.columns, edited.to_dict("records"), strict=True):
        changed = replace(column, name="" if new["name"] == column.column else str(new["name"]))
        if answers:
            kind = reading.Kind(_text(new["type"]), _number(new["low"]), _number(new["high"]))
            changed = replace(changed, role=str(new["role"]))
            if changed.kind is not None or kind != reading.Kind():
                changed = replace(changed, kind=kind.over(changed.kind or reading.Kind()))
        columns.append(changed)
    return replace(spread, columns=tuple(columns))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None


def _formats(reader: PageReader, found: Waiting, mapping: FileMapping) -> FileMapping:
    """How times are written; which question the scores answer, on which scale, and which end of it is good."""
    token = found.token
    timed = any(TABLES[mapping.table][c].type in _TIMES for c in mapping.filled if c in TABLES[mapping.table].names)
    with st.container(horizontal=True):
        if timed and not (mapping.spread and mapping.spread.kind == "costs_by_period"):
            known = list(reading.TIME_FORMATS)
            chosen = st.selectbox(
                reader.say(N_("Times are written as")), known, index=known.index(mapping.time_format), width=330,
                format_func=lambda f: reader.say(reading.TIME_FORMATS[f]), key=f"time_{token}_{mapping.time_format}",
            )  # fmt: skip
            mapping = replace(mapping, time_format=chosen)
        alone = mapping.table == "surveys" and "survey_type" not in mapping.filled and "score" in mapping.columns
        if alone and mapping.kinds_by is None:
            mapping = _question(reader, token, mapping)
    return mapping


def _question(reader: PageReader, token: str, mapping: FileMapping) -> FileMapping:
    """The kind of question, its scale and direction. Another kind brings its own usual scale: nothing of a wrong guess stays."""
    kinds = list(SURVEY_TYPES)
    said = mapping.survey_type or "rating"
    kind = st.selectbox(reader.say(N_("The score is")), kinds, index=kinds.index(said), width=220,
                        format_func=lambda k: reader.say(SURVEY_WORDS[k]), key=f"kind_{token}_{said}")  # fmt: skip
    if kind in ("choice", "text"):
        return replace(mapping, survey_type=kind, scale_low=None, scale_high=None, higher_is_better=None)
    if kind == "nps":
        return replace(mapping, survey_type=kind, scale_low=0.0, scale_high=10.0, higher_is_better=True)
    usual = USUAL_SCALES.get(kind, "0–10")
    scales = {usual: SCALES[usual], **SCALES}
    if kind == mapping.survey_type and mapping.scale_low is not None and mapping.scale_high is not None:
        ends = (mapping.scale_low, mapping.scale_high)
        scales = {f"{ends[0]:g}–{ends[1]:g}": ends, **scales}
    scale = st.selectbox(reader.say(N_("On the scale")), list(scales), key=f"scale_{token}_{kind}", width=140)
    good = (
        kind != "ces" or scale != EFFORT_SCALE if mapping.survey_type != kind else mapping.higher_is_better is not False
    )
    directions = [True, False] if good else [False, True]
    better = st.selectbox(reader.say(N_("A high score is")), directions, key=f"direction_{token}_{kind}_{scale}", width=160,
                          format_func=lambda up: reader.say(N_("good") if up else N_("bad")))  # fmt: skip
    low, high = scales[scale]
    return replace(mapping, survey_type=kind, scale_low=low, scale_high=high, higher_is_better=better)


def _keep_aside(reader: PageReader, found: Waiting, mapping: FileMapping, remembered: FileMapping | None) -> None:
    """The mapping as a file; and the way back from a remembered one."""
    with st.container(horizontal=True):
        st.download_button(
            reader.say(N_("Mapping as YAML")), reading.mapping_to_yaml(mapping), file_name="touchline-mapping.yaml",
            mime="application/yaml", key=f"yaml_{found.token}", type="tertiary", icon=":material/download:",
        )  # fmt: skip
        if remembered is not None:
            st.button(reader.say(N_("Recognise it afresh")), key=f"afresh_button_{found.token}", type="tertiary",
                      on_click=_afresh, args=(found,))  # fmt: skip
        if len(uploads.waiting()) > 1:
            st.button(reader.say(N_("Remove this file")), key=f"drop_{found.token}", type="tertiary",
                      on_click=uploads.drop, args=(found.token,))  # fmt: skip
