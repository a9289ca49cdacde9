"""One poll for all that an event loop watches in an account: its jobs, and what sensors look at."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import chain, starmap
from typing import Any, TypeAlias, TypeVar

from airflow_batch_provider.client.requests.drive import AT_ONCE, AsyncDriver
from airflow_batch_provider.client.requests.records import JobView
from airflow_batch_provider.client.requests.steps import Refusal, Subject
from airflow_batch_provider.client.watching.idle_tasks import IdleTasks
from airflow_batch_provider.client.watching.pace import FIRST, LONGEST, Pace
from airflow_batch_provider.client.watching.polls import JobsPoll, TaskSeen, TasksPoll
from airflow_batch_provider.client.watching.ration import Rations, Turns
from airflow_batch_provider.client.watching.subjects import JobSubject

KEPT_SECONDS = 20.0
"""For which a glance is answered by what another has seen."""

SEEN_PER_SECOND = 100
"""Jobs looked at while newcomers keep the period short: a look at many costs more, and is made less often."""

OpenClient = Callable[[], AbstractAsyncContextManager[Any]]

Watched: TypeAlias = "tuple[str, str | None]"
"""A job and a task of it, or the job itself."""

_Futures: TypeAlias = "list[asyncio.Future[Any]]"
K = TypeVar("K")

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

    A look costs one request for all jobs. All else is rationed: so many requests per second, however many
    jobs are watched, and however many tasks they have. The client is opened by the first who watches and
    closed by the last.

    Parameters:
        open_client: opens the asynchronous Batch client.
        longest: ceiling of the period in seconds.
    """

    def __init__(self, open_client: OpenClient, longest: float = LONGEST) -> None:
        self._open_client = open_client
        self._longest = longest
        self._pace = Pace(longest)
        self.rations = Rations(asyncio.get_running_loop().time)
        self._waiting: dict[Watched, _Futures] = {}
        self._jobs = JobsPoll()
        self._tasks: dict[str, _JobTasks] = {}
        self._seeing: dict[Subject, _Futures] = {}
        self._turns: dict[Subject, Turns] = {}
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
        self._pace = Pace(self._longest, max(FIRST, self._users / SEEN_PER_SECOND))

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
        """What a round sees of something else, in its turn; asked for once, however many wait for it.

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
        self._jobs, self._tasks = JobsPoll(), {}
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
        driver = AsyncDriver(self._client, say=lambda say: None, glance=self.glance)
        retry_after: float | None = None
        while True:
            await self._someone_waits.wait()
            await asyncio.sleep(self._pace.next(retry_after))
            self._someone_waits.clear()
            waiting, self._waiting = self._waiting, {}
            seeing, self._seeing = self._seeing, {}
            try:
                waits = [await self._round(driver, _awaited(waiting))]
                waits += await self._sights(_awaited(seeing))
            except asyncio.CancelledError:
                for future in chain(*waiting.values(), *seeing.values()):
                    future.cancel()
                raise
            retry_after = max(filter(None, waits), default=None)

    async def _sights(self, seeing: dict[Subject, _Futures]) -> list[float | None]:
        self._turns = {each: self._turns.get(each) or Turns(self.rations.tasks) for each in seeing}
        later = {subject: futures for subject, futures in seeing.items() if not self._turns[subject].due}
        for subject, futures in later.items():
            self._seeing.setdefault(subject, []).extend(futures)
            self._someone_waits.set()
        due = (item for item in seeing.items() if item[0] not in later)
        return await asyncio.gather(*starmap(self._see, due))

    async def _see(self, subject: Subject, futures: _Futures) -> float | None:
        async with _told(futures) as told, self._places:
            try:
                _tell(futures, await subject.asee(self._client))
            finally:
                self._turns[subject].spent(1)
        return told.retry_after

    async def _round(self, driver: AsyncDriver, waiting: dict[Watched, _Futures]) -> float | None:
        if not waiting:
            return None
        tasks: dict[str, dict[str, _Futures]] = {}
        async with _told(chain(*waiting.values())) as told:
            jobs = await driver.run(self._jobs.look(dict.fromkeys(job_id for job_id, _ in waiting)))
            for (job_id, task_id), futures in waiting.items():
                if task_id is None:
                    _tell(futures, jobs[job_id])
                else:
                    tasks.setdefault(job_id, {})[task_id] = futures
            self._tasks = {
                job_id: self._tasks.get(job_id) or _JobTasks(job_id, self.rations) for job_id in tasks
            }
            looks = (self._look_at(driver, job_id, jobs[job_id], each) for job_id, each in tasks.items())
            told.retry_after = max(filter(None, await asyncio.gather(*looks)), default=None)
        return told.retry_after

    async def _look_at(
        self, driver: AsyncDriver, job_id: str, job: JobView | None, tasks: Mapping[str, _Futures]
    ) -> float | None:
        here = self._tasks[job_id]
        async with _told(chain(*tasks.values())) as told:
            seen: Mapping[str, TaskSeen] = {}
            if job is not None and (job.ended or here.turns.due):
                async with self._places:
                    seen = await driver.run(here.turns.take(here.poll.look(job, tasks)))
            for task_id, futures in tasks.items():
                _tell(futures, here.idle.told(seen.get(task_id) or TaskSeen(job, asked=False)))
            # After that, since why others wait keeps no task's end from being heard of.
            if seen:
                async with self._places:
                    await driver.run(here.idle.look(job, seen.values()))
        return told.retry_after


class _JobTasks:
    """The watched tasks of one job: the poll of them, when it is their turn, and why they wait."""

    def __init__(self, job_id: str, rations: Rations) -> None:
        self.poll = TasksPoll(job_id)
        self.turns = Turns(rations.tasks)
        self.idle = IdleTasks(rations)


@dataclass
class _Told:
    """How long the service asks to wait, when a look was refused."""

    retry_after: float | None = None


@asynccontextmanager
async def _told(futures: Iterable[asyncio.Future[Any]]) -> AsyncIterator[_Told]:
    """Let those who wait hear of whatever goes wrong: a poller that died silently hangs them all."""
    told = _Told()
    try:
        yield told
    except Exception as error:
        told.retry_after = error.retry_after if isinstance(error, Refusal) else None
        for future in futures:
            if not future.done():
                future.set_exception(error)


def _awaited(waiting: Mapping[K, _Futures]) -> dict[K, _Futures]:
    """What somebody still waits for."""
    return {
        each: futures for each, futures in waiting.items() if not all(future.done() for future in futures)
    }


def _tell(futures: Iterable[asyncio.Future[Any]], seen: Any) -> None:
    for future in futures:
        if not future.done():
            future.set_result(seen)
