"""One task in a job that others may share, from its pool to its outcome, with the synchronous client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.jobs.outcome import Outcome
from airflow_batch_provider.client.jobs.pool_check import check_pool
from airflow_batch_provider.client.jobs.preparation import printed_by_preparation
from airflow_batch_provider.client.jobs.report import report
from airflow_batch_provider.client.jobs.unread_output import unread_output
from airflow_batch_provider.client.pools.pool_watch import PoolWait, watch_pool
from airflow_batch_provider.client.pools.pools import PoolError, ensure_pool
from airflow_batch_provider.client.requests.drive import Driver, log_to
from airflow_batch_provider.client.requests.explained import explained
from airflow_batch_provider.client.requests.job_requests import GONE, end_when_done, get_job
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.client.requests.steps import Refusal, Say
from airflow_batch_provider.client.tasks.idle_errors import unprepared_error
from airflow_batch_provider.client.tasks.last_look import last_look
from airflow_batch_provider.client.tasks.single_task import (
    Settle,
    SharedTask,
    TaskClaim,
    claim_task,
    delete_idle_pool,
    delete_job,
    not_in_job,
    task_outcome,
    terminate_task,
    verified_images,
)
from airflow_batch_provider.client.tasks.task_watch import (
    LATE,
    TaskEvent,
    TaskWatch,
    task_event,
    waiting_of,
    watch_task,
)
from airflow_batch_provider.client.tasks.time_limits import TimeLimits
from airflow_batch_provider.client.watching.idle_tasks import IdleTasks, see_alone
from airflow_batch_provider.client.watching.looker import Looker
from airflow_batch_provider.client.watching.ration import Rations
from airflow_batch_provider.client.watching.streams import Follower, read_tail
from airflow_batch_provider.exceptions import BatchPoolError, BatchPoolHopelessError
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.official import OfficialPool

if TYPE_CHECKING:
    from airflow_batch_provider.client.jobs.job_files import JobFiles

_DELETION_SECONDS = 3600.0
"""For a pool of the same id to be gone: its nodes finish their tasks first."""


class SingleTaskRun:
    """Has a task run and says what became of it.

    Parameters:
        task: what is to be submitted.
        client: ``azure.batch.BatchClient``.
        log: takes the lines for the task's log.
        settle: called with job and task id before the task is asked for, to be remembered in time.
        limits: how long it is waited for.
        longest: ceiling of the time between two looks, in seconds.
        files: where its output is kept when its node has gone, if anywhere.
        sleep: waits so many seconds.
        measure: gets the outcome of the task, good or bad, when it is known.
    """

    def __init__(
        self,
        task: SharedTask,
        client: Any,
        log: Any,
        settle: Settle,
        limits: TimeLimits,
        *,
        longest: float,
        files: JobFiles | None = None,
        sleep: Callable[[float], None] = time.sleep,
        measure: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        self.task = task
        self.settle = settle
        self._limits = limits
        self._client = client
        self._say = log_to(log)
        self._longest = longest
        self._files = files
        self._sleep = sleep
        self._measure = measure
        self._driver = Driver(client, self._say, sleep=sleep)

    def ensure_pool(self, pool: OfficialPool) -> None:
        """Make the pool if there is none of its id; no node is waited for.

        Raises:
            BatchPoolError: it cannot be had.
        """
        image = None
        if pool.latest:
            with explained("Looking for the newest verified image"):
                image = pool.newest(self._driver.run(verified_images()))
        wire = pool.pool(image).to_wire(_NoAccount())
        if pool.start_task is not None:
            wire["startTask"] = dict(pool.start_task)
        try:
            ensured = self._driver.run(ensure_pool(wire, "ignore"))
            if ensured.status == "deleting":
                self._driver.run(watch_pool(PoolWait(pool.id, "gone", 0, time.time() + _DELETION_SECONDS)))
                ensured = self._driver.run(ensure_pool(wire, "ignore"))
        except PoolError as problem:
            raise (BatchPoolHopelessError if problem.fatal else BatchPoolError)(str(problem)) from None
        made = "created" if ensured.status == "created" else "there already; taken as it is"
        self._say(Say(f"Pool {pool.id}: {made}"))

    def check_pool(self, graph: JobGraph) -> None:
        """Look at the pool, unless one is made for the job: the service lets tasks without wait for ever.

        Parameters:
            graph: the task.

        Raises:
            BatchRequestError: there is no pool of its id.
            SpecError: it can never run the task.
        """
        if (pool_id := self.task.pool_id) is None:
            return
        identity = self._files.node_identity if self._files else None
        with explained(f"Looking at pool {pool_id}"):
            self._driver.run(check_pool(pool_id, graph, identity))

    def let_end(self, job_id: str, comes_no_more: Callable[[int], bool]) -> None:
        """Let the job end when its tasks are complete, if those that are missing will not come any more.

        If none is missing, whoever came last has seen to it. That the job cannot end does not change what
        became of our task.

        Parameters:
            job_id: the job.
            comes_no_more: whether the instance of a map index will put no task into it.
        """
        try:
            missing = self._driver.run(not_in_job(job_id, self.task))
            if missing and all(comes_no_more(index) for index in missing):
                self._driver.run(end_when_done(job_id))
        except Refusal as refusal:
            if refusal.code not in GONE:
                self._say(Say(f"Batch job {job_id} ends at its max_wall_clock only: {refusal}", "warning"))

    def claim(self) -> TaskClaim:
        """Submit the task, or find what an earlier try has submitted.

        Raises:
            BatchRequestError: the service refused job or task.
            BatchJobConflictError: too many tries have failed.
        """
        with explained(f"Submitting Batch task {self.task.task_id}"):
            claim = self._driver.run(claim_task(self.task, self.settle))
        how = "Attached to" if claim.attached else "Submitted"
        self._say(Say(f"{how} Batch task {claim.task_id} of job {claim.job_id}"))
        return claim

    def watch(self, claim: TaskClaim) -> TaskWatch:
        """What is to be watched for, from now on."""
        return self._limits.watch(claim.job_id, claim.task_id, time.time())

    def wait(self, watch: TaskWatch) -> TaskEvent:
        """Watch the task in this thread until there is something to do about it."""
        idle, waiting = IdleTasks(Rations()), waiting_of(watch.task_id)
        looker = Looker(
            self._driver,
            self._sleep,
            lambda job_id: see_alone(job_id, watch.task_id, idle),
            longest=self._longest,
        )
        driver = Driver(self._client, self._say, sleep=self._sleep, look=looker)
        follower = Follower(watch.job_id, which=True)
        ending = driver.run(watch_task(watch, follower, time.time, waiting=waiting))
        return task_event(watch, ending, waiting, follower)

    def finish(self, event: Mapping[str, Any]) -> None:
        """Nothing if the task did well; what nobody could read of its output is shown from its copy.

        Parameters:
            event: a :class:`TaskEvent`; one that was fired by an earlier version has not all of it.

        Raises:
            BatchJobFailedError: it did not; the text explains.
            BatchJobTimeoutError: its time is over; it is being ended.
        """
        job_id, task_id = str(event["job_id"]), str(event["task_id"])
        ending, reason = str(event["ending"]), str(event.get("reason") or "")
        for line in unread_output(self._files, job_id, event.get("seen") or {}):
            self._say(line)
        with explained(f"Reading the outcome of Batch task {task_id}"):
            if ending in LATE:
                ending = self._driver.run(last_look(job_id, task_id, ending))
            if ending in LATE:
                self._end(job_id, task_id, Layer.WALL_CLOCK)
                raise self._limits.error(ending, job_id, task_id, reason)
            if ending == "unprepared":
                # The job may be others' too; what is ours in it is this task.
                printed = self._driver.run(printed_by_preparation(job_id))
                self._end(job_id, task_id, Layer.NODE_START)
                ended = f"Batch task {task_id} of job {job_id} is being ended"
                raise unprepared_error(job_id, ended, reason, printed)
            outcome = self._driver.run(task_outcome(job_id, task_id))
            self._measure(outcome)
            if not outcome.succeeded:
                told = report(
                    outcome,
                    lambda each, stream: self._tail(job_id, each, stream),
                    exit_advice=self.task.exit_advice,
                )
                raise told.error(job_id)

    def _tail(self, job_id: str, task_id: str, stream: str) -> str | None:
        """From the node while it is there, else from its copy."""
        tail = self._driver.run(read_tail(job_id, task_id, stream))
        if tail is not None or self._files is None:
            return tail
        return self._files.last_lines(job_id, task_id, stream)

    def _end(self, job_id: str, task_id: str, cause: Layer) -> None:
        self._driver.run(terminate_task(job_id, task_id, self.task.owner))
        self._measure(Outcome(job_id, self._driver.run(get_job(job_id)), cause=cause))

    def clean_up(self, job_id: str, *, job: bool, pool: bool) -> None:
        """Delete job and pool if wanted; that one cannot be does not change what became of the task."""
        try:
            if job:
                self._driver.run(delete_job(job_id))
            if pool and self.task.pool_id is not None:
                self._driver.run(delete_idle_pool(self.task.pool_id))
        except Refusal as refusal:
            self._say(Say(f"Not everything was deleted: {refusal}", "warning"))


class _NoAccount:
    """These pools have no application packages, for which alone an account is asked."""

    account_resource_id = ""
