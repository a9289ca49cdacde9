"""Requests beyond the one look at all jobs: so many per second for an account, made by turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from airflow_batch_provider.client.requests.steps import Call, Refusal, Script, Send, Step, Together
from airflow_batch_provider.client.watching.pace import Pace

T = TypeVar("T")

COUNTS_PER_SECOND = 1.0
"""To count tasks for the lines of progress, and to find out why none runs."""

OUTPUT_PER_SECOND = 2.0
"""To show what tasks write while they run."""

TASKS_PER_SECOND = 10.0
"""To see that single tasks of jobs have ended, for which something waits."""

LONGEST_COUNTS = LONGEST_OUTPUT = 900.0
"""Seconds after which a turn comes at the latest; a triggerer watches 1,000 jobs by default."""

LONGEST_TASKS = 120.0
"""The same for single tasks, on which more depends."""

PAGE = 1_000
"""Items of a page, each of which is a request (Azure Batch REST reference: ``maxresults``)."""


class Ration:
    """So many requests per second, given out as moments in time.

    Whoever makes requests is told when it may make as many again: after all who were told so before. Nobody
    waits in line for it, so nothing is lost with those who leave, and one who is alone has all of it.

    Parameters:
        per_second: requests.
        longest: seconds until a turn at most, however many take part.
        now: the time in seconds.
    """

    def __init__(self, per_second: float, longest: float, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._per_second = per_second
        self._longest = longest
        self._given_out = 0.0

    def turn(self, requests: int) -> float:
        """The moment from which so many requests may be made."""
        now = self.now()
        start = max(self._given_out, now)
        self._given_out = min(start + requests / self._per_second, now + self._longest)
        return start


class Turns:
    """The turns of one of those who share a ration.

    Parameters:
        ration: what they share.
        pace: the least seconds between two turns; None: as often as the ration allows.
    """

    def __init__(self, ration: Ration, pace: Pace | None = None) -> None:
        self._ration = ration
        self._pace = pace
        self._due = ration.turn(1)

    @property
    def due(self) -> bool:
        """Whether it is this one's turn."""
        return self._ration.now() >= self._due

    def take(self, script: Script[T]) -> Script[T]:
        """Carry out a script; its requests are what the next turn is reckoned by."""
        tally = _Tally()
        try:
            return (yield from tally.count(script))
        finally:
            self.spent(max(1, tally.requests))

    def spent(self, requests: int) -> None:
        """So many requests were made."""
        pause = self._pace.next() if self._pace is not None else 0.0
        self._due = max(self._ration.turn(requests), self._ration.now() + pause)


@dataclass
class Rations:
    """What the watchers of an account share.

    Parameters:
        now: the time in seconds.
    """

    now: Callable[[], float] = time.monotonic
    counts: Ration = field(init=False)
    output: Ration = field(init=False)
    tasks: Ration = field(init=False)

    def __post_init__(self) -> None:
        self.counts = Ration(COUNTS_PER_SECOND, LONGEST_COUNTS, self.now)
        self.output = Ration(OUTPUT_PER_SECOND, LONGEST_OUTPUT, self.now)
        self.tasks = Ration(TASKS_PER_SECOND, LONGEST_TASKS, self.now)


class _Tally:
    def __init__(self) -> None:
        self.requests = 0

    def count(self, script: Script[T]) -> Script[T]:
        answer: Any = None
        refusal: Refusal | None = None
        while True:
            try:
                step = script.throw(refusal) if refusal is not None else script.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            answer, refusal = None, None
            try:
                answer = yield step
            except Refusal as refused:
                refusal = refused
            self.requests += _cost(step, answer)


def _cost(step: Step, answer: Any) -> int:
    match step:
        case Together():
            return len(step.calls)
        case Call(answer="pages"):
            return 1 + len(answer or ()) // PAGE
        case Call() | Send():
            return 1
    return 0
