"""Branches of the flow: counted by hand, by a plain-Python second opinion over every node and link, and what is refused."""

from __future__ import annotations

import random
from collections import Counter
from itertools import groupby
from typing import Any

import pytest

import cx_metrics as cx
from cx_metrics.engines import Store
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.groups import OTHER
from cx_metrics.small_groups import Privacy
from cx_metrics.view import Filter, Passing, View
from tests.conftest import dataset, paths, seldom

# 10 journeys over a shared middle: those from ad buy, those from mail leave. Links alone would say that half of either buys.
SHARED = ["ad site buy"] * 4 + ["ad site"] * 1 + ["mail site buy"] * 1 + ["mail site"] * 4
Link = tuple[int, str, str | None, str]


@pytest.fixture(scope="module")
def shared() -> Store:
    return dataset(paths(*SHARED), goal=("buy",))


def branch(store: Store, view: View | None = None, **options: Any) -> dict[Link, int]:
    """Journeys of the branch by link."""
    frame = cx.run("flow_branch", store, view, **options).frame.astype(object)
    rows = frame[["step", "source", "target", "kind", "journeys"]].itertuples(index=False)
    return {(s, a, None if b != b else b, k): n for s, a, b, k, n in rows}


def test_a_branch_counts_the_journeys_that_pass_and_not_the_links_beside() -> None:
    store = dataset(paths(*SHARED), goal=("buy",))
    assert branch(store, step=1, source="ad") == {
        (1, "ad", "site", "move"): 5, (2, "site", "buy", "move"): 4, (2, "site", None, "drop_off"): 1,
        (3, "buy", None, "drop_off"): 4,
    }  # fmt: skip
    assert branch(store, step=2, source="site", target="buy") == {
        (1, "ad", "site", "move"): 4, (1, "mail", "site", "move"): 1, (2, "site", "buy", "move"): 5,
        (3, "buy", None, "drop_off"): 5,
    }  # fmt: skip
    assert branch(store, step=2, kind="drop_off") == {
        (1, "ad", "site", "move"): 1, (1, "mail", "site", "move"): 4, (2, "site", None, "drop_off"): 5,
    }  # fmt: skip


def test_a_node_that_the_flow_does_not_have_has_no_branch(shared: Store) -> None:
    assert branch(shared, step=1, source="nowhere") == {}
    row = cx.run("flow_through", shared, step=1, source="nowhere").frame.iloc[0]
    assert (row["journeys"], row["converted"], row["other_journeys"], row["other_converted"]) == (0, 0, 10, 5)


def test_those_that_pass_against_the_others(shared: Store) -> None:
    row = cx.run("flow_through", shared, step=1, source="ad").frame.iloc[0]
    assert (row["journeys"], row["converted"], row["other_journeys"], row["other_converted"]) == (5, 4, 5, 1)
    assert (row["share"], row["conversion_rate"], row["other_rate"]) == (0.5, 0.8, 0.2)
    assert row["difference"] == pytest.approx(0.6)
    # Newcombe's method 10 by hand from the Wilson intervals of 4/5 (0.3755, 0.9638) and 1/5 (0.0362, 0.6245)
    assert row["difference_low"] == pytest.approx(0.6 - ((0.8 - 0.3755) ** 2 + (0.6245 - 0.2) ** 2) ** 0.5, abs=2e-4)
    assert row["difference_high"] == pytest.approx(0.6 + ((0.9638 - 0.8) ** 2 + (0.2 - 0.0362) ** 2) ** 0.5, abs=2e-4)


def test_whole_paths_of_a_branch(shared: Store) -> None:
    frame = cx.run("branch_paths", shared, step=2, source="site", target="buy").frame
    found = [(r.path, r.journeys, r.share, r.conversion_rate) for r in frame.itertuples()]
    assert found == [(("ad", "site", "buy"), 4, 0.8, 1.0), (("mail", "site", "buy"), 1, 0.2, 1.0)]
    lost = cx.run("branch_paths", shared, step=1, source="mail", who="drop-outs").frame
    assert lost["path"].tolist() == [("mail", "site")] and lost["share"].tolist() == [0.8]


def test_a_branch_of_a_part_is_counted_within_the_part() -> None:
    store = dataset(paths("x ad site buy", "ad site", "y site buy"), goal=("buy",))
    options = {"start": "ad", "step": 2, "source": "site"}
    assert branch(store, **options) == {
        (1, "ad", "site", "move"): 2, (2, "site", "buy", "move"): 1, (2, "site", None, "drop_off"): 1,
        (3, "buy", None, "drop_off"): 1,
    }  # fmt: skip
    row = cx.run("flow_through", store, **options).frame.iloc[0]
    assert (row["journeys"], row["converted"], row["all_journeys"]) == (2, 1, 2)  # y has no such part


def test_folded_names_unfold_by_name_and_fold_by_share() -> None:
    store = dataset(paths(*["a z"] * 90, *["b z"] * 9, *["c z"] * 1))

    def sources(**options: Any) -> set[str]:
        return {source for step, source, _target, _kind in links_of(store, **options) if step == 1}

    assert sources(top=2) == {"a", "b", OTHER}
    assert sources(top=1, keep="c") == {"a", "c", OTHER}
    assert sources(top=9, least="9%") == {"a", "b", OTHER}  # 9 of 100 have just the share asked for
    assert sources(top=9, least="9.1%") == {"a", OTHER}
    assert sources(top=9, least="50%", keep="c") == {"a", "c", OTHER}
    matrix = cx.run("step_matrix", store, top=1, keep="c").frame
    assert set(matrix.loc[matrix["step"] == 1, "touchpoint"]) == {"a", "c", OTHER}
    assert branch(store, top=1, step=1, source=OTHER) == {(1, OTHER, "z", "move"): 10, (2, "z", None, "drop_off"): 10}


def links_of(store: Store, **options: Any) -> list[Link]:
    frame = cx.run("flow_links", store, **options).frame.astype(object)
    rows = frame[["step", "source", "target", "kind"]].itertuples(index=False)
    return [(s, a, None if b != b else b, k) for s, a, b, k in rows]


@pytest.mark.parametrize("text", ["1", "60%", "-1%", "x%", "1,5%"])
def test_a_share_that_is_none_or_beyond_its_bound_is_refused(text: str, shared: Store) -> None:
    with pytest.raises(OptionProblem):
        cx.run("flow_links", shared, least=text)


@pytest.mark.parametrize("name", ["flow_branch", "flow_through", "branch_paths"])
def test_where_small_groups_are_protected_nobody_is_chosen_by_a_branch(name: str, shared: Store) -> None:
    with pytest.raises(ViewProblem, match="Small groups are protected"):
        cx.run(name, shared, step=1, source="ad", privacy=Privacy())


# A second opinion: every node and every link of the flow of random journeys, one journey at a time


def shown(path: tuple[str, ...], steps: int, named: set[tuple[int, str]]) -> list[Link]:
    """The links of one journey as the flow shows them."""

    def name(step: int) -> str:
        return path[step - 1] if (step, path[step - 1]) in named else OTHER

    found: list[Link] = []
    for step in range(1, min(len(path), steps) + 1):
        if step == len(path):
            found.append((step, name(step), None, "drop_off"))
        elif step == steps:
            found.append((step, name(step), None, "continues_beyond"))
        else:
            found.append((step, name(step), name(step + 1), "move"))
    return found


def picks(flow: Counter[Link]) -> list[dict[str, Any]]:
    """Every node, foot of a column and link that a flow has, as options."""
    found = []
    for step, source, target, kind in flow:
        found += [
            {"step": step, "source": source},
            {"step": step, "source": source, "target": target or "", "kind": kind},
        ]
        found += [{"step": step, "kind": kind}] if kind != "move" else []
    return [dict(pick) for pick in dict.fromkeys(tuple(p.items()) for p in found)]


def passes(links: list[Link], pick: dict[str, Any]) -> bool:
    wanted = (pick["step"], pick.get("source", ""), pick.get("target", ""), pick.get("kind", "any"))
    return any(
        link[0] == wanted[0]
        and wanted[1] in ("", link[1])
        and wanted[2] in ("", link[2])
        and wanted[3] in ("any", link[3])
        for link in links
    )


@pytest.mark.parametrize("seed", [2, *seldom(0, 1, 3)])
def test_every_branch_is_what_a_walk_over_the_journeys_counts(seed: int) -> None:
    dice = random.Random(seed)
    steps, top, repeats = dice.randint(2, 4), dice.randint(1, 3), dice.choice(["merge", "keep"])
    journeys = [" ".join(dice.choices("abcde", (5, 3, 2, 1, 1), k=dice.randint(1, 6))) for _i in range(40)]
    people = [{"customer_id": f"u{i + 1}", "persona": dice.choice(["x", "y"])} for i in range(40)]
    store = dataset(paths(*journeys), customers=people, goal=("c",))
    chosen = dice.choice([None, "x"])
    view = View(customers=(Filter("persona", ("x",)),)) if chosen else View()
    walks = [tuple(j.split()) for j, p in zip(journeys, people, strict=True) if chosen in (None, p["persona"])]
    if repeats == "merge":
        walks = [tuple(name for name, _run in groupby(w)) for w in walks]
    sizes = Counter((i + 1, name) for w in walks for i, name in enumerate(w[:steps]))
    named = set()
    for step in range(1, steps + 1):
        here = sorted(((n, name) for (s, name), n in sizes.items() if s == step), key=lambda f: (-f[0], f[1]))
        named |= {(step, name) for _n, name in here[:top]}
    flow = Counter(link for w in walks for link in shown(w, steps, named))
    options = {"steps": steps, "top": top, "repeats": repeats}
    for pick in picks(flow):
        inside = [w for w in walks if passes(shown(w, steps, named), pick)]
        assert branch(store, view, **options, **pick) == Counter(x for w in inside for x in shown(w, steps, named)), (
            pick
        )
        row = cx.run("flow_through", store, view, **options, **pick).frame.iloc[0]
        outside = [w for w in walks if w not in inside]
        goal = [sum("c" in w for w in side) for side in (inside, outside)]
        assert [row["journeys"], row["converted"]] == [len(inside), goal[0]], pick
        assert [row["other_journeys"], row["other_converted"]] == [len(outside), goal[1]], pick
        listed = cx.run("branch_paths", store, view, most=200, **options, **pick).frame
        assert dict(zip(listed["path"], listed["journeys"], strict=True)) == Counter(inside), pick


ONLY_TWO = View(touchpoints=(Filter("touchpoint", ("a", "b")),), touchpoint_rule="touchpoints")


@pytest.mark.parametrize("view", [View(grain="session"), ONLY_TWO])
def test_a_node_of_plain_steps_has_the_journeys_that_the_filter_keeps(view: View) -> None:
    dice = random.Random(7)
    store = dataset(paths(*[" ".join(dice.choices("abc", k=dice.randint(1, 6))) for _i in range(30)]), goal=("c",))
    for asked, pick in (
        (Passing(2, "a"), {"step": 2, "source": "a"}), (Passing(1, "b", "a"), {"step": 1, "source": "b", "target": "a"}),
        (Passing(2, "b", ends=True), {"step": 2, "source": "b", "kind": "drop_off"}),
    ):  # fmt: skip
        kept = cx.people(store, View(**vars(view) | {"passing": asked}))["journeys"]
        assert cx.run("flow_through", store, view, **pick).frame["journeys"].tolist() == [kept]
