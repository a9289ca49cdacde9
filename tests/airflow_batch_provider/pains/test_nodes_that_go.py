"""What users told of nodes that are taken away, and of those that are of no use.

On a real emulator, whose nodes are taken back, do not boot and fail their start tasks on demand.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.jobs.job_files import JobFiles
from airflow_batch_provider.client.jobs.job_plan import JobPlan
from airflow_batch_provider.client.jobs.job_run import JobRun
from airflow_batch_provider.exceptions import BatchPoolError
from airflow_batch_provider.operators.pool_nodes import AzureBatchPoolRemoveNodesOperator
from airflow_batch_provider.spec import FixedScale, JobGraph, JobOptions, StartTask, shell
from airflow_batch_provider.spec.ids import JobIdentity
from batch_emulator.testing import LocalBatch
from tests.airflow_batch_provider.jobs.running import to_the_end
from tests.airflow_batch_provider.jobs.test_why_idle import make_job, watch_until
from tests.airflow_batch_provider.operators.running import a_pool, ensure, run_to_end

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Evictions:
    """Takes all nodes of a pool away each time that a number of tasks run there, and only then lets them end.

    Parameters:
        struck: ids of tasks that run at the same time when the nodes go, in their order.
    """

    def __init__(self, batch: LocalBatch, pool_id: str, folder: Path, struck: list[set[str]]) -> None:
        self._batch, self._pool_id, self._folder = batch, pool_id, folder
        self._struck = dict(enumerate(struck))
        self._left = len(struck)
        self._runs = folder / "runs"
        self._runs.touch()

    def command(self, script: str, *, number: int | None = None) -> list[str]:
        """A command that notes each of its runs, and in the tasks that are struck waits until they were."""
        wait = "" if number is None else f"until [ -e {self._folder}/{number} ]; do sleep 0.05; done; "
        return shell(f"echo $AZ_BATCH_TASK_ID >> {self._runs}; {wait}{script}")

    @property
    def runs(self) -> Counter[str]:
        return Counter(self._runs.read_text().split())

    def __call__(self, _seconds: float) -> None:
        """In place of the pauses between two looks at the job."""
        runs = self.runs
        for number, tasks in self._struck.items():
            if number == len(self._struck) - self._left and all(runs[task] == 1 for task in tasks):
                self._batch.faults.preempt(self._pool_id, count=2, away=0.0)
                self._left -= 1
            if all(runs[task] == 2 for task in tasks):
                (self._folder / str(number)).touch()
        time.sleep(0.05)

    def let_run(self, graph: JobGraph, storage: StorageAccess) -> dict[str, Any]:
        """Run a job to its end, in one try and with nobody at hand; gives what the operator returns."""
        plan = JobPlan(
            JobIdentity("d", "r", self._pool_id), JobOptions(self._pool_id), graph, lambda text: text
        )
        files = JobFiles(storage, "batch-work")
        _, summary = to_the_end(JobRun(plan, self._batch.client, files, logging.getLogger("t"), sleep=self))
        return summary


def test_pain_031_a_job_whose_nodes_are_all_taken_back_runs_to_its_end_with_its_merge_and_nobody_at_hand(
    local: LocalBatch, conn_id: str, storage: StorageAccess, tmp_path: Path
) -> None:
    pool_id = ensure(conn_id, a_pool("merge", scale=FixedScale(spot=2)), min_ready_nodes=2)
    evictions = Evictions(local, pool_id, tmp_path, [{"part-0000", "part-0001"}, {"merge"}])
    graph = JobGraph()
    parts = graph.fan_out(
        "part",
        (3, 4),
        lambda number: dict(command=evictions.command(f"echo {number} > n", number=0), outputs=["n"]),
    )
    add = evictions.command("cat */n | awk '{n += $1} END {print n}' > sum.json", number=1)
    graph.merge("merge", add, of=parts, collect="n", outputs=["sum.json"], result="sum.json")
    summary = evictions.let_run(graph, storage)
    assert summary["results"] == {"merge": 7}
    assert summary["tasks"] == {"total": 3, "succeeded": 3, "failed": 0}
    assert evictions.runs == {"part-0000": 2, "part-0001": 2, "merge": 2}


def test_pain_033_without_a_notice_only_the_step_under_way_is_lost_since_each_keeps_what_it_has_come_to(
    local: LocalBatch, conn_id: str, storage: StorageAccess, tmp_path: Path
) -> None:
    pool_id = ensure(conn_id, a_pool("steps"))
    evictions = Evictions(local, pool_id, tmp_path, [{"step-1"}])
    graph = JobGraph()
    first = graph.task("step-0", evictions.command("echo 1 > state"), outputs=["state"])
    double = "echo $((2 * $(cat before))) > state"
    second = graph.task(
        "step-1",
        evictions.command(double, number=0),
        inputs={"before": first.output("state")},
        outputs=["state"],
    )
    graph.task(
        "step-2",
        evictions.command(double),
        inputs={"before": second.output("state")},
        outputs=["state"],
        result="state",
    )
    assert evictions.let_run(graph, storage)["results"] == {"step-2": 4}
    assert evictions.runs == {"step-0": 1, "step-1": 2, "step-2": 1}


def test_pain_071_a_requeue_is_no_retry(
    local: LocalBatch, conn_id: str, storage: StorageAccess, tmp_path: Path
) -> None:
    pool_id = ensure(conn_id, a_pool("requeue"))
    runs, graph = tmp_path / "runs", JobGraph()
    runs.touch()
    script = f"echo run >> {runs}; until [ $(wc -l < {runs}) -gt 1 ]; do sleep 0.05; done"
    graph.task("t", shell(script), max_retries=0, keep_logs=False)

    def reboot_once(_seconds: float) -> None:
        if (
            runs.read_text() == "run\n"
            and local.client.get_task(job_id, "t").execution_info.requeue_count == 0
        ):
            (node,) = local.client.list_nodes(pool_id)
            local.client.begin_reboot_node(pool_id, node.id, {"nodeRebootOption": "requeue"})
        time.sleep(0.05)

    plan = JobPlan(JobIdentity("d", "r", pool_id), JobOptions(pool_id), graph, lambda text: text)
    run = JobRun(
        plan, local.client, JobFiles(storage, "batch-work"), logging.getLogger("t"), sleep=reboot_once
    )
    job_id = plan.identity.job_id
    _, summary = to_the_end(run)
    assert summary["tasks"] == {"total": 1, "succeeded": 1, "failed": 0}
    info = local.client.get_task(job_id, "t").execution_info
    assert (info.retry_count, info.requeue_count) == (0, 1)


def test_pain_054_nodes_are_cleaned_away_by_their_state(local: LocalBatch, conn_id: str) -> None:
    local.faults.set(
        {
            "nodes": [
                {"fault": "failedBoot", "pools": ["op-clean"], "times": 1},
                {"fault": "failedStartTask", "pools": ["op-clean"], "times": 1},
            ]
        }
    )
    start = StartTask(shell("true"))
    pool = a_pool("clean", scale=FixedScale(spot=3), start_task=start)
    ensure(conn_id, pool, wait_for=None)
    broken = {"starttaskfailed", "unusable"}
    until_states(local, pool.id, broken | {"idle"})
    clean = AzureBatchPoolRemoveNodesOperator(
        task_id="clean", pool_id=pool.id, states=sorted(broken), conn_id=conn_id
    )
    run_to_end(clean)
    assert states(local, pool.id) == ["idle"]
    run_to_end(clean)  # there is nothing to clean away any more
    assert states(local, pool.id) == ["idle"]


def test_pain_056_a_driver_that_does_not_install_ends_the_wait_and_is_told_to_jobs(
    local: LocalBatch, conn_id: str
) -> None:
    install = shell("echo 'no kernel headers for this driver' >&2; exit 4")
    pool = a_pool("driver", vm_size="standard_nc6s_v3", start_task=StartTask(install))
    with pytest.raises(BatchPoolError, match="the start task ended with exit code 4") as caught:
        ensure(conn_id, pool)
    assert "no kernel headers for this driver" in str(caught.value)
    assert caught.value.layer == "node_start"
    line = watch_until(local.client, make_job(local.client, pool.id), "the start task ended with exit code 4")
    assert line.level == "warning"
    assert "Next step: Read its output" in line.text


def states(batch: LocalBatch, pool_id: str) -> list[str]:
    return sorted(str(getattr(node.state, "value", node.state)) for node in batch.client.list_nodes(pool_id))


def until_states(batch: LocalBatch, pool_id: str, wanted: set[str]) -> None:
    deadline = time.monotonic() + 60
    while (found := states(batch, pool_id)) != sorted(wanted):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
