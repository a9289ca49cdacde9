"""`kill -9`, as an out-of-memory killer or a lost machine does it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from demo.stack import LocalStack
from demo.stack.airflow_client import DagRun

__all__ = ["freeze", "kill", "kill_component", "worker_of"]


def worker_of(stack: LocalStack, run: DagRun, task_id: str) -> list[psutil.Process]:
    """The processes that run a task: Airflow's worker process, and below it the one with the author's code.

    Parameters:
        stack: with the scheduler, whose executor has the workers.
        run, task_id: the task; it must be running.

    Returns:
        The worker first; empty if the task has no process at this moment.
    """
    path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}"
    pid = stack.airflow.call("GET", path)["pid"]
    below = {process.pid: process for process in stack.supervisor.descendants("scheduler")}
    if pid not in below:
        return []
    with contextlib.suppress(psutil.NoSuchProcess):
        worker = below[pid].parent()
        if worker is not None and worker.pid in below:
            return [worker, below[pid]]
    return []


@contextmanager
def freeze(processes: list[psutil.Process]) -> Iterator[None]:
    """Stop processes, so that what they have done can be looked at; they go on afterwards unless killed."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


def kill(processes: list[psutil.Process]) -> None:
    """`kill -9`, in this order."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def kill_component(stack: LocalStack, name: str) -> None:
    """`kill -9` a component with all its processes."""
    below = stack.supervisor.descendants(name)
    stack.kill(name)
    kill(below)
