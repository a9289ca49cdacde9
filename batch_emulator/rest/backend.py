"""All that the HTTP layer knows of the rest of the emulator.

The runtime and the nodes satisfy these protocols structurally.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from batch_emulator.service.account import Account
    from batch_emulator.service.nodes.node_logs import LogRequest
    from batch_emulator.service.service import BatchService

T = TypeVar("T")


@dataclass(frozen=True)
class FileInfo:
    """A file or directory on a node.

    :param name: relative to the node's root, separated by ``/``.
    :param size: in bytes.
    :param mode: as ``stat`` gives it, file type included.
    """

    name: str
    is_directory: bool
    size: int
    last_modified: datetime
    mode: int


class NodeFiles(Protocol):
    """The disk of one node. Paths are relative to its root."""

    async def list(self, path: str, recursive: bool) -> Sequence[FileInfo]:
        """What a directory holds.

        :raises FileNotFoundError: when there is no such directory.
        """
        ...

    async def stat(self, path: str) -> FileInfo:
        """One file or directory.

        :raises FileNotFoundError: when there is none.
        """
        ...

    def read(self, path: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to, not including, ``end``; ``None`` is the end of the file."""
        ...

    async def delete(self, path: str, recursive: bool) -> None:
        """Remove a file, or a directory with all it holds.

        :raises FileNotFoundError: when there is none.
        :raises OSError: for a directory that is not empty, without ``recursive``.
        """
        ...


class LinkedStorage(Protocol):
    """The storage account that holds application packages."""

    async def upload_url(self, blob_name: str, expiry: datetime) -> str:
        """A URL with a SAS to which a package can be written until ``expiry``."""
        ...

    async def blob_exists(self, blob_name: str) -> bool:
        """Whether the package was uploaded."""
        ...


class Backend(Protocol):
    """The running emulator."""

    @property
    def account(self) -> Account: ...

    @property
    def storage(self) -> LinkedStorage | None:
        """``None`` when the emulator was started without a storage account."""
        ...

    async def execute(self, command: Callable[[BatchService, datetime], T]) -> T:
        """Run a command atomically and make its changes durable before returning its result.

        :raises BatchError: when the service refuses; nothing is changed then.
        """
        ...

    async def read(self, query: Callable[[BatchService, datetime], T]) -> T:
        """The answer to a query, from durable state only.

        :raises BatchError: when what is asked for does not exist.
        """
        ...

    def files(self, pool_id: str, node_id: str) -> NodeFiles:
        """The disk of a node.

        :raises BatchError: when the node has none.
        """
        ...

    async def upload_logs(self, request: LogRequest) -> int:
        """Begin to upload log files of a node.

        :returns: how many.
        """
        ...
