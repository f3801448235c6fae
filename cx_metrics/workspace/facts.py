"""The facts of a dataset as plain JSON values: how a manifest keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from cx_metrics.view import Facts


def facts_to_dict(facts: Facts) -> dict[str, Any]:
    """The facts as plain JSON values."""
    return vars(facts) | {"ranges": {name: [day.isoformat() for day in days] for name, days in facts.ranges.items()}}


def facts_from_dict(kept: Mapping[str, Any]) -> Facts:
    """The reverse of `facts_to_dict`."""
    lists = {name: tuple(kept[name]) for name in ("stages", "goal", "tables", "attributes")}
    columns = {name: tuple(found) for name, found in kept["columns"].items()}
    ranges = {
        name: (date.fromisoformat(first), date.fromisoformat(last)) for name, (first, last) in kept["ranges"].items()
    }
    return Facts(**lists, columns=columns, zone=kept["zone"], timed=kept["timed"], ranges=ranges)
