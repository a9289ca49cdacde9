"""Faults of nodes, between the rules and whatever carries out their effects."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Protocol

from batch_emulator.faults.dice import Dice
from batch_emulator.faults.record import (
    FailedBoot,
    FailedStartTask,
    Faults,
    NodeLoss,
    NodeRule,
    Preemption,
    SlowBoot,
    SlowStart,
    SlowStartTask,
)
from batch_emulator.service.effects import BootNode, Effect, ReleaseNode, StartRun
from batch_emulator.service.errors import Failure
from batch_emulator.service.events import (
    Event,
    NodeBooted,
    NodeBootFailed,
    NodeLost,
    NodeObtained,
    NodePreempted,
    RunEnded,
)

__all__ = ["NodeFaults", "Outside", "Timer"]

_SECONDS_AN_HOUR = 3600.0


class Outside(Protocol):
    """What carries out effects."""

    def carry_out(self, effect: Effect) -> None:
        """Begin to carry out an effect. Returns at once."""
        ...


class _Handle(Protocol):
    def cancel(self) -> None: ...


class Timer(Protocol):
    """Calls back later; an event loop does, and so does a virtual clock."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> _Handle:
        """Call back after a number of seconds, unless cancelled."""
        ...


@dataclass
class _Machine:
    """One start of a node.

    :param number: of this start among those of its pool; fates are drawn by it, as ids differ between runs.
    :param delay: seconds that the machine comes later.
    :param starting: seconds that its agent takes longer then.
    """

    boot: BootNode
    number: int
    delay: float = 0.0
    starting: float = 0.0
    failure: Failure | None = None
    is_up: bool = False
    timers: dict[Dice, _Handle] = field(default_factory=dict)

    def cancel(self) -> None:
        for timer in self.timers.values():
            timer.cancel()
        self.timers.clear()


class NodeFaults:
    """Lets effects through to the nodes and events back to the service, but for what the faults change.

    :param post: takes events.
    :param timer: of the clock that nodes live by.
    """

    def __init__(self, post: Callable[[Event], None], timer: Timer) -> None:
        self._post = post
        self._timer = timer
        self._outside: Outside | None = None
        self._machines: dict[tuple[str, str], _Machine] = {}
        self._starts: dict[str, int] = {}
        self._slow_runs: dict[str, float] = {}
        self.dice: dict[Dice, NodeRule] = {}

    def connect(self, outside: Outside) -> None:
        """Say what carries out effects."""
        self._outside = outside

    def set(self, faults: Faults) -> None:
        """Let other rules hold from now on. A start under way keeps its fate."""
        self.dice = {Dice(rule, faults.seed, place): rule for place, rule in enumerate(faults.nodes)}
        for machine in self._machines.values():
            machine.cancel()
            if machine.is_up:
                self._expose(machine)

    def stop(self) -> None:
        """Nothing goes wrong any more."""
        for machine in self._machines.values():
            machine.cancel()
        self._machines.clear()
        self._slow_runs.clear()

    def carry_out(self, effect: Effect) -> None:
        """Begin to carry out an effect, as the faults have it."""
        if isinstance(effect, BootNode):
            self._on_boot(effect)
        elif isinstance(effect, ReleaseNode):
            machine = self._machines.pop((effect.pool_id, effect.node_id), None)
            if machine is not None:
                machine.cancel()
        elif isinstance(effect, StartRun) and effect.kind == "start":
            effect = self._start_task(effect)
        assert self._outside is not None
        self._outside.carry_out(effect)

    def post(self, event: Event) -> None:
        """Tell the service what happened, as the faults have it."""
        if isinstance(event, NodeBooted):
            machine = self._machines.get((event.pool_id, event.node_id))
            if machine is not None and machine.boot.boot_id == event.boot_id:
                self._on_booted(machine, event)
                return
        if isinstance(event, RunEnded):
            delay = self._slow_runs.pop(event.run_id, 0.0)
            if delay and not event.killed:
                # If the node is gone by then, the service drops the news of a run that it no longer knows.
                later = replace(event, at=event.at + timedelta(seconds=delay))
                self._timer.call_later(delay, lambda: self._post(later))
                return
        self._post(event)

    def _on_boot(self, boot: BootNode) -> None:
        key = (boot.pool_id, boot.node_id)
        if key in self._machines:
            self._machines[key].cancel()
        number = self._starts[boot.pool_id] = self._starts.get(boot.pool_id, 0) + 1
        machine = self._machines[key] = _Machine(boot, number)
        for dice, rule in self._rules_of(boot.pool_id):
            if isinstance(rule, SlowBoot) and dice.strikes(boot.pool_id):
                machine.delay += dice.spread(boot.pool_id, rule.seconds, rule.jitter)
            elif isinstance(rule, SlowStart) and dice.strikes(boot.pool_id):
                machine.starting += dice.spread(boot.pool_id, rule.seconds, rule.jitter)
            elif isinstance(rule, FailedBoot) and machine.failure is None and dice.strikes(boot.pool_id):
                machine.failure = Failure(
                    rule.code, "The start of this node fails because the emulator was told so", "servererror"
                )

    def _on_booted(self, machine: _Machine, event: NodeBooted) -> None:
        names = (event.pool_id, event.node_id, event.boot_id)

        def is_over() -> bool:
            """Whether the node was released, or started again, meanwhile."""
            return self._machines.get(names[:2]) is not machine

        def come() -> None:
            if is_over():
                return
            if machine.starting:
                self._post(NodeObtained(*names))
                self._timer.call_later(machine.starting, arrive)
            else:
                arrive()

        def arrive() -> None:
            if is_over():
                return
            if machine.failure is not None:
                self._post(NodeBootFailed(*names, machine.failure))
                return
            machine.is_up = True
            self._expose(machine)
            self._post(event)

        if machine.delay:
            # Not among the timers: other faults must not end a start that goes on.
            self._timer.call_later(machine.delay, come)
        else:
            come()

    def _expose(self, machine: _Machine) -> None:
        """Let what strikes by the hour strike a node that is up."""
        for dice, rule in self._rules_of(machine.boot.pool_id):
            if isinstance(rule, NodeLoss) or (isinstance(rule, Preemption) and not machine.boot.is_dedicated):
                source = dice.source(f"{machine.boot.pool_id}/{machine.number}")
                self._await_strike(machine, dice, rule, source)

    def _await_strike(
        self, machine: _Machine, dice: Dice, rule: Preemption | NodeLoss, source: random.Random
    ) -> None:
        if rule.per_node_hour <= 0:
            return
        wait = source.expovariate(rule.per_node_hour) * _SECONDS_AN_HOUR

        def strike() -> None:
            if not dice.strikes(machine.boot.pool_id):
                self._await_strike(machine, dice, rule, source)
                return
            machine.timers.pop(dice, None)
            kind = NodePreempted if isinstance(rule, Preemption) else NodeLost
            self._post(kind(machine.boot.pool_id, machine.boot.node_id, rule.away))

        machine.timers[dice] = self._timer.call_later(wait, strike)

    def _start_task(self, effect: StartRun) -> StartRun:
        changed = effect
        for dice, rule in self._rules_of(effect.pool_id):
            if isinstance(rule, SlowStartTask) and dice.strikes(effect.pool_id):
                delay = dice.spread(effect.pool_id, rule.seconds, rule.jitter)
                self._slow_runs[effect.run_id] = self._slow_runs.get(effect.run_id, 0.0) + delay
            elif isinstance(rule, FailedStartTask) and changed is effect and dice.strikes(effect.pool_id):
                words = "echo The start task fails because the emulator was told so. >&2"
                command = f"/bin/sh -c '{words}; exit {rule.exit_code}'"
                changed = replace(effect, spec={**effect.spec, "commandLine": command})
        return changed

    def _rules_of(self, pool_id: str) -> list[tuple[Dice, NodeRule]]:
        return [
            (dice, rule)
            for dice, rule in self.dice.items()
            if any(fnmatchcase(pool_id.lower(), name.lower()) for name in rule.pools)
        ]
