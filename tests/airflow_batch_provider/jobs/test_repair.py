"""Retries that repair: real jobs whose failed tasks run again, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.jobs.claim import Claim, Found
from airflow_batch_provider.client.jobs.job_run import JobRun
from airflow_batch_provider.client.jobs.watching import Watch
from airflow_batch_provider.client.watching.streams import Follower
from airflow_batch_provider.exceptions import BatchJobConflictError, BatchJobFailedError
from airflow_batch_provider.spec import JobGraph, blob, shell
from airflow_batch_provider.spec.retry import OnRetry
from tests.airflow_batch_provider.jobs.conftest import Jobs

pytestmark = pytest.mark.slow

NOT_AT_FIRST = 'case "$AZ_BATCH_JOB_ID" in *-1) exit 3;; esac; '
"""Lets a task fail in the first submission and do well in later ones."""


def to_the_end(run: JobRun, once_claimed: Callable[[], None] = lambda: None) -> tuple[Claim, dict[str, Any]]:
    """What the operator does, waiting in this thread."""
    claim = run.claim()
    once_claimed()
    if claim.found is Found.SUCCEEDED:
        return claim, run.finish(claim)
    for _ in range(10):
        graph = run.fill(claim)
        after = [expansion.after for expansion in graph.expansions]
        total = len(graph) - len(claim.earlier.views)
        ending = run.wait(
            Watch(claim.job_id, total, after, time.time() + 90), Follower(claim.job_id, which=False)
        )
        claim = run.attached(claim.identity)
        if ending != "expand":
            break
    if ending == "stalled":
        run.terminate(claim.job_id, "AirflowNothingLeftToRun")
    return claim, run.finish(claim)


def ids(batch: BatchClient, job_id: str) -> list[str]:
    return sorted(task.id for task in batch.list_tasks(job_id, select=["id"]))


def run_id() -> str:
    return f"repair-{time.time_ns()}"


def pipeline(*, splits: str = "echo a > parts/a; echo b > parts/b") -> JobGraph:
    """split -> two that read one file each, one of them failing at first -> a merge of all."""
    graph = JobGraph()
    split = graph.task(
        "split",
        shell(f"mkdir parts; {splits}; echo '{{\"n\": 2}}' > told.json"),
        outputs=["parts/*", "told.json"],
        result="told.json",
    )
    good = graph.task("good", shell("cat in > out"), inputs={"in": split.output("parts/a")}, outputs=["out"])
    bad = graph.task(
        "bad", shell(NOT_AT_FIRST + "cat in > out"), inputs={"in": split.output("parts/b")}, outputs=["out"]
    )
    graph.task(
        "merge",
        shell('cat good/out bad/out all/$AZ_BATCH_JOB_ID/split/parts/* > all.txt; wc -l < all.txt > n.json'),
        inputs={
            "good/out": good.output("out"), "bad/out": bad.output("out"), "all": split.outputs("parts"),
        },
        outputs=["all.txt", "n.json"],
        result="n.json",
        depends_on=[good, bad, split],
    )  # fmt: skip
    return graph


def test_pain_148_a_retry_runs_only_what_failed_and_what_waited_for_it(
    jobs: Jobs, batch: BatchClient, storage: StorageAccess, pool: str
) -> None:
    name = run_id()
    with pytest.raises(BatchJobFailedError):
        to_the_end(jobs.run(pipeline(), pool, name, on_task_failure="continue"))
    claim, summary = to_the_end(jobs.run(pipeline(), pool, name, on_task_failure="continue"))
    assert ids(batch, claim.job_id) == ["bad", "merge"]
    assert claim.job_id.endswith("-2")
    assert summary["tasks"] == {"total": 4, "succeeded": 4, "failed": 0}
    assert summary["results"] == {"split": {"n": 2}, "merge": 4}
    assert summary["repaired"] == [claim.job_id[:-1] + "1"]
    made = storage.read_blob("batch-work", f"{claim.job_id}/merge/all.txt", 100)
    assert made == b"a\nb\na\nb\n"
    assert any(line.startswith("Repairing Batch job") for line in jobs.lines)
    again, same = to_the_end(jobs.run(pipeline(), pool, name, on_task_failure="continue"))
    assert again.found is Found.SUCCEEDED
    assert same == summary


def test_a_second_repair_builds_on_both_jobs_before_it(jobs: Jobs, batch: BatchClient, pool: str) -> None:
    def chain() -> JobGraph:
        graph = JobGraph()
        (
            graph.task("first", "/bin/true")
            >> graph.task("second", shell(NOT_AT_FIRST))
            >> graph.task("third", shell('case "$AZ_BATCH_JOB_ID" in *-3) ;; *) exit 3;; esac'))
        )
        return graph

    name = run_id()
    for _ in range(2):
        with pytest.raises(BatchJobFailedError) as failure:
            to_the_end(jobs.run(chain(), pool, name))
    assert "of 3 tasks 1 failed, 2 succeeded" in str(failure.value)
    claim, summary = to_the_end(jobs.run(chain(), pool, name))
    assert ids(batch, claim.job_id) == ["third"]
    assert summary["tasks"]["succeeded"] == 3
    assert len(summary["repaired"]) == 2


def test_a_repaired_graph_that_grows_is_grown_by_the_results_of_the_earlier_job(
    jobs: Jobs, batch: BatchClient, pool: str
) -> None:
    def growing() -> JobGraph:
        graph = JobGraph()
        plan = graph.task("plan", shell("echo '[1, 2]' > p.json"), outputs=["p.json"], result="p.json")

        def build(numbers: list[int]) -> JobGraph:
            more = graph.more()
            parts = more.fan_out(
                "part",
                numbers,
                lambda n: dict(
                    command=shell((NOT_AT_FIRST if n == 2 else "") + "cp in out.json"),
                    inputs={"in": plan.output("p.json")},
                    outputs=["out.json"],
                ),
            )
            last = more.merge("last", shell("cp part-0000/out.json l.json"), parts, collect="out.json",
                              outputs=["l.json"], result="l.json")  # fmt: skip
            more.expand(after=last, build=close)
            return more

        def close(told: list[int]) -> JobGraph:
            more = graph.more()
            more.task("close", shell(f"test {len(told)} = 2"))
            return more

        graph.expand(after=plan, build=build)
        return graph

    name = run_id()
    with pytest.raises(BatchJobFailedError):
        to_the_end(jobs.run(growing(), pool, name, on_task_failure="continue"))
    claim, summary = to_the_end(jobs.run(growing(), pool, name, on_task_failure="continue"))
    assert ids(batch, claim.job_id) == ["close", "last", "part-0001"]
    assert summary["tasks"] == {"total": 5, "succeeded": 5, "failed": 0}
    assert summary["results"] == {"plan": [1, 2], "last": [1, 2]}


def test_reattach_and_restart_run_all_of_a_failed_job_again(
    jobs: Jobs, batch: BatchClient, pool: str
) -> None:
    for on_retry in ("reattach", "restart"):
        name = run_id()
        with pytest.raises(BatchJobFailedError):
            to_the_end(jobs.run(pipeline(), pool, name, on_retry=on_retry))
        claim, summary = to_the_end(jobs.run(pipeline(), pool, name, on_retry=on_retry, attempt=2))
        assert ids(batch, claim.job_id) == ["bad", "good", "merge", "split"]
        assert summary["repaired"] == []


def test_restart_ends_the_live_job_of_an_earlier_try_and_of_its_own_try_attaches(
    jobs: Jobs, batch: BatchClient, empty_pool: str
) -> None:
    name = run_id()
    graph = JobGraph()
    graph.task("one", "/bin/true")
    made = [
        jobs.run(graph, empty_pool, name, on_retry="restart", attempt=attempt).claim()
        for attempt in (1, 1, 2, 2)
    ]
    assert [claim.identity.submission for claim in made] == [1, 1, 2, 2]
    assert [claim.found for claim in made] == [
        Found.CREATED, Found.ATTACHED, Found.CREATED, Found.ATTACHED,
    ]  # fmt: skip
    first = batch.get_job(made[0].job_id)
    assert first.execution_info is not None
    assert first.execution_info.termination_reason == "AirflowRestart"
    changed = JobGraph()
    changed.task("other", "/bin/true")
    claim = jobs.run(changed, empty_pool, name, on_retry="restart", attempt=3).claim()
    assert claim.identity.submission == 3
    jobs.run(changed, empty_pool, name).terminate(claim.job_id, "test")


def test_pain_152_what_a_try_decides_about_the_job_of_an_earlier_one_is_in_its_log(
    jobs: Jobs, pool: str, tmp_path: Path
) -> None:
    """apache/airflow#71485: whether a try submits or reconnects, and why, is not to be seen."""
    graph, name, gate = JobGraph(), run_id(), tmp_path / "gate"
    held = graph.task("good", shell(f"until test -e {gate}; do sleep 0.05; done"))
    held >> graph.task("bad", shell(f"{NOT_AT_FIRST}true"))

    def decided(attempt: int, on_retry: OnRetry = "repair") -> tuple[Claim, list[str]]:
        """What a try that is killed after its decision has said of it, with the jobs by their numbers."""
        jobs.lines.clear()
        run = jobs.run(graph, pool, name, attempt=attempt, on_retry=on_retry, on_task_failure="continue")
        claim = run.claim()
        if claim.found is Found.CREATED:
            run.fill(claim)
        said = [line.replace(claim.job_id[:-1], "#") for line in jobs.lines]
        return claim, [line for line in said if "#" in line]

    assert decided(1)[1] == ["Submitted Batch job #1"]
    assert decided(2)[1][-1] == "Attached to Batch job of an earlier try, #1"
    attached = jobs.run(graph, pool, name, on_task_failure="continue", on_retry="reattach")
    with pytest.raises(BatchJobFailedError):
        to_the_end(attached, once_claimed=gate.touch)
    assert decided(3)[1] == [
        "Batch job #1 has ended without success; submitting anew",
        "Repairing Batch job #1: tasks that are done: 1",
        "Submitted Batch job #2",
    ]
    to_the_end(jobs.run(graph, pool, name, on_task_failure="continue"))
    assert decided(4)[1] == [
        "Batch job #1 has ended without success; submitting anew",
        "An earlier try has finished Batch job #2",
    ]
    name = run_id()
    graph.task("slow", "/bin/sleep 60")
    decided(1)
    claim, said = decided(2, "restart")
    assert said[:1] == ["Ending Batch job #1 of an earlier try, to submit it anew (on_retry='restart')"]
    assert said[-1] == "Submitted Batch job #2"
    jobs.run(graph, pool, name).terminate(claim.job_id, "test")


def test_in_a_job_that_lives_a_failed_task_is_reactivated(
    jobs: Jobs, batch: BatchClient, pool: str, tmp_path: Path
) -> None:
    graph = JobGraph()
    flag = tmp_path / "failed-once"
    bad = graph.task("bad", shell(f"test -e {flag} || {{ : > {flag}; exit 3; }}"))
    bad >> graph.task("child", "/bin/true")
    name = run_id()
    run = jobs.run(graph, pool, name, on_task_failure="continue")
    claim = run.claim()
    run.fill(claim)
    deadline = time.monotonic() + 60
    while batch.get_task(claim.job_id, "bad").state != "completed" and time.monotonic() < deadline:
        time.sleep(0.1)
    again, summary = to_the_end(jobs.run(graph, pool, name, on_task_failure="continue"))
    assert again.job_id == claim.job_id
    assert "Tasks that had failed run again" in "\n".join(jobs.lines)
    assert summary["tasks"]["succeeded"] == 2


def test_what_cannot_be_repaired_runs_whole_and_says_why(
    jobs: Jobs, batch: BatchClient, storage: StorageAccess, pool: str
) -> None:
    def lose_job(job_id: str) -> None:
        batch.begin_delete_job(job_id, polling_interval=1).wait()

    def lose_blob(job_id: str) -> None:
        storage.container_client("batch-work").delete_blob(f"{job_id}/split/parts/b")

    def lose_result(job_id: str) -> None:
        storage.container_client("batch-work").delete_blob(f"{job_id}/split/told.json")

    for lose, why in (
        (lose_job, "is not there any more"),
        (lose_blob, "split/parts/b is not there any more"),
        (lose_result, "split/told.json is not there any more"),
    ):
        name = run_id()
        with pytest.raises(BatchJobFailedError) as failure:
            to_the_end(jobs.run(pipeline(), pool, name, on_task_failure="continue"))
        lose(failure.value.job_id)
        del jobs.lines[:]
        run = jobs.run(pipeline(), pool, name, on_task_failure="continue", submission=2)
        claim, summary = to_the_end(run)
        assert ids(batch, claim.job_id) == ["bad", "good", "merge", "split"]
        assert summary["repaired"] == []
        (told,) = [line for line in jobs.lines if "cannot be repaired, all tasks run again" in line]
        assert why in told


def test_a_changed_graph_runs_whole_and_says_why(jobs: Jobs, batch: BatchClient, pool: str) -> None:
    name = run_id()
    with pytest.raises(BatchJobFailedError):
        to_the_end(jobs.run(pipeline(), pool, name))
    claim, _ = to_the_end(jobs.run(pipeline(splits="echo a > parts/a; echo c > parts/b"), pool, name))
    assert ids(batch, claim.job_id) == ["bad", "good", "merge", "split"]
    assert any("the DAG, its parameters or the job's options were changed" in line for line in jobs.lines)


def test_when_the_repaired_job_is_deleted_the_next_try_runs_whole(
    jobs: Jobs, batch: BatchClient, pool: str
) -> None:
    name = run_id()
    with pytest.raises(BatchJobFailedError) as failure:
        to_the_end(jobs.run(pipeline(), pool, name, on_task_failure="continue"))
    run = jobs.run(pipeline(), pool, name, on_task_failure="continue")
    claim = run.claim()
    batch.begin_delete_job(failure.value.job_id, polling_interval=1).wait()
    with pytest.raises(BatchJobFailedError, match="that job is not there any more"):
        run.attached(claim.identity)
    third, summary = to_the_end(
        jobs.run(pipeline(splits="echo a > parts/a; echo b > parts/b"), pool, name,
                 on_task_failure="continue", submission=2)
    )  # fmt: skip
    assert third.identity.submission == 3
    assert any("builds on a job that is gone; ending it" in line for line in jobs.lines)
    assert summary["repaired"] == []


def test_outputs_that_have_a_place_of_their_own_are_taken_from_there(
    jobs: Jobs, batch: BatchClient, storage: StorageAccess, pool: str
) -> None:
    storage.ensure_container("results")
    graph = JobGraph()
    place = blob(f"results/{time.time_ns()}/one.txt")
    one = graph.task("one", shell("echo 1 > one.txt"), outputs={"one.txt": place})
    graph.task("two", shell(NOT_AT_FIRST + "grep 1 in"), inputs={"in": one.output("one.txt")})
    name = run_id()
    with pytest.raises(BatchJobFailedError):
        to_the_end(jobs.run(graph, pool, name))
    claim, _ = to_the_end(jobs.run(graph, pool, name))
    assert ids(batch, claim.job_id) == ["two"]


def test_a_live_job_of_a_changed_graph_names_restart_as_the_way_out(jobs: Jobs, empty_pool: str) -> None:
    name = run_id()
    for number, command in enumerate(["/bin/true", "/bin/false"]):
        graph = JobGraph()
        graph.task("one", command)
        run = jobs.run(graph, empty_pool, name)
        if number == 0:
            claim = run.claim()
            continue
        with pytest.raises(BatchJobConflictError, match="on_retry='restart'"):
            run.claim()
    run.terminate(claim.job_id, "test")
