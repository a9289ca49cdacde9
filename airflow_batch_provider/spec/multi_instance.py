"""A task that takes several nodes at once, such as an MPI program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.spec.command import Command, OperatingSystem, command_line
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef
from airflow_batch_provider.spec.resources import plain_inputs, resources

if TYPE_CHECKING:
    from airflow_batch_provider.spec.file_access import JobFileAccess

_WHERE = "multi_instance"


@dataclass(frozen=True)
class MultiInstance:
    """Several nodes at once for one task: each runs the coordination command, then one the task's command.

    The pool needs ``inter_node_communication`` and one task slot per node; on any other the task waits for
    ever. The nodes' addresses are in ``AZ_BATCH_NODE_LIST`` and ``AZ_BATCH_HOST_LIST``. If one node is
    preempted the whole task runs again.

    Parameters:
        nodes: how many, 1 or more.
        coordination_command: runs on each of them first, and must end with 0: to start a service there in the
            background, or ``shell("exit 0")``.
        common_inputs: files for all of them, as path to source, where source is ``blob(...)`` or a URL. They
            arrive in ``AZ_BATCH_TASK_SHARED_DIR``; the task's own inputs go to its first node only.

    Raises:
        SpecError: what the service would refuse.

    Source: Azure Batch: *Use multi-instance tasks to run MPI applications*.
    """

    nodes: int
    coordination_command: Command
    common_inputs: Mapping[str, BlobRef | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.nodes, int) or isinstance(self.nodes, bool) or self.nodes < 1:
            raise SpecError(
                f"nodes is {self.nodes!r}", where=_WHERE, right="A whole number from 1 up is needed."
            )
        command_line(self.coordination_command, where=f"coordination_command of {_WHERE}")
        plain_inputs(self.common_inputs, where=_WHERE)

    def to_wire(self, files: JobFileAccess | None, system: OperatingSystem, *, where: str) -> dict[str, Any]:
        """The wire model MultiInstanceSettings.

        Parameters:
            files: gives nodes access to blobs; None: there is no storage.
            system: operating system of the nodes.
            where: the task, for errors.
        """
        wire: dict[str, Any] = {
            "numberOfInstances": self.nodes,
            "coordinationCommandLine": command_line(self.coordination_command, where=where, system=system),
        }
        common = resources(self.common_inputs, files, where=f"common_inputs of {where}")
        return {**wire, "commonResourceFiles": common} if common else wire
