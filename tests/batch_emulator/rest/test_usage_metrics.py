"""Usage metrics and pool statistics over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.batch_emulator.rest.in_process import NOW, VERSION, Client, in_process
from tests.batch_emulator.service.builders import a_pool

DAY_AGO = "2026-05-03T03:00:00Z"
TO_MIDDAY = f"/poolusagemetrics?{VERSION}&startTime={DAY_AGO}&endtime=2026-05-03T04:00:00Z"


async def get(client: Client, path: str) -> tuple[int, Any]:
    response = await client.send("GET", path)
    return response.status, await response.json()


def with_pools(client: Client, *names: str) -> None:
    for name in names:
        client.backend.service.create_pool(a_pool(name), NOW - timedelta(days=2))
    client.backend.service.settle(NOW)


async def test_intervals_come_in_pages_and_can_be_filtered() -> None:
    async with in_process() as client:
        with_pools(client, "a", "b")
        status, body = await get(client, f"{TO_MIDDAY}&maxresults=3")
        assert status == 200
        shown = [(item["poolId"], item["startTime"]) for item in body["value"]]
        link = body["odata.nextLink"].split("/", 3)[3]
        status, rest = await get(client, f"/{link}")
        shown += [(item["poolId"], item["startTime"]) for item in rest["value"]]
        later = "2026-05-03T03:30:00Z"
        assert shown == [("a", DAY_AGO), ("b", DAY_AGO), ("a", later), ("b", later)]
        status, body = await get(client, f"{TO_MIDDAY}&$filter=poolId%20eq%20'b'")
        assert {item["poolId"] for item in body["value"]} == {"b"}
        assert body["value"][0]["totalCoreHours"] == 0
        status, body = await get(client, f"{TO_MIDDAY}&$filter=poolId%20ne%20'b'")
        assert (status, body["code"]) == (400, "InvalidQueryParameterValue")


async def test_bad_times_are_refused() -> None:
    async with in_process() as client:
        status, body = await get(client, f"/poolusagemetrics?{VERSION}&startTime=yesterday")
        assert (status, body["code"]) == (400, "InvalidQueryParameterValue")
        status, body = await get(client, f"/poolusagemetrics?{VERSION}&startTime=2026-05-04T03:00:00Z")
        assert (status, body["code"]) == (400, "OutOfRangeQueryParameterValue")


async def test_statistics_are_told_when_asked_for() -> None:
    async with in_process() as client:
        with_pools(client, "a")
        for path in ("/pools/a", "/pools"):
            _, plain = await get(client, path)
            _, expanded = await get(client, f"{path}?{VERSION}&$expand=stats")
            _, selected = await get(client, f"{path}?{VERSION}&$select=stats")
            bodies = [body["value"][0] if "value" in body else body for body in (plain, expanded, selected)]
            assert "stats" not in bodies[0]
            stats = bodies[1]["stats"]
            assert (stats["startTime"], stats["lastUpdateTime"]) == (
                "2026-05-02T03:02:01Z",
                "2026-05-04T03:02:01Z",
            )
            assert stats["usageStats"]["dedicatedCoreTime"] == "PT0S"
            assert bodies[2]["stats"] == stats
            assert "state" not in bodies[2]
