"""What multi-instance tasks count for in autoscale formulas. Source: *Automatically scale compute nodes*."""

from __future__ import annotations

from batch_emulator.service.rooms import JobRoom
from batch_emulator.service.tasks.multi_instance.assumptions import INSTANCES_RUN_IN_FORMULAS


def active_for_formulas(room: JobRoom) -> int:
    """Tasks of a job that could run; one on several nodes counts for each of its instances."""
    return room.ready.instances


def running_for_formulas(room: JobRoom) -> int:
    """Tasks of a job that are on nodes."""
    number = len(room.occupying)
    if INSTANCES_RUN_IN_FORMULAS and room.gangs:
        number += sum(len(room.gangs[task].members) - 1 for task in room.occupying if task in room.gangs)
    return number
