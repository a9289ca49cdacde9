"""What the official ``AzureBatchOperator`` was told, as a pool, a job and a task in wire form."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.image import Image
from airflow_batch_provider.spec.limits import ID_LENGTH
from airflow_batch_provider.spec.naming import check_id, digest
from airflow_batch_provider.spec.pool import Pool
from airflow_batch_provider.spec.scale import AutoScale, FixedScale
from airflow_batch_provider.spec.values import iso_duration, metadata_wire

OWNER_VARIABLE = "AIRFLOW_BATCH_OWNER"
"""Environment variable of a task by which it is known again: tasks have no metadata."""

JOB_MARK = "airflow-operator"
"""Metadata of the jobs that are made here, which end by themselves; jobs of others are left as they are."""

_GRACE = timedelta(minutes=5)
"""Beyond the operator's timeout, after which the service itself ends a task that nobody watches any more."""


@dataclass(frozen=True, kw_only=True)
class OfficialPool:
    """The pool, made only if there is none of its id.

    Parameters:
        id, vm_size, display_name: of the pool.
        publisher, offer, sku, version, node_agent: the marketplace image.
        sku_prefix: with ``latest``: what the image's SKU begins with.
        latest: take the newest image that the service has verified, with its node agent.
        dedicated, spot: how many nodes; None for those that a formula says.
        formula: the autoscale formula.
        start_task: wire model BatchStartTask.

    Raises:
        SpecError: what the official operator would refuse only in the worker.
    """

    id: str
    vm_size: str
    node_agent: str
    publisher: str | None = None
    offer: str | None = None
    sku: str | None = None
    version: str | None = None
    sku_prefix: str | None = None
    latest: bool = False
    dedicated: int | None = None
    spot: int | None = None
    auto: bool = False
    formula: str | None = None
    display_name: str | None = None
    start_task: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        where = f"pool {self.id!r}"
        if self.auto and (self.dedicated or self.spot):
            raise SpecError(
                "enable_auto_scale is set and so is a number of nodes",
                where=where,
                right="Leave target_dedicated_nodes and target_low_priority_nodes out.",
            )
        if self.auto and not self.formula:
            raise SpecError(
                "there is no auto_scale_formula", where=where, right="enable_auto_scale needs it."
            )
        if not self.auto and not self.dedicated and not self.spot:
            raise SpecError(
                "it has no size",
                where=where,
                right="Give target_dedicated_nodes, target_low_priority_nodes, or enable_auto_scale with a "
                "formula; without nodes no task would ever run.",
            )
        if self.latest and not (self.publisher and self.offer and self.sku_prefix):
            raise SpecError(
                "use_latest_verified_vm_image_and_sku is set",
                where=where,
                right="It needs vm_publisher, vm_offer and sku_starts_with.",
            )
        self.pool()

    def pool(self, image: Image | None = None) -> Pool:
        """The declaration.

        Parameters:
            image: the verified image that was found; None: the one that is named.
        """
        scale = (
            AutoScale(self.formula or "") if self.auto else FixedScale(self.dedicated or 0, self.spot or 0)
        )
        named = Image(
            self.publisher or "",
            self.offer or "",
            self.sku or self.sku_prefix or "",
            self.node_agent,
            self.version or "latest",
        )
        return Pool(
            id=self.id,
            vm_size=self.vm_size,
            image=image or named,
            scale=scale,
            display_name=self.display_name,
        )

    def newest(self, supported: Sequence[Mapping[str, Any]]) -> Image:
        """The newest verified image that fits.

        Parameters:
            supported: wire models BatchSupportedImage.

        Raises:
            SpecError: none fits; names what there is of this offer.
        """
        named = [(each["imageReference"], each["nodeAgentSKUId"]) for each in supported if _verified(each)]
        of_offer = [
            (reference, agent)
            for reference, agent in named
            if _same(reference["publisher"], self.publisher) and _same(reference["offer"], self.offer)
        ]
        prefix = (self.sku_prefix or "").lower()
        fitting = [pair for pair in of_offer if pair[0]["sku"].lower().startswith(prefix)]
        if not fitting:
            skus = ", ".join(sorted({reference["sku"] for reference, _ in of_offer})) or "none at all"
            raise SpecError(
                f"no verified image of {self.publisher}/{self.offer} has a SKU beginning with "
                f"{self.sku_prefix!r}",
                where=f"pool {self.id!r}",
                right=f"There are: {skus}.",
            )
        reference, agent = max(fitting, key=lambda pair: str(pair[0]["sku"]))
        return Image(
            reference["publisher"],
            reference["offer"],
            reference["sku"],
            agent,
            reference.get("version") or "latest",
        )


def _verified(image: Mapping[str, Any]) -> bool:
    return str(image.get("verificationType")).lower() == "verified"


def _same(one: str, other: str | None) -> bool:
    return one.lower() == (other or "").lower()


@dataclass(frozen=True, kw_only=True)
class OfficialTask:
    """One task in a job that others may share.

    Parameters:
        identity: the Airflow task instance.
        job_id, task_id: as the author named them.
        pool_id: of a job that has to be made.
        command: the command line.
        timeout: after which Airflow ends the task; the service does so a little later if Airflow is gone.
        job: further properties of a job that has to be made, in wire form.
        task: further properties of the task, in wire form.
    """

    identity: JobIdentity
    job_id: str
    task_id: str
    pool_id: str
    command: str
    timeout: timedelta
    job: Mapping[str, Any]
    task: Mapping[str, Any]

    def __post_init__(self) -> None:
        check_id(self.job_id, where="batch_job_id")
        check_id(self.task_id, where="batch_task_id")

    @property
    def owner(self) -> str:
        """Tells this task instance from all others, also from itself before it was cleared."""
        return f"{self.identity.owner}-{self.identity.generation}"

    @property
    def exit_advice(self) -> str:
        """What to do about an exit code that is no failure to the author."""
        return (
            "If the program's exit code, such as 3, is no failure to you, let the command end with 0 for it: "
            "batch_task_command_line=\"/bin/sh -c 'program || [ $? -eq 3 ]'\"; or write the task for "
            "AzureBatchJobOperator, which knows tolerated exit codes."
        )

    def job_ids(self) -> Iterator[str]:
        """The job as it was named, then others for when that has ended; the same for all tasks of a run."""
        yield self.job_id
        yield from _others(self.job_id, digest(self.identity.dag_id, self.identity.run_id)[:8])

    def task_ids(self) -> Iterator[str]:
        """The task as it was named, then others for when that is another's or has failed."""
        yield self.task_id
        yield from _others(self.task_id, f"{self.identity.owner[:8]}-{self.identity.generation}")

    def job_wire(self, job_id: str) -> dict[str, Any]:
        """The wire model BatchJobCreateOptions."""
        return {
            "id": job_id,
            "poolInfo": {"poolId": self.pool_id},
            "onAllTasksComplete": "noaction",
            "metadata": metadata_wire({JOB_MARK: "AzureBatchOperator", "airflow-dag": self.identity.dag_id}),
            **self.job,
        }

    def awaited(self, job_id: str) -> Collection[str]:
        """None: nobody knows who else will put tasks into the job."""
        return ()

    def task_wire(self, task_id: str, job_id: str) -> dict[str, Any]:
        """The wire model BatchTaskCreateOptions; it is the same in every job."""
        return {
            "id": task_id,
            "commandLine": self.command,
            "environmentSettings": [{"name": OWNER_VARIABLE, "value": self.owner}],
            "constraints": {"maxWallClockTime": iso_duration(self.timeout + _GRACE)},
            **self.task,
        }

    def owns(self, wire: Mapping[str, Any]) -> bool:
        """Whether a task was submitted for this task instance (wire model BatchTask)."""
        return owner_of(wire) == self.owner


def owner_of(wire: Mapping[str, Any]) -> str | None:
    """Who a task was submitted for; None when it was not submitted here."""
    settings = wire.get("environmentSettings") or ()
    return next((item.get("value") for item in settings if item.get("name") == OWNER_VARIABLE), None)


def _others(base: str, mark: str) -> Iterator[str]:
    for number in count(1):
        tail = f"-{mark}" if number == 1 else f"-{mark}-{number}"
        yield f"{base[: ID_LENGTH - len(tail)]}{tail}"
