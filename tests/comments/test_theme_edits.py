"""Names that people gave to themes: kept as a text, found again after the next import, never on the wrong theme."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cx_metrics.comments.theme_edits import ThemeEdit, apply_edits, edit_of, fingerprint
from cx_metrics.comments.themes import COLUMNS, Themes
from cx_metrics.errors import TouchlineError
from cx_metrics.reading.theme_names import theme_edits_from_yaml, theme_edits_to_yaml


def themes(
    *of: tuple[str, str], theme: list[int], second: list[int] | None = None, languages: list[str] | None = None
) -> Themes:
    """Themes of (language, terms), and the theme of each comment."""
    comments = np.array(theme)
    spoken = languages or ["en"] * len(theme)
    rows = [
        {
            "theme": i, "language": language, "name": ", ".join(terms.split()[:3]), "terms": terms.split(), "weights": [1.0],
            "comments": int((comments == i).sum()), "comments_in_language": spoken.count(language), "share": 0.0,
            "share_low": 0.0, "share_high": 0.0, "coherence": 0.2, "stability": 0.9, "hidden": False,
        }
        for i, (language, terms) in enumerate(of, 1)
    ]  # fmt: skip
    weight = np.where(comments > 0, 0.8, 0.0)
    other = np.array(second) if second else np.zeros_like(comments)
    return Themes(pd.DataFrame(rows, columns=list(COLUMNS)), comments, weight, other, weight, tuple(spoken))


DELIVERY = ("en", "delivery late courier parcel address driver package box")
PRICE = ("en", "price expensive discount cost fee coupon refund cheap")
SPEED = ("en", "courier hours waiting slow delay minutes long late")


def test_a_name_goes_to_its_theme_and_changes_nothing_else() -> None:
    before = themes(DELIVERY, PRICE, theme=[1, 2, 0, 1])
    after = apply_edits(before, [edit_of(before, 1, name="Delivery")])
    assert list(after.themes.themes["name"]) == ["Delivery", "price, expensive, discount"]
    assert list(after.themes.theme) == [1, 2, 0, 1]
    assert [(edit.name, theme, overlap) for edit, theme, overlap in after.matched] == [("Delivery", 1, 1.0)]
    assert list(before.themes["name"]) == [
        "delivery, late, courier",
        "price, expensive, discount",
    ]  # the old one is untouched


def test_themes_of_one_name_are_one_theme_and_count_each_comment_once() -> None:
    before = themes(DELIVERY, PRICE, SPEED, theme=[1, 2, 3, 1, 3, 0, 2], second=[3, 1, 1, 0, 0, 0, 0])
    after = apply_edits(before, [edit_of(before, 1, name="Delivery"), edit_of(before, 3, name="delivery")]).themes
    assert list(after.themes["name"]) == ["Delivery", "price, expensive, discount"]
    assert list(after.themes["comments"]) == [4, 2]
    assert list(after.theme) == [1, 2, 1, 1, 1, 0, 2]
    assert list(after.second) == [0, 1, 0, 0, 0, 0, 0]  # a second theme that is now the first is none
    assert list(after.themes["share"]) == pytest.approx([4 / 7, 2 / 7])
    assert np.isnan(after.themes["stability"][0]) and after.themes["stability"][1] == 0.9


def test_themes_of_two_languages_become_one_over_both() -> None:
    before = themes(DELIVERY, ("ru", "доставка курьер поздно"), theme=[1, 1, 0, 2], languages=["en", "en", "en", "ru"])
    edits = [edit_of(before, 1, name="Delivery"), edit_of(before, 2, name="Delivery")]
    row = apply_edits(before, edits).themes.themes.iloc[0]
    assert (row["language"], row["comments"], row["comments_in_language"]) == ("en, ru", 3, 4)


def test_a_hidden_theme_keeps_its_row_and_loses_its_comments() -> None:
    before = themes(DELIVERY, PRICE, theme=[1, 2, 1], second=[2, 1, 0])
    after = apply_edits(before, [edit_of(before, 1, hidden=True)]).themes
    assert list(after.themes["hidden"]) == [True, False] and list(after.themes["comments"]) == [2, 1]
    assert list(after.theme) == [0, 2, 0] and list(after.second) == [0, 0, 0] and list(after.weight) == [0, 0.8, 0]


def test_edits_outlive_an_import_by_the_overlap_of_terms() -> None:
    before = themes(DELIVERY, PRICE, theme=[1, 2])
    edits = [edit_of(before, 1, name="Delivery"), edit_of(before, 2, name="Prices")]
    later = themes(
        ("en", "price discount cost fee tax coupon vat cheap"),  # 6 of 10 terms in common
        ("en", "delivery courier late driver van street door bell"),  # 4 of 12: just the same theme
        ("en", "price wifi screen seat sleep food crew gate"),  # 1 of 15
        theme=[1, 2, 3],
    )
    after = apply_edits(later, edits)
    assert list(after.themes.themes["name"]) == ["Prices", "Delivery", "price, wifi, screen"]
    assert sorted((edit.name, theme, round(overlap, 2)) for edit, theme, overlap in after.matched) == [
        ("Delivery", 2, 0.33),
        ("Prices", 1, 0.6),
    ]
    assert after.unmatched == ()


def test_an_edit_without_its_theme_is_kept_for_later_and_said() -> None:
    before = themes(DELIVERY, theme=[1])
    edit = ThemeEdit("ru", tuple(DELIVERY[1].split()), "Доставка")
    after = apply_edits(before, [edit])
    assert after.unmatched == (edit,) and after.matched == ()  # the same terms in another language are another theme
    assert after.themes.themes["name"][0] == "delivery, late, courier"


def test_the_same_terms_win_over_any_likeness() -> None:
    before = themes(DELIVERY, theme=[1])
    near = ThemeEdit("en", (*DELIVERY[1].split()[:7], "van"), "Nearly")
    exact = edit_of(before, 1, name="Exactly")
    after = apply_edits(before, [near, exact])
    assert after.themes.themes["name"][0] == "Exactly" and after.unmatched == (near,)


def test_of_two_edits_of_a_theme_the_last_counts() -> None:
    before = themes(DELIVERY, theme=[1])
    after = apply_edits(before, [edit_of(before, 1, name="One"), edit_of(before, 1, name="Two")])
    assert after.themes.themes["name"][0] == "Two" and len(after.matched) == 1


def test_no_themes_and_no_edits_are_answers_too() -> None:
    empty = themes(theme=[0, 0])
    edit = ThemeEdit("en", ("a", "b"), "A")
    assert apply_edits(empty, [edit]).unmatched == (edit,)
    some = themes(DELIVERY, theme=[1])
    assert apply_edits(some, []).themes.themes.equals(
        some.themes.assign(share=1.0, share_low=apply_edits(some, []).themes.themes["share_low"], share_high=1.0)
    )


def test_a_mark_does_not_depend_on_order_or_spelling() -> None:
    assert fingerprint("en", ["Late", "courier"]) == fingerprint("en", ["courier", "late"])
    assert fingerprint("fa", ["كيك"]) == fingerprint("fa", ["کیک"])
    assert fingerprint("en", ["late"]) != fingerprint("fa", ["late"])


def test_the_text_reads_back_as_it_was() -> None:
    edits = (
        ThemeEdit("en", ("delivery", "late"), "Delivery: late?", False),
        ThemeEdit("fa", ("پیک", "دیر"), "", True),
        ThemeEdit("ru", ("no", "on"), "- *x"),
    )
    assert theme_edits_from_yaml(theme_edits_to_yaml(edits)) == edits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("themes: []", "begin with"),
        ("touchline_themes: 9", "reads forms up to 1"),
        ("touchline_themes: 1\nthemes: 5", "must be a list"),
        ("touchline_themes: 1\nthemes: [5]", "must be a list of settings"),
        ("touchline_themes: 1\nthemes: [{language: en, terms: [a], nmae: x}]", "Nearest: name"),
        ("touchline_themes: 1\nthemes: [{terms: [a]}]", "its language"),
        ("touchline_themes: 1\nthemes: [{language: en, terms: [1]}]", "its terms"),
        ("touchline_themes: 1\nthemes: [{language: en, terms: [a], hidden: perhaps}]", "true or false"),
        (f"touchline_themes: 1\nthemes: [{{language: en, terms: [a], name: {'x' * 81}}}]", "at most 80"),
        ("touchline_themes: 1\nthemes: [", "Line"),
    ],
)
def test_a_text_that_cannot_be_is_refused_with_its_reason(text: str, said: str) -> None:
    with pytest.raises(TouchlineError, match=said):
        theme_edits_from_yaml(text)


def test_there_is_no_edit_of_a_theme_that_is_not_there() -> None:
    with pytest.raises(TouchlineError, match="no theme 7"):
        edit_of(themes(DELIVERY, theme=[1]), 7, name="x")
