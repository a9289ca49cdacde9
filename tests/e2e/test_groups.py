"""A task group's members are repaired one by one, through Airflow's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from demo.stack import LocalStack
from demo.stack.airflow_client import DagRun

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

DAG_ID = "regroup"
END_SECONDS = 240.0


@pytest.fixture
def client(stack: LocalStack) -> Iterator[Any]:
    credential = AzureNamedKeyCredential(stack.batch.name, stack.batch.key)
    with BatchClient(stack.batch.endpoint, credential) as opened:
        yield opened


def test_pain_147_clearing_a_member_runs_its_batch_task_again_and_what_depends_on_it(
    stack: LocalStack, client: Any, tmp_path: Path
) -> None:
    """apache/airflow#52280: repair of a single task of a job is gone; here it is Airflow's own *Clear*."""
    tmp_path.chmod(0o777)
    run = _wait(stack, stack.airflow.trigger(DAG_ID, {"folder": str(tmp_path)}))
    assert run.state == "failed"
    assert _states(stack, run) == {
        "pool": "success",
        "train.submit": "success",
        "train.prep": "success",
        "train.side": "success",
        "train.fit": "failed",
        "train.report": "upstream_failed",
        "train.end": "success",
    }
    log = stack.airflow.log(DAG_ID, run.run_id, "train.fit")
    assert "the cable is loose" in log
    assert "exit code 4" in log
    assert sorted(_runs(tmp_path)) == ["fit", "prep", "side"]
    (first,) = set(_runs(tmp_path).values())

    (tmp_path / "fixed").touch()
    _clear(stack, run, "train.fit", downstream=True)
    assert _wait(stack, run).state == "success"
    assert _notes(tmp_path)[3:] == [("fit", repair := _notes(tmp_path)[3][1]), ("report", repair)]
    assert repair != first
    assert {
        task.id: list((task.depends_on or {}).get("taskIds", ())) for task in client.list_tasks(repair)
    } == {
        "fit": [],
        "report": ["fit"],
    }
    assert {str(client.get_job(job_id)["state"]) for job_id in (first, repair)} == {"completed"}

    _clear(stack, run, "train.fit", downstream=False)
    assert _wait(stack, run).state == "success"
    assert [name for name, _ in _notes(tmp_path)[5:]] == ["fit"]
    assert set(_states(stack, run).values()) == {"success"}


def _notes(folder: Path) -> list[tuple[str, str]]:
    lines = (folder / "runs").read_text().splitlines()
    return [(name, job_id) for name, _, job_id in (line.partition(" ") for line in lines)]


def _runs(folder: Path) -> dict[str, str]:
    return dict(_notes(folder))


def _states(stack: LocalStack, run: DagRun) -> dict[str, str | None]:
    return {item.task_id: item.state for item in stack.airflow.task_instances(DAG_ID, run.run_id)}


def _wait(stack: LocalStack, run: DagRun) -> DagRun:
    return stack.airflow.wait_for_run(DAG_ID, run.run_id, END_SECONDS, stack.check)


def _clear(stack: LocalStack, run: DagRun, task_id: str, *, downstream: bool) -> None:
    body = {
        "dry_run": False,
        "dag_run_id": run.run_id,
        "task_ids": [task_id],
        "include_downstream": downstream,
        "only_failed": False,
    }
    stack.airflow.call("POST", f"/dags/{DAG_ID}/clearTaskInstances", json=body)
