"""No operation may be supported without the official client having been seen to use it."""

from __future__ import annotations

import re
from pathlib import Path

from azure.batch import BatchClient

from batch_emulator.rest.handlers import all_handlers
from batch_emulator.rest.operations import OPERATIONS

SOURCES = "\n".join(path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("test_*.py")))


def client_method(operation: str) -> str:
    return f"begin_{operation}" if hasattr(BatchClient, f"begin_{operation}") else operation


def test_every_operation_of_the_client_is_in_the_table() -> None:
    of_client = {name for name in dir(BatchClient) if not name.startswith("_")}
    # The bulk helper, the client's own life and its door for other requests are no operations.
    of_client -= {"create_tasks", "close", "send_request"}
    assert {client_method(item.name) for item in OPERATIONS} == of_client


def test_every_supported_operation_is_driven_by_a_test() -> None:
    called = set(re.findall(r'"([a-z_]+)"', SOURCES))
    supported = {client_method(name) for name in all_handlers()}
    assert supported - called == set()


def test_every_operation_is_supported() -> None:
    assert all_handlers().keys() == {item.name for item in OPERATIONS}
