"""Charts drawn before: found again by what they are drawn from, and never for anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from streamlit.elements import vega_charts

from cx_metrics.charts.lines import draw_trend
from cx_metrics.texts import Text
from pages.parts import drawn
from pages.parts.drawn import NoContentError, fingerprint, picture
from pages.parts.language import PageReader


@pytest.fixture(autouse=True)
def nothing_drawn() -> Iterator[None]:
    drawn.forget()
    yield
    drawn.forget()


def rows(last: float = 0.5) -> pd.DataFrame:
    return pd.DataFrame({
        "month": pd.to_datetime(["2026-01-01", "2026-02-01"]), "value": [0.25, last], "low": [0.2, 0.4], "high": [0.3, 0.6],
        "n": [40, 50],
    })  # fmt: skip


def trend(frame: pd.DataFrame, share: bool = True, told: list[int] | None = None) -> Callable[[PageReader], Any]:
    def draw(who: PageReader) -> Any:
        return draw_trend(frame, who, "month", "value", "low", "high", "n", share=share)

    if told is None:
        return draw

    def counting(who: PageReader, draw: Callable[[PageReader], Any] = draw) -> Any:
        told.append(1)
        return draw(who)

    return counting


def written(chart: Any) -> dict[str, Any]:
    """What Streamlit sends to the browser; names of rows are those of objects, so they go by place."""
    spec = vega_charts._convert_altair_to_vega_lite_spec(chart)
    assert spec["datasets"]
    return spec


def test_a_chart_from_the_shelf_is_the_chart_itself() -> None:
    chart = picture(trend(rows()), PageReader())
    first, again = written(chart), written(picture(trend(rows()), PageReader()))
    assert first == again
    fresh = written(trend(rows())(PageReader()))
    assert list(fresh) == list(first) and len(fresh["layer"]) == len(first["layer"])
    assert sorted(map(len, fresh["datasets"].values())) == sorted(map(len, first["datasets"].values()))


def test_what_is_given_out_can_be_changed_without_harm() -> None:
    chart = picture(trend(rows()), PageReader())
    spec = written(chart)
    spec["layer"].clear()
    spec["datasets"].clear()
    assert written(chart)["layer"] and written(chart)["datasets"]


def test_the_same_rows_are_drawn_once_and_others_anew() -> None:
    told: list[int] = [0]
    for frame, who, share in (
        (rows(), PageReader(), True), (rows(), PageReader(), True), (rows(0.6), PageReader(), True),
        (rows(), PageReader("ar"), True), (rows(), PageReader(mode="dark"), True), (rows(), PageReader(), False),
    ):  # fmt: skip
        made = picture(trend(frame, share), who)
        told.append(id(made))
    assert told[1] == told[2] and len(set(told[2:])) == 5


def test_contents_decide_and_names_of_columns_and_the_index_too() -> None:
    frame = rows()
    others = [
        rows(0.7), frame.rename(columns={"low": "lower"}), frame.iloc[::-1], frame.set_index("month"), frame.assign(n=[40.0, 50.0]),
    ]  # fmt: skip
    assert fingerprint(frame) == fingerprint(rows())
    assert len({fingerprint(f) for f in (frame, *others)}) == 6
    assert fingerprint(Text("a", {"n": 1})) != fingerprint(Text("a", {"n": 2}))
    assert fingerprint(("a", "b")) != fingerprint(("ab",)) and fingerprint(1) != fingerprint(True)


def test_what_has_no_plain_content_is_drawn_anew() -> None:
    told: list[int] = []
    with pytest.raises(NoContentError):
        fingerprint(object())
    with pytest.raises(NoContentError):
        fingerprint(pd.DataFrame({"path": [["a", "b"]]}))
    thing = object()
    for _round in range(2):
        picture(lambda who: told.append(1) if thing else None, PageReader())
    assert len(told) == 2
