"""What management handlers get and give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from batch_emulator.rest.backend import Backend, LinkedStorage
from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.errors import refusal
from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import STORAGE_ACCOUNT_NOT_FOUND
from batch_emulator.service.errors import BatchError

T = TypeVar("T")
MAX_PAGE = 1000


@dataclass(frozen=True)
class ArmCall:
    """An authenticated request to the management plane.

    :param url: of the request, without query; links of the answer start with it.
    :param parameters: path parameters, decoded.
    :param headers: names in lower case.
    """

    url: str
    base_url: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: Json
    backend: Backend
    credentials: Credentials = field(repr=False)
    now: datetime

    def __getitem__(self, parameter: str) -> str:
        return self.parameters[parameter]

    @property
    def account_id(self) -> str:
        return self.backend.account.resource_id

    @property
    def storage(self) -> LinkedStorage:
        """The linked storage.

        :raises BatchError: ``StorageAccountNotFound`` when the account has none.
        """
        if self.backend.storage is None:
            raise BatchError(STORAGE_ACCOUNT_NOT_FOUND)
        return self.backend.storage

    def page(self, items: Iterable[T], key: Callable[[T], str], render: Callable[[T], Json]) -> Json:
        """A list, in pages of ``maxresults``.

        :param items: in ordinal order of their keys.
        """
        size, after = _page_size(self.query), self.query.get("$skiptoken", "")
        rest = [item for item in items if key(item) > after]
        body: Json = {"value": [render(item) for item in rest[:size]]}
        if len(rest) > size:
            version, token = self.query["api-version"], key(rest[size - 1])
            body["nextLink"] = f"{self.url}?api-version={version}&maxresults={size}&$skiptoken={token}"
        return body


@dataclass(frozen=True)
class ArmReply:
    """An answer of the management plane; the status is the operation's unless told otherwise."""

    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None


ArmHandler = Callable[[ArmCall], Awaitable[ArmReply]]


def properties_of(body: Json, known: Mapping[str, type]) -> Json:
    """The ``properties`` of a resource's body: only known names, of their types, nulls dropped.

    :raises BatchError: ``InvalidRequestBody``, ``UnsupportedProperty``, ``InvalidPropertyValue``.
    """
    properties: Any = body.get("properties") or {}
    if not isinstance(properties, dict):
        raise refusal("InvalidRequestBody", Reason="'properties' must be an object.")
    clean: Json = {}
    for name, value in properties.items():
        if name not in known:
            raise refusal("UnsupportedProperty", PropertyName=f"properties.{name}")
        if value is None:
            continue
        if not isinstance(value, known[name]):
            reason = f"It must be of type {known[name].__name__}."
            raise refusal("InvalidPropertyValue", PropertyName=f"properties.{name}", Reason=reason)
        clean[name] = value
    return clean


def _page_size(query: Mapping[str, str]) -> int:
    text = query.get("maxresults", str(MAX_PAGE))
    if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= MAX_PAGE:
        raise refusal(
            "OutOfRangeQueryParameterValue", QueryParameterName="maxresults", QueryParameterValue=text
        )
    return int(text)
