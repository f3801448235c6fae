"""Damaged files through the page: whatever is dropped is shown as what it was taken for or refused in words; what is imported
adds up; the page never shows a fault of ours, and the next file is read as if nothing had happened."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.browser.conftest import Visit
from tests.fuzz import cases

IN_THE_SUITE, IN_ALL = 1, 20
SEED = 30_001  # beyond the seeds of `make fuzz`
ENDED = re.compile("rows of your files are loaded|rows loaded|The import failed|could not be imported|Nothing was")


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=[pytest.mark.long] if n >= IN_THE_SUITE else []) for n in range(IN_ALL)]
)
def test_a_damaged_file_is_shown_or_refused_in_words(tab: Visit, tmp_path: Path, number: int) -> None:
    if number and not os.environ.get("TOUCHLINE_TEST_DATA"):
        pytest.skip("TOUCHLINE_TEST_DATA is not set: there is little to damage")
    name, content = next(cases(1, SEED + number))
    path = tmp_path / name
    path.write_bytes(content or b" ")
    tab.open("/data")
    tab.page.set_input_files("input[type=file]", [str(path)])
    tab.page.get_by_role("button", name="Discard", exact=True).wait_for(timeout=60_000)
    tab.settle()
    said = tab.text
    assert tab.page.locator('[data-testid="stException"]').count() == 0
    refused = tab.page.locator(".tl-notice.bad").count()
    button = tab.page.get_by_role("button", name="Import", exact=True)
    assert name in said and (refused or button.count()), said
    if button.count() and button.is_enabled():
        button.click()
        tab.page.get_by_text(ENDED).first.wait_for(timeout=120_000)
        tab.settle()
        assert tab.page.locator('[data-testid="stException"]').count() == 0
        print(f"{name}: {tab.heading}")
    else:
        print(f"{name}: {tab.page.locator('.tl-notice.bad').all_inner_texts()[:1]}")
    assert "20,000 customers" in tab.open("/").text  # the page of the sample stands


def test_two_tables_of_one_file_are_offered_one_by_one(tab: Visit, tmp_path: Path) -> None:
    contacts = "# What did customers do?\ncustomer_id,occurred_at,touchpoint\n"
    contacts += "".join(f"c{i},2026-03-01 10:0{i},Website\n" for i in range(9))
    answers = "# What did they say?\nrespondent,answered at,NPS score,comment\n"
    answers += "".join(f"c{i},2026-03-02,{i},fine\n" for i in range(9))
    path = tmp_path / "both.csv"
    path.write_text(f"{contacts}\n\n{answers}")
    tab.open("/data")
    tab.page.set_input_files("input[type=file]", [str(path)])
    tab.page.get_by_role("button", name="Discard", exact=True).wait_for(timeout=60_000)
    tab.settle()
    assert tab.page.locator("[data-testid=stMain] [data-testid=stCheckbox]").filter(has_text="both.csv").count() == 2
    assert tab.page.get_by_role("combobox", name=re.compile("Encoding")).count() <= 1  # how it is written is asked once
    tab.page.get_by_role("button", name="Import", exact=True).click()
    tab.page.get_by_role("heading", name="All 18 rows of your files are loaded").wait_for(timeout=120_000)
