"""What may come between a request and its answer. Nothing does, unless the emulator was told to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from batch_emulator.service.errors import BatchError

T = TypeVar("T")


class Dropped(Exception):  # noqa: N818 - says what happened
    """The connection is to end without an answer."""


class Overruled(Exception):  # noqa: N818 - says what happened
    """The request is to be answered with an error that is not its own.

    :param headers: of the answer, beside the usual ones.
    """

    def __init__(self, error: BatchError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error.code)
        self.error = error
        self.headers = dict(headers or {})


class Interference(Protocol):
    """Stands between requests and their handlers."""

    async def around(self, operation: str, answer: Callable[[], Awaitable[T]]) -> T:
        """Answer a request, or not.

        :param operation: its name.
        :param answer: does what is asked.
        :raises Dropped: instead of an answer.
        :raises Overruled: instead of an answer.
        """
        ...


class NoInterference:
    """Lets every request be."""

    async def around(self, operation: str, answer: Callable[[], Awaitable[T]]) -> T:
        """The answer."""
        return await answer()
