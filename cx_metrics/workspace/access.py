"""Who may do what with which dataset: the one door that every load, job, export and deletion passes.

Nothing is allowed unless a viewer's rights say so, and a dataset that a viewer may not see looks like one that is not there.
Today a server has one viewer, its owner; links and roles of later are viewers with fewer rights.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.texts import N_

Action = Literal["see", "change", "export", "delete", "administer"]
ACTIONS: tuple[Action, ...] = ("see", "change", "export", "delete", "administer")
EVERY = "*"  # stands for all datasets, and for the workspace itself
NO_SUCH = N_("There is no such dataset here. It may have been deleted, or the link is from elsewhere.")

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Viewer:
    """Somebody who asks: `scope` keeps the answers of one apart from those of another in every cache. To a protected one small
    groups are not shown; that is no part of a view, so no link switches it off."""

    scope: str
    rights: Mapping[str, frozenset[Action]] = field(default_factory=dict)  # dataset id, or EVERY → what is allowed
    protected: bool = True


OWNER = Viewer("owner", {EVERY: frozenset(ACTIONS)}, protected=False)
NOBODY = Viewer("nobody")


def may(viewer: Viewer, dataset: str, action: Action) -> bool:
    """Whether the viewer's rights name this action, for this dataset or for all."""
    return any(action in viewer.rights.get(name, ()) for name in (dataset, EVERY))


def authorize(viewer: Viewer, dataset: str, action: Action) -> None:
    """Raises WorkspaceProblem unless the viewer may; in the words that an unknown dataset has too, so that nobody learns of it."""
    if not may(viewer, dataset, action):
        raise WorkspaceProblem(NO_SUCH)


class _Guarded(Protocol):
    viewer: Viewer


S = TypeVar("S", bound=_Guarded)


def needs(action: Action) -> Callable[[Callable[Concatenate[S, Any, P], R]], Callable[Concatenate[S, Any, P], R]]:
    """The method's first argument names a dataset, by its id or by one of its versions: the viewer must have this right to it."""

    def guarded(method: Callable[Concatenate[S, Any, P], R]) -> Callable[Concatenate[S, Any, P], R]:
        @functools.wraps(method)
        def allowed(self: S, dataset: Any, /, *arguments: P.args, **named: P.kwargs) -> R:
            authorize(self.viewer, getattr(dataset, "dataset", dataset), action)
            return method(self, dataset, *arguments, **named)

        allowed.needs = action  # type: ignore[attr-defined]
        return allowed

    return guarded
