"""What is there to know about one touchpoint?"""

from __future__ import annotations

import streamlit as st

from cx_metrics import findings_profile
from cx_metrics.texts import N_, Text
from pages.parts import profile
from pages.parts.page import Page, run

GROUPS = ("persona", "segment", "region")


def show(page: Page) -> None:
    """Its numbers, what lies around it, when and for whom, what contacts go with, and what is said there."""
    name = profile.choose(page)
    engagement = profile.here(page.ask("touchpoint_engagement").frame, name)
    if not len(engagement):
        page.open(Text(N_("Nobody met {touchpoint} in this view"), {"touchpoint": name}))
        profile.select(page, name)
        page.nobody()
        return
    after = profile.following(page, name).frame
    page.open(findings_profile.summary(engagement.iloc[0], after[after["step"] == 2]))
    profile.select(page, name)
    scored = profile.scores_there(page, name)
    profile.draw_tiles(page, name, scored)
    profile.draw_around(page, name)
    column = next((c for c in (*GROUPS, *page.facts.attributes) if c in page.facts.attributes), None)
    parts = [lambda: profile.draw_over_time(page, name)] if page.facts.timed else []
    parts += [lambda: profile.draw_channels(page, name)] if "channel" in page.columns("touchpoints") else []
    parts += [lambda: profile.draw_groups(page, name, column)] if column is not None else []
    parts += (
        [lambda: profile.draw_exposure(page, name)]
        if page.has_goal() and name not in page.facts.goal_of(page.view)
        else []
    )
    for start in range(0, len(parts), 2):
        for place, draw in zip(st.columns(2, gap="small"), parts[start : start + 2], strict=False):
            with place, page.part():
                draw()
    if scored:
        profile.draw_answers(page, name, scored)
    with page.part():
        profile.draw_words(page, name)


run(show, N_("Touchpoint"), N_("What is there to know about one touchpoint?"), "touchpoints")
