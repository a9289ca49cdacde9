"""What pool a job runs on: one that it names, or one that is made for it.

Source: *BatchPoolInfo* and *BatchAutoPoolSpecification*.
"""

from __future__ import annotations

from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import invalid, missing
from batch_emulator.service.errors import BatchError
from batch_emulator.service.ids import check_id
from batch_emulator.service.limits import MAX_AUTO_POOL_PREFIX
from batch_emulator.service.pools.pool_spec import make_pool_spec, targets
from batch_emulator.service.secret_names import without_secrets
from batch_emulator.service.spec_checks import required

_AUTO = "poolInfo.autoPoolSpecification"
# How large the pool is to be: not a part of its own specification.
_SIZING = (
    "targetDedicatedNodes",
    "targetLowPriorityNodes",
    "enableAutoScale",
    "autoScaleFormula",
    "autoScaleEvaluationInterval",
)


def pool_info(body: Json, *, of_schedule: bool = False) -> Json:
    """The ``poolInfo`` of a job with the service's defaults.

    :param of_schedule: the job is one of a schedule, so that one pool may serve all of the schedule's jobs.
    """
    info = required(body, "poolInfo")
    if "autoPoolSpecification" in info:
        if "poolId" in info:
            raise invalid("poolInfo", "", "Exactly one of poolId and autoPoolSpecification must be given")
        return {"autoPoolSpecification": _auto_pool(info["autoPoolSpecification"], of_schedule)}
    if "poolId" not in info:
        raise missing("poolInfo.poolId")
    return {"poolId": check_id(info["poolId"], "poolInfo.poolId")}


def _auto_pool(body: Json, of_schedule: bool) -> Json:
    lifetime = required(body, "poolLifetimeOption", f"{_AUTO}.poolLifetimeOption")
    if lifetime == "jobschedule" and not of_schedule:
        raise invalid(
            f"{_AUTO}.poolLifetimeOption", lifetime, "Only the jobs of a job schedule can share a pool"
        )
    checked: Json = {"poolLifetimeOption": lifetime, "keepAlive": body.get("keepAlive", False)}
    prefix = body.get("autoPoolIdPrefix")
    if prefix:
        if len(check_id(prefix, f"{_AUTO}.autoPoolIdPrefix")) > MAX_AUTO_POOL_PREFIX:
            raise invalid(
                f"{_AUTO}.autoPoolIdPrefix", prefix, f"A prefix has at most {MAX_AUTO_POOL_PREFIX} characters"
            )
        checked["autoPoolIdPrefix"] = prefix
    return {**checked, "pool": _pool(required(body, "pool", f"{_AUTO}.pool"))}


def _pool(body: Json) -> Json:
    """The pool to be made. Formula and packages are looked at when it is made, as they may change."""
    try:
        dedicated, low_priority = targets(body)
        spec = make_pool_spec(body)
    except BatchError as error:
        raise error.within(f"{_AUTO}.pool") from None
    sizing = {name: body[name] for name in _SIZING if name in body}
    if not body.get("enableAutoScale"):
        sizing |= {"targetDedicatedNodes": dedicated, "targetLowPriorityNodes": low_priority}
    return {**spec, "enableAutoScale": False, **sizing}


def split(pool: Json) -> tuple[Json, Json]:
    """The pool's own specification, and how large it is to be."""
    spec = {name: value for name, value in pool.items() if name not in _SIZING}
    return spec, {name: value for name, value in pool.items() if name in _SIZING}


def changed_pool_info(current: Json, given: Json) -> Json:
    """The ``poolInfo`` that a job has after a change.

    Of an auto pool only ``keepAlive`` may be changed, and only of one that is made for a single job.

    :raises BatchError: ``InvalidPropertyValue``.
    """
    if "autoPoolSpecification" not in given:
        return pool_info({"poolInfo": given})
    before = current.get("autoPoolSpecification")
    if before is None:
        raise invalid(_AUTO, "", "A job that names its pool cannot be given one of its own later")
    # What is left out is not changed: clients cannot send back passwords that they never get.
    after = {**before, **given["autoPoolSpecification"]}
    if _as_answered(after["pool"]) == _as_answered(before["pool"]):
        after["pool"] = before["pool"]
    if {**after, "keepAlive": None} != {**before, "keepAlive": None}:
        checked = pool_info({"poolInfo": {"autoPoolSpecification": after}}, of_schedule=True)
        after = checked["autoPoolSpecification"]
    if {**after, "keepAlive": None} != {**before, "keepAlive": None}:
        raise invalid(_AUTO, "", "Only keepAlive of an auto pool may be changed")
    if after["keepAlive"] != before["keepAlive"] and before["poolLifetimeOption"] != "job":
        raise invalid(f"{_AUTO}.keepAlive", after["keepAlive"], "The pool serves all jobs of a schedule")
    return {"autoPoolSpecification": after}


def _as_answered(pool: Json) -> Json:
    """What a client gets to see of a pool, in the words in which it would send it back."""
    visible: Json = without_secrets(pool)
    policy = visible.get("taskSchedulingPolicy") or {}
    return {**visible, "taskSchedulingPolicy": {name: str(word).lower() for name, word in policy.items()}}
