"""A storage account whose requests are steps of a process that may die, and may be disturbed."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import requests
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.core.pipeline.transport._requests_basic import RequestsTransportResponse

from tests.airflow_batch_provider.crashes.deaths import Deaths

Send = Callable[[], Any]
Disturbance = Callable[[Any, Send], Any]


def refused(status: int) -> Disturbance:
    """The request is answered by an error and not carried out."""

    def answer(request: Any, send: Send) -> Any:
        return _answer(request, status)

    return answer


def failed_after_commit(request: Any, send: Send) -> Any:
    """The request is carried out and answered by an error."""
    send()
    return _answer(request, 500)


def answer_lost(request: Any, send: Send) -> Any:
    """The request is carried out, and nobody hears of it."""
    send()
    raise ServiceResponseError("connection ended")


def request_lost(request: Any, send: Send) -> Any:
    """The request is not carried out, and nobody hears of it."""
    raise ServiceRequestError("no connection")


def _answer(request: Any, status: int) -> RequestsTransportResponse:
    answer = requests.Response()
    answer.status_code, answer.reason, answer.raw = status, "disturbed", io.BytesIO()
    answer.headers["Retry-After"] = "0"
    return RequestsTransportResponse(request, answer)  # type: ignore[no-untyped-call]


class StorageFaults:
    """Disturbs one request.

    Parameters:
        disturbance: what comes over it; None: nothing.
        skip: how many requests before it are left alone.
    """

    def __init__(self, disturbance: Disturbance | None = None, skip: int = 0) -> None:
        self._disturbance, self._skip = disturbance, skip
        self.struck = False

    def around(self, request: Any, send: Send) -> Any:
        """Send a request, or not."""
        self._skip -= 1
        if self._disturbance is None or self._skip != -1:
            return send()
        self.struck = True
        return self._disturbance(request, send)


class MortalTransport(RequestsTransport):  # type: ignore[misc]
    """Sends the requests of a worker to a real storage account."""

    def __init__(self, deaths: Callable[[], Deaths], faults: Callable[[], StorageFaults]) -> None:
        super().__init__()
        self._deaths, self._faults = deaths, faults

    def send(self, request: Any, **options: Any) -> Any:
        def ask() -> Any:
            return super(MortalTransport, self).send(request, **options)

        return self._deaths().take(lambda: self._faults().around(request, ask))
