"""The dictionary of touchpoints: four languages, one meaning a name, likely goals."""

from __future__ import annotations

from collections import defaultdict

import pytest

from cx_metrics.reading import look_up, propose_goal
from cx_metrics.reading.aliases import ALIASES, plain
from cx_metrics.reading.dictionary import LANGUAGES, entries
from cx_metrics.reading.mapping import mappable
from cx_metrics.tables import PHASES, STAGES, TABLES, TOUCHPOINT_TYPES

# The default touchpoints of PRODUCT.md: before, during, after.
DEFAULTS = {
    "before": "online ad, social media, boosted social post, referral, word of mouth, search, blog, website, video, partnership, "
    "press release, print and out-of-home",
    "during": "catalogue, brochure, customer review, product display, point of sale, checkout, sales conversation",
    "after": "thank-you message, invoice, billing, delivery, survey, mailing list, community, support, return",
}
EVENTS = (
    "page_view, add_to_cart, catalog, cart, checkout, purchase, payment_done, order_placed, payment_approved, delivered, "
    "handed_to_carrier, survey_sent, survey_answered, return, refund, ticket_created, call, chat, email_open, newsletter, "
    "point_of_sale, store visit"
)


def test_every_default_touchpoint_is_known_in_its_phase() -> None:
    for phase, names in DEFAULTS.items():
        for name in names.split(", "):
            found = look_up(name)
            assert found and found.phase == phase, name


@pytest.mark.parametrize("event", EVENTS.split(", "))
def test_common_event_names_are_known(event: str) -> None:
    assert look_up(event) is not None


@pytest.mark.parametrize(
    ("name", "touchpoint"),
    [
        ("سلة التسوق", "Cart"),
        ("سبد خرید", "Cart"),
        ("Корзина", "Cart"),
        ("تم الشراء", "Purchase"),
        ("ثبت سفارش", "Purchase"),
        ("Оформление заказа", "Checkout"),
        ("شبكات", None),
        ("product17", "Product display"),
        ("ADD TO CART", "Cart"),
        ("no such thing", None),
        ("", None),
        ("17", None),
    ],
)
def test_names_are_looked_up_in_four_languages(name: str, touchpoint: str | None) -> None:
    found = look_up(name)
    assert (found and found.touchpoint) == touchpoint


def test_axes_are_ours_and_every_touchpoint_has_names_in_four_languages() -> None:
    for entry in entries():
        assert entry.phase in PHASES
        assert entry.stage in STAGES
        assert entry.touchpoint_type in (*TOUCHPOINT_TYPES, None)
        assert entry.goal is None or entry.stage == "action"
        assert len(entry.names) > len(LANGUAGES)


def test_no_name_means_two_touchpoints() -> None:
    meanings = defaultdict(set)
    for entry in entries():
        for name in entry.names:
            meanings[plain(name)].add(entry.touchpoint)
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}


def test_no_header_means_two_columns_of_a_table() -> None:
    for table, columns in ALIASES.items():
        meanings = defaultdict(set)
        for name, aliases in columns.items():
            for alias in (name, *aliases):
                meanings[plain(alias)].add(name)
        assert {name: found for name, found in meanings.items() if len(found) > 1} == {}, table


def test_every_column_that_a_file_can_fill_has_known_headers() -> None:
    for table in TABLES:
        assert set(mappable(table)) == set(ALIASES[table])


@pytest.mark.parametrize(
    ("names", "goal"),
    [
        ({"purchase": 4000, "payment_approved": 3994, "delivered": 3898}, ("purchase",)),
        ({"catalog": 9, "cart": 5, "payment_choice": 3, "payment_done": 2, "payment_card": 2}, ("payment_done",)),
        ({"Website": 5, "Checkout": 2, "Point of sale": 3}, ("Point of sale", "Checkout")),
        ({"order_placed": 1, "Purchase": 2}, ("Purchase", "order_placed")),
        ({"visit": 2, "sign up": 1}, ()),
        ({"ER Registration": 10, "Leucocytes": 5}, ()),
        ({}, ()),
    ],
)
def test_goal_is_proposed_from_the_likeliest_names(names: dict[str, int], goal: tuple[str, ...]) -> None:
    assert propose_goal(names) == goal


def test_goal_is_proposed_from_names_without_counts() -> None:
    assert propose_goal(["cart", "purchase"]) == ("purchase",)
