"""Values that operators, the group and the decorator refuse when a DAG is parsed, not when work has begun."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from airflow.sdk import DAG, Asset, task

from airflow_batch_provider.operators.azure_batch import AzureBatchOperator
from airflow_batch_provider.operators.blob_claim import AzureBlobClaimOperator
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.job_add_tasks import AzureBatchJobAddTasksOperator
from airflow_batch_provider.operators.job_schedule_delete import AzureBatchJobScheduleDeleteOperator
from airflow_batch_provider.operators.job_terminate import AzureBatchJobTerminateOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.operators.pool_resize import AzureBatchPoolResizeOperator
from airflow_batch_provider.operators.pool_wait import AzureBatchPoolWaitOperator
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.sensors.job import AzureBatchJobSensor
from airflow_batch_provider.sensors.node_count import AzureBatchNodeCountSensor
from airflow_batch_provider.sensors.pool import AzureBatchPoolSensor
from airflow_batch_provider.spec import AutoPool, FixedScale, JobGraph, Pool, SpecError, blob, shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup

WRITTEN = blob("found/") / "{{ run_id }}.txt"


def job(**fields: Any) -> AzureBatchJobOperator:
    graph = JobGraph()
    graph.task("t", shell("true"))
    return AzureBatchJobOperator(task_id="t", **{"pool_id": "p", "graph": graph, **fields})


def one(**fields: Any) -> AzureBatchTaskOperator:
    return AzureBatchTaskOperator(task_id="t", **{"pool_id": "p", "command": "true", **fields})


def added(**fields: Any) -> AzureBatchJobAddTasksOperator:
    return AzureBatchJobAddTasksOperator(task_id="t", job_id="j", graph=JobGraph, **fields)


def group(**fields: Any) -> AzureBatchJobTaskGroup:
    with DAG("d", schedule=None):
        return AzureBatchJobTaskGroup("g", **{"pool_id": "p", **fields})


def wait(**fields: Any) -> AzureBatchPoolWaitOperator:
    return AzureBatchPoolWaitOperator(task_id="t", **{"pool_id": "p", **fields})


def sensor(**fields: Any) -> AzureBatchJobSensor:
    return AzureBatchJobSensor(task_id="t", job_id="j", **fields)


def count(**fields: Any) -> AzureBatchNodeCountSensor:
    return AzureBatchNodeCountSensor(task_id="t", **{"pool_id": "p", **fields})


def steady(**fields: Any) -> AzureBatchPoolSensor:
    return AzureBatchPoolSensor(task_id="t", **{"pool_id": "p", **fields})


def claim(**fields: Any) -> AzureBlobClaimOperator:
    return AzureBlobClaimOperator(task_id="t", **{"asset": Asset("a"), **fields})


def official(**fields: Any) -> AzureBatchOperator:
    given = {
        "batch_pool_id": "p",
        "batch_pool_vm_size": "standard_d2s_v3",
        "batch_job_id": "j",
        "batch_task_id": "b",
        "batch_task_command_line": "true",
        "vm_publisher": "canonical",
        "vm_offer": "0001-com-ubuntu-server-jammy",
        "vm_sku": "22_04-lts",
        "vm_node_agent_sku_id": "batch.node.ubuntu 22.04",
        "target_dedicated_nodes": 1,
    }
    return AzureBatchOperator(task_id="t", **{**given, **fields})


def function(**fields: Any) -> Any:
    @task.azure_batch(**{"pool_id": "p", **fields})
    def double(number: int) -> int:
        return 2 * number

    return double(1)


@pytest.mark.parametrize("make", [job, one, added, group, sensor, official, function])
@pytest.mark.parametrize("value", [timedelta(seconds=30), "30", 0, -1, True, float("inf")])
def test_a_poll_interval_is_a_number_of_seconds(make: Callable[..., object], value: object) -> None:
    with pytest.raises(SpecError, match="Give seconds as a number, such as 15"):
        make(poll_interval=value)
    make(poll_interval=0.5)


@pytest.mark.parametrize("make", [job, one, group])
@pytest.mark.parametrize("value", [64, "64", ["3"], [1.0], {3: "x"}, None])
def test_exit_codes_are_a_collection_of_whole_numbers(make: Callable[..., object], value: object) -> None:
    with pytest.raises(SpecError, match=r"Give a list of whole numbers: no_retry_exit_codes=\[64\]"):
        make(no_retry_exit_codes=value)
    make(no_retry_exit_codes=range(64, 80))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (job, "timeout"),
        (one, "timeout"),
        (added, "timeout"),
        (group, "timeout"),
        (function, "timeout"),
        (wait, "wait_timeout"),
        (claim, "lookback"),
    ],
)
@pytest.mark.parametrize("value", [30, "30", -timedelta(seconds=1)])
def test_a_length_of_time_is_a_timedelta(make: Callable[..., object], name: str, value: object) -> None:
    with pytest.raises(SpecError, match=rf"{name} is .*Give a (positive )?timedelta"):
        make(**{name: value})
    make(**{name: timedelta(hours=1)})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: official(timeout=timedelta(minutes=25)), "Give minutes as a number"),
        (lambda: function(python_version=3.10), "such as '3.10'"),
        (lambda: claim(asset="incoming"), r"asset is 'incoming'. Give the Asset\(...\)"),
        (lambda: claim(max_blobs=0), "max_blobs is 0"),
    ],
)
def test_other_values_that_cannot_work_are_refused(make: Callable[[], object], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        make()


@pytest.mark.parametrize("make", [job, one, group, wait, count, steady, official, function])
def test_a_pools_id_is_wanted_and_not_what_has_it(make: Callable[..., object]) -> None:
    name = "batch_pool_id" if make is official else "pool_id"
    declared = Pool(id="nodes", vm_size="standard_d2s_v5")
    pool = AzureBatchPoolOperator(task_id="made", batch_pool=declared)
    named_by_content = Pool(id="nodes", vm_size="standard_d2s_v5", id_by_fingerprint=True)
    for value, said in (
        (pool, f"{name} is the operator 'made' itself. Write pool.output."),
        (declared, f"{name} is the declaration of pool 'nodes'. Write pool.id."),
        (named_by_content, f"{name} is the declaration of pool 'nodes'. Write pool.pool_id."),
        (7, f"{name} is 7. Give the pool's id: {name}='...'."),
    ):
        with pytest.raises(SpecError, match=re.escape(said)):
            make(**{name: value})
    make(**{name: "{{ params.pool }}"})


@pytest.mark.parametrize("make", [job, one, group, function])
def test_a_job_may_have_a_pool_of_its_own(make: Callable[..., object]) -> None:
    declared = Pool(id="nodes", vm_size="standard_d2s_v5", scale=FixedScale(spot=1))
    with pytest.raises(SpecError, match=r"Write pool.id. AutoPool\(pool\) is one of this job's own"):
        make(pool_id=declared)
    with pytest.raises(SpecError, match="the lifetime of auto pool 'nodes' is 'schedule'"):
        make(pool_id=AutoPool(declared, lifetime="schedule"))
    make(pool_id=AutoPool(declared))


def test_a_task_that_no_node_of_its_pool_can_run_is_told() -> None:
    auto = AutoPool(Pool(id="nodes", vm_size="standard_d2s_v5", scale=FixedScale(spot=1), task_slots=2))
    graph = JobGraph()
    graph.task("t", "true", required_slots=3)
    with pytest.raises(SpecError, match="needs 3 slots, and a node of auto pool 'nodes' has 2"):
        job(pool_id=auto, graph=graph)
    with pytest.raises(SpecError, match="needs 3 slots"):
        function(pool_id=auto, required_slots=3)
    with pytest.raises(SpecError, match="needs 3 slots"), group(pool_id=auto) as made:
        made.task("t", "true", required_slots=3)


@pytest.mark.parametrize("make", [job, function])
def test_options_are_checked_also_where_the_pool_is_known_later(make: Callable[..., object]) -> None:
    with pytest.raises(SpecError, match="max_wall_clock is 30"):
        make(pool_id="{{ params.pool }}", max_wall_clock=30)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            "max_paralel_tasks",
            "task group 'g': unknown option 'max_paralel_tasks'. Did you mean 'max_parallel_tasks'?",
        ),
        ("tool_tip", "Did you mean 'tooltip'?"),
        ("wait_for_downstream_jobs", "Known options are add_suffix_on_collision, "),
        ("on_task_failure", "A failed member never ends the others"),
        ("no_retry_layers", "Give AzureBatchRetryPolicy(fail=...) as retry_policy in default_args."),
    ],
)
def test_an_option_that_a_group_does_not_have_is_told_in_its_words(option: str, said: str) -> None:
    with pytest.raises(SpecError, match=re.escape(said)):
        group(**{option: "x"})
    group(tooltip="What it is for", ui_color="white")


@pytest.mark.parametrize("value", [3, "retries=2", [("retries", 2)]])
def test_arguments_of_a_members_task_are_a_mapping(value: Any) -> None:
    with group() as made:
        with pytest.raises(SpecError, match=r"operator_args is .* Write \{'retries': 2\}"):
            made.task("a", "true", operator_args=value)
        made.task("a", "true", operator_args={"retries": 2})


@pytest.mark.parametrize(
    "make",
    [
        AzureBatchJobSensor,
        AzureBatchJobTerminateOperator,
        lambda **fields: AzureBatchJobAddTasksOperator(graph=JobGraph, **fields),
    ],
)
def test_a_jobs_id_is_wanted_and_not_the_operator_that_made_it(make: Callable[..., object]) -> None:
    with DAG("d", schedule=None):
        made = job()
        with pytest.raises(SpecError, match=r"is the operator 't' itself. Write job.output\['job_id'\]."):
            make(task_id="after", job_id=made)
        make(task_id="then", job_id=made.output["job_id"])


def test_a_schedules_id_is_wanted_and_not_the_operator_that_made_it() -> None:
    with DAG("d", schedule=None), pytest.raises(SpecError, match=r"'t' itself. Write schedule.output."):
        AzureBatchJobScheduleDeleteOperator(task_id="after", schedule_id=cast("Any", job()))


@pytest.mark.parametrize("options", [{"inputs": {"in": WRITTEN}}, {"outputs": {"out": WRITTEN}}])
def test_jinja_joined_to_a_blob_is_told_since_nobody_renders_it(options: dict[str, Any]) -> None:
    graph = JobGraph()
    graph.task("t", "true", **options)
    with pytest.raises(SpecError, match=r"not rendered.*Write it into .*: blob\('found/{{ run_id }}.txt'\)"):
        job(graph=graph)
    told = pytest.raises(SpecError, match=r"task 't', (input 'in'|output 'out')")
    with told, DAG("d", schedule=None), AzureBatchJobTaskGroup("g", pool_id="p") as drawn:
        drawn.task("t", "true", **options)


@pytest.mark.parametrize("to", ["a task", "a group"])
def test_an_airflow_task_cannot_be_joined_with_a_task_of_a_graph(to: str) -> None:
    graph = JobGraph()
    one = graph.task("one", "true")
    many = graph.fan_out("many", range(2), lambda n: {"command": "true"})
    with DAG("joined", schedule=None):
        pool = AzureBatchPoolWaitOperator(task_id="pool", pool_id="p")
        with pytest.raises(SpecError, match=r"pool.*cannot be joined.*the Airflow task that runs the graph"):
            cast("Any", pool) >> (one if to == "a task" else many)
        with pytest.raises(SpecError, match="is no task"):
            one >> cast("Any", pool)


@pytest.mark.parametrize("make", [job, one, added, group, function])
def test_a_work_container_has_a_name_that_storage_takes(make: Callable[..., object]) -> None:
    with pytest.raises(SpecError, match=r"work_container is 'Bad_Name'\. .*'bad-name' would do"):
        make(work_container="Bad_Name")
    make(work_container="{{ params.container }}")
    make(work_container="a-1")


def test_a_container_of_receipts_has_a_name_that_storage_takes() -> None:
    with pytest.raises(SpecError, match="receipts_container is 'Bad Name'"):
        claim(receipts_container="Bad Name")
    claim(receipts_container="{{ params.container }}")


@pytest.mark.parametrize("option", ["environment", "metadata"])
def test_values_of_a_job_are_texts(option: str) -> None:
    for make in (job, group):
        with pytest.raises(SpecError, match=f"a in {option} is None"):
            make(**{option: {"a": None}})
    with DAG("d", schedule=None):
        known_later = AzureBlobClaimOperator(task_id="before", asset=Asset("a")).output
        job(**{option: {"a": known_later, "b": "{{ ds }}"}})


def test_nodes_that_are_waited_for_are_counted_from_none_up() -> None:
    pool = Pool(id="nodes", vm_size="standard_d2s_v5")
    for make in (
        lambda least: AzureBatchPoolOperator(task_id="t", batch_pool=pool, min_ready_nodes=least),
        lambda least: AzureBatchPoolResizeOperator(task_id="t", pool_id="p", spot=1, min_ready_nodes=least),
    ):
        with pytest.raises(SpecError, match="min_ready_nodes is -5"):
            make(-5)
        make(0)


@pytest.mark.parametrize(
    "make",
    [
        AzureBatchJobSensor,
        AzureBatchJobTerminateOperator,
        lambda **fields: AzureBatchJobAddTasksOperator(graph=JobGraph, **fields),
    ],
)
def test_a_jobs_id_has_the_grammar_of_ids(make: Callable[..., object]) -> None:
    for wrong in ("a b", "a:b:c", "nightly:"):
        with pytest.raises(SpecError, match="task 't', job_id: the id"):
            make(task_id="t", job_id=wrong)
    make(task_id="t", job_id="nightly:job-1")
    make(task_id="t", job_id="{{ a }}")


@pytest.mark.parametrize("operator", [AzureBatchJobOperator, AzureBatchJobAddTasksOperator])
@pytest.mark.parametrize("kwargs", [None, {"nmae": "x"}, {"name": "x", "more": 1}])
def test_arguments_that_a_graphs_function_does_not_take_are_refused(operator: Any, kwargs: Any) -> None:
    def make(name: str) -> JobGraph:
        return JobGraph()

    needed = {"task_id": "t", "graph": make, "pool_id": "p", "job_id": "j"}
    needed.pop("job_id" if operator is AzureBatchJobOperator else "pool_id")
    with pytest.raises(SpecError, match="task 't': graph_kwargs do not fit the function 'make': "):
        operator(**needed, graph_kwargs=kwargs)
    operator(**needed, graph_kwargs={"name": "{{ ds }}"})
    operator(**needed, graph_kwargs="{{ params.graph }}")
