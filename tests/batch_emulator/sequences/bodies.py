"""Random request bodies that the contract allows, made of values that mean something to one another."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from batch_emulator.rest.contract import Contract
from tests.batch_emulator.service.builders import IMAGE, Json

IDS = [str(number) for number in range(1, 7)] + ["04", "x", "Y"]
JOB_IDS = ["job", "Job2", "job-3"]
POOL_IDS = ["pool", "pool", "pool", "Pool2"]
SCHEDULE_IDS = ["schedule"]
USER_NAMES = ["user", "other"]
COMMAND = "/bin/true"
FORMULAS = [
    "$TargetDedicatedNodes = 2;",
    "$TargetDedicatedNodes = $PendingTasks.GetSample(1); $TargetLowPriorityNodes = 1;",
    "$TargetDedicatedNodes = avg($ActiveTasks.GetSample(180 * TimeInterval_Second, 70 * $IsNot));",
    "$NodeDeallocationOption = taskcompletion; $TargetDedicatedNodes = 0;",
]
DURATIONS = ["PT0S", "PT30S", "PT1M", "PT5M", "PT15M", "PT1H", "P7D", "P10675199DT2H48M5.4775807S"]
TIMES = ["2026-03-01T00:00:00Z", "2026-03-02T08:30:00Z", "2026-03-03T00:00:00Z"]
_DEEPEST = 6
_UNUSUAL = 0.01

# How often a body has a property that sequences are about; the others are asked for now and then only.
# fmt: off
CHANCES = {
    **dict.fromkeys(
        [
            "maxTaskRetryCount", "requiredSlots", "dependsOn", "taskIds", "taskIdRanges", "exitConditions",
            "exitCodes", "default", "exitOptions", "dependencyAction", "jobAction", "jobPreparationTask",
            "jobReleaseTask", "taskSchedulingPolicy", "jobDefaultOrder", "taskSlotsPerNode",
            "targetLowPriorityNodes", "nodeDeallocationOption", "nodeRebootOption", "nodeReimageOption",
            "nodeDeallocateOption", "nodeDisableSchedulingOption", "affinityId", "numberOfInstances",
            "poolLifetimeOption", "targetDedicatedNodes", "terminateReason", "waitForSuccess",
            "rerunOnNodeRebootAfterSuccess", "killJobOnCompletion", "runExclusive",
        ],
        0.35,
    ),
    "enableInterNodeCommunication": 0.4,
    "multiInstanceSettings": 0.2,
    **dict.fromkeys(
        [
            "constraints", "retentionTime", "exitCodeRanges", "preProcessingError", "onTaskFailure",
            "maxParallelTasks", "priority", "startTask", "affinityInfo", "jobManagerTask",
            "startWindow", "doNotRunAfter", "keepAlive",
        ],
        0.12,
    ),
    **dict.fromkeys(["maxWallClockTime", "onAllTasksComplete", "doNotRunUntil", "resizeTimeout"], 0.05),
}
# fmt: on


class Bodies:
    """Makes bodies.

    :param node_ids: ids of nodes that are there.
    """

    def __init__(self, contract: Contract, rng: random.Random, node_ids: list[str]) -> None:
        self._contract = contract
        self._rng = rng
        self._node_ids = node_ids

    def make(self, model: str, depth: int = 0) -> Json:
        """A body of a model; what the contract requires is there."""
        if model in _FRAMES and self._rng.random() > 0.02:
            return {**_FRAMES[model](self._rng), **self._extras(model, depth)}
        return self._extras(model, depth)

    def around(self, model: str, path: list[tuple[str, str]], name: str, type_name: str) -> Json:
        """A body of a model with one property deep in it, and nothing that is not needed for that.

        :param path: property names and types down to what has the property.
        :param type_name: of the property.
        """
        body = here = self._least(model)
        for step, step_type in path:
            inner = here.get(step)
            below = inner if isinstance(inner, dict) else self._least(step_type.strip("[]{}"))
            here[step] = [below] if step_type[0] == "[" else below
            here = below
        here[name] = self._value(name, type_name, _DEEPEST - 2)
        return body

    def _least(self, model: str) -> Json:
        if model in _FRAMES:
            return json.loads(json.dumps(_FRAMES[model](self._rng)))  # type: ignore[no-any-return]
        properties = self._contract.models[model].items()
        return {
            name: self._value(name, known.type, _DEEPEST - 2)
            for name, known in properties
            if known.required and not known.read_only
        }

    def _extras(self, model: str, depth: int) -> Json:
        made: Json = {}
        for name, known in self._contract.models[model].items():
            if known.read_only or (model in _FRAMES and known.required):
                continue
            chance = 1.0 if known.required else CHANCES.get(name, _UNUSUAL)
            if depth < _DEEPEST and self._rng.random() < chance:
                made[name] = self._value(name, known.type, depth + 1)
        return made

    def _value(self, name: str, type_name: str, depth: int) -> Any:
        rng = self._rng
        if name == "nodeList":
            return rng.sample(self._node_ids, min(len(self._node_ids), rng.randint(1, 2))) or ["gone"]
        if name == "affinityId":
            return f"TVM:{rng.choice(self._node_ids)}" if self._node_ids else "TVM:gone"
        if name in _HINTS:
            return _HINTS[name](rng)
        if type_name[0] == "[":
            return [self._value(name, type_name[1:-1], depth) for _ in range(rng.randint(0, 2))]
        if type_name[0] == "{":
            return {"key": self._value(name, type_name[1:-1], depth)}
        if type_name in self._contract.models:
            return self.make(type_name, depth)
        if type_name in self._contract.enums:
            return rng.choice(self._contract.enums[type_name])
        return _SCALARS[type_name](rng)


def _pool(rng: random.Random) -> Json:
    body: Json = {"id": rng.choice(POOL_IDS), **_pool_specification(rng)}
    return body


def _pool_specification(rng: random.Random) -> Json:
    body: Json = {"vmSize": "standard_d2s_v3", "virtualMachineConfiguration": IMAGE}
    if rng.random() < 0.2:
        return body | {"enableAutoScale": True, "autoScaleFormula": rng.choice(FORMULAS)}
    return body | {"targetDedicatedNodes": rng.choice([0, 1, 2, 2, 3])}


def _pool_info(rng: random.Random) -> Json:
    if rng.random() < 0.9:
        return {"poolId": rng.choice(POOL_IDS)}
    automatic = {
        "poolLifetimeOption": rng.choice(["job", "job", "jobschedule"]),
        "pool": _pool_specification(rng),
        "keepAlive": rng.random() < 0.2,
    }
    return {"autoPoolSpecification": automatic}


def _job(rng: random.Random) -> Json:
    uses = {"usesTaskDependencies": True} if rng.random() < 0.7 else {}
    return {"id": rng.choice(JOB_IDS), "poolInfo": _pool_info(rng), **uses}


def _schedule(rng: random.Random) -> Json:
    return {
        "id": rng.choice(SCHEDULE_IDS),
        "schedule": {"recurrenceInterval": rng.choice(["PT5M", "PT20M"])} if rng.random() < 0.7 else {},
        "jobSpecification": {"poolInfo": _pool_info(rng)},
    }


def _span(rng: random.Random) -> Json:
    start = rng.randint(1, 5)
    return {"start": start, "end": start + rng.randint(0, 3)}


_FRAMES: dict[str, Callable[[random.Random], Json]] = {
    "BatchPoolCreateOptions": _pool,
    "BatchPoolSpecification": _pool_specification,
    "BatchPoolInfo": _pool_info,
    "BatchPoolEnableAutoScaleOptions": lambda rng: {"autoScaleFormula": rng.choice(FORMULAS)},
    "BatchPoolEvaluateAutoScaleOptions": lambda rng: {"autoScaleFormula": rng.choice(FORMULAS)},
    "BatchJobCreateOptions": _job,
    "BatchJobScheduleCreateOptions": _schedule,
    "BatchTaskCreateOptions": lambda rng: {"id": rng.choice(IDS), "commandLine": COMMAND},
    "BatchStartTask": lambda rng: {"commandLine": COMMAND},
    "BatchJobPreparationTask": lambda rng: {"commandLine": COMMAND},
    "BatchJobReleaseTask": lambda rng: {"commandLine": COMMAND},
    "BatchJobManagerTask": lambda rng: {"id": "manager", "commandLine": COMMAND},
    "BatchNodeUserCreateOptions": lambda rng: {"name": rng.choice(USER_NAMES), "password": "secret"},
    "BatchTaskIdRange": _span,
    "ExitCodeRangeMapping": lambda rng: {**_span(rng), "exitOptions": {}},
    "MultiInstanceSettings": lambda rng: {"coordinationCommandLine": COMMAND},
    "VirtualMachineConfiguration": lambda rng: IMAGE,
    "BatchTaskGroup": lambda rng: {
        "value": [{"id": rng.choice(IDS), "commandLine": COMMAND} for _ in range(rng.randint(1, 3))]
    },
}

_HINTS: dict[str, Callable[[random.Random], Any]] = {
    "taskIds": lambda rng: rng.sample(IDS, rng.randint(1, 2)),
    "requiredSlots": lambda rng: rng.randint(1, 2),
    "taskSlotsPerNode": lambda rng: rng.randint(1, 3),
    "maxTaskRetryCount": lambda rng: rng.randint(0, 2),
    "maxParallelTasks": lambda rng: rng.choice([-1, 1, 2]),
    "numberOfInstances": lambda rng: rng.randint(1, 3),
    "priority": lambda rng: rng.randint(-2, 2),
    "code": lambda rng: rng.randint(0, 2),
    "commandLine": lambda rng: COMMAND,
    "coordinationCommandLine": lambda rng: COMMAND,
    "vmSize": lambda rng: "standard_d2s_v3",
    "autoScaleFormula": lambda rng: rng.choice(FORMULAS),
    "autoPoolIdPrefix": lambda rng: "auto",
    "version": lambda rng: "1.0",
    "applicationId": lambda rng: "app",
    "poolId": lambda rng: rng.choice(POOL_IDS),
    "userIdentity": lambda rng: {"autoUser": {"scope": rng.choice(["task", "pool"])}},
}

_SCALARS: dict[str, Callable[[random.Random], Any]] = {
    "string": lambda rng: rng.choice(["text", "", "ünïcode ✓"]),
    "any": lambda rng: rng.choice(["text", 1, [{"nested": None}]]),
    "integer": lambda rng: rng.choice([0, 1, 2, 3]),
    "int64": lambda rng: rng.choice([0, 1, 2**40]),
    "number": lambda rng: rng.choice([0.0, 0.5]),
    "boolean": lambda rng: rng.random() < 0.5,
    "duration": lambda rng: rng.choice(DURATIONS),
    "datetime": lambda rng: rng.choice(TIMES),
}
