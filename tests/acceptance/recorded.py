"""The official client, and what it was answered."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest, HttpResponse

from batch_emulator.testing import LocalBatch
from tests.protocol.driver import Recorder


@contextmanager
def recorded(account: LocalBatch, key: str | None = None) -> Iterator[tuple[BatchClient, Recorder]]:
    """A client with the recorder of its answers."""
    recorder = Recorder()
    credential = AzureNamedKeyCredential(account.account, key or account.key)
    with BatchClient(
        account.endpoint, credential, retry_total=0, per_retry_policies=[recorder], polling_interval=0.05
    ) as client:
        yield client, recorder


def wrong_key() -> str:
    """A key of the right form."""
    return base64.b64encode(b"x" * 64).decode()


def raw(client: BatchClient, method: str, path: str, **more: Any) -> HttpResponse:
    """A request that the client has no method for, signed by it."""
    if "api-version=" not in path:
        path += ("&" if "?" in path else "?") + "api-version=2025-06-01"
    try:
        response: HttpResponse = client.send_request(HttpRequest(method, path, **more))
    except HttpResponseError as error:
        refused: Any = error.response
        return refused  # type: ignore[no-any-return]
    return response


def code_of(error: HttpResponseError) -> str:
    """The service's code of a refusal."""
    return str(error.error.code if error.error else "")
