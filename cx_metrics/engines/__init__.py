"""Engines: open connections, prepare the store, run queries. The only room that names a database."""

from cx_metrics.engines.address import EngineAddress, read_address
from cx_metrics.engines.connect import connect
from cx_metrics.engines.duckdb_build import build, memory_store
from cx_metrics.engines.duckdb_erase import Erased, erase
from cx_metrics.engines.duckdb_store import Store, open_store
from cx_metrics.engines.engine import Engine, Served, serve
from cx_metrics.engines.patience import asking_while

__all__ = [
    "Engine", "EngineAddress", "Erased", "Served", "Store", "asking_while", "build", "connect", "erase", "memory_store",
    "open_store", "read_address", "serve",
]  # fmt: skip
