from __future__ import annotations

from pathlib import Path

import pytest

from demo.stack.airflow_database import Database


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_first_start_migrates_and_keeps_the_result_for_the_next(
    tmp_path: Path, home: Path, cache: Path
) -> None:
    first = Database(home, cache)
    migration = first.migration({})
    assert migration is not None
    assert migration.ends
    made = Path(migration.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].removeprefix("sqlite:///"))
    made.write_text("tables")  # what the migration does
    first.settle()
    assert Path(first.url.removeprefix("sqlite:///").partition("?")[0]).read_text() == "tables"

    other = tmp_path / "other"
    other.mkdir()
    second = Database(other, cache)
    assert second.migration({}) is None
    second.settle()
    assert (other / "airflow.db").read_text() == "tables"


def test_kept_data_is_not_replaced(home: Path, cache: Path) -> None:
    (home / "airflow.db").write_text("history")
    database = Database(home, cache)
    assert database.migration({}) is None
    database.settle()
    assert (home / "airflow.db").read_text() == "history"


def test_another_database_is_migrated_at_every_start(home: Path, cache: Path) -> None:
    url = "postgresql+psycopg2://airflow@localhost/airflow"
    database = Database(home, cache, url)
    migration = database.migration({})
    assert migration is not None
    assert migration.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == database.url == url
    database.settle()
    assert list(home.iterdir()) == []
