"""What the documents leave open about multi-instance tasks, decided in one place.

When the service is seen to do otherwise, this is the file to change.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from batch_emulator.service.endings import Ending

PATIENCE = timedelta(minutes=1)
"""How long a task that needs more nodes than are free lets other tasks overtake it."""

HOLD_FOR = timedelta(minutes=10)
"""How long it then keeps free nodes from tasks that come after it.

The documents say only that the nodes are reserved together. Without a rule a stream of small tasks would
keep a large one waiting for ever; a reservation without an end would lock up a pool whose running tasks wait
for those held back. So patience and holding take turns, beginning when the task became active.
"""


def holding_ends(active_since: datetime, now: datetime) -> datetime | None:
    """When the present holding ends; ``None`` while the task is patient."""
    turn = PATIENCE + HOLD_FOR
    into = (now - active_since) % turn
    return None if into < PATIENCE else now + (turn - into)


def ending_of(coordination: Ending) -> Ending:
    """How the task's try ends when the coordination command of any of its instances failed.

    It is documented that the whole task fails and is retried. Which exit code it then has is not: it is that
    of the command that failed, so that exit conditions can speak of it.
    """
    return coordination


RUNNING_UNTIL_PRIMARY_ENDS: bool = True
"""A subtask stays ``running`` when its coordination command has succeeded: it holds its node, and what that
command left in the background works there, until the primary ends."""

PACKAGES_ON_EVERY_NODE: bool = True
"""Application packages of the task are installed for every instance, before its coordination command. (Else
for the primary alone, as its resource files.)"""

INSTANCES_RUN_IN_FORMULAS: bool = True
"""Whether ``$RunningTasks`` counts a multi-instance task for each of its instances. It is documented of
``$ActiveTasks`` alone; but a formula that follows ``$PendingTasks`` would else take away the nodes of a task
that has just begun to run on them."""

COUNTED_ON_NODES: bool = False
"""Whether subtasks are counted in a node's ``totalTasksRun``. In its running tasks and slots they are."""
