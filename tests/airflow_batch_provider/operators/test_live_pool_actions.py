"""The operators on pools that are there, by the official client against a real emulator."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from airflow_batch_provider.exceptions import BatchPoolError, BatchPoolHopelessError
from airflow_batch_provider.hooks.batch import AzureBatchHook
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
from airflow_batch_provider.spec import FixedScale, StartTask, pending_tasks, shell
from tests.airflow_batch_provider.operators.running import a_pool, ensure, pool_of, run_to_end

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def nodes_of(conn_id: str, pool_id: str) -> list[Any]:
    return list(AzureBatchHook(conn_id).batch_client().list_nodes(pool_id))


def occupy(conn_id: str, pool_id: str, job_id: str, command: str) -> None:
    """Let a task run, or wait, on a pool."""
    client = AzureBatchHook(conn_id).batch_client()
    client.create_job({"id": job_id, "poolInfo": {"poolId": pool_id}})  # type: ignore[arg-type]
    client.create_task(job_id, {"id": "t", "commandLine": command})  # type: ignore[arg-type]


def release(conn_id: str, job_id: str) -> None:
    AzureBatchHook(conn_id).batch_client().begin_terminate_job(job_id, {"terminateReason": "Test"}).result()


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_pool_is_resized_and_resized_back(batch_conn_id: str, deferrable: bool) -> None:
    pool = a_pool(f"resize-{deferrable}")
    ensure(batch_conn_id, pool)
    common: dict[str, Any] = {
        "task_id": "t",
        "pool_id": pool.id,
        "conn_id": batch_conn_id,
        "deferrable": deferrable,
    }
    run_to_end(AzureBatchPoolResizeOperator(**common, spot=2, wait_for="nodes"))
    assert [node.state for node in nodes_of(batch_conn_id, pool.id)] == ["idle", "idle"]
    moment = pool_of(batch_conn_id, pool.id)["allocationStateTransitionTime"]
    run_to_end(AzureBatchPoolResizeOperator(**common, spot=2))
    assert pool_of(batch_conn_id, pool.id)["allocationStateTransitionTime"] == moment  # asked for nothing
    run_to_end(AzureBatchPoolResizeOperator(**common, spot=0))
    assert nodes_of(batch_conn_id, pool.id) == []


def test_a_resize_waits_for_the_one_that_is_under_way(batch_conn_id: str) -> None:
    pool = a_pool("resize-busy")
    ensure(batch_conn_id, pool)
    occupy(batch_conn_id, pool.id, "resize-busy", "/bin/sh -c 'sleep 2'")
    run_to_end(AzureBatchPoolWaitOperator(task_id="w", pool_id=pool.id, conn_id=batch_conn_id))
    # The node leaves when its task has ended; until then the pool is being resized.
    down = AzureBatchPoolResizeOperator(
        task_id="down", pool_id=pool.id, conn_id=batch_conn_id, dedicated=0, wait_for=None
    )
    run_to_end(down)
    up = AzureBatchPoolResizeOperator(task_id="up", pool_id=pool.id, conn_id=batch_conn_id, spot=2)
    assert run_to_end(up) == pool.id
    assert len(nodes_of(batch_conn_id, pool.id)) == 2


@pytest.mark.parametrize("wait_for", ["nodes", "steady"])
def test_a_resize_beyond_the_quota_is_fatal_and_explained(batch_conn_id: str, wait_for: Any) -> None:
    pool = a_pool(f"resize-{wait_for}")
    ensure(batch_conn_id, pool)
    more = AzureBatchPoolResizeOperator(
        task_id="t",
        pool_id=pool.id,
        conn_id=batch_conn_id,
        spot=1,
        dedicated=1,
        wait_for=wait_for,
        check_limits=False,
    )
    with pytest.raises(BatchPoolHopelessError, match="AccountCoreQuotaReached") as caught:
        run_to_end(more)
    assert "Next step: Ask for more quota" in str(caught.value)


def test_pain_019_a_formula_is_set_evaluated_and_stopped(batch_conn_id: str) -> None:
    pool = a_pool("formula")
    ensure(batch_conn_id, pool)
    common: dict[str, Any] = {"pool_id": pool.id, "conn_id": batch_conn_id}
    scale = pending_tasks(2, start_nodes=0)
    formula = AzureBatchPoolAutoScaleOperator(task_id="t", scale=scale, **common)
    run_to_end(formula)
    run_to_end(formula)  # the service would refuse it so soon again: nothing is asked
    assert pool_of(batch_conn_id, pool.id)["autoScaleFormula"] == scale.formula
    resize = AzureBatchPoolResizeOperator(task_id="t", spot=3, **common)
    with pytest.raises(BatchPoolHopelessError, match="AzureBatchPoolStopAutoScaleOperator"):
        run_to_end(resize)
    stop = AzureBatchPoolStopAutoScaleOperator(task_id="t", **common)
    assert (run_to_end(stop), run_to_end(stop)) == (pool.id, pool.id)
    assert not pool_of(batch_conn_id, pool.id).get("enableAutoScale")


def test_pain_016_a_pool_of_somebody_else_is_used_by_its_id_alone(batch_conn_id: str) -> None:
    ensure(batch_conn_id, a_pool("theirs"))
    wait = AzureBatchPoolWaitOperator(task_id="t", pool_id="op-theirs", conn_id=batch_conn_id)
    assert run_to_end(wait) == "op-theirs"
    nothing = AzureBatchPoolWaitOperator(task_id="t", pool_id="op-nobodys", conn_id=batch_conn_id)
    with pytest.raises(BatchPoolError, match="PoolNotFound") as caught:
        run_to_end(nothing)
    assert "misspelled" in str(caught.value)
    assert not isinstance(caught.value, BatchPoolHopelessError)  # Another DAG may make it meanwhile.


def test_pain_001_a_busy_pool_is_not_waited_for(batch_conn_id: str) -> None:
    pool = a_pool("busy")
    ensure(batch_conn_id, pool)
    occupy(batch_conn_id, pool.id, "busy", "/bin/sh -c 'sleep 100'")
    try:
        busy = AzureBatchPoolWaitOperator(
            task_id="t", pool_id=pool.id, conn_id=batch_conn_id, wait_timeout=dt.timedelta(seconds=60)
        )
        for _ in range(10):  # ten parallel tasks of a DAG, none of them behind another
            assert run_to_end(busy) == pool.id
        assert ensure(batch_conn_id, pool) == pool.id
        states = {str(node.state) for node in nodes_of(batch_conn_id, pool.id)}
        assert states <= {"running", "BatchNodeState.RUNNING", "idle"}
    finally:
        release(batch_conn_id, "busy")


def test_pain_002_a_pool_without_a_size_is_not_waited_for(batch_conn_id: str) -> None:
    assert ensure(batch_conn_id, a_pool("sizeless", scale=FixedScale())) == "op-sizeless"
    wait = AzureBatchPoolWaitOperator(task_id="t", pool_id="op-sizeless", conn_id=batch_conn_id)
    with pytest.raises(BatchPoolHopelessError, match="Its target is 0 nodes"):
        run_to_end(wait)


def test_nodes_are_removed_by_id_and_by_state(batch_conn_id: str) -> None:
    pool = a_pool("remove", scale=FixedScale(spot=3))
    ensure(batch_conn_id, pool, min_ready_nodes=3)
    first = nodes_of(batch_conn_id, pool.id)[0].id
    common: dict[str, Any] = {"task_id": "t", "pool_id": pool.id, "conn_id": batch_conn_id}
    run_to_end(AzureBatchPoolRemoveNodesOperator(**common, node_ids=[first]))
    assert first not in {node.id for node in nodes_of(batch_conn_id, pool.id)}
    run_to_end(AzureBatchPoolRemoveNodesOperator(**common, node_ids=[first]))  # gone is as good
    run_to_end(AzureBatchPoolRemoveNodesOperator(**common, states=["idle"], deferrable=False))
    assert nodes_of(batch_conn_id, pool.id) == []


@pytest.mark.parametrize("kind", [AzureBatchPoolRebootNodesOperator, AzureBatchPoolReimageNodesOperator])
def test_nodes_start_again(batch_conn_id: str, kind: Any) -> None:
    pool = a_pool(kind.action)
    ensure(batch_conn_id, pool)
    (before,) = nodes_of(batch_conn_id, pool.id)
    again = kind(task_id="t", pool_id=pool.id, conn_id=batch_conn_id, node_ids=[before.id, "tvm-unknown"])
    assert run_to_end(again) == pool.id
    (after,) = nodes_of(batch_conn_id, pool.id)
    assert after.last_boot_time > before.last_boot_time
    assert after.state == "idle"
    unknown = kind(task_id="t", pool_id=pool.id, conn_id=batch_conn_id, node_ids=["tvm-unknown"])
    with pytest.raises(BatchPoolHopelessError, match=rf"tvm-unknown.*it has {after.id} \(idle\)"):
        run_to_end(unknown)


def test_a_start_task_that_fails_after_a_reboot_is_shown(batch_conn_id: str) -> None:
    # It succeeds once: the marker is in the node's shared directory, which a reboot keeps.
    once = shell("test ! -e $AZ_BATCH_NODE_SHARED_DIR/m && touch $AZ_BATCH_NODE_SHARED_DIR/m || exit 9")
    pool = a_pool("again-broken", start_task=StartTask(once))
    ensure(batch_conn_id, pool)
    reboot = AzureBatchPoolRebootNodesOperator(
        task_id="t", pool_id=pool.id, conn_id=batch_conn_id, states=["idle"]
    )
    with pytest.raises(BatchPoolError, match="the start task ended with exit code 9"):
        run_to_end(reboot)


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_pool_is_deleted_now(batch_conn_id: str, deferrable: bool) -> None:
    pool = a_pool(f"delete-{deferrable}")
    ensure(batch_conn_id, pool)
    delete = AzureBatchPoolDeleteOperator(
        task_id="t", pool_id=pool.id, conn_id=batch_conn_id, deferrable=deferrable
    )
    for _ in range(2):  # the second time it is gone already
        run_to_end(delete)
        assert pool.id not in {
            found.id for found in AzureBatchHook(batch_conn_id).batch_client().list_pools()
        }


def test_a_pool_is_deleted_when_no_task_runs_or_waits(batch_conn_id: str) -> None:
    pool = a_pool("delete-idle")
    ensure(batch_conn_id, pool)
    occupy(batch_conn_id, pool.id, "delete-idle", "/bin/sh -c 'sleep 2'")
    delete = AzureBatchPoolDeleteOperator(task_id="t", pool_id=pool.id, conn_id=batch_conn_id, when="idle")
    run_to_end(delete)
    client = AzureBatchHook(batch_conn_id).batch_client()
    assert client.get_task("delete-idle", "t").state == "completed"
    assert pool.id not in {found.id for found in client.list_pools()}


def test_a_pool_whose_tasks_do_not_end_is_told_with_them(batch_conn_id: str) -> None:
    pool = a_pool("delete-waiting", scale=FixedScale())
    ensure(batch_conn_id, pool)
    occupy(batch_conn_id, pool.id, "delete-waiting", "true")  # no node: it waits
    delete = AzureBatchPoolDeleteOperator(
        task_id="t",
        pool_id=pool.id,
        conn_id=batch_conn_id,
        when="idle",
        wait_timeout=dt.timedelta(seconds=0),
    )
    with pytest.raises(BatchPoolError, match=r"not idle in time.*job delete-waiting has 1 task"):
        run_to_end(delete)
    assert pool_of(batch_conn_id, pool.id)["state"] == "active"
