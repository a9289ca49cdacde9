"""Random requests of the data plane, drawn from the table of operations; a new row is drawn from too."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import accumulate
from urllib.parse import quote

from batch_emulator.rest.contract import CURRENT_VERSION, load_contract
from batch_emulator.rest.intake import RawRequest
from batch_emulator.rest.operations import OPERATIONS, Operation
from batch_emulator.service import BatchError, BatchService
from tests.batch_emulator.sequences.bodies import (
    IDS,
    JOB_IDS,
    POOL_IDS,
    SCHEDULE_IDS,
    USER_NAMES,
    Bodies,
)

BASE_URL = "http://localhost"
# The others have half a share each.
WEIGHTS = {
    "create_task": 45,
    "create_task_collection": 8,
    "terminate_task": 5,
    "reactivate_task": 6,
    "delete_task": 5,
    "create_job": 6,
    "create_pool": 5,
    "create_job_schedule": 2,
    "resize_pool": 6,
    "remove_nodes": 3,
    "reboot_node": 3,
    "disable_node_scheduling": 3,
    "enable_node_scheduling": 3,
    "disable_job": 3,
    "enable_job": 5,
    "delete_pool": 0.3,
    "delete_job": 0.7,
    "terminate_job": 0.7,
}


def random_operation(rng: random.Random) -> Operation:
    """Any operation."""
    return rng.choices(OPERATIONS, cum_weights=_CUMULATED)[0]


def random_request(
    operation: Operation, rng: random.Random, service: BatchService
) -> tuple[RawRequest, bytes]:
    """A request with its body, most of the time one that can be fulfilled.

    :param service: the account that it is for: most requests speak of what is there.
    """
    chosen: dict[str, str] = {}
    for name in _PLACEHOLDER.findall(operation.path):
        there = _there(name, chosen, service)
        chosen[name] = rng.choice(there if there and rng.random() < 0.95 else _PARAMETERS[name])
    path = _PLACEHOLDER.sub(lambda found: quote(chosen[found[1]], safe=""), operation.path)
    node_ids = [node.id for pool in service.pools() for node in service.nodes(pool.id)]
    body = b""
    if operation.body is not None and not (operation.body_optional and rng.random() < 0.5):
        contract = load_contract(CURRENT_VERSION)
        body = json.dumps(Bodies(contract, rng, node_ids).make(operation.body)).encode()
    query = f"api-version={CURRENT_VERSION}"
    if "force" in operation.query and rng.random() < 0.2:
        query += "&force=true"
    headers = _condition(rng) if operation.conditional else {}
    return RawRequest(operation.method, BASE_URL, path, query, headers), body


def _there(name: str, chosen: Mapping[str, str], service: BatchService) -> list[str]:
    """Ids of things that exist, of those already chosen."""
    if name == "poolId":
        return [pool.id for pool in service.pools()]
    if name == "jobId":
        return [job.id for job in service.jobs()]
    if name == "jobScheduleId":
        return [schedule.id for schedule in service.job_schedules()]
    with suppress(BatchError):
        if name == "nodeId":
            return [node.id for node in service.nodes(chosen["poolId"])]
        if name == "taskId":
            return [task.id for task in service.tasks(chosen["jobId"])]
    return []


_CUMULATED = list(accumulate(WEIGHTS.get(item.name, 0.5) for item in OPERATIONS))
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PARAMETERS: Mapping[str, list[str]] = {
    "nodeId": ["gone"],
    "poolId": POOL_IDS,
    "jobId": JOB_IDS,
    "taskId": IDS,
    "jobScheduleId": SCHEDULE_IDS,
    "applicationId": ["app"],
    "userName": USER_NAMES,
    "extensionName": ["extension"],
    "filePath": ["stdout.txt", "wd/file"],
}


def _condition(rng: random.Random) -> dict[str, str]:
    if rng.random() > 0.05:
        return {}
    return rng.choice(
        [
            {"if-match": "*"},
            {"if-match": '"0x8D9"'},
            {"if-none-match": "*"},
            {"if-modified-since": "Mon, 02 Mar 2026 08:00:00 GMT"},
            {"if-unmodified-since": "Mon, 02 Mar 2026 08:00:00 GMT"},
        ]
    )
