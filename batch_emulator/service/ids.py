"""Names of things. Ids keep their case but are unique without regard to it: keys are lower case."""

from __future__ import annotations

import hashlib
import re

from batch_emulator.service.error_kinds import invalid, missing
from batch_emulator.service.limits import MAX_ID_LENGTH

_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_INTEGER = re.compile(r"[0-9]+", re.ASCII)
PREPARATION_ID = "jobpreparation"
RELEASE_ID = "jobrelease"


def check_id(value: object, name: str = "id") -> str:
    """An id that the service takes.

    :param name: property that holds it, for the error.
    :raises BatchError: ``InvalidPropertyValue``, or ``MissingRequiredProperty``.
    """
    if value is None:
        raise missing(name)
    if not isinstance(value, str) or not _ID.fullmatch(value) or len(value) > MAX_ID_LENGTH:
        raise invalid(
            name,
            value,
            f"An id has 1 to {MAX_ID_LENGTH} characters: letters, digits, hyphens and underscores",
        )
    return value


def check_version(value: str) -> str:
    """A version of an application package; it may have periods."""
    if not _VERSION.fullmatch(value) or len(value) > MAX_ID_LENGTH:
        raise invalid(
            "version", value, f"A version has 1 to {MAX_ID_LENGTH} letters, digits, or any of . _ -"
        )
    return value


def integer_of(task_id: str) -> int | None:
    """The number that a task's id is for a range of ids: ``4``, ``04`` and ``004`` are all task 4.

    Source: *Create task dependencies*.
    """
    return int(task_id) if _INTEGER.fullmatch(task_id) else None


def make_node_id(*parts: object, is_dedicated: bool) -> str:
    """An opaque node id in the shape that pools show today; the same parts make the same id."""
    digest = hashlib.sha256("/".join(str(part) for part in parts).encode()).hexdigest()
    return f"tvmps_{digest}_{'d' if is_dedicated else 'p'}"


def make_guid(*parts: object) -> str:
    """A GUID made of its parts."""
    digest = hashlib.sha256("/".join(str(part) for part in parts).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def affinity_of(node_id: str) -> str:
    """The affinity id of a node."""
    return f"TVM:{node_id}"


def schedule_job_id(schedule_id: str, number: int | str) -> str:
    """Id of a schedule's job; users cannot give one like it, because of the colon."""
    return f"{schedule_id}:job-{number}"


def schedule_of(job_id: str) -> str | None:
    """Id of the schedule that made a job, if one did."""
    schedule, colon, _ = job_id.partition(":")
    return schedule if colon else None


def task_root(job_id: str, task_id: str) -> str:
    """Directory of a task relative to the node's root. Source: *Files and directories in Azure Batch*."""
    return f"{job_root(job_id)}/{task_id}"


def job_root(job_id: str) -> str:
    """Directory of a job's tasks; jobs of a schedule have the schedule's directory."""
    schedule, colon, job = job_id.partition(":")
    return f"workitems/{schedule}/{job}" if colon else f"workitems/{job_id}/job-1"
