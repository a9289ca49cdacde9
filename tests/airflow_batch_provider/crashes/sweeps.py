"""Playing a story again and again, each time with its trouble at another place."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

from batch_emulator.faults.record import DroppedConnection, Faults, RequestRule, ServerError, Throttling
from tests.airflow_batch_provider.crashes.airflow import Airflow
from tests.airflow_batch_provider.crashes.deaths import Deaths
from tests.airflow_batch_provider.crashes.service import Service
from tests.airflow_batch_provider.crashes.storage import (
    Disturbance,
    StorageFaults,
    answer_lost,
    failed_after_commit,
    refused,
    request_lost,
)

Fault = Callable[[int], RequestRule]

FAULTS: Mapping[str, Sequence[Fault]] = {
    "not carried out": (
        lambda skip: Throttling(status=429, retry_after=0, skip=skip, times=1),
        lambda skip: Throttling(status=503, retry_after=0, skip=skip, times=1),
        lambda skip: DroppedConnection(when="beforeCommit", skip=skip, times=1),
    ),
    "carried out unheard": (
        lambda skip: ServerError(when="afterCommit", skip=skip, times=1),
        lambda skip: DroppedConnection(when="afterCommit", skip=skip, times=1),
    ),
}
"""All of one kind leave the service in the same state."""

_STORAGE_FAULTS: Mapping[str, Sequence[Disturbance]] = {
    "not carried out": (refused(503), request_lost, refused(500)),
    "carried out unheard": (failed_after_commit, answer_lost),
}


def die_after_every_step(play: Callable[[str, Deaths], None]) -> int:
    """Let a process die after its first step, then after its second, and so on.

    To die before a step is to die after the one before it: nothing else outlives the process.

    Parameters:
        play: plays the story under a name of its own, and checks what became of it.

    Returns:
        How many steps there are.
    """
    for at in itertools.count(1):
        deaths = Deaths(at)
        play(f"death-{at}", deaths)
        if not deaths.happened:
            return at - 1
    raise AssertionError("unreachable")


def disturb_every_request(service: Service, kind: str, play: Callable[[str, Deaths], None]) -> int:
    """Disturb the first request, then the second, and so on.

    Parameters:
        service: the service.
        kind: key of ``FAULTS``.
        play: plays the story under a name of its own, and checks what became of it.

    Returns:
        How many requests there are.
    """
    faults = FAULTS[kind]
    for skip in itertools.count():
        service.faults.set(Faults(requests=(faults[skip % len(faults)](skip),)))
        dice = service.faults.dice[0]
        try:
            play(f"{kind.replace(' ', '-')}-{skip}", Deaths())
        finally:
            service.faults.set(Faults())
        if not dice.struck:
            return skip
    raise AssertionError("unreachable")


def disturb_every_storage_request(airflow: Airflow, kind: str, play: Callable[[str, Deaths], None]) -> int:
    """As ``disturb_every_request``, of the requests to the storage account."""
    faults = _STORAGE_FAULTS[kind]
    for skip in itertools.count():
        airflow.storage_faults = StorageFaults(faults[skip % len(faults)], skip)
        play(f"storage-{kind.replace(' ', '-')}-{skip}", Deaths())
        if not airflow.storage_faults.struck:
            return skip
    raise AssertionError("unreachable")
