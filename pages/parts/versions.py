"""The versions of a dataset: what each holds, going back to one, and forth again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import streamlit as st

from cx_metrics.errors import DamagedVersion, WorkspaceProblem
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.workspace import Version
from pages.parts import cache, figure, state
from pages.parts.language import PageReader

MB = 2**20


def show(reader: PageReader, dataset: str) -> None:
    """The versions that are kept, the newest first, and which of them counts."""
    here = cache.workspace()
    found, current = here.versions(dataset), here.current(dataset).number
    one, many = NP_("{n} version is kept", "{n} versions are kept")
    title = Text(one, {"n": len(found)}, many, len(found))
    note = Text(N_("Each import makes a version. Going back loses nothing: the newer ones stay."))
    heads = [Text(N_("Version")), Text(N_("Imported")), Text(N_("Touchpoints")), Text(N_("Answers")), Text(N_("Files")),
             Text(N_("Size")), Text(N_("Counts now"))]  # fmt: skip
    with figure.card("versions", title, note):
        figure.html(lambda m: m.table(heads, [
            [m.number(v.number), _when(reader, v), *_held(m, v), _size(reader, v), "✓" if v.number == current else ""]
            for v in reversed(found)
        ], numeric=(2, 3, 4, 5)))  # fmt: skip
        others = [v.number for v in reversed(found) if v.number != current]
        if others:
            _choose(reader, dataset, others)


def _when(reader: PageReader, version: Version) -> str:
    at = datetime.fromisoformat(version.created_at)
    return reader.say(Text(N_("{day}, {time} UTC"), {"day": reader.date(at.date()), "time": reader.clock(at)}))


def _held(m: Any, version: Version) -> list[Any]:
    """Touchpoints, answers and files of a version, as its manifest has them."""
    try:
        manifest: Mapping[str, Any] = version.manifest
    except DamagedVersion:
        return [m.strong(Text(N_("damaged"))), "", ""]
    rows = manifest["rows"]
    return [
        m.number(int(rows.get("touchpoints", 0))),
        m.number(int(rows.get("surveys", 0))),
        m.number(len(manifest["reports"])),
    ]


def _size(reader: PageReader, version: Version) -> str:
    return reader.say(Text(N_("{size} MB"), {"size": max(round(version.size / MB), 1)}))


def _choose(reader: PageReader, dataset: str, others: list[int]) -> None:
    say = reader.say
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(say(N_("Go to version")), others, key="version_chosen", width=180)
        st.button(say(N_("Look at it")), key="version_look", on_click=state.set_version, args=(chosen,))
        st.button(say(N_("Let it count for everybody")), key="version_use", on_click=_use, args=(dataset, chosen))


def _use(dataset: str, number: int) -> None:
    try:
        cache.workspace().use(dataset, number)
    except WorkspaceProblem as gone:  # somebody removed it meanwhile
        state.note([gone.text])
    state.set_version(0)
