"""What a simulation came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Moment", "SimulationResult"]


@dataclass(frozen=True)
class Moment:
    """A simulation at one time.

    :param time: the moment, aware UTC.
    :param nodes: that the pools hold, up or starting.
    :param running: runs of any kind that go on.
    :param completed: tasks, successful or not.
    """

    time: datetime
    nodes: int
    running: int
    completed: int


@dataclass(frozen=True)
class SimulationResult:
    """What a simulation came to.

    :param finished: whether every task is completed; else its limit of time came first.
    :param started: the first time, aware UTC.
    :param ended: the last.
    :param makespan: from the start of the simulation to the end of the last task.
    :param dedicated_node_hours: that dedicated nodes were held.
    :param spot_node_hours: likewise of Spot nodes.
    :param tasks: numbers of tasks by ``active``, ``running``, ``succeeded`` and ``failed``.
    :param runs: tries of any kind of task, so repetitions included.
    :param faults: how often each kind of fault struck nodes.
    :param steps: that the rules took.
    :param timeline: moments at equal distances.
    """

    finished: bool
    started: datetime
    ended: datetime
    makespan: timedelta
    dedicated_node_hours: float
    spot_node_hours: float
    tasks: Mapping[str, int]
    runs: int
    faults: Mapping[str, int]
    steps: int
    timeline: tuple[Moment, ...]
