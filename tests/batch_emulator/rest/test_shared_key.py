"""Signatures, against vectors that the official client itself makes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Any

import pytest
from azure.batch._patch import BatchSharedKeyAuthPolicy
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest

from batch_emulator.rest.shared_key import (
    SharedKeyHeader,
    SignedParts,
    is_signed_with,
    parse_header,
    strings_to_sign,
)

ACCOUNT = "acct"
KEY = base64.b64encode(b"k" * 64).decode()
OTHER_KEY = base64.b64encode(b"o" * 64).decode()


def parts_of(request: HttpRequest) -> SignedParts:
    _, _, rest = request.url.partition("://")
    path, _, query = rest[rest.index("/") :].partition("?")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return SignedParts(request.method, headers, path, query)


def signed_by_client(method: str, path: str, **kwargs: Any) -> SignedParts:
    request = HttpRequest(method, f"http://127.0.0.1:8080{path}", **kwargs)
    policy = BatchSharedKeyAuthPolicy(AzureNamedKeyCredential(ACCOUNT, KEY))
    policy.on_request(PipelineRequest(request, PipelineContext(None)))  # type: ignore[arg-type]
    return parts_of(request)


CONTENT_TYPE = {"content-type": "application/json; odata=minimalmetadata"}
REQUESTS = {
    "list": ("GET", "/jobs?api-version=2025-06-01&maxresults=5", {}),
    "filter": (
        "GET",
        "/jobs",
        {"params": {"$filter": "state eq 'active' and id ne 'it''s'", "api-version": "1"}},
    ),
    "upper-case query name": ("GET", "/jobs?timeOut=30&startTime=x&api-version=1", {}),
    "blank query value": ("GET", "/jobs?api-version=1&$select=", {}),
    "plus in query": ("GET", "/jobs?api-version=1&$filter=id+eq+'a'", {}),
    "encoded file path": ("GET", "/jobs/j/tasks/t/files/wd%2Fa%20b.txt?api-version=1", {}),
    "range": ("GET", "/jobs/j/tasks/t/files/f?api-version=1", {"headers": {"ocp-range": "bytes=0-9"}}),
    "head": (
        "HEAD",
        "/pools/p?api-version=1",
        {"headers": {"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"}},
    ),
    "post body": ("POST", "/jobs?api-version=1", {"json": {"id": "a"}, "headers": CONTENT_TYPE}),
    "post empty": ("POST", "/jobs/a/enable?api-version=1", {"headers": {"If-Match": '"0x1"'}}),
    "patch": ("PATCH", "/jobs/a?api-version=1", {"json": {}, "headers": CONTENT_TYPE}),
    "put": ("PUT", "/jobs/a?api-version=1", {"json": {}, "headers": CONTENT_TYPE}),
    "delete": ("DELETE", "/jobs/a%3Ab?api-version=1&force=true", {"headers": {"If-None-Match": "*"}}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_what_the_client_signs_is_accepted(name: str) -> None:
    method, path, kwargs = REQUESTS[name]
    parts = signed_by_client(method, path, **kwargs)
    header = parse_header(parts.headers["authorization"])
    assert header.account == ACCOUNT
    assert is_signed_with(parts, header, [KEY])
    assert is_signed_with(parts, header, [OTHER_KEY, KEY])
    assert not is_signed_with(parts, header, [OTHER_KEY])


@pytest.mark.parametrize(
    "change",
    [
        {"method": "DELETE"},
        {"path": "/jobs/b/enable"},
        {"query": "api-version=2"},
        {"headers": {"ocp-date": "Mon, 01 Jan 2024 00:00:00 GMT"}},
    ],
)
def test_a_changed_request_is_not_accepted(change: dict[str, Any]) -> None:
    parts = signed_by_client("POST", "/jobs/a/enable?api-version=1")
    header = parse_header(parts.headers["authorization"])
    fields = {"method": parts.method, "headers": parts.headers, "path": parts.path, "query": parts.query}
    assert not is_signed_with(SignedParts(**(fields | change)), header, [KEY])


def signed_text(text: str) -> SharedKeyHeader:
    digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
    return SharedKeyHeader(ACCOUNT, base64.b64encode(digest).decode())


def test_a_javascript_client_signs_lower_case_names_and_no_length() -> None:
    parts = SignedParts("DELETE", {"ocp-date": "D"}, "/pools/p", "timeOut=30&api-version=1")
    text = "DELETE\n\n\n\n\n\n\n\n\n\n\n\nocp-date:D\n/acct/pools/p\napi-version:1\ntimeout:30"
    assert is_signed_with(parts, signed_text(text), [KEY])


def test_what_an_http_library_decodes_on_the_way_does_not_matter() -> None:
    parts = signed_by_client("GET", "/jobs/plan%3Ajob-1/tasks/t/files/wd%2Fa%281%29.txt?api-version=1")
    sent = replace(parts, path="/jobs/plan:job-1/tasks/t/files/wd%2Fa(1).txt")
    assert is_signed_with(sent, parse_header(parts.headers["authorization"]), [KEY])
    other = replace(parts, path="/jobs/plan:job-2/tasks/t/files/wd%2Fa(1).txt")
    assert not is_signed_with(other, parse_header(parts.headers["authorization"]), [KEY])


def test_the_usual_text_comes_first() -> None:
    parts = SignedParts("POST", {"ocp-date": "D"}, "/pools/p/stopresize", "api-version=1")
    first, second = strings_to_sign(parts, ACCOUNT)
    assert first == "POST\n\n\n0\n\n\n\n\n\n\n\n\nocp-date:D\n/acct/pools/p/stopresize\napi-version:1"
    assert second == first.replace("\n0\n", "\n\n")


@pytest.mark.parametrize(
    "text",
    ["", "Bearer x", "SharedKey", "SharedKey acct", "SharedKey :sig=", "SharedKey acct:", "SharedKey a:%%%"],
)
def test_a_malformed_header_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"form|base64"):
        parse_header(text)


def test_signatures_stay_out_of_texts() -> None:
    parts = signed_by_client("GET", "/jobs?api-version=1&sig=geheim")
    header = parse_header(parts.headers["authorization"])
    assert header.signature not in repr(header)
    assert header.signature not in repr(parts)
    assert "geheim" not in repr(parts)
