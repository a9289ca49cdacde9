"""Functions on nodes, in a real Airflow."""

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
from tests.airflow_batch_provider.jobs import functions_in_airflow

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, emulator: BatchAccount, azurite: StorageAccount, pool: str
) -> tuple[dict[str, Any], str]:
    """What became of the DAGs, and all that Airflow wrote."""
    home = tmp_path_factory.mktemp("airflow")
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
        "AIRFLOW_CONN_AZURE_BATCH_DEFAULT": json.dumps(connection),
    }
    done = subprocess.run(
        [sys.executable, functions_in_airflow.__file__, pool],
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


def test_arguments_and_return_values_are_as_of_any_task(told: tuple[dict[str, Any], str]) -> None:
    functions = told[0]["functions"]
    assert functions["state"] == "success", told[1][-8000:]
    expected = {"sum": 3, "words": "functions", "run": functions["run_id"], "node": True}
    assert functions["returned"]["add"] == [expected]


def test_what_a_function_logs_has_its_level_in_the_airflow_log(told: tuple[dict[str, Any], str]) -> None:
    lines = told[1].splitlines()
    assert any("[warning" in line and "the sum is near" in line for line in lines)
    assert any("[info" in line and "plain words" in line for line in lines)


def test_a_large_result_stays_in_storage_and_is_had_on_nodes_and_workers(
    told: tuple[dict[str, Any], str],
) -> None:
    returned = told[0]["functions"]["returned"]
    (reference,) = returned["large"]
    assert reference["azure_batch_result"].startswith("batch-work/")
    assert reference["bytes"] > 1000
    assert returned["total"] == [sum(range(3000))]
    assert returned["on_worker"] == [3000]


def test_a_retry_runs_the_function_again(told: tuple[dict[str, Any], str]) -> None:
    (job,) = told[0]["functions"]["returned"]["retried"]
    assert job.endswith("-2")


def test_mapped_instances_are_tasks_of_one_job_that_ends_by_itself(
    told: tuple[dict[str, Any], str], batch: BatchClient
) -> None:
    expanded = told[0]["expanded"]
    assert expanded["state"] == "success", told[1][-8000:]
    assert expanded["returned"]["square"] == [1, 4, 9, 16, 25]
    assert expanded["returned"]["join"] == [55]
    (link,) = set(expanded["links"]["square"])
    job_id = link.rpartition("#")[2]
    assert len(list(batch.list_tasks(job_id))) == 5
    job = batch.get_job(job_id)
    assert job.state in ("terminating", "completed")
    assert job.as_dict()["executionInfo"]["terminateReason"] == "AllTasksComplete"


def test_the_exception_of_the_function_is_raised_with_the_traceback_of_the_node(
    told: tuple[dict[str, Any], str],
) -> None:
    result, output = told
    assert result["raising"]["state"] == "failed"
    for expected in (
        "KeyError: 'which key'",
        "On the node (Python 3.",
        'File "functions_in_airflow.py"',
        "in deeper",
        'raise KeyError("which key")',
    ):
        assert expected in output


def test_requirements_are_installed_by_uv(told: tuple[dict[str, Any], str]) -> None:
    packages = told[0]["packages"]
    assert packages["returned"]["installed"] == ["1.0.0"], told[1][-8000:]


def test_no_secret_is_in_the_log(
    told: tuple[dict[str, Any], str], emulator: BatchAccount, azurite: StorageAccount
) -> None:
    output = told[1]
    assert azurite.key not in output
    assert emulator.key not in output
    assert "sig=" not in output.replace("sig=***", "")
