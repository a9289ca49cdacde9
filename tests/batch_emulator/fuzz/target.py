"""The server that is fuzzed: the real HTTP layer and rules, nodes that answer at once, a real disk."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp.test_utils import TestServer

from batch_emulator.nodes.files import NodeFiles
from batch_emulator.rest.app import build_app
from batch_emulator.rest.backend import NodeFiles as AnyFiles
from batch_emulator.runtime.disk import Disk
from batch_emulator.service.effects import Effect, StartRun
from batch_emulator.service.events import RunEnded
from batch_emulator.service.invariants import check
from batch_emulator.service.service import BatchService
from tests.batch_emulator.fuzz.wire import Wire
from tests.batch_emulator.rest.in_process import CREDENTIALS, NOW, InstantBackend
from tests.batch_emulator.service.builders import a_job, a_pool, a_task

SECRET = b"only for the owner of the machine"
POOL_SPEC = {"targetLowPriorityNodes": 1, "taskSlotsPerNode": 4}


class FuzzedBackend(InstantBackend):
    """Nodes with one disk, which has links that lead out of it; beside it lies what must not be reached."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._root = folder / "node"
        self.secret = folder / "secret.txt"
        self.logged: list[str] = []
        self.renew()

    def renew(self) -> None:
        """An account with a pool, jobs and tasks, and a disk with files, as if nothing had happened."""
        self.service = BatchService(self.account)
        for body in (a_pool("pool", 2, **POOL_SPEC), a_pool("pool2", 0)):
            self._now(lambda service, body=body: service.create_pool(body, NOW))
        self._now(lambda service: service.create_job(a_job("job", usesTaskDependencies=True), NOW))
        for task in (a_task("1", commandLine="0"), a_task("2", commandLine="wait")):
            self._now(lambda service, task=task: service.create_task("job", task, NOW))
        self._lay_out()

    def _now(self, command: object) -> None:
        command(self.service)  # type: ignore[operator]
        self.carry_out_all()

    def _lay_out(self) -> None:
        self.secret.write_bytes(SECRET)
        for name in ("1", "2"):
            directory = self._root / "workitems/job/job-1" / name / "wd"
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "file.txt").write_bytes(b"0123456789")
            (directory.parent / "stdout.txt").write_bytes(b"out")
        links = {"link-out": self._folder, "link-file": self.secret, "link-loop": self._root / "link-loop"}
        for place in (self._root, self._root / "workitems/job/job-1/1"):
            for name, destination in links.items():
                if not os.path.lexists(place / name):
                    (place / name).symlink_to(destination)

    def files(self, pool_id: str, node_id: str) -> AnyFiles:
        return Disk(NodeFiles(self._root))

    def carry_out_all(self) -> None:
        """Settle until nothing is left to be carried out."""
        for _ in range(100):
            effects = self.service.settle(NOW).effects
            if not effects:
                return
            for effect in effects:
                self._carry_out(effect)
        raise AssertionError("never settles")

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, StartRun):
            if effect.spec["commandLine"] != "wait":
                self.service.handle(RunEnded(effect.run_id, NOW, exit_code=0), NOW)
        else:
            super()._carry_out(effect)

    def check(self) -> None:
        """Nothing that is not a node's was touched, and the rules still hold."""
        assert self.secret.read_bytes() == SECRET
        assert sorted(path.name for path in self._folder.iterdir()) == ["node", "secret.txt"]
        check(self.service.state)

    @property
    def good(self) -> dict[str, list[str]]:
        """Values for path parameters that lead to something."""
        return {
            "poolId": ["pool", "POOL", "pool2"],
            "nodeId": [node.id for pool in self.service.pools() for node in self.service.nodes(pool.id)]
            or ["n"],
            "jobId": ["job"],
            "taskId": ["1", "2"],
            "jobScheduleId": ["schedule"],
            "userName": ["user"],
            "filePath": ["stdout.txt", "wd/file.txt", "wd", "workitems"],
            "subscriptionId": [self.account.subscription_id],
            "resourceGroup": [self.account.resource_group],
            "account": [self.account.name],
            "application": ["app"],
            "version": ["1.0"],
            "pool": ["pool"],
        }


class _Collected(logging.Handler):
    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._into = into

    def emit(self, record: logging.LogRecord) -> None:
        # The HTTP library reports requests that are no HTTP, which it answers by itself.
        if record.name.startswith("aiohttp"):
            return
        self._into.append(self.format(record))


@asynccontextmanager
async def fuzzed(folder: Path) -> AsyncIterator[tuple[FuzzedBackend, Wire]]:
    """A server with its backend, and a connection to it."""
    backend = FuzzedBackend(folder)
    collected = _Collected(backend.logged)
    logging.getLogger().addHandler(collected)
    try:
        async with TestServer(build_app(backend, CREDENTIALS, lambda: NOW)) as server:
            yield backend, Wire("127.0.0.1", server.port or 0)
    finally:
        logging.getLogger().removeHandler(collected)
