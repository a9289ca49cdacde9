"""The facade: Azure Batch as a state machine. Requests and events go in, changes and effects come out.

Nothing in this package does I/O, reads a clock or starts a thread: time is a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from batch_emulator.service import (
    applications,
    autoscaling,
    explain,
    jobs,
    node_life,
    node_operations,
    pools,
    queries,
    recovery,
    run_events,
    settling,
    tasks,
)
from batch_emulator.service.account import Account
from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import Application, Job, Json, Node, Pool, Task
from batch_emulator.service.error_kinds import JOB_PREPARATION_NOT_SPECIFIED
from batch_emulator.service.errors import BatchError
from batch_emulator.service.events import (
    Event,
    NodeBooted,
    NodeBootFailed,
    NodePreempted,
    NodeReleased,
    RunEnded,
    RunLost,
    RunStarted,
)
from batch_emulator.service.spec_checks import without_nulls
from batch_emulator.service.state import State
from batch_emulator.service.step import Step
from batch_emulator.service.story import Passage


class BatchService:
    """One Batch account.

    Commands and :meth:`handle` change the account in memory; :meth:`settle` lets everything follow that
    follows and hands over what is to be made durable and what is to be done. A command refuses with
    ``BatchError`` before it changes anything.

    :param account: name, place and quotas.
    :param seed: the same seed and the same calls give the same ids and the same order.
    """

    def __init__(self, account: Account, *, seed: int = 0) -> None:
        self._state = State(account, seed)

    @classmethod
    def restore(
        cls, account: Account, records: Iterable[tuple[str, str, Json]], *, seed: int = 0
    ) -> BatchService:
        """The account as its records tell. Call :meth:`recover` then.

        :param records: (kind, key, record) of all changes that stand.
        """
        service = cls(account, seed=seed)
        recovery.load(service._state, records)
        return service

    @property
    def account(self) -> Account:
        return self._state.account

    @property
    def state(self) -> State:
        """What the rules work on; for tests and for explanations, not for changes."""
        return self._state

    def recover(self, now: datetime) -> None:
        """Go on after a restart: every process of the earlier life is dead."""
        self._at(now)
        recovery.recover(self._state)

    def handle(self, event: Event, now: datetime) -> None:
        """Take in news from outside; news of something that is over is dropped."""
        state = self._at(now)
        if isinstance(event, RunEnded):
            run_events.on_ended(
                state, event.run_id, Ending(event.exit_code, event.failure, event.phase, event.killed)
            )
        elif isinstance(event, RunLost):
            run_events.on_ended(state, event.run_id, Ending(killed=True, lost=True))
        elif isinstance(event, NodeBooted):
            node_life.on_booted(state, event.pool_id, event.node_id, event.boot_id, event.ip_address)
        elif isinstance(event, NodeBootFailed):
            node_life.on_boot_failed(state, event.pool_id, event.node_id, event.boot_id, event.failure)
        elif isinstance(event, NodeReleased):
            node_life.on_released(state, event.pool_id, event.node_id, event.boot_id)
        elif isinstance(event, NodePreempted):
            node_life.on_preempted(state, event.pool_id, event.node_id)
        elif not isinstance(event, RunStarted):
            settling.on_time(state)

    def settle(self, now: datetime) -> Step:
        """Let everything follow that follows.

        :returns: changes and effects since the last call.
        """
        state = self._at(now)
        settling.on_time(state)
        settling.settle(state)
        return state.take()

    def _at(self, now: datetime) -> State:
        self._state.now = now
        return self._state

    # ------------------------------------------------------------------ pools

    def create_pool(self, spec: Json, now: datetime, *, identity: Json | None = None) -> Pool:
        return pools.create(self._at(now), spec, identity)

    def patch_pool(self, pool_id: str, spec: Json, now: datetime) -> Pool:
        return pools.patch(self._at(now), pool_id, spec)

    def replace_pool_properties(self, pool_id: str, spec: Json, now: datetime) -> Pool:
        return pools.replace_properties(self._at(now), pool_id, spec)

    def resize_pool(self, pool_id: str, spec: Json, now: datetime) -> Pool:
        return pools.resize(self._at(now), pool_id, spec)

    def stop_pool_resize(self, pool_id: str, now: datetime) -> Pool:
        return pools.stop_resize(self._at(now), pool_id)

    def enable_auto_scale(self, pool_id: str, spec: Json, now: datetime) -> Pool:
        state = self._at(now)
        room = pools.find_writable(state, pool_id)
        autoscaling.enable(state, room, without_nulls(spec))
        return room.pool

    def disable_auto_scale(self, pool_id: str, now: datetime) -> Pool:
        state = self._at(now)
        room = pools.find_writable(state, pool_id)
        autoscaling.disable(state, room)
        return room.pool

    def evaluate_auto_scale(self, pool_id: str, formula: str, now: datetime) -> Json:
        """What a formula would do: an ``AutoScaleRun`` in wire form. Nothing is applied."""
        state = self._at(now)
        return autoscaling.evaluate_only(state, pools.find_writable(state, pool_id), formula)

    def remove_nodes(self, pool_id: str, spec: Json, now: datetime) -> Pool:
        return pools.remove_nodes(self._at(now), pool_id, spec)

    def delete_pool(self, pool_id: str, now: datetime) -> Pool:
        return pools.delete(self._at(now), pool_id)

    # ------------------------------------------------------------------ nodes

    def reboot_node(self, pool_id: str, node_id: str, now: datetime, *, option: str | None = None) -> Node:
        return node_operations.reboot(self._at(now), pool_id, node_id, option or "requeue")

    def reimage_node(self, pool_id: str, node_id: str, now: datetime) -> Node:
        return node_operations.reimage(self._at(now), pool_id, node_id)

    def disable_node_scheduling(
        self, pool_id: str, node_id: str, now: datetime, *, option: str | None = None
    ) -> Node:
        return node_operations.disable_scheduling(self._at(now), pool_id, node_id, option or "requeue")

    def enable_node_scheduling(self, pool_id: str, node_id: str, now: datetime) -> Node:
        return node_operations.enable_scheduling(self._at(now), pool_id, node_id)

    # ------------------------------------------------------------------ jobs

    def create_job(self, spec: Json, now: datetime) -> Job:
        return jobs.create(self._at(now), spec)

    def patch_job(self, job_id: str, spec: Json, now: datetime) -> Job:
        return jobs.patch(self._at(now), job_id, spec)

    def replace_job(self, job_id: str, spec: Json, now: datetime) -> Job:
        return jobs.replace(self._at(now), job_id, spec)

    def disable_job(self, job_id: str, option: str, now: datetime) -> Job:
        return jobs.disable(self._at(now), job_id, option)

    def enable_job(self, job_id: str, now: datetime) -> Job:
        return jobs.enable(self._at(now), job_id)

    def terminate_job(self, job_id: str, now: datetime, *, reason: str | None = None) -> Job:
        return jobs.terminate(self._at(now), job_id, reason)

    def delete_job(self, job_id: str, now: datetime) -> Job:
        return jobs.delete(self._at(now), job_id)

    # ------------------------------------------------------------------ tasks

    def create_task(self, job_id: str, spec: Json, now: datetime) -> Task:
        return tasks.create(self._at(now), job_id, spec)

    def add_tasks(self, job_id: str, specs: Iterable[Json], now: datetime) -> list[tasks.AddResult]:
        return tasks.add_collection(self._at(now), job_id, specs)

    def replace_task(self, job_id: str, task_id: str, spec: Json, now: datetime) -> Task:
        return tasks.replace(self._at(now), job_id, task_id, spec)

    def terminate_task(self, job_id: str, task_id: str, now: datetime) -> Task:
        return tasks.terminate(self._at(now), job_id, task_id)

    def reactivate_task(self, job_id: str, task_id: str, now: datetime) -> Task:
        return tasks.reactivate(self._at(now), job_id, task_id)

    def delete_task(self, job_id: str, task_id: str, now: datetime) -> None:
        tasks.delete(self._at(now), job_id, task_id)

    # ------------------------------------------------------------------ applications

    def put_application(self, application_id: str, spec: Json, now: datetime) -> Application:
        return applications.put(self._at(now), application_id, spec)

    def patch_application(self, application_id: str, spec: Json, now: datetime) -> Application:
        return applications.patch(self._at(now), application_id, spec)

    def delete_application(self, application_id: str, now: datetime) -> None:
        applications.delete(self._at(now), application_id)

    def put_package(self, application_id: str, version: str, now: datetime) -> Json:
        return applications.put_package(self._at(now), application_id, version)

    def activate_package(self, application_id: str, version: str, package_format: str, now: datetime) -> Json:
        return applications.activate_package(self._at(now), application_id, version, package_format)

    def delete_package(self, application_id: str, version: str, now: datetime) -> None:
        applications.delete_package(self._at(now), application_id, version)

    # ------------------------------------------------------------------ questions

    def pool(self, pool_id: str) -> Pool:
        return pools.find(self._state, pool_id).pool

    def pools(self, after: str = "") -> Iterator[Pool]:
        """Pools in ordinal order of their ids, those after a given id."""
        return (room.pool for room in self._state.pools.after(after))

    def pool_size(self, pool_id: str) -> queries.PoolSize:
        return queries.pool_size(pools.find(self._state, pool_id))

    def node(self, pool_id: str, node_id: str) -> Node:
        return node_operations.find_node(self._state, pool_id, node_id)

    def nodes(self, pool_id: str, after: str = "") -> Iterator[Node]:
        return pools.find(self._state, pool_id).nodes.after(after)

    def node_load(self, pool_id: str, node_id: str) -> queries.NodeLoad:
        return queries.node_load(self._state, self.node(pool_id, node_id))

    def node_counts(self, after: str = "") -> Iterator[queries.PoolNodeCounts]:
        return (queries.node_counts(room) for room in self._state.pools.after(after))

    def job(self, job_id: str) -> Job:
        return jobs.find(self._state, job_id).job

    def jobs(self, after: str = "") -> Iterator[Job]:
        return (room.job for room in self._state.jobs.after(after))

    def task(self, job_id: str, task_id: str) -> Task:
        return tasks.find(self._state, job_id, task_id)

    def tasks(self, job_id: str, after: str = "") -> Iterator[Task]:
        found = jobs.find(self._state, job_id).tasks.after(after)
        return (task for task in found if task.killing != "delete")

    def task_counts(self, job_id: str) -> queries.TaskCounts:
        room = jobs.find(self._state, job_id)
        return queries.TaskCounts(room.counts, room.slot_counts)

    def job_node_runs(self, job_id: str) -> list[queries.JobNodeStatus]:
        """Preparation and release tasks of a job. :raises BatchError: the job has no preparation task."""
        room = jobs.find(self._state, job_id)
        if "jobPreparationTask" not in room.job.spec:
            raise BatchError(JOB_PREPARATION_NOT_SPECIFIED)
        return queries.job_node_runs(room)

    def kept_task_roots(self) -> set[str]:
        return queries.kept_task_roots(self._state)

    def application(self, application_id: str) -> Application:
        return applications.find(self._state, application_id)

    def applications(self, after: str = "") -> Iterator[Application]:
        return self._state.applications.after(after)

    def package(self, application_id: str, version: str) -> tuple[str, Json]:
        """A package with its version as it was written first."""
        return applications.find_package(self._state, application_id, version)

    def why_not_running(self, job_id: str, task_id: str) -> list[explain.Reason]:
        """Why a task is not running, as data."""
        return explain.why_not_running(self._state, self.task(job_id, task_id))

    def story(self, kind: str, key: str, limit: int = 200) -> list[Passage]:
        """The latest transitions of an entity with their causes, oldest first."""
        passages = self._state.story.of(kind, key)
        return list(islice(passages, max(0, len(passages) - limit), None))
