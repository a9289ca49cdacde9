"""The accounts of the local stack: records that DAGs, tests and users are given."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["AZURITE_ACCOUNT", "AZURITE_KEY", "BatchAccount", "StorageAccount"]

# Azurite's well-known development account. Source: Microsoft Learn: *Use the Azurite emulator*. Not a secret.
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class StorageAccount:
    """The storage account, served by Azurite.

    Parameters:
        blob_port, queue_port, table_port: ports on this machine.
        name: name of the account.
        key: base64 key.
    """

    blob_port: int
    queue_port: int
    table_port: int
    name: str = AZURITE_ACCOUNT
    key: str = field(default=AZURITE_KEY, repr=False)

    @property
    def blob_endpoint(self) -> str:
        """Address of the blob service; the account is the first part of the path."""
        return f"http://127.0.0.1:{self.blob_port}/{self.name}"

    @property
    def queue_endpoint(self) -> str:
        """Address of the queue service."""
        return f"http://127.0.0.1:{self.queue_port}/{self.name}"

    @property
    def connection_string(self) -> str:
        """For the official clients; holds the key."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.name};AccountKey={self.key};"
            f"BlobEndpoint={self.blob_endpoint};QueueEndpoint={self.queue_endpoint};"
            f"TableEndpoint=http://127.0.0.1:{self.table_port}/{self.name};"
        )


@dataclass(frozen=True)
class BatchAccount:
    """The Batch account, served by the emulator.

    Parameters:
        endpoint: account URL.
        name: name of the account.
        key: base64 shared key.
    """

    endpoint: str
    name: str
    key: str = field(repr=False)
