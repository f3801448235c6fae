"""Definitions: every metric is there and found, counts agree, queries come when asked for. And Explain, on every figure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cx_metrics import importing
from cx_metrics.registry import METRICS
from cx_metrics.workspace import Workspace
from pages.parts import glossary
from pages.parts.keeping import ANSWERS
from pages.parts.language import PageReader
from tests.pages.test_every_page import CUSTOMERS, answers, journeys

ROOT = Path(__file__).resolve().parents[2]
BARE = {"names", "versions", "words", "family_"}  # an editor, a list of versions, and explanations themselves


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Touchpoints with channels, answers and personas."""
    folder = tmp_path_factory.mktemp("definitions")
    tables = {"touchpoints": journeys("customer_id,occurred_at,touchpoint,channel"), "surveys": answers("nps", 0, 10),
              "customers": CUSTOMERS}  # fmt: skip
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    workspace = Workspace(folder / "workspace")
    made = workspace.create("shop")
    files = tuple(importing.ImportFile(folder / f"{name}.csv", f"{name}.csv") for name in tables)
    importing.import_version(workspace, made, importing.Plan(files, goal=("Purchase",)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHLINE_WORKSPACE", str(workspace.root))
        st.cache_resource.clear()
        ANSWERS.forget()
        yield made
    st.cache_resource.clear()
    ANSWERS.forget()


def opened(dataset: str, page: str = "trust/definitions", **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in {"ds": dataset, "lang": "en", **address}.items():
        app.query_params[name] = value
    if page:
        app.run()
        app.switch_page(f"pages/{page}.py")
    return clean(app.run())


def clean(app: AppTest) -> AppTest:
    assert [e.message for e in app.exception] == []
    return app


def words(app: AppTest) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", "\n".join(element.proto.body for element in app.get("html"))))


def named(app: AppTest) -> list[str]:
    """The metrics that are shown, by their titles."""
    return [box.label.replace("\\", "") for box in app.expander]


def searched(app: AppTest, text: str) -> AppTest:
    return clean(app.text_input(key="definitions_find").set_value(text).run())


def test_every_metric_is_there_once_and_its_family_is_known(dataset: str) -> None:
    app = opened(dataset)
    assert sorted(named(app)) == sorted(metric.title for metric in METRICS.values())
    assert glossary.OTHERS not in words(app)
    assert all(term in words(app) and meaning in words(app) for term, meaning in glossary.TERMS.items())


def test_the_counts_agree_and_the_verdict_says_so(dataset: str) -> None:
    shown = words(opened(dataset, persona="Saver"))
    verdict = re.search(r"All (\d+) counts agree to the person", shown)
    assert verdict and int(verdict[1]) >= 15
    for count in ("Journeys in the list of whole paths", "Those who are lost, by where they went next",
                  "Conversions credited by last touch", "NPS: promoters, passives and detractors"):  # fmt: skip
        assert count in shown
    assert len(re.findall(r"\byes\b", shown)) == int(verdict[1])


def test_search_finds_by_any_word_in_english_and_in_the_language_of_the_reader(dataset: str) -> None:
    app = searched(opened(dataset), "detractors score")
    assert METRICS["nps"].title in named(app) and METRICS["flow_links"].title not in named(app)
    assert METRICS["nps"].title in named(searched(app, "Reichheld"))
    searched(app, "no-such-word")
    assert named(app) == [] and "No definition has these words" in words(app)
    title = PageReader("ru").gettext(METRICS["nps"].title)
    other = searched(opened(dataset, lang="ru"), title.upper())
    assert title != METRICS["nps"].title and title in named(other)
    assert title in named(searched(other, "net promoter score"))


def test_the_query_and_the_code_of_a_metric_come_when_they_are_asked_for(dataset: str) -> None:
    app = opened(dataset, persona="Saver")
    assert not [block for block in app.code if "SELECT" in block.value or "def " in block.value]
    app.toggle(key="query_of_nps").set_value(True)
    app.toggle(key="code_funnel").set_value(True)
    app.toggle(key="query_of_funnel").set_value(True)
    clean(app.run())
    shown = [block.value for block in app.code]
    asked = [text for text in shown if text.startswith("SELECT")]
    assert len(asked) == 2 and all("$1" in text for text in asked)
    assert any("def funnel(" in text for text in shown)
    assert re.search(r"\$1\s+Saver", words(app))
    assert "followed in memory" in words(app)


class TestExplain:
    """Behind every number: its definition, whom it counts, n, interval, way, query, data."""

    def test_a_card_explains_its_number_and_shows_its_query(self, dataset: str) -> None:
        app = opened(dataset, "opinion/voice", persona="Saver", **{"from": "2026-01-05", "to": "2026-02-28"})
        shown = words(app)
        for part in ("95% interval: adjusted Wald interval", "Rests on (n)", "Persona: Saver", "5 Jan – 28 Feb 2026",
                     "Denominator", "Survey answers, read one by one", "Reichheld", "Fingerprint of the definition"):  # fmt: skip
            assert part in shown, part
        toggles = [toggle.key for toggle in app.toggle if str(toggle.key).startswith("query_")]
        assert toggles
        app.toggle(key=toggles[0]).set_value(True).run()
        assert any("SELECT" in block.value for block in clean(app).code)

    def test_the_way_of_an_answer_has_a_reason(self, dataset: str) -> None:
        reasons = [
            ({"persona": "Saver"}, "sums made at import hold"),
            ({"from": "2026-01-10"}, "what import wrote beside each of them holds"),
            ({"channel": "web", "only": "touchpoints"}, "put in order again"),
        ]  # fmt: skip
        for address, why in reasons:
            assert why in words(opened(dataset, "behaviour/flow", **address))

    def test_the_tiles_have_one_explanation_for_each(self, dataset: str) -> None:
        app = opened(dataset, "")
        tiles = re.findall(r'tl-label"><bdi[^>]*>([^<]*)', "".join(e.proto.body for e in app.get("html")))
        assert named(app) == tiles[: len(named(app))] and len(named(app)) == 4
        for i in range(4):
            app.toggle(key=f"query_tiles_{i}").set_value(True)
        clean(app.run())
        assert len([block for block in app.code if "SELECT" in block.value]) >= 4

    def test_two_sides_have_two_populations(self, dataset: str) -> None:
        shown = words(opened(dataset, "behaviour/channels", persona="Saver", **{"b.persona": "Family"}))
        assert "Population of A" in shown and "Population of B" in shown and "Persona: Family" in shown

    def test_no_figure_is_without_an_explanation(self) -> None:
        found = []
        for path in sorted((ROOT / "pages").rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "figure.card":
                    explained = len(node.args) > 4 or "explain" in [k.arg for k in node.keywords]
                    key = node.args[0]
                    name = key.values[0] if isinstance(key, ast.JoinedStr) else key
                    said = name.value if isinstance(name, ast.Constant) else ast.unparse(key)
                    found += [] if explained or said in BARE else [f"{path.name}: {said}"]
        assert found == []
