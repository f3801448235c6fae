"""Every page of odd datasets: it opens with a finding, raises nothing, and shows the numbers that `run` gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cx_metrics import importing
from cx_metrics.engines import Store, open_store
from cx_metrics.run import people, run
from cx_metrics.view import Filter, View
from cx_metrics.workspace import Workspace
from pages.parts import drawn
from pages.parts.keeping import ANSWERS
from pages.parts.language import PageReader

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "overview": "start/overview.py", "flow": "behaviour/flow.py", "drop-off": "behaviour/drop_off.py",
    "stages": "behaviour/stages.py", "channels": "behaviour/channels.py", "voice": "opinion/voice.py",
    "data": "start/data.py", "definitions": "trust/definitions.py", "touchpoint": "behaviour/touchpoint.py",
    "personas": "behaviour/personas.py", "views": "start/views.py",
}  # fmt: skip
NAMES = ("Website", "Cart", "Purchase", "Support")
HOSTILE = ("<img src=x>[a](http://b)$x$", "{n}|,?@2d", ":red[x] **b**", "__proto__")
START = datetime(2026, 1, 5, 9)
TITLES = {page: page.capitalize() for page in PAGES} | {"flow": "Journey flow"}

Tables = dict[str, str]


def journeys(header: str, names: tuple[str, ...] = NAMES, customers: int = 48) -> str:
    """Touchpoints: each customer takes the first one to four names in turn, an hour apart."""
    values = {
        "occurred_at": lambda u, i: (START + timedelta(days=u, hours=i)).isoformat(),
        "sequence": lambda u, i: str(10 * u + i),
        "customer_id": lambda u, _i: f"c{u}",
        "touchpoint": lambda _u, i: '"' + names[i] + '"',
        "channel": lambda u, i: ("web", "app", "store")[(u + i) % 3],
        "duration_seconds": lambda u, i: str(10 * u + i) if u % 2 else "",
        "clicks": lambda u, i: "n/a" if (u, i) == (3, 0) else str(i),
    }
    rows = [
        ",".join(values[c](u, i) for c in header.split(",")) for u in range(customers) for i in range(1 + u * 7 % 4)
    ]
    return "\n".join([header, *rows])


def answers(kind: str, low: int, high: int, about: bool = True, count: int = 70) -> str:
    """Survey answers of one kind, about the first three touchpoints in turn."""
    rows = [
        f"r{i},c{i % 40},{START + timedelta(days=i)},{kind},{low},{high},{low + i * i % (high - low + 1)},"
        f"word {i},{NAMES[i % 3] if about else ''},{('web', 'app')[i % 2] if about else ''}"
        for i in range(count)
    ]
    head = "response_id,customer_id,answered_at,survey_type,scale_low,scale_high,score,comment,touchpoint,channel"
    return "\n".join([head, *rows])


COMMENTS = "\n".join(
    ["response_id,answered_at,comment", *(f"r{i},2026-01-{1 + i % 28:02},long words {i}" for i in range(20))]
)
CUSTOMERS = "\n".join(["customer_id,persona", *(f"c{u},{('Saver', 'Family')[u % 2]}" for u in range(48))])
DATASETS: dict[str, Tables] = {
    "both": {"touchpoints": journeys("customer_id,occurred_at,touchpoint,channel"), "surveys": answers("nps", 0, 10),
             "customers": CUSTOMERS},
    "touchpoints": {"touchpoints": journeys("customer_id,occurred_at,touchpoint,channel")},
    "answers": {"surveys": answers("nps", 0, 10)},
    "effort": {"surveys": answers("ces", 1, 7, about=False)},
    "two scales": {"surveys": answers("ces", 1, 7), "more": answers("ces", 1, 5)},
    "comments": {"surveys": COMMENTS},
    "rating": {"surveys": answers("rating", 1, 10, about=False)},
    "order": {"touchpoints": journeys("customer_id,sequence,touchpoint")},
    "one": {"touchpoints": journeys("customer_id,occurred_at,touchpoint", customers=2)},
    "hostile": {"touchpoints": journeys("customer_id,occurred_at,touchpoint,channel", HOSTILE) + "\n=1+1,never,Cart,web"},
    "measured": {"touchpoints": journeys("customer_id,occurred_at,touchpoint,channel,duration_seconds,clicks")},
}  # fmt: skip


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A workspace with all of them, as the server of these tests; ids by name."""
    folder = tmp_path_factory.mktemp("pages")
    workspace = Workspace(folder / "workspace")
    ids = {}
    for name, tables in DATASETS.items():
        files = []
        for table, text in tables.items():
            files.append(folder / f"{len(ids)}_{table}.csv")
            files[-1].write_text(text, encoding="utf-8")
        ids[name] = workspace.create(name)
        importing.import_version(
            workspace, ids[name], importing.Plan(tuple(importing.ImportFile(f, f.name) for f in files))
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHLINE_WORKSPACE", str(workspace.root))
        st.cache_resource.clear()
        ANSWERS.forget()
        yield ids
    st.cache_resource.clear()
    ANSWERS.forget()


@pytest.fixture
def store(datasets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The data behind "both"."""
    workspace = Workspace(next(tmp_path_factory.getbasetemp().glob("pages*/workspace")))
    version = workspace.current(datasets["both"])
    return open_store(version.path, version.facts)


def opened(dataset: str, page: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in {"ds": dataset, "lang": "en", **address}.items():
        app.query_params[name] = value
    if page in ("overview", "drop-off"):  # a page whose address is not the name of its file is known after a first run
        app.run()
    return app if page == "overview" else turned(app, page)


def turned(app: AppTest, page: str) -> AppTest:
    """The same reader on another page."""
    app.switch_page(f"pages/{PAGES[page]}").run()
    assert app.exception or TITLES[page] in re.findall(r'tl-eyebrow">(.*?)</p>', markup(app))[0]
    return app


def markup(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def words(app: AppTest) -> str:
    """What a reader reads: the markup without its tags."""
    return unescape(re.sub(r"<[^>]+>", "", markup(app)))


def test_all_rows_set_aside_are_offered_as_a_file(datasets: dict[str, str]) -> None:
    (offered,) = [b for b in opened(datasets["hostile"], "data").get("download_button") if "set aside" in b.proto.label]
    assert offered.proto.label.replace("\\", "") == "CSV of the 1 row set aside, as it stands in its file"
    assert not [b for b in opened(datasets["both"], "data").get("download_button") if "set aside" in b.proto.label]


@pytest.mark.parametrize("name", DATASETS)
def test_every_page_opens_with_a_finding(datasets: dict[str, str], name: str) -> None:
    app = opened(datasets[name], "overview")
    for page in PAGES:
        turned(app, page)
        assert [e.message for e in app.exception] == [], page
        found = [unescape(re.sub(r"<[^>]+>", "", h)) for h in re.findall(r"<h1>(.*?)</h1>", markup(app), re.DOTALL)]
        assert len(found) == 1 and found[0].strip(), page
        assert not found[0].startswith("0 customers"), page
        assert "<img src=x>" not in markup(app), page


class TestOddDatasets:
    """What a page says where something is missing."""

    def test_a_score_that_cannot_be_counted_is_said_and_the_page_stays(self, datasets: dict[str, str]) -> None:
        for page in ("overview", "voice"):
            shown = words(opened(datasets["two scales"], page))
            assert "Effort scores on different scales cannot be averaged" in shown
            assert "Customers gave 140 answers" in shown

    def test_answers_alone_give_stages_and_channels_their_scores(self, datasets: dict[str, str]) -> None:
        assert "Scores by the channel the answer is about" in words(opened(datasets["answers"], "channels"))
        assert "Scores by the touchpoint the answer is about" in words(opened(datasets["answers"], "stages"))
        for page in ("stages", "channels"):
            assert "No touchpoints yet" in words(opened(datasets["effort"], page))

    def test_comments_alone_are_shown(self, datasets: dict[str, str]) -> None:
        shown = words(opened(datasets["comments"], "voice"))
        assert "Customers gave 20 answers" in shown and "20 of 20 comments" in shown
        assert "Take away a filter" not in shown

    def test_ratings_alone_are_told_by_question(self, datasets: dict[str, str]) -> None:
        """70 answers, 1 + i² modulo 10 for i from 0: seven rounds of 1 2 5 10 7 6 7 10 5 2, whose mean is 5.5."""
        shown = words(opened(datasets["rating"], "voice"))
        assert "is rated 5.5 on average, on a scale from 1 to 10" in shown
        assert re.search(r"The answer given most often is (2|5|7|10), by 20%", shown)  # one of four, 14 times each

    def test_no_window_and_no_bounce_without_time(self, datasets: dict[str, str]) -> None:
        app = opened(datasets["order"], "drop-off")
        assert "funnel_window" not in [box.key for box in app.selectbox]
        assert "In this order" in words(app) and not re.search("longest wait|within 14 days", words(app))
        shown = words(opened(datasets["order"], "stages"))
        assert "Bounce" not in shown and "30 minutes" not in shown

    def test_steps_that_the_dataset_does_not_have_are_named(self, datasets: dict[str, str]) -> None:
        shown = words(opened(datasets["both"], "drop-off", **{"funnel.steps": "Website,Nowhere,Cart?"}))
        assert "Nowhere" in shown and "Cart (optional)" in shown and "reach Cart" in shown

    def test_engagement_can_be_looked_at_by_channel_and_a_link_keeps_it(self, datasets: dict[str, str]) -> None:
        app = opened(datasets["both"], "stages")
        assert "Engagement by stage" in words(app) and "Engagement by channel" not in words(app)
        app.button_group(key="engagement_by").set_value("channel").run()
        assert "Engagement by channel" in words(app) and not app.exception
        assert app.query_params["contact_measures.per"] == "channel"
        linked = words(opened(datasets["both"], "stages", **{"contact_measures.per": "channel"}))
        assert "Engagement by channel" in linked
        finer = words(opened(datasets["both"], "stages", **{"contact_measures.per": "touchpoint"}))
        assert "Engagement by stage" in finer  # touchpoints have a card of their own

    def test_exposure_is_shown_for_the_touchpoints_of_the_address(self, datasets: dict[str, str]) -> None:
        asked = {"exposure_curve.touchpoint": "Cart", "goal": "Purchase"}
        app = opened(datasets["both"], "stages", **asked)
        assert app.multiselect(key="exposure_touchpoints").value == ["Cart"]
        assert "by number of contacts before" in words(app)

    def test_no_exposure_without_a_goal_and_no_days_without_time(self, datasets: dict[str, str]) -> None:
        shown = words(opened(datasets["order"], "stages"))
        assert "Stickiness" not in shown and "number of days" not in shown
        goalless = words(opened(datasets["hostile"], "stages"))
        assert "by number of contacts" not in goalless and "Stickiness by month" in goalless

    def test_what_contacts_carry_is_shown_where_a_column_holds_it(self, datasets: dict[str, str]) -> None:
        shown = words(opened(datasets["measured"], "stages", **{"contact_measures.per": "channel"}))
        assert "What contacts carry, by channel" in shown and "Duration, seconds" in shown and "clicks" in shown
        assert "1 values are no plain number" in shown
        assert "What contacts carry" not in words(opened(datasets["both"], "stages"))

    def test_channels_show_engagement_without_a_goal(self, datasets: dict[str, str]) -> None:
        shown = words(opened(datasets["hostile"], "channels"))
        assert "No goal is set" in shown and "Engagement by channel" in shown

    def test_nobody_left_keeps_the_definitions(self, datasets: dict[str, str]) -> None:
        app = opened(datasets["both"], "definitions", **{"from": "2025-01-01", "to": "2025-01-02"})
        assert not app.exception
        assert "Nobody is left in this view" in words(app) and "Net Promoter Score" in words(app)


def reach(store: Store) -> list[str]:
    frame = run("touchpoint_engagement", store).frame
    return [PageReader().percent(float(frame["reach"].max()))]


def first_move(store: Store) -> list[str]:
    frame = run("flow_links", store, steps=4, top=7).frame
    return [f"is made by {int(frame.loc[frame['kind'] == 'move', 'journeys'].max())} journeys"]


def funnel(store: Store) -> list[str]:
    first, last = (run("funnel", store, steps="Website,Cart,Purchase").frame["customers"].iloc[i] for i in (0, -1))
    return [f"{last} of {first} entrants reach Purchase"]


def credited(store: Store) -> list[str]:
    frame = run("channel_performance", store).frame
    return [PageReader().percent(float(rate), 1) for rate in frame["conversion_rate"].dropna()]


def reached(store: Store) -> list[str]:
    """The customers of the most frequent touchpoint, and the share of all that they are."""
    row = run("touchpoint_engagement", store).frame.set_index("touchpoint").loc["Website"]
    return [PageReader().number(int(row["customers"])), PageReader().percent(float(row["reach"]))]


def of_savers(store: Store) -> list[str]:
    """The conversion of one persona, which is that of the view of this persona alone."""
    savers = View(customers=(Filter("persona", ("Saver",)),))
    return [PageReader().percent(float(run("conversion", store, savers).frame["conversion_rate"].iloc[0]), 1)]


NUMBERS: dict[str, tuple[Callable[[Store], list[str]], dict[str, str]]] = {
    "overview": (
        lambda s: [PageReader().percent(float(run("conversion", s).frame["conversion_rate"].iloc[0]), 1)],
        {},
    ),
    "flow": (first_move, {}),
    "drop-off": (funnel, {"funnel.steps": "Website,Cart,Purchase"}),
    "stages": (reach, {}),
    "channels": (credited, {}),
    "voice": (lambda s: [PageReader().number(float(run("nps", s).frame["nps"].iloc[0]))], {}),
    "touchpoint": (reached, {"touchpoint.name": "Website"}),
    "personas": (of_savers, {}),
    "data": (lambda s: [f"{people(s)['touchpoints']} touchpoints, {people(s)['answers']} answers"], {}),
    "definitions": (lambda s: [f"Touchpoints over all namesStages{people(s)['touchpoints']}"], {}),
}


@pytest.mark.parametrize("page", NUMBERS)
def test_a_number_on_the_page_is_that_of_run(datasets: dict[str, str], store: Store, page: str) -> None:
    expected, address = NUMBERS[page]
    shown = words(opened(datasets["both"], page, **address))
    numbers = expected(store)
    assert numbers and [number for number in numbers if number not in shown] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_chart_can_be_found_again(datasets: dict[str, str], page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a chart is drawn from has plain content: one that holds a page, say, would be drawn anew at every run."""
    nameless: list[str] = []
    known = drawn.fingerprint

    def fingerprint(thing: object) -> str:
        try:
            return known(thing)
        except drawn.NoContentError as problem:
            nameless.append(str(problem))
            raise

    monkeypatch.setattr(drawn, "fingerprint", fingerprint)
    opened(datasets["both"], page)
    assert nameless == []
