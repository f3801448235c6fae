"""Groups of customers beside each other: which attribute makes them, a card for each, what sets them apart, kinds of journeys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings_groups
from cx_metrics.charts.heatmap import Cell, HeatTable, plain_cell
from cx_metrics.clusters import STEADY
from cx_metrics.findings import MIN_SCORES
from cx_metrics.group_differences import against_the_rest
from cx_metrics.run import Result
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import View
from pages.parts import cache, figure, scores, state, view_words, words
from pages.parts.markup import Html, Markup, Words
from pages.parts.page import Page

MOST_VALUES = 60  # an attribute with more says who somebody is, not what kind of customer
MOST_GROUPS = 6
MARKS = 3
KINDS = {"channel": N_("Preferred channels"), "touchpoint": N_("Preferred touchpoints")}
COMPARED = {  # metric: measure, is it a share, decimals, the difference at which a cell has its strongest colour
    "conversion": ("conversion_rate", True, 1, 0.2), "time_to_goal": ("median_seconds", False, 1, 10 * 86_400.0),
    "nps": ("nps", False, 0, 40.0), "csat": ("csat", True, 0, 0.2), "ces": ("ces", False, 1, 1.0),
}  # fmt: skip
TITLES = {
    "conversion_rate": N_("Conversion rate"), "median_seconds": N_("Median time to goal"), "nps": N_("NPS"),
    "csat": N_("Satisfied (CSAT)"), "ces": N_("Ease (CES)"),
}  # fmt: skip
NOWHERE = N_("The link asks for groups by {name}, which this dataset does not have. Others are shown.")


@dataclass(frozen=True)
class Groups:
    """The groups that one attribute makes: its largest values in the view, and all of them. The empty value is "not known"."""

    column: str
    shown: tuple[str, ...]
    every: tuple[str, ...]

    def only(self, view: View, value: str) -> View:
        """The view of one group."""
        return view.with_values(self.column, (value,))

    def rest(self, view: View, value: str) -> View:
        """The view of everybody else."""
        return view.with_values(self.column, tuple(v for v in self.every if v != value))


def offered(page: Page) -> list[str]:
    """The attributes that make groups: those of few values, personas first."""
    named = [c for c in ("persona", "segment", "region") if c in page.facts.attributes]
    columns = dict.fromkeys([*named, *page.facts.attributes])
    return [c for c in columns if 2 <= len(cache.values(page.version, c)) <= MOST_VALUES]


def choose(page: Page) -> str | None:
    """The attribute of the address, else the first; None where there is none."""
    columns = offered(page)
    asked = page.option("personas", "column")
    if asked is not None and asked not in columns:
        state.note([Text(NOWHERE, {"name": asked[:80]})])
    return asked if asked in columns else columns[0] if columns else None


def select(page: Page, column: str) -> None:
    """A box to choose the attribute; kept in the address."""
    columns = offered(page)
    state.seed("groups_column", column)
    with st.container(horizontal=True, key="groups_choice", vertical_alignment="bottom"):
        st.selectbox(page.reader.say(N_("Groups by")), columns, key="groups_column", width=320, on_change=_take_column,
                     format_func=lambda c: page.reader.say(view_words.label(c)))  # fmt: skip


def _take_column() -> None:
    state.set_option("personas", "column", str(state.value("groups_column")))


def groups_of(page: Page, column: str, traits: pd.DataFrame) -> Groups:
    """The groups in the view, the largest first. `traits`: rows of `group_traits` by the column."""
    sizes = traits[[column, "customers"]].drop_duplicates().sort_values("customers", ascending=False, kind="stable")
    values = ["" if v is None or v != v else str(v) for v in sizes[column]]
    return Groups(column, tuple(values[:MOST_GROUPS]), tuple(values))


def name_of(page: Page, value: str) -> str:
    """A group in the reader's words."""
    return page.group(value or None)


# cards ------------------------------------------------------------------------------------------------------------------------


def draw_cards(page: Page, groups: Groups, traits: Result, rows: pd.DataFrame) -> None:
    """A card for each group: how many, what marks them, what they prefer, how they do, what hurts."""
    pains = _pains(page, groups)
    across = len(groups.shown) if len(groups.shown) <= 4 else 3
    for start in range(0, len(groups.shown), across):
        for place, value in zip(st.columns(across, gap="small"), groups.shown[start : start + across], strict=False):
            with place:
                draw_card(page, groups, value, traits, rows, pains)


def _own(frame: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    return frame[frame[column].isna()] if value == "" else frame[frame[column] == value]


def _pains(page: Page, groups: Groups) -> pd.DataFrame | None:
    """What each group writes about, where comments are read."""
    if not words.is_read(page) or groups.column not in page.columns("surveys"):
        return None
    with page.part():
        frame = page.ask("themes", by=[groups.column]).frame
        return frame[frame["theme"].notna() & frame["negative"].gt(0)]
    return None


def draw_card(
    page: Page, groups: Groups, value: str, traits: Result, rows: pd.DataFrame, pains: pd.DataFrame | None
) -> None:
    """One group."""
    own = _own(traits.frame, groups.column, value)
    more = own[own["flagged"].astype(bool) & own["difference"].gt(0)].sort_values(
        "difference", ascending=False, kind="stable"
    )
    name, n = name_of(page, value), int(own["customers"].max())
    mine = rows[rows["group"] == value].set_index("measure")
    caption = page.caption("customers", [Text(N_("marks: beyond chance, against everybody else"))], n)
    note = Text(N_("How many they are, what marks them, how they do"))
    key = f"group_{groups.shown.index(value)}"
    with page.card(
        key, findings_groups.marks(more, name), note, traits, caption, ("share", "difference"), height="stretch"
    ):

        def pairs(m: Markup) -> list[tuple[Words, object]]:
            found: list[tuple[Words, object]] = [(Text(N_("Customers")), m.number(n))]
            of_people = more[~more["kind"].isin(["stage", "touchpoint_type", *KINDS])]
            found += [(Text(N_("Marks")), _traits(page, m, of_people))] if len(of_people) else []
            for kind, title in KINDS.items():
                met = more[more["kind"] == kind]
                found += [(Text(title), _traits(page, m, met))] if len(met) else []
            for measure in TITLES:
                if measure in mine.index:
                    found.append((_title(page, measure), _value(page, m, measure, mine.loc[measure])))
            if pains is not None and len(_own(pains, groups.column, value)):
                worst = (
                    _own(pains, groups.column, value)
                    .sort_values(["negative", "theme"], ascending=[False, True])
                    .iloc[0]
                )
                share = m.percent(worst["negative_share"])
                bounds = m.interval(worst["negative_share_low"], worst["negative_share_high"], 0, True)
                found.append(
                    (
                        Text(N_("Loudest complaint, and its negative share")),
                        m.over(worst["theme"], m.join(share, bounds)),
                    )
                )
            return found

        figure.html(lambda m: m.definitions(pairs(m)))


def _traits(page: Page, m: Markup, rows: pd.DataFrame) -> Any:
    """The first few traits, each with how much more often than the others and the interval of that."""
    return m.lines([
        m.over(m.profile(str(r.trait)) if r.kind == "touchpoint" else m.text(_trait(page, r)),
               m.join(m.change(r.difference, "pt", None, 0), m.interval(r.difference_low * 100, r.difference_high * 100)))
        for r in rows.head(MARKS).itertuples()
    ])  # fmt: skip


def _trait(page: Page, row: Any) -> str:
    value = view_words.value_word(row.kind, str(row.trait), page.reader)
    return value if row.kind in KINDS else f"{page.reader.say(view_words.label(row.kind))}: {value}"


def _value(page: Page, m: Markup, measure: str, row: Any) -> Any:
    """A number with its interval and n, greyed where few gave it."""
    shown, bounds = _shown(page, m, measure, row)
    few = measure in ("nps", "csat", "ces") and row["n"] < MIN_SCORES
    number = m.figure(shown)
    return m.over(m.dim(number) if few else number, m.join(bounds, m.count(int(row["n"]))))


def _title(page: Page, measure: str) -> Text:
    """What a measure is called; a scale on which less is better asks for effort."""
    return scores.label("ces", page.ask("ces").frame) if measure == "ces" else Text(TITLES[measure])


def _less_is_better(page: Page, measure: str) -> bool:
    return measure == "median_seconds" or (
        measure == "ces" and not bool(page.ask("ces").frame.iloc[0]["higher_is_better"])
    )


def _shown(page: Page, m: Markup, measure: str, row: Any) -> tuple[str, Html]:
    """The number and its interval, as the reader writes them."""
    write, low, high = _writer(page, measure), row["value_low"], row["value_high"]
    if measure == "median_seconds":
        known = low == low and high == high and low is not None and high is not None
        return write(row["value"]), m.figure(f"{write(low)} – {write(high)}" if known else "–")
    share, decimals = _look(measure)
    return write(row["value"]), m.interval(low, high, decimals, share)


def _look(measure: str) -> tuple[bool, int]:
    """Is it a share, and with how many decimals is it written?"""
    return next(
        ((share, decimals) for name, share, decimals, _widest in COMPARED.values() if name == measure), (True, 0)
    )


def _writer(page: Page, measure: str) -> Any:
    if measure == "median_seconds":
        return page.reader.duration
    share, decimals = _look(measure)
    return (lambda x: page.reader.percent(x, decimals)) if share else (lambda x: page.reader.number(x, decimals))


# side by side -----------------------------------------------------------------------------------------------------------------


def differences(page: Page, groups: Groups, traits: pd.DataFrame) -> pd.DataFrame:
    """Each group against everybody else, in every number there is."""
    asked = [m for m in COMPARED if _there(page, m, groups.column)]
    compared: dict[str, list[pd.DataFrame]] = {value: [] for value in groups.shown}
    for value, frames in compared.items():
        if len(groups.every) < 2:
            break
        a, b = (side(page.view.alone(), value) for side in (groups.only, groups.rest))
        for metric in asked:
            with page.part():
                frames.append(cache.compared(page.version, metric, a, b, page.given(metric, {})).frame)
    held = traits.assign(**{groups.column: ["" if v is None or v != v else str(v) for v in traits[groups.column]]})
    return against_the_rest(compared, list(TITLES), held, groups.column, "stage")


def _there(page: Page, metric: str, column: str) -> bool:
    """Whether the metric can be asked of these groups."""
    if metric in scores.NAMES:
        if not page.has("surveys") or column not in page.columns("surveys"):
            return False
        result, _why = scores.attempt(page, metric)
        return result is not None and int(result.frame.iloc[0]["responses"]) > 0
    return page.has_goal() and (metric != "time_to_goal" or page.facts.timed)


def names_of(page: Page, rows: pd.DataFrame) -> dict[str, Text]:
    """What the measures are called."""
    return {name: _title(page, name) for name in TITLES if name in set(rows["measure"])}


def draw_heat(page: Page, groups: Groups, rows: pd.DataFrame, traits: Result) -> None:
    """Measures by group, each with its interval; coloured where the group differs from everybody else beyond chance."""
    if not len(rows):
        return
    order = [page.facts.stages[i] for i in range(len(page.facts.stages))]
    measures = [m for m in (*TITLES, *order) if m in set(rows["measure"])]
    held = {(r["measure"], r["group"]): r for r in rows.to_dict("records")}
    n = int(rows["p_value"].notna().sum())
    one, many = NP_("beyond chance: at a false discovery rate of 10% over the {n} number compared",
                    "beyond chance: at a false discovery rate of 10% over the {n} numbers compared")  # fmt: skip
    caption = page.caption("customers", [
        Text(N_("coloured: differs from everybody else beyond chance, ▲ above, ▼ below")), Text(one, {"n": n}, many, n),
        Text(N_("under each number its 95% interval")),
    ])  # fmt: skip
    finding = findings_groups.most_different(named(page, rows), names_of(page, rows))
    with page.card("heat", finding, Text(N_("Groups beside each other")), traits, caption, ("share", "difference")):
        figure.html(lambda m: m.heat(_table(page, groups, measures, held, m), view_words.label(groups.column)))


def named(page: Page, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with groups and stages in the reader's words."""
    return rows.assign(
        group=[name_of(page, str(v)) for v in rows["group"]],
        measure=[m if m in TITLES else page.stage(m) for m in rows["measure"]],
    )


def _table(page: Page, groups: Groups, measures: Sequence[str], held: Mapping[Any, Any], m: Markup) -> HeatTable:
    lines = []
    for measure in measures:
        cells = [_cell(page, measure, held.get((measure, value)), value, m) for value in groups.shown]
        reached = Text(N_("Reach: {stage}"), {"stage": page.stage(measure)})
        lines.append((page.reader.say(_title(page, measure) if measure in TITLES else reached), None, cells))
    return HeatTable([name_of(page, v) for v in groups.shown], lines)


def _cell(page: Page, measure: str, row: Any, value: str, m: Markup) -> Cell:
    who = m.reader
    if row is None:
        return plain_cell("–", name_of(page, value), "", who)
    shown, bounds = _shown(page, m, measure, row)
    tip = f"{name_of(page, value)} · {shown}"
    if not row["flagged"]:
        return plain_cell(shown, tip, bounds, who)
    widest = next((w for name, _s, _d, w in COMPARED.values() if name == measure), 0.2)
    above = row["difference"] > 0
    way = -1 if _less_is_better(page, measure) else 1
    return plain_cell(f"{'▲' if above else '▼'} {shown}", tip, bounds, who, way * row["difference"], widest)


# kinds of journeys --------------------------------------------------------------------------------------------------------------


def draw_clusters(page: Page, groups: Groups | None) -> None:
    """Kinds of journeys by the moves that people make: how many, what marks them, how steady; and who makes which."""
    result = page.ask("journey_clusters")
    frame = result.frame[result.frame["journeys"].gt(0)]
    if not len(frame):
        return
    first = frame.iloc[0]
    drawn, known = int(first["all_journeys"]), int(first["journeys_of_view"])
    steady = first["stability"]
    said: list[Words] = [
        *([Text(N_("{n} journeys drawn evenly from {all}"), {"n": drawn, "all": known})] if drawn < known else []),
        *([Text(N_("stability {stability}: below {steady} other journeys would fall into other groups"),
                {"stability": page.reader.number(steady, 2), "steady": page.reader.number(STEADY, 1)}),
           Text(N_("silhouette {silhouette}"), {"silhouette": page.reader.number(first["silhouette"], 2)})]
          if steady == steady and steady is not None else []),
        Text(N_("two journeys are alike by the moves that they share")),
        Text(N_("kinds cannot be used as a segment; the second table says how each group divides among them")) if groups else "",
    ]  # fmt: skip
    heads: list[Words] = [
        Text(N_("Kind")),
        Text(N_("Journeys")),
        Text(N_("Share")),
        Text(N_("More often")),
        Text(N_("Less often")),
    ]
    heads += [Text(N_("Reach the goal"))] if page.has_goal() else []
    heads += [Text(N_("Typical path"))]

    def cells(m: Markup, r: Any) -> list[object]:
        rate = m.over(m.percent(r.conversion_rate), m.interval(r.conversion_rate_low, r.conversion_rate_high, 0, True))
        return [
            m.strong(_kind(page, r)), m.number(r.journeys),
            m.over(m.percent(r.share), m.interval(r.share_low, r.share_high, 0, True)),
            m.chips(list(r.more)) if r.more else m.dim("–"), m.chips(list(r.less)) if r.less else m.dim("–"),
            *([rate] if page.has_goal() else []),
            m.over(m.path(list(r.path)), m.count(r.path_journeys)) if isinstance(r.path, list)
            else m.dim(Text(N_("no path common enough to show"))),
        ]  # fmt: skip

    note = Text(N_("Kinds of journeys, and the touchpoints that mark them"))
    caption = page.caption("journeys", said, drawn)
    with page.card(
        "clusters", findings_groups.kinds(frame), note, result, caption, ("share", "silhouette", "stability")
    ):
        figure.html(lambda m: m.table(heads, [cells(m, r) for r in frame.itertuples()], numeric=(1, 2)))
        if groups is not None and len(frame) > 1:
            _draw_cross(page, groups, frame)


def _kind(page: Page, row: Any) -> str:
    return page.reader.say(Text(N_("Kind {number}"), {"number": int(row.cluster)}))


def _draw_cross(page: Page, groups: Groups, frame: pd.DataFrame) -> None:
    """Which part of each group's journeys is of which kind."""
    with page.part():
        parts = page.ask("journey_clusters", by=[groups.column]).frame
        heads: list[Words] = [view_words.label(groups.column), *(_kind(page, r) for r in frame.itertuples())]

        def cells(m: Markup, value: str) -> list[object]:
            own = _own(parts, groups.column, value)
            shares = [
                m.over(m.percent(r.share), m.interval(r.share_low, r.share_high, 0, True)) for r in own.itertuples()
            ]
            return [m.strong(name_of(page, value)), *shares, *([m.dim("–")] * (len(frame) - len(shares)))]

        figure.html(lambda m: m.table(heads, [cells(m, v) for v in groups.shown], numeric=tuple(range(1, len(heads)))))
