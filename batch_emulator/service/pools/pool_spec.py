"""What a pool may be asked to be, and what the service fills in.

Source: *Pool - Add* of the REST reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import (
    AUTO_SCALE_FORMULA_TOO_LONG,
    invalid,
    missing,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.limits import (
    DEFAULT_AUTO_SCALE_INTERVAL,
    DEFAULT_RESIZE_TIMEOUT,
    MAX_AUTO_SCALE_INTERVAL,
    MAX_FORMULA_CHARACTERS,
    MAX_START_TASK_CHARACTERS,
    MAX_TASK_SLOTS,
    MIN_AUTO_SCALE_INTERVAL,
    MIN_RESIZE_TIMEOUT,
    TASK_SLOTS_PER_CORE,
)
from batch_emulator.service.pools.images import os_type_of
from batch_emulator.service.pools.pool_machine import machine_configuration
from batch_emulator.service.pools.pool_mounts import check_mounts
from batch_emulator.service.pools.pool_network import network_configuration
from batch_emulator.service.pools.pool_upgrade import check_zones, upgrade_policy
from batch_emulator.service.pools.vm_sizes import vm_size
from batch_emulator.service.spec_checks import (
    check_command,
    check_display_name,
    check_metadata,
    duration_of,
    required,
    user_accounts,
    user_identity,
    users_of_system,
    whole_number,
)

# The last three are records of older api-versions.
_PLAIN = (
    "displayName", "vmSize", "metadata", "applicationPackageReferences",
    "applicationLicenses", "resourceTags", "targetNodeCommunicationMode",
)  # fmt: skip


def make_pool_spec(body: Json) -> Json:
    """Check a new pool's body and fill in the service's defaults.

    :param body: of the request, without nulls. Targets and autoscale settings are left to the caller.
    :raises BatchError: a value that the service refuses, or that cannot be honoured on one machine.
    """
    check_display_name(body)
    check_metadata(body)
    spec: Json = {name: body[name] for name in _PLAIN if name in body}
    spec["vmSize"] = _checked_size(required(body, "vmSize"))
    for name, check in SECTIONS.items():
        if name in body:
            spec[name] = check(body[name])
    if "virtualMachineConfiguration" not in spec:
        raise missing("virtualMachineConfiguration")
    fit_together(spec)
    spec["resizeTimeout"] = resize_timeout(body)
    spec["enableInterNodeCommunication"] = body.get("enableInterNodeCommunication", False)
    spec["taskSlotsPerNode"] = task_slots(body, spec["vmSize"])
    spec.setdefault("taskSchedulingPolicy", _scheduling_policy({}))
    return spec


def fit_together(spec: Json) -> None:
    """Check what holds between the parts of a pool, and fill in what one part says of another."""
    machine = spec["virtualMachineConfiguration"]
    check_zones(spec.get("upgradePolicy") or {}, machine)
    if spec.get("userAccounts"):
        spec["userAccounts"] = users_of_system(spec["userAccounts"], os_type_of(spec))


def _checked_size(name: str) -> str:
    if vm_size(name) is None:
        raise invalid("vmSize", name, "There is no such size of virtual machine")
    return name


def resize_timeout(body: Json) -> str:
    """How long a resize may take; at least five minutes."""
    return duration_of(body, "resizeTimeout", DEFAULT_RESIZE_TIMEOUT, least=MIN_RESIZE_TIMEOUT)


def task_slots(body: Json, size_name: str) -> int:
    """Task slots of a node: up to four a core, and 256. Source: *Run tasks concurrently*."""
    size = vm_size(size_name)
    most = min(TASK_SLOTS_PER_CORE * (size.cores if size else 1), MAX_TASK_SLOTS)
    return whole_number(body, "taskSlotsPerNode", 1, 1, most)


def target(body: Json, name: str) -> int | None:
    """A target number of nodes, if given."""
    return whole_number(body, name, 0, 0) if body.get(name) is not None else None


def targets(body: Json) -> tuple[int, int]:
    """Dedicated and low-priority nodes that a new pool is to have; none with autoscale."""
    dedicated, low_priority = target(body, "targetDedicatedNodes"), target(body, "targetLowPriorityNodes")
    if body.get("enableAutoScale"):
        for name in ("targetDedicatedNodes", "targetLowPriorityNodes"):
            if name in body:
                raise invalid(name, body[name], "A pool with autoscale has no fixed target")
    elif "autoScaleFormula" in body:
        raise invalid("autoScaleFormula", body["autoScaleFormula"], "enableAutoScale is not true")
    return dedicated or 0, low_priority or 0


def auto_scale_interval(body: Json) -> str:
    """How often the formula is evaluated: five minutes to a week, by default 15 minutes."""
    return duration_of(
        body,
        "autoScaleEvaluationInterval",
        DEFAULT_AUTO_SCALE_INTERVAL,
        least=MIN_AUTO_SCALE_INTERVAL,
        most=MAX_AUTO_SCALE_INTERVAL,
    )


def check_formula_length(formula: str) -> str:
    """A formula has up to 8192 characters."""
    if len(formula) > MAX_FORMULA_CHARACTERS:
        raise BatchError(AUTO_SCALE_FORMULA_TOO_LONG, {"Reason": f"It has {len(formula)} characters"})
    return formula


def start_task(body: Json) -> Json:
    """A start task with its defaults. Source: *BatchStartTask*."""
    check_command(body, "startTask")
    if _text_length(body) > MAX_START_TASK_CHARACTERS:
        raise invalid(
            "startTask", "", f"A start task has at most {MAX_START_TASK_CHARACTERS} characters in all"
        )
    return {
        **body,
        "userIdentity": user_identity(body),
        "maxTaskRetryCount": whole_number(body, "maxTaskRetryCount", 0, -1),
        "waitForSuccess": body.get("waitForSuccess", True),
    }


def _text_length(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_text_length(item) for item in value.values())
    if isinstance(value, list):
        return sum(_text_length(item) for item in value)
    return len(value) if isinstance(value, str) else 0


def _scheduling_policy(body: Json) -> Json:
    # The service answers these in capitals though they are sent in lower case.
    policy = {**body, "nodeFillType": str(body.get("nodeFillType", "spread")).capitalize()}
    if "jobDefaultOrder" in body:
        policy["jobDefaultOrder"] = str(body["jobDefaultOrder"]).lower()
    return policy


SECTIONS: dict[str, Callable[[Any], Any]] = {
    "virtualMachineConfiguration": machine_configuration,
    "startTask": start_task,
    "taskSchedulingPolicy": _scheduling_policy,
    "networkConfiguration": network_configuration,
    "userAccounts": user_accounts,
    "mountConfiguration": check_mounts,
    "upgradePolicy": upgrade_policy,
}
