"""Containers of the storage account."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["ensure_containers"]


def ensure_containers(connection_string: str, names: Iterable[str]) -> None:
    """Make containers unless they are there."""
    from azure.core.exceptions import ResourceExistsError
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient.from_connection_string(connection_string) as service:
        for name in names:
            try:
                service.create_container(name)
            except ResourceExistsError:
                continue
