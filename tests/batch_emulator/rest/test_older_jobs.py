"""Jobs and job schedules of older api-versions: what only they know comes back to them alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from batch_emulator.rest.contract import API_VERSIONS, CURRENT_VERSION
from tests.batch_emulator.rest.in_process import Client, in_process
from tests.batch_emulator.rest.test_older_versions import OLDEST, get, send
from tests.protocol.builders import MACHINE

TOKEN = {"authenticationTokenSettings": {"access": ["job"]}}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with in_process() as made:
        yield made


def a_specification() -> dict[str, Any]:
    disk = {"lun": 1, "diskSizeGB": 50, "storageAccountType": "premium_lrs"}
    pool = {"vmSize": "standard_d2s_v3", "virtualMachineConfiguration": {**MACHINE, "dataDisks": [disk]}}
    return {
        "poolInfo": {"autoPoolSpecification": {"poolLifetimeOption": "job", "pool": pool}},
        "jobManagerTask": {"id": "boss", "commandLine": "0", **TOKEN},
    }


def check_job(job: Any, version: str) -> None:
    is_newest = version == CURRENT_VERSION
    assert ("authenticationTokenSettings" in job["jobManagerTask"]) != is_newest
    pool = job["poolInfo"]["autoPoolSpecification"]["pool"]
    (disk,) = pool["virtualMachineConfiguration"]["dataDisks"]
    kind = disk["managedDisk"]["storageAccountType"] if is_newest else disk["storageAccountType"]
    assert kind == "premium_lrs"
    assert ("managedDisk" in disk) == is_newest


@pytest.mark.parametrize("version", API_VERSIONS)
async def test_a_job_and_its_manager(client: Client, version: str) -> None:
    assert (await send(client, OLDEST, "POST", "/jobs", {"id": "job", **a_specification()}))[0] == 201
    check_job(await get(client, version, "/jobs/job"), version)
    task = await get(client, version, "/jobs/job/tasks/boss")
    assert ("authenticationTokenSettings" in task) != (version == CURRENT_VERSION)


@pytest.mark.parametrize("version", API_VERSIONS)
async def test_a_job_schedule_and_its_jobs(client: Client, version: str) -> None:
    plan = {"recurrenceInterval": "P1D"}
    body = {"id": "plan", "schedule": plan, "jobSpecification": a_specification()}
    assert (await send(client, OLDEST, "POST", "/jobschedules", body))[0] == 201
    schedule = await get(client, version, "/jobschedules/plan")
    check_job(schedule["jobSpecification"], version)
    (listed,) = (await get(client, version, "/jobschedules"))["value"]
    assert listed == {key: value for key, value in schedule.items() if key != "odata.metadata"}
    (job,) = (await get(client, version, "/jobschedules/plan/jobs?$expand=stats"))["value"]
    assert job["stats"]["numFailedTasks"] == "0"
    check_job(job, version)
