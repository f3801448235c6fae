"""The pages about one touchpoint and about groups of customers: what is chosen stands in the address, names are data, and small
groups stay unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs

import pandas as pd
import pytest
import streamlit as st

from cx_metrics import importing
from cx_metrics.group_differences import against_the_rest
from cx_metrics.view import Filter, View
from cx_metrics.workspace import Workspace
from pages.parts.keeping import ANSWERS
from pages.parts.language import PageReader
from pages.parts.markup import Markup
from pages.parts.profile import who_met
from tests.pages.test_every_page import CUSTOMERS, HOSTILE, answers, journeys, markup, opened, words

HEADS = "customer_id,occurred_at,touchpoint,channel"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Three datasets: with personas and answers, with hostile names, and the first one with small groups protected."""
    folder = tmp_path_factory.mktemp("profiles")
    workspace, ids = Workspace(folder / "workspace"), {}
    both = {"touchpoints": journeys(HEADS), "surveys": answers("nps", 0, 10), "customers": CUSTOMERS}
    for name, tables in {"both": both, "hostile": {"touchpoints": journeys(HEADS, HOSTILE)}, "protected": both}.items():
        files = []
        for table, text in tables.items():
            files.append(folder / f"{name}_{table}.csv")
            files[-1].write_text(text, encoding="utf-8")
        ids[name] = workspace.create(name)
        importing.import_version(
            workspace, ids[name], importing.Plan(tuple(importing.ImportFile(f, f.name) for f in files))
        )
    workspace.protect(ids["protected"], True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHLINE_WORKSPACE", str(workspace.root))
        st.cache_resource.clear()
        ANSWERS.forget()
        yield ids
    st.cache_resource.clear()
    ANSWERS.forget()


def test_the_touchpoint_of_the_address_is_shown_and_a_choice_is_kept_there(kept: dict[str, str]) -> None:
    app = opened(kept["both"], "touchpoint", **{"touchpoint.name": "Cart"})
    assert app.selectbox(key="profile_name").value == "Cart" and "Cart reaches" in words(app)
    app.selectbox(key="profile_name").set_value("Purchase").run()
    assert app.query_params["touchpoint.name"] == "Purchase" and "Purchase reaches" in words(app) and not app.exception


def test_a_touchpoint_that_is_not_there_is_named(kept: dict[str, str]) -> None:
    shown = words(opened(kept["both"], "touchpoint", **{"touchpoint.name": "Nowhere"}))
    assert "the touchpoint Nowhere, which this dataset does not have" in shown and "reaches" in shown


def test_hostile_names_are_data_on_their_page(kept: dict[str, str]) -> None:
    for name in HOSTILE[:2]:
        app = opened(kept["hostile"], "touchpoint", **{"touchpoint.name": name})
        assert not app.exception and "<img src=x>" not in markup(app)
        assert app.selectbox(key="profile_name").value == name


def test_a_name_links_to_its_profile_under_the_same_view(kept: dict[str, str]) -> None:
    found = markup(opened(kept["both"], "stages", persona="Saver"))
    links = [parse_qs(unescape(link)) for link in re.findall(r'href="touchpoint\?([^"]*)"', found)]
    assert {"Website", "Cart", "Purchase"} <= {link["touchpoint.name"][0] for link in links}
    assert all(link["ds"] == [kept["both"]] and link["persona"] == ["Saver"] for link in links)


@pytest.mark.parametrize("name", [*HOSTILE, '"><script>alert(1)</script>', "a&ds=b", "javascript:alert(1)"])
def test_a_link_to_a_profile_holds_the_name_and_nothing_else(name: str) -> None:
    link = str(Markup(PageReader(), "ds=1").profile(name))
    (href,) = re.findall(r'href="([^"]*)"', link)
    assert re.fullmatch(r"touchpoint\?ds=1&amp;touchpoint\.name=[A-Za-z0-9%+_.~-]*", href)
    assert parse_qs(unescape(href).partition("?")[2])["touchpoint.name"] == [name]
    assert link.count("<a ") == 1 and "<script" not in link and "<img" not in link


def test_a_file_has_names_without_links() -> None:
    assert "href" not in Markup(PageReader()).profile("Cart")


def test_who_met_a_touchpoint_are_those_of_the_view_who_did(kept: dict[str, str]) -> None:
    assert who_met(View(), "Cart") == View(touchpoints=(Filter("touchpoint", ("Cart",)),))
    filtered = View(touchpoints=(Filter("channel", ("web",)),))
    assert who_met(filtered, "Cart").touchpoints == filtered.touchpoints  # and who met it is a segment beside
    assert [member.condition for member in who_met(filtered, "Cart").members] == ["touchpoint=Cart"]
    shown = markup(opened(kept["both"], "touchpoint", **{"touchpoint.name": "Cart", "channel": "web"}))
    found = re.findall(r'tl-label">(.*?)</p>.*?tl-range">(.*?)</p>', shown, re.DOTALL)
    ranges = {unescape(re.sub(r"<[^>]+>", "", label)): re.sub(r"<[^>]+>", "", n) for label, n in found}
    met = ranges["Frequency"].rpartition("n ")[2]
    assert int(met) > 0 and ranges["Conversion of those who met it"].rpartition("n ")[2] == met


def test_groups_by_the_attribute_of_the_address(kept: dict[str, str]) -> None:
    app = opened(kept["both"], "personas", **{"personas.column": "nothing"})
    assert "groups by nothing, which this dataset does not have" in words(app)
    shown = words(app)
    assert "Saver" in shown and "Family" in shown and "Groups beside each other" in shown and "Kind 1" in shown


def test_kinds_of_journeys_alone_where_nothing_is_known_of_customers(kept: dict[str, str]) -> None:
    app = opened(kept["hostile"], "personas")
    assert not app.exception and "Nothing is known of these customers" in words(app) and "Kind 1" in words(app)
    assert "<img src=x>" not in markup(app)


@pytest.mark.parametrize("page", ["touchpoint", "personas"])
def test_protected_small_groups_leave_the_pages_standing(kept: dict[str, str], page: str) -> None:
    app = opened(kept["protected"], page)
    assert not app.exception and re.findall(r"<h1>(.*?)</h1>", markup(app), re.DOTALL)


def test_false_discoveries_are_counted_over_all_groups_and_measures() -> None:
    # p-values of METRICS §0: .005 .01 .03 .04 .2 give .025 .025 .05 .05 .2 over all five together
    def rows(*found: tuple[str, float]) -> pd.DataFrame:
        return pd.DataFrame({
            "measure": [m for m, _p in found], "n_a": 50, "value_a": 0.5, "value_a_low": 0.4, "value_a_high": 0.6, "value_b": 0.3,
            "difference": 0.2, "difference_low": 0.1, "difference_high": 0.3, "p_value": [p for _m, p in found],
        })  # fmt: skip

    traits = pd.DataFrame({
        "persona": ["A", "B"], "kind": "stage", "trait": ["action", "action"], "customers": 50, "share": 0.5, "share_low": 0.4,
        "share_high": 0.6, "share_of_others": 0.3, "difference": 0.2, "difference_low": 0.1, "difference_high": 0.3,
        "p_value": [0.04, 0.2], "q_value": 1.0, "flagged": False,
    })  # fmt: skip
    compared = {"A": [rows(("nps", 0.005), ("responses", 0.9))], "B": [rows(("nps", 0.01)), rows(("csat", 0.03))]}
    found = against_the_rest(compared, ["nps", "csat"], traits, "persona", "stage")
    assert found["q_value"].tolist() == pytest.approx([0.025, 0.025, 0.05, 0.05, 0.2])
    assert found["flagged"].tolist() == [True, True, True, True, False]
    assert found["group"].tolist() == ["A", "B", "B", "A", "B"]
