"""How the flow stays readable with hundreds of names: how many are shown, what is folded, and a field that finds any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from cx_metrics import findings_branch
from cx_metrics.options import Share, Touchpoints
from cx_metrics.run import Result
from cx_metrics.texts import N_, NP_, Text
from pages.parts import figure, flow_pick, flow_rules, state
from pages.parts.flow_pick import Pick
from pages.parts.flow_rules import FLOW, Rules
from pages.parts.page import Page

TOPS = (5, 7, 10, 15, 20)
LEASTS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.05)
MOST_FOLDED = 200  # touchpoints of a step that the list of folded ones knows
LISTED = 40
SOUGHT = "flow_sought"


def choose(page: Page, option: str, label: str, offered: Sequence[int], current: int) -> None:
    """A small choice that is an option of the metric, kept in the address."""
    key = f"flow_{option}"
    state.seed(key, current)
    st.selectbox(page.reader.say(label), sorted({*offered, current}), key=key, format_func=page.reader.number, width=110,
                 on_change=lambda: state.set_option(FLOW, option, str(state.value(key))))  # fmt: skip


def controls(page: Page, rules: Rules, links: Result) -> None:
    """How many touchpoints a step shows, the share below which one is folded, and the field that finds any."""
    options, say = links.definition["options"], page.reader.say
    choose(page, "top", N_("Touchpoints per step"), TOPS, int(options["top"]))
    least = Share("").parse(options["least"])
    state.seed("flow_least", least)
    st.selectbox(say(N_("Fold below")), sorted({*LEASTS, least}), key="flow_least", width=110, on_change=_take_least,
                 format_func=lambda x: page.reader.percent(x, 1))  # fmt: skip
    state.seed("flow_find", None)
    st.selectbox(say(N_("Find a touchpoint")), flow_rules.names(page, rules.group), key="flow_find", width=200,
                 format_func=page.reader.name, placeholder=say(N_("Type a name")), on_change=_take_found)  # fmt: skip


def in_words(options: Mapping[str, Any]) -> list[Text]:
    """How touchpoints are folded, for a caption."""
    said = [Text(N_("the {top} largest touchpoints of a step, the rest as Other"), {"top": int(options["top"])})]
    least = Share("").parse(options["least"])
    if least > 0:
        said.append(Text(N_("below {least_share} of a step too"), {"least_share": least}))
    keep = Touchpoints("", off=True).parse(options["keep"])
    return said + ([Text(N_("never folded: {names}"), {"names": keep})] if keep else [])


def _take_least() -> None:
    least = state.value("flow_least")
    state.set_option(FLOW, "least", Share("").print(least) if isinstance(least, float) and least > 0 else None)


def _take_found() -> None:
    """The name that was typed: looked at where most journeys have it; the run that comes unfolds it if it has to."""
    state.keep(SOUGHT, state.value("flow_find"))


def sought(page: Page, links: Result) -> Pick | None:
    """The node of the name that was typed into the field; a name that stands in Other is shown from now on."""
    name = state.kept(SOUGHT)
    state.keep(SOUGHT, None)
    if not isinstance(name, str):
        return None
    step = findings_branch.largest_step(links.frame, name)
    if step is not None:
        found = Pick(step, name)
        flow_pick.take(found)
        state.save()
        return found
    _unfold(page, name)
    return None


def _unfold(page: Page, name: str) -> None:
    """Show a name from now on, and look for it again; where it was unfolded in vain, say that it is not there."""
    options = Touchpoints("", off=True)
    keep = options.parse(page.option(FLOW, "keep") or "") or ()
    if name in keep:
        words = N_("{touchpoint} is at none of the steps shown. Show more steps, or take a filter away.")
        state.note([Text(words, {"touchpoint": name})])
        return
    state.set_option(FLOW, "keep", options.print((*keep, name)))
    state.keep(SOUGHT, name)
    st.rerun()


def draw(page: Page, rules: Rules, links: Result, sizes: Mapping[str, Any]) -> None:
    """What stands in Other, on demand; and the names that are never folded, to let go of them."""
    say, keep = page.reader.say, sizes["keep"] or ()
    with st.container(horizontal=True, key="flow_folding", vertical_alignment="bottom"):
        state.seed("flow_folded", state.current_address().option("flow", "folded") == "shown")
        st.toggle(say(N_("List what is folded into Other")), key="flow_folded", on_change=_take_folded)
        if keep:
            state.seed("flow_keep", list(keep))
            st.multiselect(say(N_("Never folded")), list(keep), key="flow_keep", format_func=page.reader.name,
                           on_change=_take_keep, placeholder=say(N_("Choose touchpoints")))  # fmt: skip
    if state.value("flow_folded"):
        draw_folded(page, rules, links, sizes)


def _take_folded() -> None:
    state.set_option("flow", "folded", "shown" if state.value("flow_folded") else None)


def _take_keep() -> None:
    chosen = state.value("flow_keep")
    names = tuple(str(n) for n in chosen) if isinstance(chosen, Sequence) else ()
    state.set_option(FLOW, "keep", Touchpoints("", off=True).print(names) or None)


def draw_folded(page: Page, rules: Rules, links: Result, sizes: Mapping[str, Any]) -> None:
    """The touchpoints in Other, step by step, the largest first."""
    matrix = page.ask(
        "step_matrix", steps=sizes["steps"], top=MOST_FOLDED, keep=None, least=0.0, **rules.of("step_matrix")
    )
    rest = findings_branch.folded(matrix.frame, links.frame)
    shown, n = rest.head(LISTED), len(rest)
    one, many = NP_("{n} row in all", "{n} rows in all")
    caption = page.caption("journeys", [*rules.in_words("step_matrix"), Text(one, {"n": n}, many, n)])
    heads = [Text(N_("Step")), Text(N_("Touchpoint")), Text(N_("Journeys")), Text(N_("Share"))]
    with page.card("folded", findings_branch.what_is_folded(rest), Text(N_("Find a name above to show it in the flow")),
                   matrix, caption):  # fmt: skip
        if n:
            figure.html(lambda m: m.table(heads, [
                [m.number(r.step), r.touchpoint, m.number(r.journeys),
                 m.over(m.percent(r.share, 1), m.interval(r.share_low, r.share_high, 1, True))]
                for r in shown.itertuples()
            ], numeric=(2, 3)))  # fmt: skip
