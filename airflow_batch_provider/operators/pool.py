"""An operator that makes sure a pool is there."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseOperator

from airflow_batch_provider import spec
from airflow_batch_provider.hooks.batch import AzureBatchHook

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import Context

    from airflow_batch_provider.client.pool_reading import WaitFor
    from airflow_batch_provider.client.pools import OnDrift
    from airflow_batch_provider.exceptions import BatchPoolError
    from airflow_batch_provider.spec.pool import Pool

_DRIFT_CHOICES = ("fail", "ignore", "patch", "recreate")
# A user delegation key, and so a SAS signed with one, lives seven days at most.
_SAS_LIFETIME = dt.timedelta(days=6)


class AzureBatchPoolOperator(BaseOperator):
    """Make sure a pool is there and as declared, and that it comes up; gives its id as XCom.

    Creating again is attaching: any number of DAG runs may ensure the same pool. Waiting is for the first
    nodes at most, never for all of them to be idle: Batch starts tasks on each node as it comes, and nodes
    that run tasks of another job are not idle.

    Parameters:
        batch_pool: the declaration; all its text is templated. (``pool`` is Airflow's own slot pool.)
        conn_id: id of the Airflow connection.
        on_drift: what to do when the pool is there but not as declared: ``fail`` and say what differs,
            ``ignore`` it, ``patch`` what can be changed (start task, packages, metadata, size) and fail for
            the rest, or ``recreate`` the pool, which interrupts and requeues its tasks.
        wait_for: ``nodes``: until ``min_ready_nodes`` take tasks; ``steady``: until allocation has ended,
            which fails when it falls short; None: not at all.
        min_ready_nodes: None: 1 for a fixed scale above zero, else 0, since an autoscale formula may rightly
            want no nodes before there are tasks.
        wait_timeout: longest wait.
        deferrable: wait in the triggerer instead of in a worker.
    """

    template_fields: Sequence[str] = ("batch_pool", "conn_id")
    ui_color = "#d5e8fb"

    def __init__(
        self,
        *,
        batch_pool: Pool,
        conn_id: str = AzureBatchHook.default_conn_name,
        on_drift: OnDrift = "fail",
        wait_for: Literal["nodes", "steady"] | None = "nodes",
        min_ready_nodes: int | None = None,
        wait_timeout: dt.timedelta = dt.timedelta(hours=1),
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        where = f"task {self.task_id!r}"
        if not isinstance(batch_pool, spec.Pool):
            raise spec.SpecError(
                f"batch_pool is {batch_pool!r}", where=where, right="It is Pool(id=..., vm_size=..., ...)."
            )
        if on_drift not in _DRIFT_CHOICES:
            from airflow_batch_provider.spec.errors import nearest

            hint = nearest(str(on_drift), _DRIFT_CHOICES) or f"It is one of {', '.join(_DRIFT_CHOICES)}."
            raise spec.SpecError(f"on_drift is {on_drift!r}", where=where, right=hint)
        if wait_for not in ("nodes", "steady", None):
            raise spec.SpecError(
                f"wait_for is {wait_for!r}", where=where, right="It is 'nodes', 'steady' or None."
            )
        self.batch_pool = batch_pool
        self.conn_id = conn_id
        self.on_drift = on_drift
        self.wait_for = wait_for
        self.min_ready_nodes = min_ready_nodes
        self.wait_timeout = wait_timeout
        self.deferrable = deferrable

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Render a pool's text wherever it is in the record; all else as Airflow does."""
        if isinstance(content, spec.Pool):
            return content.rendered(
                lambda text: str(
                    super(AzureBatchPoolOperator, self).render_template(text, context, jinja_env)
                )
            )
        return super().render_template(content, context, jinja_env, seen_oids)

    def execute(self, context: Context) -> str:
        """Ensure the pool, and wait for it."""
        deadline = time.time() + self.wait_timeout.total_seconds()
        if not self._ensure():
            self._wait("gone", deadline)
            # A wait that was deferred does not come back here but resumes in execute_complete.
            return self.execute(context)
        wanted = self._wanted_nodes()
        if self.wait_for == "steady" or (self.wait_for == "nodes" and wanted):
            self._wait(self.wait_for, deadline, wanted)
        return self.batch_pool.id

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> str:
        """Go on after a wait in the triggerer."""
        self._report(
            str(event["status"]), str(event["message"]), bool(event["fatal"]), list(event["warnings"])
        )
        return self.execute(context) if event["wait_for"] == "gone" else self.batch_pool.id

    def _ensure(self) -> bool:
        """Create the pool or attach to it; False while one of its id is being deleted."""
        from airflow_batch_provider.client.pools import PoolError, ensure_pool

        hook = AzureBatchHook(self.conn_id)
        start_task = self.batch_pool.start_task
        files = hook.storage(sas_lifetime=_SAS_LIFETIME) if start_task and start_task.inputs else None
        wire = self.batch_pool.to_wire(hook.settings, files)
        try:
            ensured = ensure_pool(hook.batch_client(), wire, self.on_drift)
        except PoolError as problem:
            raise _failure(str(problem), problem.fatal) from None
        for difference in ensured.drift:
            self.log.warning("Pool %s is not as declared: %s", self.batch_pool.id, difference)
        self.log.info("Pool %s: %s", self.batch_pool.id, _SAID[ensured.status])
        return ensured.status != "deleting"

    def _wait(self, wait_for: WaitFor, deadline: float, min_nodes: int = 0) -> None:
        from airflow_batch_provider.client.pool_watch import PoolWait, look_at_pool, wait_for_pool
        from airflow_batch_provider.triggers.pool import AzureBatchPoolTrigger

        client = AzureBatchHook(self.conn_id).batch_client()
        wait = PoolWait(self.batch_pool.id, wait_for, min_nodes, deadline)
        # Most often the pool is there already, and a deferral would take longer than the look.
        verdict, _ = look_at_pool(client, wait)
        if verdict.status == "wait" and self.deferrable:
            self.defer(
                trigger=AzureBatchPoolTrigger(
                    self.conn_id, self.batch_pool.id, wait_for, min_nodes, deadline
                ),
                method_name="execute_complete",
            )
        if verdict.status == "wait":
            verdict = wait_for_pool(client, wait, lambda line: self.log.info("Waiting: %s", line))
        self._report(verdict.status, str(verdict.explanation or ""), verdict.fatal, list(verdict.warnings))

    def _report(self, status: str, message: str, fatal: bool, warnings: Sequence[str]) -> None:
        for warning in warnings:
            self.log.warning("%s", warning)
        if status != "ready":
            raise _failure(message, fatal)

    def _wanted_nodes(self) -> int:
        if self.min_ready_nodes is not None:
            return self.min_ready_nodes
        return 1 if isinstance(self.batch_pool.scale, spec.FixedScale) and self.batch_pool.scale.nodes else 0


_SAID = {
    "created": "created.",
    "exists": "there already.",
    "patched": "there already; brought to its declaration.",
    "deleting": "one of this id is being deleted; it is made anew afterwards.",
}


def _failure(message: str, fatal: bool) -> BatchPoolError:
    """A failure that is retried, or one that is not because a retry cannot help."""
    from airflow_batch_provider.exceptions import BatchPoolError, BatchPoolHopelessError

    return BatchPoolHopelessError(message) if fatal else BatchPoolError(message)
