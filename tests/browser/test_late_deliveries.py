"""Orders of a shop joined with their reviews: a late delivery is what goes with a bad score, on the page as in the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cx_metrics.workspace import Workspace
from tests.browser.conftest import Server, Visit


@pytest.mark.long
def test_late_deliveries_go_with_bad_scores(
    tab: Visit, server: Server, tmp_path: Path, test_data: Callable[[str], Path]
) -> None:
    """The mean scores are taken from the files here: 2.43 late, 4.29 on time (README of the data)."""
    orders = pd.read_csv(test_data("olist_sample/olist_orders_dataset.csv.gz"))
    reviews = pd.read_csv(test_data("olist_sample/olist_order_reviews_dataset.csv.gz"))
    joined = reviews.merge(orders[orders["order_delivered_customer_date"].notna()], on="order_id")
    late = joined["order_delivered_customer_date"] > joined["order_estimated_delivery_date"]
    means = joined["review_score"].groupby(late).mean()
    assert [round(float(means[side]), 2) for side in (True, False)] == [2.43, 4.29]
    table = joined.assign(late=late.map({True: "yes", False: "no"}), state="any")
    table = table[["review_id", "customer_id", "review_answer_timestamp", "review_score", "late"]]
    path = tmp_path / "reviews.csv"
    table.rename(columns={"review_answer_timestamp": "answered_at", "review_score": "csat_score"}).to_csv(
        path, index=False
    )

    tab.open("/data?lang=en")
    tab.page.set_input_files("input[type=file]", str(path))
    tab.page.get_by_role("button", name="Discard", exact=True).wait_for(timeout=60_000)
    tab.settle().page.get_by_role("button", name="Import", exact=True).click()
    tab.page.get_by_role("heading", name="rows of your files are loaded").wait_for(timeout=120_000)
    query = tab.settle().page.url.split("?", 1)[1]
    tab.open(f"/voice?{query}")
    card = tab.page.locator(".st-key-card_drivers")
    card.get_by_role("combobox", name="Set beside the score").click()
    tab.page.get_by_role("option", name="late", exact=True).click()
    card.locator("tbody tr").first.wait_for()
    tab.settle()
    tab.shot("late-deliveries")
    said = card.inner_text()
    first = card.locator("tbody tr").first.inner_text()
    assert "late" in first, said
    assert "−" in first, said  # the later, the worse
    Workspace(server.workspace).delete(query.split("ds=")[1][:32])
