"""Findings about paths: which sentence a frame leads to, and the numbers in it. Frames are written by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics import findings_flow


def links(*rows: tuple[int, str, str | None, str, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["step", "source", "target", "kind", "journeys"])


FROM_SITE = links(  # 20 journeys: 10 to the cart, 4 to the help, 1 elsewhere, 5 stop
    (1, "site", "cart", "move", 10), (1, "site", "help", "move", 4), (1, "site", "(other)", "move", 1),
    (1, "site", None, "drop_off", 5), (2, "cart", None, "drop_off", 10), (2, "help", None, "drop_off", 4),
    (2, "(other)", None, "drop_off", 1),
)  # fmt: skip
TO_BUY = links(  # 20 journeys: 12 come from the cart, 3 from the help, 5 begin there
    (2, "cart", "buy", "move", 12), (2, "help", "buy", "move", 3), (3, "buy", None, "drop_off", 20),
)  # fmt: skip


class TestParts:
    """What a part of the journeys shows."""

    def test_after_a_touchpoint_the_most_frequent_next_one_and_who_stops(self) -> None:
        said = str(findings_flow.after(FROM_SITE, ["site"]))
        assert said == "After site, 50% go on to cart, and 25% stop"

    def test_where_nobody_stops_nothing_is_said_of_it(self) -> None:
        assert (
            str(findings_flow.after(FROM_SITE[FROM_SITE["kind"] == "move"], ["site"]))
            == "After site, 67% go on to cart"
        )

    def test_where_everybody_stops_that_is_the_finding(self) -> None:
        stop = links((1, "site", None, "drop_off", 30))
        assert str(findings_flow.after(stop, ["site"])) == "After site, 100% of journeys stop"

    def test_folded_names_are_never_named(self) -> None:
        folded = links((1, "site", "(other)", "move", 20), (1, "site", None, "drop_off", 20))
        assert str(findings_flow.after(folded, ["site"])) == "After site, 50% of journeys stop"

    def test_before_a_touchpoint_where_they_come_from_and_who_begins_there(self) -> None:
        assert str(findings_flow.before(TO_BUY, ["buy"])) == "60% come to buy from cart, and 25% begin there"
        from_cart = links((2, "cart", "buy", "move", 20), (3, "buy", None, "drop_off", 20))
        assert str(findings_flow.before(from_cart, ["buy"])) == "100% come to buy from cart"

    def test_where_all_begin_at_the_end_that_is_the_finding(self) -> None:
        alone = links((4, "buy", None, "drop_off", 12))
        assert str(findings_flow.before(alone, ["buy", "pay"])) == "100% of the journeys to buy, pay begin there"

    def test_between_two_touchpoints_how_many_and_how_many_straight(self) -> None:
        found = links((1, "site", "buy", "move", 5), (1, "site", "cart", "move", 15), (2, "cart", "buy", "move", 15),
                      (2, "buy", None, "drop_off", 5), (3, "buy", None, "drop_off", 15))  # fmt: skip
        assert str(findings_flow.between(found, ["site"], ["buy"])) == (
            "20 journeys lead from site to buy, 25% of them without a step between"
        )
        assert str(findings_flow.between(found, ["site"], ["pay"])) == "20 journeys lead from site to pay"

    def test_too_few_journeys_have_no_pattern(self) -> None:
        few = links((1, "site", "buy", "move", 9), (2, "buy", None, "drop_off", 9))
        none = few.head(0)
        for said in (findings_flow.after(few, ["site"]), findings_flow.before(few, ["buy"]),
                     findings_flow.after(none, ["site"]), findings_flow.before(none, ["buy"])):  # fmt: skip
            assert str(said) == "Too few journeys to see a pattern"


class TestMatrices:
    """What the step matrix and the transition matrix show."""

    def test_the_first_step_at_which_most_journeys_are_over(self) -> None:
        steps = pd.DataFrame(
            [(1, "A", 20, 1.0), (2, "B", 16, 0.8), (2, "path_end", 4, 0.2), (3, "C", 8, 0.4), (3, "path_end", 12, 0.6)],
            columns=["step", "touchpoint", "journeys", "share"],
        ).assign(all_journeys=20)
        assert str(findings_flow.steps(steps)) == "60% of journeys are over before step 3"
        assert str(findings_flow.steps(steps[steps["step"] < 3])) == "20% of journeys are over before step 2"
        assert str(findings_flow.steps(steps[steps["touchpoint"] != "path_end"])) == "No journey is over within 3 steps"

    def test_paths_that_end_together_begin_at_different_steps(self) -> None:
        steps = pd.DataFrame(
            [(1, "A", 5, 0.25), (1, "path_start", 15, 0.75), (2, "buy", 20, 1.0)],
            columns=["step", "touchpoint", "journeys", "share"],
        ).assign(all_journeys=20)
        assert str(findings_flow.steps(steps)) == "75% of journeys have not begun at step 1"

    def test_rows_come_in_the_order_of_the_journey_and_ends_last(self) -> None:
        steps = pd.DataFrame(
            [(1, "B", 9), (1, "A", 9), (1, "(other)", 30), (2, "path_end", 40), (2, "Z", 5), (2, "A", 3)],
            columns=["step", "touchpoint", "journeys"],
        )
        assert findings_flow.in_order_of_steps(steps) == ["A", "B", "Z", "(other)", "path_end"]

    def test_the_surest_pair_rests_on_enough_transitions(self) -> None:
        pairs = pd.DataFrame(
            [("path_start", "A", 1.0, 90), ("A", "B", 0.6, 50), ("A", "path_end", 0.4, 50), ("B", "C", 0.9, 29),
             ("C", "path_end", 1.0, 60)],
            columns=["touchpoint", "next_touchpoint", "share", "all_transitions"],
        )  # fmt: skip
        assert str(findings_flow.follows(pairs)) == "After A comes B in 60% of cases, the surest of all pairs"
        assert str(findings_flow.follows(pairs.tail(1))) == "Too few transitions to compare the touchpoints"
        assert findings_flow.largest_rows(pairs, 2) == ["C", "A"]
        again = pairs.assign(next_touchpoint=["A", "A", "path_end", "C", "path_end"])
        assert str(findings_flow.follows(again)) == "A follows itself in 60% of cases, the surest of all pairs"


class TestRework:
    """What journeys come back to."""

    def test_the_highest_rate_among_those_with_enough_journeys(self) -> None:
        frame = pd.DataFrame(
            [("A", 100, 30, 0.3), ("B", 9, 9, 1.0), ("C", 40, 16, 0.4)],
            columns=["touchpoint", "journeys", "reworked", "rework_rate"],
        )
        assert str(findings_flow.rework(frame)) == ("40% of journeys with C have it more than once, the most of all")
        assert str(findings_flow.rework(frame.iloc[1:2])) == "Too few journeys to compare the touchpoints"
        assert str(findings_flow.rework(frame.assign(reworked=0, rework_rate=0.0))) == (
            "No journey has the same touchpoint twice"
        )


def compared(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([{"share_a": 0.5, "share_b": 0.2} | row for row in rows])


class TestAgainst:
    """The largest difference between A and B."""

    LINKS = compared(
        {"step": 1, "source": "ad", "target": "site", "kind": "move", "difference": 0.3, "flagged": True},
        {"step": 1, "source": "ad", "target": None, "kind": "drop_off", "difference": -0.4, "flagged": False},
        {"step": 2, "source": "site", "target": None, "kind": "drop_off", "difference": -0.35, "flagged": True},
    )

    def test_what_is_beyond_chance_comes_first_then_the_size(self) -> None:
        assert list(findings_flow.largest_differences(self.LINKS, 2)["difference"]) == [-0.35, 0.3]
        assert str(findings_flow.against(self.LINKS)) == "At step 2, 50% of A stop at site, and 20% of B"
        assert str(findings_flow.against(self.LINKS.head(1))) == "From ad at step 1, 50% of A go to site, and 20% of B"

    def test_without_any_beyond_chance_it_says_so(self) -> None:
        assert str(findings_flow.against(self.LINKS.assign(flagged=False))) == (
            "No difference between A and B is larger than chance allows"
        )
        assert str(findings_flow.against(self.LINKS.head(0))) == "There is nothing to compare"

    def test_touchpoints_folded_into_one_have_no_name_to_speak_of(self) -> None:
        other = self.LINKS.assign(source=["(other)", "ad", "..."], target=[None, "(other)", None])
        assert str(findings_flow.against(other)) == "A and B differ most in the touchpoints that are folded together"
        mixed = self.LINKS.assign(source=["ad", "ad", "(other)"])
        assert str(findings_flow.against(mixed)) == "From ad at step 1, 50% of A go to site, and 20% of B"

    def test_steps_and_paths_have_sentences_of_their_own(self) -> None:
        step = compared({"step": 3, "touchpoint": "buy", "difference": 0.3, "flagged": True})
        assert str(findings_flow.against(step)) == "At step 3, 50% of A and 20% of B are at buy"
        over = step.assign(touchpoint="path_end")
        assert str(findings_flow.against(over)) == (
            "50% of the journeys of A are over before step 3, and 20% of those of B"
        )
        later = step.assign(touchpoint="path_start")
        assert str(findings_flow.against(later)) == ("At step 3, 50% of the journeys of A and 20% of B have not begun")
        beyond = self.LINKS.tail(1).assign(kind="continues_beyond")
        assert str(findings_flow.against(beyond)) == "At step 2, 50% of A are at site and go on, and 20% of B"
        path = compared({"rank": 1, "path": ("a", "b", "c", "d", "e"), "difference": 0.3, "flagged": True})
        assert str(findings_flow.against(path)) == "The path a, b, c, … is taken by 50% of A and 20% of B"
