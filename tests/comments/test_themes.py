"""Themes: what was planted is found again, in any order of the comments, and nothing is made of too little."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from cx_metrics.comments.factors import coherence, place, resampled
from cx_metrics.comments.stop_words import LISTED, stop_words
from cx_metrics.comments.terms import vocabulary, weighed
from cx_metrics.comments.themes import FEWEST_COMMENTS, Themes, find_themes
from cx_metrics.comments.word_forms import stem
from cx_metrics.errors import OptionProblem

# Words of four topics in each language; no word stands in two.
TOPICS = {
    "en": (
        "delivery courier parcel late address doorstep package driver",
        "price expensive discount cheap cost coupon fee refund",
        "website login password page checkout error screen button",
        "staff friendly rude manager desk cashier clerk helpful",
    ),
    "ru": (
        "доставка курьер посылка адрес опоздал упаковка заказ водитель",
        "цена дорого скидка дешево стоимость купон комиссия возврат",
        "сайт пароль страница ошибка экран кнопка вход приложение",
        "персонал вежливый грубый менеджер кассир очередь продавец администратор",
    ),
    "ar": (
        "التوصيل السائق الطرد تأخر العنوان المندوب الشحنة الطلب",
        "السعر غالي خصم رخيص التكلفة كوبون رسوم استرجاع",
        "الموقع التطبيق كلمةالمرور صفحة خطأ شاشة زر تسجيل",
        "الموظفين الاستقبال وقح المدير الكاشير طابور البائع لطيف",
    ),
    "fa": (
        "ارسال پیک بسته آدرس تاخیر راننده مرسوله بسته‌بندی",
        "قیمت گران تخفیف ارزان هزینه کوپن کارمزد بازگشت",
        "سایت رمز صفحه خطا صفحه‌نمایش دکمه ورود برنامه",
        "کارکنان مودب بی‌ادب مدیر صندوق‌دار صف فروشنده پذیرش",
    ),
}


def planted(language: str, each: int = 60, seed: int = 7) -> tuple[list[str], np.ndarray]:
    """Comments of five words out of one topic, and the topic of each."""
    draw = np.random.default_rng(seed)
    topics = [words.split() for words in TOPICS[language]]
    topic = np.repeat(np.arange(len(topics)), each)
    return [" ".join(draw.choice(topics[t], 5, replace=False)) for t in topic], topic


@pytest.fixture(scope="module")
def english() -> tuple[list[str], np.ndarray, Themes]:
    comments, topic = planted("en")
    return comments, topic, find_themes(comments, ["en"] * len(comments))


def test_planted_topics_are_found_again(english: tuple[list[str], np.ndarray, Themes]) -> None:
    comments, topic, found = english
    assert len(found.themes) == 4
    assert adjusted_rand_score(topic, found.theme) > 0.98
    assert found.stability["en"].adjusted_rand > 0.95
    assert (found.themes["stability"] > 0.9).all() and (found.themes["coherence"] > 0.3).all()
    for terms in found.themes["terms"]:  # the leading terms of a theme are the words of one topic
        assert any(set(terms) <= set(words.split()) for words in TOPICS["en"])
    assert not found.notes and len(comments) == len(found.theme)


@pytest.mark.parametrize("language", ["ru", "ar", "fa"])
def test_planted_topics_are_found_in_every_language(language: str) -> None:
    comments, topic = planted(language)
    found = find_themes(comments, [language] * len(comments), number=4)
    assert adjusted_rand_score(topic, found.theme) > 0.95
    written = {word for words in TOPICS[language] for word in words.replace("\u200c", " ").split()}
    assert {
        term for terms in found.themes["terms"] for term in terms
    } <= written  # as people wrote them: التوصيل, not توصيل


def test_counts_shares_and_names_say_the_same(english: tuple[list[str], np.ndarray, Themes]) -> None:
    comments, _, found = english
    frame = found.themes
    assert list(frame["theme"]) == list(range(1, len(frame) + 1))
    for theme, count in zip(frame["theme"], frame["comments"], strict=True):
        assert (found.theme == theme).sum() == count
    assert (frame["comments_in_language"] == len(comments)).all()
    assert np.allclose(frame["share"], frame["comments"] / len(comments))
    assert ((frame["share_low"] < frame["share"]) & (frame["share"] < frame["share_high"])).all()
    for name, terms, weights in zip(frame["name"], frame["terms"], frame["weights"], strict=True):
        assert name == ", ".join(terms[:3]) and weights == sorted(weights, reverse=True)
    assert ((found.weight > 0) == (found.theme > 0)).all() and (found.weight <= 1).all()


def test_shuffled_comments_have_the_same_themes_to_the_last_bit(english: tuple[list[str], np.ndarray, Themes]) -> None:
    comments, _, found = english
    order = np.random.default_rng(3).permutation(len(comments))
    again = find_themes([comments[i] for i in order], ["en"] * len(comments))
    assert found.themes.equals(again.themes)
    assert np.array_equal(found.theme[order], again.theme)
    assert np.array_equal(found.weight[order], again.weight)
    assert found.stability["en"].adjusted_rand == again.stability["en"].adjusted_rand


def test_repeated_comments_count_but_do_not_bend_the_themes(english: tuple[list[str], np.ndarray, Themes]) -> None:
    comments, _, found = english
    often = comments + [comments[0]] * 500
    again = find_themes(often, ["en"] * len(often))
    assert sorted(map(tuple, again.themes["terms"])) == sorted(map(tuple, found.themes["terms"]))
    assert (again.theme == again.theme[0]).sum() == (found.theme == found.theme[0]).sum() + 500


def test_a_comment_may_carry_a_second_theme() -> None:
    comments, _ = planted("en")
    both = "delivery courier parcel late price expensive discount"
    found = find_themes([*comments, both], ["en"] * (len(comments) + 1), number=4)
    of = {
        word: theme for theme, terms in zip(found.themes["theme"], found.themes["terms"], strict=True) for word in terms
    }
    assert (found.theme[-1], found.second[-1]) == (of["courier"], of["discount"])
    assert (found.second[found.theme == 0] == 0).all() and not ((found.second == found.theme) & (found.theme > 0)).any()


def test_comments_about_nothing_have_no_theme() -> None:
    comments, _ = planted("en")
    extra = ["it was very good", "zebra", "", None, float("nan")]
    found = find_themes(
        [*comments, *extra], ["en"] * (len(comments) + 4) + [float("nan")], number=4
    )  # as pandas has them
    assert list(found.theme[-5:]) == [0] * 5
    assert (found.themes["comments_in_language"] == len(comments) + 2).all()  # those without a text are no answers


def test_each_language_has_its_own_themes_and_a_tiny_one_a_reason() -> None:
    english_, topic = planted("en")
    russian, of_russian = planted("ru", each=40)
    arabic = ["التوصيل كان متأخر كثيرا", "السعر غالي على الكل"]
    comments = [*russian, *english_, *arabic, "mystery words here"]
    languages = ["ru"] * len(russian) + ["en"] * len(english_) + ["ar"] * 2 + [None]
    found = find_themes(comments, languages, number=4)
    assert list(found.themes["language"]) == ["en"] * 4 + ["ru"] * 4  # the language with most comments first
    assert adjusted_rand_score(of_russian, found.theme[: len(russian)]) > 0.95
    assert set(found.theme[: len(russian)]) <= {0, 5, 6, 7, 8}
    assert (found.theme[-3:] == 0).all()
    assert str(found.notes["ar"]) == (
        f"2 different comments of 3 words and more in this language (ar); themes need {FEWEST_COMMENTS}."
    )
    assert str(found.notes[""]) == "1 comment has no language, and so no theme."


def test_a_theme_with_too_few_comments_is_not_made() -> None:
    comments, _ = planted("en")
    few = "garage parking barrier ticket machine"
    draw = np.random.default_rng(1)
    extra = [" ".join(draw.permutation(few.split())) for _ in range(12)]
    texts = [*comments, *extra]
    kept = find_themes(texts, ["en"] * len(texts), number=5, min_n=5)
    cut = find_themes(texts, ["en"] * len(texts), number=5, min_n=30)
    assert "barrier" in {term for terms in kept.themes["terms"] for term in terms}
    assert "barrier" not in {term for terms in cut.themes["terms"] for term in terms}
    assert (cut.theme[-12:] == 0).all() and list(cut.themes["theme"]) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "comments",
    [
        [],
        [""] * 300,
        ["the same words every time"] * 300,
        [f"alpha beta gamma {'x' * (i % 40)}" for i in range(300)],
        ["!!!", "\x00\x00", "\ud800 half a pair of signs"] * 200,
        [f"only{i} words{i} nobody{i} shares{i}" for i in range(300)],
        [" ".join(sorted({"north", "south", "east"} | {w})) for w in ("west", "up", "down")] * 100,
    ],
)  # fmt: skip
def test_nothing_breaks_where_there_is_nothing_to_find(comments: list[str]) -> None:
    found = find_themes(comments, ["en"] * len(comments))
    assert len(found.theme) == len(comments)
    assert found.themes.empty == (found.theme == 0).all()
    assert found.themes["share"].between(0, 1).all()


def test_few_terms_in_many_comments_break_nothing() -> None:
    draw = np.random.default_rng(5)
    words = np.array(["red", "green", "blue", "black", "white"])
    comments = [" ".join(draw.choice(words, draw.integers(3, 9))) for _ in range(300)]
    found = find_themes(comments, ["en"] * len(comments), min_n=1)
    assert len(found.theme) == 300 and np.isfinite(found.weight).all()


def test_hostile_texts_pass(test_data: Callable[[str], Path]) -> None:
    naughty = json.loads(test_data("dirty_csv/naughty_strings/blns.json").read_text("utf-8"))
    comments, _ = planted("en", each=40)
    texts = [*comments, *naughty, *(f"{text} {text} delivery late" for text in naughty)]
    found = find_themes(texts, ["en"] * len(texts), number=4)
    assert len(found.theme) == len(texts) and len(found.themes) == 4
    assert found.themes["share"].between(0, 1).all()


def test_languages_and_numbers_that_cannot_be_are_refused() -> None:
    with pytest.raises(OptionProblem, match="2 comments and 1 languages"):
        find_themes(["a", "b"], ["en"])
    with pytest.raises(OptionProblem, match="2 themes at least, not 1"):
        find_themes(["a"], ["en"], number=1)


def test_coherence_is_mean_npmi_by_hand() -> None:
    # 4 comments: a and b together in 2, c alone in 2. Pairs: ab: p = ½, p(a) p(b) = ¼ → ln 2 / ln 2 = 1; ac, bc never: −1 each.
    from scipy import sparse

    counts = sparse.csr_matrix([[1, 1, 0], [2, 1, 0], [0, 0, 1], [0, 0, 3]])
    assert coherence(np.array([[0.8, 0.6, 0.0]]), counts) == pytest.approx([1.0])
    assert coherence(np.array([[0.8, 0.5, 0.3]]), counts) == pytest.approx([-1 / 3])


def test_weights_of_terms_by_hand() -> None:
    from scipy import sparse

    # counts 1 and 2 of terms of rarity 1 and 2: 1·1 and (1 + ln 2)·2, then length 1
    found = weighed(sparse.csr_matrix([[1, 2], [0, 0]], dtype=float), np.array([1.0, 2.0])).toarray()
    long = 2 * (1 + np.log(2))
    assert found[0] == pytest.approx([1 / np.hypot(1, long), long / np.hypot(1, long)])
    assert list(found[1]) == [0, 0]


def test_placing_solves_least_squares_without_negative_parts() -> None:
    from scipy import sparse

    themes = np.array([[1.0, 0.0], [0.6, 0.8]])
    found = place(sparse.csr_matrix([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.0, 0.0]]), themes)
    assert list(found.theme) == [1, 2, 2, 0]
    assert found.nearness == pytest.approx([1, 1, 0.8, 0])
    assert found.weight == pytest.approx([1, 1, 1, 0])


def test_groups_that_words_do_not_bear_out_are_found_in_no_half() -> None:
    # Comments drawn without any topic: whatever themes are found in all of them, the halves find others.
    draw = np.random.default_rng(11)
    words = np.array([f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "pu") for b in ("rt", "st", "nd", "mp", "lk", "sh")])
    comments = [" ".join(draw.choice(words, 6, replace=False)) for _ in range(400)]
    found = find_themes(comments, ["xx"] * 400, number=6)
    assert found.stability["xx"].adjusted_rand < 0.3


def test_halves_of_clear_groups_agree() -> None:
    comments, topic = planted("en")
    terms = vocabulary(comments, "en", comments)
    weights = terms.weights(comments)
    for rand, likeness in resampled(weights, topic + 1, 4, 0, 3):
        assert rand > 0.95 and (likeness > 0.9).all()


def test_forms_of_a_word_share_a_stem_and_other_words_do_not() -> None:
    same = {
        "en": ["seat seats", "delivery deliveries", "box boxes", "pass passes", "courier courier's",
               "wait waiting waited", "cancelled canceled cancelling", "arrive arrived arriving", "spring", "stop stopped", "king"],
        "ru": ["доставка доставки доставке доставку доставкой", "курьер курьера курьеру курьером курьеры курьеров",
               "карта карты карте карту картой", "удобный удобная удобное удобные удобно", "банк банка"],
        "ar": ["خدمه الخدمه والخدمه بالخدمه", "مطعم المطعم للمطعم", "سعر السعر"],
    }  # fmt: skip
    for language, groups in same.items():
        stems = [{stem(word, language) for word in group.split()} for group in groups]
        assert all(len(found) == 1 for found in stems), stems
        assert len(set.union(*stems)) == len(groups)
    assert stem("باز", "fa") == "باز" and stem("casas", "pt") == "casas"


def test_stop_words_are_spelled_plainly_and_leave_topics_alone() -> None:
    for language in LISTED:
        assert len(stop_words(language)) > 200
        topics = {word for words in TOPICS[language] for word in words.split()}
        assert not topics & stop_words(language)
    assert {"و", "با", "ها"} <= stop_words("fa") and {"еще", "который"} <= stop_words("ru")
    assert {"don't", "great"} <= stop_words("en") and {"علی", "ممتاز"} <= stop_words("ar")
