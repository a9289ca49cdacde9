"""The end of what tasks have printed, when their nodes went before it was read: from its copy in storage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_batch_provider.client.requests.steps import Say
from airflow_batch_provider.client.watching.streams import STREAMS, UNREAD, say_lines, whole_lines

if TYPE_CHECKING:
    from airflow_batch_provider.client.jobs.job_files import JobFiles


def unread_output(files: JobFiles | None, job_id: str, seen: Mapping[str, Sequence[int]]) -> Iterator[Say]:
    """Go on where following the tasks' output has stopped.

    Parameters:
        files: what jobs keep in storage, if anything.
        job_id: the job.
        seen: how far the output was read, as :meth:`Follower.state` gave it.

    Yields:
        The lines; and one that names the tasks of which there is no copy.
    """
    lost = []
    for task_id, (out, err, *end) in seen.items():
        if end != [UNREAD]:
            continue
        for name, offset in zip(STREAMS, (out, err), strict=True):
            begin = max(0, offset - 1)  # with the byte before, as the follower reads
            copy = files.copy_of(job_id, task_id, name, begin) if files else None
            if copy is None:
                lost.append(task_id)
                break
            _, lines = whole_lines(copy, offset - begin, final=True)
            yield from say_lines(task_id, name, lines)
    if lost:
        yield Say(
            f"The end of the output of {', '.join(lost)} is not shown: it could not be read before the "
            "nodes were gone, and storage has no copy of it"
        )
