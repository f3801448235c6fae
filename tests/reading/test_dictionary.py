"""The dictionary of touchpoints: four languages, one meaning a name, likely goals."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.reading import look_up, propose, propose_goal
from cx_metrics.reading.aliases import ALIASES, plain
from cx_metrics.reading.dictionary import APPLIED, LANGUAGES, entries
from cx_metrics.reading.dictionary_index import FOLDER, _rows, index
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


@pytest.mark.parametrize(
    ("names", "goal"),
    [
        (
            {"Оплата прошла успешно": 5, "Заказ оформлен": 3, "отмена заказа": 9, "Ошибка оплаты": 9},
            ("Заказ оформлен",),
        ),
        ({"خرید موفق": 2, "لغو سفارش": 9, "سبد خرید": 20}, ("خرید موفق",)),
        ({"تم الدفع بنجاح": 2, "فشل الدفع": 9, "صفحة الدفع": 30}, ("تم الدفع بنجاح",)),
        ({"Order Completed": 4, "Order Updated": 9, "Order Cancelled": 9, "Order Viewed": 50}, ("Order Completed",)),
        ({"purchase_button_clicked": 9, "payment_failed": 3, "cart_abandoned": 8}, ("purchase_button_clicked",)),
        ({"no purchase": 9, "Без оплаты": 4, "پرداخت نشده": 3, "خرید نکرد": 3, "لم يتم الشراء": 2}, ()),
        ({"Order no. 17": 2, "Заказ №4512": 2}, ("Order no. 17", "Заказ №4512")),
        ({"payment_reminder_sent": 3, "refund": 2, "order_cancelled": 1}, ()),
        ({"🎉 user_purchase_completed": 1, "user_payment_page_view": 7}, ("🎉 user_purchase_completed",)),
    ],
)
def test_what_failed_was_begun_or_only_seen_is_no_goal(names: dict[str, int], goal: tuple[str, ...]) -> None:
    assert propose_goal(names) == goal


def test_goal_is_proposed_from_names_without_counts() -> None:
    assert propose_goal(["cart", "purchase"]) == ("purchase",)


# Names as tools and people write them, against the judgement in touchpoint_names.txt


@dataclass(frozen=True)
class Labelled:
    language: str
    name: str
    stage: str | None
    phase: str | None
    touchpoint_type: str | None


def labelled() -> list[Labelled]:
    lines = Path(__file__).with_name("touchpoint_names.txt").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        if line and not line.startswith("#"):
            language, rest = line.split("|", 1)
            found.append(Labelled(language, *(cell if cell != "-" else None for cell in rest.rsplit("|", 3))))  # type: ignore[arg-type]
    return found


def macro_f1(names: list[Labelled]) -> float:
    """The mean over the stages of the F1 of what is proposed, sure or not."""
    right, said, there = Counter[str](), Counter[str](), Counter[str]()
    for one in names:
        stage = found.stage if (found := propose(one.name)) else None
        right.update([one.stage] if one.stage and one.stage == stage else [])
        said.update([stage] if stage else [])
        there.update([one.stage] if one.stage else [])
    return sum(2 * right[stage] / (said[stage] + there[stage]) for stage in STAGES) / len(STAGES)


def silently_wrong(names: list[Labelled]) -> list[str]:
    """Names that would be mapped without asking, to a stage that is not theirs."""
    return [one.name for one in names if (found := look_up(one.name)) and found.stage != one.stage]


@pytest.mark.parametrize("half", [0, 1])
def test_names_nobody_listed_find_their_stage(half: int) -> None:
    names = labelled()[half::2]
    assert len(names) > 200 and {one.language for one in names} == set(LANGUAGES)
    assert macro_f1(names) >= 0.85
    assert len(silently_wrong(names)) <= 0.02 * len(names), silently_wrong(names)


def test_phases_and_types_follow() -> None:
    found = [(one, propose(one.name)) for one in labelled() if one.stage]
    assert sum(bool(p and p.phase == one.phase) for one, p in found) >= 0.9 * len(found)
    typed = [(one, p) for one, p in found if one.touchpoint_type]
    assert sum(bool(p and p.touchpoint_type == one.touchpoint_type) for one, p in typed) >= 0.85 * len(typed)


@pytest.mark.parametrize(
    "name",
    ["other", "misc", "event1", "test", "Unknown", "n/a", "click", "أخرى", "سایر", "прочее", "Другое", "№ 5", "🙂"],
)
def test_names_that_say_nothing_stay_unknown(name: str) -> None:
    assert propose(name) is None


def test_what_is_not_sure_is_proposed_and_not_applied() -> None:
    against = propose("Wish list checkout")
    assert against and against.confidence < APPLIED and "others for" in str(against.reason)
    assert look_up("Wish list checkout") is None
    login = propose("user_login_v2")
    assert login and login.touchpoint == "Log-in" and login.confidence < APPLIED
    assert "differs from business to business" in str(login.reason)
    assert look_up("user_login_v2") is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Viewed Product Page", "knows it as Product display"),
        ("product17", "without its number"),
        ("user added the thing to my cart", "cart"),
        ("chekout started", "read as checkout started"),
        ("delivery delayed again", "Delivery problem"),
        ("checkout wishlist video", "others for"),
    ],
)
def test_the_reason_says_what_was_seen(name: str, words: str) -> None:
    found = propose(name)
    assert found and found.reason and words in str(found.reason)


@pytest.mark.parametrize(
    ("name", "channel", "touchpoint_type"),
    [
        ("invoice by post", "post", "physical"),
        ("payment in the store", "store", "physical"),
        ("purchase in app", "app", "digital"),
        ("Оплатил на сайте", "web", "digital"),
        ("complaint by phone", "call centre", "human"),
    ],
)
def test_the_place_in_a_name_is_its_channel(name: str, channel: str, touchpoint_type: str) -> None:
    found = propose(name)
    assert found and (found.channel, found.touchpoint_type) == (channel, touchpoint_type)


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=80) | st.lists(st.sampled_from(sorted(index().words)), max_size=6).map(" ".join))
def test_any_name_gets_an_answer_with_a_reason_or_none(name: str) -> None:
    found = propose(name)
    assert found is None or (0 < found.confidence < 1 and found.reason and found.stage in STAGES and str(found.reason))
    assert look_up(name) == (found if found and found.confidence >= APPLIED else None)


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(sorted(index().names)),
    st.sampled_from(["failed", "cancelled", "abandoned", "не", "ошибка", "لغو", "إلغاء"]),
)
def test_no_failure_is_a_goal(name: str, failing: str) -> None:
    assert propose_goal([f"{name} {failing}"]) in ((), (f"{name} {failing}",))
    entry = index().names.get(name + failing)
    if entry is None or entry.goal is None:
        assert propose_goal([f"{name} {failing}"]) == ()


def test_rules_and_words_name_what_there_is() -> None:
    touchpoints = {entry.touchpoint for entry in entries()}
    words = _rows("dictionary_words.csv")
    modifiers = {row["name"] for row in words if row["kind"] == "modifier"}
    assert {row["kind"] for row in words} == {"filler", "place", "modifier", "head"}
    for rule in _rows("dictionary_rules.csv"):
        assert {rule["touchpoint"], rule["becomes"]} <= touchpoints and rule["with"] in modifiers
    assert all(0 < entry.sure <= 0.9 for entry in entries())
    assert (FOLDER / "dictionary.csv").exists()


def test_thousands_of_names_in_each_language() -> None:
    counted = Counter({code: sum(len(row[code].split("|")) for row in _rows("dictionary.csv")) for code in LANGUAGES})
    assert min(counted.values()) > 1_500
