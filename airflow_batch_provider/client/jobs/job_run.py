"""One job from submission to outcome, as an Airflow task drives it with the synchronous client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.jobs.absent_outputs import absence
from airflow_batch_provider.client.jobs.claim import (
    Claim,
    Found,
    Retry,
    attached,
    claim_job,
    describe,
    existing_ids,
)
from airflow_batch_provider.client.jobs.expansion import grown
from airflow_batch_provider.client.jobs.job_plan import JobPlan
from airflow_batch_provider.client.jobs.late_error import TIMEOUT, late_error
from airflow_batch_provider.client.jobs.named_outputs import named_outputs
from airflow_batch_provider.client.jobs.outcome import Outcome, read_outcome
from airflow_batch_provider.client.jobs.pool_check import check_pool
from airflow_batch_provider.client.jobs.preparation import printed_by_preparation
from airflow_batch_provider.client.jobs.repair import Earlier
from airflow_batch_provider.client.jobs.report import report
from airflow_batch_provider.client.jobs.submission import add_tasks
from airflow_batch_provider.client.jobs.unread_output import unread_output
from airflow_batch_provider.client.jobs.watching import Ending, Watch, watch_job
from airflow_batch_provider.client.requests.drive import Driver, log_to
from airflow_batch_provider.client.requests.explained import explained
from airflow_batch_provider.client.requests.job_requests import end_when_done, get_job, terminate_job
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.client.requests.steps import Say, Script
from airflow_batch_provider.client.watching.idle_watch import IdleWatch
from airflow_batch_provider.client.watching.looker import Looker
from airflow_batch_provider.client.watching.pace import LONGEST
from airflow_batch_provider.client.watching.streams import Follower, read_tail
from airflow_batch_provider.exceptions import (
    BatchJobFailedError,
    BatchJobTimeoutError,
    BatchRequestError,
    BatchResultError,
)
from airflow_batch_provider.spec.compile import (
    JobStorage,
    check_without_storage,
    compile_tasks,
    fingerprint,
)
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity

if TYPE_CHECKING:
    from airflow_batch_provider.client.jobs.job_files import JobFiles

RESULTS_RETURNED = 100
"""Results that are returned; with more of them their blobs are to be read instead."""


class JobRun:
    """Submits a job, watches it in this thread if asked to, and says what became of it.

    Parameters:
        plan: what is to be submitted.
        client: ``azure.batch.BatchClient``.
        files: what jobs keep in storage; None when the Airflow connection names no storage account. Then no
            task can have inputs, outputs or a result there, and its streams stay on its node.
        log: takes the lines for the task's log.
        sleep: waits so many seconds.
        measure: gets the outcome of the job, good or bad, when it is known.

    Raises:
        SpecError: the tasks need storage and there is none, be it that it was taken from the connection while
            the job ran.
    """

    def __init__(
        self,
        plan: JobPlan,
        client: Any,
        files: JobFiles | None,
        log: Any,
        *,
        sleep: Callable[[float], None] = time.sleep,
        measure: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        if files is None:
            check_without_storage(plan.graph, plan.options)
        self.plan = plan
        self._client = client
        self._files = files
        self._say = log_to(log)
        self._sleep = sleep
        self._measure = measure
        self._driver = Driver(client, self._say, sleep=sleep)

    def claim(self, settle: Callable[[JobIdentity], None] = lambda identity: None) -> Claim:
        """Create the job, or find the one that an earlier try has created.

        Parameters:
            settle: called with each identity before its job is asked for, to be remembered in time.

        Raises:
            BatchRequestError: the pool does not exist, or the job was refused.
            BatchJobConflictError: the job id is taken by something else.
        """
        plan = self.plan
        if self._files is not None:
            self._files.prepare()
            if (shortfall := self._files.shortfall()) is not None:
                self._say(Say(shortfall, "warning"))
        else:
            self._say(Say("The connection names no storage account: the tasks' logs stay on their nodes"))
        if (auto := plan.options.auto_pool) is not None:
            auto.check_fits(plan.graph)
        else:
            pool_id, files = plan.options.pool_label, self._files
            with explained(f"Looking at pool {pool_id}"):
                self._driver.run(check_pool(pool_id, plan.graph, files.node_identity if files else None))
        with explained(f"Submitting Batch job {plan.identity.job_id}"):
            retry = Retry(plan.on_retry, plan.attempt, plan.no_retry_exit_codes, self._lost)
            script = claim_job(
                plan.identity,
                plan.options,
                plan.graph,
                self._fingerprint(),
                settle,
                self._storage_of,
                retry,
            )
            claim = self._driver.run(script)
        self._say(Say(describe(claim)))
        return claim

    def attached(self, identity: JobIdentity) -> Claim:
        """The job that this try has claimed already, to go on with it.

        Raises:
            BatchJobFailedError: a job whose work it builds on was deleted meanwhile.
        """
        with explained(f"Looking at Batch job {identity.job_id}"):
            return self._driver.run(attached(identity))

    def fill(self, claim: Claim) -> JobGraph:
        """Put into the job all tasks that are known by now and not in it yet.

        When none can follow, the job is told to end by itself.

        Returns:
            The graph with all tasks known by now; expansions left in it wait for their tasks.
        """
        job_id = claim.job_id
        with explained(f"Submitting the tasks of Batch job {job_id}"):
            graph = self.grown(claim)
            there = self._driver.run(existing_ids(job_id, claim))
            done = claim.earlier.homes
            tasks = compile_tasks(
                graph,
                self._storage_of(job_id, done),
                fail_fast=self.plan.options.fail_fast,
                without=there,
                done=done,
            )
            added = self._driver.run(add_tasks(job_id, tasks))
            if added is not None and not graph.expansions and not self.plan.stays_open:
                self._driver.run(end_when_done(job_id))
        if added:
            self._say(Say(f"Tasks submitted: {added:,}; there already: {len(there):,}"))
        return graph

    def grown(self, claim: Claim) -> JobGraph:
        """The graph with every expansion whose time has come; a whole job that is created now has none."""
        if claim.found is Found.CREATED and not claim.earlier.jobs:
            return self.plan.graph
        return self._driver.run(self._growing(claim.job_id, claim.earlier))

    def _growing(self, job_id: str, earlier: Earlier) -> Script[JobGraph]:
        graph, files = self.plan.graph, self._files
        if not graph.expansions or files is None:
            return graph

        def read(known: JobGraph, task_id: str) -> Any:
            return files.result(known, job_id, task_id, earlier.homes)

        return (yield from grown(graph, job_id, read, self.plan.render, earlier.views))

    def _lost(self, identity: JobIdentity, earlier: Earlier) -> Script[str | None]:
        """Why the rest of the graph cannot build on what earlier jobs hold; None: it can."""
        if self._files is None:
            return None
        try:
            graph = yield from self._growing(identity.job_id, earlier)
            return self._files.lost(graph, identity.job_id, earlier.homes)
        except (SpecError, BatchRequestError, BatchResultError) as error:
            return str(error).partition("\n")[0]

    def wait(
        self, watch: Watch, follower: Follower, idle: IdleWatch | None = None, *, longest: float = LONGEST
    ) -> Ending:
        """Watch the job in this thread until there is something to do; ``longest`` seconds between looks."""
        looker = Looker(self._driver, self._sleep, longest=longest)
        driver = Driver(self._client, self._say, sleep=self._sleep, look=looker)
        return driver.run(watch_job(watch, follower, time.time, idle=idle))

    def tell_unread(self, job_id: str, seen: Mapping[str, Sequence[int]]) -> None:
        """Show what the tasks have printed and the follower, whose state ``seen`` is, could not read."""
        for line in unread_output(self._files, job_id, seen):
            self._say(line)

    def terminate(self, job_id: str, reason: str) -> None:
        """Ask for the end of the job; its end is not waited for."""
        with explained(f"Ending Batch job {job_id}"):
            self._driver.run(terminate_job(job_id, reason))

    def has_ended(self, job_id: str) -> bool:
        """Whether the job has ended otherwise than by :meth:`end_late`: the watch may have seen nothing."""
        with explained(f"Looking at Batch job {job_id}"):
            job = self._driver.run(get_job(job_id))
        return job is None or (job.ended and job.reason != TIMEOUT)

    def end_late(
        self, job_id: str, reason: str, left: timedelta | None = None, start: timedelta | None = None
    ) -> BatchJobTimeoutError:
        """End the job, not waiting for its end, and give the error to raise, made by ``late_error``."""
        self.terminate(job_id, TIMEOUT)
        self._measure(Outcome(job_id, None, cause=Layer.WALL_CLOCK))
        return late_error(job_id, reason, self._place(job_id), left, start)

    def unprepared(self, job_id: str, reason: str) -> BatchJobFailedError:
        """End a job that no node can be prepared for.

        Parameters:
            job_id: the job.
            reason: why it waits in vain.

        Returns:
            The error to raise, with what the preparation task has printed.
        """
        with explained(f"Looking at the preparation of Batch job {job_id}"):
            printed = self._driver.run(printed_by_preparation(job_id))
        self.terminate(job_id, "AirflowPreparationFailed")
        self._measure(Outcome(job_id, None, cause=Layer.NODE_START))
        return BatchJobFailedError(
            f"Batch job {job_id} is being ended, since no task of it can run: {reason}{printed}",
            job_id=job_id,
            layer=Layer.NODE_START,
            work=self._place(job_id),
        )

    def finish(self, claim: Claim) -> dict[str, Any]:
        """Say what became of the job.

        Returns:
            ``job_id``, ``pool_id``, ``tasks`` (total, succeeded, failed), ``seconds`` (that the job took, and
            that its tasks ran all together), ``results`` by task, ``outputs``, the blobs and prefixes that
            the graph names as outputs (100 at most), ``work``, the ``container/prefix`` of all else that the
            job's tasks left, or None without storage, and ``repaired``, ids of earlier jobs whose work
            counts, oldest first. No secret is in it.

        Raises:
            BatchJobFailedError: a task failed or never ran; its text explains.
        """
        with explained(f"Reading the outcome of Batch job {claim.job_id}"):
            graph = self.grown(claim)
            outcome = self._driver.run(read_outcome(claim.job_id, graph, claim.earlier.views))
            self._measure(outcome)
            if (times := outcome.times()) is not None:
                self._say(Say(times))
            if not outcome.succeeded:
                told = report(
                    outcome,
                    lambda task_id, stream: self._tail(claim.job_id, task_id, stream),
                    self.plan.no_retry_exit_codes,
                    self.plan.no_retry_layers,
                    self._place(claim.job_id),
                )
                raise told.error(claim.job_id)
        return self._summary(claim, graph, outcome)

    def _summary(self, claim: Claim, graph: JobGraph, outcome: Outcome) -> dict[str, Any]:
        tolerated = {view.id for view in outcome.tolerated}
        if self._files is not None:
            other = {*tolerated, *outcome.skipped, *claim.earlier.homes}
            for task_id, pattern in self._files.absent(graph, claim.job_id, other):
                self._say(Say(absence(task_id, pattern), "warning"))
        wanted = [spec.id for spec in graph.specs if spec.result is not None and spec.id not in tolerated]
        if len(wanted) > RESULTS_RETURNED:
            self._say(
                Say(
                    f"{len(wanted)} tasks have results: they are left in their blobs, none is returned",
                    "warning",
                )
            )
            wanted = []
        return {
            "job_id": claim.job_id,
            "pool_id": (outcome.job and outcome.job.pool_id) or self.plan.options.pool_label,
            "tasks": {
                "total": outcome.total,
                "succeeded": outcome.succeeded_tasks,
                "failed": len(outcome.tolerated),
            },
            "seconds": {
                "job": None if outcome.job_time is None else round(outcome.job_time.total_seconds(), 3),
                "tasks": round(outcome.task_time.total_seconds(), 3),
            },
            "results": self._results(graph, claim, wanted),
            "outputs": named_outputs(graph),
            "work": self._place(claim.job_id),
            "repaired": list(claim.earlier.jobs),
        }

    def _place(self, job_id: str) -> str | None:
        return self._files.place(job_id) if self._files else None

    def _results(self, graph: JobGraph, claim: Claim, task_ids: list[str]) -> dict[str, Any]:
        files = self._files
        if files is None:
            return {}
        return {
            task_id: files.result(graph, claim.job_id, task_id, claim.earlier.homes) for task_id in task_ids
        }

    def _tail(self, job_id: str, task_id: str, stream: str) -> str | None:
        """From the node while it is there, else from the copy in the work area."""
        tail = self._driver.run(read_tail(job_id, task_id, stream))
        if tail is not None or self._files is None:
            return tail
        return self._files.last_lines(job_id, task_id, stream)

    def _storage_of(self, job_id: str, homes: Mapping[str, str] | None = None) -> JobStorage | None:
        return self._files.of(job_id, homes) if self._files else None

    def _fingerprint(self) -> str:
        """Tells whether a job that is there already is this one."""
        container = self._files.work_container if self._files else ""
        return fingerprint(self.plan.graph, self.plan.options, container)
