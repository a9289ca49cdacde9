"""Every operation of the data plane and hostile requests: never a 5xx, a hang, or a file from outside."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from batch_emulator.rest.operations import OPERATIONS, RETIRED, Operation
from tests.batch_emulator.fuzz.requests import Hostile
from tests.batch_emulator.fuzz.target import SECRET, FuzzedBackend, fuzzed
from tests.batch_emulator.fuzz.wire import Answer, Request, Wire

# Requests for each operation, and which.
REQUESTS = int(os.environ.get("BATCH_EMULATOR_FUZZ", "60"))
FIRST_SEED = int(os.environ.get("BATCH_EMULATOR_FIRST_SEED", "0"))


@pytest.mark.parametrize("operation", OPERATIONS + RETIRED, ids=lambda operation: str(operation.name))
async def test_nothing_hostile_breaks_an_operation(operation: Operation, tmp_path: Path) -> None:
    async with fuzzed(tmp_path) as (backend, wire):
        for seed in range(FIRST_SEED, FIRST_SEED + REQUESTS):
            if seed % 10 == 0:
                backend.renew()
            rng = random.Random(f"{operation.name}/{seed}")
            request = Hostile(rng, backend.good).request(operation)
            await ask(wire, backend, request, f"{operation.name}, seed {seed}")
        backend.check()


async def ask(wire: Wire, backend: FuzzedBackend, request: Request, name: str) -> Answer:
    """Send a hostile request and look at the answer."""
    try:
        answer = await wire.send(request)
    except (TimeoutError, ConnectionError) as error:
        raise AssertionError(f"{name}: {error!r} for {shown(request)}") from error
    about = f"{name}: {shown(request)}\n-> {answer.status} {answer.body[:400]!r}\n{backend.logged}"
    # What is not there is told, and so is when to come again.
    is_told = (answer.status == 501 and (b"NotImplemented" in answer.body or request.method == "HEAD")) or (
        "retry-after" in answer.headers
    )
    assert answer.status < 500 or is_told, about
    assert not backend.logged, about
    assert SECRET not in answer.body, about
    assert "x-injected" not in answer.headers, about
    is_ours = answer.headers.get("content-type", "").startswith("application/json")
    if answer.status >= 400 and is_ours and answer.body:
        told = json.loads(answer.body)
        error = told["error"] if isinstance(told.get("error"), dict) else told
        assert error.get("code") or error.get("error"), about
        assert error["message"], about
    return answer


def shown(request: Request) -> str:
    """A request for the eye."""
    return (
        f"{request.method} {request.target[:600]!r} {dict(request.headers)} "
        f"{request.body[:600]!r} ({len(request.body)} bytes)"
    )
