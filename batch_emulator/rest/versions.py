"""Api-versions this server answers. What they are is told by the contracts and their history."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from batch_emulator.rest.assumptions import NO_VERSION_CODE
from batch_emulator.rest.contract import API_VERSIONS, Contract, load_contract
from batch_emulator.rest.contract.history import REVISIONS
from batch_emulator.rest.errors import refusal


def contract_for(query: Mapping[str, str]) -> Contract:
    """The contract that the request's ``api-version`` names.

    :raises BatchError: ``MissingRequiredQueryParameter``, ``UnsupportedRequestVersion``.
    """
    version = query.get("api-version")
    if not version:
        raise refusal(NO_VERSION_CODE, QueryParameterName="api-version")
    if version not in API_VERSIONS:
        known = ", ".join(API_VERSIONS)
        raise refusal(
            "UnsupportedRequestVersion",
            QueryParameterName="api-version",
            QueryParameterValue=version,
            Reason=f"This server speaks {known}.",
        )
    return load_contract(version)


def has_operation(version: str, name: str) -> bool:
    """Whether an api-version has an operation that some api-version has."""
    return name not in _lacking(version)[0]


def has_query(version: str, name: str) -> bool:
    """Whether an api-version has a query parameter that the newest one has."""
    return name not in _lacking(version)[1]


@lru_cache
def _lacking(version: str) -> tuple[frozenset[str], frozenset[str]]:
    index = API_VERSIONS.index(version)
    later, earlier = REVISIONS[:index], REVISIONS[index:]
    added = {name for revision in later for name in revision.added_operations}
    removed = {name for revision in earlier for name in revision.removed_operations}
    query = {name for revision in later for name in revision.added_query}
    return frozenset(added | removed), frozenset(query)
