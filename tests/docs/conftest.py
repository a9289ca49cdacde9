"""What tests of the documentation share: a home for Airflow, and a real emulator with real storage."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

from demo.stack.accounts import StorageAccount
from tests.protocol.server import Server, running_server

# Airflow writes its configuration into its home when it is first imported: never into the user's own.
if "AIRFLOW_HOME" not in os.environ:
    _home = tempfile.mkdtemp(prefix="airflow-home-")
    os.environ["AIRFLOW_HOME"] = _home
    atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")


@pytest.fixture(scope="session")
def emulator(azurite: StorageAccount, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An emulator with linked storage."""
    with running_server(tmp_path_factory.mktemp("emulator"), azurite) as running:
        yield running
