"""The words of these pages, each in one sentence; and which metrics belong together."""

from __future__ import annotations

from cx_metrics.texts import N_

OTHERS = N_("Other numbers")
FAMILIES = {  # title → modules of cx_metrics, in the order of the pages
    N_("Paths"): ("flows", "process", "branches"),
    N_("Drop-off"): ("funnel", "drop_out", "correlates"),
    N_("Engagement"): ("engagement", "activity", "contacts", "exposure"),
    N_("Conversion and channels"): ("conversion", "channels"),
    N_("What customers say"): ("surveys", "score_differences", "drivers", "voiced", "around_answers"),
    N_("Who answers"): ("responses", "silent"),
    N_("Groups of customers"): ("traits", "clusters"),
    N_("What changed"): ("movers", "volume"),
}
TERMS = {
    N_("Touchpoint"): N_("One contact of one customer with the brand at one time: a visit, a call, an e-mail, a purchase."),
    N_("Journey"): N_("All touchpoints of one customer in the order of time; in a range of dates, those in the range."),
    N_("Session"): N_("Touchpoints of one customer with no gap of more than 30 minutes between them."),
    N_("Case"): N_("The touchpoints of one order, ticket or contract, where the file names it."),
    N_("Stage"): N_("Where in the journey a touchpoint belongs, from awareness to loyalty."),
    N_("Phase"): N_("Whether a touchpoint lies before, during or after the purchase."),
    N_("Channel"): N_("Where a touchpoint happened: on the web, by e-mail, in a store, in a call."),
    N_("Goal"): N_("The touchpoints that count as conversion. They are set for a dataset and can be changed in the bar."),
    N_("Conversion"): N_("A customer of the view reached the goal; the conversion rate is the share who did."),
    N_("Step"): N_("One condition of a funnel, or one place in a journey: the first touchpoint is step 1."),
    N_("Entrants"): N_("Customers who reached the first step of a funnel."),
    N_("Drop-off"): N_("Customers who reached a step and did not reach the next one in time. It is a count."),
    N_("Conversion window"): N_("The longest time that may pass from the first step to the last."),
    N_("Response"): N_("One answered survey question with its score. An answer without a valid score is no response."),
    N_("Promoters, passives, detractors"): N_("Customers who answer 9 or 10, 7 or 8, and 0 to 6 on the NPS scale."),
    N_("CSAT"): N_("The share of satisfied answers. The caption says which answers of which scale count as satisfied."),
    N_("CES"): N_("How easy customers found it, as a mean of the scale. The caption says the scale and its direction."),
    N_("Persona, segment"): N_("A group of customers: by an attribute of your file, or by what they did and said."),
    N_("View"): N_("Whom, when and how a page looks at: dates, filters, goal, comparison. A link holds a view."),
    N_("Version"): N_("The state of a dataset after one import. Versions do not change, so their numbers do not either."),
    N_("n"): N_("How many cases a number rests on. Of few cases little can be said: such numbers are grey."),
    N_("Interval"): N_("The range in which the true value lies in 95 of 100 such samples. Counts have none."),
    N_("Beyond chance"): N_("A difference so large that chance rarely makes it, after looking at all differences of the table."),
    N_("Small groups"): N_("Groups of so few people that a number tells about one of them. The Data page can protect them."),
}  # fmt: skip


def family_of(module: str) -> str:
    """The family of a metric that a module of cx_metrics declares."""
    last = module.rpartition(".")[2]
    return next((title for title, modules in FAMILIES.items() if last in modules), OTHERS)
