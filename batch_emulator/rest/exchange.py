"""What handlers get and give: a request that was parsed and authenticated, and a reply. Free of aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from batch_emulator.rest.conditions import Conditions
from batch_emulator.rest.contract import Contract
from batch_emulator.rest.errors import refusal
from batch_emulator.rest.operations import Operation
from batch_emulator.rest.values import format_http_date
from batch_emulator.service.entities import Json

JSON_CONTENT_TYPE = "application/json; odata=minimalmetadata"


@dataclass(frozen=True)
class Call:
    """A request that passed authentication and validation.

    :param base_url: scheme, host and port as the client used them; links of the answer start with it.
    :param raw_path: as on the wire.
    :param parameters: path parameters, decoded.
    :param query: decoded; plain names spelled as the contract does.
    :param headers: names in lower case.
    :param body: in canonical form; empty when the operation takes none.
    """

    operation: Operation
    contract: Contract
    base_url: str
    raw_path: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    conditions: Conditions
    body: Json = field(default_factory=dict)

    def __getitem__(self, parameter: str) -> str:
        return self.parameters[parameter]

    def flag(self, name: str) -> bool:
        """A boolean query parameter; absent is false.

        :raises BatchError: ``InvalidQueryParameterValue``.
        """
        text = self.query.get(name, "false").lower()
        if text not in ("true", "false"):
            raise refusal(
                "InvalidQueryParameterValue",
                QueryParameterName=name,
                QueryParameterValue=text,
                Reason="It must be true or false.",
            )
        return text == "true"

    def url(self, *segments: str) -> str:
        """The URL of a resource of this account."""
        return "/".join((self.base_url, *(quote(segment, safe="") for segment in segments)))


@dataclass(frozen=True)
class Stream:
    """A body too large to hold: chunks and their total length in bytes."""

    chunks: AsyncIterator[bytes]
    length: int


@dataclass(frozen=True)
class Reply:
    """An answer; the status is the operation's."""

    body: Json | Stream | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def version_headers(etag: str, last_modified: datetime) -> dict[str, str]:
    """``ETag`` (the service leaves the quotes out) and ``Last-Modified``."""
    return {"ETag": etag, "Last-Modified": format_http_date(last_modified)}


def resource_headers(url: str, *, created: bool = False) -> dict[str, str]:
    """``DataServiceId``, and ``Location`` of what was created."""
    return {"DataServiceId": url} | ({"Location": url} if created else {})
