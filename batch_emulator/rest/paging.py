"""Lists in pages. The token in a next link is the key of the last entity shown, so that a page is never
confused by what was added or removed meanwhile.

Source: the published client: it follows ``odata.nextLink`` literally, so the link names the scheme, host and
port that the client used and repeats the whole query.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar
from urllib.parse import quote

from batch_emulator.rest.assumptions import MAX_PAGE
from batch_emulator.rest.errors import refusal
from batch_emulator.rest.exchange import Call
from batch_emulator.service.entities import Json

T = TypeVar("T")


def page_size(query: Mapping[str, str]) -> int:
    """``maxresults``, by default and at most 1000.

    :raises BatchError: ``InvalidQueryParameterValue``, ``OutOfRangeQueryParameterValue``.
    """
    text = query.get("maxresults")
    if text is None:
        return MAX_PAGE
    values = {"QueryParameterName": "maxresults", "QueryParameterValue": text}
    if not text.removeprefix("-").isdecimal():
        raise refusal("InvalidQueryParameterValue", **values, Reason="It must be an integer.")
    if len(text) > 9 or not 1 <= int(text) <= MAX_PAGE:
        raise refusal(
            "OutOfRangeQueryParameterValue", **values, MinimumAllowed="1", MaximumAllowed=str(MAX_PAGE)
        )
    return int(text)


def start_after(query: Mapping[str, str]) -> str | None:
    """The key of the last entity of the previous page.

    :raises BatchError: ``InvalidQueryParameterValue`` for a token that this server did not make.
    """
    token = query.get("$skiptoken")
    if token is None:
        return None
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise refusal(
            "InvalidQueryParameterValue", QueryParameterName="$skiptoken", QueryParameterValue=token
        ) from error


def render_page(
    call: Call,
    metadata: str,
    items: Iterable[T],
    key: Callable[[T], str],
    render: Callable[[T], Json],
    matches: Callable[[T], bool] | None = None,
) -> Json:
    """One page of a list.

    :param metadata: the fragment of ``odata.metadata``, such as ``pools``.
    :param items: in the order of their keys.
    :param key: unique, and ordinally ascending over the items.
    :param matches: the list's filter.
    """
    size, after = page_size(call.query), start_after(call.query)
    page: list[Json] = []
    body: Json = {"odata.metadata": f"{call.base_url}/$metadata#{metadata}", "value": page}
    last_key = ""
    for item in items:
        if (after is not None and key(item) <= after) or (matches is not None and not matches(item)):
            continue
        if len(page) == size:
            body["odata.nextLink"] = next_link(call, last_key)
            break
        page.append(render(item))
        last_key = key(item)
    return body


def next_link(call: Call, last_key: str) -> str:
    """The URL of the page that follows the entity with this key."""
    token = base64.urlsafe_b64encode(last_key.encode()).decode().rstrip("=")
    query = {name: value for name, value in call.query.items() if name != "ocp-date"} | {"$skiptoken": token}
    pairs = (f"{quote(name, safe='$-')}={quote(value, safe='')}" for name, value in query.items())
    return f"{call.base_url}{call.raw_path}?{'&'.join(pairs)}"
