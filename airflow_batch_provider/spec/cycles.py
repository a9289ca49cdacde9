"""Finding tasks that wait for each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def find_cycle(upstream: Mapping[str, Iterable[str]]) -> list[str]:
    """Find tasks that wait for each other.

    Parameters:
        upstream: each task's id and the ids it waits for.

    Returns:
        The ids along one cycle in the order they would have to run, the first also last; empty if none is.
    """
    waiting = {
        task: {before for before in waits_for if before in upstream} for task, waits_for in upstream.items()
    }
    downstream: dict[str, list[str]] = {task: [] for task in waiting}
    for task, waits_for in waiting.items():
        for before in waits_for:
            downstream[before].append(task)
    ready = [task for task, waits_for in waiting.items() if not waits_for]
    while ready:
        done = ready.pop()
        del waiting[done]
        for task in downstream[done]:
            waiting[task].discard(done)
            if not waiting[task]:
                ready.append(task)
    return _walk(waiting) if waiting else []


def _walk(waiting: Mapping[str, set[str]]) -> list[str]:
    """Go from task to a task it waits for until one comes again; all of them still wait for another."""
    path = [min(waiting)]
    while (before := min(waiting[path[-1]])) not in path:
        path.append(before)
    return [before, *reversed(path[path.index(before) :])]
