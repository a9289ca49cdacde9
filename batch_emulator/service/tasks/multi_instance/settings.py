"""What the settings of a multi-instance task may be. Source: *MultiInstanceSettings*."""

from __future__ import annotations

from batch_emulator.service.entities import Json, Task
from batch_emulator.service.error_kinds import invalid
from batch_emulator.service.limits import INT32_MAX
from batch_emulator.service.spec_checks import check_resource_files, required, whole_number

_NAME = "multiInstanceSettings"


def make_settings(body: Json) -> Json | None:
    """The settings of a new task with their defaults; ``None`` for an ordinary task.

    Whether the job's pool can ever run it is not asked: it stays active there.

    :param body: of the task.
    :raises BatchError: no coordination command, fewer than one instance, or more than one slot on a node.
    """
    given: Json | None = body.get(_NAME)
    if given is None:
        return None
    command = f"{_NAME}.coordinationCommandLine"
    if not str(required(given, "coordinationCommandLine", command)).strip():
        raise invalid(command, "", "The command line is empty")
    instances = whole_number(given, "numberOfInstances", 1, 1, INT32_MAX, f"{_NAME}.numberOfInstances")
    check_resource_files(given, "commonResourceFiles")
    if body.get("requiredSlots", 1) != 1:
        raise invalid(
            "requiredSlots", body["requiredSlots"], "A multi-instance task takes whole nodes of one slot"
        )
    return {**given, "numberOfInstances": instances}


def instances_of(task: Task) -> int:
    """How many nodes a multi-instance task takes at once; 0 for an ordinary task."""
    settings = task.spec.get(_NAME)
    return settings["numberOfInstances"] if settings else 0
