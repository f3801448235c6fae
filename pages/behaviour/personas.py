"""Who differs, and how?"""

from __future__ import annotations

from cx_metrics import findings_groups
from cx_metrics.texts import N_, Text
from pages.parts import figure, groups
from pages.parts.page import Page, run


def show(page: Page) -> None:
    """A card for each persona, segment or other group; their numbers beside each other; kinds of journeys."""
    column = groups.choose(page)
    if column is None:
        page.open(findings_groups.kinds(page.ask("journey_clusters").frame))
        words = Text(N_("Nothing is known of these customers that would make groups. Add a file of customers with a persona, "
                        "a segment or a region to compare them."))  # fmt: skip
        figure.html(lambda m: m.notice(words, "plain"))
        groups.draw_clusters(page, None)
        return
    traits = page.ask("group_traits", by=[column])
    found = groups.groups_of(page, column, traits.frame)
    rows = groups.differences(page, found, traits.frame)
    page.open(findings_groups.most_different(groups.named(page, rows), groups.names_of(page, rows)))
    groups.select(page, column)
    groups.draw_cards(page, found, traits, rows)
    groups.draw_heat(page, found, rows, traits)
    with page.part():
        groups.draw_clusters(page, found)


run(show, N_("Personas"), N_("Who differs, and how?"), "touchpoints")
