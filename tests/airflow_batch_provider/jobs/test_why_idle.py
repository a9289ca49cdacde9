"""The log says why no task of a job runs, on a real emulator."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.client.jobs.watching import Watch, watch_job
from airflow_batch_provider.client.requests.drive import Driver
from airflow_batch_provider.client.requests.job_requests import get_job, terminate_job
from airflow_batch_provider.client.requests.steps import Say
from airflow_batch_provider.client.watching.streams import Follower
from tests.airflow_batch_provider.conftest import make_pool

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class ToldError(Exception):
    """The line that was waited for was said."""


def watch_until(batch: BatchClient, job_id: str, words: str) -> Say:
    """Watch a job until a line with these words is in its log, on a clock that hurries."""
    clock = [time.time()]
    found: list[Say] = []

    def say(line: Say) -> None:
        if words in line.text:
            found.append(line)
            raise ToldError

    def look(job_id: str) -> Any:
        time.sleep(0.1)
        clock[0] += 20
        return Driver(batch, say).run(get_job(job_id))

    driver = Driver(batch, say, look=look)
    with pytest.raises(ToldError):
        driver.run(watch_job(Watch(job_id, 1), Follower(job_id, False), lambda: clock[0]))
    return found[0]


def make_job(batch: BatchClient, pool_id: str, *, tasks: int = 1, **fields: Any) -> str:
    job_id = f"idle-{uuid.uuid4().hex[:8]}"
    body: Any = {"id": job_id, "poolInfo": {"poolId": pool_id}, **fields}
    batch.create_job(body)
    for number in range(tasks):
        task: Any = {"id": f"t{number}", "commandLine": "/bin/sleep 60"}
        batch.create_task(job_id, task)
    return job_id


def end(batch: BatchClient, job_id: str) -> None:
    Driver(batch, lambda say: None).run(terminate_job(job_id, "TestEnded"))


def test_pain_047_a_task_that_stays_active_is_told_with_the_reason(
    batch: BatchClient, empty_pool: str
) -> None:
    job_id = make_job(batch, empty_pool)
    line = watch_until(batch, job_id, "No task runs yet")
    assert f"pool {empty_pool} has no nodes, and its target is 0. Next step: resize the pool." in line.text
    assert line.level == "warning"
    batch.begin_disable_job(job_id, {"disableTasks": "requeue"})  # type: ignore[arg-type] # as a mapping
    assert "the job is disabl" in watch_until(batch, job_id, "No task runs yet").text


def test_a_job_whose_preparation_fails_on_every_node_is_told_to_wait_for_ever(batch: BatchClient) -> None:
    pool_id = make_pool(batch, nodes=1, slots=1)
    job_id = make_job(
        batch, pool_id, jobPreparationTask={"commandLine": "/bin/sh -c 'exit 7'", "waitForSuccess": True}
    )
    line = watch_until(batch, job_id, "preparation task failed")
    assert "on all 1 node(s)" in line.text
    assert "exit code 7" in line.text
    end(batch, job_id)


def test_pain_042_a_job_that_waits_for_capacity_is_told_so(batch: BatchClient) -> None:
    """Of the account's quota of dedicated cores none is left; so a resize falls short."""
    pool_id = f"short-{uuid.uuid4().hex[:8]}"
    image = {"publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts"}
    machine = {"imageReference": image, "nodeAgentSKUId": "batch.node.ubuntu 22.04"}
    body: Any = {
        "id": pool_id,
        "vmSize": "standard_d2s_v3",
        "virtualMachineConfiguration": machine,
        "targetDedicatedNodes": 2,
    }
    batch.create_pool(body)
    line = watch_until(batch, make_job(batch, pool_id), "AccountCoreQuotaReached")
    assert "0 of 2 nodes" in line.text
    assert "Next step: Ask for more quota" in line.text


def test_pain_048_a_start_task_that_fails_is_told_to_the_jobs_that_wait(batch: BatchClient) -> None:
    pool_id = f"broken-{uuid.uuid4().hex[:8]}"
    image = {"publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts"}
    body: Any = {
        "id": pool_id,
        "vmSize": "standard_d2s_v3",
        "virtualMachineConfiguration": {
            "imageReference": image,
            "nodeAgentSKUId": "batch.node.ubuntu 22.04",
        },
        "targetLowPriorityNodes": 1,
        "startTask": {"commandLine": "/bin/sh -c 'exit 5'", "waitForSuccess": True},
    }
    batch.create_pool(body)
    line = watch_until(batch, make_job(batch, pool_id), "the start task ended with exit code 5")
    assert line.level == "warning"


def test_a_job_behind_another_is_told_that_no_slot_is_free(batch: BatchClient) -> None:
    pool_id = make_pool(batch, nodes=1, slots=1)
    first = make_job(batch, pool_id)
    second = make_job(batch, pool_id)
    try:
        assert watch_until(batch, second, "taken by other jobs").level == "info"
    finally:
        for job_id in (first, second):
            end(batch, job_id)


def test_a_multi_instance_task_tells_how_many_nodes_it_needs(batch: BatchClient) -> None:
    pool_id = make_pool(batch, nodes=1, slots=1, inter_node=True)
    job_id = make_job(batch, pool_id, tasks=0)
    several = {"numberOfInstances": 2, "coordinationCommandLine": "/bin/true"}
    task: Any = {"id": "mpi", "commandLine": "/bin/true", "multiInstanceSettings": several}
    batch.create_task(job_id, task)
    line = watch_until(batch, job_id, "needs 2 idle node(s) at once, and 1 of the 1")
    assert line.text.endswith("its target is 1. Next step: resize the pool to 2 or more.")
    end(batch, job_id)
