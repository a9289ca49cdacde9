"""Carrying out scripts, with the synchronous or the asynchronous Batch client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote

from airflow_batch_provider.client.requests.error_values import with_values
from airflow_batch_provider.client.requests.service_errors import (
    error_code,
    error_status,
    error_text,
    is_transient,
)
from airflow_batch_provider.client.requests.steps import (
    Answer,
    Call,
    Glance,
    Look,
    Pause,
    Refusal,
    Say,
    Script,
    Send,
    Step,
    Subject,
    Together,
)

T = TypeVar("T")

API_VERSION = "2025-06-01"
"""Of the requests that are sent past the client's methods; what azure-batch 15.1 sends."""

AT_ONCE = 4
"""Calls of one :class:`Together` under way at the same time."""

ANSWER_SECONDS = 60.0
"""A dead connection is given up in a minute, where the client's own default is five."""


def _patience(seconds: float) -> dict[str, Any]:
    # Scripts retry by themselves, with bounds that are the same for every step: no second loop below them.
    return {"retry_total": 0, "connection_timeout": min(10.0, seconds), "read_timeout": seconds}


SayTo = Callable[[Say], None]


def log_to(logger: Any) -> SayTo:
    """Send the lines of a script to a logger, of the standard library or Airflow's."""

    def say_to(say: Say) -> None:
        getattr(logger, say.level)("%s", say.text)

    return say_to


class Driver:
    """Carries out scripts with a synchronous client.

    Parameters:
        client: ``azure.batch.BatchClient``.
        say: takes the lines for the log.
        sleep: waits so many seconds.
        look: gives the view of a job when it is time to; needed by scripts that watch a job.
        seconds: how long an answer is waited for.
    """

    def __init__(
        self,
        client: Any,
        say: SayTo,
        *,
        sleep: Callable[[float], None] = time.sleep,
        look: Callable[[str], Any] | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._client = client
        self._patience = _patience(seconds)
        self._say = say
        self._sleep = sleep
        self._look = look

    def run(self, script: Script[T]) -> T:
        """Carry out a script to its end.

        Raises:
            Refusal: the service refused a step and the script did not expect it.
        """
        answer: Any = None
        refusal: Refusal | None = None
        while True:
            try:
                step = script.throw(refusal) if refusal is not None else script.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            answer, refusal = None, None
            try:
                answer = self._do(step)
            except Refusal as refused:
                refusal = refused

    def _do(self, step: Step) -> Any:
        match step:
            case Pause():
                return self._sleep(step.seconds)
            case Say():
                return self._say(step)
            case Look():
                assert self._look is not None, "this driver watches no job"
                return self._look(step.job_id)
            case Glance():
                return step.subject.see(self._client)
            case Together():
                with ThreadPoolExecutor(max_workers=AT_ONCE) as threads:
                    return list(threads.map(self._try, step.calls))
            case Send():
                return self._send(step)
            case Call():
                return self._call(step)

    def _try(self, step: Call | Send) -> Any:
        try:
            return self._do(step)
        except Refusal as refusal:
            return refusal

    def _call(self, call: Call) -> Any:
        from azure.core.exceptions import AzureError

        try:
            answer = getattr(self._client, call.operation)(*call.arguments, **call.options, **self._patience)
            match call.answer:
                case "pages":
                    return list(answer)
                case "page":
                    return list(next(answer.by_page(), ()))
            return answer
        except AzureError as error:
            raise refusal_of(error) from error

    def _send(self, step: Send) -> Answer:
        from azure.core.exceptions import AzureError

        try:
            response = self._client.send_request(_request(step), **self._patience)
        except AzureError as error:
            raise refusal_of(error) from error
        return _answer(response)


class AsyncDriver:
    """Carries out scripts with an asynchronous client, without blocking the event loop.

    Parameters:
        client: ``azure.batch.aio.BatchClient``, open.
        say: takes the lines for the log.
        sleep: waits so many seconds.
        look: gives the view of a job when it is time to; needed by scripts that watch a job.
        glance: sees what others look at too; None: it is looked at here.
        seconds: how long an answer is waited for.
    """

    def __init__(
        self,
        client: Any,
        say: SayTo,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        look: Callable[[str], Awaitable[Any]] | None = None,
        glance: Callable[[Subject], Awaitable[Any]] | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._client = client
        self._patience = _patience(seconds)
        self._say = say
        self._sleep = sleep
        self._look = look
        self._glance = glance

    async def run(self, script: Script[T]) -> T:
        """Carry out a script to its end.

        Raises:
            Refusal: the service refused a step and the script did not expect it.
        """
        answer: Any = None
        refusal: Refusal | None = None
        while True:
            try:
                step = script.throw(refusal) if refusal is not None else script.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            answer, refusal = None, None
            try:
                answer = await self._do(step)
            except Refusal as refused:
                refusal = refused

    async def _do(self, step: Step) -> Any:
        match step:
            case Pause():
                return await self._sleep(step.seconds)
            case Say():
                return self._say(step)
            case Look():
                assert self._look is not None, "this driver watches no job"
                return await self._look(step.job_id)
            case Glance():
                return await (self._glance or self._see)(step.subject)
            case Together():
                return await self._together(step)
            case Send():
                return await self._send(step)
            case Call():
                return await self._call(step)

    async def _see(self, subject: Subject) -> Any:
        return await subject.asee(self._client)

    async def _together(self, step: Together) -> list[Any]:
        places = asyncio.Semaphore(AT_ONCE)

        async def attempt(step: Call | Send) -> Any:
            async with places:
                try:
                    return await self._do(step)
                except Refusal as refusal:
                    return refusal

        return list(await asyncio.gather(*map(attempt, step.calls)))

    async def _call(self, call: Call) -> Any:
        from azure.core.exceptions import AzureError

        try:
            answer = getattr(self._client, call.operation)(*call.arguments, **call.options, **self._patience)
            match call.answer:
                case "pages":
                    return [item async for item in answer]
                case "page":
                    return await _first_page(answer)
            return await answer
        except AzureError as error:
            raise refusal_of(error) from error

    async def _send(self, step: Send) -> Answer:
        from azure.core.exceptions import AzureError

        try:
            response = await self._client.send_request(_request(step), **self._patience)
        except AzureError as error:
            raise refusal_of(error) from error
        return _answer(response)


async def _first_page(answer: Any) -> list[Any]:
    async for page in answer.by_page():
        return [item async for item in page]
    return []


def refusal_of(error: Exception) -> Refusal:
    """Read what the Azure client raised."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    return Refusal(
        error_code(error),
        error_status(error),
        error_text(error),
        transient=is_transient(error),
        retry_after=_seconds(headers.get("Retry-After")),
    )


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:  # a date; rare enough to be treated as no hint
        return None


def _request(step: Send) -> Any:
    from azure.core.rest import HttpRequest

    headers = {"Accept": "application/json", **step.headers}
    if step.body is not None:
        headers["Content-Type"] = "application/json; odata=minimalmetadata"
    body: Any = dict(step.body) if step.body is not None else None
    path = quote(step.path, safe="/")
    return HttpRequest(step.method, path, params={"api-version": API_VERSION}, headers=headers, json=body)


def _answer(response: Any) -> Answer:
    if response.status_code in (200, 202, 204):
        return Answer(response.content, int(response.headers.get("Content-Length") or 0))
    try:
        body = response.json() or {}
    except ValueError:  # a HEAD has no body
        body = {}
    message = (body.get("message") or {}).get("value") or ""
    values = ((item.get("key"), item.get("value")) for item in body.get("values") or ())
    raise Refusal(
        body.get("code") or "",
        response.status_code,
        with_values(message.partition("\n")[0], values),
        transient=response.status_code in (408, 429, 500, 502, 503, 504),
        retry_after=_seconds(response.headers.get("Retry-After")),
    )
