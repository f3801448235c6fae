"""Spelling for matching: what is one word to a reader is one string here, and nothing that points at a person is left."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_metrics.comments.normalise import HIDDEN, LONGEST, plain, words

DATA = os.environ.get("TOUCHLINE_TEST_DATA")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("كتاب", "کتاب"),  # Arabic and Persian kaf
        ("علي", "علی"),  # Arabic and Persian yeh
        ("على", "علی"),  # alef maksura
        ("أحمد إلى آخر", "احمد الی اخر"),
        ("خدمة", "خدمه"),  # ta marbuta
        ("جَمِيلٌ", "جمیل"),  # diacritics
        ("جمـــيل", "جمیل"),  # tatweel
        ("ﻣﺮﺣﺒﺎ", "مرحبا"),  # presentation forms
        ("کتاب\u200cها", "کتاب ها"),  # the non-joiner of Persian parts
        ("ser\u200cvice", "service"),  # elsewhere it is noise
        ("Ещё", "еще"),
        ("и\u0306", "й"),  # one letter in two code points
        ("Ｇｏｏｄ", "good"),  # full width
        ("STRASSE", "straße"),
        ("۱۲۳", "123"),
        ("٤٥٦", "456"),
        ("soooo", "soo"),
        ("!!!!!", "!!"),
        ("can’t", "can't"),
        ("can´t", "can't"),
        ("a&amp;b", "a&b"),
        ("a \t\r\n\u2028 b", "a b"),
        ("no\u202eisy\u2066", "noisy"),  # signs that turn the direction
        ("g\x00o\ud83do\x7fd", "good"),  # controls, half a surrogate pair
        ("z\u0351\u0300\u0335a", "za"),
    ],
)
def test_two_spellings_of_one_thing_are_one_text(one: str, other: str) -> None:
    assert plain([one]) == plain([other])


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/a?b=c",
        "www.example.com",
        "javascript://example.com",
        "ivan.petrov+x@mail.example.com",
        "@ivan_petrov",
        "+49 (171) 123-45-67",
        "۰۹۱۲۳۴۵۶۷۸۹",
        "4111 1111 1111 1111",
        "AB-12345",
        "#12",
        "№ 12",
        "123e4567-e89b-12d3-a456-426614174000",
    ],
)
def test_what_points_at_a_person_or_an_order_is_hidden(text: str) -> None:
    found = plain([f"call {text} please"])[0]
    assert HIDDEN in found and not any(c.isdigit() for c in found) and "example" not in found and "ivan" not in found
    assert words(found)[0] == "call" and words(found)[-1] == "please" and HIDDEN not in words(found)


@pytest.mark.parametrize("text", ["15000", "5g", "wifi6", "covid19", "24/7", "at 11:35", "10 of 10", "1,500.50"])
def test_prices_times_and_names_with_digits_stay(text: str) -> None:
    assert plain([text]) == [text]


def test_missing_and_empty_texts_are_empty_and_keep_their_place() -> None:
    assert plain([None, "", " \n\u200f\u200c", "a", None]) == ["", "", "", "a", ""]
    assert plain([]) == [] and words("") == []


def test_words_hold_letters_and_leave_out_numbers_and_signs() -> None:
    assert words(plain(["Don't wait 20 min!! 😀 wi-fi_5g"])[0]) == ["don't", "wait", "min", "wi", "fi", "5g"]
    assert words(plain(["کتاب\u200cهای خوب، خیلی خوب"])[0]) == ["کتاب", "های", "خوب", "خیلی", "خوب"]


@given(st.lists(st.none() | st.text(max_size=200), max_size=5))
def test_any_text_keeps_its_place_and_is_bounded(texts: list[str | None]) -> None:
    found = plain(texts)
    assert len(found) == len(texts)
    assert all(len(text) <= LONGEST and text == text.strip() and "\n" not in text for text in found)


@pytest.mark.parametrize(
    "part", ["a", "a-", "1 ", "1-", "a.b", "a@a.", "@", "#", "&", "ab1", "\u0351\u0300", "٣ﷺ", "😀"]
)
def test_a_text_without_end_takes_no_time(part: str) -> None:
    began = time.perf_counter()
    found = plain([part * 100_000, "1234 @ " + part * 100_000])
    assert time.perf_counter() - began < 0.5
    assert all(len(text) <= LONGEST for text in found)


@pytest.mark.skipif(not DATA, reason="TOUCHLINE_TEST_DATA is not set")
def test_naughty_strings_pass() -> None:
    lines = (Path(str(DATA)) / "dirty_csv/naughty_strings/blns.txt").read_text(encoding="utf-8").split("\n")
    found = plain(lines)
    assert len(found) == len(lines)
    assert not any("http://" in text or "\u202e" in text or "\x00" in text for text in found)
