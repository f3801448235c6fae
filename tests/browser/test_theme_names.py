"""Themes are named, merged and hidden in the grid on the Voice page: kept with the dataset, and still there after a reload."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cx_metrics import importing
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.workspace import Workspace
from tests.browser.conftest import Server, Visit

TOPICS = ("the delivery courier parcel was late", "the price was too expensive without a discount",
          "the website login page was broken", "the staff at the desk were very friendly")  # fmt: skip
ROW = 35  # pixels of the grid
HIDDEN = 0.39  # of its width, where the boxes of its second column stand
GRID = '.st-key-theme_edits [data-testid="stDataFrame"]'
TABLE = ".st-key-card_themes tbody tr"


def imported(server: Server, folder: Path) -> str:
    path = folder / "answers.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["response_id", "answered_at", "survey_type", "score", "comment"])
        for i in range(240):
            at = datetime(2026, 1, 5, 9) + timedelta(hours=i)
            out.writerow([f"r{i}", at, "nps", 10 if i % 4 == 3 else i % 7, f"{TOPICS[i % 4]} again {i}"])
    workspace = Workspace(server.workspace)
    dataset = workspace.create("themes")
    importing.import_version(workspace, dataset, Plan((ImportFile(path, path.name),)))
    return dataset


def counts(tab: Visit) -> dict[str, int]:
    """The themes on the page and how many comments have each."""
    tab.page.locator(TABLE).first.wait_for()
    rows = [row.locator("td").all_inner_texts() for row in tab.page.locator(TABLE).all()]
    return {cells[0].strip(): int(cells[1].split()[0].replace(",", "")) for cells in rows}


@pytest.mark.long
def test_themes_are_named_merged_and_hidden_in_the_grid(tab: Visit, server: Server, tmp_path: Path) -> None:
    dataset = imported(server, tmp_path)
    before = counts(tab.open(f"/voice?ds={dataset}&lang=en"))
    assert len(before) == 4 and set(before.values()) == {60}  # of 240 comments on four topics
    tab.page.locator(".st-key-theme_edits summary").click()
    grid = tab.page.locator(GRID)
    grid.scroll_into_view_if_needed()
    tab.settle()
    box = grid.bounding_box()
    assert box
    hidden = (
        grid.locator("[role=gridcell]").nth(2 * 4).text_content()
    )  # the name in the third of the rows of four cells
    for row in (0, 1):  # two themes get one name
        tab.page.mouse.click(box["x"] + 60, box["y"] + ROW * (row + 1.5))
        tab.page.keyboard.type("Getting it", delay=30)
        tab.page.keyboard.press("Enter")
        tab.settle()
    names = [cell.text_content() for cell in grid.locator("[role=gridcell]").all()]
    assert names[0] == names[4] == "Getting it"
    tab.page.mouse.click(box["x"] + HIDDEN * box["width"], box["y"] + ROW * 3.5)  # the box of the third
    tab.settle()
    tab.shot("themes-grid")
    tab.page.get_by_role("button", name="Keep these names", exact=True).click()
    tab.page.wait_for_url("**/data?**v=2**", timeout=120_000)
    tab.settle()
    for _ in range(2):  # and once more after a reload
        after = counts(tab.open(f"/voice?ds={dataset}&lang=en"))
        assert after["Getting it"] == 120 and hidden not in after and len(after) == 2
    tab.shot("themes-kept")
    Workspace(server.workspace).delete(dataset)
