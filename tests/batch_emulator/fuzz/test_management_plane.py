"""Hostile requests for the management plane, the token endpoint of nodes and the page."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from batch_emulator.arm.operations import OPERATIONS
from batch_emulator.identity.node_secret import PATH, issue_secret
from batch_emulator.rest.operations import Operation
from batch_emulator.rest.tokens import MANAGEMENT_PLANE, decoded, issue_token
from tests.batch_emulator.fuzz import hostile
from tests.batch_emulator.fuzz.requests import Hostile
from tests.batch_emulator.fuzz.target import fuzzed
from tests.batch_emulator.fuzz.test_data_plane import FIRST_SEED, ask
from tests.batch_emulator.fuzz.wire import Request
from tests.batch_emulator.rest.in_process import CREDENTIALS, NOW
from tests.batch_emulator.service.builders import IMAGE

REQUESTS = int(os.environ.get("BATCH_EMULATOR_FUZZ", "60"))
_SCALE = {"fixedScale": {"targetDedicatedNodes": 1, "resizeTimeout": "PT15M"}}
BODIES: list[Mapping[str, Any]] = [
    {},
    {"keyName": "Primary"},
    {"format": "zip"},
    {"properties": {"displayName": "name", "allowUpdates": True, "defaultVersion": "1.0"}},
    {
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/subscriptions/s/x/y": {}}},
        "properties": {
            "vmSize": "STANDARD_D2S_V3",
            "deploymentConfiguration": {"virtualMachineConfiguration": IMAGE},
            "scaleSettings": _SCALE,
            "startTask": {"commandLine": "0", "environmentSettings": [{"name": "a", "value": "b"}]},
        },
    },
]


def a_request(operation: Operation, rng: random.Random, good: Mapping[str, list[str]]) -> Request:
    """A hostile request with a body that is near to what the operation takes."""
    bearer = issue_token(decoded(CREDENTIALS.primary_key), MANAGEMENT_PLANE, NOW, timedelta(hours=1))
    made = Hostile(rng, good).request(operation)
    body = made.body
    if operation.method in ("PUT", "PATCH", "POST") and rng.random() < 0.8:
        body = json.dumps(hostile.spoiled(rng.choice(BODIES), rng)).encode("utf-8", "replace")
    return Request(made.method, made.target, made.headers, body, bearer)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: str(operation.name))
async def test_nothing_hostile_breaks_the_management_plane(operation: Operation, tmp_path: Path) -> None:
    async with fuzzed(tmp_path) as (backend, wire):
        for seed in range(FIRST_SEED, FIRST_SEED + REQUESTS):
            if seed % 10 == 0:
                backend.renew()
            rng = random.Random(f"{operation.name}/{seed}")
            request = a_request(operation, rng, backend.good)
            await ask(wire, backend, request, f"{operation.name}, seed {seed}")
        backend.check()


async def test_nothing_hostile_breaks_the_token_endpoint_and_the_page(tmp_path: Path) -> None:
    async with fuzzed(tmp_path) as (backend, wire):
        for seed in range(FIRST_SEED, FIRST_SEED + 4 * REQUESTS):
            rng = random.Random(f"others/{seed}")
            names = ["resource", "api-version", "client_id", "object_id", "mi_res_id", "x"]
            pairs = [(name, hostile.text(rng)) for name in rng.sample(names, rng.randint(0, 4))]
            if rng.random() < 0.5:
                pairs += [("resource", "https://storage.azure.com/"), ("api-version", "2019-08-01")]
            query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)[:7000]
            secret = issue_secret("pool", CREDENTIALS.node_key) if rng.random() < 0.5 else hostile.text(rng)
            odd = rng.choice([b"", b"\xff", "ü".encode()])
            value = secret.encode().translate(None, b"\r\n\0")[:4000] + odd
            request = Request(
                rng.choice(["GET", "GET", "GET", "POST", "HEAD"]),
                f"{rng.choice([PATH, PATH, '/', PATH + '/', '//'])}?{query}".encode(),
                {rng.choice(["metadata", "x-identity-header"]): rng.choice([b"true", value])},
            )
            await ask(wire, backend, request, f"seed {seed}")
        backend.check()
