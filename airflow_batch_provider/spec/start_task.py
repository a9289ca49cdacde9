"""What runs on every node before any task: a pool's start task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from airflow_batch_provider.spec.checks import check_count
from airflow_batch_provider.spec.command import Command, OperatingSystem, command_line
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import Inputs
from airflow_batch_provider.spec.no_shell import warn_without_shell
from airflow_batch_provider.spec.resources import plain_inputs, resources
from airflow_batch_provider.spec.task_container import Container
from airflow_batch_provider.spec.values import environment_wire

if TYPE_CHECKING:
    from airflow_batch_provider.spec.file_access import JobFileAccess

_WHERE = "start task of a pool"


@dataclass(frozen=True)
class StartTask:
    """Prepares a node whenever it starts: on joining, after a reboot and after a preemption.

    It must therefore be able to run again (Azure Batch: *Nodes and pools*, 'Start task').

    Parameters:
        command: text as it is, or a list of arguments; not run by a shell (see ``shell``).
        inputs: files to download, path below the working directory to source. A SAS handed to a pool runs out
            while the pool lives on: let the connection name a node identity, or use an application package.
        environment: environment variables.
        admin: run with administrator rights.
        retries: how often to try again after a failure, -1 without limit.
        wait: whether tasks wait until it has succeeded.
        container: the container it runs in, on a pool that has ``containers``.
    """

    command: Command
    inputs: Inputs = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    admin: bool = False
    retries: int | str = 0
    wait: bool = True
    container: Container | None = None

    def __post_init__(self) -> None:
        command_line(self.command, where=_WHERE, may_be_empty=self.container is not None)
        if self.container is None:
            warn_without_shell(self.command, _WHERE)
        if not isinstance(self.container, (Container, type(None))):
            raise SpecError(
                f"container is {self.container!r}", where=_WHERE, right="Give Container('image')."
            )
        plain_inputs(self.inputs, where=_WHERE)
        object.__setattr__(
            self, "retries", check_count(self.retries, -1, 1_000_000, where=f"retries of the {_WHERE}")
        )

    def to_wire(self, files: JobFileAccess, system: OperatingSystem) -> dict[str, Any]:
        """The wire model BatchStartTask.

        Parameters:
            files: gives nodes access to blobs.
            system: the operating system of the nodes.
        """
        level: Literal["admin", "nonadmin"] = "admin" if self.admin else "nonadmin"
        wire: dict[str, Any] = {
            "commandLine": command_line(
                self.command, where=_WHERE, system=system, may_be_empty=self.container is not None
            ),
            "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": level}},
            "maxTaskRetryCount": self.retries,
            "waitForSuccess": self.wait,
        }
        if self.container is not None:
            wire["containerSettings"] = self.container.to_wire()
        sources = resources(self.inputs, files, where=_WHERE)
        if sources:
            wire["resourceFiles"] = sources
        if self.environment:
            wire["environmentSettings"] = environment_wire(self.environment.items())
        return wire
