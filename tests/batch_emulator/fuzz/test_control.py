"""Hostile requests for the emulator's own paths, of a whole emulator: no 5xx, no hang, no end of it."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from batch_emulator.testing import LocalBatch
from tests.batch_emulator.fuzz import hostile
from tests.batch_emulator.fuzz.wire import Request, Wire

pytestmark = pytest.mark.slow
REQUESTS = int(os.environ.get("BATCH_EMULATOR_FUZZ", "60")) * 4
FIRST_SEED = int(os.environ.get("BATCH_EMULATOR_FIRST_SEED", "0"))
PATHS = [
    "faults",
    "faults/counts",
    "preemptions",
    "nodelosses",
    "clock",
    "reset",
    "status",
    "..",
    "x",
    "faults/",
]
METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"]
# Nothing in them makes the server fail on purpose, spoiled or not.
BODIES: list[Mapping[str, Any]] = [
    {"advanceSeconds": 5},
    {"poolId": "pool", "count": 2, "awaySeconds": 3},
    {"poolId": "pool", "nodeId": "node"},
    {"seed": 3, "nodes": [{"fault": "slowBoot", "seconds": 0.1, "pools": ["a*"]}]},
    {"quotas": {"dedicatedCores": 4}},
    {"capacity": [{"vmSizes": ["standard_d*"], "dedicatedNodes": 1, "awaySeconds": 5}]},
]


async def test_nothing_hostile_breaks_the_paths_of_the_emulators_own() -> None:
    with LocalBatch() as local:
        address = urlsplit(local.endpoint)
        wire = Wire(address.hostname or "", address.port or 0)
        seen: set[int] = set()
        for seed in range(FIRST_SEED, FIRST_SEED + REQUESTS):
            rng = random.Random(f"control/{seed}")
            answer = await wire.send(_request(rng))
            seen.add(answer.status)
            assert answer.status < 500, f"seed {seed}: {_request(random.Random(f'control/{seed}'))} {answer}"
        assert seen >= {200, 400, 405}
        local.faults.clear()
        local.reset()
        assert list(local.client.list_pools()) == []


def _request(rng: random.Random) -> Request:
    body: bytes = rng.choice(hostile.JUNK_BODIES)
    if rng.random() < 0.7:
        body = json.dumps(hostile.spoiled(rng.choice(BODIES), rng)).encode("utf-8", "replace")
    kinds = [b"application/json", b"application/json", b"application/json", b"text/plain", b"\xff", b""]
    headers = {"content-type": rng.choice(kinds)}
    # Unsigned from this machine is let in; wrongly signed is not.
    if rng.random() < 0.1:
        headers["authorization"] = rng.choice([b"Bearer \xff", b"SharedKey a:b", b"x"])
    target = f"/emulator/{rng.choice(PATHS)}".encode()
    return Request(rng.choice(METHODS), target, headers, body, unsigned="authorization" not in headers)
