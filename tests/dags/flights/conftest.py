"""A PostgreSQL for the warehouses, and a warehouse of each kind."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from demo.stack.postgres import Postgres, running_postgres
from tests.dags.flights.warehouses import DuckTables, PostgresTables, Tables


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """A database of its own, with an Airflow connection to it."""
    name = f"flights_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.uri(), autocommit=True) as db:
        db.execute(f"create database {name}")
    monkeypatch.setenv("AIRFLOW_CONN_FLIGHTS_WAREHOUSE", postgres.uri(name))
    return PostgresTables(postgres.uri(name))


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.slow)])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Tables:
    if request.param == "duckdb":
        return DuckTables(tmp_path / "w.duckdb")
    return request.getfixturevalue("database")
