"""A plain page for people: pools, nodes, jobs and how far they are.

It is shown on loopback only, as it asks for no key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from aiohttp import web

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.loopback import is_from_this_machine

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService

REFRESH_SECONDS = 2
_STYLE = """
body { font: 15px system-ui, sans-serif; margin: 2rem; color: #222; }
table { border-collapse: collapse; margin: .5rem 0 2rem; }
th, td { border: 1px solid #ccc; padding: .3rem .7rem; text-align: left; }
th { background: #f2f2f2; }
"""


def status_page(backend: Backend) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler of the page."""

    async def show(request: web.Request) -> web.Response:
        if not is_from_this_machine(request):
            raise web.HTTPForbidden(text="The status page is shown on the emulator's own machine only.")
        body = await backend.read(lambda service, now: _render(service, backend.account.name, now))
        return web.Response(text=body, content_type="text/html")

    return show


def _render(service: BatchService, account: str, now: datetime) -> str:
    pools = _table(("Pool", "State", "Allocation", "Dedicated", "Spot", "Nodes"), _pool_rows(service))
    jobs = _table(("Job", "State", "Pool", "Active", "Running", "Succeeded", "Failed"), _job_rows(service))
    title = f"Azure Batch emulator: {escape(account)}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}"><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>{now:%Y-%m-%d %H:%M:%S} UTC</p>"
        f"<h2>Pools</h2>{pools}<h2>Jobs</h2>{jobs}</body></html>"
    )


def _pool_rows(service: BatchService) -> Iterable[tuple[Any, ...]]:
    for pool in service.pools():
        nodes = list(service.nodes(pool.id))
        dedicated = sum(node.is_dedicated for node in nodes)
        states = Counter(node.state for node in nodes)
        yield (
            pool.id,
            pool.state,
            pool.allocation_state,
            f"{dedicated} of {pool.target_dedicated}",
            f"{len(nodes) - dedicated} of {pool.target_low_priority}",
            ", ".join(f"{number} {state}" for state, number in sorted(states.items())),
        )


def _job_rows(service: BatchService) -> Iterable[tuple[Any, ...]]:
    for job in service.jobs():
        counts = service.task_counts(job.id).tasks
        numbers = (counts.active, counts.running, counts.succeeded, counts.failed)
        yield (job.id, job.state, job.pool_id, *numbers)


def _table(heads: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> str:
    head = "".join(f"<th>{head}</th>" for head in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body or '<tr><td>none</td></tr>'}</table>"
