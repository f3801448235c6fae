"""Engines for tests, each started once: ClickHouse in this process, a PostgreSQL server, a Spark cluster and its Connect server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cx_metrics.engines import Engine, connect, read_address
from tests import servers


def engine_at(url: str) -> Iterator[Engine]:
    engine = connect(read_address(url))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def clickhouse() -> Iterator[Engine]:
    yield from engine_at("chdb://memory")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with servers.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def postgres(postgres_url: str) -> Iterator[Engine]:
    yield from engine_at(postgres_url)


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    with servers.spark_cluster() as url:
        yield url


@pytest.fixture(scope="session")
def spark(cluster_url: str) -> Iterator[Engine]:
    yield from engine_at(cluster_url)


@pytest.fixture(scope="session")
def spark_connect(cluster_url: str) -> Iterator[Engine]:
    with servers.spark_connect(cluster_url) as url:
        yield from engine_at(url)
