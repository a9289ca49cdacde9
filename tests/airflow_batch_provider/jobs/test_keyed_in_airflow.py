"""Entries of what operators return are XComs of their own, in a real Airflow."""

from __future__ import annotations

import pytest
from azure.batch import BatchClient

from tests.airflow_batch_provider.conftest import Told

pytestmark = pytest.mark.slow


def test_pain_116_and_120_a_job_that_did_well_is_deleted_and_one_that_failed_is_kept(
    told: Told, batch: BatchClient
) -> None:
    good, bad = told.dags["deleted_if_good"], told.dags["kept_if_bad"]
    assert good["state"] == "success", told.output[-9000:]
    (returned,) = good["returned"]["job"]
    listed = {job.id for job in batch.list_jobs()}
    assert returned["job_id"] not in listed
    assert bad["states"] == {"job": "failed", "delete": "upstream_failed"}
    (link,) = bad["links"]["job"]
    (kept,) = [job_id for job_id in listed if job_id in link]
    assert batch.get_task(kept, "task").execution_info.exit_code == 3


def test_each_entry_goes_to_the_task_that_takes_it(told: Told) -> None:
    (returned,) = told.dags["deleted_if_good"]["returned"]["job"]
    (taken,) = told.dags["deleted_if_good"]["returned"]["taken"]
    assert taken["pool"] == returned["pool_id"]
    assert taken["results"] == {"task": 7}
    assert taken["tasks"] == {"total": 1, "succeeded": 1, "failed": 0}


def test_pain_183_results_of_many_jobs_are_fetched_at_once(told: Told) -> None:
    (taken,) = told.dags["entries"]["returned"]["taken"]
    assert taken["results"] == [{"task": 3}, {"task": 5}]


def test_entries_of_mapped_tasks_and_of_groups_arrive(told: Told) -> None:
    returned = told.dags["entries"]["returned"]
    (taken,) = returned["taken"]
    assert taken["mapped"] == [each["job_id"] for each in returned["job"]]
    assert taken["submitted"] == taken["member"] == returned["group.member"][0]["job_id"]
