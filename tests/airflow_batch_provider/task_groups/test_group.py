"""Groups at DAG parse: what is drawn becomes what Batch runs, and what cannot work is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, TaskGroup, chain, task

from airflow_batch_provider.spec import JobManager, SpecError, blob, on_exit, shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup
from tests.airflow_batch_provider.airflow_versions import dag_serialization


@pytest.fixture
def dag() -> Any:
    with DAG("d", schedule=None) as made:
        yield made


def group(**options: Any) -> AzureBatchJobTaskGroup:
    return AzureBatchJobTaskGroup("g", pool_id="nodes", **options)


def edges(made: AzureBatchJobTaskGroup) -> dict[str, tuple[str, ...]]:
    graph = made.batch_graph()
    return {spec.id: graph.upstream(spec.id) for spec in graph.specs}


@pytest.mark.usefixtures("dag")
def test_arrows_of_airflow_are_the_dependencies_of_batch() -> None:
    with group() as job:
        a, b, c, d = (job.task(name, "/bin/true") for name in "abcd")
        a >> [b, c]
        [b, c] >> d
    assert edges(job) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


@pytest.mark.usefixtures("dag")
def test_a_file_of_another_task_is_an_arrow_in_airflow_too() -> None:
    with group() as job:
        a = job.task("a", "/bin/true", outputs=["x"])
        b = job.task("b", "/bin/true", inputs={"x": a.output("x")})
        c = job.task("c", "/bin/true", depends_on=[a, b])
    assert b.operator.upstream_task_ids == {"g.a"}
    assert c.operator.upstream_task_ids == {"g.a", "g.b"}
    assert edges(job) == {"a": (), "b": ("a",), "c": ("a", "b")}


@pytest.mark.usefixtures("dag")
def test_arrows_may_be_drawn_later_and_through_inner_groups() -> None:
    with group() as job:
        a = job.task("a", "/bin/true")
        with TaskGroup("inner"):
            b = job.task("b", "/bin/true")
        c = job.task("c", "/bin/true")
    chain(a, b, c)
    assert b.operator.task_id == "g.inner.b"
    assert edges(job) == {"a": (), "b": ("a",), "c": ("b",)}


def test_members_are_between_a_setup_and_a_teardown(dag: DAG) -> None:
    @task
    def around() -> None: ...

    with group() as job:
        a, b = job.task("a", "/bin/true"), job.task("b", "/bin/true")
        a >> b
    around.override(task_id="before")() >> job >> around.override(task_id="after")()
    submit, end = dag.get_task("g.submit"), dag.get_task("g.end")
    assert submit.is_setup
    assert end.is_teardown
    assert submit.upstream_task_ids == {"before"}
    assert a.operator.upstream_task_ids == {"g.submit"}
    assert end.upstream_task_ids == {"g.submit", "g.b"}
    # A failed member fails what comes after the group, and the run: the teardown hides neither.
    assert dag.get_task("after").upstream_task_ids == {"g.b"}


def test_the_dag_can_be_serialized_and_says_nothing_of_commands(dag: DAG) -> None:
    with group(environment={"TOKEN": "{{ var.value.token }}"}) as job:
        job.task("a", "say the-word", operator_args={"retries": 2, "retry_delay": timedelta(seconds=3)})
    stored = dag_serialization().to_dict(dag)
    assert "the-word" not in json.dumps(stored)
    again = dag_serialization().from_dict(stored)
    assert again.get_task("g.a").retries == 2
    assert again.get_task("g.a").task_type == "AzureBatchMemberOperator"


def test_the_mark_tells_groups_apart_by_what_batch_runs() -> None:
    def mark(command: str, pool_id: str = "nodes", *, joined: bool = True) -> str:
        with DAG("d", schedule=None), AzureBatchJobTaskGroup("g", pool_id=pool_id) as job:
            a, b = job.task("a", command), job.task("b", "/bin/true")
            if joined:
                a >> b
        return job.mark()

    assert mark("x") == mark("x")
    assert len({mark("x"), mark("y"), mark("x", "others"), mark("x", joined=False)}) == 4


@pytest.mark.usefixtures("dag")
def test_tasks_that_wait_for_each_other() -> None:
    job = group()
    job.__enter__()
    a, b = job.task("a", "/bin/true"), job.task("b", "/bin/true")
    a >> b >> a
    with pytest.raises(SpecError, match=r"wait for each other: a -> b -> a"):
        job.__exit__(None, None, None)


@pytest.mark.usefixtures("dag")
def test_a_member_that_waits_for_what_batch_knows_nothing_of() -> None:
    @task
    def elsewhere() -> None: ...

    job = group()
    before = elsewhere()
    job.__enter__()
    before >> job.task("a", "/bin/true")
    with pytest.raises(
        SpecError, match=r"the Airflow task 'elsewhere', .* draw the arrow to the whole group"
    ):
        job.__exit__(None, None, None)


@pytest.mark.usefixtures("dag")
def test_a_member_may_wait_for_what_the_whole_group_waits_for() -> None:
    @task
    def elsewhere() -> None: ...

    before = elsewhere()
    with group() as job:
        a = job.task("a", "/bin/true")
        before >> [job.launcher, a]
    assert edges(job) == {"a": ()}


@pytest.mark.usefixtures("dag")
def test_an_empty_group() -> None:
    with pytest.raises(SpecError, match=r"^task group 'g': it has no task\. Add one by job\.task"), group():
        pass


@pytest.mark.usefixtures("dag")
@pytest.mark.parametrize(
    ("task_id", "options", "words"),
    [
        ("submit", {}, "the group's own"),
        ("END", {"operator_args": {"trigger_rule": "all_done"}}, "operator_args has 'trigger_rule'"),
        ("a", {"max_retrys": 1}, "unknown option 'max_retrys'"),
        ("a", {"retries": 3}, r"Write operator_args={'retries': ...}\. What Batch itself .* max_retries"),
        ("a", {"on_failure_callback": print}, r"Write operator_args={'on_failure_callback': ...}\.$"),
        ("a", {"exit_conditions": [on_exit(3, job="terminate")]}, "on_exit has job='terminate'"),
        ("a", {"exit_conditions": [on_exit(0, dependency="block")]}, "keeps dependents from running"),
        ("a", {"job_manager": JobManager()}, "it is a job manager"),
    ],
)
def test_a_task_that_cannot_work(task_id: str, options: dict[str, Any], words: str) -> None:
    with group() as job:
        job.task("b", "/bin/true")
        with pytest.raises(SpecError, match=words):
            job.task(task_id, "/bin/true", **options)


@pytest.mark.usefixtures("dag")
def test_a_task_that_is_added_outside_of_the_group() -> None:
    with group() as job:
        job.task("a", "/bin/true")
    with pytest.raises(SpecError, match="outside of the group"):
        job.task("b", "/bin/true")


@pytest.mark.usefixtures("dag")
@pytest.mark.parametrize(
    "options",
    [{"pool_id": "no pool"}, {"timeout": 5}, {"start_timeout": 5}, {"priority": 2000}, {"release": "x"}],
)
def test_an_option_that_cannot_work(options: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        AzureBatchJobTaskGroup("g", **{"pool_id": "nodes", **options})


@pytest.mark.usefixtures("dag")
def test_outputs_go_where_the_author_says() -> None:
    with group() as job:
        a = job.task("a", shell("make"), outputs={"x": blob("outgoing/x")})
        with pytest.raises(SpecError, match="not among its outputs"):
            a.output("y")
        assert a.output("x").task_id == "a"


def test_the_output_of_another_task_is_written_as_jinja_where_a_group_only_renders(dag: DAG) -> None:
    @task
    def before() -> str:
        return "a"

    told = r"xcom_pull\(task_ids='before', .*and draw an arrow from that task"
    output = before()
    with pytest.raises(SpecError, match=f"A in environment is the output of another task.*{told}"):
        group(environment={"A": output})
    with pytest.raises(SpecError, match=f"task group 'g': namespace is the output.*{told}"):
        group(namespace=output)
    with group(environment={"A": str(output)}) as job:
        job.task("a", "/bin/true")
    output >> job
