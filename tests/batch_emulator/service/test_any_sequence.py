"""Whatever is asked in whatever order: invariants hold, restoring changes nothing, and every job can end."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from batch_emulator.service import Account, BatchError, BatchService, Quotas
from batch_emulator.service.events import NodeLost, RunEnded, RunLost
from batch_emulator.service.tasks.failures import UNKNOWN
from tests.batch_emulator.service.builders import a_gang, a_job, a_pool, a_task, after
from tests.batch_emulator.service.world import World, records_of

IDS = [str(number) for number in range(1, 9)] + ["04", "5x"]
task_ids = st.sampled_from(IDS)
picks = st.integers(0, 30)


def index_of(service: BatchService) -> dict[str, Any]:
    """What is not durable but made from it."""
    state = service.state
    jobs = {
        room.job.id: (
            room.ready.numbers(),
            room.dependencies.numbers(),
            room.counts,
            room.slot_counts,
            frozenset(room.occupying),
            frozenset(room.barred),
            {number: [member.number for member in gang.members] for number, gang in room.gangs.items()},
        )
        for room in state.jobs.values()
    }
    nodes = {
        node.id: (
            room.slots.free(node.id),
            room.load(node.id).used_slots,
            frozenset(room.load(node.id).runs),
            frozenset(room.load(node.id).subtasks),
        )
        for room in state.pools.values()
        for node in room.nodes.values()
    }
    return {"jobs": jobs, "nodes": nodes, "runs": set(state.runs)}


class AnySequence(RuleBasedStateMachine):
    """A pool, a job with preparation and release, and everything that may happen to them."""

    @initialize(
        prepared=st.booleans(),
        slots=st.integers(1, 2),
        pack=st.booleans(),
        on_failure=st.booleans(),
        wait=st.booleans(),
    )
    def begin(self, prepared: bool, slots: int, pack: bool, on_failure: bool, wait: bool) -> None:
        self.world = World(Account("acct", quotas=Quotas(dedicated_cores=8)))
        policy = {"nodeFillType": "pack" if pack else "spread"}
        start = {"startTask": {"commandLine": "/bin/true", "waitForSuccess": wait}} if on_failure else {}
        self.world.do(
            "create_pool",
            a_pool(
                nodes=2,
                targetLowPriorityNodes=1,
                taskSlotsPerNode=slots,
                enableInterNodeCommunication=True,
                taskSchedulingPolicy=policy,
                **start,
            ),
        )
        special = {
            "jobPreparationTask": {"commandLine": "/bin/true", "constraints": {"maxTaskRetryCount": 1}},
            "jobReleaseTask": {"commandLine": "/bin/true"},
        }
        self.world.do("create_job", a_job(usesTaskDependencies=True, **(special if prepared else {})))

    def attempt(self, command: str, *args: Any, **options: Any) -> None:
        before = records_of(self.world.service)
        try:
            getattr(self.world.service, command)(*args, now=self.world.now, **options)
        except BatchError:
            assert records_of(self.world.service) == before, "a refused request changed something"
        self.world.settle()

    @rule(
        name=task_ids,
        parents=st.lists(task_ids, max_size=3),
        span=st.none() | st.tuples(st.integers(1, 4), st.integers(0, 4)),
        retries=st.integers(0, 2),
        slots=st.integers(1, 2),
        instances=st.sampled_from([0, 0, 1, 2, 3]),
    )
    def add(
        self,
        name: str,
        parents: list[str],
        span: tuple[int, int] | None,
        retries: int,
        slots: int,
        instances: int,
    ) -> None:
        ranges = ((span[0], span[0] + span[1]),) if span else ()
        depends = {"dependsOn": after(*parents, ranges=ranges)} if parents or span else {}
        make = a_gang(name, instances) if instances else a_task(name, requiredSlots=slots)
        body = {**make, "constraints": {"maxTaskRetryCount": retries}, **depends}
        self.attempt("create_task", "job", body)

    @rule(name=task_ids, command=st.sampled_from(["terminate_task", "reactivate_task", "delete_task"]))
    def ask_of_task(self, name: str, command: str) -> None:
        self.attempt(command, "job", name)

    @rule(pick=picks, code=st.sampled_from([0, 0, 0, 1, None]))
    def end_run(self, pick: int, code: int | None) -> None:
        if self.world.running:
            run_id = list(self.world.running)[pick % len(self.world.running)]
            del self.world.running[run_id]
            failure = {"failure": UNKNOWN, "phase": "preprocessing"} if code is None else {}
            self.world.tell(RunEnded(run_id, self.world.now, exit_code=code, **failure))  # type: ignore[arg-type]

    @rule(pick=picks)
    def lose_run(self, pick: int) -> None:
        if self.world.running:
            run_id = list(self.world.running)[pick % len(self.world.running)]
            del self.world.running[run_id]
            self.world.tell(RunLost(run_id))

    @rule(option=st.sampled_from(["requeue", "terminate", "wait"]))
    def disable(self, option: str) -> None:
        self.attempt("disable_job", "job", option)

    @rule()
    def enable(self) -> None:
        self.attempt("enable_job", "job")

    @rule(
        dedicated=st.integers(0, 5),
        low=st.integers(0, 2),
        option=st.sampled_from(["requeue", "terminate", "taskcompletion", "retaineddata"]),
    )
    def resize(self, dedicated: int, low: int, option: str) -> None:
        body = {
            "targetDedicatedNodes": dedicated,
            "targetLowPriorityNodes": low,
            "nodeDeallocationOption": option,
        }
        self.attempt("resize_pool", "pool", body)

    @rule()
    def stop_resize(self) -> None:
        self.attempt("stop_pool_resize", "pool")

    @rule(
        pick=picks,
        action=st.sampled_from(["reboot_node", "reimage_node", "deallocate_node"]),
        option=st.sampled_from(["requeue", "terminate", "taskcompletion", "retaineddata"]),
    )
    def take_down(self, pick: int, action: str, option: str) -> None:
        if self.world.node_ids():
            node = self.world.node_ids()[pick % len(self.world.node_ids())]
            self.attempt(action, "pool", node, option=option)

    @rule(pick=picks)
    def start_node(self, pick: int) -> None:
        if self.world.node_ids():
            self.attempt("start_node", "pool", self.world.node_ids()[pick % len(self.world.node_ids())])

    @rule(pick=picks, option=st.sampled_from(["requeue", "terminate", "taskcompletion"]), on=st.booleans())
    def scheduling(self, pick: int, option: str, on: bool) -> None:
        if self.world.node_ids():
            node = self.world.node_ids()[pick % len(self.world.node_ids())]
            if on:
                self.attempt("enable_node_scheduling", "pool", node)
            else:
                self.attempt("disable_node_scheduling", "pool", node, option=option)

    @rule(pick=picks)
    def preempt(self, pick: int) -> None:
        if self.world.node_ids():
            self.world.preempt(self.world.node_ids()[pick % len(self.world.node_ids())])

    @rule(pick=picks, away=st.sampled_from([None, 0.0, 60.0]))
    def lose_node(self, pick: int, away: float | None) -> None:
        if self.world.node_ids():
            node = self.world.node_ids()[pick % len(self.world.node_ids())]
            self.world.tell(NodeLost("pool", node, away))

    @rule(minutes=st.sampled_from([1, 20, 60 * 24 * 8]))
    def wait(self, minutes: int) -> None:
        self.world.advance(timedelta(minutes=minutes))

    @rule(boots=st.booleans(), kills=st.booleans(), releases=st.booleans())
    def change_obedience(self, boots: bool, kills: bool, releases: bool) -> None:
        self.world.boots, self.world.kills, self.world.releases = boots, kills, releases

    @rule()
    def answer(self) -> None:
        self.world.answer_pending()

    @rule()
    def die(self) -> None:
        self.world.die()

    @invariant()
    def restoring_changes_nothing(self) -> None:
        if hasattr(self, "world"):
            restored = self.world.restored()
            assert records_of(restored) == records_of(self.world.service)
            assert index_of(restored) == index_of(self.world.service)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.boots = self.world.kills = self.world.releases = True
        self.come_to_rest()
        with contextlib.suppress(BatchError):
            self.world.do("enable_job", "job")
        self.finish()
        self.world.do("terminate_job", "job")
        self.finish()
        assert self.world.job_state() == "completed"
        self.world.do("delete_pool", "pool")
        self.finish()
        assert not list(self.world.service.pools())
        self.world.do("delete_job", "job")
        assert not list(self.world.service.jobs())
        assert not self.world.running
        assert not self.world.left()

    def come_to_rest(self) -> None:
        for _ in range(20):
            self.world.answer_pending()

    def finish(self) -> None:
        for _ in range(5):
            self.come_to_rest()
            self.world.finish_all()
            self.world.advance(timedelta(minutes=20))


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
