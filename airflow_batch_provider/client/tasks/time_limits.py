"""How long a single task is waited for, and the error when that time is over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from airflow_batch_provider.client.tasks.idle_errors import why_late
from airflow_batch_provider.client.tasks.task_watch import TaskWatch
from airflow_batch_provider.exceptions import BatchJobTimeoutError

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class TimeLimits:
    """What bounds the wait for a task, all of it counted in one go from its submission.

    Parameters:
        start: how long its start is waited for.
        run: how long it may take once it runs.
        whole: how much ``execution_timeout`` leaves for both together; None: there is none.
        start_name: the argument that ``start`` was given by.
    """

    start: timedelta
    run: timedelta
    whole: timedelta | None = None
    start_name: str = "start_timeout"

    def watch(self, job_id: str, task_id: str, now: float) -> TaskWatch:
        """What is watched for from now on (seconds since the epoch)."""
        latest = None if self.whole is None else now + self.whole.total_seconds()
        deadline = now + self._until_start.total_seconds()
        return TaskWatch(job_id, task_id, deadline, self.run.total_seconds(), latest)

    def error(self, ending: str, job_id: str, task_id: str, reason: str) -> BatchJobTimeoutError:
        """The error of a task that is ended since its time is over; it names what has bounded it.

        Parameters:
            ending: as ``watch_task`` gave it.
            job_id, task_id: the task.
            reason: why it did not run in the end; empty: it did, or that is not known.
        """
        name = self._name(ending)
        bounds = {
            self.start_name: f"start within {self.start_name}={minutes(self.start)}",
            "timeout": f"end within timeout={minutes(self.run)} of its start",
            "execution_timeout": f"{'start' if ending == 'unstarted' else 'end'} within the "
            f"{minutes(self.whole or self.run)} that execution_timeout leaves",
        }
        return BatchJobTimeoutError(
            f"Batch task {task_id} of job {job_id} did not {bounds[name]}; it is being ended.\n"
            + why_late(reason, name, ran=ending != "unstarted")
        )

    @property
    def _until_start(self) -> timedelta:
        return self.start if self.whole is None else min(self.start, self.whole)

    def _name(self, ending: str) -> str:
        if ending == "expired" or (ending == "unstarted" and self._until_start < self.start):
            return "execution_timeout"
        return self.start_name if ending == "unstarted" else "timeout"


def minutes(time: timedelta) -> str:
    """A time as it is told."""
    return f"{time / _MINUTE:g} minutes"
