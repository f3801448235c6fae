"""Pages run without anybody looking: what they would show under this view, for an export of all of them.

A page is a script, and shows one page at a time. For an export the scripts of the others run beside it, each in a run of its
own with what this session knows (address, language, who reads), and what they show goes nowhere; only what they wrote down is
taken (`figure.drawn`). So an export holds what its reader would see there, and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.cursor import RunningCursor
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException, StopException
from streamlit.runtime.scriptrunner_utils.script_run_context import (
    ScriptRunContext,
    add_script_run_ctx,
    get_script_run_ctx,
)
from streamlit.runtime.state import SafeSessionState, SessionState

from pages.parts import figure
from pages.parts.figure import Opened, Shown

NOT_VIEWS = frozenset({"data", "definitions", "views"})  # pages about the data, the metrics and links, not about a view
FAR_AWAY = 99_999  # where the files of these runs are noted, so that they replace none of the page's own
LOOK_EVERY = 0.1  # seconds


@dataclass
class Ran:
    """What the pages wrote down; how many are through; what went wrong."""

    pages: list[tuple[Opened, list[Shown]]] = field(default_factory=list)
    through: int = 0
    failed: BaseException | None = None
    given_up: bool = False


def pages() -> list[str]:
    """The scripts of the pages that show a view, in the order of the navigation."""
    ctx = get_script_run_ctx()
    known = ctx.pages_manager.get_pages().values() if ctx else ()
    return [str(p["script_path"]) for p in known if p.get("url_pathname") not in NOT_VIEWS and p.get("script_path")]


def run(scripts: list[str], progress: Callable[[int, int], None]) -> list[tuple[Opened, list[Shown]]]:
    """What each page shows now. `progress` hears how many are through; it may end the run by raising."""
    ran = Ran()
    known = _known()
    parent = get_script_run_ctx()
    thread = threading.Thread(target=_run_all, args=(scripts, ran, known, parent), daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            progress(ran.through, len(scripts))
            thread.join(LOOK_EVERY)
    finally:
        ran.given_up = True
    if ran.failed is not None:
        raise ran.failed
    return ran.pages


def _known() -> dict[str, Any]:
    """What the session knows that is not the state of a widget or of the page's own run."""
    ctx = get_script_run_ctx()
    widgets = ctx.session_state._state._key_id_mapper if ctx else ()  # type: ignore[union-attr]
    own = {figure.SHOWN, figure.OPENED}
    return {
        str(k): v
        for k, v in st.session_state.items()
        if k not in own and k not in widgets and not str(k).startswith("$$")
    }


def _run_all(scripts: list[str], ran: Ran, known: dict[str, Any], parent: ScriptRunContext) -> None:
    try:
        for script in scripts:
            if ran.given_up:
                return
            found = _run_one(script, known, parent)
            if found is not None:
                ran.pages.append(found)
            ran.through += 1
    except BaseException as problem:  # told to the thread that waits, which raises it
        ran.failed = problem
        if not isinstance(problem, Exception):
            raise


def _run_one(script: str, known: dict[str, Any], parent: ScriptRunContext) -> tuple[Opened, list[Shown]] | None:
    """What one page wrote down; None for one that opened with nothing to show."""
    ctx = ScriptRunContext(
        session_id=parent.session_id, _enqueue=lambda _message: None, query_string=parent.query_string,
        session_state=SafeSessionState(SessionState(), lambda: None), uploaded_file_mgr=MemoryUploadedFileManager(""),
        main_script_path=parent.main_script_path, user_info=parent.user_info, fragment_storage=MemoryFragmentStorage(),
        pages_manager=PagesManager(parent.main_script_path), script_requests=parent.script_requests,
    )  # fmt: skip
    add_script_run_ctx(threading.current_thread(), ctx)
    ctx.reset(query_string=parent.query_string, context_info=parent.context_info)
    ctx.cursors[0] = RunningCursor(root_container=0, parent_path=(FAR_AWAY,))
    for name, value in (known | {figure.QUIET: True}).items():
        st.session_state[name] = value
    spec = spec_from_file_location("__main__", Path(script))
    assert spec is not None and spec.loader is not None, script
    try:
        spec.loader.exec_module(module_from_spec(spec))
    except (StopException, RerunException):
        return None
    opened, cards = figure.drawn()
    return (opened, cards) if opened is not None and cards else None
