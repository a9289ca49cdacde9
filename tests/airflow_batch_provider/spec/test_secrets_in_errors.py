"""What an author has written and what is refused is shown, secrets excepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_batch_provider.operators.graph_argument import check_graph, rendered_graph
from airflow_batch_provider.spec import JobGraph, SpecError, shell

SIGNED = "https://a.blob.core.windows.net/c/x?sv=2024&sig=s3cret%2Bs3cret%3D"


@pytest.mark.parametrize(
    "options",
    [
        {"outputs": {"o": SIGNED}},
        {"inputs": {"x": [SIGNED]}},
        {"environment": {"A": b"s3cret"}},
        {"environment": {"A": {"key": "s3cret"}}},
        {"environment": "A=s3cret"},
    ],
)
def test_no_secret_is_in_the_error(options: dict[str, Any]) -> None:
    add: Callable[..., Any] = JobGraph().task
    with pytest.raises(SpecError) as refused:
        add("t", shell("true"), **options)
    assert "s3cret" not in str(refused.value)
    assert "s3cret" not in refused.value.what


def test_an_input_whose_url_carries_a_sas_is_refused_in_a_graph_of_the_dag_file_only() -> None:
    def graph(url: str = SIGNED) -> JobGraph:
        made = JobGraph()
        made.task("t", shell("true"), inputs={"x": url})
        return made

    with pytest.raises(
        SpecError, match=r"task 't', input 'x': .*a\.blob.*/c/x carries a SAS.*var\.value"
    ) as refused:
        check_graph(graph(), None, "task 'job'")
    assert "s3cret" not in str(refused.value)

    check_graph(graph("{{ var.value.signed_url }}"), None, "task 'job'")
    check_graph(graph("https://a.b/c?design=1"), None, "task 'job'")
    assert rendered_graph(graph, None, str, "task 'job'").specs  # its secret is not in the DAG
