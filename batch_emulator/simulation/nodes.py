"""Nodes that only exist as times: carries out effects by saying when they will have been carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random
from typing import Any

from batch_emulator.faults.nodes import Timer
from batch_emulator.nodes.addresses import node_address
from batch_emulator.service.effects import BootNode, Effect, KillRun, ReleaseNode, StartRun
from batch_emulator.service.events import Event, NodeBooted, NodeReleased, RunEnded
from batch_emulator.simulation.behaviour import Behaviour

__all__ = ["SimulatedNodes"]

_KILLED = 137


@dataclass
class _Machine:
    """A node that was obtained.

    :param since: when.
    :param runs: what goes on there: the appointed end, by run id.
    """

    is_dedicated: bool
    since: datetime
    boot: Any = None
    runs: dict[str, Any] = field(default_factory=dict)


class SimulatedNodes:
    """All nodes of an account.

    :param clock: the virtual time.
    :param timer: appoints callbacks by that clock.
    :param post: takes the events of nodes and runs.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        chance: Random,
        clock: Callable[[], datetime],
        timer: Timer,
        post: Callable[[Event], None],
    ) -> None:
        self._behaviour = behaviour
        self._chance = chance
        self._clock = clock
        self._timer = timer
        self._post = post
        self._machines: dict[tuple[str, str], _Machine] = {}
        self._places: dict[str, _Machine] = {}
        self._actions: dict[type[Any], Callable[[Any], None]] = {
            StartRun: self._start,
            KillRun: self._kill,
            BootNode: self._boot,
            ReleaseNode: self._release,
        }
        self._node_seconds = {True: 0.0, False: 0.0}
        self.runs = 0

    @property
    def running(self) -> int:
        """Runs that go on."""
        return len(self._places)

    @property
    def obtained(self) -> int:
        """Nodes that are there, whether up or starting."""
        return len(self._machines)

    def node_hours(self) -> tuple[float, float]:
        """Hours that dedicated and Spot nodes were held so far."""
        now = self._clock()
        seconds = dict(self._node_seconds)
        for machine in self._machines.values():
            seconds[machine.is_dedicated] += (now - machine.since).total_seconds()
        return seconds[True] / 3600, seconds[False] / 3600

    def carry_out(self, effect: Effect) -> None:
        """Appoint what comes of an effect. What concerns files is done by there being none."""
        action = self._actions.get(type(effect))
        if action is not None:
            action(effect)

    def _start(self, effect: StartRun) -> None:
        run_id = effect.run_id
        machine = self._machines[effect.pool_id, effect.node_id]
        seconds, exit_code = self._behaviour.work_of(effect, self._chance)
        self.runs += 1
        self._places[run_id] = machine
        machine.runs[run_id] = self._timer.call_later(seconds, partial(self._end, run_id, exit_code, False))

    def _kill(self, effect: KillRun) -> None:
        # A run that is not there has ended: its report is on the way to the service.
        machine = self._places.get(effect.run_id)
        if machine is not None:
            machine.runs[effect.run_id].cancel()
            self._end(effect.run_id, _KILLED, True)

    def _end(self, run_id: str, exit_code: int, killed: bool) -> None:
        del self._places.pop(run_id).runs[run_id]
        self._post(RunEnded(run_id, self._clock(), exit_code, killed=killed))

    def _boot(self, effect: BootNode) -> None:
        key = (effect.pool_id, effect.node_id)
        machine = self._machines.get(key)
        if machine is None:
            machine = self._machines[key] = _Machine(effect.is_dedicated, self._clock())
        self._clear(machine)
        address = node_address(effect.pool_id, effect.node_id)
        booted = NodeBooted(effect.pool_id, effect.node_id, effect.boot_id, address)
        seconds = self._behaviour.boot.draw(self._chance)
        machine.boot = self._timer.call_later(seconds, partial(self._post, booted))

    def _release(self, effect: ReleaseNode) -> None:
        machine = self._machines.pop((effect.pool_id, effect.node_id), None)
        if machine is not None:
            self._clear(machine)
            held = (self._clock() - machine.since).total_seconds()
            self._node_seconds[machine.is_dedicated] += held
        self._post(NodeReleased(effect.pool_id, effect.node_id, effect.boot_id))

    def _clear(self, machine: _Machine) -> None:
        if machine.boot is not None:
            machine.boot.cancel()
        for run_id, appointed in list(machine.runs.items()):
            appointed.cancel()
            self._end(run_id, _KILLED, True)
