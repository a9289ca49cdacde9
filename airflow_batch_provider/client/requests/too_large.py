"""What makes one task larger than a request may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_batch_provider.client.requests.request_errors import refused
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.exceptions import BatchRequestError

_BY_A_FILE = "Put the long text into a blob, and give the task that as an input."
_BY_ONE_INPUT = "Give it many files by one input: split.outputs('parts') or blob('container/prefix/')."
_PARTS = {
    "commandLine": ("its command", _BY_A_FILE),
    "environmentSettings": ("its environment settings", _BY_A_FILE),
    "resourceFiles": ("its inputs", _BY_ONE_INPUT),
    "outputFiles": ("its outputs", "Name many files by one pattern, such as outputs=['parts/*.csv']."),
    "dependsOn": ("what it depends on", "Put graph.barrier(...) in between."),
}


def too_large(task: Mapping[str, Any], refusal: Refusal) -> BatchRequestError:
    """The error for a task that the service finds too large, which names what is largest in it.

    Parameters:
        task: wire model BatchTaskCreateOptions; values of it are not told.
        refusal: the service's answer, ``RequestBodyTooLarge``.
    """
    sizes = {name: len(json.dumps(value)) for name, value in task.items()}
    name, size = max(sizes.items(), key=lambda each: each[1])
    part, next_step = _PARTS.get(name, (name, "Make it shorter."))
    settings = task.get("environmentSettings") or ()
    if name == "environmentSettings" and settings:
        longest = max(settings, key=lambda each: len(str(each.get("value") or "")))
        part = f"{part}, of them {longest['name']} the longest"
    elif isinstance(task[name], list):
        part = f"{part}, {len(task[name]):,} of them"
    return refused(
        refusal.code,
        refusal.status,
        f"Task {task['id']!r} was not accepted: it alone is larger than a request may be "
        f"({refusal.code}: {refusal.text}).\n"
        f"Likely cause: The largest part of it is {part} ({size:,} of {sum(sizes.values()):,} bytes).\n"
        f"Next step: {next_step}",
    )
