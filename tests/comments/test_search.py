"""Search in comments: the engine's answer is that of plain Python, in four languages, and what is marked is what was found."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from cx_metrics.comments.normalise import plain
from cx_metrics.comments.search import places, search_condition, searchable, sought

COMMENTS = [
    "Delivery was LATE, twice!",
    "The lately delivered wi-fi router",
    "Customer service was good; I'd order again",
    "service for the customer? none",
    "Заказ ещё не доставили",
    "Доставка еще вчера, курьер вежливый",
    "الخدمةُ ممتازة والأسعار مناسبة",
    "خدمة سيئة جداً",
    "کتاب‌ها دیر رسید",
    "كتاب خوب بود",
    "",
    None,
    "100% sure_thing_here 'quoted'",
    "20 minutes on hold",
]


def found(text: str, comments: list[str | None] = COMMENTS) -> list[int]:
    """Positions of the comments that the engine finds."""
    frame = pd.DataFrame({"row": range(len(comments)), "plain": searchable(plain(comments))})
    table = ibis.memtable(frame)
    condition = search_condition(table.plain, text)
    assert condition is not None
    return sorted(table.filter(condition).row.execute().tolist())


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("deliv", [0, 1]),
        ("late", [0, 1]),
        ('"late"', [0]),
        ("DELIVERY late", [0]),
        ("wi-fi", [1]),
        ('"customer service"', [2]),
        ("customer service", [2, 3]),
        ("customer -good", [3]),
        ("−good customer", [3]),
        ("i'd", [2]),
        ("i’d", [2]),
        ("еще", [4, 5]),
        ("ЕЩЁ", [4, 5]),
        ("достав", [4, 5]),
        ("доставка -курьер", []),
        ("خدمة", [6, 7]),
        ("الخدمة", [6]),
        ("أسعار", [6]),
        ("«خدمة»", [7]),
        ("کتاب", [8, 9]),
        ("کتاب‌ها", [8]),
        ("20", [13]),
        ("100%", [12]),
        ("_thing", [12]),
        ("here", [12]),
        ("%", None),
        ("-", None),
        ("   ", None),
        ('""', None),
    ],
)  # fmt: skip
def test_what_is_typed_finds_what_is_meant(text: str, rows: list[int] | None) -> None:
    if rows is None:
        assert sought(text) == ()
        assert search_condition(ibis.memtable({"plain": ["x"]}).plain, text) is None
    else:
        assert found(text) == rows


def test_excluding_alone_finds_comments_but_no_empty_ones() -> None:
    assert found("-service") == [0, 1, 4, 5, 6, 7, 8, 9, 12, 13]


def second_opinion(comment: str | None, text: str) -> bool:
    """Word by word, for parts of one word each."""
    words = searchable(plain([comment]))[0].split()
    if not words:
        return False
    for part in text.split():
        typed = part.lstrip("-")
        if any(word.startswith(typed) for word in words) == part.startswith("-"):
            return False
    return True


def test_the_engine_answers_like_python_word_by_word() -> None:
    draw = np.random.default_rng(2)
    syllables = ["ba", "ka", "lo", "mi", "ne"]
    word = lambda most: "".join(draw.choice(syllables, draw.integers(1, most)))  # noqa: E731
    comments: list[str | None] = [" ".join(word(3) for _ in range(draw.integers(0, 6))) for _ in range(400)]
    for _ in range(25):
        text = " ".join(draw.choice(["", "-"]) + word(2) for _ in range(draw.integers(1, 4)))
        assert found(text, comments) == [i for i, c in enumerate(comments) if second_opinion(c, text)], text


def test_hostile_questions_find_only_what_holds_them(test_data: Callable[[str], Path]) -> None:
    naughty = json.loads(test_data("dirty_csv/naughty_strings/blns.json").read_text("utf-8"))
    table = ibis.memtable(pd.DataFrame({"row": range(len(naughty)), "plain": searchable(plain(naughty))}))
    # Each text is found by its own words, as a quoted phrase: nothing in it is read as a pattern or as SQL.
    own = [" ".join(searchable(plain([text]))[0].split()) for text in naughty]
    asked = {
        i: search_condition(table.plain, f'"{words}"') for i, words in enumerate(own) if words and len(words) < 400
    }
    answers = table.select("row", **{f"c{i}": condition for i, condition in asked.items()}).execute().set_index("row")
    assert len(asked) > 200
    for i in asked:
        if "\N{CURRENCY SIGN}" in sought(f'"{own[i]}"')[0].words:  # digits side by side are taken for a phone number
            assert not answers[f"c{i}"].any()
            continue
        expected = [j for j, words in enumerate(own) if f" {own[i]} " in f" {words} "]
        assert answers.index[answers[f"c{i}"]].tolist() == expected, naughty[i]


@pytest.mark.parametrize(
    ("comment", "text", "marked"),
    [
        ("Delivery was LATE, twice!", "late deliv", ["Delivery", "LATE"]),
        ("Customer service, good service", '"customer service"', ["Customer", "service"]),
        ("الخدمةُ ممتازة والأسعار", "اسعار خدمه", ["الخدمةُ", "والأسعار"]),
        ("الخدمـــة هنا", "خدمة", ["الخدمـــة"]),
        ("کتاب‌ها دیر رسید", "کتاب‌ها", ["کتاب", "ها"]),
        ("كتاب‌هاي من", "کتاب", ["كتاب"]),
        ("Ещё раз: ЕЩЁ", "еще", ["Ещё", "ЕЩЁ"]),
        ("ＬＡＴＥ again", "late", ["ＬＡＴＥ"]),
        ("I’d go", "i'd", ["I’d"]),
        ("late but fine", "late -fine", ["late"]),
        ("İstanbul is 🙂 late", "late", ["late"]),
        ("nothing here", "late", []),
        ("", "late", []),
    ],
)  # fmt: skip
def test_the_places_are_those_of_the_text_as_it_was_written(comment: str, text: str, marked: list[str]) -> None:
    assert [comment[start:end] for start, end in places(comment, text)] == marked


def test_what_is_hidden_is_not_marked() -> None:
    comment = "write to ivan@example.com about order 12345678"
    assert found("ivan", [comment]) == []
    assert found("12345678", [comment]) == found("ivan@example.com", [comment]) == []  # not: everything
    assert places(comment, "ivan 12345678") == []


@pytest.mark.long
def test_a_million_comments_are_searched_within_300_ms() -> None:
    draw = np.random.default_rng(0)
    words = np.array(["".join(draw.choice(list("abcdefghiklmnoprstu"), draw.integers(2, 9))) for _ in range(20_000)])
    comments = [" " + " ".join(row) + " " for row in words[draw.integers(0, len(words), (1_000_000, 15))]]
    connection = ibis.duckdb.connect()
    table = connection.create_table("comments", pd.DataFrame({"plain": comments}))
    took = []
    for word in words[:5]:
        began = time.perf_counter()
        table.filter(search_condition(table.plain, f'{word} -zzz "{word}"')).count().execute()
        took.append(time.perf_counter() - began)
    assert min(took) < 0.3
