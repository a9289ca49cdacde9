"""Whether what a run asks for is on its pool; seen late, as tasks may be added before their pool exists."""

from __future__ import annotations

from batch_emulator.service.effects import StartRun
from batch_emulator.service.errors import Failure
from batch_emulator.service.pools.container_spec import mismatch

__all__ = ["unfit"]


def unfit(run: StartRun) -> Failure | None:
    """Why a run cannot be on its pool, if so: a failure before its command starts."""
    return mismatch(run.kind, run.spec, run.containers) or _unknown_user(run)


def _unknown_user(run: StartRun) -> Failure | None:
    """A named user has to be one of the pool's accounts. Source: *Run tasks under user accounts in Batch*."""
    name = (run.spec.get("userIdentity") or {}).get("username")
    if name is None or name.lower() in {account.lower() for account in run.pool_user_accounts}:
        return None
    # [U] The documents do not name the failure. Decision: one that says what is missing.
    return Failure(
        "UserAccountNotFound",
        "The user account specified for the task does not exist on the compute node",
        details=(("UserName", name), ("Message", "It is not among the userAccounts of the pool")),
    )
