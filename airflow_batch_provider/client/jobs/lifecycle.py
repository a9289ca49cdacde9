"""Ending, disabling, enabling and deleting jobs and schedules: asked again without harm, then waited for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from airflow_batch_provider.client.requests.job_requests import GONE, get_job, patiently
from airflow_batch_provider.client.requests.steps import Call, Look, Pause, Refusal, Say, Script, Send
from airflow_batch_provider.client.watching.pace import Pace

ABSENT = "absent"
"""In place of a state: the job or schedule does not exist."""


@dataclass(frozen=True)
class Change:
    """One way to change the state of a job or schedule.

    Parameters:
        kind: what is changed, as the service's paths have it.
        verb: what is asked for.
        underway: states in which nothing need be asked for, since they are the aim or lead to it.
        settled: states that are the aim, or do as well.
        lost: states from which the aim cannot be reached any more.
    """

    kind: Literal["jobs", "jobschedules"]
    verb: Literal["terminate", "disable", "enable", "delete"]
    underway: frozenset[str]
    settled: frozenset[str]
    lost: frozenset[str] = frozenset()

    @property
    def noun(self) -> str:
        """What it is called in a log."""
        return "Batch job" if self.kind == "jobs" else "Batch job schedule"

    def request(self, target_id: str, body: Mapping[str, Any] | None) -> Send:
        """The request; the client's own methods would wait for its end in a thread."""
        if self.verb == "delete":
            return Send("DELETE", f"/{self.kind}/{target_id}")
        return Send("POST", f"/{self.kind}/{target_id}/{self.verb}", body)


_GONE = frozenset({ABSENT})
_ENDED = frozenset({"completed", ABSENT})
_ENDING = frozenset({"terminating", "deleting", *_ENDED})
_HELD = frozenset({"disabled", *_ENDING}) - _GONE
"""Nothing of it starts in these. Of what never was, an id that is misspelled, that cannot be said."""

CHANGES: dict[str, Change] = {
    "terminate_job": Change("jobs", "terminate", _ENDING, _ENDED),
    "delete_job": Change("jobs", "delete", frozenset({"deleting", ABSENT}), _GONE),
    "disable_job": Change(
        "jobs", "disable", _HELD | {"disabling"}, frozenset({"completed", "disabled"}), _GONE
    ),
    "enable_job": Change("jobs", "enable", frozenset({"enabling", "active"}), frozenset({"active"}), _ENDING),
    "terminate_schedule": Change("jobschedules", "terminate", _ENDING, _ENDED),
    "delete_schedule": Change("jobschedules", "delete", frozenset({"deleting", ABSENT}), _GONE),
    "disable_schedule": Change("jobschedules", "disable", _HELD, _HELD, _GONE),
    "enable_schedule": Change(
        "jobschedules", "enable", frozenset({"active"}), frozenset({"active"}), _ENDING
    ),
}
"""By the names that triggers keep (Azure Batch REST reference: *Jobs*, *Job schedules*)."""


def request_change(name: str, target_id: str, body: Mapping[str, Any] | None = None) -> Script[bool]:
    """Ask for a change; one that is there or under way already counts as asked for, and is told.

    Parameters:
        name: of the change, a key of ``CHANGES``.
        target_id: the job or schedule.
        body: what the request says beside.

    Returns:
        Whether the change is complete.

    Raises:
        Refusal: it is not possible, such as enabling a job that has ended.
    """
    change = CHANGES[name]
    try:
        yield from patiently(change.request(target_id, body))
    except Refusal as refusal:
        state = yield from _state(change, target_id)
        if state not in change.underway:
            raise refusal
        words = "does not exist" if state == ABSENT else f"is {state} already"
        yield Say(f"{change.noun} {target_id} {words}: nothing to {change.verb}")
    else:
        yield Say(f"{change.noun} {target_id}: asked to {change.verb}")
        state = yield from _state(change, target_id)
    return state in change.settled


def wait_for_change(name: str, target_id: str, deadline: float, now: Callable[[], float]) -> Script[str]:
    """Wait until a change is complete, or cannot be any more.

    A look that fails is told once and made again.

    Parameters:
        name, target_id: as for :func:`request_change`.
        deadline: seconds since the epoch after which it is no longer waited for.
        now: the time in seconds since the epoch.

    Returns:
        The state that was reached, or the last one that was seen before the deadline.
    """
    change = CHANGES[name]
    pace = Pace()
    state = "unknown"
    trouble = False
    while True:
        try:
            seen = yield from _look(change, target_id, pace)
        except Refusal as refusal:
            if not trouble:
                yield Say(f"Azure Batch could not be asked ({refusal}); asking again", "warning")
            trouble = True
        else:
            trouble = False
            if seen != state:
                yield Say(f"{change.noun} {target_id} {state_in_words(seen)}")
            state = seen
        if state in change.settled | change.lost or now() > deadline:
            return state


def state_in_words(state: str) -> str:
    """What follows the name of a job or schedule in a sentence about its state."""
    return "does not exist any more" if state == ABSENT else f"is {state}"


def _look(change: Change, target_id: str, pace: Pace) -> Script[str]:
    if change.kind == "jobs":
        job = yield Look(target_id)
        return ABSENT if job is None else str(job.state)
    yield Pause(pace.next())
    return (yield from _state(change, target_id))


def _state(change: Change, target_id: str) -> Script[str]:
    if change.kind == "jobs":
        job = yield from get_job(target_id)
        return ABSENT if job is None else job.state
    try:
        found = yield from patiently(Call("get_job_schedule", (target_id,), {"select": ["id", "state"]}))
    except Refusal as refusal:
        if refusal.code in GONE or refusal.code == "JobScheduleNotFound":
            return ABSENT
        raise
    return str(found["state"])
