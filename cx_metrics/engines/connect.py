"""From an address to the engine that lives there."""

from __future__ import annotations

from cx_metrics.engines.address import EngineAddress
from cx_metrics.engines.engine import Engine


def connect(address: EngineAddress) -> Engine:
    """Open the engine of an address. Raises EngineProblem if its driver is missing or nobody answers."""
    if address.scheme in ("clickhouse", "chdb"):
        from cx_metrics.engines.clickhouse import ClickHouse

        return ClickHouse(address)
    if address.scheme == "postgresql":
        from cx_metrics.engines.postgres import Postgres

        return Postgres(address)
    from cx_metrics.engines.spark import Spark

    return Spark(address)
