"""What Airflow does with a task: tries, deferral, triggers, and what comes after a process was killed."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ExponentialRetry

from airflow_batch_provider.client.connect.clients import open_async_batch_client
from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.jobs.job_files import JobFiles
from airflow_batch_provider.client.requests.drive import AsyncDriver, Driver
from airflow_batch_provider.client.requests.steps import Pause
from airflow_batch_provider.client.watching.pace import Pace
from airflow_batch_provider.client.watching.ration import Ration
from airflow_batch_provider.exceptions import AzureBatchError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec import JobGraph
from airflow_batch_provider.spec.compile import JobStorage, WorkArea
from demo.stack.accounts import BatchAccount, StorageAccount
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.crashes.deaths import (
    Deaths,
    Died,
    MortalAsyncClient,
    MortalClient,
    MortalStore,
)
from tests.airflow_batch_provider.crashes.service import ACCOUNT, Service
from tests.airflow_batch_provider.crashes.storage import MortalTransport, StorageFaults
from tests.airflow_batch_provider.spec.access import NamedAccess
from tests.batch_emulator.rest.in_process import CREDENTIALS
from tests.connections import connection_to

TRIES = 6
"""Of a task before it is given up, and its ``retries``."""

_MOMENT = 0.001


class KnownFiles(JobFiles):
    """The files of jobs whose tasks run nothing: every result is a list of two."""

    def __init__(self) -> None:
        self.work_container = "batch-work"

    def prepare(self) -> None:
        pass

    def shortfall(self) -> str | None:
        return None

    @property
    def node_identity(self) -> str | None:
        return None

    def of(self, job_id: str, homes: Mapping[str, str] | None = None) -> JobStorage:
        return JobStorage(WorkArea(self.work_container, job_id, homes or {}), NamedAccess())

    def lost(self, graph: JobGraph, job_id: str, homes: Mapping[str, str]) -> str | None:
        return None

    def result(
        self, graph: JobGraph, job_id: str, task_id: str, homes: Mapping[str, str] | None = None
    ) -> Any:
        return [1, 2]

    def absent(self, graph: JobGraph, job_id: str, without: Collection[str]) -> list[tuple[str, str]]:
        return []

    def last_lines(self, job_id: str, task_id: str, stream: str) -> str | None:
        return None


@dataclass
class DagRun:
    """A DAG run as far as operators look at it: states, XComs, tries and clears of its task instances.

    Parameters:
        run_id: its id.
        deaths: of the processes that work on it.
        mapped: how many instances a mapped task has, by its id.
        given: what else is in the context.
        run_after: when it was made.
    """

    run_id: str
    deaths: Deaths
    mapped: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    run_after: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    clear_number: int = 0
    states: dict[tuple[str, int], str] = field(default_factory=dict)
    xcoms: dict[tuple[str, int], dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    tries: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    max_tries: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(lambda: TRIES))
    kept: dict[tuple[str, int], dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))

    def clear(self, *task_ids: str, counted: bool = True) -> None:
        """Clear tasks as a user does.

        Parameters:
            task_ids: the tasks.
            counted: whether the DAG run is to know of it (``reset_dag_runs`` of Airflow's REST API).
        """
        self.clear_number += counted
        for key in ((task_id, -1) for task_id in task_ids):
            del self.states[key]
            self.max_tries[key] = self.tries[key] + TRIES


class Instance:
    """A try of a task instance as far as operators look at it. What the last try has told is forgotten."""

    dag_id = "crashes"

    def __init__(self, run: DagRun, task_id: str, map_index: int) -> None:
        self._run, self._key = run, (task_id, map_index)
        self.run_id, self.task_id, self.map_index = run.run_id, task_id, map_index
        run.tries[self._key] += 1
        run.xcoms[self._key].clear()
        self.try_number, self.max_tries = run.tries[self._key], run.max_tries[self._key]

    def context(self) -> Any:
        run = self._run
        store = MortalStore(run.kept[self._key], run.deaths)
        dag = SimpleNamespace(dag_id=self.dag_id)
        told = {"ti": self, "run_id": run.run_id, "dag_run": run, "dag": dag, "task_state_store": store}
        return {**told, **run.given}

    def succeed(self, made: Any) -> None:
        """Hand over what was returned, and let the scheduler know."""
        self.xcom_push("return_value", made)
        self._run.states[self._key] = "success"

    def xcom_push(self, key: str, value: Any) -> None:
        MortalStore(self._run.xcoms[self._key], self._run.deaths).set(key, json.loads(json.dumps(value)))

    def xcom_pull(self, task_ids: str, map_indexes: int, key: str = "return_value") -> Any:
        return self._run.xcoms[task_ids, map_indexes].get(key)

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {self.run_id: {task_id: state for (task_id, _), state in self._run.states.items()}}

    def get_ti_count(
        self,
        dag_id: str,
        map_index: int | None,
        task_ids: list[str],
        run_ids: list[str],
        states: Collection[str] | None = None,
    ) -> int:
        (task_id,) = task_ids
        asked = range(self._run.mapped[task_id]) if map_index is None else [map_index]
        mine = [(task_id, index) for index in asked]
        return sum(states is None or self._run.states.get(key) in states for key in mine)


class Airflow:
    """Plays Airflow on a service in this process.

    :param service: the service.
    :param patch: takes out what would only take time: pauses, and the files of jobs.
    :param storage: of the connection; None: it names none.
    """

    def __init__(
        self, service: Service, patch: pytest.MonkeyPatch, storage: StorageAccount | None = None
    ) -> None:
        self._service = service
        self._deaths = Deaths()
        self._dead: asyncio.Event | None = None
        self.storage_faults = StorageFaults()
        account = BatchAccount(service.endpoint, ACCOUNT, CREDENTIALS.primary_key)
        patch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", connection_to(storage, account))
        patch.setattr(AzureBatchHook, "batch_client", lambda hook: MortalClient(service.client, self._deaths))

        def async_client(hook: AzureBatchHook) -> AbstractAsyncContextManager[Any]:
            return self._async_client(hook)  # a bound method would not be given the hook

        def blob_client(access: StorageAccess) -> BlobServiceClient:
            transport = MortalTransport(lambda: self._deaths, lambda: self.storage_faults)
            assert storage is not None
            at_once = ExponentialRetry(initial_backoff=0, increment_base=0, random_jitter_range=0)
            return BlobServiceClient(
                storage.blob_endpoint, credential=storage.key, transport=transport, retry_policy=at_once
            )

        patch.setattr(AzureBatchHook, "async_batch_client", async_client)
        patch.setattr(StorageAccess, "_open", blob_client)
        patch.setattr(AzureBatchJobOperator, "_files", lambda operator, *given: KnownFiles())
        patch.setattr(Pace, "next", lambda pace, retry_after=None: _MOMENT)
        patch.setattr(Ration, "turn", lambda ration, requests: 0.0)
        _leave_out_pauses(patch)

    def play(self, make: Callable[[], Any], run: DagRun, map_index: int = -1) -> Any:
        """Try a task until it succeeds; what it returned.

        Parameters:
            make: makes its operator, in each process anew.
            run: the DAG run.
            map_index: of a mapped task instance.
        """
        self._deaths = run.deaths
        trouble: BaseException | None = None
        for _ in range(TRIES):
            instance = Instance(run, make().task_id, map_index)
            try:
                made = self._one_try(make, instance)
                instance.succeed(made)
                return made
            except (Died, AzureBatchError) as error:
                trouble = error
        raise AssertionError("no try succeeded") from trouble

    def together(self, make: Callable[[], Any], run: DagRun, map_indexes: Iterable[int]) -> list[Any]:
        """What instances of a deferred task return that all end before Airflow knows of any end.

        Parameters:
            make: makes their operator, in each process anew.
            run: the DAG run.
            map_indexes: which instances.
        """
        self._deaths = run.deaths
        instances = [Instance(run, make().task_id, index) for index in map_indexes]
        waiting = []
        for instance in instances:
            run.states[instance.task_id, instance.map_index] = "running"
            with pytest.raises(TaskDeferred) as deferred:
                make().execute(instance.context())
            waiting.append(deferred.value)
        return [
            getattr(make(), each.method_name)(instance.context(), self._fire(each))
            for instance, each in zip(instances, waiting, strict=True)
        ]

    def _one_try(self, make: Callable[[], Any], instance: Instance) -> Any:
        try:
            return make().execute(instance.context())
        except TaskDeferred as deferred:
            waiting = deferred
        while True:
            event = self._fire(waiting)
            try:
                return getattr(make(), waiting.method_name)(instance.context(), event)
            except TaskDeferred as deferred:
                waiting = deferred

    def _fire(self, deferred: TaskDeferred) -> dict[str, Any]:
        """A triggerer that dies is followed by another, which makes the trigger from its row again."""
        row = json.dumps(deferred.trigger.serialize())
        while True:
            event = asyncio.run(self._one_triggerer(*json.loads(row)))
            if event is not None:
                return dict(json.loads(json.dumps(event)))

    async def _one_triggerer(self, path: str, kwargs: dict[str, Any]) -> Any:
        self._dead = asyncio.Event()
        module, _, name = path.rpartition(".")
        trigger = getattr(import_module(module), name)(**kwargs)

        async def first() -> Any:
            async for event in trigger.run():
                return event.payload
            raise AssertionError("no event")

        firing = asyncio.ensure_future(first())
        dying = asyncio.ensure_future(self._dead.wait())
        await asyncio.wait({firing, dying}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        dying.cancel()
        if firing.done():
            return firing.result()
        assert self._dead.is_set(), "the trigger hangs"
        firing.cancel()
        await asyncio.wait({firing})
        return None

    @asynccontextmanager
    async def _async_client(self, hook: AzureBatchHook) -> AsyncIterator[Any]:
        assert self._dead is not None, "only triggerers wait"
        async with open_async_batch_client(await hook.aget_settings()) as client:
            yield MortalAsyncClient(client, self._deaths, self._dead)


def _leave_out_pauses(patch: pytest.MonkeyPatch) -> None:
    do, ado = Driver._do, AsyncDriver._do

    def instantly(driver: Driver, step: Any) -> Any:
        return None if isinstance(step, Pause) else do(driver, step)

    async def soon(driver: AsyncDriver, step: Any) -> Any:
        return await (asyncio.sleep(_MOMENT) if isinstance(step, Pause) else ado(driver, step))

    patch.setattr(Driver, "_do", instantly)
    patch.setattr(AsyncDriver, "_do", soon)
