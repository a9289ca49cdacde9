"""What no public text settles about jobs, tasks and refusals, and what is decided here.

Each name is used wherever the rule applies: to decide otherwise, change it here. Pools and nodes, job
schedules, multi-instance tasks and formulas have modules of their own, called alike.

Decisions that are the shape of a rule rather than a value are in the code, each in one place:

- A target that a resize leaves out stays as it is (``pools.resize``). After a stopped resize the targets stay
  too, as observed, and removing nodes lowers them by the number removed (``resizing``).
- A formula that is due during a resize is evaluated when the pool is steady (``autoscaling.catch_up``).
- Of pools that go on asking the region for machines, the one that was made first gets what comes free
  (``resizing.check``).
- A task whose wall clock ran out is not tried again (``task_runs.end``).
- A parent that failed, was reactivated and then succeeded lets its dependents go (``tasks.reactivate``).
- A dependency on an id that does not exist, or on oneself by a circle, is taken; such a task never runs
  (``dependencies``).
- Exit codes and ranges of a task that overlap are refused (``task_spec``).
- A disabled job takes tasks, which wait until it is enabled (``tasks.create``).
- An image that is not in the list of supported images is refused with ``InvalidPropertyValue``
  (``pool_machine``), as is a release task without a preparation task (``job_spec``).
"""

from __future__ import annotations

from datetime import timedelta

from batch_emulator.service.error_kinds import (
    JOB_BEING_TERMINATED,
    JOB_COMPLETED,
    OPERATION_INVALID_FOR_CURRENT_STATE,
    OPERATION_NOT_VALID_ON_POOL,
    OUT_OF_RANGE_INPUT,
    POOL_BEING_DELETED,
)

# --- codes of refusals of which only the status, or nothing, is documented --------------------------------

POOL_ID_STILL_DELETING = POOL_BEING_DELETED
"""A pool is created under the id of one that is being deleted."""

RESIZE_WITH_AUTO_SCALE = OPERATION_NOT_VALID_ON_POOL
"""A resize, or a removal of nodes, is asked of a pool with autoscale."""

EVALUATE_WITHOUT_AUTO_SCALE = OPERATION_NOT_VALID_ON_POOL
"""A formula is to be evaluated on a pool without autoscale."""

STOP_RESIZE_WITHOUT_RESIZE = OPERATION_INVALID_FOR_CURRENT_STATE
"""A resize is to be stopped where none is going on."""

START_WITHOUT_DEALLOCATION = OPERATION_INVALID_FOR_CURRENT_STATE
"""A node is to be started that is not deallocated."""

POOL_OF_ACTIVE_JOB = OPERATION_INVALID_FOR_CURRENT_STATE
"""Another pool is asked for a job that is not disabled."""

TOO_MANY_TASKS = OUT_OF_RANGE_INPUT
"""A collection has more than a hundred tasks, or none."""

ENDED_JOB = {"terminating": JOB_BEING_TERMINATED, "completed": JOB_COMPLETED}
"""A job that is over, or about to be, is to be terminated or changed."""

# --- values ---------------------------------------------------------------------------------------------

DEFAULT_RETENTION = timedelta(days=7)
"""Shown as `P7D`, the documented default, though published examples echo the unlimited value."""

PREEMPTED_FOR = timedelta(minutes=1)
"""How long a preempted node stays without capacity before it is asked for again. Azure promises nothing."""

MAX_LOSSES = 10
"""Runs of a task that may vanish before it is given up. The service does not tell its number."""

RECENT_TASKS = 10
"""Entries in a node's `recentTasks`; the documents say only "recent"."""

MAX_APPLICATIONS = 200
"""Applications of an account: 20 in older texts, 200 in newer ones."""


def auto_pool_id(prefix: str | None, guid: str) -> str:
    """The id of a pool made for a job: prefix, underscore, GUID, as seen; without a prefix the GUID."""
    return f"{prefix}_{guid}" if prefix else guid
