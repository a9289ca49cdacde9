"""Access that shows what was asked of it, with a signature that must not be found in fingerprints."""

from __future__ import annotations

from typing import Any

from airflow_batch_provider.spec.files import BlobRef

ACCOUNT = "https://acct.blob.core.windows.net"


class NamedAccess:
    def __init__(self) -> None:
        self.signed = 0

    def holds(self, ref: BlobRef) -> bool:
        return ref.account_url in (None, ACCOUNT)

    def resource_file(self, ref: BlobRef, path: str) -> dict[str, Any]:
        self.signed += 1
        return {"httpUrl": f"{ACCOUNT}/{ref.container}/{ref.name}?sig={self.signed}", "filePath": path}

    def resource_prefix(self, container: str, prefix: str, path: str) -> dict[str, Any]:
        self.signed += 1
        entry = {"storageContainerUrl": f"{ACCOUNT}/{container}?sig={self.signed}"}
        entry.update({"blobPrefix": prefix} if prefix else {})
        entry.update({"filePath": path} if path else {})
        return entry

    def container_destination(self, container: str, path: str) -> dict[str, Any]:
        self.signed += 1
        entry = {"containerUrl": f"{ACCOUNT}/{container}?sig={self.signed}"}
        return {**entry, "path": path} if path else entry
