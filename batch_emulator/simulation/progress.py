"""How far an account has come."""

from __future__ import annotations

from batch_emulator.service.service import BatchService

__all__ = ["is_done", "task_numbers"]


def task_numbers(service: BatchService) -> dict[str, int]:
    """Tasks of all jobs by ``active``, ``running``, ``succeeded``, ``failed``.

    Tasks that are active in a job that has ended wait for nothing, and are left out.
    """
    total = dict.fromkeys(("active", "running", "succeeded", "failed"), 0)
    for job in service.jobs():
        counts = service.task_counts(job.id).tasks
        for name in total:
            if name != "active" or job.state != "completed":
                total[name] += getattr(counts, name)
    return total


def is_done(service: BatchService) -> bool:
    """Whether no task waits or runs."""
    numbers = task_numbers(service)
    return numbers["active"] + numbers["running"] == 0
