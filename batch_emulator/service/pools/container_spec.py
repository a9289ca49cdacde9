"""Containers as pools and tasks ask for them.

Source: *Run container workloads on Azure Batch*; *Container isolation for Batch tasks*; REST reference,
*ContainerConfiguration* and *TaskContainerSettings*.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import invalid, missing
from batch_emulator.service.errors import Failure

__all__ = ["POOL_NOT_SUPPORTED", "SETTINGS_MISSING", "check_configuration", "check_settings", "mismatch"]

# What may be in a reference to an image; whether it is one, the engine says.
_IMAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]*", re.ASCII)
DEFAULT_REGISTRY = "docker.io"
# What the node decides: the documents exclude the first, the others would break its own book-keeping.
_REFUSED_OPTIONS = ("--gpus", "--name", "--cidfile", "--rm", "--label-file")

POOL_NOT_SUPPORTED = Failure(
    "ContainerPoolNotSupported",
    "The pool does not support running tasks inside a container",
    details=(("Message", "The pool has no containerConfiguration"),),
)
# [U] The documents say that ordinary tasks and job managers on a container pool need container settings,
# and not what happens to one without. Decision: it fails before its command runs.
SETTINGS_MISSING = Failure(
    "TaskContainerSettingsMissing",
    "The task has no container settings, which tasks on a pool with containers need",
    details=(("Message", "Start, job preparation and job release tasks may run without"),),
)
_NEED_SETTINGS = ("task", "manager", "coordination")


def mismatch(kind: str, spec: Json, configuration: Json | None) -> Failure | None:
    """Why a run cannot be on its pool, if so.

    :param kind: of the run, as ``StartRun`` has it.
    :param spec: of the task.
    :param configuration: the pool's ``containerConfiguration``; ``None`` if it has none.
    """
    if configuration is None:
        return POOL_NOT_SUPPORTED if spec.get("containerSettings") is not None else None
    if kind in _NEED_SETTINGS and spec.get("containerSettings") is None:
        return SETTINGS_MISSING
    return None


def check_configuration(body: Json) -> Json:
    """A pool's container configuration with its defaults.

    :raises BatchError: an image without a name, a registry with both or neither way to log in.
    """
    where = "virtualMachineConfiguration.containerConfiguration"
    checked = {**body}
    for name in body.get("containerImageNames") or ():
        _check_image(name, f"{where}.containerImageNames")
    if "containerRegistries" in body:
        checked["containerRegistries"] = [
            check_registry(item, f"{where}.containerRegistries") for item in body["containerRegistries"]
        ]
    return checked


def check_registry(body: Json, where: str) -> Json:
    """A registry: by user name and password or by an identity of the pool, Docker Hub by default."""
    by_identity = body.get("identityReference") is not None
    by_password = body.get("username") is not None or body.get("password") is not None
    if by_identity and by_password:
        raise invalid(where, "", "Give identityReference, or username and password, not both")
    if by_password:
        for name in ("username", "password"):
            if not body.get(name):
                raise missing(f"{where}.{name}")
    if by_identity and not body["identityReference"].get("resourceId"):
        raise missing(f"{where}.identityReference.resourceId")
    return {"registryServer": DEFAULT_REGISTRY, **body}


def check_settings(body: Any, where: str) -> None:
    """A task's container settings.

    :param where: path of the property, for messages.
    :raises BatchError: no image, options that cannot be read or are the node's, folders twice or not enough.
    """
    if not str(body.get("imageName") or "").strip():
        raise missing(f"{where}.imageName")
    _check_image(body["imageName"], f"{where}.imageName")
    _check_options(body.get("containerRunOptions") or "", f"{where}.containerRunOptions")
    if "registry" in body:
        check_registry(body["registry"], f"{where}.registry")
    mounts = body.get("containerHostBatchBindMounts")
    if mounts is not None:
        _check_mounts(mounts, body.get("workingDirectory"), where)


def _check_image(name: str, where: str) -> None:
    if not _IMAGE_NAME.fullmatch(name):
        raise invalid(where, name, "An image has a name such as registry/repository:tag")


def _check_options(text: str, where: str) -> None:
    try:
        options = shlex.split(text)
    except ValueError as error:
        raise invalid(where, text, f"The options cannot be split: {error}") from None
    for option in options:
        if option.partition("=")[0] in _REFUSED_OPTIONS:
            raise invalid(where, option, "The option may not be given: the node sets it where it is needed")


def _check_mounts(mounts: list[Json], working_directory: str | None, where: str) -> None:
    path = f"{where}.containerHostBatchBindMounts"
    sources = []
    for mount in mounts:
        if not mount.get("source"):
            raise missing(f"{path}.source")
        sources.append(mount["source"])
    for source in sources:
        if sources.count(source) > 1:
            raise invalid(f"{path}.source", source, "A source may be given once only")
    if "Task" not in sources and working_directory != "containerImageDefault":
        raise invalid(
            f"{where}.workingDirectory",
            working_directory or "taskWorkingDirectory",
            "Without the mount of Task the working directory must be containerImageDefault",
        )
