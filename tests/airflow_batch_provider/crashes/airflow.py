"""What Airflow does with a task: tries, deferral, triggers, and what comes after a process was killed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_batch_provider.client.clients import open_async_batch_client
from airflow_batch_provider.client.job_files import JobFiles
from airflow_batch_provider.client.job_run import JobRun
from airflow_batch_provider.client.pace import Pace
from airflow_batch_provider.exceptions import AzureBatchError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec import JobGraph
from airflow_batch_provider.spec.compile import JobStorage, WorkArea
from airflow_batch_provider.triggers.job import AzureBatchJobTrigger
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.crashes.deaths import (
    Deaths,
    Died,
    MortalAsyncClient,
    MortalClient,
    MortalStore,
)
from tests.airflow_batch_provider.crashes.service import ACCOUNT, POOL, Service
from tests.airflow_batch_provider.spec.access import NamedAccess
from tests.batch_emulator.rest.in_process import CREDENTIALS

TRIES = 6


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

    def last_lines(self, job_id: str, task_id: str, stream: str) -> str | None:
        return None


@dataclass
class Instance:
    """A task instance as far as operators look at it."""

    run_id: str
    deaths: Deaths
    try_number: int = 1
    max_tries: int = TRIES
    dag_id: str = "crashes"
    task_id: str = "job"
    map_index: int = -1
    kept: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.deaths.take(lambda: None)

    def context(self) -> Any:
        return {"ti": self, "run_id": self.run_id, "task_state_store": MortalStore(self.kept, self.deaths)}


class Airflow:
    """Plays Airflow on a service in this process.

    :param service: the service.
    :param patch: takes out what would only take time: pauses, and real storage.
    """

    def __init__(self, service: Service, patch: pytest.MonkeyPatch) -> None:
        self._service = service
        self._deaths = Deaths()
        self._dead: asyncio.Event | None = None
        connection = {
            "conn_type": "azurebatch",
            "host": service.endpoint,
            "login": ACCOUNT,
            "password": CREDENTIALS.primary_key,
        }
        patch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", json.dumps(connection))
        patch.setattr(AzureBatchHook, "batch_client", lambda hook: MortalClient(service.client, self._deaths))

        def async_client(hook: AzureBatchHook) -> AbstractAsyncContextManager[Any]:
            return self._async_client(hook)  # a bound method would not be given the hook

        patch.setattr(AzureBatchHook, "async_batch_client", async_client)
        patch.setattr(AzureBatchJobOperator, "_files", lambda operator, hook: KnownFiles())
        patch.setattr("airflow_batch_provider.triggers.job.seconds_until_worker_ended", lambda: 0.0)
        for module in ("job_requests", "submission", "reactivation"):
            patch.setattr(f"airflow_batch_provider.client.{module}.backoff", lambda *asked: 0.0)
        patch.setattr("airflow_batch_provider.client.claim._ENDING_PAUSE", 0.0)
        patch.setattr("airflow_batch_provider.client.watching.Pace", lambda longest, first: Pace(0.001))
        patch.setattr(
            "airflow_batch_provider.client.job_run.JobRun",
            lambda *given, **named: JobRun(*given, **named, sleep=lambda seconds: None),
        )

    @property
    def deaths(self) -> Deaths:
        """Of the play that was last."""
        return self._deaths

    def play(
        self, run_id: str, graph: Callable[[], JobGraph], deaths: Deaths, **options: Any
    ) -> dict[str, Any]:
        """Try a task until it succeeds; what it returned."""
        self._deaths = deaths
        instance = Instance(run_id, deaths)

        def make() -> AzureBatchJobOperator:
            return AzureBatchJobOperator(
                task_id="job", pool_id=POOL, graph=graph, poll_interval=0.01, log_tasks=False, **options
            )

        trouble: BaseException | None = None
        for instance.try_number in range(1, TRIES + 1):
            try:
                return self._one_try(make, instance)
            except (Died, AzureBatchError) as error:
                trouble = error
        raise AssertionError(f"no try succeeded: {trouble}")

    def _one_try(self, make: Callable[[], AzureBatchJobOperator], instance: Instance) -> dict[str, Any]:
        try:
            return make().execute(instance.context())
        except TaskDeferred as deferred:
            waiting = deferred
        while True:
            event = self._fire(waiting)
            try:
                return make().resume(instance.context(), event)
            except TaskDeferred as deferred:
                waiting = deferred

    def _fire(self, deferred: TaskDeferred) -> dict[str, Any]:
        """A triggerer that dies is followed by another, which makes the trigger from its row again."""
        row = json.dumps(deferred.trigger.serialize()[1])
        while True:
            event = asyncio.run(self._one_triggerer(json.loads(row)))
            if event is not None:
                return dict(json.loads(json.dumps(event)))

    async def _one_triggerer(self, kwargs: dict[str, Any]) -> Any:
        self._dead = asyncio.Event()

        async def first() -> Any:
            async for event in AzureBatchJobTrigger(**kwargs).run():
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
