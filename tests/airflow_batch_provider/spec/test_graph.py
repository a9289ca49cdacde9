from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_batch_provider.spec import AutoUser, JobGraph, SpecError, blob, on_exit, shell
from airflow_batch_provider.spec.cycles import find_cycle
from airflow_batch_provider.spec.limits import DEPENDENCY_IDS_LENGTH


def test_the_example_of_the_readme() -> None:
    graph = JobGraph()
    split = graph.task(
        "split",
        ["python3", "split.py"],
        inputs={"words.txt": blob("incoming/words.txt")},
        outputs=["parts/*.txt"],
    )
    count = graph.fan_out(
        "count",
        range(8),
        lambda i: dict(
            command="/bin/sh -c 'wc -w part.txt > count.txt'",
            inputs={"part.txt": split.output(f"parts/{i}.txt")},
            outputs=["count.txt"],
        ),
    )
    total = graph.task(
        "total",
        "...",
        inputs={f"{t.id}.txt": t.output("count.txt") for t in count},
        outputs={"total.txt": blob("results/total.txt")},
    )
    split >> count >> total
    graph.validate()
    assert graph.upstream("count-0007") == ("split",)
    assert graph.upstream("total") == tuple(f"count-{n:04d}" for n in range(8))


def test_dependencies_are_joined_in_both_directions_and_by_lists() -> None:
    graph = JobGraph()
    a, b, c, d = (graph.task(name, "x") for name in "abcd")
    a >> [b, c] >> d
    [b, c] << a
    assert graph.upstream("d") == ("b", "c")
    assert graph.upstream("b") == graph.upstream("c") == ("a",)
    assert (a >> d) is d


@pytest.mark.parametrize("task_id", ["a b", "", "ä", "x" * 65, "a/b", None, "JobPreparation"])
def test_an_id_that_azure_batch_would_refuse_is_an_error(task_id: Any) -> None:
    with pytest.raises(SpecError, match="id"):
        JobGraph().task(task_id, "x")


def test_ids_are_unique_without_regard_to_case() -> None:
    graph = JobGraph()
    graph.task("Split", "x")
    with pytest.raises(SpecError, match="'split' is taken by 'Split'"):
        graph.task("split", "x")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"enviroment": {}}, "Did you mean 'environment'"),
        ({"environment": {"A": 1}}, "Values are text: '1'"),
        ({"max_wall_clock": 3}, "timedelta"),
        ({"max_retries": -2}, "max_retries is -2"),
        ({"required_slots": 0}, "required_slots is 0"),
        ({"packages": "ffmpeg"}, "Write a list"),
        ({"packages": ["a b"]}, "id==version"),
        ({"result": "plan.json"}, "not among the outputs"),
        ({"outputs": ["*.json"], "result": "*.json"}, "Name one JSON file"),
        ({"inputs": ["x"]}, "Inputs map a path"),
        ({"outputs": "x"}, "Outputs are a list"),
        ({"user": 3}, "AutoUser"),
        ({"display_name": "x" * 1025}, "1024"),
        ({"exit_conditions": [on_exit(1, job="none"), on_exit(range(0, 3), job="none")]}, "exit code 1"),
        ({"depends_on": "split"}, "is no task"),
    ],
)
def test_a_mistake_names_the_task_and_what_would_be_right(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(SpecError, match=expected) as refused:
        JobGraph().task("encode", "x", **options)
    assert "encode" in str(refused.value) or "depends" in str(options)


@pytest.mark.parametrize("command", ["", "  ", [], 3, ["a", 1]])
def test_an_empty_or_foreign_command_is_an_error(command: Any) -> None:
    with pytest.raises(SpecError, match="command"):
        JobGraph().task("a", command)


def test_a_cycle_is_spelled_out() -> None:
    graph = JobGraph()
    a, b, c = (graph.task(name, "x") for name in "abc")
    a >> b >> c >> a
    with pytest.raises(SpecError, match="a -> b -> c -> a"):
        graph.validate()
    with pytest.raises(SpecError, match="waits for itself"):
        a >> a


def test_a_task_of_another_graph_is_an_error() -> None:
    graph, other = JobGraph(), JobGraph()
    mine, theirs = graph.task("mine", "x"), other.task("theirs", "x", outputs=["o"])
    with pytest.raises(SpecError, match="'theirs' is of another graph"):
        theirs >> mine
    with pytest.raises(SpecError, match="'theirs' is of another graph"):
        graph.task("reads", "x", inputs={"o": theirs.output("o")})


def test_an_output_that_was_not_declared_is_an_error() -> None:
    task = JobGraph().task("split", "x", outputs=["parts/*.txt"])
    with pytest.raises(
        SpecError, match=r"output\('part/0.txt'\) is not among its outputs \('parts/\*.txt'\)"
    ):
        task.output("part/0.txt")
    with pytest.raises(SpecError, match="no output is kept in the job's work area"):
        JobGraph().task("a", "x", outputs={"x": blob("results/x")}).outputs()


def test_more_ids_than_the_service_takes_are_an_error_that_tells_of_the_barrier() -> None:
    graph = JobGraph()
    many = graph.fan_out("t" * 50, range(1_100), lambda i: dict(command="x"))
    last = graph.task("last", "x")
    with pytest.raises(SpecError, match=r"1100 tasks.*graph.barrier\('all-last', tasks\)"):
        many >> last


def test_a_barrier_takes_any_number_of_tasks_by_barriers_before_it() -> None:
    graph = JobGraph()
    many = graph.fan_out("t" * 50, range(2_500), lambda i: dict(command="x"))
    graph.barrier("all", many) >> graph.task("last", "x")
    graph.validate()
    reached: set[str] = set()
    front = ["last"]
    while front:
        before = graph.upstream(front.pop())
        assert sum(map(len, before)) <= DEPENDENCY_IDS_LENGTH
        front += [each for each in before if each not in reached]
        reached.update(before)
    assert reached >= {task.id for task in many}
    assert graph.spec("all").command == "/bin/sh -c 'exit 0'"


def test_many_to_many_gets_a_barrier_and_few_to_few_do_not() -> None:
    graph = JobGraph()
    few = graph.fan_out("few", range(50), lambda i: dict(command="x"))
    few >> graph.fan_out("next", range(50), lambda i: dict(command="x"))
    assert len(graph) == 100
    more = graph.fan_out("more", range(51), lambda i: dict(command="x"))
    few >> more
    assert len(graph) == 152
    assert graph.upstream("more-0050") == ("before-more-0000",)
    assert len(graph.upstream("before-more-0000")) == 50


def test_fan_out_by_key_and_what_build_must_return() -> None:
    graph = JobGraph()
    group = graph.fan_out("r", ["1080p", "720p"], lambda r: dict(command="x"), key=str)
    assert [task.id for task in group] == ["r-1080p", "r-720p"]
    with pytest.raises(SpecError, match=r"Return dict\(command="):
        graph.fan_out("q", [1], lambda i: {"cmd": "x"})
    with pytest.raises(SpecError, match="Did you mean 'inputs'"):
        graph.fan_out("p", [1], lambda i: {"command": "x", "input": {}})


def test_merge_collects_one_file_of_each() -> None:
    graph = JobGraph()
    parts = graph.fan_out("p", range(2), lambda i: dict(command="x", outputs=["out.txt"]))
    graph.merge("all", "x", parts, collect="out.txt", inputs={"more.txt": blob("incoming/more.txt")})
    assert [path for path, _ in graph.spec("all").inputs] == ["p-0000/out.txt", "p-0001/out.txt", "more.txt"]
    assert graph.upstream("all") == ("p-0000", "p-0001")


def expanding() -> tuple[JobGraph, Any]:
    graph = JobGraph()
    plan = graph.task("plan", "x", outputs=["plan.json"], result="plan.json")

    def build(numbers: list[int]) -> JobGraph:
        more = graph.more()
        parts = more.fan_out("part", numbers, lambda n: dict(command=f"run {n}"))
        plan >> parts
        return more

    graph.expand(after=plan, build=build)
    return graph, build


def test_an_expansion_adds_to_a_copy_of_the_graph() -> None:
    graph, build = expanding()
    (expansion,) = graph.expansions
    grown = graph.joined(build([1, 2]), expansion)
    assert [spec.id for spec in grown.specs] == ["plan", "part-0000", "part-0001"]
    assert grown.expansions == []
    assert len(graph) == 1
    assert graph.expansions == [expansion]


def test_an_expansion_that_does_not_fit_is_an_error() -> None:
    graph, _ = expanding()
    (expansion,) = graph.expansions
    with pytest.raises(SpecError, match=r"Return graph.more\(\)"):
        graph.joined(None, expansion)
    with pytest.raises(SpecError, match="'PLAN' is taken by 'plan'"):
        graph.more().task("PLAN", "x")
    stranger = JobGraph()
    stranger.task("plan", "x")
    with pytest.raises(SpecError, match="'plan' is taken by 'plan'"):
        graph.joined(stranger, expansion)
    with pytest.raises(SpecError, match="has no result"):
        graph.expand(after=graph.task("none", "x"), build=lambda result: graph.more())


def test_rendering_makes_another_graph_and_leaves_the_first_alone() -> None:
    graph = JobGraph()
    graph.task(
        "t",
        shell("echo '{{ ds }}'"),
        inputs={"x": blob("incoming/{{ ds }}/x")},
        outputs={"y": blob("results/{{ ds }}/y")},
        environment={"D": "{{ ds }}"},
        packages=["tool=={{ ds }}"],
    )
    made = graph.rendered(lambda text: text.replace("{{ ds }}", "it's")).spec("t")
    assert made.command == ("/bin/sh", "-c", "echo 'it's'")
    assert made.inputs[0][1] == blob("incoming/it's/x")
    assert made.outputs[0].destination == blob("results/it's/y")
    assert made.environment == (("D", "it's"),)
    assert made.packages == (("tool", "it's"),)
    assert "{{ ds }}" in graph.spec("t").command[2]


def test_a_graph_prints_the_same_in_every_parse() -> None:
    graph = JobGraph()
    graph.task("a", "x", max_wall_clock=timedelta(1), user=AutoUser(admin=True))
    assert repr(graph) == "<JobGraph of 1 tasks>"


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh"))))
def test_a_cycle_is_found_exactly_when_there_is_one(upstream: dict[str, set[str]]) -> None:
    cycle = find_cycle(upstream)
    order: list[str] = []
    left = {task: {each for each in before if each in upstream} for task, before in upstream.items()}
    while free := sorted(task for task, before in left.items() if before <= set(order)):
        order += free
        for task in free:
            del left[task]
    assert bool(cycle) == bool(left)
    if cycle:
        assert cycle[0] == cycle[-1]
        assert all(first in upstream[then] for first, then in pairwise(cycle))


def test_a_dependency_by_a_bare_id_is_an_error_that_names_the_task() -> None:
    graph = JobGraph()
    graph.task("first", "true")
    with pytest.raises(SpecError, match=r"depends_on of task 'second': 'first' is no task\. .*graph\.task"):
        graph.task("second", "true", depends_on=["first"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"command": "/bin/echo a\0b"}, "the command holds a NUL"),
        ({"command": ["/bin/echo", "a\0b"]}, "a word of the command holds a NUL"),
        ({"command": ["/bin/echo", "ä" * 70_000]}, "a word of the command has more than the 131,071 bytes"),
        ({"command": "/bin/true", "environment": {"A": "s3cret\0"}}, "A in environment holds a NUL"),
        (
            {"command": "/bin/true", "environment": {"A": "s3cret" * 40_000}},
            "A in environment has more than the 131,071 bytes that Linux takes. Hand it over in a file",
        ),
    ],
)
def test_what_no_program_can_be_given_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=f"task 't': {words}") as error:
        JobGraph().task("t", **options)
    assert "s3cret" not in str(error.value)


def test_what_a_program_can_just_be_given_is_taken() -> None:
    JobGraph().task("t", ["/bin/echo", "x" * 131_071], environment={"A": "x" * 131_069})


@pytest.mark.parametrize(
    ("items", "build", "words"),
    [
        (5, dict, r"fan_out 'x': the items are 5. Give a list of them: \[5\]"),
        ("abc", dict, r"Give a list of them: \['abc'\]"),
        ([1], 5, "fan_out 'x': build is 5. It is a function of an item"),
    ],
)
def test_a_fan_out_over_no_list_or_without_a_function_is_refused(items: Any, build: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        JobGraph().fan_out("x", items, build)
