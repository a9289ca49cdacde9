"""The page for people: what there is, in views that link to each other, whatever the names."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from batch_emulator.rest.page import status_page
from batch_emulator.rest.page_views import ROWS
from tests.batch_emulator.rest.in_process import InstantBackend
from tests.batch_emulator.service.builders import a_job, a_pool, a_task, after


class Page(HTMLParser):
    """The cells and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.links: dict[str, str] = {}
        self.anchors: set[str] = set()
        self.tags: set[str] = set()
        self._target = ""
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        if tag == "tr" and "id" in found:
            self.anchors.add(found["id"])
        if tag == "a":
            self._target = found["href"]
        if tag == "td":
            self._in_cell = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._target = ""
        if tag == "td":
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells[-1] += data
        if self._target:
            self.links[data] = self._target


class Site:
    """An account, and its page."""

    def __init__(self, backend: InstantBackend, client: TestClient[Any, Any]) -> None:
        self.backend = backend
        self._client = client

    async def do(self, command: str, *args: Any) -> Any:
        return await self.backend.execute(lambda service, now: getattr(service, command)(*args, now=now))

    async def get(self, path: str = "/", status: int = 200) -> Page:
        response = await self._client.get(path)
        assert response.status == status, await response.text()
        assert status != 200 or "default-src 'none'" in response.headers["Content-Security-Policy"]
        return Page(await response.text())


@pytest.fixture
async def site() -> Any:
    backend = InstantBackend()
    app = web.Application()
    app.router.add_get("/", status_page(backend, facts))
    async with TestClient(TestServer(app)) as client:
        yield Site(backend, client)


def facts() -> Iterator[tuple[str, str]]:
    yield "Fault", "latency <b>"


async def test_an_empty_account(site: Site) -> None:
    page = await site.get()
    assert page.cells == ["none", "none", "Fault", "latency <b>"]
    assert page.tags.isdisjoint({"script", "b"})


async def test_links_lead_from_the_account_to_nodes_and_tasks(site: Site) -> None:
    await site.do("create_pool", a_pool("p", 1))
    await site.do("create_job", a_job("j", "p", usesTaskDependencies=True))
    await site.do("create_task", "j", a_task("good", commandLine="0"))
    await site.do("create_task", "j", a_task("bad", commandLine="3"))
    await site.do("create_task", "j", a_task("waits", commandLine="0", dependsOn=after("nobody")))
    schedule = {"schedule": {"recurrenceInterval": "PT1H"}, "jobSpecification": {"poolInfo": {"poolId": "p"}}}
    await site.do("create_job_schedule", {"id": "hourly", **schedule})
    account = await site.get()
    assert {"p", "j", "hourly"} <= account.anchors
    pool = await site.get(account.links["p"])
    (node,) = pool.anchors
    assert {"dedicated", "idle", "enabled", node} <= set(pool.cells)
    job = await site.get(account.links["j"])
    assert job.anchors == {"good", "bad", "waits"}
    assert {"success", "failure", "3"} <= set(job.cells)
    assert any("nobody" in cell for cell in job.cells), "why a task waits is not shown"
    assert account.links["hourly:job-1"] == "/?job=hourly%3Ajob-1"


async def test_many_tasks_are_shown_in_pages(site: Site) -> None:
    await site.do("create_job", a_job("j", "nowhere"))
    for number in range(ROWS + 5):
        await site.do("create_task", "j", a_task(f"t{number:03}"))
    first = await site.get("/?job=j")
    assert len(first.anchors) == ROWS
    second = await site.get(first.links["further"])
    assert len(second.anchors) == 5
    assert "further" not in second.links


async def test_many_jobs_are_shown_in_pages(site: Site) -> None:
    for number in range(ROWS + 1):
        await site.do("create_job", a_job(f"j{number:03}", "nowhere"))
    first = await site.get()
    second = await site.get(first.links["further"])
    assert (len(first.anchors), second.anchors) == (ROWS, {f"j{ROWS}"})


async def test_what_is_not_there_is_not_found(site: Site) -> None:
    for path in ("/?job=none", "/?pool=none"):
        await site.get(path, status=404)
