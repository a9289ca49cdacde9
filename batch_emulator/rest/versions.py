"""Api-versions this server answers. A further one is a further row, with the contract that it speaks."""

from __future__ import annotations

from collections.abc import Mapping

from batch_emulator.rest.contract import Contract, load_contract
from batch_emulator.rest.errors import refusal

CURRENT_VERSION = "2025-06-01"
CONTRACT_OF_VERSION = {CURRENT_VERSION: CURRENT_VERSION}


def contract_for(query: Mapping[str, str]) -> Contract:
    """The contract that the request's ``api-version`` names.

    :raises BatchError: ``MissingRequiredQueryParameter``, ``UnsupportedRequestVersion``.
    """
    version = query.get("api-version")
    if not version:
        raise refusal("MissingRequiredQueryParameter", QueryParameterName="api-version")
    if version not in CONTRACT_OF_VERSION:
        known = ", ".join(CONTRACT_OF_VERSION)
        raise refusal(
            "UnsupportedRequestVersion",
            QueryParameterName="api-version",
            QueryParameterValue=version,
            Reason=f"This server speaks {known}.",
        )
    return load_contract(CONTRACT_OF_VERSION[version])
