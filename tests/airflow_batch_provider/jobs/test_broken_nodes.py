"""Jobs on nodes that break, on a real emulator that is told to break them."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.spec import JobGraph, shell
from demo.stack.accounts import BatchAccount
from tests.airflow_batch_provider.conftest import make_pool
from tests.airflow_batch_provider.jobs.conftest import Jobs
from tests.airflow_batch_provider.jobs.running import to_the_end
from tests.airflow_batch_provider.jobs.test_why_idle import end, make_job, watch_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

Control = Callable[[str, str, Any], None]


@pytest.fixture
def control(emulator: BatchAccount) -> Iterator[Control]:
    """Asks the emulator for what goes wrong; afterwards nothing does."""

    def ask(method: str, path: str, body: Any = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{emulator.endpoint}/emulator/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status < 300

    yield ask
    ask("DELETE", "faults")


def struck(emulator: BatchAccount) -> int:
    """How often the one fault of requests has struck."""
    with urllib.request.urlopen(f"{emulator.endpoint}/emulator/faults/counts", timeout=10) as answer:
        return int(json.load(answer)["requests"][0]["struck"])


def broken_from_the_start(code: str, **rule: Any) -> dict[str, Any]:
    return {"nodes": [{"fault": "failedBoot", "code": code, **rule}]}


@pytest.mark.parametrize("code", ["DiskFull", "ContainerInvalidImage", "NodeError"])
def test_pain_061_and_062_and_065_a_node_that_is_unusable_leaves_no_job_without_a_word(
    batch: BatchClient, control: Control, code: str
) -> None:
    control("PUT", "faults", broken_from_the_start(code))
    job_id = make_job(batch, make_pool(batch, nodes=1, slots=1))
    line = watch_until(batch, job_id, "is unusable")
    assert code in line.text
    assert "Next step: Correct what the error names" in line.text
    assert line.level == "warning"
    end(batch, job_id)


def test_pain_058_a_node_that_breaks_beside_a_good_one_stops_no_job(
    jobs: Jobs, batch: BatchClient, control: Control
) -> None:
    control("PUT", "faults", broken_from_the_start("NodeError", times=1))
    graph = JobGraph()
    graph.fan_out("t", range(3), lambda number: {"command": shell("true")})
    pool_id = make_pool(batch, nodes=2, slots=1)
    _, summary = to_the_end(jobs.run(graph, pool_id))
    assert summary["tasks"]["succeeded"] == 3
    assert "unusable" in {node.state for node in batch.list_nodes(pool_id)}


def test_pain_059_a_node_that_azure_took_back_is_told_to_come_again(
    batch: BatchClient, control: Control
) -> None:
    pool_id = make_pool(batch, nodes=1, slots=1)
    job_id = make_job(batch, pool_id)
    watch_until(batch, job_id, "1 running")
    control("POST", "preemptions", {"poolId": pool_id, "count": 1, "awaySeconds": 3600})
    line = watch_until(batch, job_id, "taken back by Azure (Spot), coming again by themselves")
    assert line.level == "info"
    end(batch, job_id)


def test_pain_060_a_500_while_logs_are_read_fails_no_job_and_loses_no_line(
    jobs: Jobs, pool: str, emulator: BatchAccount, control: Control, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    graph, done = JobGraph(), tmp_path / "done"
    # The first two reads are of a task that runs, the next two of one that has ended.
    graph.task("t", shell(f"echo first; until [ -e {done} ]; do sleep 0.05; done; echo last"))

    def go_on(_seconds: float) -> None:
        if struck(emulator) == 2:
            done.touch()
            while jobs.batch.get_task(job_id, "t").state != "completed":
                time.sleep(0.05)

    control(
        "PUT",
        "faults",
        {"requests": [{"fault": "serverError", "operations": ["download_task_file"], "times": 4}]},
    )
    run = jobs.run(graph, pool, sleep=go_on)
    job_id = run.claim().job_id
    _, summary = to_the_end(run, log_tasks=True)
    assert summary["tasks"] == {"total": 1, "succeeded": 1, "failed": 0}
    assert struck(emulator) == 4
    assert [line for line in jobs.lines if line.startswith("[t]")] == ["[t] first", "[t] last"]


def test_pain_173_polls_that_fail_cancel_no_healthy_task(
    jobs: Jobs, pool: str, emulator: BatchAccount, control: Control, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    graph, done = JobGraph(), tmp_path / "done"
    graph.task("t", shell(f"until [ -e {done} ]; do sleep 0.05; done"))
    run = jobs.run(graph, pool, sleep=lambda _seconds: done.touch() if struck(emulator) == 5 else None)
    run.fill(run.claim())
    polls = ["get_job", "list_jobs", "get_job_task_counts"]
    control("PUT", "faults", {"requests": [{"fault": "serverError", "operations": polls, "times": 5}]})
    claim, summary = to_the_end(run)
    assert summary["tasks"] == {"total": 1, "succeeded": 1, "failed": 0}
    info = jobs.batch.get_task(claim.job_id, "t").execution_info
    assert (info.retry_count, info.requeue_count) == (0, 0)
