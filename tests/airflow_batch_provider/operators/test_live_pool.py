"""The pool operator and its trigger against a real emulator."""

from __future__ import annotations

import asyncio
import time

import pytest

from airflow_batch_provider.exceptions import BatchPoolError, BatchPoolHopelessError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import AutoScale, FixedScale, StartTask, blob, pending_tasks, shell
from airflow_batch_provider.triggers.deferral import seconds_until_worker_ended
from airflow_batch_provider.triggers.pool import AzureBatchPoolTrigger
from demo.stack.accounts import BatchAccount
from tests.airflow_batch_provider.airflow_versions import AirflowFailException
from tests.airflow_batch_provider.operators.running import a_pool, ensure, first_event, pool_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_a_pool_that_is_there_is_not_waited_for_in_the_triggerer(batch_conn_id: str) -> None:
    pool = a_pool("there")
    ensure(batch_conn_id, pool)
    operator = AzureBatchPoolOperator(task_id="t", batch_pool=pool, conn_id=batch_conn_id)
    assert operator.execute({}) == pool.id  # type: ignore[typeddict-item]


def test_the_trigger_does_not_fire_while_the_worker_that_deferred_may_still_be_ending(
    batch_conn_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "1")
    pool = a_pool("early")
    ensure(batch_conn_id, pool)
    begun = time.monotonic()
    trigger = AzureBatchPoolTrigger(batch_conn_id, pool.id, "nodes", 1, time.time() + 60)
    assert asyncio.run(first_event(trigger))["status"] == "ready"
    assert time.monotonic() - begun >= seconds_until_worker_ended() > 1


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_pool_is_made_and_the_second_time_attached_to(batch_conn_id: str, deferrable: bool) -> None:
    pool = a_pool(f"twice-{deferrable}", metadata={"team": "video"})
    assert ensure(batch_conn_id, pool, deferrable=deferrable) == pool.id
    made = pool_of(batch_conn_id, pool.id)
    assert ensure(batch_conn_id, pool, deferrable=deferrable) == pool.id
    again = pool_of(batch_conn_id, pool.id)
    assert made["eTag"] == again["eTag"]
    nodes = list(AzureBatchHook(batch_conn_id).batch_client().list_nodes(pool.id))
    assert [node.state for node in nodes] == ["idle"]


def test_an_autoscale_pool_is_not_waited_for(batch_conn_id: str) -> None:
    pool = a_pool("auto", scale=pending_tasks(4, start_nodes=0))
    operator = AzureBatchPoolOperator(task_id="t", batch_pool=pool, conn_id=batch_conn_id)
    assert operator.execute({}) == pool.id  # type: ignore[typeddict-item]
    assert pool_of(batch_conn_id, pool.id)["autoScaleRun"]["results"].startswith("$TargetDedicatedNodes=0")


@pytest.mark.parametrize("wait_for", ["nodes", "steady"])
def test_a_pool_that_cannot_be_allocated_is_explained_and_not_retried(
    batch_conn_id: str, wait_for: str
) -> None:
    pool = a_pool(f"quota-{wait_for}", scale=FixedScale(dedicated=2))
    with pytest.raises(BatchPoolHopelessError) as caught:
        ensure(batch_conn_id, pool, wait_for=wait_for, check_limits=False)
    assert isinstance(caught.value, AirflowFailException)
    text = str(caught.value)
    for part in (
        f"Pool {pool.id} could not be allocated: it has 0 of 2 nodes",
        "AccountCoreQuotaReached",
        "Likely cause: The Batch account's quota of dedicated cores is used up",
        "Next step: Ask for more quota",
    ):
        assert part in text


def test_a_pool_that_can_never_come_up_is_not_made(batch_conn_id: str) -> None:
    pool = a_pool("never", scale=FixedScale(dedicated=2))
    with pytest.raises(BatchPoolHopelessError, match="2 dedicated nodes of 2 cores, 4 in all") as caught:
        ensure(batch_conn_id, pool)
    assert "quota of dedicated cores is 0" in str(caught.value)
    client = AzureBatchHook(batch_conn_id).batch_client()
    assert pool.id not in {found.id for found in client.list_pools()}


def test_pain_003_more_slots_than_a_node_can_have_are_told_before_the_pool_is_made(
    batch_conn_id: str,
) -> None:
    with pytest.raises(BatchPoolHopelessError, match="Set task_slots to 8 or less"):
        ensure(batch_conn_id, a_pool("slots", task_slots=9))


def test_a_retry_asks_for_the_missing_nodes_again(batch_conn_id: str) -> None:
    pool = a_pool("again", scale=FixedScale(dedicated=2))
    for _ in range(2):
        with pytest.raises(BatchPoolHopelessError):
            ensure(batch_conn_id, pool, check_limits=False)
        moment = pool_of(batch_conn_id, pool.id)["allocationStateTransitionTime"]
    operator = AzureBatchPoolOperator(task_id="t", batch_pool=pool, conn_id=batch_conn_id, wait_for=None)
    operator.execute({})  # type: ignore[typeddict-item]
    assert pool_of(batch_conn_id, pool.id)["allocationStateTransitionTime"] > moment


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_failing_start_task_is_shown_with_its_output(batch_conn_id: str, deferrable: bool) -> None:
    pool = a_pool(
        f"start-{deferrable}", start_task=StartTask(shell("echo to-out; echo no such package >&2; exit 7"))
    )
    with pytest.raises(BatchPoolError) as caught:
        ensure(batch_conn_id, pool, deferrable=deferrable)
    text = str(caught.value)
    for part in ("the start task ended with exit code 7", "no such package", "to-out", "Next step:"):
        assert part in text


def test_a_start_task_gets_its_files(batch_conn_id: str) -> None:
    storage = AzureBatchHook(batch_conn_id).storage()
    storage.ensure_container("op-start")
    storage.upload_blob("op-start", "tool.sh", b"exit 0\n")
    start = StartTask("/bin/sh tool.sh", inputs={"tool.sh": blob("op-start/tool.sh")})
    pool = a_pool("files", start_task=start)
    assert ensure(batch_conn_id, pool) == pool.id
    first = pool_of(batch_conn_id, pool.id)["startTask"]["resourceFiles"][0]["httpUrl"]
    assert "sig=" in first
    # Another signature is no drift; the pool gets the fresh one for the nodes to come.
    assert ensure(batch_conn_id, pool) == pool.id


def test_drift_is_told_by_default(batch_conn_id: str) -> None:
    ensure(batch_conn_id, a_pool("drift"))
    with pytest.raises(BatchPoolHopelessError) as caught:
        ensure(batch_conn_id, a_pool("drift", task_slots=2, fill="pack", metadata={"a": "1"}))
    text = str(caught.value)
    assert "taskSlotsPerNode: declared 2, is 1" in text
    assert "metadata: declared [{'name': 'a', 'value': '1'}], is None" in text
    assert "taskSchedulingPolicy.nodeFillType: declared pack, is " in text
    assert "Next step:" in text


def test_drift_can_be_ignored(batch_conn_id: str) -> None:
    ensure(batch_conn_id, a_pool("ignored"))
    assert ensure(batch_conn_id, a_pool("ignored", task_slots=2), on_drift="ignore") == "op-ignored"
    assert pool_of(batch_conn_id, "op-ignored")["taskSlotsPerNode"] == 1


def test_patching_changes_what_can_be_changed(batch_conn_id: str) -> None:
    ensure(batch_conn_id, a_pool("patched", start_task=StartTask(shell("true"))))
    declared = a_pool("patched", metadata={"a": "1"}, scale=FixedScale(spot=2))
    assert ensure(batch_conn_id, declared, on_drift="patch", min_ready_nodes=2) == declared.id
    wire = pool_of(batch_conn_id, declared.id)
    assert wire["metadata"] == [{"name": "a", "value": "1"}]
    assert wire["targetLowPriorityNodes"] == 2
    assert not wire.get("startTask")
    with pytest.raises(BatchPoolHopelessError, match="what cannot be changed while it has nodes"):
        ensure(batch_conn_id, a_pool("patched", task_slots=2), on_drift="patch")


def test_patching_turns_a_fixed_pool_into_an_autoscaled_one_and_back(batch_conn_id: str) -> None:
    ensure(batch_conn_id, a_pool("kinds"))
    auto = a_pool("kinds", scale=AutoScale("$TargetLowPriorityNodes = 1;"))
    ensure(batch_conn_id, auto, on_drift="patch")
    assert pool_of(batch_conn_id, "op-kinds")["enableAutoScale"] is True
    ensure(batch_conn_id, a_pool("kinds"), on_drift="patch")
    assert not pool_of(batch_conn_id, "op-kinds").get("enableAutoScale")


def test_recreating_waits_until_the_old_pool_is_gone(batch_conn_id: str) -> None:
    ensure(batch_conn_id, a_pool("recreated"))
    declared = a_pool("recreated", task_slots=2)
    assert ensure(batch_conn_id, declared, on_drift="recreate") == declared.id
    assert pool_of(batch_conn_id, declared.id)["taskSlotsPerNode"] == 2


def test_a_package_that_does_not_exist_is_explained(batch_conn_id: str) -> None:
    with pytest.raises(BatchPoolHopelessError) as caught:
        ensure(batch_conn_id, a_pool("package", packages=["nothing==1"]))
    text = str(caught.value)
    assert "InvalidApplicationPackageReferences" in text
    assert "AzureBatchApplicationPackageOperator" in text


def test_a_wrong_key_is_explained(emulator: BatchAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    monkeypatch.setenv(
        "AIRFLOW_CONN_WRONG",
        json.dumps(
            {
                "conn_type": "azurebatch",
                "host": emulator.endpoint,
                "login": emulator.name,
                "password": "d3Jvbmctd3Jvbmc=",
            }
        ),
    )
    with pytest.raises(BatchPoolError, match="The key does not belong to the account") as caught:
        ensure("wrong", a_pool("key"))
    # As with jobs, a retry may do: roles and keys take minutes to come into force.
    assert not isinstance(caught.value, BatchPoolHopelessError)
