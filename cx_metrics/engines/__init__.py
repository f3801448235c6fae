"""Engines: open connections, prepare the store, run queries. The only room that names a database."""

from cx_metrics.engines.duckdb_store import Store, build, memory_store, open_store

__all__ = ["Store", "build", "memory_store", "open_store"]
