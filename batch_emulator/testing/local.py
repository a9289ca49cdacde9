"""An Azure Batch account in this process, for tests."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from batch_emulator.account_defaults import ACCOUNT_NAME, PRIMARY_KEY
from batch_emulator.testing.background import BackgroundServer, NotRunningError
from batch_emulator.testing.storage import LocalStorage

if TYPE_CHECKING:
    from azure.batch import BatchClient
    from azure.batch.aio import BatchClient as AsyncBatchClient

    from batch_emulator.faults import Faults
    from batch_emulator.simulation import Behaviour

__all__ = ["LocalBatch", "LocalClock", "LocalFaults"]


class LocalBatch:
    """A Batch account with real nodes on this machine, served from a thread of this process.

    ``with LocalBatch() as batch:`` starts and stops it; :meth:`start` and :meth:`stop` do so without a block.

    :param data_dir: the account's folder; a temporary one without.
    :param account: name of the account.
    :param key: its key, base64.
    :param storage: the linked storage account: a connection string, or a :class:`LocalStorage`.
    :param faults: what goes wrong from the beginning, also after a reset; see ``docs/faults.md``.
    :param boot_delay: seconds that a node takes to start.
    :param windows_images_on_linux: let pools of Windows images have nodes, which are Linux nodes.
    :param simulate: nodes are simulated and behave so, on a clock that stands; see ``docs/simulation.md``.
    :param host: address to listen on.
    :param port: 0 takes a free one.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        account: str = ACCOUNT_NAME,
        key: str = PRIMARY_KEY,
        storage: LocalStorage | str | None = None,
        faults: Faults | dict[str, Any] | None = None,
        boot_delay: float = 0.0,
        windows_images_on_linux: bool = False,
        simulate: Behaviour | dict[str, Any] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.account = account
        self.key = key
        self.storage = LocalStorage(storage) if isinstance(storage, str) else storage
        self._given_dir = data_dir
        self._faults_at_start = faults
        self._boot_delay = boot_delay
        self._windows_images_on_linux = windows_images_on_linux
        self._simulate = simulate
        self._address = (host, port)
        self._server: BackgroundServer | None = None
        self._client: BatchClient | None = None
        self._resources = ExitStack()
        self._endpoint = ""

    def __repr__(self) -> str:
        return f"LocalBatch({self._endpoint or 'not started'}, account={self.account!r})"

    def __enter__(self) -> LocalBatch:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Serve. Returns once requests are answered.

        :raises NotRunningError: it runs already.
        :raises FaultsError: the faults are not such.
        :raises DataDirLockedError: another emulator uses the folder.
        :raises PortInUseError: the port is taken.
        """
        if self._server is not None:
            raise NotRunningError(f"The emulator runs already, at {self._endpoint}.")
        from batch_emulator.nodes.storage import LinkedStorage
        from batch_emulator.runtime.server import Listeners, listen
        from batch_emulator.runtime.settings import Settings

        with ExitStack() as resources:
            listener = resources.enter_context(listen(*self._address))
            host = f"[{self._address[0]}]" if ":" in self._address[0] else self._address[0]
            endpoint = f"http://{host}:{listener.getsockname()[1]}"
            settings = Settings(
                data_dir=self._folder(resources),
                account_url=endpoint,
                account_name=self.account,
                primary_key=self.key,
                secondary_key=self.key,
                storage=LinkedStorage.from_connection_string(self.storage.connection_string)
                if self.storage
                else None,
                boot_delay=self._boot_delay,
                windows_images_on_linux=self._windows_images_on_linux,
                faults=_parsed(self._faults_at_start),
                simulation=_behaviour(self._simulate),
            )
            self._server = BackgroundServer(settings, Listeners(listener))
            self._endpoint = endpoint
            self._resources = resources.pop_all()

    def stop(self) -> None:
        """End it and all that runs on its nodes; a temporary folder is removed. Again, it does nothing."""
        server, self._server = self._server, None
        try:
            if server is not None:
                server.stop()
        finally:
            self._resources.close()

    def reset(self) -> None:
        """Begin with an empty account: no pool, job or file is left; faults and clock are as at the start.

        :raises NotRunningError: it does not run.
        """
        server = self._running()
        server.call(server.emulator.reset())

    def status(self) -> dict[str, Any]:
        """What there is now, in numbers: pools, nodes, jobs and tasks by state.

        :raises NotRunningError: it does not run.
        """
        server = self._running()
        return server.call(server.emulator.status())

    # ------------------------------------------------------------------ use

    @property
    def endpoint(self) -> str:
        """URL of the account.

        :raises NotRunningError: it was never started.
        """
        if not self._endpoint:
            raise NotRunningError("The emulator was not started: use 'with LocalBatch() as batch:'.")
        return self._endpoint

    @property
    def client(self) -> BatchClient:
        """The official client, made at first use and closed at the end. Needs ``azure-batch``."""
        if self._client is None:
            self._client = self.make_client()
            self._resources.callback(self._close_client)
        return self._client

    def make_client(self, **options: Any) -> BatchClient:
        """A client with options of its own, such as ``retry_total=0``; the caller closes it."""
        from azure.batch import BatchClient

        return BatchClient(self.endpoint, self._credential(), **options)

    def make_async_client(self, **options: Any) -> AsyncBatchClient:
        """An aio client; the caller closes it."""
        from azure.batch.aio import BatchClient

        return BatchClient(self.endpoint, self._credential(), **options)

    @property
    def faults(self) -> LocalFaults:
        """What goes wrong on purpose."""
        return LocalFaults(self)

    @property
    def clock(self) -> LocalClock:
        """The time that the account lives by."""
        return LocalClock(self)

    # ------------------------------------------------------------------ inside

    def _running(self) -> BackgroundServer:
        if self._server is None:
            raise NotRunningError("The emulator does not run: use 'with LocalBatch() as batch:'.")
        return self._server

    def _folder(self, resources: ExitStack) -> Path:
        if self._given_dir is not None:
            return self._given_dir.resolve()
        folder = Path(tempfile.mkdtemp(prefix="local-batch-"))
        resources.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _credential(self) -> Any:
        from azure.core.credentials import AzureNamedKeyCredential

        return AzureNamedKeyCredential(self.account, self.key)

    def _close_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


class LocalFaults:
    """Sets, counts and triggers faults of a running :class:`LocalBatch`; its ``faults``.

    :param batch: whose faults they are.
    """

    def __init__(self, batch: LocalBatch) -> None:
        self._batch = batch

    @property
    def present(self) -> Faults:
        """The faults that hold now."""
        return self._batch._running().emulator.faults.present

    def set(self, faults: Faults | dict[str, Any]) -> None:
        """Let these faults, and no others, hold from now on.

        :param faults: as ``docs/faults.md`` has them.
        :raises FaultsError: they are not such.
        """
        server = self._batch._running()
        server.call(server.emulator.faults.set(_parsed(faults)))

    def add(self, faults: Faults | dict[str, Any]) -> None:
        """Let these faults hold too; all counts begin at zero.

        :param faults: as ``docs/faults.md`` has them.
        :raises FaultsError: they are not such.
        """
        self.set(self.present + _parsed(faults))

    def clear(self) -> None:
        """Let nothing go wrong."""
        self.set({})

    def counts(self) -> dict[str, Any]:
        """For each rule, in its place: the chances it had, and how often it struck."""
        return self._batch._running().emulator.faults.counts()

    def preempt(
        self, pool_id: str, node_id: str | None = None, *, count: int = 1, away: float = 60.0
    ) -> list[str]:
        """Take back the capacity of Spot nodes now.

        :param pool_id: of this pool.
        :param node_id: this one; else the ``count`` oldest that are not preempted.
        :param count: how many.
        :param away: seconds, of the account's clock, until there is capacity again.
        :returns: ids of the nodes.
        :raises BatchError: the pool or node does not exist or is not such.
        """
        server = self._batch._running()
        return server.call(server.emulator.faults.preempt(pool_id, node_id, count=count, away=away))

    def lose(
        self, pool_id: str, node_id: str | None = None, *, count: int = 1, away: float | None = 60.0
    ) -> list[str]:
        """Lose contact with nodes now.

        :param pool_id: of this pool.
        :param node_id: this one; else the ``count`` oldest that are up.
        :param count: how many.
        :param away: seconds until the nodes are found again; ``None`` is never.
        :returns: ids of the nodes.
        :raises BatchError: the pool or node does not exist or is not such.
        """
        server = self._batch._running()
        return server.call(server.emulator.faults.lose(pool_id, node_id, count=count, away=away))


class LocalClock:
    """The account's time, which goes with the machine's and can be moved ahead; its ``clock``.

    :param batch: whose time it is.
    """

    def __init__(self, batch: LocalBatch) -> None:
        self._batch = batch

    def now(self) -> datetime:
        """The account's time, aware UTC."""
        return self._batch._running().emulator.clock()

    def advance(self, span: timedelta | float, *, settle: float = 1.0) -> None:
        """Let a span of time, or a number of seconds, pass at once.

        All that the service does by itself happens at its time: wall clocks, retention, autoscale, schedules,
        the return of capacity. On the way time waits for starts of real nodes, and a little for
        new processes.

        :param span: how long, as a span of time or in seconds.
        :param settle: real seconds after which a process that still runs no longer holds time.
        :raises ValueError: the span or ``settle`` is negative.
        """
        seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
        if seconds < 0:
            raise ValueError("Time cannot be turned back.")
        if settle < 0:
            raise ValueError("settle is a number of seconds, 0 or more.")
        server = self._batch._running()
        server.call(server.emulator.advance(seconds, settle), timeout=None)

    def run_until_done(self, limit: timedelta = timedelta(days=31)) -> None:
        """Let time pass until no task waits or runs; with simulated nodes only.

        :param limit: at most so much: some tasks never complete.
        :raises BatchError: the nodes are real.
        """
        server = self._batch._running()
        server.call(server.emulator.run_until_done(limit.total_seconds()))


def _behaviour(given: Behaviour | dict[str, Any] | None) -> Behaviour | None:
    from batch_emulator.simulation.behaviour import parse_behaviour

    return parse_behaviour(given) if isinstance(given, dict) else given


def _parsed(faults: Faults | dict[str, Any] | None) -> Faults:
    from batch_emulator.faults import Faults as Record
    from batch_emulator.faults import parse_faults
    from batch_emulator.rest.operations import OPERATION_NAMES

    if isinstance(faults, Record):
        return faults
    return parse_faults({} if faults is None else faults, OPERATION_NAMES)
