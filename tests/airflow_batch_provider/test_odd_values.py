"""What each operator and sensor says to each odd value of each of its arguments."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, BaseOperator, task

from airflow_batch_provider.decorators.azure_batch import FunctionArguments
from airflow_batch_provider.provider_info import modules_of
from airflow_batch_provider.sensors.job import AzureBatchJobSensor
from airflow_batch_provider.spec import (
    AutoScale,
    FixedScale,
    JobGraph,
    JobManager,
    JobOptions,
    JobSchedule,
    Pool,
    SpecError,
)
from airflow_batch_provider.task_arguments import DecoratorArguments
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup

ODD: tuple[Any, ...] = (None, "", 5, "no", [])
"""None is legal where an argument may be left out, "no" where it is a name, and so on."""

BASES = {
    "AzureBatchSensor",
    "NamedPoolOperator",
    "PoolActionOperator",
    "ScheduleChangeOperator",
    "StateChangeOperator",
}

NOTHING: tuple[Any, ...] = ()
NAME = ("no",)
WORDS = ("", "no")
MAYBE_WORDS = (None, "", "no")
MAYBE_NUMBER = (None, 5)


def named(names: str, values: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
    return dict.fromkeys(names.split(), values)


LEGAL: dict[str, tuple[Any, ...]] = {
    **named(
        """
        activity allow_task_preemption asset batch_pool blobs check_limits datasets deallocation
        deferrable enable_auto_scale end_from_trigger expect graph job_schedule keep_folders keep_logs
        linked_services log_output lookback make_default max_wall_clock may_be_missing node_ids on_drift
        on_retry on_task_failure receipts_container resize_timeout running_tasks scale serializer
        settled_for should_delete_job should_delete_pool start_timeout states system tasks timeout
        upload_when use_latest_verified_vm_image_and_sku wait wait_timeout when work_container
        """,
        NOTHING,
    ),
    **named(
        """
        application_id azure_batch_conn_id batch_job_id batch_pool_id batch_pool_vm_size
        batch_task_command_line batch_task_id command conn_id job_id path pattern pool_id python reason
        schedule_id vm_node_agent_sku_id vm_offer vm_publisher vm_sku
        """,
        NAME,
    ),
    **named("at_least max_blobs poll_interval priority xcom_bytes", (5,)),
    **named(
        """
        at_most batch_max_retries dedicated max_parallel_tasks max_retries max_task_retries
        min_ready_nodes required_slots spot target_dedicated_nodes target_low_priority_nodes
        """,
        MAYBE_NUMBER,
    ),
    **named(
        """
        batch_job_manager_task batch_job_preparation_task batch_job_release_task batch_start_task
        batch_task_container_settings batch_task_user_identity build container environment graph_kwargs
        inputs metadata network release result retention wait_for
        """,
        (None,),
    ),
    **named(
        """
        auto_scale_formula batch_job_display_name batch_pool_display_name batch_task_display_name
        display_name sku_starts_with vm_version
        """,
        MAYBE_WORDS,
    ),
    **named("preparation python_version user version", (None, "no")),
    **named(
        """
        batch_task_output_files batch_task_resource_files outputs packages requirements task_ids
        """,
        (None, []),
    ),
    **named("log_tasks no_retry_exit_codes no_retry_layers", ([],)),
    "namespace": WORDS,
}
"""Of each argument those of the odd values that can work."""

OF_ONE: dict[tuple[str, str], tuple[Any, ...]] = {
    ("AzureBatchCustomActivityOperator", "datasets"): ([],),
    ("AzureBatchCustomActivityOperator", "linked_services"): ([],),
    ("AzureBatchCustomActivityOperator", "start_timeout"): (None,),
    ("AzureBatchCustomActivityOperator", "timeout"): (None,),
    ("AzureBatchJobOperator", "start_timeout"): (None,),
    ("AzureBatchJobOperator", "timeout"): (None,),
    ("AzureBatchOperator", "target_dedicated_nodes"): (5,),  # without it the pool would have no size
    ("AzureBatchOperator", "timeout"): (5,),
    ("AzureBatchPoolRebootNodesOperator", "states"): ([],),
    ("AzureBatchPoolReimageNodesOperator", "states"): ([],),
    ("AzureBatchPoolRemoveNodesOperator", "states"): ([],),
    ("AzureBatchPoolResizeOperator", "dedicated"): (5,),
    ("AzureBatchPoolWaitOperator", "min_ready_nodes"): (5,),
    ("AzureBatchPoolWaitOperator", "wait_for"): NOTHING,
    ("AzureBatchTaskOperator", "start_timeout"): (None,),
    ("AzureBatchTaskOperator", "timeout"): (None,),
    ("AzureBlobClaimOperator", "blobs"): (None, "", []),
    ("AzureBlobClaimOperator", "max_blobs"): MAYBE_NUMBER,
}


REFUSED_BESIDE_OTHERS = [
    "batch_task_command_line",
    "dedicated",
    "node_ids",
    "path",
    "target_dedicated_nodes",
    "vm_node_agent_sku_id",
    "vm_offer",
    "vm_publisher",
    "vm_sku",
]
"""Arguments of which a value may be refused for what else is given, or is not given."""


def graph(**options: Any) -> JobGraph:
    made = JobGraph()
    made.task("a", "/bin/true", **options)
    return made


POOL = Pool(id="nodes", vm_size="standard_d2s_v5", scale=FixedScale(5))
SCHEDULE = JobSchedule("s", graph(job_manager=JobManager(), keep_logs=False), JobOptions("p"))

NEEDED: dict[str, Any] = {
    "activity": {"name": "a", "type": "Custom", "typeProperties": {"command": "true"}},
    "application_id": "app",
    "asset": Asset("a"),
    "batch_job_id": "j",
    "batch_pool": POOL,
    "batch_pool_id": "p",
    "batch_pool_vm_size": "standard_d2s_v5",
    "batch_task_command_line": "true",
    "batch_task_id": "t",
    "blobs": "incoming/",
    "command": "true",
    "dedicated": 5,
    "graph": graph(),
    "job_id": "j",
    "job_schedule": SCHEDULE,
    "node_ids": ["n"],
    "path": "app.zip",
    "pool_id": "p",
    "scale": AutoScale("$TargetDedicatedNodes=1;"),
    "schedule_id": "s",
    "target_dedicated_nodes": 1,
    "vm_node_agent_sku_id": "batch.node.ubuntu 22.04",
    "vm_offer": "0001-com-ubuntu-server-jammy",
    "vm_publisher": "canonical",
    "vm_sku": "22_04-lts",
}


def surfaces() -> Iterator[type[BaseOperator]]:
    """All operators and sensors that an author uses."""
    for room in ("operators", "sensors"):
        for name in modules_of(room):
            for kind in vars(importlib.import_module(name)).values():
                public = isinstance(kind, type(BaseOperator)) and kind.__module__ == name
                if public and kind.__name__ not in BASES and not kind.__name__.startswith("_"):
                    yield kind


def arguments(kind: type) -> list[str]:
    """Those that are this provider's own."""
    found: dict[str, None] = {}
    for each in kind.__mro__:
        if each.__module__.startswith("airflow_batch_provider") and "__init__" in vars(each):
            named = inspect.signature(vars(each)["__init__"]).parameters.values()
            found.update(dict.fromkeys(each.name for each in named if each.kind is each.KEYWORD_ONLY))
            if kind.__name__ in ("AzureBatchTaskOperator", "AzureBatchCustomActivityOperator"):
                found.pop("graph", None), found.pop("graph_kwargs", None)
    return list(found)


def needed(kind: type) -> dict[str, Any]:
    optional = {"AzureBlobClaimOperator": {"blobs"}}.get(kind.__name__, set())
    return {name: NEEDED[name] for name in arguments(kind) if name in NEEDED and name not in optional}


CASES = [
    pytest.param(kind, name, value, id=f"{kind.__name__}-{name}-{value!r}")
    for kind in surfaces()
    for name in arguments(kind)
    for value in ODD
]


@pytest.mark.parametrize(("kind", "name", "value"), CASES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_odd_value_is_taken_or_refused_in_words(kind: Any, name: str, value: Any) -> None:
    given = {**needed(kind), "task_id": "t", name: value}
    if value in OF_ONE.get((kind.__name__, name), LEGAL[name]):
        kind(**given)
        return
    with pytest.raises(SpecError):
        kind(**given)
    if name in kind.checks and name not in REFUSED_BESIDE_OTHERS:
        with pytest.raises(SpecError):
            kind.partial(task_id="t", **{name: value})


def test_a_default_of_the_dag_is_checked_as_if_it_were_given() -> None:
    with (
        DAG("d", schedule=None, default_args={"conn_id": None}),
        pytest.raises(SpecError, match=r"task 't': conn_id is None. Give a text: conn_id='...'"),
    ):
        AzureBatchJobSensor(task_id="t", job_id="j")


OF_GROUP = [
    each.name
    for each in inspect.signature(AzureBatchJobTaskGroup.__init__).parameters.values()
    if each.kind is each.KEYWORD_ONLY
]


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("name", OF_GROUP)
def test_a_group_takes_an_odd_value_or_refuses_it_in_words(name: str, value: Any) -> None:
    def make() -> None:
        given = {"pool_id": "p", name: value}
        with DAG("d", schedule=None), AzureBatchJobTaskGroup("g", **given) as job:
            job.task("a", "true")

    if value in {"start_timeout": (None,), "timeout": (None,)}.get(name, LEGAL[name]):
        make()
        return
    with pytest.raises(SpecError):
        make()


OF_FUNCTION = [
    name for name in FunctionArguments.__annotations__ if name not in DecoratorArguments.__annotations__
]


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("name", OF_FUNCTION)
def test_a_function_takes_an_odd_value_or_refuses_it_in_words(name: str, value: Any) -> None:
    @task.azure_batch(pool_id="p")
    def double(number: int) -> int:
        return 2 * number

    legal = {"container": (None, "no"), "start_timeout": (None,)}.get(name, LEGAL[name])
    if value in legal:
        double.override(**{name: value})(1)
        return
    with pytest.raises(SpecError):
        double.override(**{name: value})(1)
