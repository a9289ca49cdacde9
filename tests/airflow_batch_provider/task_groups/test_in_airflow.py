"""Groups in a real Airflow, in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from azure.batch import BatchClient

from demo.stack.accounts import BatchAccount, StorageAccount
from tests.airflow_batch_provider.task_groups import groups_in_airflow

pytestmark = pytest.mark.slow


class Told:
    """What became of the DAGs, all that Airflow wrote, and which commands have run in which job."""

    def __init__(self, dags: dict[str, Any], output: str, folder: Path) -> None:
        self.dags = dags
        self.output = output
        self.runs = [line.split() for line in (folder / "runs").read_text().splitlines()]


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, emulator: BatchAccount, azurite: StorageAccount, pool: str
) -> Told:
    home, folder = tmp_path_factory.mktemp("airflow"), tmp_path_factory.mktemp("runs")
    folder.chmod(0o777)
    (home / "dags").mkdir()
    connection = {
        "conn_type": "azurebatch",
        "host": emulator.endpoint,
        "login": emulator.name,
        "password": emulator.key,
        "extra": {"storage_connection_string": azurite.connection_string},
    }
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "0",
        "AIRFLOW_CONN_AZURE_BATCH_DEFAULT": json.dumps(connection),
    }
    done = subprocess.run(
        [sys.executable, groups_in_airflow.__file__, pool, str(folder)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[3],
        timeout=240,
        check=False,
    )
    output = done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, output[-8000:]
    return Told(json.loads(lines[0].removeprefix("RESULT ")), output, folder)


def test_each_batch_task_is_an_airflow_task_of_one_job(told: Told) -> None:
    trained = told.dags["trained"]
    assert set(trained["states"].values()) == {"success"}, told.output[-8000:]
    assert set(trained["states"]) == {f"train.{n}" for n in ("submit", "prep", "fit", "other", "last", "end")}
    job_id = trained["returned"]["train.submit"]["job_id"]
    assert {job for _, job in told.runs} == {job_id}
    assert trained["returned"]["train.fit"]["result"] == {"ok": True}
    assert trained["returned"]["train.fit"]["work"] == f"batch-work/{job_id}/fit"


def test_pain_148_a_retry_runs_the_failed_task_again_and_no_other(told: Told) -> None:
    """apache/airflow#29250: repairing a job at all. One task fails and is retried, the rest stays done."""
    assert sorted(name for name, _ in told.runs) == ["fit", "last", "last", "other", "prep"]
    assert "Reactivated Batch task last" in told.output


def test_a_failed_member_tells_of_its_own_task_and_what_waits_for_it_is_upstream_failed(told: Told) -> None:
    failing = told.dags["failing"]
    assert failing["state"] == "failed"
    assert failing["states"] == {
        "g.submit": "success",
        "g.bad": "failed",
        "g.free": "success",
        "g.after": "upstream_failed",
        "g.end": "success",
    }
    for expected in ("disk on fire", "exit code 9", "Likely cause:", "Next step:", "FailureExitCode"):
        assert expected in told.output


def test_the_group_ends_its_job(told: Told, batch: BatchClient) -> None:
    for dag_id, submit in (("trained", "train.submit"), ("failing", "g.submit")):
        job = batch.get_job(told.dags[dag_id]["returned"][submit]["job_id"])
        assert job["executionInfo"]["terminateReason"] == "AirflowGroupDone"


def test_no_secret_is_told(told: Told, emulator: BatchAccount, azurite: StorageAccount) -> None:
    assert azurite.key not in told.output
    assert emulator.key not in told.output
    assert "sig=" not in told.output.replace("sig=***", "")
