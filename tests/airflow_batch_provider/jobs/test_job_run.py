"""Jobs from submission to outcome, on a real emulator with real processes and blobs."""

from __future__ import annotations

import base64
import json
import time
from contextlib import suppress
from typing import Any

import pytest
from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.jobs.claim import Found
from airflow_batch_provider.exceptions import (
    BatchJobFailedError,
    BatchJobHopelessError,
    BatchRequestError,
)
from airflow_batch_provider.spec import JobGraph, MultiInstance, SpecError, blob, on_exit, shell
from demo.stack.accounts import BatchAccount
from tests.airflow_batch_provider.jobs.conftest import Jobs
from tests.airflow_batch_provider.jobs.running import to_the_end

pytestmark = pytest.mark.slow


def word_count(storage: StorageAccess) -> JobGraph:
    storage.ensure_container("incoming")
    storage.ensure_container("results")
    storage.upload_blob("incoming", "words.txt", "\n".join(f"w{n} and more" for n in range(40)))
    graph = JobGraph()
    split = graph.task(
        "split",
        shell("mkdir parts && split -n l/8 -d -a 1 --additional-suffix=.txt words.txt parts/"),
        inputs={"words.txt": blob("incoming/words.txt")},
        outputs=["parts/*.txt"],
    )
    count = graph.fan_out(
        "count",
        range(8),
        lambda i: dict(
            command="/bin/sh -c 'wc -w < part.txt > count.txt'",
            inputs={"part.txt": split.output(f"parts/{i}.txt")},
            outputs=["count.txt"],
        ),
    )
    total = graph.task(
        "total",
        shell('cat *.txt | awk \'{n += $1} END {print "{\\"words\\": " n "}"}\' > total.json'),
        inputs={f"{task.id}.txt": task.output("count.txt") for task in count},
        outputs={"total.json": blob("results/total.json")},
        result="total.json",
    )
    split >> count >> total
    return graph


def test_a_graph_with_fan_out_and_merge_runs_on_blobs_and_gives_its_result(
    jobs: Jobs, storage: StorageAccess, pool: str
) -> None:
    claim, summary = to_the_end(jobs.run(word_count(storage), pool))
    assert summary["results"] == {"total": {"words": 120}}
    assert summary["tasks"] == {"total": 10, "succeeded": 10, "failed": 0}
    assert summary["work"] == f"batch-work/{claim.job_id}"
    assert json.loads(storage.read_blob("results", "total.json", 1000)) == {"words": 120}
    assert storage.read_blob("batch-work", f"{claim.job_id}/count-0003/count.txt", 100).strip() == b"15"
    assert "10 of 10 tasks done, 0 running" in jobs.lines
    assert "sig=" not in json.dumps(summary) + "".join(jobs.lines)


def test_tasks_that_are_known_only_after_another_are_added_to_the_running_job(
    jobs: Jobs, batch: BatchClient, pool: str
) -> None:
    graph = JobGraph()
    plan = graph.task("plan", shell("echo '[3, 4]' > plan.json"), outputs=["plan.json"], result="plan.json")

    def build(numbers: list[int], *, label: str) -> JobGraph:
        more = graph.more()
        squares = more.fan_out(
            label,
            numbers,
            lambda n: dict(
                command=shell(f"echo {n * n} > out.txt"),
                inputs={"plan.json": plan.output("plan.json")},
                outputs=["out.txt"],
            ),
        )
        last = more.merge(
            "sum",
            shell("cat */out.txt | awk '{n += $1} END {print n}' > sum.json"),
            squares,
            collect="out.txt",
            outputs=["sum.json"],
            result="sum.json",
        )
        more.expand(after=last, build=close)
        return more

    def close(total: int) -> JobGraph:
        more = graph.more()
        more.task("close", shell(f"test {total} = 25"))
        return more

    graph.expand(after=plan, build=build, kwargs={"label": "square"})
    claim, summary = to_the_end(jobs.run(graph, pool))
    assert summary["results"] == {"plan": [3, 4], "sum": 25}
    assert sorted(task.id for task in batch.list_tasks(claim.job_id)) == [
        "close", "plan", "square-0000", "square-0001", "sum",
    ]  # fmt: skip


def test_a_failed_command_is_explained_with_its_output_and_ends_the_job(jobs: Jobs, pool: str) -> None:
    graph = JobGraph()
    bad = graph.task("bad", shell("echo working; echo 'no such codec: x265' >&2; exit 3"))
    graph.task("after", "/bin/true", depends_on=bad)
    graph.task("beside", shell("sleep 60"))
    with pytest.raises(BatchJobFailedError) as failure:
        to_the_end(jobs.run(graph, pool))
    text = str(failure.value)
    assert "Task bad: the command ended with an exit code other than 0 (exit code 3" in text
    assert "    | no such codec: x265" in text
    assert "    | working" in text
    assert "Likely cause:" in text
    assert "Next step:" in text
    assert "1 never ran because a task they wait for failed" in text
    assert "TaskFailed" in text
    assert failure.value.codes == ("FailureExitCode",)
    assert failure.value.layer == "command"
    assert not isinstance(failure.value, BatchJobHopelessError)


def test_a_missing_blob_and_a_missing_program_are_explained(
    jobs: Jobs, storage: StorageAccess, pool: str
) -> None:
    storage.ensure_container("incoming")
    graph = JobGraph()
    graph.task("reads", "/bin/true", inputs={"x": blob("incoming/not-there.bin")})
    with pytest.raises(BatchJobFailedError, match="a blob that the task reads does not exist"):
        to_the_end(jobs.run(graph, pool))
    graph = JobGraph()
    graph.task("runs", "no-such-program --help")
    with pytest.raises(BatchJobHopelessError, match="does not exist on the node"):
        to_the_end(jobs.run(graph, pool))


def test_in_a_job_that_continues_what_does_not_need_the_failed_task_runs_and_the_rest_is_told_of(
    jobs: Jobs, pool: str
) -> None:
    graph = JobGraph()
    bad = graph.task("bad", shell("exit 1"))
    bad >> graph.task("child", "/bin/true") >> graph.task("grandchild", "/bin/true")
    graph.task("other", shell("sleep 1"))
    with pytest.raises(BatchJobFailedError) as failure:
        to_the_end(jobs.run(graph, pool, on_task_failure="continue"))
    text = str(failure.value)
    assert "of 4 tasks 1 failed, 2 never ran because a task they wait for failed, 1 succeeded" in text
    assert "child, grandchild" in text


def test_an_exit_code_that_the_author_reckons_with_is_no_failure(jobs: Jobs, pool: str) -> None:
    graph = JobGraph()
    maybe = graph.task("maybe", shell("exit 7"), exit_conditions=[on_exit(range(5, 9), dependency="satisfy")])
    maybe >> graph.task("then", "/bin/true")
    _, summary = to_the_end(jobs.run(graph, pool))
    assert summary["tasks"] == {"total": 2, "succeeded": 1, "failed": 1}


def test_a_crash_at_any_request_leads_to_one_job_with_each_task_once(
    jobs: Jobs, batch: BatchClient, pool: str
) -> None:
    """The worker dies just before or just after each of its requests in turn; the next try goes on."""

    def small_graph() -> JobGraph:
        graph = JobGraph()
        first = graph.task("first", shell("echo x > $AZ_BATCH_NODE_SHARED_DIR/$AZ_BATCH_JOB_ID"))
        first >> graph.fan_out("rest", range(3), lambda i: dict(command="/bin/true"))
        return graph

    for when in ("before", "after"):
        for crash_at in range(1, 9):
            run_id = f"crash-{when}-{crash_at}-{time.time_ns()}"
            dying = _Dying(batch, crash_at, when)
            crashed = Jobs(dying, jobs.storage, []).run(small_graph(), pool, run_id)
            with suppress(_Died):
                crashed.fill(crashed.claim())
            claim, summary = to_the_end(jobs.run(small_graph(), pool, run_id))
            assert claim.identity.submission == 1
            assert summary["tasks"] == {"total": 4, "succeeded": 4, "failed": 0}
            ids = [task.id for task in batch.list_tasks(claim.job_id)]
            assert sorted(ids) == ["first", "rest-0000", "rest-0001", "rest-0002"]
            made = [job.id for job in batch.list_jobs() if job.id.startswith(claim.job_id[:-2])]
            assert made == [claim.job_id]


class _Died(BaseException):
    """As a kill: nothing catches it."""


class _Dying:
    """The client of a process that dies at its n-th request."""

    def __init__(self, client: BatchClient, at: int, when: str) -> None:
        self._client, self._left, self._when = client, at, when

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._when == "before":
                raise _Died
            answer = method(*args, **kwargs)
            if self._left == 0:
                raise _Died
            return answer

        return call


def test_a_retry_after_a_failed_job_submits_the_next_one(jobs: Jobs, pool: str) -> None:
    graph = JobGraph()
    graph.task("bad", shell("exit 1"))
    run_id = f"retry-{time.time_ns()}"
    for submission in (1, 2):
        with pytest.raises(BatchJobFailedError) as failure:
            to_the_end(jobs.run(graph, pool, run_id))
        assert failure.value.job_id.endswith(f"-{submission}")


def test_a_retry_after_a_job_that_succeeded_takes_it_as_done(jobs: Jobs, pool: str) -> None:
    graph = JobGraph()
    graph.task("good", "/bin/true")
    run_id = f"again-{time.time_ns()}"
    first, _ = to_the_end(jobs.run(graph, pool, run_id))
    run = jobs.run(graph, pool, run_id)
    claim = run.claim()
    assert claim.job_id == first.job_id
    assert claim.found is Found.SUCCEEDED
    assert run.finish(claim)["tasks"]["succeeded"] == 1


def test_a_job_of_another_graph_that_still_runs_is_not_touched(jobs: Jobs, empty_pool: str) -> None:
    run_id = f"changed-{time.time_ns()}"
    for number, command in enumerate(["/bin/true", "/bin/false"]):
        graph = JobGraph()
        graph.task("one", command)
        run = jobs.run(graph, empty_pool, run_id)
        if number == 0:
            run.fill(run.claim())
            continue
        with pytest.raises(Exception, match="still runs, and its tasks are not those of the DAG now"):
            run.claim()


def test_ten_thousand_tasks_are_submitted_each_once(jobs: Jobs, batch: BatchClient, empty_pool: str) -> None:
    graph = JobGraph()
    graph.fan_out("n", range(10_000), lambda i: dict(command="/bin/true"))
    run = jobs.run(graph, empty_pool)
    claim = run.claim()
    started = time.monotonic()
    run.fill(claim)
    took = time.monotonic() - started
    ids = [task.id for task in batch.list_tasks(claim.job_id, select=["id"])]
    assert len(ids) == len(set(ids)) == 10_000
    assert "Tasks submitted: 10,000; there already: 0" in jobs.lines
    assert took < 60
    run.terminate(claim.job_id, "test")


def test_a_pool_that_does_not_exist_or_is_too_small_is_refused_before_submission(
    jobs: Jobs, pool: str
) -> None:
    graph = JobGraph()
    graph.task("one", "/bin/true")
    with pytest.raises(BatchRequestError, match="the pool does not exist") as refused:
        jobs.run(graph, "no-such-pool").claim()
    assert refused.value.code == "PoolNotFound"
    graph = JobGraph()
    graph.task("big", "/bin/true", required_slots=5)
    with pytest.raises(SpecError, match=r"needs 5 slots, and a node of pool .* has 4"):
        jobs.run(graph, pool).claim()
    graph = JobGraph()
    graph.task("mpi", "/bin/true", multi_instance=MultiInstance(2, "true"))
    with pytest.raises(SpecError, match=r"nodes of pool .* may not talk to each other.*inter_node_comm"):
        jobs.run(graph, pool).claim()


def test_a_wrong_account_key_and_a_missing_account_read_like_help(
    jobs: Jobs, emulator: BatchAccount, pool: str
) -> None:
    graph = JobGraph()
    graph.task("one", "/bin/true")
    wrong = base64.b64encode(b"not the key of this account").decode()
    for endpoint, key, expected in (
        (emulator.endpoint, wrong, "Azure Batch does not accept the credentials"),
        ("http://127.0.0.1:9", emulator.key, "no answer from Azure Batch"),
    ):
        with BatchClient(endpoint, AzureNamedKeyCredential(emulator.name, key)) as client:
            with pytest.raises(BatchRequestError, match=expected) as refused:
                Jobs(client, jobs.storage, []).run(graph, pool, sleep=lambda seconds: None).claim()
            text = str(refused.value)
            assert "Likely cause:" in text
            assert "Next step:" in text
            assert key not in text


def test_the_output_of_running_tasks_is_shown_line_by_line_and_once(jobs: Jobs, pool: str) -> None:
    graph = JobGraph()
    graph.task("talks", shell("for i in 1 2 3; do echo line $i; sleep 0.5; done; printf 'no end' >&2"))
    to_the_end(jobs.run(graph, pool), log_tasks=True)
    said = [line for line in jobs.lines if line.startswith("[talks]")]
    assert said == ["[talks] line 1", "[talks] line 2", "[talks] line 3", "[talks] no end"]
