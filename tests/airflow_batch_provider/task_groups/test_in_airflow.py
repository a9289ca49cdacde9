"""Groups in a real Airflow, in one process."""

from __future__ import annotations

import pytest
from azure.batch import BatchClient

from demo.stack.accounts import BatchAccount, StorageAccount
from tests.airflow_batch_provider.conftest import Told

pytestmark = pytest.mark.slow


def test_each_batch_task_is_an_airflow_task_of_one_job(told: Told) -> None:
    trained = told.dags["trained"]
    assert set(trained["states"].values()) == {"success"}, told.output[-8000:]
    assert set(trained["states"]) == {f"train.{n}" for n in ("submit", "prep", "fit", "other", "last", "end")}
    job_id = trained["returned"]["train.submit"][0]["job_id"]
    assert {job for _, job in told.runs} == {job_id}
    assert trained["returned"]["train.fit"][0]["result"] == {"ok": True}
    assert trained["returned"]["train.fit"][0]["work"] == f"batch-work/{job_id}/fit"


def test_pain_148_a_retry_runs_the_failed_task_again_and_no_other(told: Told) -> None:
    """apache/airflow#29250: repairing a job at all. One task fails and is retried, the rest stays done."""
    assert sorted(name for name, _ in told.runs) == ["fit", "last", "last", "other", "prep"]
    assert "Reactivated Batch task last" in told.output


def test_a_failed_member_tells_of_its_own_task_and_what_waits_for_it_is_upstream_failed(told: Told) -> None:
    failing = told.dags["failing_group"]
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
    for dag_id, submit in (("trained", "train.submit"), ("failing_group", "g.submit")):
        job = batch.get_job(told.dags[dag_id]["returned"][submit][0]["job_id"])
        assert job["executionInfo"]["terminateReason"] == "AirflowGroupDone"


def test_no_secret_is_told(told: Told, emulator: BatchAccount, azurite: StorageAccount) -> None:
    assert azurite.key not in told.output
    assert emulator.key not in told.output
    assert "sig=" not in told.output.replace("sig=***", "")
