"""How many runs a DAG has on its hands: a watcher announces no more blobs while it has its fill."""

from __future__ import annotations

import logging
from collections.abc import Sequence

log = logging.getLogger(__name__)


class Backlog:
    """The runs of some DAGs that have not ended.

    :param dag_ids: whose runs count, each DAG for itself.
    :param most: runs, queued or running, at which a DAG has its fill.
    """

    def __init__(self, dag_ids: Sequence[str], most: int) -> None:
        self._dag_ids = tuple(dag_ids)
        self._most = most
        self._full: str | None = None

    async def has_room(self) -> bool:
        """Whether another run may be made. What changes is said in the triggerer's log."""
        full = None
        for dag_id in self._dag_ids:
            full = full or await self._fill_of(dag_id)
        if full and self._full is None:
            log.info("%s: blobs wait until it has fewer than %d (max_runs).", full, self._most)
        elif self._full and full is None:
            log.info("Fewer runs have not ended: waiting blobs go on.")
        self._full = full
        return full is None

    async def _fill_of(self, dag_id: str) -> str | None:
        """Why this DAG shall have no further run; None when it may have one."""
        try:
            runs = await _unfinished_runs(dag_id)
        except Exception as error:  # a watcher that fails would begin anew, with all that it holds
            return f"The runs of DAG {dag_id!r} cannot be counted ({type(error).__name__})"
        return f"DAG {dag_id!r} has {runs} run(s) that have not ended" if runs >= self._most else None


async def _unfinished_runs(dag_id: str) -> int:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    from asgiref.sync import sync_to_async

    count = sync_to_async(RuntimeTaskInstance.get_dr_count)
    return int(await count(dag_id=dag_id, states=["queued", "running"]))
