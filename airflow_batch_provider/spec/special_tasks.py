"""What a job runs on each node beside its tasks: preparation and release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.spec.command import Command, OperatingSystem, command_line
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef
from airflow_batch_provider.spec.limits import RELEASE_WALL_CLOCK
from airflow_batch_provider.spec.no_shell import warn_without_shell
from airflow_batch_provider.spec.options import constraints_wire, duration, environment_pairs, whole
from airflow_batch_provider.spec.resources import plain_inputs, resources
from airflow_batch_provider.spec.task_container import Container
from airflow_batch_provider.spec.users import AutoUser, check_user, user_wire
from airflow_batch_provider.spec.values import environment_wire, iso_duration

if TYPE_CHECKING:
    from airflow_batch_provider.spec.file_access import JobFileAccess


@dataclass(frozen=True)
class _OnEachNode:
    """What preparation and release have in common."""

    command: Command
    inputs: Mapping[str, BlobRef | str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    user: AutoUser | str | None = None
    container: Container | None = None
    max_wall_clock: timedelta | None = None
    retention: timedelta | None = None

    @property
    def where(self) -> str:
        """How errors name it."""
        return type(self).__name__

    def __post_init__(self) -> None:
        command_line(self.command, where=self.where, may_be_empty=self.container is not None)
        if self.container is None:
            warn_without_shell(self.command, self.where)
        plain_inputs(self.inputs, where=self.where)
        environment_pairs(self.environment, where=self.where)
        check_user(self.user, where=self.where)
        if not isinstance(self.container, (Container, type(None))):
            raise SpecError(
                f"container is {self.container!r}", where=self.where, right="It is Container(...)."
            )
        duration(self.max_wall_clock, "max_wall_clock", self.where)
        duration(self.retention, "retention", self.where)

    def _wire(self, files: JobFileAccess | None, system: OperatingSystem) -> dict[str, Any]:
        wire: dict[str, Any] = {
            "commandLine": command_line(
                self.command, where=self.where, system=system, may_be_empty=self.container is not None
            ),
            "resourceFiles": resources(self.inputs, files, where=self.where),
            "environmentSettings": environment_wire(self.environment.items()),
            "userIdentity": user_wire(self.user),
            "containerSettings": self.container.to_wire() if self.container else None,
        }
        return {name: value for name, value in wire.items() if value or name == "commandLine"}


@dataclass(frozen=True)
class JobPreparation(_OnEachNode):
    """Runs on each node before the first task of the job there: to fetch data or programs once per node.

    Tasks find what it has left in ``AZ_BATCH_JOB_PREP_WORKING_DIR``.

    Parameters:
        command: what to run; no shell runs it.
        inputs: path to source, where source is ``blob(...)`` or a URL.
        environment: environment variables.
        user: a pool's user account or an :class:`AutoUser`.
        container: the container it runs in.
        max_wall_clock: of one try.
        retention: of its directory on the node.
        max_retries: tries after the first, -1 without limit.
        wait: whether tasks wait for its success. A node on which it fails for good gets no task of the job;
            if that is every node, the job's tasks wait until ``max_wall_clock`` of the job.
        rerun_after_reboot: whether it runs again when a node was rebooted after its success.

    Raises:
        SpecError: what the service would refuse.

    Source: Azure Batch: *Run job preparation and job release tasks*.
    """

    max_retries: int | None = None
    wait: bool = True
    rerun_after_reboot: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self.max_retries, "max_retries", -1, self.where)

    def to_wire(self, files: JobFileAccess | None, system: OperatingSystem) -> dict[str, Any]:
        """The wire model BatchJobPreparationTask."""
        wire = self._wire(files, system)
        if limits := constraints_wire(self.max_wall_clock, self.retention, self.max_retries):
            wire["constraints"] = limits
        if not self.wait:
            wire["waitForSuccess"] = False
        if not self.rerun_after_reboot:
            wire["rerunOnNodeRebootAfterSuccess"] = False
        return wire


@dataclass(frozen=True)
class JobRelease(_OnEachNode):
    """Runs when the job ends, on the nodes where its preparation ran: to fetch what is left, or to clean up.

    Parameters:
        command, inputs, environment, user, container, retention: as for :class:`JobPreparation`.
        max_wall_clock: 15 minutes at most, which is also the service's default.

    Raises:
        SpecError: what the service would refuse.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_wall_clock is not None and self.max_wall_clock > RELEASE_WALL_CLOCK:
            raise SpecError(
                f"max_wall_clock is {self.max_wall_clock}",
                where=self.where,
                right="The service gives a release task 15 minutes at most.",
            )

    def to_wire(self, files: JobFileAccess | None, system: OperatingSystem) -> dict[str, Any]:
        """The wire model BatchJobReleaseTask."""
        wire = self._wire(files, system)
        if self.max_wall_clock is not None:
            wire["maxWallClockTime"] = iso_duration(self.max_wall_clock)
        if self.retention is not None:
            wire["retentionTime"] = iso_duration(self.retention)
        return wire


def job_preparation(given: JobPreparation | Command | None) -> JobPreparation | None:
    """A bare command is a preparation of that command."""
    return given if given is None or isinstance(given, JobPreparation) else JobPreparation(given)


def job_release(given: JobRelease | Command | None) -> JobRelease | None:
    """A bare command is a release of that command."""
    return given if given is None or isinstance(given, JobRelease) else JobRelease(given)
