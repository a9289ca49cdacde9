"""The official client, sync or aio, driven by the same tests.

Every answer that a client gets is recorded and held against the contract: status, headers, names and types of
what is in the body.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure.batch import BatchClient
from azure.batch.aio import BatchClient as AioBatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ResponseNotReadError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import SansIOHTTPPolicy

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Answer:
    """What was answered to one request."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: Any


class Recorder(SansIOHTTPPolicy[Any, Any]):
    """Keeps the answers."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        http = response.http_response
        headers = {name.lower(): value for name, value in http.headers.items()}
        is_json = "json" in headers.get("content-type", "")
        text = ""
        # The error of a download is not read when the recorder sees it.
        with contextlib.suppress(ResponseNotReadError):
            text = http.text() if is_json and request.http_request.method != "HEAD" else ""
        url = request.http_request.url.partition("?")[0]
        path = "/" + url.split("/", 3)[3]
        body = json.loads(text) if text else None
        self.answers.append(Answer(request.http_request.method, path, http.status_code, headers, body))


class Driver:
    """A client whose calls are awaited, whichever kind it is. Make it with :func:`open_driver`."""

    def __init__(self, client: Any, recorder: Recorder, *, is_aio: bool) -> None:
        self._client = client
        self._is_aio = is_aio
        self.recorder = recorder

    @property
    def last(self) -> Answer:
        """The latest answer."""
        return self.recorder.answers[-1]

    async def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A plain method."""
        method = getattr(self._client, name)
        if self._is_aio:
            return await method(*args, **kwargs)
        return await asyncio.to_thread(method, *args, **kwargs)

    async def list(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """All items of all pages of a list."""
        if self._is_aio:
            return [item async for item in getattr(self._client, name)(*args, **kwargs)]
        return await asyncio.to_thread(lambda: [*getattr(self._client, name)(*args, **kwargs)])

    async def read(self, name: str, *args: Any, **kwargs: Any) -> bytes:
        """A file's bytes."""
        if self._is_aio:
            chunks = await getattr(self._client, name)(*args, **kwargs)
            return b"".join([chunk async for chunk in chunks])
        return await asyncio.to_thread(lambda: b"".join(getattr(self._client, name)(*args, **kwargs)))

    async def run(self, name: str, *args: Any, **kwargs: Any) -> Answer:
        """A long-running operation, to its end.

        :returns: the answer that began it.
        """
        mark = len(self.recorder.answers)
        kwargs["polling_interval"] = POLL_SECONDS
        if self._is_aio:
            poller = await getattr(self._client, name)(*args, **kwargs)
        else:
            poller = await asyncio.to_thread(getattr(self._client, name), *args, **kwargs)
        await self.finish(poller)
        assert poller.status() == "Succeeded"
        # Another operation's poller may ask for its end at the same time.
        return next(answer for answer in self.recorder.answers[mark:] if answer.method != "GET")

    async def finish(self, poller: Any) -> None:
        """Wait for a long-running operation that was begun by a plain call."""
        if self._is_aio:
            await poller.result()
        else:
            await asyncio.to_thread(poller.result)

    async def until(self, holds: Callable[[Any], bool], name: str, *args: Any, **kwargs: Any) -> Any:
        """Ask until the answer is as wanted, for a minute at most."""

        async def ask() -> Any:
            while True:
                found = await self.call(name, *args, **kwargs)
                if holds(found):
                    return found
                await asyncio.sleep(POLL_SECONDS)

        return await asyncio.wait_for(ask(), 60)


class open_driver:  # noqa: N801 - used as a context manager
    """A client of one kind for the length of a block.

    :param key: base64.
    """

    def __init__(self, kind: str, endpoint: str, account: str, key: str) -> None:
        self._recorder = Recorder()
        make = AioBatchClient if kind == "aio" else BatchClient
        self._client: Any = make(
            endpoint,
            AzureNamedKeyCredential(account, key),
            per_retry_policies=[self._recorder],
            retry_total=0,
        )
        self._is_aio = kind == "aio"

    async def __aenter__(self) -> Driver:
        return Driver(self._client, self._recorder, is_aio=self._is_aio)

    async def __aexit__(self, *_: object) -> None:
        if self._is_aio:
            await self._client.close()
        else:
            self._client.close()
