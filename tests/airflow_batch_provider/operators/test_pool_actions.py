"""The operators on pools that are there, without a server: arguments, templates, serialization."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_batch_provider.operators.pool_autoscale import (
    AzureBatchPoolAutoScaleOperator,
    AzureBatchPoolStopAutoScaleOperator,
)
from airflow_batch_provider.operators.pool_delete import AzureBatchPoolDeleteOperator
from airflow_batch_provider.operators.pool_nodes import (
    AzureBatchPoolRebootNodesOperator,
    AzureBatchPoolReimageNodesOperator,
    AzureBatchPoolRemoveNodesOperator,
)
from airflow_batch_provider.operators.pool_resize import AzureBatchPoolResizeOperator
from airflow_batch_provider.operators.pool_wait import AzureBatchPoolWaitOperator
from airflow_batch_provider.spec import AutoScale, FixedScale, SpecError, pending_tasks

P: dict[str, Any] = {"task_id": "t", "pool_id": "p"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AzureBatchPoolResizeOperator(**P), "no size is given. .* write dedicated=0"),
        (lambda: AzureBatchPoolResizeOperator(**P, dedicated=-1), "whole number from 0"),
        (lambda: AzureBatchPoolResizeOperator(**P, spot=1, deallocation="taskcompletoin"), "Did you mean"),
        (
            lambda: AzureBatchPoolResizeOperator(**P, spot=1, wait_for="idle"),
            "one of 'steady', 'nodes', None",
        ),
        (
            lambda: AzureBatchPoolResizeOperator(**P, spot=1, resize_timeout=dt.timedelta(minutes=1)),
            "duration",
        ),
        (
            lambda: AzureBatchPoolResizeOperator(
                **P, dedicated=1, spot=1, min_ready_nodes=3, wait_for="nodes"
            ),
            "min_ready_nodes is 3, and the pool is to have 2",
        ),
        (lambda: AzureBatchPoolAutoScaleOperator(**P, scale=FixedScale()), "AutoScale"),
        (
            lambda: AzureBatchPoolAutoScaleOperator(**P, scale=AutoScale("$TargetDedicatedNodes = ;")),
            "formula",
        ),
        (lambda: AzureBatchPoolWaitOperator(**P, wait_for="xyz"), "one of 'nodes', 'steady', 'idle'"),
        (lambda: AzureBatchPoolWaitOperator(**P, min_ready_nodes=-1), "whole number"),
        (lambda: AzureBatchPoolRemoveNodesOperator(**P), "no nodes are named"),
        (lambda: AzureBatchPoolRemoveNodesOperator(**P, node_ids="n"), r"Give a list: node_ids=\['n'\]"),
        (lambda: AzureBatchPoolRebootNodesOperator(**P, states=["unusabel"]), "Did you mean 'unusable'"),
        (lambda: AzureBatchPoolReimageNodesOperator(**P, states=["idle"], tasks="kill"), "tasks is 'kill'"),
        (lambda: AzureBatchPoolDeleteOperator(**P, when="later"), "one of 'now', 'idle'"),
    ],
)
def test_mistakes_are_errors_at_dag_parse(make: Callable[[], object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        make()


def test_sizes_ids_and_formulas_are_templated() -> None:
    context: Any = {"n": 3, "day": "monday"}
    resize = AzureBatchPoolResizeOperator(task_id="r", pool_id="p-{{ day }}", spot="{{ n }}")
    resize.render_template_fields(context)
    assert (resize.pool_id, resize._scale().spot) == ("p-monday", 3)
    formula = AzureBatchPoolAutoScaleOperator(**P, scale=AutoScale("$TargetDedicatedNodes = {{ n }};"))
    formula.render_template_fields(context)
    assert formula.scale == AutoScale("$TargetDedicatedNodes = 3;")
    wait = AzureBatchPoolWaitOperator(**P, min_ready_nodes="{{ n }}")
    wait.render_template_fields(context)
    awaited = wait._awaited(0.0)
    assert awaited.min_nodes == 3


def test_they_take_their_connection_from_default_args_and_serialize() -> None:
    from tests.airflow_batch_provider.airflow_versions import dag_serialization

    start = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    with DAG("d", schedule=None, start_date=start, default_args={"conn_id": "c", "deferrable": False}) as dag:
        AzureBatchPoolResizeOperator(task_id="resize", pool_id="p", dedicated=0)
        AzureBatchPoolAutoScaleOperator(task_id="scale", pool_id="p", scale=pending_tasks(3))
        AzureBatchPoolStopAutoScaleOperator(task_id="stop", pool_id="p")
        AzureBatchPoolWaitOperator(task_id="wait", pool_id="p")
        AzureBatchPoolRemoveNodesOperator(task_id="remove", pool_id="p", states=["unusable"])
        AzureBatchPoolRebootNodesOperator(task_id="reboot", pool_id="p", node_ids=["n"])
        AzureBatchPoolReimageNodesOperator(task_id="reimage", pool_id="p", node_ids=["n"])
        AzureBatchPoolDeleteOperator(task_id="delete", pool_id="p", when="idle")
    assert {task.conn_id for task in dag.tasks} == {"c"}
    assert not any(task.deferrable for task in dag.tasks)
    first, second = (str(dag_serialization().to_dict(dag)) for _ in range(2))
    assert first == second
    assert " at 0x" not in first
