"""No signature of a SAS is passed on, whoever wrote the text that it stands in."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.connect.secret import Secret
from airflow_batch_provider.client.connect.storage_settings import StorageSettings
from airflow_batch_provider.client.jobs.submission import add_tasks
from airflow_batch_provider.client.pools.pool_views import NodeView
from airflow_batch_provider.client.requests.printed import last_lines
from airflow_batch_provider.client.requests.records import task_view
from airflow_batch_provider.client.watching.streams import whole_lines
from airflow_batch_provider.exceptions import BatchRequestError
from airflow_batch_provider.spec.signatures import strike_signatures
from tests.airflow_batch_provider.client.scripted import Scripted

URL = "https://acct.blob.core.windows.net/in/a.mp4?sv=2026&sig=c2VjcmV0%3D&se=2027"


@pytest.mark.parametrize(
    "text",
    [URL, f"'{URL}'", URL.replace("&sig", "?sig"), URL.replace("&", "\\u0026"), URL.replace("sig", "SIG")],
)
def test_a_signature_is_struck_out_and_the_rest_stays(text: str) -> None:
    struck = strike_signatures(f"cannot read {text} now")

    assert "c2VjcmV0" not in struck
    assert struck.startswith("cannot read")
    assert struck.endswith("now")
    assert "se=2027" in struck


def test_words_that_only_end_so_stay() -> None:
    assert strike_signatures("--design=flat") == "--design=flat"


def test_a_failed_task_does_not_tell_the_sas_of_its_input() -> None:
    failure = {
        "category": "usererror",
        "code": "BlobNotFound",
        "message": f"not found: {URL}",
        "details": [{"name": "BlobSource", "value": URL}],
    }
    view = task_view({"id": "t", "state": "completed", "executionInfo": {"failureInfo": failure}})

    assert "c2VjcmV0" not in repr(view)
    assert "a.mp4" in view.details[0][1]


def test_a_failed_start_task_does_not_either() -> None:
    failure = {"code": "BlobNotFound", "message": URL, "details": [{"name": "BlobSource", "value": URL}]}
    view = NodeView.read({"id": "n", "state": "starttaskfailed", "startTaskInfo": {"failureInfo": failure}})

    assert "c2VjcmV0" not in repr(view)


def test_nor_does_what_a_program_prints() -> None:
    data = f"ffmpeg: {URL}: not found\n".encode()

    assert "c2VjcmV0" not in last_lines(data, "stderr.txt", whole=True)
    taken, lines = whole_lines(data, final=True)
    assert taken == len(data)
    assert "c2VjcmV0" not in lines[0]


def test_nor_does_a_task_that_the_service_refused() -> None:
    def service(operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        error = {
            "code": "InvalidPropertyValue",
            "message": {"value": "no"},
            "values": [
                {"key": "PropertyName", "value": "resourceFiles[0].httpUrl"},
                {"key": "PropertyValue", "value": URL},
            ],
        }
        return {"value": [{"status": "clienterror", "taskId": "t", "error": error}]}

    with pytest.raises(BatchRequestError) as refused:
        Scripted(service).run(add_tasks("j", [{"id": "t", "commandLine": "x"}]))

    assert "c2VjcmV0" not in str(refused.value)
    assert "a.mp4" in str(refused.value)


def test_a_sas_of_the_connection_is_masked_in_every_spelling() -> None:
    storage = StorageSettings.from_connection_string(
        "BlobEndpoint=https://acct.blob.core.windows.net;SharedAccessSignature=sv=1&sig=c2Vj%2Bcg%3D%3D"
    )

    masked = [secret.reveal() for secret in storage.secrets() if isinstance(secret, Secret)]

    assert {"c2Vj+cg==", "c2Vj%2Bcg%3D%3D"} <= set(masked)
