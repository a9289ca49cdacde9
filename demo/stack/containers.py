"""Containers of the storage account."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["ensure_containers"]


def ensure_containers(connection_string: str, names: Iterable[str], public: Iterable[str] = ()) -> None:
    """Make containers unless they are there.

    Parameters:
        connection_string: of the storage account.
        names: of the containers.
        public: those of them whose blobs anyone may read who can reach the account.
    """
    from azure.core.exceptions import ResourceExistsError
    from azure.storage.blob import BlobServiceClient

    open_to_all = set(public)
    with BlobServiceClient.from_connection_string(connection_string) as service:
        for name in names:
            try:
                service.create_container(name, public_access="blob" if name in open_to_all else None)
            except ResourceExistsError:
                continue
