"""The storage account beside a local Batch account: one that is given, or an Azurite that is started."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient

__all__ = ["Azurite", "LocalStorage", "StorageStartError"]

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.02
# Azurite's public development account: the same on every machine, and no secret.
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class StorageStartError(RuntimeError):
    """Azurite could not be started; the text says why."""


class LocalStorage:
    """A storage account.

    :param connection_string: in Azure's form.
    """

    def __init__(self, connection_string: str) -> None:
        self.connection_string = connection_string

    def __repr__(self) -> str:
        return "LocalStorage(...)"  # the connection string holds the key

    def blobs(self) -> BlobServiceClient:
        """The official client for its blobs; the caller closes it."""
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient.from_connection_string(self.connection_string)

    def empty(self) -> None:
        """Delete all its containers."""
        with self.blobs() as client:
            for container in client.list_containers():
                client.delete_container(container)


class Azurite(LocalStorage):
    """An Azurite of its own: ``with Azurite() as storage:``.

    :param command: the program; it must be on the PATH.
    :raises StorageStartError: there is no such program.
    """

    def __init__(self, command: str = "azurite-blob") -> None:
        found = shutil.which(command)
        if found is None:
            raise StorageStartError(
                f"There is no program {command} on the PATH. Azurite is not installed; "
                "`npm install -g azurite` does that. Or name a storage account by its connection string."
            )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        endpoint = f"http://127.0.0.1:{self._port}/{_ACCOUNT}"
        super().__init__(
            f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};BlobEndpoint={endpoint};"
        )
        self._program = found
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Azurite:
        self._folder = Path(tempfile.mkdtemp(prefix="azurite-"))
        self._process = subprocess.Popen(
            [self._program, "--silent", "--skipApiVersionCheck", "--disableTelemetry",
             "--location", str(self._folder), "--blobHost", "127.0.0.1", "--blobPort", str(self._port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what is on the PATH may be a wrapper: all that it starts has to end too
        )  # fmt: skip
        try:
            self._await_port()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is not None:
            _end_group(process)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _await_port(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise StorageStartError(
                    f"{self._program} ended at once, with status {self._process.returncode}."
                )
            try:
                socket.create_connection(("127.0.0.1", self._port), 1.0).close()
            except OSError:
                time.sleep(_POLL_SECONDS)
            else:
                return
        raise StorageStartError(f"{self._program} did not listen within {_START_SECONDS:.0f} seconds.")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started. Nothing that Azurite holds is to be kept."""
    deadline = time.monotonic() + _STOP_SECONDS
    # The group is there until its last process is.
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.poll()
            time.sleep(_POLL_SECONDS)
    process.wait(_STOP_SECONDS)
