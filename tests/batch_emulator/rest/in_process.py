"""The HTTP layer in this process, over the real rules and nodes that answer at once."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from typing import Any, TypeVar

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from batch_emulator.rest.app import build_app
from batch_emulator.rest.backend import FileInfo, LinkedStorage, NodeFiles
from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.shared_key import SignedParts, sign, strings_to_sign
from batch_emulator.rest.values import format_http_date
from batch_emulator.service.account import Account
from batch_emulator.service.effects import BootNode, Effect, KillRun, ReleaseNode, StartRun
from batch_emulator.service.error_kinds import NODE_NOT_FOUND
from batch_emulator.service.errors import BatchError
from batch_emulator.service.events import NodeBooted, NodeReleased, RunEnded
from batch_emulator.service.nodes.node_logs import LogRequest
from batch_emulator.service.service import BatchService

T = TypeVar("T")
NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=timezone.utc)
CREDENTIALS = Credentials("acct", *(base64.b64encode(letter * 64).decode() for letter in (b"p", b"s")))
VERSION = "api-version=2025-06-01"


class InstantBackend:
    """Nodes boot at once; a run ends at once, with the number in its command line as exit code.

    A command line of ``wait`` goes on until it is killed.
    """

    storage: LinkedStorage | None = None

    def __init__(self) -> None:
        self.account = Account("acct", has_linked_storage=False)
        self.service = BatchService(self.account)
        self.disks: dict[str, NodeFiles] = {}
        self.log_requests: list[LogRequest] = []

    async def execute(self, command: Callable[[BatchService, datetime], T]) -> T:
        result = command(self.service, NOW)
        effects = self.service.settle(NOW).effects
        for _ in range(100):
            if not effects:
                break
            for effect in effects:
                self._carry_out(effect)
            effects = self.service.settle(NOW).effects
        return result

    async def read(self, query: Callable[[BatchService, datetime], T]) -> T:
        return query(self.service, NOW)

    def files(self, pool_id: str, node_id: str) -> NodeFiles:
        if pool_id not in self.disks:
            raise BatchError(NODE_NOT_FOUND)
        return self.disks[pool_id]

    async def upload_logs(self, request: LogRequest) -> int:
        self.log_requests.append(request)
        return 1

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, BootNode):
            booted = NodeBooted(effect.pool_id, effect.node_id, effect.boot_id, "10.0.0.4")
            self.service.handle(booted, NOW)
        elif isinstance(effect, ReleaseNode):
            self.service.handle(NodeReleased(effect.pool_id, effect.node_id, effect.boot_id), NOW)
        elif isinstance(effect, StartRun) and effect.spec["commandLine"] != "wait":
            ended = RunEnded(effect.run_id, NOW, exit_code=int(effect.spec["commandLine"]))
            self.service.handle(ended, NOW)
        elif isinstance(effect, KillRun):
            self.service.handle(RunEnded(effect.run_id, NOW, exit_code=137, killed=True), NOW)


class MemoryFiles:
    """A disk with the given files."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)

    async def list(self, path: str, recursive: bool) -> list[FileInfo]:
        prefix = f"{path}/" if path else ""
        names = [name for name in self._files if name.startswith(prefix)]
        if not names:
            raise FileNotFoundError(path)
        return [self._info(name) for name in names if recursive or "/" not in name[len(prefix) :]]

    async def stat(self, path: str) -> FileInfo:
        if path not in self._files:
            raise FileNotFoundError(path)
        return self._info(path)

    async def read(self, path: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        yield self._files[path][start:end]

    async def delete(self, path: str, recursive: bool) -> None:
        if self._files.pop(path, None) is None:
            raise FileNotFoundError(path)

    def _info(self, name: str) -> FileInfo:
        return FileInfo(name, False, len(self._files[name]), NOW, 0o100644)


class Client:
    """Sends signed requests."""

    def __init__(self, client: TestClient[Any, Any], backend: InstantBackend) -> None:
        self.http = client
        self.backend = backend

    async def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> ClientResponse:
        """One request; the api-version is added to a path without a query."""
        raw_path, _, query = (path if "?" in path else f"{path}?{VERSION}").partition("?")
        given = {name.lower(): value for name, value in (headers or {}).items()}
        given |= {"ocp-date": format_http_date(NOW)}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            given |= {"content-type": "application/json", "content-length": str(len(data))}
        text = next(strings_to_sign(SignedParts(method, given, raw_path, query), "acct"))
        given["authorization"] = f"SharedKey acct:{sign(CREDENTIALS.primary_key, text)}"
        target = URL(f"{str(self.http.make_url('/')).rstrip('/')}{raw_path}?{query}", encoded=True)
        skip = ("Content-Type",) if data is None else ()
        return await self.http.session.request(
            method, target, data=data, headers=given, skip_auto_headers=skip
        )


@asynccontextmanager
async def in_process() -> AsyncIterator[Client]:
    """A server and a client of it."""
    backend = InstantBackend()
    app = build_app(backend, CREDENTIALS, lambda: NOW)
    async with TestClient(TestServer(app)) as client:
        yield Client(client, backend)
