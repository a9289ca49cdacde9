"""The virtual network that a job's nodes join while they run its tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_batch_provider.spec.arm_ids import check_subnet


@dataclass(frozen=True)
class JobNetwork:
    """A subnet that nodes join for this job, on a pool whose ``dynamicVNetAssignmentScope`` is ``job``.

    The service must have been enabled for it by Azure's support.

    Parameters:
        subnet_id: ARM id of the subnet; it must have room for all nodes of the pool.
        stay: whether nodes stay in the subnet when they have run all tasks of the job.

    Raises:
        SpecError: no ARM id of a subnet.

    Source: Azure Batch REST reference: *BatchJobNetworkConfiguration*.
    """

    subnet_id: str
    stay: bool = False

    def __post_init__(self) -> None:
        check_subnet(self.subnet_id, "network of the job")

    def to_wire(self) -> dict[str, Any]:
        """The wire model BatchJobNetworkConfiguration."""
        return {"subnetId": self.subnet_id, "skipWithdrawFromVNet": self.stay}
