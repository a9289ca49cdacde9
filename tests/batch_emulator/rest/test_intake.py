"""From an HTTP request to a call: versions, query parameters, bodies, pages."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from batch_emulator.rest.exchange import Call
from batch_emulator.rest.intake import MAX_BODY_BYTES, RawRequest, take_in
from batch_emulator.rest.paging import render_page
from batch_emulator.rest.routing import Router
from batch_emulator.service.errors import BatchError

ROUTER = Router()
VERSION = "api-version=2025-06-01"


def call(method: str, path: str, query: str = VERSION, body: bytes = b"", **headers: str) -> Call:
    raw = RawRequest(method, "http://localhost:9999", path, query, headers)
    return take_in(raw, ROUTER).call(body)


def refused(*args: str, **kwargs: bytes) -> BatchError:
    with pytest.raises(BatchError) as caught:
        call(*args, **kwargs)  # type: ignore[arg-type]
    return caught.value


def test_a_call_has_what_handlers_need() -> None:
    made = call("GET", "/jobs/j%3A1", f"{VERSION}&$select=id&timeout=5")
    assert made.operation.name == "get_job"
    assert made["jobId"] == "j:1"
    assert made.query == {"api-version": "2025-06-01", "$select": "id", "timeOut": "5"}
    assert made.url("jobs", "a b") == "http://localhost:9999/jobs/a%20b"


@pytest.mark.parametrize(
    ("method", "path", "query", "status", "code"),
    [
        ("GET", "/jobs", "", 400, "MissingRequiredQueryParameter"),
        ("GET", "/jobs", "api-version=", 400, "MissingRequiredQueryParameter"),
        ("GET", "/jobs", "api-version=2010-01-01", 400, "UnsupportedRequestVersion"),
        ("GET", "/jobs", f"{VERSION}&color=red", 400, "UnsupportedQueryParameter"),
        ("GET", "/jobs/j", f"{VERSION}&$filter=x", 400, "UnsupportedQueryParameter"),
        ("GET", "/nowhere", VERSION, 400, "InvalidUri"),
        ("PUT", "/pools", VERSION, 405, "UnsupportedHttpVerb"),
    ],
)
def test_refusals(method: str, path: str, query: str, status: int, code: str) -> None:
    error = refused(method, path, query)
    assert (error.status, error.code) == (status, code)


def test_bodies() -> None:
    assert call("POST", "/jobs/j/disable", body=b'{"disableTasks": "Wait"}').body == {"disableTasks": "wait"}
    assert call("POST", "/jobs/j/terminate").body == {}
    assert refused("POST", "/jobs/j/disable").code == "InvalidRequestBody"
    assert refused("POST", "/jobs/j/enable", body=b"{}").code == "InvalidRequestBody"
    assert refused("POST", "/jobs", body=b" " * MAX_BODY_BYTES).code == "RequestBodyTooLarge"


def test_conditions_count_only_where_they_are_known() -> None:
    assert call("DELETE", "/jobs/j", **{"if-match": "0x1"}).conditions.name == "if-match"
    assert call("GET", "/pools/p/nodes/n", **{"if-match": "0x1"}).conditions.name is None


def page(query: str, ids: str) -> dict[str, object]:
    made = call("GET", "/jobs", f"{VERSION}&{query}")
    return render_page(made, "jobs", list(ids), lambda item: item, lambda item: {"id": item})


def test_pages_follow_each_other_by_literal_links() -> None:
    seen: list[str] = []
    query = "maxresults=2&$filter=state%20eq%20%27a%20b%27"
    for expected in ("ab", "cd", "e"):
        body = page(query, "abcde")
        assert [item["id"] for item in body["value"]] == list(expected)  # type: ignore[attr-defined]
        seen += expected
        link = str(body.get("odata.nextLink", ""))
        if link:
            address, _, query = link.partition("?")
            assert address == "http://localhost:9999/jobs"
            assert dict(parse_qsl(query))["$filter"] == "state eq 'a b'"
            query = query.replace(f"{VERSION}&", "")
    assert seen == list("abcde")
    assert not link


def test_what_was_removed_meanwhile_does_not_confuse_a_page() -> None:
    link = str(page("maxresults=2", "abcd")["odata.nextLink"])
    token = dict(parse_qsl(link))["$skiptoken"]
    assert page(f"$skiptoken={token}", "acd")["value"] == [{"id": "c"}, {"id": "d"}]


def test_a_full_last_page_has_no_link() -> None:
    assert "odata.nextLink" not in page("maxresults=2", "ab")
    assert page("maxresults=2", "")["value"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("maxresults=0", "OutOfRangeQueryParameterValue"),
        ("maxresults=1001", "OutOfRangeQueryParameterValue"),
        ("maxresults=99999999999999999999", "OutOfRangeQueryParameterValue"),
        ("maxresults=-1", "OutOfRangeQueryParameterValue"),
        ("maxresults=many", "InvalidQueryParameterValue"),
        ("$skiptoken=%C3%A9", "InvalidQueryParameterValue"),
        ("$skiptoken=%25", "InvalidQueryParameterValue"),
        ("$skiptoken=x", "InvalidQueryParameterValue"),
    ],
)
def test_page_sizes_and_tokens_are_checked(query: str, code: str) -> None:
    with pytest.raises(BatchError) as caught:
        page(query, "abc")
    assert caught.value.code == code
