"""The whole local stack as a context manager, for the demo, the end-to-end tests and the benchmarks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from types import TracebackType

from demo.processes.supervisor import PROJECT_DIR, Component, Supervisor
from demo.stack import azurite, emulator, eventgrid
from demo.stack.accounts import BatchAccount, StorageAccount
from demo.stack.airflow import API_SERVER, COMPONENTS, airflow_components
from demo.stack.airflow_client import AirflowClient
from demo.stack.airflow_database import Database
from demo.stack.airflow_settings import AirflowPorts, AirflowSettings, airflow_env, is_airflow_variable
from demo.stack.containers import ensure_containers
from demo.stack.keys import load_keys
from demo.stack.options import StackOptions
from demo.stack.ports import PortPicker

__all__ = ["BATCH_ACCOUNT", "LocalStack"]

BATCH_ACCOUNT = "localbatch"
# The reverse of dependence: who writes to storage ends before storage.
_STOP_ORDER = (COMPONENTS, (emulator.NAME, eventgrid.NAME), (azurite.NAME,))


class LocalStack:
    """Azurite, the local Event Grid, the Batch emulator and Airflow; started on entry, ended on exit.

    Attributes (valid once entered):
        storage: the storage account.
        batch: the Batch account.
        airflow: client of Airflow's REST API; its `url` is the UI's address.
        ports: which purpose has which port, and what was in use.
        seconds: component -> seconds from the beginning of the start until it was ready.
        supervisor: access to single processes.

    Parameters:
        options: what is to run, where.
        say: told what happens while the stack starts.
    """

    def __init__(self, options: StackOptions, say: Callable[[str], None] = lambda _: None) -> None:
        self.options = options
        self.work_dir = options.work_dir.resolve()
        self.seconds: dict[str, float] = {}
        self._say = say
        self._begun = 0.0
        self.ports = PortPicker(use_preferred=options.preferred_ports)
        self.supervisor = Supervisor(self.work_dir, is_airflow_variable, options.interrupted)
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> LocalStack:
        self._begun = time.monotonic()
        self.work_dir.mkdir(parents=True, exist_ok=True)
        with self._exits:
            self._exits.enter_context(self.supervisor)
            self._exits.callback(self._stop_all)
            if self.supervisor.leftovers:
                self._say(
                    f"Ended {len(self.supervisor.leftovers)} process(es) that an earlier run left behind."
                )
            self._assign()
            self._start_all()
            # Reached only when all is well; an error or Ctrl-C above ends what was started.
            self._exits = self._exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def kill(self, name: str) -> None:
        """`kill -9` one component's process, as a crash would. Names: `triggerer`, `batch-emulator`, ..."""
        self.supervisor.kill(name)

    def stop(self, name: str) -> None:
        """End one component as the end of the stack would; `restart` starts it again."""
        self.supervisor.stop(name)

    def restart(self, *names: str) -> None:
        """Start components again, killed or running, with the same settings; waits until all are ready."""
        self.supervisor.restart(*names)

    def check(self) -> None:
        """Notice a component that ended by itself.

        Raises:
            ComponentError: with the end of the component's log.
        """
        self.supervisor.check()

    def _assign(self) -> None:
        """Give ports and keys to everything, before anything starts."""
        take = self.ports.take
        self.storage = StorageAccount(
            blob_port=take("Azurite blobs", 10000),
            queue_port=take("Azurite queues", 10001),
            table_port=take("Azurite tables", 10002),
        )
        keys = load_keys(self.work_dir)
        batch_port = take("Batch emulator", 10100)
        self.batch = BatchAccount(f"http://127.0.0.1:{batch_port}", BATCH_ACCOUNT, keys.batch)
        home = self.work_dir / "airflow"
        self._database = Database(home, self.options.cache_dir, self.options.metadata_url)
        self.airflow_settings = AirflowSettings(
            home=home,
            dags_folder=(self.options.dags_folder or home / "dags").resolve(),
            metadata_url=self._database.url,
            ports=AirflowPorts(
                api=take("Airflow", 8080),
                worker_logs=take("Airflow worker logs", 8793),
                trigger_logs=take("Airflow triggerer logs", 8794),
            ),
            keys=keys,
            parallelism=self.options.parallelism,
            connections=self.options.connections(self.storage, self.batch),
            paused=self.options.paused,
            extra_env=self.options.airflow_env(self.storage, self.batch),
        )
        for note in self.ports.notes:
            self._say(note)

    def _start_all(self) -> None:
        start = self.supervisor.start
        start(azurite.azurite_component(self.storage, self.work_dir / "azurite"))
        self.airflow = AirflowClient(self.airflow_settings.url)
        self._exits.callback(self.airflow.close)
        env = airflow_env(self.airflow_settings, PROJECT_DIR)
        migration = self._prepare_airflow(env)
        if migration is None and self.options.dags_folder is not None:
            self._start_airflow(env)
        self._ready(azurite.NAME)
        options = self.options
        ensure_containers(self.storage.connection_string, options.containers, options.public_containers)
        around = self._around_storage()
        for component in around:
            start(component)
        if migration is not None:
            self.supervisor.wait_ended(migration.name)
            self._start_airflow(env)
        self._ready(*(component.name for component in around))
        if self.options.dags_folder is not None:
            self._ready(API_SERVER)  # the others are asked for through it
            self._ready(*(name for name in COMPONENTS if name != API_SERVER))

    def _around_storage(self) -> list[Component]:
        components = []
        if self.options.with_emulator:
            port = self.ports.taken["Batch emulator"]
            folder = self.work_dir / "batch"
            log = self.supervisor.log_of(emulator.NAME)
            options = self.options.emulator_options
            components.append(
                emulator.emulator_component(self.batch, port, self.storage, folder, log, options)
            )
        if self.options.subscriptions:
            components.append(
                eventgrid.eventgrid_component(
                    self.storage,
                    self.options.subscriptions,
                    self.work_dir / "events",
                    self.supervisor.log_of(eventgrid.NAME),
                    self.options.event_grid_options,
                )
            )
        return components

    def _prepare_airflow(self, env: dict[str, str]) -> Component | None:
        """Start the making of the database, if it has to be made."""
        if self.options.dags_folder is None:
            return None
        home = self.airflow_settings.home
        home.mkdir(parents=True, exist_ok=True)
        # Without a file each process would write one, all at the same time. The settings are in variables.
        (home / "airflow.cfg").touch()
        migration = self._database.migration(env)
        if migration is not None:
            self._say("Making Airflow's database (once per Airflow version)")
            self.supervisor.start(migration)
        return migration

    def _start_airflow(self, env: dict[str, str]) -> None:
        self._database.settle()
        for component in airflow_components(env, self.airflow):
            self.supervisor.start(component)

    def _ready(self, *names: str) -> None:
        for name in self.supervisor.wait_each(*names):
            self.seconds[name] = time.monotonic() - self._begun
            self._say(f"{name} is ready after {self.seconds[name]:.1f} s")

    def _stop_all(self) -> None:
        self._say("Stopping")
        for names in _STOP_ORDER:
            self.supervisor.stop(*names)
