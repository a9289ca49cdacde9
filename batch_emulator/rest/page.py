"""A plain page for people: pools, nodes, jobs and tasks as they are now.

It is shown on loopback only, as it asks for no key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from aiohttp import web

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.loopback import is_from_this_machine
from batch_emulator.rest.page_views import Link, Row, Table, View, account_view, job_view, pool_view
from batch_emulator.service.errors import BatchError

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService

__all__ = ["Facts", "status_page"]

REFRESH_SECONDS = 2
Facts = Callable[[], Iterable[tuple[str, str]]]
_STYLE = """
body { font: 15px system-ui, sans-serif; margin: 2rem; color: #222; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { border: 1px solid #ccc; padding: .3rem .7rem; text-align: left; }
th { background: #f2f2f2; }
tr:target { background: #fff3c4; }
a { color: #0b5cad; }
"""
# The page runs nothing and loads nothing, whatever the names that it shows.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def status_page(
    backend: Backend, facts: Facts | None = None
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler of the page.

    :param facts: of the emulator itself, to be shown beside the account.
    """

    async def show(request: web.Request) -> web.Response:
        if not is_from_this_machine(request):
            raise web.HTTPForbidden(text="The status page is shown on the emulator's own machine only.")
        known = tuple(facts()) if facts is not None else ()

        def query(service: BatchService, now: datetime) -> str:
            return _render(_view(service, request.query, known), backend.account.name, now)

        try:
            body = await backend.read(query)
        except BatchError as error:
            raise web.HTTPNotFound(text=error.kind.message) from None
        return web.Response(text=body, content_type="text/html", headers=_HEADERS)

    return show


def _view(service: BatchService, query: Mapping[str, str], facts: Iterable[tuple[str, str]]) -> View:
    after = query.get("after", "")
    if "pool" in query:
        return pool_view(service, query["pool"], after)
    if "job" in query:
        return job_view(service, query["job"], after)
    return account_view(service, facts, after)


def _render(view: View, account: str, now: datetime) -> str:
    title = f"Azure Batch emulator: {escape(account)}"
    head = f'<a href="/">{title}</a>: {escape(view.title)}' if view.title else title
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}"><style>{_STYLE}</style></head>'
        f"<body><h1>{head}</h1><p>{now:%Y-%m-%d %H:%M:%S} UTC</p>"
        f"{''.join(map(_table, view.tables))}</body></html>"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.heads)
    body = "".join(map(_row, table.rows)) or "<tr><td>none</td></tr>"
    further = f'<p><a href="{escape(table.further)}">further</a></p>' if table.further else ""
    return f"<h2>{escape(table.title)}</h2><table><tr>{head}</tr>{body}</table>{further}"


def _row(row: Row) -> str:
    anchor = f' id="{escape(row.anchor)}"' if row.anchor else ""
    return f"<tr{anchor}>{''.join(f'<td>{_cell(cell)}</td>' for cell in row.cells)}</tr>"


def _cell(cell: Any) -> str:
    if isinstance(cell, Link):
        return f'<a href="{escape(cell.target)}">{escape(cell.text)}</a>'
    return escape(str(cell))
