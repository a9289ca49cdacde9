"""The compose file's `airflow-init` makes the connection that the example DAGs need, and leaves it alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.processes.supervisor import PROJECT_DIR

PROGRAM = """
import json, runpy, sys
from airflow.utils.db import initdb
initdb()
from airflow.models import Connection
from airflow.utils.session import create_session
told = []
for _ in range(2):
    runpy.run_path(sys.argv[1], run_name="__main__")
    with create_session() as session:
        found = session.query(Connection).filter_by(conn_id="mpi_nodes").all()
        told.append([[each.conn_type, each.password, each.extra_dejson] for each in found])
print(json.dumps(told))
"""


@pytest.mark.slow
def test_the_user_of_mpi_nodes_is_made_once(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
    }
    script = PROJECT_DIR / "docker" / "connections.py"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout.splitlines()[-1])
    ((kind, password, extra),) = first
    assert (kind, len(password) >= 20) == ("generic", True)
    assert extra["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert second == first
