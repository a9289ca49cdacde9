"""The emulator that a server serves: a runtime that can be begun anew under the same address."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from batch_emulator import __version__
from batch_emulator.faults import to_json
from batch_emulator.journal.lock import DataDirLock, hold
from batch_emulator.nodes.storage import LinkedStorage
from batch_emulator.runtime.clock import Clock
from batch_emulator.runtime.disk import Disk
from batch_emulator.runtime.engine import utcnow
from batch_emulator.runtime.fault_control import FaultControl
from batch_emulator.runtime.passage import SETTLE_SECONDS
from batch_emulator.runtime.runtime import Runtime
from batch_emulator.runtime.settings import Settings
from batch_emulator.runtime.wiping import wipe
from batch_emulator.service.account import Account
from batch_emulator.service.error_kinds import OPERATION_INVALID_FOR_CURRENT_STATE, conflict
from batch_emulator.service.nodes.node_logs import LogRequest
from batch_emulator.service.service import BatchService
from batch_emulator.service.times import format_time

__all__ = ["Emulator"]

T = TypeVar("T")
# A request that waits for a file or for a slow disk does not hold up a reset for longer.
_DRAIN_SECONDS = 5.0


class Emulator:
    """One account on one folder. Make it with :meth:`open`."""

    def __init__(
        self,
        settings: Settings,
        held: DataDirLock,
        make_clock: Callable[[], Clock],
        clock: Clock,
        runtime: Runtime,
    ) -> None:
        self._settings = settings
        # Kept from the opening to the stop, and through resets: nobody else may come in between.
        self._held = held
        self._make_clock = make_clock
        self._clock = clock
        self._started = utcnow()
        self._is_open = asyncio.Event()
        self._is_unused = asyncio.Event()
        self._users = 0
        self._resetting = asyncio.Lock()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._take(runtime)
        self._is_unused.set()

    @classmethod
    async def open(cls, settings: Settings, make_clock: Callable[[], Clock] | None = None) -> Emulator:
        """See :meth:`Runtime.open`.

        :param make_clock: a new clock for the account, and for each that follows a reset. Without one it is
            the machine's, and with simulated nodes one that stands.
        :raises DataDirError: the data folder cannot be made or written.
        :raises DataDirLockedError: another emulator uses it.
        """
        if make_clock is None:
            make_clock = Clock if settings.simulation is None else lambda: Clock(utcnow())
        held = hold(settings.data_dir)
        try:
            clock = make_clock()
            return cls(settings, held, make_clock, clock, await Runtime.open(settings, clock, held))
        except BaseException:
            held.release()
            raise

    @property
    def account(self) -> Account:
        """The account that is served."""
        return self._runtime.account

    @property
    def storage(self) -> LinkedStorage | None:
        """The linked storage account."""
        return self._runtime.storage

    @property
    def faults(self) -> FaultControl:
        """What goes wrong on purpose."""
        return self._runtime.faults

    @property
    def agent_pid(self) -> int | None:
        """Process id of the node agent."""
        return self._runtime.agent_pid

    async def execute(self, command: Callable[[BatchService, datetime], T]) -> T:
        """See :meth:`Engine.execute`."""
        async with self._used() as runtime:
            return await runtime.execute(command)

    async def read(self, query: Callable[[BatchService, datetime], T]) -> T:
        """See :meth:`Engine.read`."""
        async with self._used() as runtime:
            return await runtime.read(query)

    def files(self, pool_id: str, node_id: str) -> Disk:
        """See :meth:`Runtime.files`."""
        return self._runtime.files(pool_id, node_id)

    async def upload_logs(self, request: LogRequest) -> int:
        """See :meth:`Machine.upload_logs`."""
        async with self._used() as runtime:
            return await runtime.upload_logs(request)

    async def around(self, operation: str, answer: Callable[[], Awaitable[T]]) -> T:
        """See :meth:`batch_emulator.rest.interference.Interference.around`."""
        return await self.faults.requests.around(operation, answer)

    async def reset(self) -> None:
        """Begin with an empty account, and with the faults that were configured.

        Requests that come meanwhile wait; those under way are answered before.
        """
        async with self._resetting:
            self._is_open.clear()
            # Requests that take longer will hear that the account they asked is no more.
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._is_unused.wait(), _DRAIN_SECONDS)
            try:
                await self._runtime.stop()
                await asyncio.to_thread(wipe, self._settings.data_dir)
                self._clock = self._make_clock()
                self._take(await Runtime.open(self._settings, self._clock, self._held))
            except BaseException as error:
                if not self.failed.done():
                    self.failed.set_exception(error)
                    self.failed.exception()
                raise

    @property
    def clock(self) -> Clock:
        """The time that the account lives by."""
        return self._clock

    async def advance(self, seconds: float, settle: float = SETTLE_SECONDS) -> None:
        """See :meth:`batch_emulator.runtime.passage.Passage.advance`."""
        async with self._used() as runtime:
            await runtime.passage.advance(seconds, settle=settle)

    async def run_until_done(self, limit_seconds: float) -> None:
        """Let time pass until no task waits or runs.

        :raises BatchError: the clock goes by itself: real nodes take real time.
        """
        if not self._clock.is_stopped:
            raise conflict(OPERATION_INVALID_FOR_CURRENT_STATE, "The nodes are not simulated")
        async with self._used() as runtime:
            await runtime.passage.advance(limit_seconds, runtime.is_done)

    async def status(self) -> dict[str, Any]:
        """What there is now, in numbers."""
        counts = await self.read(lambda service, _now: _counts(service))
        return {
            "version": __version__,
            "processId": os.getpid(),
            "endpoint": self._settings.account_url,
            "account": self.account.name,
            "dataDir": str(self._settings.data_dir),
            "startTime": format_time(self._started),
            "time": format_time(self._clock()),
            **counts,
            "faults": self.faults.counts(),
        }

    def facts(self) -> list[tuple[str, str]]:
        """What a person should know who looks at the account: a clock that is not the machine's, faults."""
        found = []
        ahead = self._clock() - utcnow()
        if self._clock.is_stopped:
            found.append(("Clock", "stands still until it is moved"))
        elif ahead > timedelta(seconds=1):
            found.append(
                ("Clock", f"{timedelta(seconds=round(ahead.total_seconds()))} ahead of the machine's")
            )
        counts = self.faults.counts()
        for rule in (*counts["requests"], *counts["nodes"]):
            found.append(("Fault", f"{rule['fault']}: struck {rule['struck']} of {rule['chances']} chances"))
        present = to_json(self.faults.present)
        found += [("Quota", f"{name}: {value}") for name, value in present["quotas"].items()]
        found += [("Capacity of the region", _told(limit)) for limit in present["capacity"]]
        return found

    async def stop(self) -> None:
        """See :meth:`Runtime.stop`; gives the folder free."""
        async with self._resetting:
            try:
                await self._runtime.stop()
            finally:
                self._held.release()

    def _take(self, runtime: Runtime) -> None:
        self._runtime = runtime

        def pass_on(failed: asyncio.Future[None]) -> None:
            error = None if failed.cancelled() else failed.exception()
            if error is not None and runtime is self._runtime and not self.failed.done():
                self.failed.set_exception(error)
                self.failed.exception()  # seen: whoever runs the process may be past looking

        runtime.failed.add_done_callback(pass_on)
        self._is_open.set()

    @asynccontextmanager
    async def _used(self) -> AsyncIterator[Runtime]:
        await self._is_open.wait()
        self._users += 1
        self._is_unused.clear()
        try:
            yield self._runtime
        finally:
            self._users -= 1
            if self._users == 0:
                self._is_unused.set()


def _told(limit: dict[str, Any]) -> str:
    """A limit of the region's capacity, as a person reads it."""
    kinds = {"dedicatedNodes": "dedicated", "lowPriorityNodes": "low-priority"}
    most = [f"{limit[name]} {kind}" for name, kind in kinds.items() if limit[name] is not None]
    return f"{' and '.join(most) or 'any number of'} nodes of {', '.join(limit['vmSizes'])}"


def _counts(service: BatchService) -> dict[str, Any]:
    pools, jobs = list(service.pools()), list(service.jobs())
    nodes = Counter(node.state for pool in pools for node in service.nodes(pool.id))
    tasks: Counter[str] = Counter()
    for job in jobs:
        found = service.task_counts(job.id).tasks
        for name in ("active", "running", "succeeded", "failed"):
            tasks[name] += getattr(found, name)
    return {
        "pools": len(pools),
        "nodes": dict(sorted(nodes.items())),
        "jobs": dict(sorted(Counter(job.state for job in jobs).items())),
        "tasks": dict(tasks),
    }
