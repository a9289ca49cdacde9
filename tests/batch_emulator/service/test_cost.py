"""What things cost, counted in calls and not in seconds: the same in a large job as in a small one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from types import FrameType

from batch_emulator.service import BatchService
from batch_emulator.service.effects import StartRun
from batch_emulator.service.entities import Json
from batch_emulator.service.events import RunEnded
from batch_emulator.service.index import OrderedIndex
from tests.batch_emulator.service.builders import a_job, a_pool
from tests.batch_emulator.service.world import START, World

SMALL, LARGE = 150, 1200
PAGE = 100


def calls_of(work: Callable[[], object]) -> int:
    """How many functions are called, Python's own included."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def a_service() -> BatchService:
    world = World()
    world.do("create_pool", a_pool(targetDedicatedNodes=4, taskSlotsPerNode=4))
    world.do("create_job", a_job(usesTaskDependencies=True))
    return world.service


def layers(count: int) -> list[Json]:
    """Ten layers, each task waiting for one of the layer before, and one that waits for all."""
    width = count // 10
    tasks: list[Json] = []
    for number in range(count - 1):
        waits = {"dependsOn": {"taskIds": [str(number - width)]}} if number >= width else {}
        tasks.append({"id": str(number), "commandLine": "c", **waits})
    merge = {"taskIdRanges": [{"start": 0, "end": count - 2}]}
    return [*tasks, {"id": str(count - 1), "commandLine": "c", "dependsOn": merge}]


def add(service: BatchService, tasks: list[Json]) -> list[StartRun]:
    runs: list[StartRun] = []
    for first in range(0, len(tasks), 100):
        service.add_tasks("job", tasks[first : first + 100], START)
        runs += starts(service)
    return runs


def starts(service: BatchService) -> list[StartRun]:
    step = service.settle(START)
    assert all(change.key for change in step.changes)  # asked for: making them is part of the cost
    return [effect for effect in step.effects if isinstance(effect, StartRun)]


def run_all(service: BatchService, count: int) -> None:
    runs = add(service, layers(count))
    while runs:
        ended, runs = runs[:16], runs[16:]
        for run in ended:
            service.handle(RunEnded(run.run_id, START + timedelta(seconds=1), 0), START)
        runs += starts(service)
    assert service.task("job", str(count - 1)).state == "completed"


def test_a_task_with_dependencies_costs_the_same_in_a_large_job() -> None:
    small, large = (calls_of(lambda n=n: run_all(a_service(), n)) / n for n in (SMALL, LARGE))  # type: ignore[misc]
    assert large < 1.1 * small


def test_a_page_and_the_counts_cost_the_same_in_a_large_job() -> None:
    costs = []
    for count in (SMALL, LARGE):
        service = a_service()
        add(service, layers(count))
        next(service.tasks("job"))
        page = calls_of(lambda: list(islice(service.tasks("job", "11"), PAGE)))  # noqa: B023 - called at once
        costs.append((page, calls_of(lambda: service.task_counts("job"))))  # noqa: B023
    assert costs[0] == costs[1]


def test_a_few_new_names_do_not_have_all_sorted_again() -> None:
    costs = []
    for count in (SMALL, LARGE):
        index: OrderedIndex[int] = OrderedIndex()
        for number in range(count):
            index.add(f"{number:05}", number)
        next(index.after())
        index.add("00100x", -1)
        index.remove("00050")
        index.add("00050", -2)
        costs.append(calls_of(lambda: list(islice(index.after("00049"), PAGE))))  # noqa: B023
        assert list(islice(index.after("00049"), 2)) == [-2, 51]
        assert list(islice(index.after("00099"), 3)) == [100, -1, 101]
    assert costs[0] == costs[1]
