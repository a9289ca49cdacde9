"""Requests that the official client would not send, signed as it signs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests
from azure.batch._patch import BatchSharedKeyAuthPolicy
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest

from tests.protocol.server import Server

VERSION = "api-version=2025-06-01"
JSON_TYPE = {"Content-Type": "application/json; odata=minimalmetadata"}


@dataclass(frozen=True)
class Refusal:
    """What a refused request was answered."""

    status: int
    code: str
    values: dict[str, str]
    headers: dict[str, str]


def send(
    server: Server,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    key: str | None = None,
) -> requests.Response:
    """Send one request. The api-version is added to a path that has no query.

    :param body: bytes as they are, other things as JSON.
    """
    if "?" not in path:
        path = f"{path}?{VERSION}"
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    types = JSON_TYPE if data else {}
    request = HttpRequest(method, server.endpoint + path, headers={**types, **(headers or {})}, content=data)
    if data:
        request.headers["Content-Length"] = str(len(data))
    policy = BatchSharedKeyAuthPolicy(AzureNamedKeyCredential(server.account, key or server.key))
    policy.on_request(PipelineRequest(request, PipelineContext(None)))  # type: ignore[arg-type]
    return requests.request(method, request.url, data=data, headers=dict(request.headers), timeout=60)


def refusal_of(response: requests.Response) -> Refusal:
    """The error of an answer."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    if not response.content:
        return Refusal(response.status_code, "", {}, headers)
    body = response.json()
    values = {item["key"]: item["value"] for item in body.get("values", ())}
    return Refusal(response.status_code, body["code"], values, headers)
