"""A survey of four years, as its owner publishes it, on the Data page: what is asked, the NPS, and the years side by side."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cx_metrics.workspace import Workspace
from tests.browser.conftest import Server, Visit

YEARS = (2011, 2013, 2015, 2017)


@pytest.mark.long
def test_an_airport_survey_of_four_years(tab: Visit, server: Server, test_data: Callable[[str], Path]) -> None:
    """README of the data: NPS 39.84 of 2,746 answers (1,436 promoters, 968 passives, 342 detractors); 84 said 11, don't know. Only
    the last year asked for it; the year in the name of a file is its wave."""
    tab.open("/data?lang=en")
    files = [str(test_data(f"sfo_survey/{year}_SFO_Customer_Survey.csv.gz")) for year in YEARS]
    tab.page.set_input_files("input[type=file]", files)
    tab.page.get_by_role("button", name="Discard", exact=True).wait_for(timeout=120_000)
    assert "“Q21” answers on a scale, as the other questions are?" in tab.settle().text.replace('"Q21"', "“Q21”")
    assert "Income" not in tab.text and "It has the column “NETPRO”." in tab.text.replace('"NETPRO"', "“NETPRO”")
    tab.page.get_by_text("Each of these columns is a record of its own").last.click()
    tab.settle().page.get_by_role("button", name="Import", exact=True).click()
    tab.page.get_by_role("heading", name=re.compile("13,196 rows of your files are")).wait_for(timeout=240_000)
    tab.settle().page.get_by_text("What was assumed while reading").click()
    assert "84 answers mean that nothing was answered (11) and count as missing." in tab.settle().text
    query = tab.page.url.split("?", 1)[1]

    tab.open(f"/voice?{query}")
    card = tab.page.locator(".st-key-card_nps")
    assert "2,746 responses" in card.inner_text() and card.locator(".tl-hero strong").inner_text() == "40"
    assert re.findall(r"\d+(?=%)", card.locator(".tl-split").inner_text()) == ["52", "35", "12"]  # of 2,746
    waves = tab.page.locator(".st-key-card_scores_wave tbody tr")
    rows = {cells[0]: cells for cells in (row.locator("td").all_inner_texts() for row in waves.all())}
    assert list(rows) == [str(year) for year in YEARS]
    assert [rows[str(year)][1] for year in YEARS] == ["–", "–", "–", "40"]
    assert all(cells[4].endswith("%") and cells[6] for cells in rows.values())  # satisfied, of the answers of each year
    tab.page.locator(".st-key-card_nps .st-key-explain_nps button").click()
    with tab.page.expect_download() as saving:
        tab.page.locator(".st-key-csv_nps button:visible").click()
    (row,) = csv.DictReader(io.StringIO(Path(saving.value.path()).read_text(encoding="utf-8-sig")))
    assert [row[name] for name in ("responses", "promoters", "passives", "detractors")] == [
        "2746",
        "1436",
        "968",
        "342",
    ]
    assert round(float(row["nps"]), 2) == 39.84
    Workspace(server.workspace).delete(query.split("ds=")[1][:32])
