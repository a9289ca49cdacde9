"""One command as an operator, and blobs listed for tasks: what is an error when the DAG is parsed."""

from __future__ import annotations

from typing import Any, cast

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_batch_provider.operators.blob_list import AzureBlobListOperator
from airflow_batch_provider.operators.task import TASK_ID, AzureBatchTaskOperator, one_task
from airflow_batch_provider.spec import Container, JobGraph, SpecError, blob, shell


def a_task(**options: Any) -> AzureBatchTaskOperator:
    return AzureBatchTaskOperator(**{"task_id": "t", "pool_id": "p1", "command": "x", **options})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"command": ""}, "command is empty"),
        ({"result": "a.json"}, "is not among the outputs"),
        ({"inputs": {"a": "a.txt"}}, "For a blob write"),
        ({"priority": 2000}, "-1000 to 1000"),
        ({"container": "python"}, r"It is Container\("),
    ],
)
def test_mistakes_are_errors_when_the_dag_is_parsed(options: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        a_task(**options)


def test_a_command_of_another_task_is_checked_when_it_is_known() -> None:
    with DAG("later", schedule=None):
        before = BaseOperator(task_id="before")
        after = a_task(command=before.output, inputs={"in": before.output})
    assert after.upstream_task_ids == {"before"}


def test_texts_are_rendered_wherever_they_are() -> None:
    operator = a_task(
        command=shell("echo {{ who }}"),
        inputs={"in.txt": blob("incoming/{{ who }}.txt")},
        container=Container("tool:{{ who }}"),
        environment={"WHO": "{{ who }}"},
    )
    context: Any = {"who": "me", "ti": None}
    operator.render_template_fields(context)
    assert operator.environment == {"WHO": "me"}
    assert operator.graph_kwargs is not None
    spec = one_task(**operator.graph_kwargs).spec(TASK_ID)
    assert spec.command == ("/bin/sh", "-c", "echo me")
    assert str(spec.inputs[0][1]) == "incoming/me.txt"
    assert spec.container == Container("tool:me")


def test_braces_in_a_name_from_outside_are_no_jinja() -> None:
    graph = JobGraph()
    graph.task("one", "x", inputs={"a": blob("incoming/{{ conn.secret.password }}")})
    (_, source) = graph.rendered(lambda text: text).spec("one").inputs[0]
    assert source == blob("incoming/") / "{{ conn.secret.password }}"


def test_a_list_is_of_a_prefix() -> None:
    with pytest.raises(SpecError, match=r"End the prefix with '/': 'incoming/a.txt/'"):
        AzureBlobListOperator(task_id="t", blobs="incoming/a.txt")
    for odd in (None, ["incoming/"]):
        with pytest.raises(SpecError, match=r"task 't': blobs: a blob is .* Write 'container/name'"):
            AzureBlobListOperator(task_id="t", blobs=cast("str", odd))
    with pytest.raises(SpecError, match=r"max_blobs is 0\. A whole number from 1 up"):
        AzureBlobListOperator(task_id="t", blobs="incoming/", max_blobs=0)
    with pytest.raises(SpecError, match=r"Write blobs='incoming/', pattern='a-\*/\*\*'"):
        AzureBlobListOperator(task_id="t", blobs="incoming/a-*/")
    with pytest.raises(SpecError, match=r"pattern '\[ab' has no '\]'"):
        AzureBlobListOperator(task_id="t", blobs="incoming/", pattern="[ab")
    assert AzureBlobListOperator(task_id="t", blobs=blob("incoming/a/")).blobs == "incoming/a/"


@pytest.mark.slow
def test_blobs_that_cannot_be_listed_are_explained(batch_conn_id: str) -> None:
    from airflow_batch_provider.hooks.batch import AzureBatchHook

    def listed(blobs: str, **options: Any) -> list[dict[str, Any]]:
        return AzureBlobListOperator(task_id="t", conn_id=batch_conn_id, blobs=blobs, **options).execute({})

    with pytest.raises(SpecError, match="there is no container 'nowhere-at-all'"):
        listed("nowhere-at-all/")
    with pytest.raises(SpecError, match="not in the account of connection"):
        listed("https://other.blob.core.windows.net/incoming/")
    storage = AzureBatchHook(batch_conn_id).storage()
    storage.ensure_container("to-list")
    for name in ("b/2.txt", "b/1.txt", "b/deep/3.txt", "c/4.txt"):
        storage.upload_blob("to-list", name, "12")
    assert [item["name"] for item in listed("to-list/b/", pattern="*.txt")] == ["b/1.txt", "b/2.txt"]
    everything = listed("to-list/")
    assert everything[-1] == {
        "url": storage.blob_url("to-list", "c/4.txt"),
        "container": "to-list",
        "name": "c/4.txt",
        "size": 2,
    }
    with pytest.raises(SpecError, match="there are 4 blobs"):
        listed("to-list/", max_blobs=3)
