"""Which pages there are, as app.py names them: for those who lead to one by the last part of its address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from cx_metrics.texts import N_
from pages.parts import state

PAGES, HERE = "pages_there_are", "page_here"
Groups = Mapping[str, Sequence[tuple[str, str, str, str]]]  # group → file, title, last part of the address, icon


def tell(groups: Groups, here: str) -> None:
    """What app.py shows, and which page of it this run is about. Once a run, before the page."""
    state.keep(PAGES, {path: (file, title) for pages in groups.values() for file, title, path, _icon in pages})
    state.keep(HERE, here)


def here() -> str:
    """The last part of the address of this page; empty for the first one."""
    return str(state.kept(HERE, ""))


def called(path: str) -> str:
    """What a page is called, to be translated; a page that is there no more has no name."""
    return _pages().get(path, ("", N_("A page that is no longer there")))[1]


def turn_to(path: str) -> None:
    """Go to a page: the first one, if that one is there no more. Ends this run."""
    pages = _pages()
    st.switch_page(f"pages/{(pages.get(path) or pages[''])[0]}")


def address_of(path: str) -> str:
    """The address of a page of this server, without what stands after a question mark."""
    plain = (st.context.url or "").split("?")[0].rstrip("/")
    return f"{plain.removesuffix(f'/{here()}') if here() else plain}/{path}"


def _pages() -> Mapping[str, tuple[str, str]]:
    found = state.kept(PAGES, {})
    return found if isinstance(found, dict) else {}
