"""Functions on nodes, in a real Airflow."""

from __future__ import annotations

import pytest
from azure.batch import BatchClient

from demo.stack.accounts import BatchAccount, StorageAccount
from tests.airflow_batch_provider.conftest import Told

pytestmark = pytest.mark.slow


def test_arguments_and_return_values_are_as_of_any_task(told: Told) -> None:
    functions = told.dags["functions"]
    assert functions["state"] == "success", told.output[-8000:]
    run, params = functions["run_id"], {"size": [1, 2]}
    expected = {"sum": 3, "words": "functions", "run": run, "params": params, "node": True}
    assert functions["returned"]["add"] == [expected]


def test_what_a_function_logs_has_its_level_in_the_airflow_log(told: Told) -> None:
    lines = told.output.splitlines()
    assert any("[warning" in line and "the sum is near" in line for line in lines)
    assert any("[info" in line and "plain words" in line for line in lines)


def test_a_large_result_stays_in_storage_and_is_had_on_nodes_and_workers(
    told: Told,
) -> None:
    returned = told.dags["functions"]["returned"]
    (reference,) = returned["large"]
    assert reference["azure_batch_result"].startswith("batch-work/")
    assert reference["bytes"] > 1000
    assert returned["total"] == [sum(range(3000))]
    assert returned["on_worker"] == [3000]


def test_a_small_result_that_xcom_does_not_take_is_had_like_a_large_one(told: Told) -> None:
    returned = told.dags["functions"]["returned"]
    (reference,) = returned["small_bytes"]
    assert reference["bytes"] < 100
    assert returned["length"] == [1]


def test_a_retry_runs_the_function_again(told: Told) -> None:
    (job,) = told.dags["functions"]["returned"]["retried"]
    assert job.endswith("-2")


def test_mapped_instances_are_tasks_of_one_job_that_ends_by_itself(told: Told, batch: BatchClient) -> None:
    expanded = told.dags["expanded"]
    assert expanded["state"] == "success", told.output[-8000:]
    assert expanded["returned"]["square"] == [1, 4, 9, 16, 25]
    assert expanded["returned"]["join"] == [55]
    (link,) = set(expanded["links"]["square"])
    job_id = link.rpartition("#")[2]
    assert len(list(batch.list_tasks(job_id))) == 5
    job = batch.get_job(job_id)
    assert job.state in ("terminating", "completed")
    assert job.as_dict()["executionInfo"]["terminateReason"] == "AllTasksComplete"


def test_the_exception_of_the_function_is_raised_with_the_traceback_of_the_node(
    told: Told,
) -> None:
    result, output = told.dags, told.output
    assert result["raising"]["state"] == "failed"
    for expected in (
        "KeyError: 'which key'",
        "On the node (Python 3.",
        'File "functions_in_airflow.py"',
        "in deeper",
        'raise KeyError("which key")',
    ):
        assert expected in output


def test_a_function_skips_its_task_or_fails_it_without_a_retry(told: Told) -> None:
    # With a retry it would wait for that for an hour.
    assert told.dags["raising"]["states"]["fails_for_good"] == "failed"
    assert "AirflowFailException: no such customer" in told.output
    assert told.dags["skipping"]["states"] == {"skips": "skipped", "after": "skipped"}


def test_requirements_are_installed_by_uv(told: Told) -> None:
    packages = told.dags["packages"]
    assert packages["returned"]["installed"] == ["1.0.0"], told.output[-8000:]


def test_no_secret_is_in_the_log(told: Told, emulator: BatchAccount, azurite: StorageAccount) -> None:
    output = told.output
    assert azurite.key not in output
    assert emulator.key not in output
    assert "sig=" not in output.replace("sig=***", "")
