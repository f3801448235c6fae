"""Anchors, groups and exclusions of paths: worked by hand, balanced at every node, and a plain-Python second opinion."""

from __future__ import annotations

import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import pandas as pd
import pytest

import cx_metrics as cx
from cx_metrics.engines import Store
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.rules import FOLDED
from cx_metrics.view import View
from tests.conftest import MORNING, dataset, paths, seldom
from tests.test_flows import Link, Node, links, nodes, records, sessions_of, timed

Touched = tuple[str, float]
LOTS = 1e9  # a share of the touchpoints that every cube stays under
NAMES = ("A", "A", "B", "/p/1", "/p/2", "/help", "/help/", "x.y", "xzy", "buy")
GOAL = ("buy",)


def whole_paths(store: Store, view: View | None = None, **options: Any) -> dict[tuple[str, ...], int]:
    return dict(records(cx.run("variants", store, view, **options).frame, "path", "journeys"))


# By hand


def test_a_start_makes_its_first_touchpoint_step_1_and_leaves_journeys_without_it_out() -> None:
    store = dataset(paths("X A B", "A C A", "X Y"))
    assert links(store, start="A") == {
        (1, "A", "B", "move"): 1, (1, "A", "C", "move"): 1, (2, "B", None, "drop_off"): 1, (2, "C", "A", "move"): 1,
        (3, "A", None, "drop_off"): 1,
    }  # fmt: skip


def test_an_end_stands_at_the_last_step_and_shorter_paths_begin_later() -> None:
    store = dataset(paths("A B C D", "B D E", "D", "A"))
    assert links(store, end="D", steps=3) == {
        (1, "B", "C", "move"): 1,  # of the longest path, the last three steps
        (2, "C", "D", "move"): 1, (2, "B", "D", "move"): 1,
        (3, "D", None, "drop_off"): 2, (3, "D", None, "continues_beyond"): 1,
    }  # fmt: skip


def test_any_of_several_touchpoints_can_be_the_anchor() -> None:
    store = dataset(paths("A B C", "A C B", "A D"))
    assert whole_paths(store, end="B|C") == {("A", "B"): 1, ("A", "C"): 1}


def test_the_end_comes_after_the_start_also_where_both_have_one_name() -> None:
    store = dataset(paths("B A X B A", "A", "B A"))
    assert whole_paths(store, start="A", end="B") == {("A", "X", "B"): 1}
    assert whole_paths(store, start="A", end="A") == {("A", "X", "B", "A"): 1}


@pytest.mark.parametrize(
    ("steps", "shown"),
    [(3, ["A", FOLDED, "G"]), (4, ["A", "B", FOLDED, "G"]), (5, ["A", "B", FOLDED, "F", "G"]), (7, list("ABCDEFG"))],
)
def test_between_two_anchors_the_middle_folds_into_one_node(steps: int, shown: list[str]) -> None:
    store = dataset(
        paths("X A B C D E F G H")
    )  # the first ceil((steps − 1) / 2) and the last floor((steps − 1) / 2) stay
    frame = cx.run("flow_links", store, start="A", end="G", steps=steps).frame
    assert frame["source"].tolist() == shown
    assert frame["kind"].tolist() == ["move"] * (len(shown) - 1) + ["continues_beyond"]


def test_the_folded_node_carries_the_time_of_the_last_step_in_it() -> None:
    store = dataset(timed("u1", ("A", 0), ("B", 1), ("C", 10), ("D", 100), ("E", 1_000)))
    frame = cx.run("flow_links", store, start="A", end="E", steps=3).frame
    assert records(frame, "source", "target", "mean_seconds", "median_seconds") == [
        ("A", FOLDED, 100, 100), (FOLDED, "E", 900, 900), ("E", None, None, None),
    ]  # fmt: skip


def test_two_steps_have_no_room_for_what_lies_between_two_anchors() -> None:
    store = dataset(paths("A B C"))
    with pytest.raises(OptionProblem, match="at least 3 steps"):
        cx.run("flow_links", store, start="A", end="C", steps=2)
    assert links(store, start="A", steps=2)[2, "B", None, "continues_beyond"] == 1


def test_names_that_match_a_pattern_become_it_and_the_first_pattern_wins() -> None:
    store = dataset(paths("/p/1 /p/2 /p/2/x cart /p"))
    assert whole_paths(store, group="/p/2*|/p/*", repeats="merge") == {("/p/*", "/p/2*", "cart", "/p"): 1}


def test_slashes_at_the_end_of_a_name_are_taken_off_and_the_root_stays() -> None:
    store = dataset(paths("/ /a/ /a // /b/c//"))
    assert whole_paths(store, group="*/") == {("/", "/a", "/a", "/", "/b/c"): 1}


@pytest.mark.parametrize(
    "name", ["a.c", "[a]c", "a\\c", "a|c", "100%", *seldom("a+c", "(a)", "a^c$", "a_c", "é c", "{1}", "a?c")]
)
def test_signs_of_other_pattern_languages_stand_for_themselves(name: str) -> None:
    rows = [{"customer_id": "u1", "touchpoint": t} for t in (name, "axc", name + "!", "!" + name)]
    assert whole_paths(dataset(rows), group=(name[:-1] + "*",)) == {
        (name[:-1] + "*", "axc", name[:-1] + "*", "!" + name): 1
    }


def test_touchpoints_are_left_out_by_their_own_name_or_that_of_their_group_and_neighbours_merge_after() -> None:
    store = dataset(paths("A X A /p/1 B /p/2 B"))
    assert whole_paths(store, exclude="X|/p/1|/p/2", repeats="merge") == {("A", "B"): 1}
    assert whole_paths(store, exclude="X|/p/*", group="/p/*", repeats="merge") == {("A", "B"): 1}
    assert whole_paths(store, exclude="/p/1", group="/p/*", repeats="keep") == {("A", "X", "A", "B", "/p/*", "B"): 1}


def test_times_of_moves_go_over_touchpoints_that_are_left_out() -> None:
    store = dataset(timed("u1", ("A", 0), ("X", 7), ("B", 30)))
    frame = cx.run("transitions", store, exclude="X").frame
    assert records(frame, "touchpoint", "next_touchpoint", "mean_seconds") == [("A", "B", 30)]


def test_journeys_of_which_nothing_is_left_are_none() -> None:
    store = dataset(paths("X X", "A"))
    assert cx.run("variants", store, exclude="X").frame["all_journeys"].tolist() == [1]
    assert cx.run("step_matrix", store, exclude="X", steps=2).frame["all_journeys"].tolist() == [1, 1]


def test_a_journey_converts_if_it_reaches_the_goal_in_its_path_or_after_it() -> None:
    store = dataset(paths("buy A B", "A B buy", "A B"), goal=GOAL)
    frame = cx.run("variants", store, start="A", end="B").frame
    assert records(frame, "path", "journeys", "converted") == [(("A", "B"), 3, 1)]  # the first bought before


def test_a_goal_counts_also_where_it_is_left_out_or_has_the_name_of_a_group() -> None:
    store = dataset(paths("A buy", "A"), goal=GOAL)
    for options in ({"exclude": "buy"}, {"group": "b*"}):
        frame = cx.run("variants", store, who="converters", **options).frame
        assert frame["converted"].tolist() == [1]
        assert cx.run("variants", store, who="drop-outs", **options).frame["path"].tolist() == [("A",)]


def test_a_path_between_anchors_lasts_from_the_one_to_the_other() -> None:
    store = dataset(timed("u1", ("X", 0), ("A", 10), ("A", 20), ("B", 50), ("B", 70), ("C", 99)))
    for repeats, seconds in (("keep", 40), ("merge", 60)):  # kept: to the first B; merged: to the last of its run
        frame = cx.run("variants", store, start="A", end="B", repeats=repeats).frame
        assert frame["median_seconds"].tolist() == [seconds]


def test_no_rules_print_as_nothing_and_mean_the_whole_journey() -> None:
    store = dataset(paths("A B"))
    whole = cx.run("flow_links", store)
    off = cx.run("flow_links", store, start="", end=None, exclude="", group=None)
    assert off.definition == whole.definition and whole.definition["options"]["start"] == ""


def test_rules_cannot_be_answered_from_what_was_added_up_for_whole_journeys() -> None:
    store = dataset(paths("A B"), cube_share=LOTS)
    for route, options in (("cube", {"start": "A"}), ("cube", {"group": "*"}), ("columns", {"exclude": "A"})):
        with pytest.raises(ViewProblem, match=route):
            cx.run("flow_links", store, route=route, **options)
    assert cx.run("flow_links", store).route == "cube"
    assert cx.run("flow_links", store, start="A").route == "columns"
    assert cx.run("flow_links", store, group="*").route == "windows"


# Second opinion in plain Python


@dataclass(frozen=True)
class Rules:
    start: tuple[str, ...] = ()
    end: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    group: tuple[str, ...] = ()

    def options(self, *names: str) -> dict[str, Any]:
        return {name: getattr(self, name) or None for name in names or ("start", "end", "exclude", "group")}


RULES = [
    Rules(), Rules(start=("A", "x.y")), Rules(end=("B",)), Rules(start=("A",), end=("B", "/help")),
    Rules(start=("A",), end=("A",)), Rules(exclude=("B", "buy")), Rules(group=("/p/*", "x.*", "*/")),
    Rules(("/p/*",), ("buy",), ("xzy", "/help"), ("/*/1", "/p/*")), Rules(end=("*u*",), group=("*u*",), exclude=("A",)),
]  # fmt: skip


class Path(NamedTuple):
    """What is left of a journey: its nodes, those shown with their positions, what comes after, and whether it converts."""

    nodes: list[Node]
    shown: list[tuple[int, Node]]
    after: Node | None
    reaches: bool


def matches(name: str, pattern: str) -> bool:
    first, star, rest = pattern.partition("*")
    if not star:
        return name == pattern
    return name.startswith(first) and any(matches(name[i:], rest) for i in range(len(first), len(name) + 1))


def group_name(name: str, patterns: Sequence[str]) -> str:
    for pattern in patterns:
        if pattern == "*/" and name.endswith("/"):
            return name.rstrip("/") or "/"
        if pattern != "*/" and matches(name, pattern):
            return pattern
    return name


def path_of(journey: list[Touched], rules: Rules, repeats: str, steps: int) -> Path | None:
    """The path of one journey under the rules; None if it has none."""
    renamed = [(name, group_name(name, rules.group), t) for name, t in journey]
    kept = [(new, t) for name, new, t in renamed if name not in rules.exclude and new not in rules.exclude]
    told = nodes(kept, repeats)
    goals = [i for i, (name, _t) in enumerate(journey) if name in GOAL]
    first, last = 0, len(told) - 1
    if rules.start:
        found = [i for i, node in enumerate(told) if node[0] in rules.start]
        if not found:
            return None
        first = found[0]
        begun = [
            i for i, (name, new, _t) in enumerate(renamed) if new in rules.start and not {name, new} & {*rules.exclude}
        ]
        goals = [i for i in goals if i >= begun[0]]
    if rules.end:
        found = [i for i, node in enumerate(told) if node[0] in rules.end and (i > first or not rules.start)]
        if not found:
            return None
        last = found[0]
    if not told:
        return None
    part = told[first : last + 1]
    after = told[last + 1] if last + 1 < len(told) else None
    positions = range(1, len(part) + 1)
    visible = part
    if rules.end and not rules.start:
        visible = part[-steps:]
        positions = range(steps - len(visible) + 1, steps + 1)
    elif rules.end and len(part) > steps:
        head, tail = -(-(steps - 1) // 2), (steps - 1) // 2
        middle = (FOLDED, *part[-tail - 1][1:])
        visible = [*part[:head], middle, *part[-tail:]]
        positions = range(1, steps + 1)
    return Path(part, list(zip(positions, visible, strict=True)), after, bool(goals))


def moves_of(path: Path, rules: Rules, steps: int) -> Iterator[tuple[Link, float]]:
    """The links of one path with their seconds (of an end: not known)."""
    for i, (position, node) in enumerate(path.shown):
        if position > steps:
            return
        following = path.shown[i + 1][1] if i + 1 < len(path.shown) else path.after
        if following is None:
            yield (position, node[0], None, "drop_off"), float("nan")
        elif position == steps or i + 1 == len(path.shown):
            yield (position, node[0], None, "continues_beyond"), following[2] - node[2]
        else:
            yield (position, node[0], following[0], "move"), following[2] - node[2]


def random_rows(chance: random.Random, customers: int) -> dict[str, list[Touched]]:
    journeys = {}
    for u in range(customers):
        times = sorted(chance.choice([0, 60, 60.5, 1_860, 1_861, 5_000, 90_000]) for _ in range(chance.randint(1, 9)))
        few = chance.sample(NAMES, chance.randint(1, 5))
        journeys[f"u{u}"] = [(chance.choice(few), t) for t in times]
    return journeys


def check_links(store: Store, view: View, told: list[Path], rules: Rules, repeats: str, steps: int) -> None:
    frame = cx.run("flow_links", store, view, steps=steps, top=200, repeats=repeats, **rules.options()).frame
    columns = ("step", "source", "target", "kind", "journeys", "mean_seconds", "median_seconds")
    found = {row[:4]: row[4:] for row in records(frame, *columns)}
    expected: dict[Link, list[float]] = defaultdict(list)
    for path in told:
        for link, seconds in moves_of(path, rules, steps):
            expected[link].append(seconds)
    assert {key: row[0] for key, row in found.items()} == {key: len(s) for key, s in expected.items()}
    for key, seconds in expected.items():
        if key[3] != "drop_off":
            assert found[key][1:] == pytest.approx((statistics.mean(seconds), statistics.median(seconds)))


def check_balance(store: Store, view: View, told: list[Path], rules: Rules, repeats: str, steps: int) -> None:
    """With few names shown: what enters a node, or begins there, is what leaves it, ends there and goes on."""
    found = links(store, view, steps=steps, top=2, repeats=repeats, **rules.options())
    inflow, outflow = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for (step, source, target, kind), n in found.items():
        outflow[step, source] += n
        if kind == "move":
            assert target is not None
            inflow[step + 1, target] += n
    begun = Counter(path.shown[0][0] for path in told)
    for step in range(1, steps + 1):
        entries = {node: outflow[node] - inflow[node] for node in outflow if node[0] == step}
        assert all(n >= 0 for n in entries.values()) and sum(entries.values()) == begun[step]
    assert set(inflow) <= set(outflow)
    ended = sum(n for (*_, kind), n in found.items() if kind != "move")
    assert ended == len(told)


def check_matrix(store: Store, view: View, told: list[Path], rules: Rules, repeats: str, steps: int) -> None:
    frame = cx.run("step_matrix", store, view, steps=steps, top=200, repeats=repeats, **rules.options()).frame
    expected = Counter((position, node[0]) for path in told for position, node in path.shown if position <= steps)
    elsewhere = "path_start" if rules.end and not rules.start else "path_end"
    for step in range(1, steps + 1):
        there = sum(n for (position, _name), n in expected.items() if position == step)
        if there < len(told):
            expected[step, elsewhere] = len(told) - there
    assert {row[:2]: row[2] for row in records(frame, "step", "touchpoint", "journeys")} == expected
    assert set(frame["all_journeys"]) <= {len(told)}
    assert frame["share"].tolist() == pytest.approx([n / len(told) for n in frame["journeys"]])


def check_variants(store: Store, view: View, told: list[Path], rules: Rules, repeats: str, who: str) -> None:
    frame = cx.run("variants", store, view, top=200, repeats=repeats, who=who, **rules.options()).frame
    wanted = {"all": (True, False), "converters": (True,), "drop-outs": (False,)}[who]
    same = defaultdict(list)
    for path in told:
        if path.reaches in wanted:
            same[tuple(name for name, *_ in path.nodes)].append((path.nodes[-1][2] - path.nodes[0][1], path.reaches))
    ranked = sorted(same, key=lambda names: (-len(same[names]), "\x1f".join(names)))[:200]
    assert records(frame, "path", "journeys", "converted", "median_seconds", "all_journeys") == [
        (p, len(same[p]), sum(r for _s, r in same[p]), statistics.median(s for s, _r in same[p]), len(told))
        for p in ranked
    ]


def check_pairs(store: Store, view: View, told: list[Path], rules: Rules, repeats: str) -> None:
    expected = Counter[tuple[str, str]]()
    for path in told:
        names = ["path_start", *(name for name, *_ in path.nodes), "path_end"]
        expected.update(zip(names, names[1:], strict=False))
    frame = cx.run("transition_matrix", store, view, repeats=repeats, **rules.options("exclude", "group")).frame
    assert {row[:2]: row[2] for row in records(frame, "touchpoint", "next_touchpoint", "transitions")} == expected
    rows = Counter[str]()
    for (name, _following), n in expected.items():
        rows[name] += n
    assert frame["share"].tolist() == pytest.approx(
        [n / rows[a] for a, n in records(frame, "touchpoint", "transitions")]
    )
    moves = cx.run("transitions", store, view, repeats=repeats, **rules.options("exclude", "group")).frame
    assert {row[:2]: row[2] for row in records(moves, "touchpoint", "next_touchpoint", "transitions")} == {
        pair: n for pair, n in expected.items() if "path_start" not in pair and "path_end" not in pair
    }


def agree(customers: int, rules: Rules, repeats: str, grain: Any, steps: int) -> None:
    chance = random.Random(f"{rules} {repeats} {grain}")
    journeys = random_rows(chance, customers)
    store = dataset([row for u, items in journeys.items() for row in timed(u, *items)], goal=GOAL)
    view = View(grain=grain)
    units = list(journeys.values()) if grain == "journey" else sessions_of(journeys)
    told = [path for unit in units if (path := path_of(unit, rules, repeats, steps)) is not None]
    assert told
    check_links(store, view, told, rules, repeats, steps)
    check_balance(store, view, told, rules, repeats, steps)
    check_matrix(store, view, told, rules, repeats, steps)
    for who in ("all", "converters", "drop-outs"):
        check_variants(store, view, told, rules, repeats, who)
    if not rules.start and not rules.end:
        check_pairs(store, view, told, rules, repeats)


@pytest.mark.parametrize(
    ("rules", "repeats", "grain", "steps"),
    [
        pytest.param(rules, ("merge", "keep")[i % 2], ("journey", "session")[i // 2 % 2], 3 + i % 3,
                     marks=[pytest.mark.long] if i % 2 else [])
        for i, rules in enumerate(RULES)
    ],
)  # fmt: skip
def test_paths_under_rules_agree_with_plain_python_on_random_journeys(
    rules: Rules, repeats: str, grain: str, steps: int
) -> None:
    agree(120, rules, repeats, grain, steps)


@pytest.mark.long
@pytest.mark.parametrize("grain", ["journey", "session"])
@pytest.mark.parametrize("repeats", ["merge", "keep"])
@pytest.mark.parametrize("rules", RULES, ids=str)
def test_paths_under_rules_agree_with_plain_python_on_many_random_journeys(
    rules: Rules, repeats: str, grain: str
) -> None:
    for steps in (3, 6):
        agree(10_000, rules, repeats, grain, steps)


# Routes


VIEWS = [View(), View(grain="session"), View(first_day=date(2026, 1, 5), last_day=date(2026, 1, 5))]


@pytest.mark.parametrize("view", VIEWS, ids=["journeys", "sessions", "range"])
@pytest.mark.parametrize("untimed", [0.2, *seldom(0.0)])
def test_every_route_gives_the_same_paths_under_rules(view: View, untimed: float) -> None:
    chance = random.Random(f"{view.grain} {view.first_day} {untimed}")
    rows = [row for u, items in random_rows(chance, 80).items() for row in timed(u, *items)]
    for row in rows:
        if chance.random() < untimed:
            row["occurred_at"] = None if view.first_day is None else MORNING
    store = dataset(rows, goal=GOAL, cube_share=LOTS)
    anchors: tuple[dict[str, Any], ...] = ({"start": "A"}, {"end": "B"}, {"start": "A", "end": "/help|buy", "steps": 3})
    asked: list[tuple[str, dict[str, Any]]] = [
        ("step_matrix", {}), ("transition_matrix", {}), ("transitions", {"times": "all"}), ("rework", {}), ("journey_duration", {}),
        *(("flow_links", o | {"times": times}) for o in anchors for times in ("mean", "median")),
        *(("step_matrix", o) for o in anchors),
        *(("variants", {k: v for k, v in o.items() if k != "steps"} | {"who": "converters"}) for o in anchors),
    ]  # fmt: skip
    for name, options in asked:
        whole = view == View()
        anchored = "start" in options or "end" in options
        routes = ["columns", "windows", *(["cube"] if whole and not anchored else [])]
        first, *others = (cx.run(name, store, view, route=route, **options).frame for route in (None, *routes))
        for other in others:
            assert len(first)
            pd.testing.assert_frame_equal(first, other, rtol=1e-9, obj=f"{name} {options}")


@pytest.mark.parametrize("options", [{"start": "A", "end": "B", "steps": 3}, {"end": "B"}, {"group": "/*"}], ids=str)
def test_flows_under_rules_of_customer_groups_add_up_to_the_flow_of_all(options: dict[str, Any]) -> None:
    journeys = random_rows(random.Random(str(options)), 60)
    rows = [
        row | {"persona": (None, "p", "q")[i % 3]}
        for i, (u, items) in enumerate(journeys.items())
        for row in timed(u, *items)
    ]
    store = dataset(rows)
    frame = cx.run("flow_links", store, by=["persona"], **options).frame
    total = Counter[tuple[Any, ...]]()
    for *key, n in records(frame, "step", "source", "target", "kind", "journeys"):
        total[tuple(key)] += n
    assert total == links(store, **options)
