"""What each operation does: from a call to a reply, by way of the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.exchange import Call, Reply

Handler = Callable[[Call, Backend], Awaitable[Reply]]


def all_handlers() -> Mapping[str, Handler]:
    """Every handler by the name of its operation."""
    from batch_emulator.rest.handlers import (
        account,
        applications,
        files,
        jobs,
        node_access,
        nodes,
        pools,
        schedules,
        tasks,
    )

    families = (account, applications, files, jobs, node_access, nodes, pools, schedules, tasks)
    return {name: handler for family in families for name, handler in family.HANDLERS.items()}
