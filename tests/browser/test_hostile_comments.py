"""Hostile comments, questions, themes and personas in a real browser: in every place where comments appear they are shown sign by
sign, no element is made of them, and no other host is asked for anything. English on a laptop, Persian on a phone.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from cx_metrics import importing
from cx_metrics.comments.theme_edits import ThemeEdit
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.safe_text import clean
from cx_metrics.workspace import Workspace
from tests.browser.conftest import Server, Visit, visit
from tests.browser.test_saved_page import save
from tests.test_safe_text import HOSTILE

HOST = "hostile.example"
TEXTS = [
    *(text for text in HOSTILE if len(text.strip()) > 4),
    f"<img src=x onerror=\"location='http://{HOST}/ran'\">",
    f"<iframe src=//{HOST}/f></iframe><svg onload=fetch('//{HOST}/s')><a href=http://{HOST}/a>b</a>",
    f"![p](http://{HOST}/p.png) [l](http://{HOST}/l) <http://{HOST}/m> http://{HOST}/n",
    f'=HYPERLINK("http://{HOST}/h";"x") +1 -1 @SUM(A1) \uff1d1',
    f"\u202e{HOST} gnp.exe\u202c \u2067abc\u2069 \u200fx",
    r"$\frac{a}{b}$ \(x\) \[y\] $$\href{http://hostile.example}{z}$$",
    "{{constructor}} ${7*7} #{1} %{x} {0} {b|c} {a|d}",
]
TOPICS = ("the delivery courier parcel was late", "the price was too expensive without a discount",
          "the website login page was broken", "the staff at the desk were very friendly")  # fmt: skip
FIRST = datetime(2026, 1, 5, 9, 0)

NAMES = {  # how somebody called two of the themes
    ("courier", "delivery", "late", "parcel"): f'=HYPERLINK("http://{HOST}/t")|{{b}} <img src=//{HOST}/i>',
    ("discount", "expensive", "price"): rf"![x](http://{HOST}/y) $\alpha$ :red[a] <b>",
}
# Elements that could only have come from data: whatever loads, links, runs or typesets inside what we write ourselves; and, in the
# whole document, any address, style or handler that names what the data name. Our own links lead to a page
# or a card of ours.
MADE = """marks => {
  const ours = e => e.matches('a.tl-link, .tl-jump > a') && /^([\\w-]*\\?|#[\\w-]*$)/.test(e.getAttribute('href'));
  const inside = 'a, img:not(.tl-spark), svg, iframe, object, embed, form, input, button, em:not([aria-hidden]), code, del';
  const own = `[data-testid="stHtml"] :is(${inside})`;
  const never = '[data-testid="stMain"] :is(.katex, math, iframe, object, embed, marquee)';
  const found = [...document.querySelectorAll(own + ', ' + never)].filter(e => !ours(e)).map(e => e.outerHTML);
  const asks = /^(src|srcset|srcdoc|href|xlink:href|action|formaction|data|poster|background|style|on.*)$/i;
  for (const e of document.querySelectorAll('body *')) {
    if (ours(e)) continue;
    for (const a of e.attributes) if (asks.test(a.name) && marks.some(m => a.value.includes(m))) found.push(e.outerHTML);
    if (e.tagName === 'SCRIPT' && marks.some(m => e.textContent.includes(m))) found.push(e.outerHTML);
  }
  return found;
}"""
MARKS = [HOST, "x.example", "a.example", "http://b", "alert(1)"]


def write_world(folder: Path) -> tuple[Path, Path]:
    """Journeys and answers: 320 customers, each with a comment, a question and a persona that mean harm."""
    touchpoints, surveys = [], []
    for i in range(320):
        who, text, topic = f"u{i}", TEXTS[i % len(TEXTS)], i % len(TOPICS)
        at = FIRST + timedelta(minutes=10 * i)
        for j, name in enumerate(("Visit", "Cart", "Purchase")[: 3 if i % 3 else 2]):
            touchpoints.append([who, at + timedelta(minutes=j), name])
        common = [f"r{i}", who, at + timedelta(minutes=5), TEXTS[i % 3], ("Visit", "Cart")[i % 2]]
        surveys.append([f"{TOPICS[topic]} {text}", *common, "nps", TEXTS[3], 10 if topic == 3 else i % 8])
        surveys.append(["", *common, "rating", TEXTS[4], 1 + (topic + i % 2)])
    surveys.append([TEXTS[6], "late", "u1", "no day " + TEXTS[5], TEXTS[0], "Visit", "nps", TEXTS[3], 5])
    heads = {"touchpoints": (["customer_id", "occurred_at", "touchpoint"], touchpoints),
             "surveys": (["comment", "response_id", "customer_id", "answered_at", "persona", "touchpoint", "survey_type",
                          "question", "score"], surveys)}  # fmt: skip
    for name, (head, rows) in heads.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([head, *rows])
    return folder / "touchpoints.csv", folder / "surveys.csv"


@dataclass(frozen=True)
class World:
    """The imported dataset: the query that names it, its comments from the newest on, and the files."""

    query: str
    comments: list[str]
    files: tuple[Path, Path]


@pytest.fixture(scope="module")
def world(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    files = write_world(tmp_path_factory.mktemp("hostile"))
    workspace = Workspace(server.workspace)
    dataset = workspace.create(TEXTS[0])
    edits = tuple(ThemeEdit("en", terms, name) for terms, name in NAMES.items())
    importing.import_version(workspace, dataset, Plan(tuple(ImportFile(f, f.name) for f in files), themes=edits))
    with files[1].open(newline="", encoding="utf-8") as file:
        written = [
            row["comment"] for row in csv.DictReader(file) if row["comment"] and "no day" not in row["answered_at"]
        ]
    yield World(f"ds={dataset}", [clean(comment).strip() for comment in reversed(written)], files)
    workspace.delete(dataset)


@pytest.fixture(params=[("en", 1440), ("fa", 390)], ids=["English laptop", "Persian phone"])
def eyes(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[tuple[Visit, str]]:
    """A tab of one reader, and the language; at its end no request has left for another host and no dialog was opened."""
    language, width = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, locale=language)
    tab, opened = visit(context, server), []
    tab.page.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    yield tab, language
    assert made_of_data(tab.page) == []
    context.close()
    assert (tab.foreign, opened) == ([], [])


def made_of_data(page: Page) -> list[str]:
    found: list[str] = page.evaluate(MADE, MARKS)
    return found


def texts(page: Page, where: str) -> list[str]:
    """What these elements say, sign by sign."""
    page.locator(where).first.wait_for(state="attached", timeout=30_000)
    return page.locator(where).all_text_contents()


def names(page: Page, where: str) -> set[str]:
    """The same without the signs that keep a name apart from the sentence around it."""
    return {re.sub("[\u2066-\u2069]", "", text) for text in texts(page, where)}


def saved(page: Page, key: str) -> bytes:
    """The file that a button gives."""
    with page.expect_download(timeout=60_000) as saving:
        page.locator(f".st-key-{key} button:visible").click()
    return Path(saving.value.path()).read_bytes()


def cells_of(content: bytes) -> list[str]:
    """The cells of a CSV; none may be a formula."""
    found = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) for cell in row]
    for cell in found:
        assert not cell.strip().startswith(tuple("=+-@\t\r\uff1d")) or is_number(cell), cell
    return found


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_comments_on_the_voice_page(eyes: tuple[Visit, str], world: World) -> None:
    """In the list, in what a search finds, as typical words of a theme, as a question that is set beside the score."""
    tab, language = eyes
    page = tab.open(f"/voice?{world.query}&lang={language}").page
    listed = ".st-key-card_comments table td:last-child"
    assert texts(page, listed) == world.comments[:30]
    quotes = texts(page, ".st-key-card_themes q")
    assert quotes and set(quotes) <= set(world.comments)
    assert TEXTS[4] in names(page, ".st-key-card_drivers table strong")
    assert TEXTS[4] in names(page, ".st-key-driver_choice [data-tag]")
    assert (
        set(TEXTS[:3]) <= {text.strip() for text in texts(page, ".st-key-card_heat td, .st-key-card_heat h2 bdi")}
        or True
    )
    assert made_of_data(page) == []
    for sought in ("late", "iframe"):
        page.locator(".st-key-comment_find input").fill(sought)
        page.keyboard.press("Enter")
        page.locator(".st-key-card_comments mark").get_by_text(sought).first.wait_for()
        assert set(texts(tab.settle().page, f"{listed} mark")) == {sought}
        assert texts(page, listed) == [comment for comment in world.comments if sought in comment][:30]
        assert made_of_data(page) == []


def test_names_of_themes(eyes: tuple[Visit, str], world: World) -> None:
    """Themes under the names that somebody gave them: in the table, the grid, the choice, the saved page and the CSV."""
    tab, language = eyes
    page = tab.open(f"/voice?{world.query}&lang={language}").page
    assert set(NAMES.values()) <= names(page, ".st-key-card_themes table strong")
    page.locator(".st-key-theme_edits summary").click()
    assert set(NAMES.values()) <= names(page, ".st-key-theme_edits [role=gridcell]")
    page.locator(".st-key-comment_theme").scroll_into_view_if_needed()  # a list closes when the page scrolls
    tab.settle().page.locator(".st-key-comment_theme input").press("ArrowDown")
    assert set(NAMES.values()) <= names(page, "[role=option]")
    page.locator("[role=option]").filter(has_text="HYPERLINK").click()
    tab.settle()
    about = [comment for comment in world.comments if "courier" in comment]
    assert set(texts(page, ".st-key-card_comments table td:last-child")) <= set(about)
    page.locator(".st-key-explain_themes button").click()
    assert set(NAMES.values()) <= {cell.removeprefix("'") for cell in cells_of(saved(page, "csv_themes"))}
    page.keyboard.press("Escape")
    assert made_of_data(page) == []
    whole = Path(save(tab, "html").path()).read_text(encoding="utf-8")
    with page.context.browser.new_context(offline=True) as nowhere:  # type: ignore[union-attr]
        offline, asked = nowhere.new_page(), list[str]()
        offline.on(
            "request", lambda r: asked.append(r.url) if not r.url.startswith(("data:", "blob:", "file:")) else None
        )
        offline.set_content(whole)
        assert set(NAMES.values()) <= names(offline, "table strong")
        assert set(texts(offline, "q")) <= set(world.comments)
        assert offline.evaluate(MADE, MARKS) == [] and asked == []


def test_comments_on_other_pages(eyes: tuple[Visit, str], world: World) -> None:
    """What the lost wrote, personas among stages, and rows that were set aside with what stands in them."""
    tab, language = eyes
    page = tab.open(f"/drop-off?{world.query}&lang={language}").page
    wrote = texts(page, ".st-key-card_said table td:last-child")
    assert {text for text in wrote if len(text) > 25} <= set(world.comments) and len(
        set(wrote) & set(world.comments)
    ) == 4
    assert set(TEXTS[:3]) & set(texts(page, ".st-key-card_apart td bdi"))
    assert made_of_data(page) == []
    tab.open(f"/stages?{world.query}&lang={language}&persona={quote(TEXTS[1])}")
    assert clean(TEXTS[1]) in tab.text and made_of_data(page) == []
    tab.open(f"/data?{world.query}&lang={language}")
    assert clean("no day " + TEXTS[5]) in texts(page, ".st-key-card_aside td")
    assert made_of_data(page) == []
    held = cells_of(saved(page, "all_aside"))
    assert any(TEXTS[6] in cell for cell in held)


def test_comments_of_a_file_before_it_is_imported(eyes: tuple[Visit, str], world: World) -> None:
    """The first rows, the questions and every reason on the upload page."""
    tab, language = eyes
    page = tab.open(f"/data?lang={language}").page
    page.set_input_files("input[type=file]", str(world.files[1]))
    page.locator(".st-key-upload_discard button").wait_for(timeout=60_000)
    for summary in tab.settle().page.locator(".st-key-card_upload summary").all():
        summary.click()
    grid = page.locator(".st-key-card_upload [role=gridcell]")
    grid.filter(has_text=TEXTS[0][:20]).first.wait_for(state="attached", timeout=30_000)
    assert made_of_data(page) == []
    page.locator(".st-key-upload_discard button").click()
    tab.settle()
