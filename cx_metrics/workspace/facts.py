"""The facts of a dataset as plain JSON values: how a manifest keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from cx_metrics.heard import Heard
from cx_metrics.view import Facts


def facts_to_dict(facts: Facts) -> dict[str, Any]:
    """The facts as plain JSON values."""
    ranges = {name: [day.isoformat() for day in days] for name, days in facts.ranges.items()}
    return vars(facts) | {"ranges": ranges, "heard": facts.heard.to_dict() if facts.heard else None}


def facts_from_dict(kept: Mapping[str, Any]) -> Facts:
    """The reverse of `facts_to_dict`."""
    lists = {name: tuple(kept[name]) for name in ("stages", "goal", "tables", "attributes")}
    columns = {name: tuple(found) for name, found in kept["columns"].items()}
    ranges = {
        name: (date.fromisoformat(first), date.fromisoformat(last)) for name, (first, last) in kept["ranges"].items()
    }
    heard = Heard.from_dict(kept["heard"]) if kept.get("heard") else None
    return Facts(**lists, columns=columns, zone=kept["zone"], timed=kept["timed"], ranges=ranges, heard=heard)
