"""The pool trigger: a failed look is repeated, a refused one ends it, a takeover keeps the deadline."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from airflow_batch_provider.triggers.pool import AzureBatchPoolTrigger

POOL = {
    "id": "p",
    "state": "active",
    "allocationState": "steady",
    "currentDedicatedNodes": 1,
    "targetDedicatedNodes": 1,
}


class Service(HTTPServer):
    """Answers one request after the other from a list, the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.asked = 0


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        status, body = self.server.answers[min(self.server.asked, len(self.server.answers) - 1)]
        self.server.asked += 1
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        connection = {
            "conn_type": "azurebatch",
            "host": f"http://127.0.0.1:{server.server_port}",
            "login": "acct",
            "password": "a2V5LW9mLXRoZS1hY2NvdW50",
        }
        monkeypatch.setenv("AIRFLOW_CONN_B", json.dumps(connection))
        # The time between looks is the trigger's own business; here only their order counts.
        monkeypatch.setattr("airflow_batch_provider.client.pools.pool_watch.FIRST_PERIOD", 0.001)
        monkeypatch.setattr("airflow_batch_provider.client.pools.pool_watch.LONGEST_PERIOD", 0.001)
        yield server
        server.shutdown()
        thread.join()


def refusal(status: int, code: str) -> tuple[int, dict[str, Any]]:
    return status, {"code": code, "message": {"lang": "en-US", "value": "No."}}


async def outcome(wait_for: str = "steady", deadline: float | None = None) -> dict[str, Any]:
    limit = time.time() + 60 if deadline is None else deadline
    trigger = AzureBatchPoolTrigger("b", "p", wait_for, 0, limit)  # type: ignore[arg-type]
    events = [event async for event in trigger.run()]
    assert len(events) == 1
    payload: dict[str, Any] = events[0].payload
    json.dumps(payload)
    return payload


async def test_it_waits_until_the_pool_is_steady(service: Service) -> None:
    resizing = {**POOL, "allocationState": "resizing"}
    service.answers = [(200, resizing), (200, resizing), (200, POOL)]
    assert (await outcome())["status"] == "ready"
    assert service.asked == 3


async def test_looks_that_fail_are_repeated(service: Service) -> None:
    # 502 is tried once more by the client itself; the third and fourth answer are the second look.
    service.answers = [refusal(502, ""), refusal(502, ""), refusal(502, ""), (200, POOL)]
    assert (await outcome())["status"] == "ready"
    assert service.asked == 4


async def test_a_refusal_ends_the_wait_with_an_explanation(service: Service) -> None:
    service.answers = [refusal(403, "AuthenticationFailed")]
    event = await outcome()
    assert (event["status"], event["fatal"]) == ("failed", False)
    assert "Next step:" in event["message"]


async def test_a_pool_that_is_gone_is_gone(service: Service) -> None:
    service.answers = [(200, {**POOL, "state": "deleting"}), refusal(404, "PoolNotFound")]
    assert (await outcome("gone"))["status"] == "ready"


async def test_a_pool_that_vanishes_while_it_is_waited_for(service: Service) -> None:
    service.answers = [refusal(404, "PoolNotFound")]
    event = await outcome()
    assert (event["status"], event["fatal"]) == ("failed", False)
    assert "deleted while it was waited for" in event["message"]


async def test_a_deadline_in_the_past_ends_the_wait(service: Service) -> None:
    service.answers = [(200, {**POOL, "allocationState": "resizing"})]
    assert "not ready in time" in (await outcome(deadline=1.0))["message"]


def test_it_can_be_made_again_from_what_it_stores_and_holds_no_secret() -> None:
    trigger = AzureBatchPoolTrigger("b", "p", "nodes", 2, 5.0)
    path, arguments = trigger.serialize()
    assert path == "airflow_batch_provider.triggers.pool.AzureBatchPoolTrigger"
    assert AzureBatchPoolTrigger(**arguments).serialize() == (path, arguments)
    assert set(arguments) == {"conn_id", "pool_id", "wait_for", "min_nodes", "deadline", "boots", "sealed"}
