"""The container that a task runs in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.files import is_template

HostData: TypeAlias = Literal["Shared", "Startup", "VfsMounts", "Task", "JobPrep", "Applications"]
_WHERE = "container"
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]*", re.ASCII)
_REFUSED = ("--gpus", "--name", "--cidfile", "--rm", "--label-file")
"""Options that the service or its node agent sets itself (Azure Batch: *Use containers on Batch nodes*)."""


@dataclass(frozen=True)
class Container:
    """A container that a task runs in, on a pool that has a container configuration.

    The task's working directory and the node's other Batch directories are mounted, and its variables are
    set. An empty command of the task runs what the image itself says.

    Parameters:
        image: as ``registry/repository:tag``; without a tag ``latest`` is taken. May hold Jinja.
        run_options: further arguments of ``docker create``; GPUs are given without any.
        registry: server of a private registry, if the pool does not name it already.
        registry_identity: ARM id of the pool's managed identity that may pull from ``registry``. There is no
            place for a password here, since a DAG is no place for one: put that into the pool's registries.
        working_directory: ``task`` or ``image``, the image's own.
        mounts: directories of the node to mount, each with whether it is read-only; None: all of them.

    Raises:
        SpecError: what the service would refuse.

    Source: Azure Batch REST reference: *BatchTaskContainerSettings*.
    """

    image: str
    run_options: str = ""
    registry: str | None = None
    registry_identity: str | None = None
    working_directory: Literal["task", "image"] = "task"
    mounts: Mapping[HostData, bool] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.image, str) or not (is_template(self.image) or _IMAGE.fullmatch(self.image)):
            raise SpecError(
                f"the image is {self.image!r}", where=_WHERE, right="Name it as 'registry/repository:tag'."
            )
        self._check_options()
        if (self.registry is None) != (self.registry_identity is None):
            raise SpecError(
                "registry and registry_identity go together",
                where=_WHERE,
                right="Give both, or neither when the pool names the registry.",
            )
        if self.working_directory not in ("task", "image"):
            raise SpecError(
                f"working_directory is {self.working_directory!r}",
                where=_WHERE,
                right="It is 'task' or 'image'.",
            )
        if self.mounts is not None:
            self._check_mounts(self.mounts)

    def to_wire(self) -> dict[str, Any]:
        """The wire model BatchTaskContainerSettings."""
        wire: dict[str, Any] = {"imageName": self.image}
        if self.run_options:
            wire["containerRunOptions"] = self.run_options
        if self.registry is not None:
            wire["registry"] = {
                "registryServer": self.registry,
                "identityReference": {"resourceId": self.registry_identity},
            }
        if self.working_directory == "image":
            wire["workingDirectory"] = "containerImageDefault"
        if self.mounts is not None:
            wire["containerHostBatchBindMounts"] = [
                {"source": source, "isReadOnly": read_only} for source, read_only in self.mounts.items()
            ]
        return wire

    def _check_options(self) -> None:
        try:
            options = shlex.split(self.run_options)
        except ValueError as error:
            raise SpecError(
                f"run_options cannot be read ({error})", where=_WHERE, right="Close the quotation."
            ) from None
        for option in options:
            if (name := option.partition("=")[0]) in _REFUSED:
                raise SpecError(
                    f"run_options has {name!r}", where=_WHERE, right="The node sets it itself; leave it out."
                )

    def _check_mounts(self, mounts: Mapping[HostData, bool]) -> None:
        known = get_args(HostData)
        for source in mounts:
            if source not in known:
                hint = nearest(str(source), known) or f"Known are {', '.join(known)}."
                raise SpecError(f"there is no mount {source!r}", where=_WHERE, right=hint)
        if "Task" not in mounts and self.working_directory == "task":
            raise SpecError(
                "the task's directory is not mounted, and is to be the working directory",
                where=_WHERE,
                right="Add 'Task' to mounts, or give working_directory='image'.",
            )
