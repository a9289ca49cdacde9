"""DAGs with job operators in a real Airflow, in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.client.storage import StorageAccess
from demo.stack.accounts import BatchAccount, StorageAccount
from tests.airflow_batch_provider.jobs import dag_in_airflow

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory,
    emulator: BatchAccount,
    azurite: StorageAccount,
    pool: str,
    storage: StorageAccess,
) -> tuple[dict[str, Any], str]:
    """What became of the DAGs, and all that Airflow wrote."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    storage.ensure_container("listed")
    for name, text in (("one {{ run_id }}.txt", "a b"), ("two.txt", "3"), ("other.csv", "x y z")):
        storage.upload_blob("listed", f"listed/{name}", text)
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
        "AIRFLOW_CONN_AZURE_BATCH_DEFAULT": json.dumps(connection),
    }
    done = subprocess.run(
        [sys.executable, dag_in_airflow.__file__, pool],
        capture_output=True,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[3],
        timeout=240,
        check=False,
    )
    output = done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, output[-5000:]
    return json.loads(lines[0].removeprefix("RESULT ")), output


def test_a_static_graph_is_rendered_run_and_returned(told: tuple[dict[str, Any], str]) -> None:
    static = told[0]["static"]
    assert static["state"] == "success"
    (returned,) = static["returned"]
    assert returned["results"] == {"hello": {"run": static["run_id"]}}
    (link,) = static["links"]
    assert returned["job_id"] in link


def test_mapped_operators_have_jobs_of_their_own_that_grow(told: tuple[dict[str, Any], str]) -> None:
    mapped = told[0]["mapped"]
    assert mapped["state"] == "success"
    assert sorted(each["tasks"]["total"] for each in mapped["returned"]) == [2, 3]
    assert len({each["job_id"] for each in mapped["returned"]}) == 2


def test_one_job_has_a_task_for_each_blob_below_a_prefix(told: tuple[dict[str, Any], str]) -> None:
    listed = told[0]["listed"]
    assert listed["state"] == "success"
    (returned,) = listed["returned"]
    assert returned["tasks"]["total"] == 3
    assert returned["results"] == {"total": 3}


def test_commands_are_mapped_and_what_is_mapped_is_no_jinja(told: tuple[dict[str, Any], str]) -> None:
    commands = told[0]["commands"]
    assert commands["state"] == "success"
    assert sorted(each["results"]["task"] for each in commands["returned"]) == [len("a\n"), len("{{ 7 }}\n")]


def test_a_command_and_its_files_are_rendered_to_text(told: tuple[dict[str, Any], str]) -> None:
    command = told[0]["command"]
    assert command["state"] == "success", told[1][-9000:]
    (returned,) = command["returned"]
    assert returned["results"] == {"task": 3}
    assert returned["outputs"] == ["listed/command/said.txt"]


def test_a_failure_is_explained_in_the_airflow_log_and_no_secret_is(
    told: tuple[dict[str, Any], str], emulator: BatchAccount, azurite: StorageAccount
) -> None:
    result, output = told
    assert result["failing"]["state"] == "failed"
    for expected in ("disk on fire", "exit code 9", "Likely cause:", "Next step:", "FailureExitCode"):
        assert expected in output
    assert "of 1 tasks done" in output
    assert azurite.key not in output
    assert emulator.key not in output
    assert "sig=" not in output.replace("sig=***", "")
    assert "deserialization error" not in output


def test_a_pool_is_torn_down_whatever_became_of_the_job(
    told: tuple[dict[str, Any], str], batch: BatchClient
) -> None:
    result, output = told
    assert result["torn_down"]["state"] == "failed"
    assert "Pool torn-down: created." in output
    assert "torn-down" not in {pool.id for pool in batch.list_pools()}
