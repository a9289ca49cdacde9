"""Rendering Jinja in the texts of a specification."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.definitions.param import ParamsDict

from airflow_batch_provider.decorators.azure_batch import azure_batch_task
from airflow_batch_provider.exceptions import AzureBatchError, BatchTemplateError
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.job_schedule import AzureBatchJobScheduleOperator
from airflow_batch_provider.operators.job_terminate import AzureBatchJobTerminateOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.rendering import text_renderer
from airflow_batch_provider.spec import (
    AutoPool,
    FixedScale,
    JobGraph,
    JobManager,
    JobOptions,
    JobSchedule,
    Pool,
    SpecError,
    StartTask,
    blob,
    shell,
)
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup

CONTEXT: Any = {
    "run_id": "r",
    "params": ParamsDict({"quality": 5}),
    "macros": SimpleNamespace(ds_add=None),
    "ti": SimpleNamespace(xcom_pull=lambda **given: None),
}


def renderer() -> Any:
    with DAG("d"):
        return text_renderer(BaseOperator(task_id="t"), CONTEXT)


def test_a_value_that_the_run_has_not_got_is_told_with_the_text_that_names_it() -> None:
    render = renderer()
    assert render("of {{ run_id }}") == "of r"
    with pytest.raises(
        SpecError, match=r"template {{ ds }} cannot be rendered: 'ds' is undefined.*no logical date.*run_id"
    ) as error:
        render("s3cret={{ ds }}")
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("{{ params.qualty }}", r"'qualty'. Did you mean 'quality'\?"),
        ("{{ params['qualty'] }}", r"'qualty'. Did you mean 'quality'\?"),
        ("{{ macros.dsadd(1) }}", r"Did you mean 'ds_add'\?"),
        ("{{ runid }}", r"'runid' is undefined. Did you mean 'run_id'\?"),
        ("{{ elsewhere }}", "Look for a misspelling"),
        ("{{ run_id }", "template {{ run_id } cannot be read: unexpected '}'"),
    ],
)
def test_a_misspelling_is_told_with_what_is_near_and_the_task(text: str, right: str) -> None:
    graph = JobGraph()
    graph.task("crunch", ["/bin/echo", text])
    with pytest.raises(SpecError, match=f"task 'crunch': .*{right}") as error:
        graph.rendered(renderer())
    assert not isinstance(error.value, AzureBatchError)  # so that it is made final


def test_what_another_try_may_find_is_retried() -> None:
    graph = JobGraph()
    graph.task("crunch", "/bin/echo {{ ti.xcom_pull(task_ids='other')['key'] }}")
    with pytest.raises(BatchTemplateError, match=r"task 'crunch': .*'None' has no attribute 'key'"):
        graph.rendered(renderer())


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"command": "/bin/echo s3cret {{ ds "}, "task 'a', command: the template {{ ds  cannot"),
        ({"command": ["/bin/echo", "{% if ds %}"]}, "task 'a', command: "),
        ({"command": "/bin/true", "environment": {"DAY": "{{ ds"}}, "task 'a', DAY in environment: "),
        ({"command": "/bin/true", "inputs": {"in": blob("b/{{ ds")}}, "task 'a', input 'in': "),
    ],
)
def test_jinja_of_a_graph_that_cannot_be_read_is_refused_at_parse(options: Any, where: str) -> None:
    graph = JobGraph()
    graph.task("a", **options)
    with pytest.raises(SpecError, match=where) as error:
        AzureBatchJobOperator(task_id="t", pool_id="p", graph=graph)
    assert "s3cret" not in str(error.value)


def test_jinja_of_an_argument_that_cannot_be_read_is_refused_at_parse() -> None:
    def crunch(number: int) -> int:
        return number

    graph = JobGraph()
    graph.task("a", "/bin/true")
    with pytest.raises(SpecError, match=r"task 't', pool_id: .*{{ params.pool  cannot be read: "):
        AzureBatchJobOperator(task_id="t", pool_id="{{ params.pool ", graph=graph)
    with pytest.raises(SpecError, match=r"task 't', job_id: .*cannot be read"):
        AzureBatchJobTerminateOperator.partial(task_id="t", job_id="{{ job ")
    with DAG("d"), pytest.raises(SpecError, match=r"task 'crunch', op_args: .*cannot be read"):
        azure_batch_task(pool_id="p")(crunch)("{{ ds")
    with DAG("d"), pytest.raises(SpecError, match=r"task group 'g', metadata: .*cannot be read"):
        AzureBatchJobTaskGroup("g", pool_id="p", metadata={"day": "{{ ds"})


def test_jinja_in_a_record_that_cannot_be_read_is_refused_at_parse() -> None:
    wrong, graph, managed = shell("echo {{ ds"), JobGraph(), JobGraph()
    graph.task("a", "/bin/true")
    managed.task("a", "/bin/true", job_manager=JobManager(), keep_logs=False)
    pool = Pool(id="p", vm_size="standard_a1_v2", start_task=StartTask(wrong), scale=FixedScale(dedicated=1))
    job = partial(AzureBatchJobOperator, task_id="t", graph=graph)
    for argument, make in (
        ("task 't', batch_pool", lambda: AzureBatchPoolOperator(task_id="t", batch_pool=pool)),
        ("task 't', pool_id", lambda: job(pool_id=AutoPool(pool))),
        ("task 't', preparation", lambda: job(pool_id="p", preparation=wrong)),
        ("task 't', release", lambda: job(pool_id="p", preparation=shell("true"), release=wrong)),
        ("task group 'g', pool_id", lambda: AzureBatchJobTaskGroup("g", pool_id=AutoPool(pool))),
        ("task group 'g', preparation", lambda: AzureBatchJobTaskGroup("g", pool_id="p", preparation=wrong)),
        (
            "task 't', job_schedule",
            lambda: AzureBatchJobScheduleOperator(
                task_id="t",
                job_schedule=JobSchedule(
                    "s", managed, JobOptions("p", preparation=wrong), every=timedelta(hours=1)
                ),
            ),
        ),
    ):
        with DAG("d"), pytest.raises(SpecError, match=rf"^{argument}: the template .* cannot be read"):
            make()


def test_braces_that_jinja_reads_are_taken() -> None:
    graph = JobGraph()
    for number, text in enumerate(
        [
            "{{ '}}' }}",
            "{% raw %}{{ {% endraw %}",
            "{% if ds %}{{ ds | ds_nodash }}{% endif %}",
            "awk '{print $1}' {{ ds }}",
            "{% trans %}of an extension{% endtrans %}",
            "{ {",
        ]
    ):
        graph.task(f"t{number}", ["/bin/echo", text])
    AzureBatchJobOperator(task_id="t", pool_id="p", graph=graph)
