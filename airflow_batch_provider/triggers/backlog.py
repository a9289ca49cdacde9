"""How many DAG runs wait already: a watcher makes no more of them while they pile up."""

from __future__ import annotations

import logging
from collections.abc import Sequence

log = logging.getLogger(__name__)


class Backlog:
    """The runs of some DAGs that Airflow has created and not begun.

    :param dag_ids: whose runs count, each DAG for itself.
    :param most: runs in state ``queued`` at which a DAG has its fill.
    """

    def __init__(self, dag_ids: Sequence[str], most: int) -> None:
        self._dag_ids = tuple(dag_ids)
        self._most = most
        self._full: str | None = None

    async def has_room(self) -> bool:
        """Whether another run may be made. What changes is said in the triggerer's log."""
        full = None
        for dag_id in self._dag_ids:
            waiting = await _queued_runs(dag_id)
            if waiting >= self._most:
                full = f"{waiting} run(s) of DAG {dag_id!r} are queued"
                break
        if full and self._full is None:
            log.info("%s: blobs wait until fewer are (max_queued_runs=%d).", full, self._most)
        elif self._full and full is None:
            log.info("Fewer runs are queued: waiting blobs go on.")
        self._full = full
        return full is None


async def _queued_runs(dag_id: str) -> int:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    from asgiref.sync import sync_to_async

    return int(await sync_to_async(RuntimeTaskInstance.get_dr_count)(dag_id=dag_id, states=["queued"]))
