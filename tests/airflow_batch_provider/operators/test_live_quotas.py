"""Quotas: shown, and compared with before anything is asked for; by the official clients, against a real
emulator with quotas of its own."""

from __future__ import annotations

import json
import logging
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_batch_provider.client.jobs.job_plan import JobPlan
from airflow_batch_provider.client.jobs.job_run import JobRun
from airflow_batch_provider.client.pools.quotas import Quota
from airflow_batch_provider.exceptions import BatchPoolError, BatchPoolHopelessError, BatchRequestError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.pool_delete import AzureBatchPoolDeleteOperator
from airflow_batch_provider.operators.pool_resize import AzureBatchPoolResizeOperator
from airflow_batch_provider.spec import AutoPool, FixedScale, Image, JobGraph, JobOptions, Pool, shell
from airflow_batch_provider.spec.ids import JobIdentity
from demo.processes.supervisor import Supervisor
from demo.stack.accounts import BatchAccount, StorageAccount
from demo.stack.emulator import NAME, emulator_component
from demo.stack.ports import PortPicker
from tests.airflow_batch_provider.airflow_versions import AirflowFailException
from tests.airflow_batch_provider.conftest import _KEY
from tests.airflow_batch_provider.operators.running import a_pool, ensure, run_to_end

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

# A node of standard_d2s_v3 has two cores.
_QUOTAS = {
    "--dedicated-core-quota": "16",
    "--low-priority-core-quota": "4",
    "--series-core-quota": "standardFSv2Family=4",
}
_FAMILY = "standardFSv2Family"


@pytest.fixture(scope="module")
def small(azurite: StorageAccount, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BatchAccount]:
    """An account with small quotas."""
    folder = tmp_path_factory.mktemp("small")
    port = PortPicker(use_preferred=False).take(NAME, 0)
    account = BatchAccount(f"http://127.0.0.1:{port}", "smallaccount", _KEY)
    options = [word for pair in _QUOTAS.items() for word in pair]
    with Supervisor(folder) as processes:
        log = processes.log_of(NAME)
        processes.start(emulator_component(account, port, azurite, folder / "data", log, options))
        processes.wait_ready(NAME)
        yield account


@pytest.fixture
def conn_id(small: BatchAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A connection to it; the account is empty again afterwards."""
    connection = {
        "conn_type": "azurebatch",
        "host": small.endpoint,
        "login": small.name,
        "password": small.key,
    }
    monkeypatch.setenv("AIRFLOW_CONN_SMALL", json.dumps(connection))
    yield "small"
    control(small, "POST", "reset", {})


def control(account: BatchAccount, method: str, what: str, body: Any) -> None:
    request = urllib.request.Request(
        f"{account.endpoint}/emulator/{what}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    urllib.request.urlopen(request, timeout=30).close()


def pools_of(conn_id: str) -> set[str]:
    return {pool.id for pool in AzureBatchHook(conn_id).batch_client().list_pools()}


def hold_job(conn_id: str, job_id: str) -> None:
    """An active job without tasks."""
    AzureBatchHook(conn_id).batch_client().create_job(
        {"id": job_id, "poolInfo": {"poolId": "none"}}  # type: ignore[arg-type]
    )


def test_pain_126_quotas_are_shown_with_what_is_used_of_them(
    conn_id: str, small: BatchAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    control(small, "PUT", "faults", {"quotas": {"pools": 5, "activeJobsAndSchedules": 20}})
    ensure(conn_id, a_pool("dedicated", vm_size="standard_f2s_v2", scale=FixedScale(dedicated=1)))
    ensure(conn_id, a_pool("spot"))
    hold_job(conn_id, "active")
    hold_job(conn_id, "ended")
    hook = AzureBatchHook(conn_id)
    hook.batch_client().begin_terminate_job(
        "ended", {"terminateReason": "Test"}, polling_interval=0.05
    ).wait()
    quotas = hook.quotas()
    assert quotas.dedicated_cores == Quota("dedicated cores", 16, 2)
    assert quotas.spot_cores == Quota("Spot cores", 4, 2)
    assert quotas.families[_FAMILY.lower()] == Quota(f"dedicated cores of {_FAMILY}", 4, 2)
    assert quotas.pools == Quota("pools", 5, 2)
    assert quotas.active_jobs_and_schedules == Quota("active jobs and job schedules", 20, 1)
    assert quotas.unknown == ""
    works, text = hook.test_connection()
    assert works
    assert "2 of 16 dedicated cores" in text
    assert "1 of 20 active jobs and job schedules" in text
    # What the log of the operator had shown before it made the second pool.
    assert f"2 of 4 dedicated cores of {_FAMILY}, 0 of 4 Spot cores, 1 of 5 pools" in capsys.readouterr().out


def test_pain_126_what_is_used_is_shown_where_limits_cannot_be_read(
    conn_id: str, small: BatchAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "http://127.0.0.1:9"
    connection = {"conn_type": "azurebatch", "host": small.endpoint, "login": small.name}
    connection |= {"password": small.key, "extra": {"arm_endpoint": nowhere}}
    monkeypatch.setenv("AIRFLOW_CONN_SMALL", json.dumps(connection))
    assert ensure(conn_id, a_pool("known")) == "op-known"
    quotas = AzureBatchHook(conn_id).quotas()
    assert (quotas.pools, quotas.spot_cores.limit) == (Quota("pools", None, 1), None)
    assert f"{nowhere} does not tell the connection's identity" in quotas.unknown
    assert "role Reader" in quotas.unknown


def test_pain_122_more_than_the_quota_of_the_machine_family_is_told_before_a_pool_is_made(
    conn_id: str,
) -> None:
    pool = a_pool("family", vm_size="standard_f2s_v2", scale=FixedScale(dedicated=3))
    with pytest.raises(BatchPoolHopelessError, match="3 dedicated nodes of 2 cores, 6 in all") as caught:
        ensure(conn_id, pool)
    assert caught.value.layer == "quota"
    for part in (f"quota of dedicated cores of {_FAMILY} is 4, 0 of them in use", "portal", "check_limits"):
        assert part in str(caught.value)
    assert not pools_of(conn_id)


def test_what_other_pools_use_is_told_before_a_pool_is_made_and_a_retry_finds_room(conn_id: str) -> None:
    ensure(conn_id, a_pool("first"))
    pool = a_pool("second", scale=FixedScale(spot=2))
    with pytest.raises(BatchPoolError, match="2 of them in use: there is room for 1 more") as caught:
        ensure(conn_id, pool, wait_for="steady")
    assert not isinstance(caught.value, AirflowFailException)
    assert pools_of(conn_id) == {"op-first"}
    run_to_end(AzureBatchPoolDeleteOperator(task_id="d", pool_id="op-first", conn_id=conn_id))
    assert ensure(conn_id, pool, wait_for="steady") == pool.id


def test_a_pool_is_made_that_has_room_for_as_many_nodes_as_are_waited_for(
    conn_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure(conn_id, a_pool("first"))
    assert ensure(conn_id, a_pool("second", scale=FixedScale(spot=2))) == "op-second"
    assert "there is room for 1 more" in capsys.readouterr().out


def test_one_pool_too_many_is_told_before_it_is_made(conn_id: str, small: BatchAccount) -> None:
    control(small, "PUT", "faults", {"quotas": {"pools": 1}})
    ensure(conn_id, a_pool("first", scale=FixedScale()))
    with pytest.raises(BatchPoolError, match="quota of pools is 1, 1 of them in use") as caught:
        ensure(conn_id, a_pool("second"))
    assert not isinstance(caught.value, AirflowFailException)


def test_a_resize_is_compared_with_the_quota_and_what_is_used(conn_id: str) -> None:
    for name in ("first", "second"):
        ensure(conn_id, a_pool(name))
    common: dict[str, Any] = {"task_id": "t", "pool_id": "op-first", "conn_id": conn_id}
    with pytest.raises(BatchPoolError, match=r"2 Spot nodes.* 4 of them in use: there is room for 0 more"):
        run_to_end(AzureBatchPoolResizeOperator(**common, spot=2))
    with pytest.raises(BatchPoolHopelessError, match="quota of Spot cores is 4"):
        run_to_end(AzureBatchPoolResizeOperator(**common, spot=3))
    more = a_pool("first", scale=FixedScale(spot=3))
    with pytest.raises(BatchPoolHopelessError, match="quota of Spot cores is 4"):
        ensure(conn_id, more, on_drift="patch")
    assert run_to_end(AzureBatchPoolResizeOperator(**common, spot=0)) == "op-first"


def test_an_image_that_batch_supports_no_more_is_told_before_a_pool_is_made(conn_id: str) -> None:
    old = Image("canonical", "ubuntuserver", "18.04-lts", "batch.node.ubuntu 18.04")
    with pytest.raises(BatchPoolHopelessError, match="whose support by Batch ended on 2023-05-31"):
        ensure(conn_id, a_pool("old", image=old))
    assert ensure(conn_id, a_pool("old", image=old), check_limits=False) == "op-old"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scale": FixedScale(spot=3)}, "Auto pool 'own' asks for 3 Spot nodes of 2 cores, 6 in all"),
        ({"task_slots": 9}, "Set task_slots to 8 or less"),
    ],
)
def test_a_pool_of_a_jobs_own_is_compared_before_the_job_is_submitted(
    conn_id: str, fields: dict[str, Any], words: str
) -> None:
    declared: dict[str, Any] = {"id": "own", "vm_size": "standard_d2s_v3", "scale": FixedScale(spot=1)}
    auto = AutoPool(Pool(**{**declared, **fields}))
    with pytest.raises(BatchPoolHopelessError, match=words) as caught:
        AzureBatchHook(conn_id).placed(JobOptions(auto))
    assert "check_limits" not in str(caught.value)


def test_pain_114_a_job_refused_for_the_quota_is_explained_and_goes_through_when_there_is_room(
    conn_id: str, small: BatchAccount
) -> None:
    control(small, "PUT", "faults", {"quotas": {"activeJobsAndSchedules": 1}})
    ensure(conn_id, a_pool("jobs", scale=FixedScale()))
    hold_job(conn_id, "old")
    client = AzureBatchHook(conn_id).batch_client()
    graph = JobGraph()
    graph.task("hello", shell("echo hello"), keep_logs=False)
    plan = JobPlan(JobIdentity("d", "r", "t"), JobOptions("op-jobs"), graph, lambda text: text)
    with pytest.raises(BatchRequestError, match="the account's quota of active jobs is reached") as caught:
        JobRun(plan, client, None, logging.getLogger("t")).claim()
    assert (caught.value.code, caught.value.layer) == ("ActiveJobAndScheduleQuotaReached", "quota")
    assert not isinstance(caught.value, AirflowFailException)
    assert "Next step: End old jobs" in str(caught.value)
    client.begin_terminate_job("old", {"terminateReason": "Test"}, polling_interval=0.05).wait()
    claim = JobRun(plan, client, None, logging.getLogger("t")).claim()
    assert client.get_job(claim.job_id).state == "active"
