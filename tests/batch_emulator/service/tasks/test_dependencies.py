"""Dependencies by ids and ranges (Azure Batch: *Create task dependencies*)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_emulator.service import BatchError
from batch_emulator.service.tasks.dependencies import RangeWatch
from tests.batch_emulator.service.builders import a_job, a_pool, a_task, after
from tests.batch_emulator.service.world import World


def a_world(nodes: int = 1, *, checked: bool = True, **job: object) -> World:
    world = World(checked=checked)
    world.do("create_pool", a_pool(nodes=nodes))
    world.do("create_job", a_job(usesTaskDependencies=True, **job))
    return world


def test_a_task_waits_for_all_its_parents_in_any_letter_case() -> None:
    world = a_world()
    world.do("add_tasks", "job", [a_task("A"), a_task("b"), a_task("c", dependsOn=after("a", "B", "A"))])
    world.finish("A")
    assert world.states()["c"] == "active"
    world.finish("b")
    assert world.running_tasks() == ["c"]


def test_a_range_counts_integer_ids_only_and_leading_zeros_do_not_matter() -> None:
    world = a_world(nodes=9)
    world.do("create_task", "job", a_task("end", dependsOn=after(ranges=((3, 4),))))
    world.do("add_tasks", "job", [a_task("004"), a_task("4"), a_task("3flamingoes"), a_task("3")])
    world.finish("3")
    world.finish("3flamingoes")
    assert world.states()["end"] == "active"
    world.finish("004")
    assert world.states()["end"] == "running"


def test_every_integer_of_a_range_must_exist_and_be_satisfied() -> None:
    world = a_world(nodes=9)
    world.do("add_tasks", "job", [a_task("1"), a_task("3"), a_task("end", dependsOn=after(ranges=((1, 3),)))])
    world.finish_all()
    assert world.states()["end"] == "active"
    world.do("create_task", "job", a_task("2"))
    world.finish("2")
    assert world.running_tasks() == ["end"]


def test_a_parent_that_fails_blocks_and_reactivation_unblocks() -> None:
    world = a_world()
    world.do("add_tasks", "job", [a_task("a"), a_task("b", dependsOn=after("a"))])
    world.do("patch_job", "job", {"onAllTasksComplete": "terminatejob"})
    world.finish("a", 3)
    assert world.states() == {"a": "completed", "b": "active"}
    assert world.job_state() == "active"
    world.do("reactivate_task", "job", "a")
    world.finish("a")
    world.finish("b")
    assert world.job_state() == "completed"


def test_a_failure_may_satisfy() -> None:
    world = a_world()
    conditions = {"default": {"dependencyAction": "satisfy"}}
    world.do("add_tasks", "job", [a_task("a", exitConditions=conditions), a_task("b", dependsOn=after("a"))])
    world.finish("a", 3)
    assert world.running_tasks() == ["b"]


def test_a_deleted_parent_still_counts_until_a_new_task_takes_its_id() -> None:
    world = a_world()
    world.do("create_task", "job", a_task("1"))
    world.finish("1")
    world.do("delete_task", "job", "1")
    world.do("create_task", "job", a_task("b", dependsOn=after("1", ranges=((1, 1),))))
    assert world.running_tasks() == ["b"]
    world.do("create_task", "job", a_task("1"))
    world.do("create_task", "job", a_task("c", dependsOn=after("1")))
    world.finish("b")
    assert world.running_tasks() == ["1"]
    assert world.states()["c"] == "active"


def test_a_cycle_is_accepted_and_never_runs() -> None:
    world = a_world()
    world.do("add_tasks", "job", [a_task("a", dependsOn=after("b")), a_task("b", dependsOn=after("a"))])
    assert world.running_tasks() == []
    codes = [reason.code for reason in world.service.why_not_running("job", "a")]
    assert "WaitsForTask" in codes


def test_the_job_must_use_dependencies() -> None:
    world = World()
    world.do("create_job", a_job())
    with pytest.raises(BatchError) as caught:
        world.do("create_task", "job", a_task(dependsOn=after("x")))
    assert (caught.value.code, caught.value.status) == ("TaskDependenciesNotSpecifiedOnJob", 400)


def test_the_list_of_ids_has_a_limit() -> None:
    world = a_world()
    ids = [f"{number:064d}" for number in range(1001)]
    with pytest.raises(BatchError) as caught:
        world.do("create_task", "job", a_task(dependsOn=after(*ids)))
    assert caught.value.code == "TaskDependencyListTooLong"


def test_a_range_must_run_upwards() -> None:
    world = a_world()
    with pytest.raises(BatchError) as caught:
        world.do("create_task", "job", a_task(dependsOn=after(ranges=((4, 3),))))
    assert caught.value.code == "InvalidPropertyValue"


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), max_size=15),
    st.lists(st.integers(0, 45), max_size=60),
    st.integers(0, 60),
)
def test_ranges_are_met_exactly_when_their_integers_are(
    spans: list[tuple[int, int]], order: list[int], early: int
) -> None:
    watch = RangeWatch()
    met: list[int] = []
    for integer in order[:early]:
        watch.satisfy(integer)
    for number, (start, length) in enumerate(spans):
        if not watch.wait(start, start + length, number):
            met.append(number)
    for integer in order[early:]:
        met.extend(watch.satisfy(integer))
    done = set(order)
    expected = [
        n for n, (start, length) in enumerate(spans) if done.issuperset(range(start, start + length + 1))
    ]
    assert sorted(met) == expected


@pytest.mark.slow
def test_twenty_thousand_tasks_in_layers_come_to_their_end() -> None:
    world = a_world(nodes=16, checked=False)
    layers, width = 20, 1000
    world.do("patch_job", "job", {"priority": 1})
    for layer in range(layers):
        first = layer * width + 1
        depends = {"dependsOn": after(ranges=((first - width, first - 1),))} if layer else {}
        tasks = [a_task(str(number), **depends) for number in range(first, first + width)]
        for start in range(0, width, 100):
            world.do("add_tasks", "job", tasks[start : start + 100])
    world.do("create_task", "job", a_task("merge", dependsOn=after(ranges=((1, layers * width),))))
    world.do("patch_job", "job", {"onAllTasksComplete": "terminatejob"})
    ended: list[str] = []
    world.finish_all(lambda run: ended.append(run.task_id or "") or 0)
    assert world.job_state() == "completed"
    assert len(ended) == layers * width + 1
    assert ended[-1] == "merge"
    order = {name: place for place, name in enumerate(ended)}
    for lower, upper in pairwise(range(layers)):
        last = max(order[str(number)] for number in range(lower * width + 1, (lower + 1) * width + 1))
        first_place = min(order[str(number)] for number in range(upper * width + 1, (upper + 1) * width + 1))
        assert last < first_place
