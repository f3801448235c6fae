"""Export: this page, or all pages of the view, as PDF, slides, workbook or web page. Made when it is asked for, and shown
how far it is; what a file holds is what its reader sees on the pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from cx_metrics.exports.book import Book, Chapter, Progress
from cx_metrics.safe_text import safe
from cx_metrics.texts import N_, Text
from pages.parts import cache, figure, quiet, state, written
from pages.parts.figure import STYLE
from pages.parts.language import PageReader, reader
from pages.parts.markup import Markup
from pages.parts.sidebar import title as title_of

MADE = "export_made"
SCOPES = {"page": N_("This page"), "all": N_("All pages of this view")}


@dataclass(frozen=True)
class Form:
    """A kind of file: the end of its name, its media type, how it is made."""

    ending: str
    media: str
    make: Callable[[Book, PageReader, Progress], bytes]


def _pdf(book: Book, light: PageReader, progress: Progress) -> bytes:
    from cx_metrics.exports.pdf import book_pdf

    return book_pdf(book, light, progress)


def _slides(book: Book, light: PageReader, progress: Progress) -> bytes:
    from cx_metrics.exports.slides import book_slides

    return book_slides(book, light, progress)


def _workbook(book: Book, light: PageReader, progress: Progress) -> bytes:
    from cx_metrics.exports.workbook import book_workbook

    return book_workbook(book, light, progress)


def _html(book: Book, light: PageReader, progress: Progress) -> bytes:
    from cx_metrics.exports.html import book_html

    return book_html(book, light, STYLE.read_text(encoding="utf-8"), progress).encode()


OFFICE = "application/vnd.openxmlformats-officedocument."
FORMS = {
    "pdf": Form("pdf", "application/pdf", _pdf),
    "slides": Form("pptx", f"{OFFICE}presentationml.presentation", _slides),
    "workbook": Form("xlsx", f"{OFFICE}spreadsheetml.sheet", _workbook),
    "html": Form("html", "text/html", _html),
}
LABELS = {
    "pdf": N_("PDF for reading and printing"),
    "slides": N_("PowerPoint slides"),
    "workbook": N_("Excel workbook with the numbers"),
    "html": N_("Web page that opens offline"),
}


@dataclass(frozen=True)
class Made:
    """A file that is ready: for which scope and form, its name, its bytes."""

    scope: str
    form: str
    name: str
    data: bytes


def offer() -> None:
    """The last chip of the bar: a popover with what to export and in which form."""
    if figure.is_quiet():
        return
    state.keep(MADE, None)  # whatever was made shows another view
    _popover()


@st.fragment
def _popover() -> None:
    who = reader()
    with st.popover(who.say(N_("Export")), type="tertiary", icon=":material/download:", key="bar_export"):
        scope = st.radio(
            who.say(N_("What to export")), list(SCOPES), key="export_scope", format_func=lambda s: who.say(SCOPES[s])
        )
        wanted = None
        for name in FORMS:
            if st.button(who.say(LABELS[name]), key=f"export_{name}", width="stretch"):
                wanted = name
        place = st.empty()
        if wanted is not None:
            with place.container():
                state.keep(MADE, make(str(scope), wanted, who))
        made = state.kept(MADE)
        if isinstance(made, Made) and made.scope == scope:
            with place.container():
                _ready(made, who)


def _ready(made: Made, who: PageReader) -> None:
    """The file is there: save it."""
    st.download_button(
        who.say(N_("Save the file")), made.data, made.name, FORMS[made.form].media, key="export_save", type="primary",
        icon=":material/download:", on_click="ignore", width="stretch",
    )  # fmt: skip
    size = Text(N_("{size} MB"), {"size": max(len(made.data) / 1_000_000, 0.1)})
    m = Markup(who)
    st.html(m.caption([made.name, size]))


def make(scope: str, form: str, who: PageReader) -> Made:
    """The file, with words on the page that say how far it is."""
    light = written.on_paper(who)
    bar = st.progress(0.0, who.say(N_("The file is being made")))

    def counting(through: int, of: int) -> None:
        words = Text(N_("Pages counted: {n} of {pages}"), {"n": through, "pages": of})
        bar.progress(through / max(of, 1) / 2, safe(who.say(words), "markdown"))

    def drawing(done: int, of: int) -> None:
        words = Text(N_("Cards drawn: {n} of {cards}"), {"n": done, "cards": of})
        bar.progress(0.5 + done / max(of, 1) / 2, safe(who.say(words), "markdown"))

    book, stem = collect(scope, light, counting)
    chosen = FORMS[form]
    return Made(scope, form, f"touchline-{stem}.{chosen.ending}", chosen.make(book, light, drawing))


def collect(scope: str, light: PageReader, counting: Progress) -> tuple[Book, str]:
    """What is exported, and the stem of its name: ASCII, and nothing of the data."""
    if scope == "all":
        found = quiet.run(quiet.pages(), counting)
        chapters: list[Chapter] = [written.chapter(opened, cards, light) for opened, cards in found]
        return Book(_dataset(light), chapters, written.words(light)), "all-pages"
    opened, cards = figure.drawn()
    if opened is None:
        return Book("Touchline", (), written.words(light)), "page"
    one = written.chapter(opened, cards, light)
    return Book(one.finding, [one], written.words(light)), re.sub("[^a-z0-9]+", "-", opened.name.lower()).strip("-")


def _dataset(light: PageReader) -> str:
    """What the dataset is called."""
    here = state.current_address().dataset
    info = next((i for i in cache.workspace().datasets() if i.id == here), None)
    return title_of(light, info) if info is not None else "Touchline"
