"""An operator that makes sure a pool is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider import spec
from airflow_batch_provider.operators.pool_base import PoolActionOperator, PoolArguments, failure
from airflow_batch_provider.shared_arguments import OF_TARGETS

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.pools.pool_reading import WaitFor
    from airflow_batch_provider.client.pools.pool_watch import PoolWait
    from airflow_batch_provider.client.pools.pools import OnDrift
    from airflow_batch_provider.spec.pool import Pool

# A user delegation key, and so a SAS signed with one, lives seven days at most.
_SAS_LIFETIME = dt.timedelta(days=6)


def _check_pool(batch_pool: object, name: str, where: str) -> None:
    if not isinstance(batch_pool, spec.Pool):
        raise spec.SpecError(
            f"{name} is {batch_pool!r}", where=where, right="It is Pool(id=..., vm_size=..., ...)."
        )


class AzureBatchPoolOperator(PoolActionOperator):
    """Make sure a pool is there and as declared, and that it comes up; gives its id as XCom.

    Creating again is attaching: any number of DAG runs may ensure the same pool. Waiting is for the first
    nodes at most, never for all of them to be idle: Batch starts tasks on each node as it comes, and nodes
    that run tasks of another job are not idle.

    Parameters:
        batch_pool: the declaration; all its text is templated. (``pool`` is Airflow's own slot pool.)
        on_drift: what to do when the pool is there but not as declared: ``fail`` and say what differs,
            ``ignore`` it, ``patch`` what can be changed (start task, packages, metadata, size) and fail for
            the rest, or ``recreate`` the pool, which interrupts and requeues its tasks.
        wait_for: ``nodes``: until ``min_ready_nodes`` take tasks; ``steady``: until allocation has ended,
            which fails when it falls short; None: not at all.
        min_ready_nodes: None: 1 for a fixed scale above zero, else 0, since an autoscale formula may rightly
            want no nodes before there are tasks.
        check_limits: before a pool is made or patched to more nodes, compare it with the account's quotas
            and what other pools use of them, and with the cores of its VM size, where the management plane
            tells them. What can never come up fails at once and without retries, so does an image that Batch
            supports no more; nodes that have no room at present fail at once, and retries ask again.
        conn_id, wait_timeout, deferrable: the Airflow connection; the longest wait; whether it is in the
            triggerer.
    """

    template_fields: Sequence[str] = ("batch_pool", "conn_id")
    waits_before: ClassVar[WaitFor] = "gone"
    checks = kinds.extended(
        OF_TARGETS,
        batch_pool=_check_pool,
        on_drift=kinds.one_of("fail", "ignore", "patch", "recreate"),
        wait_for=kinds.one_of("nodes", "steady", None),
    )

    def __init__(
        self,
        *,
        batch_pool: Pool,
        on_drift: OnDrift = "fail",
        wait_for: Literal["nodes", "steady"] | None = "nodes",
        min_ready_nodes: int | None = None,
        check_limits: bool = True,
        **kwargs: Unpack[PoolArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.batch_pool = batch_pool
        self.on_drift = on_drift
        self.wait_for = wait_for
        self.min_ready_nodes = min_ready_nodes
        self.check_limits = check_limits
        self.check_arguments()
        if isinstance(batch_pool.scale, spec.FixedScale) and wait_for == "nodes" and on_drift != "ignore":
            batch_pool.scale.check_ready(min_ready_nodes, f"task {self.task_id!r}")

    @property
    def _target(self) -> str:
        return self.batch_pool.pool_id

    @property
    def _declared(self) -> spec.Pool:
        return self.batch_pool

    def _act(self, again: bool) -> bool:
        """Create the pool or attach to it; False while one of its id is being deleted."""
        from airflow.sdk.log import mask_secret

        from airflow_batch_provider.client.pools.images import with_image
        from airflow_batch_provider.client.pools.pools import ensure_pool

        for secret in self.batch_pool.secrets:
            mask_secret(secret)
        pool = self._carry_out(with_image(self.batch_pool))
        start_task = pool.start_task
        files = self._hook.storage(sas_lifetime=_SAS_LIFETIME) if start_task and start_task.inputs else None
        # The id goes by the declaration, not by the image that a pattern in it has come to mean today.
        wire = {**pool.to_wire(self._hook.settings, files), "id": self._target}
        if self.check_limits and not again:
            self._check_limits(wire)
        ensured = self._carry_out(ensure_pool(wire, self.on_drift, pool.identity_ids))
        if ensured.status == "missing":
            return self._create_with_identities(wire, pool.identity_ids)
        for difference in ensured.drift:
            self.log.warning("Pool %s is not as declared: %s", self._target, difference)
        self.log.info("Pool %s: %s", self._target, _SAID[ensured.status])
        return ensured.status != "deleting"

    def _check_limits(self, wire: Mapping[str, Any]) -> None:
        """Fail when the pool can never come up as declared, or its nodes cannot come now."""
        from airflow_batch_provider.client.pools.pool_requests import pool_exists

        needed = 0 if self.wait_for is None else self._wanted_nodes()
        if self.wait_for == "steady" and isinstance(self.batch_pool.scale, spec.FixedScale):
            needed = self.batch_pool.scale.nodes
        if not self._carry_out(pool_exists(self._target)):
            self._carry_out(self._limits.new_pool(wire, needed))
        elif self.on_drift == "patch":
            self._carry_out(self._limits.resize(self._target, wire, needed))

    def _create_with_identities(self, wire: Mapping[str, Any], identities: Sequence[str]) -> bool:
        """Create the pool through the management plane; False if someone else did in the meantime."""
        from airflow_batch_provider.client.pools.arm_pools import arm_pool, create_pool, explain_arm
        from airflow_batch_provider.client.requests.steps import Refusal

        settings = self._hook.settings
        try:
            body = arm_pool(wire, identities)
            create_pool(self._hook.management_client(), settings, self._target, body)
        except Refusal as refusal:
            if refusal.code in ("PoolExists", "PoolBeingDeleted"):
                return False
            explanation, fatal = explain_arm(refusal, settings, self._target)
            raise failure(str(explanation), fatal) from None
        self.log.info("Pool %s: created, with %s identities.", self._target, len(identities))
        return True

    def _awaited(self, deadline: float) -> PoolWait | None:
        from airflow_batch_provider.client.pools.pool_watch import PoolWait

        wanted = self._wanted_nodes()
        if self.wait_for is None or (self.wait_for == "nodes" and not wanted):
            return None
        return PoolWait(self._target, self.wait_for, wanted, deadline)

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
