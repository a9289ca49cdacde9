"""What is asked of Azure Batch, apart from how it is sent.

A *script* is a generator: it yields steps (a call, a pause, a line for the log), is sent their answers, and
returns its result. Drivers carry the steps out, one with the synchronous client and one with the
asynchronous: what is asked and how an answer is read is written once, and can be tested without either.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One operation of the Batch client.

    Parameters:
        operation: the client's method, such as ``get_job``.
        arguments: its positional arguments.
        options: its keywords.
        answer: what it answers with: ``one`` value, all ``pages`` of a list, or its first ``page``.
    """

    operation: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    answer: Literal["one", "pages", "page"] = "one"


@dataclass(frozen=True)
class Send:
    """A request past the client's methods, where those do more than is wanted; answered by :class:`Answer`.

    The ``begin_*`` methods start a poller that asks every five seconds for the end, in a thread; nobody here
    waits for it. The file methods lose the error code of a refusal and log a traceback instead.

    Parameters:
        method: ``POST``, ``GET``, ``HEAD`` or ``DELETE``.
        path: path below the account's endpoint, not percent-encoded.
        body: what is sent as JSON.
        headers: further headers.
    """

    method: Literal["POST", "GET", "HEAD", "DELETE"]
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a :class:`Send` is answered with.

    Parameters:
        body: the bytes of the answer; none for ``HEAD``.
        length: the ``Content-Length``, which for ``HEAD`` is that of the file.
    """

    body: bytes = b""
    length: int = 0


@dataclass(frozen=True)
class Together:
    """Several calls at once; answered by a list of answers and :class:`Refusal` in their order."""

    calls: Sequence[Call | Send]


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


Level: TypeAlias = Literal["debug", "info", "warning", "error", "critical"]


@dataclass(frozen=True)
class Say:
    """A line for the task's log."""

    text: str
    level: Level = "info"


@dataclass(frozen=True)
class Look:
    """Look at a job again when it is time to; answered by its view, or None when it does not exist."""

    job_id: str


class Subject(Protocol):
    """Something to look at with a client, in a thread or in an event loop. Equal ones are the same to see."""

    def see(self, client: Any) -> Any:
        """Look now; raises a Refusal if the service refused, or gave no answer."""
        ...

    async def asee(self, client: Any) -> Any:
        """As ``see``, without blocking the event loop."""
        ...


@dataclass(frozen=True)
class Glance:
    """See something that others look at too; the answer may be some seconds old."""

    subject: Subject


Step: TypeAlias = "Call | Send | Together | Pause | Say | Look | Glance"
Script: TypeAlias = Generator[Step, Any, T]


class Refusal(Exception):  # noqa: N818 - it is an answer, thrown into scripts; users see BatchRequestError
    """Azure Batch refused a request, or gave no answer.

    Parameters:
        code: the service's error code; empty without an answer.
        status: the HTTP status; 0 without an answer.
        text: the first line of the message and the values that the service adds, without secrets.
        transient: whether the same request may well succeed later.
        retry_after: seconds the service asks to wait, if it says.
    """

    def __init__(
        self,
        code: str,
        status: int = 0,
        text: str = "",
        *,
        transient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        words = " ".join(str(word) for word in (status, code) if word)
        super().__init__(": ".join(part for part in (words, text) if part))
        self.code = code
        self.status = status
        self.text = text
        self.transient = transient
        self.retry_after = retry_after
