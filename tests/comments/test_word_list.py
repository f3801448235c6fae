"""Lists of words: a published example, negations, and nothing known."""

from __future__ import annotations

import pytest

from cx_metrics.comments.normalise import plain
from cx_metrics.comments.word_list import LISTED, LISTS, list_scores


def score(text: str, language: str) -> float:
    return float(list_scores(plain([text]), language)[0][0])


def test_the_example_of_vader() -> None:
    """Hutto & Gilbert's documentation: "VADER is smart, handsome, and funny." without its exclamation mark has .8316."""
    assert score("VADER is smart, handsome, and funny.", "en") == pytest.approx(0.8316, abs=5e-5)


def test_not_good_is_bad_but_less_than_good_is_good() -> None:
    """good weighs 1.9; negated 1.9 × −.74 = −1.406, and −1.406 / √(1.406² + 15) = −.3412, as VADER has it."""
    assert score("good", "en") == pytest.approx(1.9 / (1.9**2 + 15) ** 0.5)
    assert score("not good", "en") == pytest.approx(-0.3412, abs=5e-5)
    assert score("this isn't very good", "en") == pytest.approx(-0.3412, abs=5e-5)
    assert score("good, not so", "en") > 0  # what stands before is not turned


@pytest.mark.parametrize(
    ("text", "language", "sign"),
    [
        ("خوشحال", "fa", 1),
        ("خوب نبود", "fa", -1),  # Persian negates at the end
        ("غذا خوب", "fa", 1),
        ("رائع جداااا", "ar", 1),
        ("ليس جيد", "ar", -1),
        ("الرائع", "ar", 1),  # with its article
        ("отвратительная еда", "ru", -1),  # a stem with its ending
        ("не отвратительная", "ru", 1),
        ("👍", "", 1),
        (":(", "de", -1),
        ("nothing to be known of чтототакое", "en", 0),
        ("", "en", 0),
    ],
)
def test_each_language_has_its_words_and_negations(text: str, language: str, sign: int) -> None:
    found = score(text, language)
    assert (found > 0) - (found < 0) == sign


def test_comments_do_not_reach_into_each_other() -> None:
    together = list_scores(["not", "good", "خوب", "نبود"], "en")[0]
    assert together[1] == pytest.approx(score("good", "en"))
    persian = list_scores(["خوب", "نبود"], "fa")[0]
    assert persian[0] == pytest.approx(score("خوب", "fa")) and persian[0] > 0


def test_no_comments_give_no_scores() -> None:
    scores, known = list_scores([], "en")
    assert scores.size == 0 and known.size == 0
    assert list_scores(["", "123"], "ru")[1].tolist() == [0, 0]


def test_the_lists_name_their_origin() -> None:
    notice = (LISTS / "NOTICE").read_text(encoding="utf-8")
    assert all((LISTS / f"{language}.csv").exists() and f"{language}.csv" in notice for language in LISTED)
    assert "MIT License" in notice
