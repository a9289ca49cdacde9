"""One Batch task of a group's job, as the Airflow task that stands for it drives it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.jobs.claim import Found
from airflow_batch_provider.client.jobs.job_run import JobRun
from airflow_batch_provider.client.jobs.outcome import Outcome
from airflow_batch_provider.client.jobs.preparation import printed_by_preparation
from airflow_batch_provider.client.jobs.unread_output import unread_output
from airflow_batch_provider.client.requests.drive import Driver, log_to
from airflow_batch_provider.client.requests.explained import explained
from airflow_batch_provider.client.requests.job_requests import get_job, terminate_job
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.client.requests.steps import Say
from airflow_batch_provider.client.tasks.group_jobs import terminate_task
from airflow_batch_provider.client.tasks.idle_errors import unprepared_error, why_late
from airflow_batch_provider.client.tasks.last_look import last_look, waits_for_others
from airflow_batch_provider.client.tasks.member_place import Attempt, find_place, judge_fate, read_fate
from airflow_batch_provider.client.tasks.member_report import member_report
from airflow_batch_provider.client.tasks.task_watch import TaskEnding, TaskWatch, waiting_of, watch_task
from airflow_batch_provider.client.tasks.time_limits import minutes
from airflow_batch_provider.client.watching.idle_tasks import IdleTasks, see_alone
from airflow_batch_provider.client.watching.looker import Looker
from airflow_batch_provider.client.watching.ration import Rations
from airflow_batch_provider.client.watching.streams import Follower, read_tail
from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobTimeoutError
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity

if TYPE_CHECKING:
    from airflow_batch_provider.client.jobs.job_files import JobFiles


class MemberRun:
    """Finds the Batch task of a member, watches it in this thread if asked to, and says what became of it.

    Parameters:
        graph: the member's own task, rendered.
        client: ``azure.batch.BatchClient``.
        files: what jobs keep in storage; None when the Airflow connection names no storage account.
        log: takes the lines for the task's log.
        no_retry_exit_codes: when it fails for good with one of these, another try is not worth it.
        sleep: waits so many seconds.
        measure: gets the outcome of the task, good or bad, when it is known.
    """

    def __init__(
        self,
        graph: JobGraph,
        client: Any,
        files: JobFiles | None,
        log: Any,
        no_retry_exit_codes: frozenset[int] = frozenset(),
        *,
        sleep: Callable[[float], None] = time.sleep,
        measure: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        (self._spec,) = graph.specs
        self.graph = graph
        self._client = client
        self._files = files
        self._no_retry_exit_codes = no_retry_exit_codes
        self._say = log_to(log)
        self._sleep = sleep
        self._measure = measure
        self._driver = Driver(client, self._say, sleep=sleep)

    def place(
        self, attempt: Attempt, own: Callable[[], JobRun], settle: Callable[[JobIdentity], None]
    ) -> str:
        """The id of the job in which the task runs, has run or runs again.

        Parameters:
            attempt: this try.
            own: makes the job of the task's own, if it needs one.
            settle: called with each identity of that job before it is asked for.

        Raises:
            BatchRequestError: the service refused a request.
        """
        with explained(f"Looking at task {attempt.task_id} of Batch job {attempt.job_id}"):
            job_id = self._driver.run(find_place(attempt))
        if job_id is not None:
            self._say(Say(f"Task {attempt.task_id} of Batch job {job_id}"))
            return job_id
        self._say(Say(f"Task {attempt.task_id} runs in a job of its own"))
        run = own()
        claim = run.claim(settle)
        if claim.found is not Found.SUCCEEDED:
            run.fill(claim)
        return claim.job_id

    def wait(self, watch: TaskWatch, follower: Follower) -> tuple[TaskEnding, str]:
        """Watch the task in this thread until it has ended; gives why it does not run, if so, too."""
        idle, waiting = IdleTasks(Rations()), waiting_of(watch.task_id)
        looker = Looker(self._driver, self._sleep, lambda job_id: see_alone(job_id, watch.task_id, idle))
        driver = Driver(self._client, self._say, sleep=self._sleep, look=looker)
        ending = driver.run(watch_task(watch, follower, time.time, waiting=waiting))
        return ending, str(waiting.reason or "")

    def unprepared(self, job_id: str, reason: str) -> BatchJobFailedError:
        """End the job, which is the group's, since no node can be prepared for any task of it.

        Returns:
            The error to raise, with what the preparation task has printed.
        """
        with explained(f"Ending Batch job {job_id}"):
            printed = self._driver.run(printed_by_preparation(job_id))
            self._driver.run(terminate_job(job_id, "AirflowPreparationFailed"))
            job = self._driver.run(get_job(job_id))
        self._measure(Outcome(job_id, job, cause=Layer.NODE_START))
        return unprepared_error(job_id, f"Batch job {job_id} is being ended", reason, printed)

    def last_look(self, job_id: str, ending: str) -> str:
        """Why watching ended, by how the task is now that a time of it is over.

        Returns:
            As ``last_look`` of this package; or ``held`` when it waits for the end of others of its job, and
            for no node.
        """
        with explained(f"Looking at task {self._spec.id} of Batch job {job_id}"):
            ending = self._driver.run(last_look(job_id, self._spec.id, ending))
            if ending == "unstarted" and self._driver.run(waits_for_others(job_id, self._spec.id)):
                return "held"
        return ending

    def end_late(
        self, job_id: str, reason: str, start_timeout: timedelta | None = None
    ) -> BatchJobTimeoutError:
        """End the task, since its time is over; its job and all else in it go on.

        Parameters:
            job_id: the job.
            reason: why it did not run in the end; empty: it did, or that is not known.
            start_timeout: in which it has not started; None: its time for all is over.

        Returns:
            The error to raise.
        """
        with explained(f"Ending task {self._spec.id} of Batch job {job_id}"):
            self._driver.run(terminate_task(job_id, self._spec.id))
            job = self._driver.run(get_job(job_id))
        self._measure(Outcome(job_id, job, cause=Layer.WALL_CLOCK))
        if start_timeout is None:
            told, why = (
                "was not done within the group's timeout",
                why_late(reason, "timeout and max_wall_clock"),
            )
        else:
            told = f"did not start within start_timeout={minutes(start_timeout)}"
            why = why_late(reason, "start_timeout", ran=False)
        return BatchJobTimeoutError(
            f"Task {self._spec.id} of Batch job {job_id} {told} and is being ended.\n{why}"
        )

    def tell_unread(self, job_id: str, seen: Mapping[str, Sequence[int]]) -> None:
        """Show what the task has printed and the follower, whose state ``seen`` is, could not read."""
        for line in unread_output(self._files, job_id, seen):
            self._say(line)

    def finish(self, job_id: str) -> dict[str, Any] | None:
        """Say what became of the task.

        Returns:
            ``job_id``, ``task_id``, ``exit_code``, ``result``, ``outputs`` (the blobs and prefixes that the
            author gave it) and ``work``, the ``container/prefix`` of all else that it left, or None without
            storage. No secret is in it. None when it has not ended.

        Raises:
            BatchJobFailedError: it failed or never ran; the text explains.
        """
        with explained(f"Reading the outcome of task {self._spec.id} of Batch job {job_id}"):
            fate = self._driver.run(read_fate(job_id, self._spec.id))
            if fate.pending:
                return None
            task, outcome = fate.task, judge_fate(fate, self.graph)
            done = task is not None and task.succeeded
            tolerated = task is not None and not done and self._spec.tolerates(task.exit_code)
            if not done and not tolerated:
                told = member_report(
                    fate, lambda task_id, stream: self._tail(job_id, stream), self._no_retry_exit_codes
                )
                self._measure(replace(outcome, cause=told.layer))
                raise told.error(job_id)
        self._measure(outcome)
        assert task is not None, "otherwise it did not succeed"
        if tolerated:
            self._say(Say(f"Exit code {task.exit_code} is one that the group reckons with", "warning"))
        files = self._files
        outputs = (output.destination for output in self._spec.outputs)
        return {
            "job_id": job_id,
            "task_id": self._spec.id,
            "exit_code": task.exit_code,
            "result": files.result(self.graph, job_id, self._spec.id)
            if files and done and self._spec.result is not None
            else None,
            "outputs": sorted(str(place) for place in outputs if place is not None),
            "work": f"{files.place(job_id)}/{self._spec.id}" if files else None,
        }

    def _tail(self, job_id: str, stream: str) -> str | None:
        """From the node while it is there, else from the copy in the work area."""
        tail = self._driver.run(read_tail(job_id, self._spec.id, stream))
        if tail is not None or self._files is None:
            return tail
        return self._files.last_lines(job_id, self._spec.id, stream)
