"""The language of a comment: by letters and small words, never by chance."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_metrics.comments.languages import FILE_LEAST, LANGUAGES, languages_of

DATA = os.environ.get("TOUCHLINE_TEST_DATA")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The staff were great", "en"),
        ("ok", "en"),
        ("Всё понравилось", "ru"),
        ("долго", "ru"),
        ("گران بود", "fa"),
        ("خیلی خوب", "fa"),
        ("خيلي خوب بود", "fa"),  # typed on an Arabic keyboard
        ("خدمة سيئة", "ar"),
        ("المطعم جميل جدا", "ar"),
        ("انا لم احب هذا", "ar"),
        ("اسنپ snapp عالی بود و پیک هم سریع رسید", "fa"),  # a brand in Latin letters
        ("see https://example.com/ru شكراً إلى الفريق", "ar"),  # the letters of an address do not count
        ("@support спасибо", "ru"),
    ],
)
def test_each_language_is_known_by_its_own_letters_and_words(text: str, language: str) -> None:
    assert languages_of([text]) == [language]


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "10/10", "👍👍", "!!! ???", "https://example.com", "+7 912 345-67-89", "\u202e\u2066", "\ud800"),
        *("good хорошо", "کتاب book", "سلام"),
        *(
            "γεια σου",
            "שלום",
            "谢谢",
            "ありがとう",
            "Дякую, було смачно і їжа гаряча",
            "très bien été là où",
            "بہت اچھا ہے",
        ),
    ],
)
def test_what_nothing_decides_is_unknown(text: str) -> None:
    assert languages_of([text]) == [""]


def test_the_column_of_the_file_wins_and_its_gaps_are_read() -> None:
    given = ["ru", "en-GB", "FARSI", "العربية", " Russian ", "de", None, "", "rus"]
    assert languages_of(["Great"] * 9, given) == ["ru", "en", "fa", "ar", "ru", "de", "en", "en", "ru"]
    with pytest.raises(ValueError):
        languages_of(["Great"], [])


def test_a_word_that_two_languages_share_follows_the_file_where_it_has_one_of_them() -> None:
    persian, arabic = ["خیلی خوب بود"] * FILE_LEAST, ["خدمة سيئة"] * FILE_LEAST
    assert languages_of(["سلام", *persian])[0] == "fa"
    assert languages_of(["سلام", *arabic])[0] == "ar"
    assert languages_of(["سلام", *persian[1:]])[0] == ""  # too few tell
    assert languages_of(["سلام", *persian, *arabic])[0] == ""  # both are there
    assert languages_of(["👍", "سلام hello", *persian])[:2] == ["", ""]  # only where the script is plain


def test_missing_comments_keep_their_place() -> None:
    assert languages_of([None, "Great", None]) == ["", "en", ""]
    assert languages_of([]) == []


@given(st.lists(st.none() | st.text(max_size=100), max_size=5))
def test_any_text_has_one_of_the_languages_or_none(texts: list[str | None]) -> None:
    found = languages_of(texts)
    assert len(found) == len(texts) and set(found) <= {*LANGUAGES, ""}


@pytest.mark.skipif(not DATA, reason="TOUCHLINE_TEST_DATA is not set")
def test_real_comments_of_four_languages_side_by_side() -> None:
    """Together, so that no file helps: at least 98 of 100 whole comments are known, as the texts are labelled by their source."""
    folder = Path(str(DATA))
    sets = {
        "fa": pd.read_csv(folder / "persian_snappfood/snappfood_test.tsv.gz", sep="\t").comment,
        "en": pd.read_csv(folder / "skytrax_seat/seat.csv.gz").content,
        "ar": pd.read_csv(folder / "arabic_reviews/RES1_restaurants.csv.gz").text.astype(str),
        "ru": pd.read_csv(folder / "russian_bank_texts/test_250_reviews.csv").text,
    }
    texts = [text for some in sets.values() for text in some[:1_000]]
    found = iter(languages_of(texts))
    for language, some in sets.items():
        read = [next(found) for _ in some[:1_000]]
        assert read.count(language) >= 0.98 * len(read), language


PORTUGUESE = [
    "produto chegou antes do prazo e muito bem embalado", "não recebi o produto ainda estou esperando", "ótimo", "recomendo",
]  # fmt: skip


def test_another_language_in_latin_letters_is_not_taken_for_english() -> None:
    assert set(languages_of(PORTUGUESE * 5)) == {""}
    mixed = languages_of([*PORTUGUESE, "the parcel came late and nobody told me", "it was easy to order and quick"])
    assert mixed == [
        "",
        "",
        "",
        "en",
        "en",
        "en",
    ]  # as many of each: what is too short to tell follows the English ones


def test_a_comment_of_an_english_file_is_english_without_small_words_too() -> None:
    english = ["the parcel came late and nobody told me"] * 20
    assert languages_of([*english, "excellent legroom crew friendly meal hot seats wide", "superb"])[-2:] == [
        "en",
        "en",
    ]
