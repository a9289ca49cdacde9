"""What the page for people shows: the account, or one pool with its nodes, or one job with its tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

if TYPE_CHECKING:
    from batch_emulator.service.entities import Job, Node, Task
    from batch_emulator.service.service import BatchService

__all__ = ["ROWS", "Link", "Row", "Table", "View", "account_view", "job_view", "pool_view"]

# A table shows so many rows; the rest is a page further.
ROWS = 200
_REASONS = 3


class Link(NamedTuple):
    """A cell that leads to another view."""

    text: str
    target: str


class Row(NamedTuple):
    """A row of a table.

    :param anchor: by which an address may point to it.
    """

    cells: tuple[Any, ...]
    anchor: str | None = None


@dataclass(frozen=True)
class Table:
    """A part of a view.

    :param further: where the rest is, if there is more.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    further: str | None = None


@dataclass(frozen=True)
class View:
    """What is shown at once."""

    title: str
    tables: tuple[Table, ...]


def account_view(service: BatchService, facts: Iterable[tuple[str, str]], after: str = "") -> View:
    """Pools, jobs and job schedules.

    :param after: of the jobs, those after this id.
    :param facts: of the emulator itself, such as faults that are set.
    """
    jobs, further = _page(service.jobs(after), {})
    job_heads = ("Job", "State", "Pool", "Active", "Running", "Succeeded", "Failed")
    tables = [
        Table("Pools", ("Pool", "State", "Allocation", "Dedicated", "Spot", "Nodes"), tuple(_pools(service))),
        Table("Jobs", job_heads, tuple(_jobs(service, jobs)), further),
    ]
    if schedules := tuple(_schedules(service)):
        tables.append(Table("Job schedules", ("Job schedule", "State", "Next run", "Recent job"), schedules))
    if known := tuple(Row(fact) for fact in facts):
        tables.append(Table("Emulator", ("What", "How"), known))
    return View("", tuple(tables))


def pool_view(service: BatchService, pool_id: str, after: str = "") -> View:
    """The nodes of a pool.

    :raises BatchError: there is no such pool.
    """
    pool = service.pool(pool_id)
    nodes, further = _page(service.nodes(pool_id, after), {"pool": pool.id})
    heads = ("Node", "Kind", "State", "Scheduling", "Since", "Running tasks", "Tasks run", "Errors")
    facts = [("State", pool.state), ("Allocation", pool.allocation_state), ("VM size", pool.spec["vmSize"])]
    facts += [("Resize error", _error_text(error)) for error in pool.resize_errors]
    if pool.auto_scale_run:
        facts.append(("Autoscale", str(pool.auto_scale_run.get("results", ""))))
    rows = tuple(Row(_node(service, node), node.id) for node in nodes)
    about = Table("Pool", ("What", "How"), tuple(Row(fact) for fact in facts))
    return View(f"Pool {pool.id}", (about, Table("Nodes", heads, rows, further)))


def job_view(service: BatchService, job_id: str, after: str = "") -> View:
    """The tasks of a job, and why those that wait do.

    :raises BatchError: there is no such job.
    """
    job = service.job(job_id)
    tasks, further = _page(service.tasks(job_id, after), {"job": job.id})
    heads = ("Task", "State", "Result", "Exit code", "Retries", "Node", "Since", "Why")
    rows = tuple(Row(_task(service, task), task.id) for task in tasks)
    facts = [("State", job.state), ("Priority", job.spec["priority"])]
    about = Table("Job", ("What", "How"), (Row(("Pool", _pool_link(job.pool_id))), *map(Row, facts)))
    return View(f"Job {job.id}", (about, Table("Tasks", heads, rows, further)))


def _page(items: Iterator[Any], query: dict[str, str]) -> tuple[list[Any], str | None]:
    shown = list(islice(items, ROWS))
    more = len(shown) == ROWS and next(items, None) is not None
    return shown, f"/?{urlencode({**query, 'after': shown[-1].id})}" if more else None


def _pools(service: BatchService) -> Iterator[Row]:
    for pool in service.pools():
        nodes = list(service.nodes(pool.id))
        dedicated = sum(node.is_dedicated for node in nodes)
        states = Counter(node.state for node in nodes)
        cells = (
            _pool_link(pool.id),
            pool.state,
            pool.allocation_state,
            f"{dedicated} of {pool.target_dedicated}",
            f"{len(nodes) - dedicated} of {pool.target_low_priority}",
            ", ".join(f"{number} {state}" for state, number in sorted(states.items())),
        )
        yield Row(cells, pool.id)


def _jobs(service: BatchService, jobs: Iterable[Job]) -> Iterator[Row]:
    for job in jobs:
        counts = service.task_counts(job.id).tasks
        numbers = (counts.active, counts.running, counts.succeeded, counts.failed)
        yield Row((_job_link(job.id), job.state, _pool_link(job.pool_id), *numbers), job.id)


def _schedules(service: BatchService) -> Iterator[Row]:
    for schedule in service.job_schedules():
        recent = _job_link(schedule.recent_job_id) if schedule.recent_job_id else ""
        yield Row((schedule.id, schedule.state, _time(schedule.next_run_time), recent), schedule.id)


def _node(service: BatchService, node: Node) -> tuple[Any, ...]:
    load = service.node_load(node.pool_id, node.id)
    return (
        node.id,
        "dedicated" if node.is_dedicated else "Spot",
        node.state,
        node.scheduling_state,
        _time(node.state_transition_time),
        load.running_tasks,
        node.total_tasks_run,
        ", ".join(map(_error_text, node.errors)),
    )


def _task(service: BatchService, task: Task) -> tuple[Any, ...]:
    reasons = service.why_not_running(task.job_id, task.id)
    why = task.failure.message if task.failure else " ".join(item.message for item in reasons[:_REASONS])
    return (
        task.id,
        task.state,
        task.result or "",
        "" if task.exit_code is None else task.exit_code,
        task.retry_count,
        task.node_id or "",
        _time(task.state_transition_time),
        why,
    )


def _error_text(error: dict[str, Any]) -> str:
    return f"{error['code']}: {error.get('message', '')}"


def _pool_link(pool_id: str) -> Link:
    return Link(pool_id, f"/?{urlencode({'pool': pool_id})}")


def _job_link(job_id: str) -> Link:
    return Link(job_id, f"/?{urlencode({'job': job_id})}")


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
