from __future__ import annotations

from typing import get_args

import pytest

from airflow_batch_provider.airflow_exceptions import AirflowFailException
from airflow_batch_provider.client.pools.pool_causes import RESIZE_CAUSES
from airflow_batch_provider.client.requests.failures import TASK_FAILURES, task_failure
from airflow_batch_provider.client.requests.meaning import LAYERS, Layer, LayerName
from airflow_batch_provider.client.requests.request_errors import (
    REQUEST_ERRORS,
    request_error,
    request_failure,
)
from airflow_batch_provider.client.requests.steps import Refusal

TABLES = {"task": TASK_FAILURES, "request": REQUEST_ERRORS}
ROWS = [(table, code) for table, rows in TABLES.items() for code in rows]


def test_an_editor_offers_the_layers_that_there_are() -> None:
    assert get_args(LayerName) == LAYERS


@pytest.mark.parametrize(("table", "code"), ROWS)
def test_every_code_is_explained_in_three_parts(table: str, code: str) -> None:
    look_up = {"task": task_failure, "request": request_error}[table]
    meaning = look_up(code)
    assert meaning is TABLES[table][code]
    assert meaning.happened[0].islower() or meaning.happened.startswith("Azure")
    assert not meaning.happened.endswith(".")
    for sentence in (meaning.cause, meaning.next_step):
        assert sentence.endswith(".")
        assert sentence[0].isupper()
    text = str(meaning.explanation("task encode-0003"))
    assert text.startswith(f"task encode-0003: {meaning.happened}.")
    assert "\nLikely cause: " in text
    assert "\nNext step: " in text


# Azure Batch: *Job and task error checking*; every code that a task's failureInfo can have.
DOCUMENTED = """
FailureExitCode TaskEnded BlobNotFound BlobAccessDenied BlobDownloadTimedOut BlobDownloadMiscError
ResourceContainerNotFound ResourceContainerAccessDenied ResourceContainerListMiscError
ResourceDirectoryCreateFailed ResourceFileCreateFailed ResourceFileWriteFailed CommandProgramNotFound
CommandLaunchFailed ApplicationPackageError ContainerPoolNotSupported ContainerInvalidImage
ContainerLaunchFailed FileUploadContainerNotFound FileUploadAccessDenied FileUploadMiscError
FileUploadTimedOut DiskFull MaxInternalRetryCountReached TaskSchedulingConstraintFailed
JobPreparationTaskFailed Unknown
"""
OF_THE_LOCAL_AZURE_BATCH = {"UserAccountNotFound"}


def test_no_documented_code_of_a_task_is_missing() -> None:
    assert set(DOCUMENTED.split()) | OF_THE_LOCAL_AZURE_BATCH == set(TASK_FAILURES)


@pytest.mark.parametrize(
    ("code", "layer", "final"),
    [
        ("FailureExitCode", Layer.COMMAND, False),
        ("BlobNotFound", Layer.RESOURCE_FILE, False),
        ("ResourceContainerAccessDenied", Layer.RESOURCE_FILE, False),
        ("CommandProgramNotFound", Layer.COMMAND, True),
        ("ApplicationPackageError", Layer.NODE_START, True),
        ("JobPreparationTaskFailed", Layer.NODE_START, False),
        ("ContainerInvalidImage", Layer.IMAGE_PULL, True),
        ("FileUploadMiscError", Layer.UPLOAD, False),
        ("FileUploadAccessDenied", Layer.UPLOAD, True),
        ("MaxInternalRetryCountReached", Layer.PREEMPTION, False),
        ("TaskEnded", Layer.WALL_CLOCK, False),
        ("TaskSchedulingConstraintFailed", Layer.SUBMIT, True),
        ("DiskFull", Layer.PLATFORM, False),
        ("SomethingNew", Layer.PLATFORM, False),
        (None, Layer.PLATFORM, False),
    ],
)
def test_the_layer_says_where_a_task_failed_and_whether_that_is_final(
    code: str | None, layer: Layer, final: bool
) -> None:
    meaning = task_failure(code)
    assert meaning.layer is layer
    assert meaning.final is final


def test_every_layer_has_a_row_in_one_of_the_tables() -> None:
    tables = (TASK_FAILURES, REQUEST_ERRORS, RESIZE_CAUSES)
    rows = {meaning.layer for table in tables for meaning in table.values()}  # type: ignore[attr-defined] # of two kinds
    assert rows == set(Layer)


@pytest.mark.parametrize(
    ("code", "told", "words"),
    [
        ("CommandLaunchFailed", "[Errno 7] Argument list too long: '/bin/true'", "128 KiB"),
        ("ResourceFileWriteFailed", "[Errno 21] Is a directory: 'wd/a'", "another input's"),
        ("ResourceDirectoryCreateFailed", "[Errno 20] Not a directory: 'wd/a/b'", "another input's"),
    ],
)
def test_what_the_service_tells_with_a_code_says_which_cause_it_is(code: str, told: str, words: str) -> None:
    meaning = task_failure(code, None, told)
    assert words in meaning.cause
    assert meaning.final
    assert meaning.layer is TASK_FAILURES[code].layer
    assert words not in task_failure(code, None, "Something else.").cause


def test_a_blob_that_is_gone_leads_to_the_task_that_listed_it() -> None:
    text = str(TASK_FAILURES["BlobNotFound"].explanation("task transform"))
    assert "deleted meanwhile" in text
    assert "clear that task with all that follows" in text


@pytest.mark.parametrize("code", [*REQUEST_ERRORS, "SomethingNew"])
def test_a_refused_request_is_retried_as_its_table_says(code: str) -> None:
    error = request_failure(Refusal(code, 400, "no"), "Submitting Batch job x")
    assert isinstance(error, AirflowFailException) is request_error(code).final


@pytest.mark.parametrize(
    "code",
    [
        "PoolNotFound",
        "PoolBeingDeleted",
        "AuthenticationFailed",
        "InsufficientAccountPermissions",
        "ServerBusy",
    ],
)
def test_what_may_change_while_airflow_waits_is_retried(code: str) -> None:
    assert not request_error(code).final


def test_an_answer_that_did_not_come_is_no_refusal() -> None:
    assert not isinstance(request_failure(Refusal("", 0, "no"), "x"), AirflowFailException)
