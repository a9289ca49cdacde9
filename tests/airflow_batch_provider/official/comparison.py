"""What the two operators of one name do, as a test sees it and as ``docs/comparison.md`` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Behaviour:
    """One thing that was done with both.

    :param seen: name of the function of ``in_both.py`` that does it.
    :param question: in words.
    :param official: what is seen of the official operator, and how the page says it.
    :param ours: likewise.
    """

    seen: str
    question: str
    official: tuple[Any, str]
    ours: tuple[Any, str]


COMPARISON = (
    Behaviour(
        "busy_pool",
        "another job keeps a node of the pool busy, a node is free",
        ("waits", "waits, submits nothing"),
        ("success", "runs the task"),
    ),
    Behaviour(
        "failing_command",
        "the command ends with 1",
        ("failed", "the Airflow task fails"),
        ("failed", "the Airflow task fails"),
    ),
    Behaviour(
        "failure_explained",
        "the error shows what the command wrote",
        (False, "no"),
        (True, "yes"),
    ),
    Behaviour("output_in_log", "the task's output is in the Airflow log", (False, "no"), (True, "yes")),
    Behaviour(
        "others_failure",
        "a task of somebody else in the same job has failed",
        ("failed", "the Airflow task fails"),
        ("success", "the Airflow task succeeds"),
    ),
    Behaviour(
        "same_ids_again",
        "two DAG runs name the same job and task",
        (1, "the command runs once; the second run is green with the first one's result"),
        (2, "the command runs for each"),
    ),
    Behaviour(
        "retry",
        "a retry after a failure that would pass",
        ("failed", "finds the failed task again, fails"),
        ("success", "runs the command again, succeeds"),
    ),
    Behaviour(
        "ended_job",
        "the job has ended",
        ("success, ran nothing", "green; nothing ran"),
        ("success, ran", "runs the task in another job"),
    ),
    Behaviour(
        "kill",
        "the Airflow task is killed",
        ("ValueError, own active", "an error in `on_kill`; the Batch task goes on"),
        ("own completed, other active", "the own Batch task ends; others in the job go on"),
    ),
    Behaviour(
        "job_afterwards",
        "the job that was made for the task",
        ("active", "stays active, counts against the quota"),
        ("completed", "ends"),
    ),
    Behaviour(
        "secret_in_log",
        "a resource file with a SAS cannot be had",
        (True, "its signature is in the Airflow log"),
        (False, "its signature is not"),
    ),
    Behaviour(
        "spot_alone",
        "a pool of Spot nodes alone",
        ("failed", "the Airflow task fails"),
        ("success", "the task runs"),
    ),
    Behaviour(
        "parse_error",
        "a pool that can have no nodes",
        (False, "an error in the worker"),
        (True, "an error when the DAG is parsed"),
    ),
    Behaviour("azure_at_parse", "parsing the DAG imports an Azure SDK", (True, "yes"), (False, "no")),
)
