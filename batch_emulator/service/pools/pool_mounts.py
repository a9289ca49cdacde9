"""File systems that a pool mounts on its nodes.

Source: *Mount a virtual file system on a Batch pool*; REST reference, *MountConfiguration*. A container of a
storage account can be had as a folder that is kept in step with it. The other kinds need a mount by the
operating system, which a process without the machine's rights cannot have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import invalid, missing, unsupported
from batch_emulator.service.errors import BatchError

__all__ = ["check_mounts", "mounts_of"]

BLOB = "azureBlobFileSystemConfiguration"
MAX_MOUNTS = 10
# Made when they are needed: an exception has a traceback of its own.
_NOT_MOUNTED: dict[str, Callable[[], BatchError]] = {
    "azureFileShareConfiguration": lambda: unsupported(
        "mountConfiguration.azureFileShareConfiguration",
        "Azure file shares are not mounted here, only containers of blobs",
    ),
    "cifsMountConfiguration": lambda: unsupported(
        "mountConfiguration.cifsMountConfiguration",
        "CIFS file systems are not mounted here, only containers of blobs",
    ),
    "nfsMountConfiguration": lambda: unsupported(
        "mountConfiguration.nfsMountConfiguration",
        "NFS file systems are not mounted here, only containers of blobs",
    ),
}
_KINDS = (BLOB, *_NOT_MOUNTED)
_REQUIRED = {
    BLOB: ("accountName", "containerName", "relativeMountPath"),
    "azureFileShareConfiguration": ("accountName", "accountKey", "azureFileUrl", "relativeMountPath"),
    "nfsMountConfiguration": ("source", "relativeMountPath"),
    "cifsMountConfiguration": ("username", "password", "source", "relativeMountPath"),
}
_CREDENTIALS = ("accountKey", "sasKey", "identityReference")


def check_mounts(mounts: list[Json]) -> list[Json]:
    """The mounts of a pool, as they were given.

    :raises BatchError: more than ten, not exactly one kind each, a path that is not below the folder of
        mounts or is there twice, a credential too many or none; ``UnsupportedProperty`` for what is right and
        cannot be mounted here.
    """
    if len(mounts) > MAX_MOUNTS:
        raise invalid("mountConfiguration", len(mounts), f"A pool has at most {MAX_MOUNTS} mounts")
    paths: list[str] = []
    for mount in mounts:
        kinds = [kind for kind in _KINDS if mount.get(kind) is not None]
        if len(kinds) != 1:
            raise invalid("mountConfiguration", ", ".join(kinds), f"Give exactly one of {', '.join(_KINDS)}")
        _check_mount(kinds[0], mount[kinds[0]], paths)
    for mount in mounts:
        for kind, refusal in _NOT_MOUNTED.items():
            if kind in mount:
                raise refusal()
    return mounts


def _check_mount(kind: str, settings: Json, paths: list[str]) -> None:
    where = f"mountConfiguration.{kind}"
    for name in _REQUIRED[kind]:
        if not settings.get(name):
            raise missing(f"{where}.{name}")
    path = str(settings["relativeMountPath"]).strip("/")
    parts = path.split("/")
    if settings["relativeMountPath"].startswith("/") or not path or {"", ".", ".."} & set(parts):
        raise invalid(f"{where}.relativeMountPath", path, "The path must lie below the folder of mounts")
    for other in paths:
        if f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/"):
            raise invalid(f"{where}.relativeMountPath", path, "A path may be given once, and in no other one")
    paths.append(path)
    if kind == BLOB:
        given = [name for name in _CREDENTIALS if settings.get(name)]
        if len(given) != 1:
            raise invalid(where, ", ".join(given), f"Give exactly one of {', '.join(_CREDENTIALS)}")


def mounts_of(mounts: Iterable[Json] | None) -> tuple[Json, ...]:
    """The containers of blobs among a pool's mounts."""
    return tuple(mount[BLOB] for mount in mounts or ())
