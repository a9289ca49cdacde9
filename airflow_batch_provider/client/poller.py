"""One poll for all that an event loop watches in an account: its jobs, and what sensors look at."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from itertools import starmap
from typing import Any, TypeAlias

from airflow_batch_provider.client.drive import AT_ONCE, AsyncDriver
from airflow_batch_provider.client.member_watch import TaskSeen, TasksPoll
from airflow_batch_provider.client.pace import LONGEST, Pace
from airflow_batch_provider.client.records import JobView
from airflow_batch_provider.client.steps import Refusal, Subject
from airflow_batch_provider.client.subjects import JobSubject
from airflow_batch_provider.client.watching import poll_jobs

KEPT_SECONDS = 20.0
"""For which a glance is answered by what another has seen."""

OpenClient = Callable[[], AbstractAsyncContextManager[Any]]

Watched: TypeAlias = "tuple[str, str | None]"
"""A job and a task of it, or the job itself."""

_Waiting: TypeAlias = "dict[Watched, list[asyncio.Future[Any]]]"

_pollers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, JobPoller]] = (
    weakref.WeakKeyDictionary()
)


def shared_poller(key: str, open_client: OpenClient, longest: float = LONGEST) -> JobPoller:
    """The poller of an account in the running event loop.

    Parameters:
        key: names account and credentials: the Airflow connection and its endpoint.
        open_client: opens the asynchronous Batch client; called once for all who share it.
        longest: ceiling of the period in seconds; the shortest that anyone asks for holds.
    """
    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    poller = pollers.get(key)
    if poller is None:
        poller = pollers[key] = JobPoller(open_client, longest)
    poller.hurry(longest)
    return poller


class JobPoller:
    """Looks at all watched jobs at once, as often as the youngest of them deserves.

    A look costs one request for all jobs, and one more for each job of which single tasks are watched,
    however many those are. The client is opened by the first who watches and closed by the last.

    Parameters:
        open_client: opens the asynchronous Batch client.
        longest: ceiling of the period in seconds.
    """

    def __init__(self, open_client: OpenClient, longest: float = LONGEST) -> None:
        self._open_client = open_client
        self._longest = longest
        self._pace = Pace(longest)
        self._waiting: _Waiting = {}
        self._tasks: dict[str, TasksPoll] = {}
        self._seeing: dict[Subject, list[asyncio.Future[Any]]] = {}
        self._kept: dict[Subject, tuple[float, asyncio.Task[Any]]] = {}
        self._users = 0
        self._opening = asyncio.Lock()
        self._resources: AsyncExitStack | None = None
        self._client: Any = None
        self._rounds: asyncio.Task[None] | None = None
        self._someone_waits = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)

    def hurry(self, longest: float) -> None:
        """Poll often again, and never less often than every ``longest`` seconds."""
        self._longest = min(self._longest, longest)
        self._pace = Pace(self._longest)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        """Take part: gives the shared client, which is open until the last participant has left."""
        async with self._opening:
            self._users += 1
            try:
                if self._client is None:
                    await self._start()
            except BaseException:
                self._users -= 1
                raise
        try:
            yield self._client
        finally:
            async with self._opening:
                self._users -= 1
                if self._users == 0:
                    await self._stop()

    async def look(self, job_id: str) -> JobView | None:
        """The job as the next round sees it; None when it does not exist.

        Raises:
            Refusal: the round failed; the next may not.
        """
        view: JobView | None = await self._next((job_id, None))
        return view

    async def look_at_task(self, job_id: str, task_id: str) -> TaskSeen:
        """A task of a job as the next round sees it.

        Raises:
            Refusal: the round failed; the next may not.
        """
        seen: TaskSeen = await self._next((job_id, task_id))
        return seen

    async def _next(self, watched: Watched) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(watched, []).append(future)
        self._someone_waits.set()
        return await future

    async def see(self, subject: Subject) -> Any:
        """What the next round sees of something else; asked for once, however many wait for it.

        Raises:
            Refusal: the service refused, or gave no answer; the next round may see it.
        """
        if isinstance(subject, JobSubject):
            # Jobs are looked at all at once; only what a look does not show is asked for by itself.
            view = await self.look(subject.job_id)
            return await AsyncDriver(self._client, lambda say: None).run(subject.read(view))
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._seeing.setdefault(subject, []).append(future)
        self._someone_waits.set()
        return await future

    def crowd(self) -> int:
        """How many take part."""
        return self._users

    async def glance(self, subject: Subject) -> Any:
        """What was seen of something within the last 20 seconds, by whomever; else what is seen now.

        Raises:
            Refusal: the service refused, or gave no answer.
        """
        now = asyncio.get_running_loop().time()
        self._kept = {each: kept for each, kept in self._kept.items() if now - kept[0] < KEPT_SECONDS}
        if subject not in self._kept:
            task = contextvars.Context().run(asyncio.ensure_future, subject.asee(self._client))
            self._kept[subject] = (now, task)
        # Whoever is cancelled does not take the answer away from the others.
        return await asyncio.shield(self._kept[subject][1])

    async def _start(self) -> None:
        self._resources = AsyncExitStack()
        self._client = await self._resources.enter_async_context(self._open_client())
        loop = asyncio.get_running_loop()
        # In an empty context: by its own, log lines of the poll would go to the task that came first.
        self._rounds = contextvars.Context().run(loop.create_task, self._poll())

    async def _stop(self) -> None:
        rounds, resources = self._rounds, self._resources
        tasks = [task for _, task in self._kept.values()] + ([rounds] if rounds else [])
        self._rounds = self._resources = self._client = None
        self._kept = {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if resources is not None:
            await resources.aclose()

    async def _poll(self) -> None:
        driver = AsyncDriver(self._client, say=lambda say: None)
        retry_after: float | None = None
        while True:
            await self._someone_waits.wait()
            await asyncio.sleep(self._pace.next(retry_after))
            self._someone_waits.clear()
            waiting, self._waiting = self._waiting, {}
            seeing, self._seeing = self._seeing, {}
            try:
                waits = [await self._round(driver, waiting)]
                waits += await asyncio.gather(*starmap(self._see, seeing.items()))
            except asyncio.CancelledError:
                for futures in seeing.values():
                    for future in futures:
                        future.cancel()
                raise
            retry_after = max(filter(None, waits), default=None)

    async def _see(self, subject: Subject, futures: list[asyncio.Future[Any]]) -> float | None:
        if all(future.done() for future in futures):
            return None
        try:
            async with self._places:
                seen = await subject.asee(self._client)
        except Exception as error:
            _fail(futures, error)
            return error.retry_after if isinstance(error, Refusal) else None
        for future in futures:
            if not future.done():
                future.set_result(seen)
        return None

    async def _round(self, driver: AsyncDriver, waiting: _Waiting) -> float | None:
        wanted = [
            watched for watched, futures in waiting.items() if not all(future.done() for future in futures)
        ]
        try:
            views = await self._look_at(driver, wanted) if wanted else {}
        except asyncio.CancelledError:
            for future in (future for futures in waiting.values() for future in futures):
                future.cancel()
            raise
        except Exception as error:
            for futures in waiting.values():
                _fail(futures, error)
            return error.retry_after if isinstance(error, Refusal) else None
        for watched in wanted:
            for future in waiting[watched]:
                if not future.done():
                    future.set_result(views[watched])
        return None

    async def _look_at(self, driver: AsyncDriver, wanted: Collection[Watched]) -> dict[Watched, Any]:
        jobs = await driver.run(poll_jobs(dict.fromkeys(job_id for job_id, _ in wanted)))
        views: dict[Watched, Any] = {(job_id, None): view for job_id, view in jobs.items()}
        tasks: dict[str, list[str]] = {}
        for job_id, task_id in wanted:
            if task_id is not None:
                tasks.setdefault(job_id, []).append(task_id)
        self._tasks = {job_id: self._tasks.get(job_id) or TasksPoll(job_id) for job_id in tasks}
        for job_id, ids in tasks.items():
            seen = await driver.run(self._tasks[job_id].look(ids)) if jobs[job_id] is not None else {}
            for task_id in ids:
                views[job_id, task_id] = TaskSeen(jobs[job_id], seen.get(task_id.lower()))
        return views


def _fail(futures: Iterable[asyncio.Future[Any]], error: Exception) -> None:
    # Whatever it is, those who wait must hear of it: a poller that died silently hangs them all.
    for future in futures:
        if not future.done():
            future.set_exception(error)
