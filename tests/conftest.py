"""What tests of several rooms share: a home for Airflow, who runs what beside others, and a real Azurite."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.processes.supervisor import Supervisor
from demo.stack.accounts import StorageAccount
from demo.stack.azurite import azurite_component
from demo.stack.ports import PortPicker

# Airflow writes its configuration into its home when it is first imported: never into the user's own.
if "AIRFLOW_HOME" not in os.environ:
    _home = tempfile.mkdtemp(prefix="airflow-home-")
    os.environ["AIRFLOW_HOME"] = _home
    atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
# Triggers wait until the worker that deferred must have ended, a second longer than this. In the tests that
# have workers of their own this is set otherwise; in all others there is none.
os.environ["AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL"] = "-1"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadfile`` the tests of a file stay together, and all that look at one run of DAGs."""
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "in_airflow" if file.endswith("in_airflow.py") else file

    return Files(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageAccount]:
    """A storage account of its own. Tests use containers and queues with names of their own."""
    folder: Path = tmp_path_factory.mktemp("azurite")
    ports = PortPicker(use_preferred=False)
    storage = StorageAccount(*(ports.take(service, 0) for service in ("blobs", "queues", "tables")))
    with Supervisor(folder) as processes:
        component = azurite_component(storage, folder / "data")
        processes.start(component)
        processes.wait_ready(component.name)
        yield storage
