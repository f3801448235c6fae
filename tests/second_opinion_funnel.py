"""A slow second opinion on funnels: every chain of touchpoints there is, and the rules said one by one.

An event is (name, time, channel, excluded from opening). It knows nothing of how the product counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

INFINITY = float("inf")


@dataclass(frozen=True)
class Event:
    """One touchpoint: its name, its second, its channel; whether it lies in the range."""

    name: str
    at: int
    channel: str | None = None
    in_range: bool = True


@dataclass(frozen=True)
class SlowStep:
    """One step: any of `names`, in one of `channels` if there are any."""

    names: frozenset[str]
    channels: frozenset[str] = frozenset()
    optional: bool = False
    window: int | None = None

    def serves(self, event: Event) -> bool:
        return event.name in self.names and (not self.channels or event.channel in self.channels)


@dataclass(frozen=True)
class SlowExclusion:
    """What must not lie strictly between two steps (places from 0)."""

    names: frozenset[str]
    after: int
    before: int


@dataclass(frozen=True)
class SlowFunnel:
    """The rules of a funnel."""

    steps: tuple[SlowStep, ...]
    window: int
    order: str = "ordered"
    first_entry: bool = False
    apart: bool = False
    no_repeats: bool = False
    exclude: tuple[SlowExclusion, ...] = field(default=())

    @property
    def needed(self) -> list[int]:
        return [j for j, step in enumerate(self.steps) if not step.optional]


Chain = tuple[tuple[int, int], ...]  # (step, number of the event) in order
Answer = tuple[int, tuple[float, ...]]  # steps that are not optional, and when each step was taken (infinity: not)


def answer(events: Sequence[Event], funnel: SlowFunnel) -> Answer | None:
    """How far one customer comes, and when; None if the customer never enters or is excluded."""
    if funnel.order == "unordered":
        return _in_any_order(events, funnel)
    chains = [chain for chain in _chains(events, funnel) if not funnel.steps[chain[-1][0]].optional]
    if not chains:
        return None
    depth = max(_depth(chain, funnel) for chain in chains)
    furthest = [c for c in chains if _depth(c, funnel) == depth]
    alive = [c for c in furthest if not _dead(c, events, funnel)]
    if not alive:
        return None
    best = min(alive, key=lambda c: (events[c[-1][1]].at, -events[c[0][1]].at))
    start, end = events[best[0][1]].at, events[best[-1][1]].at
    last = funnel.needed[depth - 1]
    times = []
    for chain in _chains(events, funnel):
        taken = dict(chain)
        kept = tuple(link for link in chain if link[0] <= last)
        beyond = [j for j in taken if j > last]
        if not kept or kept[-1][0] != last or any(not funnel.steps[j].optional for j in beyond):
            continue
        if events[chain[0][1]].at != start or events[taken[last]].at != end or _dead(kept, events, funnel):
            continue
        times.append(tuple(events[taken[j]].at if j in taken else INFINITY for j in range(len(funnel.steps))))
    return depth, min(times)  # each step as early as it can be after those before it; taken rather than not


def first_reached(events: Sequence[Event], funnel: SlowFunnel, place: int) -> float:
    """When does any try take this step for the first time, what is excluded not met? In any order: so many steps and one."""
    if funnel.order == "unordered":
        return min(done[place] for _depth, _end, _start, done in _tries_in_any_order(events, funnel))
    found = []
    for chain in _chains(events, funnel):
        at = events[chain[-1][1]].at
        if chain[-1][0] == place and not _dead(chain, [e for e in events if e.at <= at], funnel):
            found.append(at)
    return min(found, default=INFINITY)


def _depth(chain: Chain, funnel: SlowFunnel) -> int:
    return sum(not funnel.steps[j].optional for j, _event in chain)


def _chains(events: Sequence[Event], funnel: SlowFunnel) -> Iterator[Chain]:
    """Every way to take steps in order, one event each, within the windows."""
    opening = [e for e, event in enumerate(events) if funnel.steps[0].serves(event) and event.in_range]
    if funnel.first_entry and opening:
        first = min(events[e].at for e in opening)
        opening = [e for e in opening if events[e].at == first]
    for e in opening:
        yield from _go_on(((0, e),), events, funnel)


def _go_on(chain: Chain, events: Sequence[Event], funnel: SlowFunnel) -> Iterator[Chain]:
    yield chain
    step, here = chain[-1]
    for j in range(step + 1, len(funnel.steps)):
        for e, event in enumerate(events):
            fits = funnel.steps[j].serves(event) and all(e != taken for _step, taken in chain)
            if fits and _allowed(chain, j, event, events, funnel):
                yield from _go_on((*chain, (j, e)), events, funnel)
        if not funnel.steps[j].optional:
            break


def _allowed(chain: Chain, j: int, event: Event, events: Sequence[Event], funnel: SlowFunnel) -> bool:
    step, before = chain[-1]
    gap = event.at - events[before].at
    own = funnel.steps[j].window
    if gap < 0 or (funnel.apart and gap == 0) or event.at - events[chain[0][1]].at > funnel.window:
        return False
    if own is not None and gap > own:
        return False
    between = [e for e in events if events[before].at < e.at < event.at]
    if funnel.order == "strict":
        return not between if funnel.no_repeats else all(funnel.steps[step].serves(e) for e in between)
    if funnel.no_repeats:  # nor may the step be taken later than it could be first
        return not any(s.serves(e) for e in between for s in funnel.steps[: j + 1])
    return True


def _dead(chain: Chain, events: Sequence[Event], funnel: SlowFunnel) -> bool:
    taken = {j: events[e].at for j, e in chain}
    last, over = chain[-1][0], taken[0] + funnel.window
    times = sorted(taken.items())
    for excluded in funnel.exclude:
        met = [e.at for e in events if e.name in excluded.names]
        for (a, at_a), (b, at_b) in itertools.pairwise(times):
            if a < excluded.before and b > excluded.after and any(at_a < t < at_b for t in met):
                return True
        if excluded.after <= last < excluded.before and any(taken[last] < t <= over for t in met):
            return True
    return False


def _in_any_order(events: Sequence[Event], funnel: SlowFunnel) -> Answer | None:
    tries = _tries_in_any_order(events, funnel)
    if not tries:
        return None
    best = min(tries)
    return -best[0], best[3]


def _tries_in_any_order(events: Sequence[Event], funnel: SlowFunnel) -> list[tuple[int, float, int, tuple[float, ...]]]:
    """Each try: the best is the least. Its depth, when it ended, when it began (depth and beginning with a minus), its times."""
    opening = [e for e in events if e.in_range and any(s.serves(e) for s in funnel.steps)]
    if funnel.first_entry and opening:
        opening = [min(opening, key=lambda e: e.at)]
    tries = []
    for first in opening:
        ends = first.at + funnel.window
        met = [e.at for e in events if e.at > first.at and any(e.name in x.names for x in funnel.exclude)]
        ends = min([ends, *met])
        times = sorted({e.at for e in events if first.at <= e.at <= ends})
        done = [next((t for t in times if _most(events, first.at, t, funnel) >= k), INFINITY)
                for k in range(1, len(funnel.steps) + 1)]  # fmt: skip
        depth = sum(t < INFINITY for t in done)
        tries.append((-depth, done[depth - 1], -first.at, tuple(done)))
    return tries


def _most(events: Sequence[Event], start: int, end: int, funnel: SlowFunnel) -> int:
    """The most steps that the events of a stretch can serve, one event each."""
    inside = [e for e in events if start <= e.at <= end]
    for size in range(min(len(inside), len(funnel.steps)), 0, -1):
        for steps in itertools.combinations(funnel.steps, size):
            for chosen in itertools.permutations(inside, size):
                if all(s.serves(e) for s, e in zip(steps, chosen, strict=True)):
                    return size
    return 0
