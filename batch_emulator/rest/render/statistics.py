"""``stats`` of tasks, jobs and job schedules.

Source: Azure Batch REST reference, *TaskStatistics*, *JobStatistics*, *JobScheduleStatistics*.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from batch_emulator.rest.render.parts import present
from batch_emulator.service.durations import format_duration
from batch_emulator.service.entities import Json
from batch_emulator.service.statistics import Statistics

_GIB = 2**30
# The machine counts bytes; the operations that moved them are told in pages.
_PAGE = 4096


def render_task_statistics(
    figures: Statistics, waited: timedelta, since: datetime, now: datetime, url: str
) -> Json:
    """Statistics of one task.

    :param url: of the task.
    """
    return {**_common(figures, since, now, url), "waitTime": format_duration(waited)}


def render_job_statistics(figures: Statistics, since: datetime, now: datetime, url: str) -> Json:
    """Statistics of a job or a job schedule.

    :param url: of the job or the schedule.
    """
    return {
        **_common(figures, since, now, url),
        "numSucceededTasks": str(figures.succeeded),
        "numFailedTasks": str(figures.failed),
        "numTaskRetries": str(figures.retries),
        "waitTime": format_duration(timedelta(0)),
    }


def _common(figures: Statistics, since: datetime, now: datetime, url: str) -> Json:
    return {
        "url": f"{url}/stats",
        **present({"startTime": since, "lastUpdateTime": now}),
        "userCPUTime": _duration(figures.user),
        "kernelCPUTime": _duration(figures.kernel),
        "wallClockTime": _duration(figures.wall),
        "readIOps": str(-(-figures.read // _PAGE)),
        "writeIOps": str(-(-figures.written // _PAGE)),
        "readIOGiB": figures.read / _GIB,
        "writeIOGiB": figures.written / _GIB,
    }


def _duration(microseconds: int) -> str:
    return format_duration(timedelta(microseconds=microseconds))
