"""What every answer must be: a status that clients take, the service's headers, a body by the contract."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any

from batch_emulator.rest.answers import ANSWERS
from batch_emulator.rest.contract import load_contract
from batch_emulator.rest.operations import Operation
from batch_emulator.rest.routing import Router
from batch_emulator.service.errors import BatchError
from tests.protocol.driver import Answer

CONTRACT = load_contract()
ROUTER = Router()
# Recorded: sent in lower case, these come back in capitals.
CAPITALISED = ("Spread", "Pack")
SCALARS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "int64": str,
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?Z")
DURATION = re.compile(r"P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
NEVER_ECHOED = re.compile(r'"(password|accountKey|sasKey|sshPrivateKey|protectedSettings)"')


def check_answers(answers: Iterable[Answer]) -> None:
    """Hold every answer against the contract."""
    for answer in answers:
        uuid.UUID(answer.headers["request-id"])
        assert answer.headers["dataserviceversion"] == "3.0"
        assert answer.headers["x-content-type-options"] == "nosniff"
        if answer.status >= 400:
            _check_error(answer)
        elif answer.status != 304:
            _check_success(answer)


def _check_error(answer: Answer) -> None:
    if answer.method == "HEAD":
        assert answer.body is None
        return
    assert answer.headers["content-type"] == "application/json; odata=minimalmetadata"
    body = answer.body
    if body is None:
        assert "/files/" in answer.path  # a download's error, not read when it was recorded
        return
    assert body.keys() <= {"odata.metadata", "code", "message", "values"}
    assert body["message"]["lang"] == "en-US"
    pattern = rf".+\nRequestId:{answer.headers['request-id']}\nTime:{TIME.pattern}"
    assert re.fullmatch(pattern, body["message"]["value"], re.DOTALL)
    for item in body.get("values", ()):
        assert item.keys() == {"key", "value"}


def _check_success(answer: Answer) -> None:
    try:
        operation = ROUTER.match(answer.method, answer.path).operation
    except BatchError as error:  # pragma: no cover - a success must be of an operation
        raise AssertionError(f"{answer.method} {answer.path} succeeded") from error
    assert answer.status == operation.status
    _check_headers(answer, operation)
    model = ANSWERS.get(operation.name)
    if model is None:
        assert answer.body is None
        return
    assert answer.headers["content-type"] == "application/json; odata=minimalmetadata"
    assert not NEVER_ECHOED.search(str(answer.body).replace("'", '"'))
    base = answer.body["odata.metadata"].partition("/$metadata#")[0]
    assert base.startswith("http://127.0.0.1:")
    if model[0] == "[":
        assert answer.body.keys() <= {"odata.metadata", "odata.nextLink", "value"}
        _check_value(answer.body["value"], model, operation.name)
    else:
        body = {key: value for key, value in answer.body.items() if key != "odata.metadata"}
        _check_value(body, model, operation.name)


def _check_headers(answer: Answer, operation: Operation) -> None:
    name = operation.name
    acts = operation.method in ("POST", "PUT", "PATCH") and name != "create_task_collection"
    if acts:
        assert answer.headers["dataserviceid"].startswith("http://127.0.0.1:")
    if operation.status == 201:
        assert answer.headers["location"] == answer.headers["dataserviceid"]
    versioned = operation.conditional and operation.method != "DELETE"
    if versioned and name != "stop":
        assert "last-modified" in answer.headers
        assert '"' not in answer.headers["etag"]
    if operation.method == "DELETE" or name.startswith("list_"):
        assert "etag" not in answer.headers


def _check_value(value: Any, type_name: str, where: str) -> None:
    assert value is not None, where
    if type_name[0] == "[":
        for number, item in enumerate(value):
            _check_value(item, type_name[1:-1], f"{where}.{number}")
    elif type_name in CONTRACT.models:
        properties = CONTRACT.models[type_name]
        for key, item in value.items():
            assert key in properties, f"{where}.{key} is not in {type_name}"
            _check_value(item, properties[key].type, f"{where}.{key}")
    elif type_name in CONTRACT.enums:
        assert value in CONTRACT.enums[type_name] or value in CAPITALISED, f"{where}: {value}"
    elif type_name == "datetime":
        assert TIME.fullmatch(value), f"{where}: {value}"
    elif type_name == "duration":
        assert DURATION.fullmatch(value), f"{where}: {value}"
    elif type_name[0] != "{":
        assert isinstance(value, SCALARS[type_name]), f"{where}: {value!r}"
