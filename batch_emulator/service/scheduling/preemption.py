"""Room that is made for a task by giving others back to the queue, on as few nodes as it needs.

Two things make room. A job manager that must run again may displace tasks of its own job. A job of higher
priority may displace tasks of jobs that allow it: on Azure only where support turned that on, here always.

Source: *BatchJobManagerTask*, *BatchJob* (allowTaskPreemption).
"""

from __future__ import annotations

from batch_emulator.service.entities import Node, Task
from batch_emulator.service.jobs import managers
from batch_emulator.service.rooms import JobRoom, PoolRoom
from batch_emulator.service.scheduling.capacity import accepts_tasks
from batch_emulator.service.scheduling.placement import barred_nodes
from batch_emulator.service.state import State
from batch_emulator.service.tasks import task_runs
from batch_emulator.service.tasks.multi_instance import whole_nodes
from batch_emulator.service.tasks.multi_instance.settings import instances_of


def make_room(state: State, pool: PoolRoom, waiting: list[JobRoom]) -> None:
    """Displace tasks for the first of the waiting jobs that may do so.

    Only when nothing is being displaced for it already: the next look is taken when that is over.

    :param waiting: jobs with tasks that could start if there were room, by urgency.
    """
    lenient = _lenient(state, pool)
    for job in waiting:
        task = job.ready.first()
        if task is None:
            continue
        candidates = _candidates(job, task, lenient)
        if any(victim.killing == "preempt" for victim in candidates):
            return
        choose = _whole_nodes if instances_of(task) else _cheapest
        chosen = choose(pool, job, task, [victim for victim in candidates if victim.killing is None])
        for victim in chosen:
            task_runs.kill(state, victim, "preempt")
        if chosen:
            return


def is_under_way(pool: PoolRoom) -> bool:
    """Whether tasks of a pool are being displaced just now."""
    return any(task.killing == "preempt" for load in pool.loads.values() for task in load.tasks.values())


def may_help(state: State, pool: PoolRoom, job: JobRoom) -> bool:
    """Whether it is worth looking for somebody to make room for a job."""
    return "jobManagerTask" in job.job.spec or bool(state.lenient_jobs.get(pool.pool.id.lower()))


def _lenient(state: State, pool: PoolRoom) -> list[JobRoom]:
    """Jobs on a pool that let their tasks be displaced."""
    jobs = state.lenient_jobs.get(pool.pool.id.lower(), {})
    for key in [key for key, room in jobs.items() if room.job.state == "completed"]:
        del jobs[key]
    return list(jobs.values())


def _candidates(job: JobRoom, task: Task, lenient: list[JobRoom]) -> list[Task]:
    candidates: list[Task] = []
    if managers.is_manager(job, task) and task.tries > 0:
        candidates += job.occupying.values()
    for room in lenient:
        if room.job.spec["priority"] < job.job.spec["priority"]:
            candidates += room.occupying.values()
    return candidates


def _cheapest(pool: PoolRoom, job: JobRoom, task: Task, allowed: list[Task]) -> list[Task]:
    """The fewest tasks of one node whose going makes room; the youngest first."""
    by_node: dict[str, list[Task]] = {}
    for victim in allowed:
        by_node.setdefault((victim.node_id or "").lower(), []).append(victim)
    barred = barred_nodes(pool, job, task)
    best: list[Task] = []
    for key, victims in by_node.items():
        node = pool.nodes.get(key)
        if node is None or key in barred or not accepts_tasks(node):
            continue
        chosen = _enough(pool, node, victims, managers.slots_needed(pool, job, task))
        if chosen and (not best or len(chosen) < len(best)):
            best = chosen
    return best


def _whole_nodes(pool: PoolRoom, job: JobRoom, task: Task, allowed: list[Task]) -> list[Task]:
    """The youngest tasks whose going leaves nodes enough for a multi-instance task."""
    lacking = instances_of(task) - whole_nodes.free(pool, job)
    chosen: list[Task] = []
    if not whole_nodes.fits_pool(pool):
        return chosen
    for victim in sorted(allowed, key=lambda one: (one.state_transition_time, one.number), reverse=True):
        if lacking <= 0:
            break
        node = pool.nodes.get(victim.node_id or "")
        if node is not None and accepts_tasks(node) and node.id.lower() not in job.barred:
            chosen.append(victim)
            lacking -= max(1, instances_of(victim))
    return chosen if lacking <= 0 else []


def _enough(pool: PoolRoom, node: Node, victims: list[Task], required: int) -> list[Task]:
    load = pool.load(node.id)
    free = pool.pool.spec["taskSlotsPerNode"] - load.used_slots - sum(node.orphans.values())
    chosen: list[Task] = []
    for victim in sorted(victims, key=lambda task: task.number, reverse=True):
        if free >= required and not _blocked(load.exclusive, chosen):
            break
        chosen.append(victim)
        free += victim.spec["requiredSlots"]
    return chosen if free >= required and not _blocked(load.exclusive, chosen) else []


def _blocked(exclusive: str | None, chosen: list[Task]) -> bool:
    return exclusive is not None and all(task.run_id != exclusive for task in chosen)
