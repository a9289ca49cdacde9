"""DAGs with job operators in a real Airflow, in one process."""

from __future__ import annotations

import pytest
from azure.batch import BatchClient

from demo.stack.accounts import BatchAccount, StorageAccount
from tests.airflow_batch_provider.conftest import Told

pytestmark = pytest.mark.slow


def test_a_static_graph_is_rendered_run_and_returned(told: Told) -> None:
    static = told.dags["static"]
    assert static["state"] == "success"
    (returned,) = static["returned"]["job"]
    assert returned["results"] == {"hello": {"run": static["run_id"]}}
    (link,) = static["links"]["job"]
    assert returned["job_id"] in link


def test_mapped_operators_have_jobs_of_their_own_that_grow(told: Told) -> None:
    mapped = told.dags["mapped"]
    assert mapped["state"] == "success"
    assert sorted(each["tasks"]["total"] for each in mapped["returned"]["job"]) == [2, 3]
    assert len({each["job_id"] for each in mapped["returned"]["job"]}) == 2


def test_one_job_has_a_task_for_each_blob_below_a_prefix(told: Told) -> None:
    listed = told.dags["listed"]
    assert listed["state"] == "success"
    (returned,) = listed["returned"]["job"]
    assert returned["tasks"]["total"] == 3
    assert returned["results"] == {"total": 3}


def test_commands_are_mapped_and_what_is_mapped_is_no_jinja(told: Told) -> None:
    commands = told.dags["commands"]
    assert commands["state"] == "success"
    assert sorted(each["results"]["task"] for each in commands["returned"]["job"]) == [
        len("a\n"),
        len("{{ 7 }}\n"),
    ]


def test_a_command_and_its_files_are_rendered_to_text(told: Told) -> None:
    command = told.dags["command"]
    assert command["state"] == "success", told.output[-9000:]
    (returned,) = command["returned"]["job"]
    assert returned["results"] == {"task": 3}
    assert returned["outputs"] == ["listed/command/said.txt"]


def test_a_job_and_a_group_have_pools_of_their_own_that_go_with_them(told: Told, batch: BatchClient) -> None:
    own = told.dags["own_pool"]
    assert own["state"] == "success", told.output[-9000:]
    (returned,) = own["returned"]["job"]
    assert returned["results"] == {"hello": {"run": own["run_id"]}}
    assert returned["pool_id"].startswith("own-own_pool_")
    left = [pool for pool in batch.list_pools() if pool.id.startswith("own-")]
    assert all(pool.state == "deleting" for pool in left)


def test_pain_017_each_task_runs_on_the_pool_that_has_what_it_needs(told: Told, pool: str) -> None:
    by_need = told.dags["by_need"]
    assert by_need["state"] == "success", told.output[-9000:]
    returned = by_need["returned"]["job"]
    assert [each["pool_id"] for each in returned] == [pool, "by-need"]
    # What its own command saw.
    assert [each["results"]["task"] for each in returned] == [pool, "by-need"]


def test_a_failure_is_explained_in_the_airflow_log_and_no_secret_is(
    told: Told, emulator: BatchAccount, azurite: StorageAccount
) -> None:
    result, output = told.dags, told.output
    assert result["failing"]["state"] == "failed"
    for expected in ("disk on fire", "exit code 9", "Likely cause:", "Next step:", "FailureExitCode"):
        assert expected in output
    assert "of 1 tasks done" in output
    assert azurite.key not in output
    assert emulator.key not in output
    assert "sig=" not in output.replace("sig=***", "")
    assert "deserialization error" not in output


def test_a_pool_is_torn_down_whatever_became_of_the_job(told: Told, batch: BatchClient) -> None:
    result, output = told.dags, told.output
    assert result["torn_down"]["state"] == "failed"
    assert "Pool torn-down: created." in output
    assert "torn-down" not in {pool.id for pool in batch.list_pools()}
