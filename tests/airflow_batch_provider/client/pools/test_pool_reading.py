"""When a wait for a pool is over, and what a failure says."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.pools.pool_causes import RESIZE_CAUSES
from airflow_batch_provider.client.pools.pool_reading import Observation, judge
from airflow_batch_provider.client.pools.pool_views import NodeView, PoolView
from airflow_batch_provider.client.pools.pool_watch import PoolWait, with_output


def a_pool(**changes: Any) -> PoolView:
    return PoolView.read(
        {
            "id": "p",
            "state": "active",
            "allocationState": "steady",
            "currentDedicatedNodes": 2,
            "targetDedicatedNodes": 2,
            **changes,
        }
    )


def nodes(*states: str) -> tuple[NodeView, ...]:
    return tuple(NodeView.read({"id": f"n{index}", "state": state}) for index, state in enumerate(states))


def short(code: str, **changes: Any) -> PoolView:
    error = {"code": code, "message": "No.", "values": [{"name": "Reason", "value": "because"}]}
    return a_pool(currentDedicatedNodes=0, resizeErrors=[error], **changes)


@pytest.mark.parametrize(
    ("pool", "status"),
    [
        (a_pool(), "ready"),
        (a_pool(allocationState="resizing"), "wait"),
        (a_pool(allocationState="stopping"), "wait"),
        # Accepted, and not begun yet: steady with fewer nodes than asked for and no error.
        (a_pool(currentDedicatedNodes=0), "wait"),
        (short("AllocationFailed"), "failed"),
        (short("AllocationFailed", enableAutoScale=True), "ready"),
        (a_pool(state="deleting"), "failed"),
        (None, "failed"),
    ],
)
def test_waiting_for_steady(pool: PoolView | None, status: str) -> None:
    assert judge(Observation(pool), "steady", 0).status == status


@pytest.mark.parametrize(
    ("pool", "states", "wanted", "status"),
    [
        (a_pool(), ("idle", "starting"), 1, "ready"),
        (a_pool(), ("running", "starting"), 1, "ready"),
        (a_pool(allocationState="resizing"), ("idle",), 1, "ready"),
        (a_pool(), ("starting", "starting"), 1, "wait"),
        (a_pool(), ("starting", "starttaskfailed"), 1, "wait"),
        (a_pool(), ("starting", "starttaskfailed"), 2, "failed"),
        (a_pool(allocationState="resizing"), ("starttaskfailed",), 1, "wait"),
        (a_pool(), ("unusable", "unusable"), 1, "failed"),
        (a_pool(), ("preempted", "preempted"), 1, "wait"),
        (a_pool(), ("offline", "offline"), 1, "failed"),
        (a_pool(currentDedicatedNodes=0), (), 1, "wait"),
        (short("AllocationFailed"), (), 1, "failed"),
        (short("AllocationFailed", enableAutoScale=True), (), 1, "wait"),
        (short("AccountCoreQuotaReached", enableAutoScale=True), (), 1, "failed"),
        (a_pool(enableAutoScale=True, targetDedicatedNodes=0), (), 1, "wait"),
        (a_pool(targetDedicatedNodes=0, currentDedicatedNodes=0), (), 1, "failed"),
        (a_pool(), (), 0, "ready"),
    ],
)
def test_waiting_for_nodes(pool: PoolView, states: tuple[str, ...], wanted: int, status: str) -> None:
    assert judge(Observation(pool, nodes(*states)), "nodes", wanted).status == status


@pytest.mark.parametrize(
    ("pool", "status"), [(None, "ready"), (a_pool(state="deleting"), "wait"), (a_pool(), "ready")]
)
def test_waiting_for_a_deletion(pool: PoolView | None, status: str) -> None:
    assert judge(Observation(pool), "gone", 0).status == status


@pytest.mark.parametrize("code", [*RESIZE_CAUSES, "SomethingNew"])
def test_every_resize_error_is_explained_in_three_parts(code: str) -> None:
    verdict = judge(Observation(short(code)), "steady", 0)
    text = str(verdict.explanation)
    for part in ("p could not be allocated", "0 of 2 nodes", code, "because", "Likely cause:", "Next step:"):
        assert part in text
    assert verdict.fatal == (code in RESIZE_CAUSES and RESIZE_CAUSES[code].fatal)


def test_quota_is_lasting_and_capacity_passes() -> None:
    assert judge(Observation(short("AccountCoreQuotaReached")), "steady", 0).fatal
    assert not judge(Observation(short("AllocationTimedout")), "steady", 0).fatal


def test_a_failed_start_task_is_told_with_its_exit_code_and_output() -> None:
    node = NodeView.read(
        {
            "id": "n1",
            "state": "starttaskfailed",
            "startTaskInfo": {
                "exitCode": 7,
                "failureInfo": {"category": "usererror", "code": "FailureExitCode", "message": "It failed"},
            },
        }
    )
    verdict = judge(Observation(a_pool(), (node,)), "nodes", 1)
    assert verdict.broken_node == "n1"
    text = str(with_output(verdict, {"stdout.txt": "", "stderr.txt": "no such package"}).explanation)
    assert "exit code 7" in text
    assert "FailureExitCode" in text
    assert text.endswith("--- stderr.txt of the start task (end)\nno such package")


def test_an_unusable_node_is_told_with_its_errors() -> None:
    error = {
        "code": "ApplicationPackageError",
        "message": "One or more application packages specified for the pool are invalid",
        "errorDetails": [{"name": "ApplicationPackageReference", "value": "ffmpeg"}],
    }
    node = NodeView.read({"id": "n1", "state": "unusable", "errors": [error]})
    text = str(judge(Observation(a_pool(), (node,)), "nodes", 1).explanation)
    assert "ApplicationPackageError" in text
    assert "ApplicationPackageReference: ffmpeg" in text


def test_what_is_wrong_with_a_pool_that_is_ready_is_a_warning() -> None:
    pool = a_pool(
        enableAutoScale=True,
        autoScaleRun={"error": {"code": "InsufficientSampleData", "message": "Too few."}},
        resizeErrors=[{"code": "AllocationFailed", "message": "No."}],
    )
    warnings = judge(Observation(pool, nodes("idle", "unusable")), "nodes", 1).warnings
    assert len(warnings) == 3
    assert any("InsufficientSampleData" in warning for warning in warnings)


def test_a_wait_ends_at_its_deadline_and_says_how_far_it_came() -> None:
    wait = PoolWait("p", "nodes", 1, deadline=100)
    seen = Observation(a_pool(allocationState="resizing"), nodes("starting", "creating"))
    assert wait.judge(seen, 99).status == "wait"
    verdict = wait.judge(seen, 100)
    assert verdict.status == "failed"
    assert "pool p is resizing, 2 of 2 nodes (1 creating, 1 starting)" in str(verdict.explanation)
    assert wait.judge(Observation(a_pool(), nodes("idle")), 100).status == "ready"
