"""A pool that the service makes for a job, and deletes when the job has ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from airflow_batch_provider.spec.checks import check_choice
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, is_template
from airflow_batch_provider.spec.image import Image
from airflow_batch_provider.spec.limits import AUTO_POOL_PREFIX_LENGTH
from airflow_batch_provider.spec.naming import check_id, digest
from airflow_batch_provider.spec.pool import Pool
from airflow_batch_provider.spec.pool_fit import PoolFit
from airflow_batch_provider.spec.scale import FixedScale, fixed_nodes

if TYPE_CHECKING:
    from airflow_batch_provider.spec.file_access import JobFileAccess
    from airflow_batch_provider.spec.graph import JobGraph


@dataclass(frozen=True)
class AutoPool:
    """A pool of one job's own, or of all jobs of a job schedule; given in place of a pool's id.

    The service makes it with the job, in the same request, and deletes it when the job has ended, also when
    Airflow is gone. A retry that submits a further job gets a further pool.

    Parameters:
        pool: the declaration. Its ``id`` is no pool's id here: the service makes one of prefix and GUID.
        lifetime: ``job``: each job has its own. ``schedule``: one for all jobs of a job schedule, which goes
            with the schedule.
        keep_alive: the pool stays when its lifetime is over, for whoever deletes it.
        prefix: what the pool's id begins with, at most 20 characters; None: those of the declaration's id.
        account_resource_id: filled in by the worker, which knows the account that packages are of.
        image: filled in by the worker: the image that a pattern has led to.

    Raises:
        SpecError: what a pool made by the service cannot be.

    Source: Azure Batch REST reference: *BatchAutoPoolSpecification*.
    """

    pool: Pool
    lifetime: Literal["job", "schedule"] = "job"
    keep_alive: bool = False
    prefix: str | None = None
    # Known on a worker only, and no part of the declaration: what packages are of, and a pattern's image.
    account_resource_id: str = field(default="", repr=False, compare=False)
    image: Image | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.pool, Pool):
            raise SpecError(
                f"pool is {self.pool!r}", where="auto pool", right="It is AutoPool(Pool(id=..., ...))."
            )
        check_choice(self.lifetime, ("job", "schedule"), what="lifetime", where=self.where)
        if not isinstance(self.keep_alive, bool):
            raise SpecError(f"keep_alive is {self.keep_alive!r}", where=self.where, right="True or False.")
        self._check_prefix()
        for wrong, what, right in self._impossible():
            if wrong:
                raise SpecError(what, where=self.where, right=right)

    @property
    def where(self) -> str:
        """How errors name it."""
        return f"auto pool {self.pool.id!r}"

    @property
    def label(self) -> str:
        """What its id begins with."""
        return self.pool.id[:AUTO_POOL_PREFIX_LENGTH] if self.prefix is None else self.prefix

    @property
    def fingerprint(self) -> str:
        """Tells one declaration from another. No secret is in it."""
        kept = "kept" if self.keep_alive else "deleted"
        return "-".join((self.pool.fingerprint, digest(self.label), kept))

    @property
    def reads_blobs(self) -> bool:
        """Whether its start task reads blobs, for which nodes need access as long as it lives."""
        start_task = self.pool.start_task
        return start_task is not None and any(isinstance(ref, BlobRef) for ref in start_task.inputs.values())

    def check_fits(self, graph: JobGraph) -> None:
        """Refuse tasks that no node of it can ever run.

        Raises:
            SpecError: names the first.
        """
        pool = self.pool
        slots, nodes = pool.task_slots, fixed_nodes(pool.scale)
        known = slots if isinstance(slots, int) else None
        PoolFit(self.where, known, bool(pool.inter_node_communication), nodes).check(graph)

    def to_wire(self, files: JobFileAccess | None = None) -> dict[str, Any]:
        """The wire model BatchAutoPoolSpecification.

        Parameters:
            files: gives nodes access to the start task's blobs; None: the start task has none.
        """
        pool = self.pool if self.image is None else replace(self.pool, image=self.image)
        wire = pool.to_wire(self, files)
        del wire["id"]
        return {
            "autoPoolIdPrefix": self.label,
            "poolLifetimeOption": "jobschedule" if self.lifetime == "schedule" else "job",
            "keepAlive": self.keep_alive,
            "pool": wire,
        }

    def _check_prefix(self) -> None:
        if self.prefix is None or (isinstance(self.prefix, str) and is_template(self.prefix)):
            return
        check_id(self.prefix, where=f"prefix of {self.where}")
        if len(self.prefix) > AUTO_POOL_PREFIX_LENGTH:
            raise SpecError(
                f"prefix {self.prefix!r} has {len(self.prefix)} characters",
                where=self.where,
                right=f"Azure Batch takes at most {AUTO_POOL_PREFIX_LENGTH}.",
            )

    def _impossible(self) -> tuple[tuple[bool, str, str], ...]:
        pool = self.pool
        sizes = (pool.scale.dedicated, pool.scale.spot) if isinstance(pool.scale, FixedScale) else ()
        return (
            (
                pool.id_by_fingerprint,
                "id_by_fingerprint has no meaning for it",
                "The service makes its id, and each job has a new pool: leave id_by_fingerprint out.",
            ),
            (
                bool(pool.identity_ids),
                f"it would need the identity {pool.identity_ids[0] if pool.identity_ids else ''}",
                "The service gives pools that it makes itself no identities: have the pool made by "
                "AzureBatchPoolOperator, or use SAS and passwords.",
            ),
            (
                bool(sizes) and all(size == 0 for size in sizes),
                "it has no nodes",
                "Nobody can resize it in time: give scale=FixedScale(spot=2), or a formula.",
            ),
            (
                self.reads_blobs and (self.keep_alive or self.lifetime == "schedule"),
                "it outlives its job, and its start task reads blobs",
                "Nodes that join later could not read them, as SAS run out: use an application package.",
            ),
        )
