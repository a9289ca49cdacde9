"""Which properties of requests the running code refuses, found by sending them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from batch_emulator.rest.contract import CURRENT_VERSION, load_contract
from batch_emulator.rest.intake import RawRequest, take_in
from batch_emulator.rest.operations import OPERATIONS, Operation
from batch_emulator.service.errors import BatchError
from tests.batch_emulator.sequences.bodies import Bodies
from tests.batch_emulator.sequences.requests import BASE_URL
from tests.batch_emulator.sequences.watched import HANDLERS, ROUTER, WatchedWorld, run
from tests.batch_emulator.service.builders import a_job, a_pool, a_task

CONTRACT = load_contract()
_TRIES = 6


@dataclass(frozen=True)
class Place:
    """Where a model is found in requests.

    :param path: property names and types from the body down to it.
    """

    operation: Operation
    path: tuple[tuple[str, str], ...]


@lru_cache
def places() -> dict[str, Place]:
    """Every model of a request, with the shortest way to it."""
    found: dict[str, Place] = {}
    todo = [(item.body, Place(item, ())) for item in OPERATIONS if item.body]
    while todo:
        model, place = todo.pop(0)
        if model in found:
            continue
        found[model] = place
        for name, known in CONTRACT.models[model].items():
            if not known.read_only and known.type.strip("[]{}") in CONTRACT.models:
                step = Place(place.operation, (*place.path, (name, known.type)))
                todo.append((known.type.strip("[]{}"), step))
    return found


def settable(model: str) -> list[str]:
    """Properties of a model that a request may have."""
    return sorted(name for name, known in CONTRACT.models[model].items() if not known.read_only)


@lru_cache
def refusals() -> dict[tuple[str, str], str]:
    """The reason for each (model, property) that is refused whatever its value."""
    found: dict[tuple[str, str], str] = {}
    for model, place in places().items():
        for name in settable(model):
            reason = _refusal(place, model, name)
            if reason is not None:
                found[model, name] = reason
    return found


def _refusal(place: Place, model: str, name: str) -> str | None:
    steps = [step for step, _ in place.path]
    for error in _answers(place, model, name):
        if error is None:
            return None
        if error.code == "UnsupportedProperty":
            parts = [part for part in error.values["PropertyName"].split(".") if not part.isdecimal()]
            if parts[-1] in (name, *steps):
                return str(error.values.get("Reason", ""))
    return None


def _answers(place: Place, model: str, name: str) -> Iterator[BatchError | None]:
    """Answers to requests with the property; ``None`` is success."""
    for seed in range(_TRIES):
        world = _world()
        node = next(world.service.nodes("pool")).id
        bodies = Bodies(CONTRACT, random.Random(f"{model}.{name}/{seed}"), [node])
        body = bodies.around(
            place.operation.body or "", [*place.path], name, CONTRACT.models[model][name].type
        )
        ids = {"poolId": "pool", "nodeId": node, "jobId": "job", "taskId": "1"}
        path = place.operation.path.format(jobScheduleId="schedule", userName="user", **ids)
        raw = RawRequest(place.operation.method, BASE_URL, path, f"api-version={CURRENT_VERSION}", {})
        yield _answer(world, raw, body)


def _answer(world: WatchedWorld, raw: RawRequest, body: Any) -> BatchError | None:
    try:
        intake = take_in(raw, ROUTER)
        run(HANDLERS[intake.match.operation.name](intake.call(json.dumps(body).encode()), world))
    except BatchError as error:
        return error
    return None


def _world() -> WatchedWorld:
    world = WatchedWorld(0)
    world.do("create_pool", a_pool("pool", 1, enableInterNodeCommunication=True))
    world.do("create_job", a_job(usesTaskDependencies=True))
    world.do("create_task", "job", a_task("1"))
    return world
