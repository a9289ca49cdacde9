"""Values of query parameters that are more than text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from batch_emulator.rest.errors import refusal
from batch_emulator.rest.values import parse_time


def query_time(query: Mapping[str, str], name: str) -> datetime | None:
    """A time; ``None`` if absent.

    :raises BatchError: ``InvalidQueryParameterValue``.
    """
    text = query.get(name)
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise refusal(
            "InvalidQueryParameterValue",
            QueryParameterName=name,
            QueryParameterValue=text,
            Reason="It must be a time such as 2026-01-31T08:00:00Z.",
        ) from error
