"""From the pieces of an HTTP request to a :class:`Call`, or a refusal. Pure: no socket, no aiohttp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from batch_emulator.rest.conditions import Conditions, parse_conditions
from batch_emulator.rest.contract import Contract
from batch_emulator.rest.errors import refusal
from batch_emulator.rest.exchange import Call
from batch_emulator.rest.older_requests import modernised
from batch_emulator.rest.operations import COMMON_QUERY, Operation
from batch_emulator.rest.routing import Match, Router
from batch_emulator.rest.shared_key import SignedParts
from batch_emulator.rest.validation import parse_json, validate_body
from batch_emulator.rest.versions import contract_for, has_operation, has_query
from batch_emulator.service.entities import Json

MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True)
class RawRequest:
    """An HTTP request as it came, body aside.

    :param base_url: scheme, host and port as the client used them.
    :param raw_path: percent-encoded, without query.
    :param headers: names in lower case.
    """

    method: str
    base_url: str
    raw_path: str
    raw_query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def signed_parts(self) -> SignedParts:
        return SignedParts(self.method, self.headers, self.raw_path, self.raw_query)

    @property
    def query(self) -> dict[str, str]:
        """Decoded; of a repeated name the first value counts, blank values are as good as absent."""
        first: dict[str, str] = {}
        for name, value in parse_qsl(self.raw_query):
            first.setdefault(name, value)
        return first


@dataclass(frozen=True)
class Intake:
    """A request that is understood, but for its body."""

    raw: RawRequest
    contract: Contract
    match: Match
    query: Mapping[str, str]
    conditions: Conditions

    def call(self, raw_body: bytes) -> Call:
        """The whole request.

        :raises BatchError: when the body is not what the operation takes.
        """
        body = _body(self.match.operation, raw_body, self.contract)
        return Call(
            operation=self.match.operation,
            contract=self.contract,
            base_url=self.raw.base_url,
            raw_path=self.raw.raw_path,
            parameters=self.match.parameters,
            query=self.query,
            headers=self.raw.headers,
            conditions=self.conditions,
            body=body,
        )


def take_in(raw: RawRequest, router: Router) -> Intake:
    """Understand an authenticated request: version, operation, query, conditions.

    :raises BatchError: naming what is wrong.
    """
    if raw.base_url.endswith("/"):
        raise refusal("InvalidHeaderValue", HeaderName="Host", Reason="It names no host.")
    contract = contract_for(raw.query)
    match = router.match(raw.method, raw.raw_path)
    operation = match.operation
    if not has_operation(contract.version, operation.name):
        raise refusal("InvalidUri", Reason=f"Api-version {contract.version} does not have it.")
    headers = raw.headers if operation.conditional else {}
    conditions = parse_conditions(headers, is_read=operation.is_read)
    return Intake(raw, contract, match, _known_query(raw.query, operation, contract.version), conditions)


def _known_query(query: Mapping[str, str], operation: Operation, version: str) -> dict[str, str]:
    spelling = _spelling(operation)
    known: dict[str, str] = {}
    for name, value in query.items():
        if name.lower() not in spelling or not has_query(version, spelling[name.lower()]):
            raise refusal("UnsupportedQueryParameter", QueryParameterName=name, QueryParameterValue=value)
        known[spelling[name.lower()]] = value
    return known


@lru_cache(maxsize=256)
def _spelling(operation: Operation) -> dict[str, str]:
    return {name.lower(): name for name in operation.query | COMMON_QUERY}


def _body(operation: Operation, raw_body: bytes, contract: Contract) -> Json:
    if len(raw_body) >= MAX_BODY_BYTES:
        raise refusal("RequestBodyTooLarge", MaxLimit=str(MAX_BODY_BYTES))
    if operation.body is None:
        if raw_body.strip():
            raise refusal("InvalidRequestBody", Reason="This operation takes no body.")
        return {}
    if not raw_body.strip():
        if operation.body_optional:
            return {}
        raise refusal("InvalidRequestBody", Reason="The body is missing.")
    parsed: Any = parse_json(raw_body)
    return modernised(validate_body(parsed, operation.body, contract), operation.body, contract)
