"""Pools that are made for jobs (Azure Batch: *Jobs and tasks*, *BatchAutoPoolSpecification*)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from batch_emulator.service import Account, BatchError, Quotas
from batch_emulator.service.entities import Json
from batch_emulator.service.secret_names import without_secrets
from tests.batch_emulator.service.builders import a_pool, a_task
from tests.batch_emulator.service.world import World

GUID = "[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}"


def auto(pool: Json | None = None, **more: Any) -> Json:
    body = {name: value for name, value in a_pool(nodes=1).items() if name != "id"}
    specification = {"poolLifetimeOption": "job", "pool": {**body, **(pool or {})}, **more}
    return {"poolInfo": {"autoPoolSpecification": specification}}


def a_job(job_id: str = "job", pool: Json | None = None, job: Json | None = None, **more: Any) -> Json:
    return {"id": job_id, **auto(pool, **more), **(job or {})}


def pools(world: World) -> list[str]:
    return [pool.id for pool in world.service.pools()]


def refusal(world: World, command: str, *args: Any) -> tuple[str, dict[str, str]]:
    with pytest.raises(BatchError) as caught:
        world.do(command, *args)
    return caught.value.code, caught.value.values


def test_a_pool_comes_and_goes_with_its_job() -> None:
    world = World()
    world.do("create_job", a_job(autoPoolIdPrefix="own"))
    [pool_id] = pools(world)
    assert re.fullmatch(f"own_{GUID}", pool_id)
    assert world.service.job("job").pool_id == pool_id
    world.do("create_task", "job", a_task())
    world.finish("task")
    world.do("terminate_job", "job")
    assert (world.job_state(), pools(world)) == ("completed", [])
    assert world.service.job("job").pool_id == pool_id


def test_without_prefix_the_id_is_a_guid_and_each_job_has_its_own() -> None:
    world = World()
    for job_id in ("a", "b"):
        world.do("create_job", a_job(job_id))
    assert len(pools(world)) == 2
    assert all(re.fullmatch(GUID, pool_id) for pool_id in pools(world))


def test_a_job_of_the_same_id_gets_another_pool() -> None:
    world = World()
    seen = set()
    for _ in range(2):
        world.do("create_job", a_job())
        seen.update(pools(world))
        world.do("delete_job", "job")
        world.advance(timedelta(seconds=1))
    assert (len(seen), pools(world)) == (2, [])


def test_the_pools_defaults_are_echoed() -> None:
    world = World()
    world.do("create_job", a_job())
    specification = world.service.job("job").spec["poolInfo"]["autoPoolSpecification"]
    assert (specification["keepAlive"], specification["poolLifetimeOption"]) == (False, "job")
    pool = specification["pool"]
    assert (pool["resizeTimeout"], pool["taskSlotsPerNode"]) == ("PT15M", 1)
    assert (pool["enableAutoScale"], pool["targetDedicatedNodes"], pool["targetLowPriorityNodes"]) == (
        False,
        1,
        0,
    )


def test_a_pool_that_is_kept_alive_stays() -> None:
    world = World()
    world.do("create_job", a_job(keepAlive=True))
    world.do("terminate_job", "job")
    world.do("delete_job", "job")
    assert len(pools(world)) == 1


def test_the_release_task_runs_before_the_pool_goes() -> None:
    world = World()
    special = {"jobPreparationTask": {"commandLine": "x"}, "jobReleaseTask": {"commandLine": "y"}}
    world.do("create_job", a_job(job=special))
    world.do("create_task", "job", a_task())
    world.finish("jobpreparation", kind="preparation")
    world.finish("task")
    world.do("terminate_job", "job")
    assert (world.job_state(), len(pools(world))) == ("terminating", 1)
    world.finish("jobrelease", kind="release")
    assert (world.job_state(), pools(world)) == ("completed", [])


def test_a_pool_that_the_user_deleted_is_no_trouble() -> None:
    world = World()
    world.do("create_job", a_job())
    world.do("delete_pool", pools(world)[0])
    world.do("terminate_job", "job")
    assert world.job_state() == "completed"


def test_pools_with_formulas_and_user_accounts() -> None:
    world = World()
    scale = {
        "targetDedicatedNodes": None,
        "enableAutoScale": True,
        "autoScaleFormula": "$TargetDedicatedNodes=2",
    }
    accounts = [{"name": "u", "password": "secret"}]
    world.do("create_job", a_job(pool={**scale, "userAccounts": accounts}))
    pool = world.service.pool(pools(world)[0])
    assert (pool.target_dedicated, pool.spec["enableAutoScale"]) == (2, True)
    assert pool.spec["userAccounts"] == [{"name": "u", "elevationLevel": "nonadmin"}]
    assert "secret" not in "".join(world.journal.values())


@pytest.mark.parametrize(
    ("more", "code", "name"),
    [
        ({"pool": {"vmSize": "imaginary"}}, "InvalidPropertyValue", "pool.vmSize"),
        ({"pool": {"vmSize": None}}, "MissingRequiredProperty", "pool.vmSize"),
        ({"pool": {"resizeTimeout": "PT1M"}}, "InvalidPropertyValue", "pool.resizeTimeout"),
        ({"pool": {"enableAutoScale": True}}, "InvalidPropertyValue", "pool.targetDedicatedNodes"),
        ({"autoPoolIdPrefix": "x" * 21}, "InvalidPropertyValue", "autoPoolIdPrefix"),
        ({"autoPoolIdPrefix": "a:b"}, "InvalidPropertyValue", "autoPoolIdPrefix"),
        ({"poolLifetimeOption": "jobschedule"}, "InvalidPropertyValue", "poolLifetimeOption"),
    ],
)
def test_what_is_refused(more: Json, code: str, name: str) -> None:
    world = World()
    found, values = refusal(world, "create_job", a_job(**more))
    assert (found, values["PropertyName"]) == (code, f"poolInfo.autoPoolSpecification.{name}")
    assert not list(world.service.jobs())


@pytest.mark.parametrize(
    ("pool", "code"),
    [
        (
            {"targetDedicatedNodes": None, "enableAutoScale": True, "autoScaleFormula": "$x=("},
            "InvalidAutoScaleFormulaInAutoPool",
        ),
        ({"targetDedicatedNodes": None, "enableAutoScale": True}, "InvalidAutoPoolSettings"),
        (
            {"applicationPackageReferences": [{"applicationId": "none"}]},
            "InvalidApplicationPackageReferencesInAutoPool",
        ),
    ],
)
def test_a_job_whose_pool_cannot_be_made_is_over(pool: Json, code: str) -> None:
    world = World()
    world.do("create_job", a_job(pool=pool, job={"jobManagerTask": {"id": "m", "commandLine": "x"}}))
    job = world.service.job("job")
    assert (job.state, job.pool_id, job.terminate_reason) == ("completed", "", None)
    assert job.scheduling_error is not None
    assert (job.scheduling_error["code"], job.scheduling_error["category"]) == (code, "usererror")
    assert (world.states(), pools(world)) == ({"m": "active"}, [])


def test_the_quota_of_pools_is_a_scheduling_error() -> None:
    world = World(Account("acct", quotas=Quotas(pools=0)))
    world.do("create_job", a_job())
    error = world.service.job("job").scheduling_error
    assert error is not None
    assert error["code"] == "AutoPoolCreationFailedWithQuotaReached"


def test_only_keep_alive_may_be_changed_while_the_job_is_disabled() -> None:
    world = World()
    world.do("create_job", a_job())
    keep = {"poolInfo": {"autoPoolSpecification": {"poolLifetimeOption": "job", "keepAlive": True}}}
    assert refusal(world, "patch_job", "job", keep)[0] == "OperationInvalidForCurrentState"
    world.do("disable_job", "job", "requeue")
    assert (
        refusal(world, "patch_job", "job", auto({"vmSize": "STANDARD_D4S_V3"}))[0] == "InvalidPropertyValue"
    )
    world.do("patch_job", "job", keep)
    world.do("terminate_job", "job")
    assert len(pools(world)) == 1


def test_a_job_is_replaced_with_what_it_answered() -> None:
    world = World()
    world.do("create_job", a_job(pool={"userAccounts": [{"name": "u", "password": "x"}]}))
    spec = world.service.job("job").spec
    world.do("replace_job", "job", {"priority": 5, "poolInfo": spec["poolInfo"]})
    assert world.service.job("job").spec == {**spec, "priority": 5}


def test_what_is_never_answered_need_not_be_sent_back() -> None:
    keys = {"accountName": "a", "containerName": "c", "relativeMountPath": "m", "accountKey": "c2VjcmV0"}
    mounts = [{"azureBlobFileSystemConfiguration": keys}]
    world = World()
    policy = {"nodeFillType": "pack"}
    world.do("create_job", a_job(pool={"mountConfiguration": mounts, "taskSchedulingPolicy": policy}))
    info = world.service.job("job").spec["poolInfo"]
    answered = without_secrets(info)
    assert answered != info
    answered["autoPoolSpecification"]["pool"]["taskSchedulingPolicy"] = policy
    world.do("replace_job", "job", {"priority": 5, "poolInfo": answered})
    assert (world.service.job("job").spec["priority"], world.service.job("job").spec["poolInfo"]) == (5, info)


def test_a_job_may_leave_its_pool_for_another_one_but_not_the_other_way() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("disable_job", "job", "requeue")
    world.do("patch_job", "job", {"poolInfo": {"poolId": "pool"}})
    assert pools(world) == ["pool"]
    assert refusal(world, "patch_job", "job", auto())[0] == "InvalidPropertyValue"


def test_a_restart_forgets_nothing() -> None:
    world = World()
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.die()
    world.finish("task")
    world.do("terminate_job", "job")
    assert (world.job_state(), pools(world)) == ("completed", [])
