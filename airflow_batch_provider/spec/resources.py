"""Files that a node downloads before a command runs, where none can come from another task of the job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, TaskOutput, TaskOutputs, parse_inputs

if TYPE_CHECKING:
    from airflow_batch_provider.spec.file_access import JobFileAccess


def no_storage(what: str, where: str) -> SpecError:
    """The error of a file in a job whose connection names no storage account."""
    return SpecError(
        f"{what}, and the Airflow connection names no storage account",
        where=where,
        right="Fill in its extra field storage_conn_id (an Airflow connection of type wasb), "
        "storage_account_url or storage_connection_string.",
    )


def own_container(ref: BlobRef, access: JobFileAccess, where: str | None = None) -> str:
    """The container of a reference into the connection's own account.

    Raises:
        SpecError: it is in another account, to which outputs and prefixes have no access.
    """
    if not access.holds(ref):
        raise SpecError(
            f"{str(ref)!r} is in another storage account than the one of the Airflow connection",
            where=where,
            right="Outputs and prefixes go through the connection's account: write blob('container/...').",
        )
    return ref.container


def plain_inputs(inputs: object, *, where: str) -> tuple[tuple[str, BlobRef | str], ...]:
    """Check inputs that can only be blobs and URLs.

    Raises:
        SpecError: a path that leaves its directory, a source of another kind, or the output of a task.
    """
    plain: list[tuple[str, BlobRef | str]] = []
    for path, source in parse_inputs(inputs, where=where):
        if isinstance(source, (TaskOutput, TaskOutputs)):
            raise SpecError(
                "it cannot be the output of a task, which runs later",
                where=f"{where}, input {path!r}",
                right="Use blob(...) or a URL.",
            )
        plain.append((path, source))
    return tuple(plain)


def resources(inputs: object, access: JobFileAccess | None, *, where: str) -> list[dict[str, Any]]:
    """The wire models ResourceFile of blobs and URLs.

    Raises:
        SpecError: as :func:`plain_inputs`, or a blob without storage.
    """
    return [resource(path, source, access, where=where) for path, source in plain_inputs(inputs, where=where)]


def resource(path: str, source: BlobRef | str, access: JobFileAccess | None, *, where: str) -> dict[str, Any]:
    """The wire model ResourceFile of one blob, of all blobs below a prefix, or of a URL."""
    if isinstance(source, str):
        return {"httpUrl": source, "filePath": path}
    if access is None:
        raise no_storage(f"input {path!r} is a blob", where)
    if not source.is_prefix:
        return access.resource_file(source, path)
    directory = "" if path == "." else path
    return access.resource_prefix(own_container(source, access, where), source.name, directory)
