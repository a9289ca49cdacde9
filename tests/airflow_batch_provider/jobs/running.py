"""Running a job to its end in the test's own thread."""

from __future__ import annotations

import time
from typing import Any

from airflow_batch_provider.client.jobs.claim import Claim, Found
from airflow_batch_provider.client.jobs.job_run import JobRun
from airflow_batch_provider.client.jobs.watching import Watch
from airflow_batch_provider.client.watching.streams import Follower


def to_the_end(run: JobRun, *, log_tasks: bool = False) -> tuple[Claim, dict[str, Any]]:
    """What the operator does, waiting in this thread."""
    claim = run.claim()
    follower = Follower(claim.job_id, log_tasks)
    for _ in range(10):
        graph = run.fill(claim)
        after = [expansion.after for expansion in graph.expansions]
        watch = Watch(claim.job_id, len(graph), after, time.time() + 90, graph.may_skip)
        ending = run.wait(watch, follower)
        claim = Claim(claim.identity, Found.ATTACHED)
        if ending != "expand":
            break
    assert ending in ("ended", "stalled")
    if ending == "stalled":
        run.terminate(claim.job_id, "AirflowNothingLeftToRun")
    return claim, run.finish(claim)
