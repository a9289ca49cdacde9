"""What an instance of a mapped task knows of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Context

_FINISHED = ("success", "failed", "skipped", "upstream_failed", "removed")
_AT_WORK = ("running", "deferred", "queued", "scheduled")
"""Such an instance has put its task into the job, or will end here in its turn."""

_GIVEN_UP = "azure_batch_given_up"
"""XCom of a try that failed before its task was in the job; a further try begins without it."""


def count_instances(
    context: Context, states: Sequence[str] | None = None, map_index: int | None = None
) -> int:
    """How many instances the Airflow task has in this run; in these states, or of this map index."""
    ti = context["ti"]
    if (getattr(ti, "map_index", -1) or 0) < 0:
        return 1
    found = ti.get_ti_count(
        ti.dag_id,
        map_index=map_index,
        task_ids=[ti.task_id],
        run_ids=[ti.run_id],
        states=None if states is None else list(states),
    )
    return int(found)


def all_have_begun(context: Context) -> bool:
    """Whether the task is mapped and each instance has ended, or will in its turn look at the others."""
    instances = count_instances(context)
    return instances > 1 and count_instances(context, [*_FINISHED, *_AT_WORK]) >= instances


def give_up(context: Context) -> None:
    """Tell the others that this instance has failed before its task was in the job."""
    context["ti"].xcom_push(key=_GIVEN_UP, value=True)


def comes_no_more(context: Context, map_index: int) -> bool:
    """Whether an instance whose task is not in the job will not put it there."""
    ti = context["ti"]
    if ti.xcom_pull(task_ids=ti.task_id, map_indexes=map_index, key=_GIVEN_UP) is True:
        return True
    return count_instances(context, _FINISHED, map_index) > 0
