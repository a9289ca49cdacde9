"""Faults of nodes over the real rules: what is drawn, when it strikes, what the rules make of it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from batch_emulator.faults import Faults
from batch_emulator.faults.nodes import NodeFaults
from batch_emulator.faults.record import (
    FailedBoot,
    FailedStartTask,
    NodeLoss,
    NodeRule,
    Preemption,
    SlowBoot,
    SlowStart,
    SlowStartTask,
)
from batch_emulator.service.effects import BootNode, Effect, KillRun, ReleaseNode, StartRun, WakeAt
from batch_emulator.service.events import Event, NodeBooted, NodeReleased, RunEnded, TimeReached
from batch_emulator.service.invariants import check
from batch_emulator.service.service import BatchService
from batch_emulator.service.times import format_time
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import ACCOUNT, START


class Handle:
    """A callback that may be cancelled."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Bench:
    """The rules, the faults and nodes that obey at once, on a clock that is moved by hand."""

    def __init__(self, *rules: NodeRule, seed: int = 1, service_seed: int = 7) -> None:
        self.now = START
        self.service = BatchService(ACCOUNT, seed=service_seed)
        self.events: list[Event] = []
        self.effects: list[Effect] = []
        self.posted: list[Event] = []
        self.running: dict[str, StartRun] = {}
        self._numbers = itertools.count()
        self._timers: list[tuple[Any, int, Handle]] = []
        self.faults = NodeFaults(self.take, self)
        self.faults.connect(self)
        self.faults.set(Faults(seed=seed, nodes=rules))

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Handle:
        handle = Handle(callback)
        heapq.heappush(self._timers, (self.now + timedelta(seconds=delay), next(self._numbers), handle))
        return handle

    def take(self, event: Event) -> None:
        self.events.append(event)
        self.posted.append(event)

    def carry_out(self, effect: Effect) -> None:
        self.effects.append(effect)
        if isinstance(effect, BootNode):
            self.faults.post(NodeBooted(effect.pool_id, effect.node_id, effect.boot_id, "10.0.0.4"))
        elif isinstance(effect, ReleaseNode):
            self.faults.post(NodeReleased(effect.pool_id, effect.node_id, effect.boot_id))
        elif isinstance(effect, StartRun):
            self.running[effect.run_id] = effect
            words = ["", *effect.spec["commandLine"].rstrip("'").split()]
            if words[-2].lstrip("'") == "exit":
                del self.running[effect.run_id]
                self.faults.post(RunEnded(effect.run_id, self.now, exit_code=int(words[-1])))
        elif isinstance(effect, KillRun) and self.running.pop(effect.run_id, None):
            self.faults.post(RunEnded(effect.run_id, self.now, exit_code=137, killed=True))

    def do(self, command: str, *args: Any) -> Any:
        answer = getattr(self.service, command)(*args, now=self.now)
        self.settle()
        return answer

    def settle(self) -> None:
        for _ in range(1000):
            step = self.service.settle(self.now)
            check(self.service.state)
            for effect in step.effects:
                if isinstance(effect, WakeAt):
                    self.call_later((effect.at - self.now).total_seconds(), lambda: self.take(TimeReached()))
                else:
                    self.faults.carry_out(effect)
            events, self.events = self.events, []
            if not events:
                return
            for event in events:
                self.service.handle(event, self.now)
        raise AssertionError("no rest")

    def advance(self, span: timedelta) -> None:
        until = self.now + span
        while self._timers and self._timers[0][0] <= until:
            at, _, handle = heapq.heappop(self._timers)
            self.now = max(self.now, at)
            if handle.callback is not None:
                handle.callback()
                self.settle()
        self.now = until

    def states(self, pool: str = "pool") -> list[str]:
        nodes = sorted(self.service.nodes(pool), key=lambda node: node.number)
        return [node.state for node in nodes]

    def strikes(self) -> list[str]:
        """What the faults have told the service, in order."""
        kinds = ("NodePreempted", "NodeLost", "NodeBootFailed")
        return [name for event in self.posted if (name := type(event).__name__) in kinds]


def spot(nodes: int = 1, **more: Any) -> dict[str, Any]:
    return a_pool(nodes=0, targetLowPriorityNodes=nodes, **more)


def test_without_faults_everything_passes() -> None:
    bench = Bench()
    bench.do("create_pool", a_pool(nodes=2))
    bench.advance(timedelta(days=30))
    assert bench.states() == ["idle", "idle"]


def test_a_preempted_node_comes_back_with_its_id_and_runs_its_task_again() -> None:
    bench = Bench(Preemption(per_node_hour=1, away=300, times=1))
    bench.do("create_pool", spot())
    bench.do("create_job", a_job())
    bench.do("create_task", "job", a_task("t"))
    (node,) = [node.id for node in bench.service.nodes("pool")]
    while bench.states() != ["preempted"]:
        assert bench.now < START + timedelta(days=2)
        bench.advance(timedelta(seconds=30))
    task = bench.service.task("job", "t")
    assert (task.state, task.retry_count, task.requeue_count, task.node_id) == ("active", 0, 0, None)
    assert bench.service.pool_size("pool").low_priority == 1
    bench.advance(timedelta(seconds=360))
    task = bench.service.task("job", "t")
    assert (task.state, task.node_id, bench.states()) == ("running", node, ["running"])
    boots = [effect for effect in bench.effects if isinstance(effect, BootNode)]
    assert [boot.wipe for boot in boots] == [True, True]


def test_dedicated_nodes_are_not_preempted() -> None:
    bench = Bench(Preemption(per_node_hour=1000))
    bench.do("create_pool", a_pool(nodes=3))
    bench.advance(timedelta(days=1))
    assert bench.strikes() == []


def test_preemptions_come_at_the_rate_that_was_asked_for() -> None:
    bench = Bench(Preemption(per_node_hour=2, away=0))
    bench.do("create_pool", spot(10))
    bench.advance(timedelta(hours=25))
    assert 400 < len(bench.strikes()) < 600


def test_the_seed_repeats_the_times_even_when_the_ids_differ() -> None:
    def times(seed: int, service_seed: int) -> list[Any]:
        bench = Bench(Preemption(per_node_hour=1), seed=seed, service_seed=service_seed)
        bench.do("create_pool", spot(3))
        found = []
        for hour in range(40):
            before = len(bench.strikes())
            bench.advance(timedelta(hours=1))
            found.append((hour, len(bench.strikes()) - before))
        return found

    assert times(1, 7) == times(1, 8)
    assert times(1, 7) != times(2, 7)


def test_a_lost_node_is_unknown_and_is_found_again_with_its_disk() -> None:
    bench = Bench(NodeLoss(per_node_hour=1, away=120, times=1))
    bench.do("create_pool", a_pool(nodes=1))
    bench.do("create_job", a_job())
    bench.do("create_task", "job", a_task("t"))
    while bench.states() != ["unknown"]:
        assert bench.now < START + timedelta(days=2)
        bench.advance(timedelta(seconds=30))
    assert bench.service.task("job", "t").state == "active"
    assert [effect for effect in bench.effects if isinstance(effect, KillRun)]
    bench.advance(timedelta(seconds=150))
    assert (bench.service.task("job", "t").state, bench.states()) == ("running", ["running"])
    assert [e.wipe for e in bench.effects if isinstance(e, BootNode)] == [True, False]


def test_a_node_lost_for_ever_stays_unknown_until_it_is_removed() -> None:
    bench = Bench(NodeLoss(per_node_hour=1000, away=None))
    bench.do("create_pool", a_pool(nodes=1))
    bench.advance(timedelta(days=5))
    assert bench.states() == ["unknown"]
    assert len(bench.strikes()) == 1
    bench.do("delete_pool", "pool")
    assert list(bench.service.pools()) == []


def test_a_slow_boot_takes_its_time() -> None:
    bench = Bench(SlowBoot(seconds=100, jitter=50))
    bench.do("create_pool", a_pool(nodes=20))
    bench.advance(timedelta(seconds=99))
    assert set(bench.states()) == {"creating"}
    bench.advance(timedelta(seconds=26))
    assert set(bench.states()) == {"creating", "idle"}
    bench.advance(timedelta(seconds=26))
    assert set(bench.states()) == {"idle"}


def test_a_slow_start_leaves_a_node_that_the_pool_has_starting() -> None:
    bench = Bench(SlowBoot(seconds=60), SlowStart(seconds=1800))
    bench.do("create_pool", a_pool(nodes=1))
    pool = bench.service.pool("pool")
    bench.advance(timedelta(seconds=59))
    assert (bench.states(), pool.allocation_state) == (["creating"], "resizing")
    bench.advance(timedelta(seconds=2))
    assert (bench.states(), pool.allocation_state) == (["starting"], "steady")
    assert bench.service.pool_size("pool").dedicated == 1
    # The time for a resize is over, but not that of a node which was obtained.
    bench.advance(timedelta(minutes=29))
    assert (bench.states(), pool.resize_errors) == (["starting"], [])
    bench.advance(timedelta(minutes=1))
    assert bench.states() == ["idle"]


def test_a_node_that_starts_slowly_may_fail_in_the_end() -> None:
    bench = Bench(SlowStart(seconds=60), FailedBoot(times=1))
    bench.do("create_pool", a_pool(nodes=1))
    assert bench.states() == ["starting"]
    bench.advance(timedelta(seconds=61))
    assert bench.states() == ["unusable"]
    # The service tries again, and the next start is slow too.
    bench.advance(timedelta(minutes=10))
    assert bench.states() == ["starting"]
    bench.advance(timedelta(seconds=61))
    assert bench.states() == ["idle"]


def test_a_slow_start_task_leaves_its_node_waiting() -> None:
    bench = Bench(SlowStartTask(seconds=600, times=1), FailedStartTask(times=1, exit_code=3))
    start = {"commandLine": "/bin/sh -c 'exit 0'", "maxTaskRetryCount": 1, "waitForSuccess": True}
    bench.do("create_pool", a_pool(nodes=1, startTask=start))
    assert (bench.states(), bench.service.pool("pool").allocation_state) == (
        ["waitingforstarttask"],
        "steady",
    )
    bench.advance(timedelta(seconds=599))
    assert bench.states() == ["waitingforstarttask"]
    bench.advance(timedelta(seconds=2))
    (node,) = bench.service.nodes("pool")
    info = node.start_task_info or {}
    assert (node.state, info["retryCount"], info["endTime"]) == (
        "idle",
        1,
        format_time(START + timedelta(seconds=600)),
    )


@pytest.mark.parametrize("rule", [SlowStart(seconds=100), SlowStartTask(seconds=100)])
def test_a_node_that_is_removed_while_it_starts_slowly_leaves_nothing_behind(rule: NodeRule) -> None:
    bench = Bench(rule)
    bench.do("create_pool", a_pool(nodes=1, startTask={"commandLine": "/bin/sh -c 'exit 0'"}))
    bench.do("delete_pool", "pool")
    bench.do("create_pool", a_pool(nodes=0))
    bench.advance(timedelta(minutes=5))
    assert (bench.states(), list(bench.service.state.runs)) == ([], [])


def test_a_node_that_is_removed_while_it_boots_slowly_does_not_come_back() -> None:
    bench = Bench(SlowBoot(seconds=100), NodeLoss(per_node_hour=1000))
    bench.do("create_pool", a_pool(nodes=1))
    bench.do("delete_pool", "pool")
    bench.advance(timedelta(days=1))
    assert bench.strikes() == []


def test_a_failed_boot_leaves_an_unusable_node() -> None:
    bench = Bench(FailedBoot(times=1, skip=1, code="ContainerInvalidImage"))
    bench.do("create_pool", a_pool(nodes=3))
    assert bench.states() == ["idle", "unusable", "idle"]
    (broken,) = [node for node in bench.service.nodes("pool") if node.errors]
    assert broken.errors[0]["code"] == "ContainerInvalidImage"
    assert bench.service.pool("pool").allocation_state == "steady"


def test_a_start_task_that_fails_is_tried_again_as_it_asks() -> None:
    start = {
        "startTask": {"commandLine": "/bin/sh -c 'exit 0'", "maxTaskRetryCount": 1, "waitForSuccess": True}
    }
    once = Bench(FailedStartTask(times=1, exit_code=3))
    once.do("create_pool", a_pool(nodes=1, **start))
    assert once.states() == ["idle"]
    always = Bench(FailedStartTask(exit_code=3))
    always.do("create_pool", a_pool(nodes=1, **start))
    (node,) = always.service.nodes("pool")
    info = node.start_task_info or {}
    assert (node.state, info["exitCode"], info["retryCount"]) == ("starttaskfailed", 3, 1)


@pytest.mark.parametrize("rule", [FailedBoot(pools=("other*",)), FailedBoot(rate=0), FailedBoot(times=0)])
def test_rules_that_do_not_apply_do_nothing(rule: NodeRule) -> None:
    bench = Bench(rule)
    bench.do("create_pool", a_pool(nodes=2))
    assert bench.states() == ["idle", "idle"]


def test_rules_that_come_later_hold_for_nodes_that_are_up() -> None:
    bench = Bench()
    bench.do("create_pool", spot(2))
    bench.faults.set(Faults(nodes=(Preemption(per_node_hour=1000, away=3600 * 24, pools=("POOL",)),)))
    bench.advance(timedelta(hours=1))
    assert bench.states() == ["preempted", "preempted"]
    bench.faults.set(Faults())
    bench.advance(timedelta(days=2))
    assert bench.states() == ["idle", "idle"]


def test_when_everything_ends_nothing_strikes_any_more() -> None:
    bench = Bench(Preemption(per_node_hour=1000))
    bench.do("create_pool", spot(2))
    bench.faults.stop()
    bench.advance(timedelta(hours=5))
    assert bench.strikes() == []
