"""Which state may follow which. Source: *Azure Batch REST API* (enums of states) and its how-to articles."""

from __future__ import annotations

from batch_emulator.service.story import Passage

_POOL = {"active": {"deleting"}, "deleting": set[str]()}
_ALLOCATION = {
    "steady": {"resizing"},
    "resizing": {"steady", "stopping"},
    "stopping": {"steady", "resizing"},
}
_JOB = {
    "active": {"disabling", "terminating", "deleting"},
    "disabling": {"disabled", "terminating", "deleting"},
    "disabled": {"disabling", "enabling", "terminating", "deleting"},
    "enabling": {"active", "terminating", "deleting"},
    "terminating": {"completed", "deleting"},
    "completed": {"deleting"},
    "deleting": set[str](),
}
_JOB_SCHEDULE = {
    "active": {"disabled", "terminating", "completed", "deleting"},
    "disabled": {"active", "terminating", "completed", "deleting"},
    "terminating": {"completed", "deleting"},
    "completed": {"deleting"},
    "deleting": set[str](),
}
_TASK = {
    "active": {"preparing", "running", "completed"},
    "preparing": {"running", "active", "completed"},
    "running": {"active", "completed"},
    "completed": {"active"},
}
_DOWN = {"rebooting", "reimaging", "deallocating"}
_ANY_NODE = {"leavingpool", "preempted", "starting", "unknown", "unusable", *_DOWN}
_NODE = {
    "creating": {"starting", "unusable", "leavingpool", "preempted"},
    "starting": _ANY_NODE | {"waitingforstarttask", "idle", "offline"},
    "waitingforstarttask": _ANY_NODE | {"idle", "starttaskfailed", "offline"},
    "starttaskfailed": _ANY_NODE,
    "idle": _ANY_NODE | {"running", "offline"},
    "running": _ANY_NODE | {"idle", "offline"},
    "offline": _ANY_NODE | {"idle", "running"},
    "rebooting": _ANY_NODE,
    "reimaging": _ANY_NODE,
    "deallocating": {"deallocated", "leavingpool"},
    "deallocated": {"starting", "leavingpool"},
    "preempted": {"creating", "leavingpool"},
    "unusable": _ANY_NODE,
    "unknown": _ANY_NODE,
    "leavingpool": {
        "idle",
        "running",
        "offline",
        "starting",
        "unusable",
        "starttaskfailed",
        "waitingforstarttask",
    },
}
TABLES: dict[str, dict[str, set[str]]] = {
    "pool": _POOL,
    "allocation": _ALLOCATION,
    "job": _JOB,
    "job_schedule": _JOB_SCHEDULE,
    "task": _TASK,
    "node": _NODE,
}


class InvalidTransition(Exception):  # noqa: N818 - says what it is
    """A bug in the rules: a state that cannot follow. Carries the entity's story.

    :param family: key of :data:`TABLES`.
    """

    def __init__(self, family: str, key: str, start: str, finish: str, story: list[Passage]) -> None:
        lines = "\n  ".join(str(passage) for passage in story)
        super().__init__(f"{family} {key} cannot go from {start} to {finish}. Its story:\n  {lines}")
        self.family, self.key, self.start, self.finish, self.story = family, key, start, finish, story


def may_follow(family: str, start: str, finish: str) -> bool:
    """Whether ``finish`` may come right after ``start``."""
    return finish in TABLES[family][start]
