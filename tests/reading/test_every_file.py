"""Every file of the test data, from the upload to typed rows: read or refused as its README says, and no row is lost.

A file that fits no table is said to, with its columns; then its rows are read as customers, so that they are counted all the same.
"""

from __future__ import annotations

import json
import os
import random
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cx_metrics.errors import FileProblem, MappingProblem, TouchlineError
from cx_metrics.reading import FileMapping, PlainTable, default_mapping, open_upload, recognise

from .conftest import READERS

TestData = Callable[[str], Path]
ROOT = Path(os.environ.get("TOUCHLINE_TEST_DATA", "/no such folder"))
NO_FILES = [pytest.param("", marks=pytest.mark.skip("TOUCHLINE_TEST_DATA is not set"))]
POLLOCK = "dirty_csv/pollock_polluted/polluted_files.tar.xz"
APART = {".md", ".xz"}  # what says what the files are; and the archive of variants, whose files are read below
LARGE = {  # 200,000 rows and more; the others of its set are as it is
    "completejourney/transactions.csv.gz",
}


@dataclass(frozen=True)
class Said:
    """What the README of a file says: the table it holds (None: none of ours), its rows (None: not stated), and words with which
    it must be refused."""

    table: str | None = None
    rows: int | None = None
    words: str = ""


NO_TABLE = "was not recognised"
MISSING = "no column was found for"
SAID = {
    "airline_tweets/Tweets.csv.gz": Said("surveys", 14_640),
    "arabic_reviews/RES1_restaurants.csv.gz": Said("surveys", 8_364),
    "arabic_reviews/ATT_attractions.csv.gz": Said("surveys", 2_154),
    "bpi12_workitems/bpi_12_w.csv.gz": Said("touchpoints", 72_413),
    "cdnow_sample/cdnowElog.csv": Said(None, 6_919, NO_TABLE),  # purchases without a touchpoint
    "cdnow_sample/cdnow_customers_summary.csv": Said("customers", 2_357),
    "channel_paths/PathData.csv.gz": Said(None, 10_000, NO_TABLE),  # paths that were added up
    "completejourney/transactions.csv.gz": Said(None, 291_501, MISSING),
    "completejourney/demographics.csv": Said("customers", 151),
    "completejourney/campaigns.csv": Said(None, 1_251, MISSING),
    "completejourney/coupon_redemptions.csv": Said(None, 420, MISSING),
    "completejourney/campaign_descriptions.csv": Said(None, 27, MISSING),
    "completejourney/products.csv.gz": Said(None, None, NO_TABLE),
    "cookie_cats/cookie_cats.csv.gz": Said("customers", 90_189),
    "helpdesk_tickets/helpdesk.csv": Said("touchpoints", 13_710),
    "hillstrom_email/hillstrom.csv.gz": Said(None, 64_000, MISSING),  # customers without an id
    "kag_facebook_ads/KAG_conversion_data.csv": Said("spend", 1_143),
    "olist_journey/touchpoints.csv.gz": Said("touchpoints", 23_803),
    "olist_journey/survey.csv.gz": Said("surveys", 3_986),
    "olist_marketing_funnel/olist_marketing_qualified_leads_dataset.csv.gz": Said(None, 8_000, NO_TABLE),
    "olist_marketing_funnel/olist_closed_deals_dataset.csv": Said(None, 842, NO_TABLE),
    "olist_sample/olist_orders_dataset.csv.gz": Said("touchpoints", 4_000),
    "olist_sample/olist_order_reviews_dataset.csv.gz": Said("surveys", 3_986),
    "olist_sample/olist_customers_dataset.csv": Said("customers", 4_000),
    "olist_sample/olist_order_items_dataset.csv.gz": Said(None, 4_519, MISSING),
    "olist_sample/olist_order_payments_dataset.csv": Said(None, 4_161, NO_TABLE),
    "olist_sample/olist_products_dataset.csv": Said(None, None, NO_TABLE),
    "olist_sample/product_category_name_translation.csv": Said(None, None, NO_TABLE),
    "online_shoppers/online_shoppers_intention.csv.gz": Said(None, 12_330, NO_TABLE),
    "persian_snappfood/snappfood_test.tsv.gz": Said("surveys", 7_000),
    "retentioneering_ecom/ecom.csv.gz": Said("touchpoints", 31_106),
    "russian_bank_texts/test_250_reviews.csv": Said("surveys", 250),
    "sepsis/sepsis.csv.gz": Said("touchpoints", 15_214),
    "sfo_survey/2011_SFO_Customer_Survey.csv.gz": Said("surveys", 3_872),
    "sfo_survey/2013_SFO_Customer_Survey.csv.gz": Said("surveys", 3_535),
    "sfo_survey/2015_SFO_Customer_Survey.csv.gz": Said("surveys", 2_958),
    "sfo_survey/2017_SFO_Customer_Survey.csv.gz": Said("surveys", 2_831),
    "simple_shop/simple-onlineshop.csv.gz": Said("touchpoints", 32_283),
    "simple_shop/ab_test_demo.csv.gz": Said("touchpoints", 33_279),
    "skytrax_seat/seat.csv.gz": Said("surveys", 1_258),
    "support_tickets_synthetic/customer_support_tickets.csv": Said("surveys", 1_000),
    "telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv.gz": Said("customers", 7_043),
    "encodings/persian_utf16le_excel_tab.txt": Said("surveys", 400),
    "encodings/arabic_windows1256_semicolon_decimal_comma.csv": Said("surveys", 400),
    "encodings/russian_windows1251_semicolon_decimal_comma.csv": Said("surveys", 250),
    "encodings/russian_koi8r_tab.tsv": Said("surveys", 250),
    "encodings/persian_digits_jalali_dates_utf8bom.csv": Said("touchpoints", 2_000),
    "encodings/arabic_indic_digits_am_pm_arabic.csv": Said("touchpoints", 2_000),
    "formats/ga4/Reports_snapshot_multi_section_with_comments.csv": Said(),
    "formats/ga4/Pages_and_screens_no_comment_lines.csv": Said(None, None, "is a report of Google Analytics 4"),
    "formats/matomo/csvExport__Live.getLastVisitsDetails_day.csv": Said("touchpoints"),
    "formats/matomo/OneVisitorTwoVisits_csv__API.get_month.csv": Said(None, None, "is a report of Matomo"),
    "formats/qualtrics/qualtrics_v3_german_3_header_rows.csv": Said("surveys"),
    "formats/qualtrics/qualtrics_legacy_2_header_rows.csv": Said("surveys"),
    "formats/surveymonkey/StarWars_2_header_rows_latin1.csv": Said("surveys", 1_186),
    "formats/limesurvey/results-survey_german_question_text.csv": Said("surveys", 53),
    "dirty_csv/csvkit/empty.csv": Said(None, None, "is empty"),
    "dirty_csv/naughty_strings/blns.json": Said(None, None, "no object with named values"),  # a list of texts
    "dirty_csv/csv_injection/formula_and_html_injection.csv": Said(None, 14),
}  # fmt: skip
FILES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.*") if path.is_file() and path.suffix not in APART)


def said_of(name: str) -> Said:
    """What is said of a file; of csv-spectrum by the right answer beside it."""
    path = ROOT / name
    if "csv-spectrum" not in name:
        return SAID.get(name, Said())
    known = json.loads((path.parents[1] / "expected_json" / f"{path.stem}.json").read_text())
    return Said(None, len(known) if isinstance(known, list) else 1, NO_TABLE)


def account(plain: PlainTable) -> tuple[str | None, int, str]:
    """The table a file is read as (None: said to be none), its rows after all were found loaded or reported, and what was said."""
    table, words = None, ""
    try:
        mapping = default_mapping(plain.raw, recognise(plain.raw))
        table = mapping.table
    except MappingProblem as unclear:
        words = str(unclear)
        assert 20 < len(words) < 2500
        mapping = FileMapping("customers", {"customer_id": plain.raw.header[0]}, plain.raw.header[1:])
    typed = READERS[mapping.table](plain.raw, mapping)
    loaded = sum(batch.num_rows for batch in typed.batches)
    report = typed.report
    assert (report.loaded, report.loaded + report.set_aside) == (loaded, report.rows)
    assert sum(group.count for group in report.reasons) == report.set_aside
    assert all(str(group.counted) for group in report.reasons) and all(map(str, report.notes))
    return table, report.file_rows, words


def read_through(name: str, folder: Path) -> None:
    said = said_of(name)
    path = ROOT / name
    try:
        tables = open_upload(path, path.name, folder)
    except FileProblem as refused:
        assert said.words and said.words in str(refused)
        return
    found = [account(plain) for plain in tables]
    if said.table is not None:
        assert [table for table, _, _ in found] == [said.table]
    if said.rows is not None:
        assert [rows for _, rows, _ in found] == [said.rows]
    assert all(said.words in words for _, _, words in found)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long) if n in LARGE else n for n in FILES] or NO_FILES
)
def test_every_file_is_read_or_refused_as_its_readme_says(name: str, tmp_path: Path) -> None:
    read_through(name, tmp_path)


@pytest.mark.skipif(not FILES, reason="TOUCHLINE_TEST_DATA is not set")
def test_nothing_is_said_of_files_that_are_not_there() -> None:
    assert set(SAID) <= set(FILES)
    assert len(FILES) > 120


def variants(test_data: TestData, folder: Path, chosen: int | None) -> list[Path]:
    """Files of Pollock: the same table with one defect each; of all, or of a sample that is always the same."""
    with tarfile.open(test_data(POLLOCK)) as packed:
        members = [m for m in packed.getmembers() if m.isfile() and Path(m.name).parent.name == "csv"]
        assert len(members) == 2_290
        members = random.Random(2290).sample(members, chosen) if chosen else members
        packed.extractall(folder, members, filter="data")
    return sorted(folder.rglob("*.csv"))


def check_variants(paths: list[Path], folder: Path) -> None:
    """Each row of a variant is loaded or reported: 83 of them, unless rows are what was changed; or it is refused in words."""
    read = 0
    for number, path in enumerate(paths):
        (folder / str(number)).mkdir(parents=True)
        try:
            tables = open_upload(path, path.name, folder / str(number))
        except TouchlineError as refused:
            assert 20 < len(str(refused)) < 1000
            continue
        found = [account(plain) for plain in tables]
        read += 1
        if path.name.startswith("row_"):
            assert [rows for _, rows, _ in found] == [83], path.name
    assert read > 0.95 * len(paths)


def test_a_sample_of_the_variants_of_one_file(test_data: TestData, tmp_path: Path) -> None:
    check_variants(variants(test_data, tmp_path / "variants", 30), tmp_path / "made")


@pytest.mark.long
def test_all_variants_of_one_file(test_data: TestData, tmp_path: Path) -> None:
    check_variants(variants(test_data, tmp_path / "variants", None), tmp_path / "made")
