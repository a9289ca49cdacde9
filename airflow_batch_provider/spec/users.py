"""Which user of the node a command runs as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from airflow_batch_provider.spec.errors import SpecError


@dataclass(frozen=True)
class AutoUser:
    """A user that Batch makes on the node (Azure Batch: *Run tasks under user accounts*).

    Parameters:
        scope: ``pool`` is shared by the node's tasks, ``task`` is the task's own.
        admin: whether it may become root or administrator.
    """

    scope: Literal["pool", "task"] = "pool"
    admin: bool = False


def check_user(user: object, *, where: str) -> AutoUser | str | None:
    """Check a user.

    Raises:
        SpecError: neither a name nor an :class:`AutoUser`.
    """
    if user is None or isinstance(user, AutoUser) or (isinstance(user, str) and user):
        return user
    raise SpecError(
        f"the user is {user!r}", where=where, right="Name a user account of the pool, or give AutoUser(...)."
    )


def user_wire(user: AutoUser | str | None) -> dict[str, Any] | None:
    """The wire model UserIdentity."""
    if isinstance(user, AutoUser):
        level = "admin" if user.admin else "nonadmin"
        return {"autoUser": {"scope": user.scope, "elevationLevel": level}}
    return {"username": user} if user else None
