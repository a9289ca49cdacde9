from __future__ import annotations

import pytest

from batch_emulator.rest.operations import OPERATIONS
from batch_emulator.rest.routing import Router
from batch_emulator.service.errors import BatchError

ROUTER = Router()


def test_there_are_72_operations_of_different_names_and_places() -> None:
    assert len(OPERATIONS) == 72
    assert len({item.name for item in OPERATIONS}) == 72
    assert len({(item.method, item.path) for item in OPERATIONS}) == 72


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda item: item.name)
def test_every_operation_is_found(operation: object) -> None:
    path = operation.path.replace("{", "a%2Fb-").replace("}", "")  # type: ignore[attr-defined]
    match = ROUTER.match(operation.method, path)  # type: ignore[attr-defined]
    assert match.operation is operation
    assert all(value == f"a/b-{name}" for name, value in match.parameters.items())


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/jobs/j/tasks/t/files/stdout.txt", "stdout.txt"),
        ("/jobs/j/tasks/t/files/wd%2Fa%20b.txt", "wd/a b.txt"),
        ("/jobs/j/tasks/t/files/wd/sub/a.txt", "wd/sub/a.txt"),
    ],
)
def test_file_paths_may_have_slashes(path: str, file: str) -> None:
    assert ROUTER.match("GET", path).parameters["filePath"] == file


def test_a_job_of_a_schedule_has_a_colon() -> None:
    assert ROUTER.match("GET", "/jobs/s%3Ajob-1").parameters == {"jobId": "s:job-1"}


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing", "InvalidUri"),
        ("GET", "/jobs/j/unknown", "InvalidUri"),
        ("GET", "/jobs//tasks", "InvalidUri"),
        ("PUT", "/jobs", "UnsupportedHttpVerb"),
        ("GET", "/jobs/j/terminate", "UnsupportedHttpVerb"),
    ],
)
def test_what_is_not_there(method: str, path: str, code: str) -> None:
    with pytest.raises(BatchError) as caught:
        ROUTER.match(method, path)
    assert caught.value.code == code
