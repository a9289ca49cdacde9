"""What downloads and uploads have in common: their failures, and fetching one URL into one file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import TypeVar

import aiohttp
from yarl import URL

from batch_emulator.nodes.storage import without_secrets
from batch_emulator.service.errors import Failure

__all__ = ["Fetcher", "HttpStatusError", "TransferError", "TransferTimeoutError", "in_parallel"]

_log = logging.getLogger(__name__)
T = TypeVar("T")
_ATTEMPTS = 3
_BACKOFF_SECONDS = 0.5
_CHUNK_BYTES = 1 << 20
# One file may take an hour, but never be silent for a minute.
_TIMEOUT = aiohttp.ClientTimeout(total=3600, sock_connect=20, sock_read=60)


class TransferError(Exception):
    """Files could not be brought to or from a node.

    :param failure: what the task's ``failureInfo`` says.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class HttpStatusError(Exception):
    """A server refused a download. ``status`` 0: it could not be reached or broke off."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class TransferTimeoutError(Exception):
    """A server did not answer in time."""


class Fetcher:
    """Fetches URLs with one shared connection pool. Make it in the event loop; close it there.

    :param timeout: for each attempt.
    :param backoff: seconds before the second attempt; twice as long before the third.
    """

    def __init__(self, timeout: aiohttp.ClientTimeout = _TIMEOUT, backoff: float = _BACKOFF_SECONDS) -> None:
        self._timeout, self._backoff = timeout, backoff
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, url: str, target: Path) -> None:
        """Fetch a URL into a file. Faults of the network and of the server are retried twice.

        :raises HttpStatusError: the last answer was a refusal, or there was none.
        :raises TransferTimeoutError: the server was too slow.
        :raises OSError: the file cannot be written.
        """
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                await self._fetch_once(url, target)
                return
            except HttpStatusError as error:
                if last or not (error.status in (0, 429) or error.status >= 500):
                    raise
            except TransferTimeoutError:
                if last:
                    raise
            _log.info("fetching %s again", without_secrets(url))
            await asyncio.sleep(self._backoff * 2**attempt)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _fetch_once(self, url: str, target: Path) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, auto_decompress=False)
        try:
            async with self._session.get(_as_given(url)) as response:
                if response.status != 200:
                    raise HttpStatusError(response.status, f"HTTP status {response.status}")
                with target.open("wb") as file:
                    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                        file.write(chunk)
        except asyncio.TimeoutError:
            raise TransferTimeoutError from None
        except aiohttp.ClientError as error:
            # The text of these errors may repeat the URL with its signature.
            raise HttpStatusError(0, type(error).__name__) from None
        except ValueError:
            raise HttpStatusError(400, "the URL is malformed") from None


def _as_given(url: str) -> URL:
    # A signature covers the URL as it is written; requoting would spoil it.
    return URL(url, encoded=True)


async def in_parallel(jobs: Iterable[Awaitable[T]], limit: int) -> list[T]:
    """Await all, at most ``limit`` at a time; on the first error the others are cancelled."""
    gate = asyncio.Semaphore(limit)

    async def one(job: Awaitable[T]) -> T:
        async with gate:
            return await job

    tasks = [asyncio.ensure_future(one(job)) for job in jobs]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
