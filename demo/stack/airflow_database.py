"""Airflow's metadata database: a SQLite file is made once per Airflow version, then copied."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from demo.processes.supervisor import Component

__all__ = ["NAME", "Database"]

NAME = "airflow-db-migrate"
_MIGRATE_SECONDS = 180.0
_LOCK_SECONDS = 60
"""How long a writer waits for another; after 5 s, which is Python's own default, a busy machine gave up."""


class Database:
    """Where the metadata is, and what has to be done before Airflow can start.

    A new SQLite file is made from Airflow's models. What is in it depends on Airflow's version only (keys and
    connections are not in it), so a copy of an earlier one does as well as a migration, which takes seconds.

    Parameters:
        home: AIRFLOW_HOME; the SQLite file is made there.
        cache_dir: where templates are kept.
        url: SQLAlchemy URL of another database, e.g. PostgreSQL; migrated at every start.
    """

    def __init__(self, home: Path, cache_dir: Path, url: str | None = None) -> None:
        self._file = home / "airflow.db"
        self._template = cache_dir / f"airflow-{version('apache-airflow-core')}.db"
        self._draft = home / "template.db"
        self._given_url = url

    @property
    def url(self) -> str:
        """For `[database] sql_alchemy_conn`."""
        return self._given_url or f"sqlite:///{self._file}?timeout={_LOCK_SECONDS}"

    def migration(self, env: Mapping[str, str]) -> Component | None:
        """The component that makes the tables and ends; None if none is needed.

        Parameters:
            env: environment of Airflow.
        """
        if self._given_url is None and (self._file.exists() or self._template.exists()):
            return None
        url = self._given_url or f"sqlite:///{self._draft}"
        return Component(
            name=NAME,
            argv=(sys.executable, "-m", "airflow", "db", "migrate"),
            env={**env, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url},
            readiness=lambda: lambda: True,
            ready_seconds=_MIGRATE_SECONDS,
            ends=True,
        )

    def settle(self) -> None:
        """After the migration, if there was one: put the SQLite file in its place."""
        if self._given_url is not None or self._file.exists():
            return
        if self._draft.exists():
            self._template.parent.mkdir(parents=True, exist_ok=True)
            # Another stack may read or make the template at this moment: it appears as a whole.
            draft = self._template.with_suffix(f".{os.getpid()}")
            shutil.copyfile(self._draft, draft)
            os.replace(draft, self._template)
            os.replace(self._draft, self._file)
            return
        shutil.copyfile(self._template, self._draft)
        os.replace(self._draft, self._file)
