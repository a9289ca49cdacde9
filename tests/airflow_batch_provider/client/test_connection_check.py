"""What the Test button says when a service does not answer or refuses."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Iterator
from contextlib import nullcontext
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_batch_provider.client import connection_check
from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.connection_check import check_connection
from airflow_batch_provider.client.requests.service_errors import (
    error_code,
    error_text,
    explain_access,
    is_transient,
)

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)


def refusal(status: int, code: str, message: str = "No.", date: dt.datetime | None = NOW) -> Exception:
    """An error as azure-batch raises it."""
    from azure.core.exceptions import HttpResponseError

    headers = {"Date": format_datetime(date, usegmt=True)} if date else {}
    error = HttpResponseError(message)
    error.status_code = status
    error.response = SimpleNamespace(headers=headers)  # type: ignore[assignment]
    error.error = SimpleNamespace(code=code, details=[])  # type: ignore[assignment]
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal(403, "AuthenticationFailed"), ["key does not belong to the account acct", "Keys page"]),
        (refusal(401, "InvalidAuthenticationInfo"), ["Compare Login and Password"]),
        (refusal(403, "InsufficientAccountPermissions"), ["no role", "Batch Data Contributor"]),
        (refusal(403, "AuthorizationPermissionMismatch"), ["Storage Blob Data Contributor"]),
        (refusal(404, ""), ["leads to something else", "portal's overview"]),
        (refusal(400, ""), ["leads to something else", "portal's overview"]),
        (refusal(400, "UnsupportedRequestVersion"), ["API version", "--skipApiVersionCheck"]),
        (refusal(503, "ServerBusy"), ["busy", "Try again"]),
    ],
)
def test_refusals_are_explained_in_three_parts(error: Exception, words: list[str]) -> None:
    text = str(explain_access(error, "Azure Batch", "https://acct", "acct", now=NOW))
    for word in (*words, "Likely cause:", "Next step:"):
        assert word in text


def test_a_wrong_storage_key_is_looked_for_where_the_connection_keeps_it() -> None:
    text = str(explain_access(refusal(403, "AuthorizationFailure"), "Storage", "https://a", "a", now=NOW))
    assert "Compare Storage account key or Storage connection string of the connection" in text
    assert "Login" not in text


def test_a_wrong_clock_is_recognised_by_the_servers_date() -> None:
    error = refusal(403, "AuthenticationFailed", date=NOW - dt.timedelta(minutes=40))
    text = str(explain_access(error, "Azure Batch", "https://acct", "acct", now=NOW))
    assert "clock is off by 40 minutes" in text


def test_signatures_are_struck_out_of_messages() -> None:
    assert "abc" not in error_text(refusal(403, "X", "GET https://s/?sp=r&sig=abc%3D failed"))


def test_codes_are_read_from_either_kind_of_error() -> None:
    storage = SimpleNamespace(error_code="ContainerNotFound", error=None)
    assert error_code(storage) == "ContainerNotFound"  # type: ignore[arg-type]
    assert error_code(refusal(409, "PoolExists")) == "PoolExists"
    assert error_code(ValueError("x")) == ""


@pytest.mark.parametrize(("status", "passing"), [(429, True), (503, True), (403, False), (409, False)])
def test_what_may_pass_by_itself(status: int, passing: bool) -> None:
    assert is_transient(refusal(status, "X")) is passing


def settings(host: str, **extra: str) -> BatchSettings:
    return BatchSettings.from_connection("azurebatch", host, "acct", "a2V5a2V5", extra)


class Answering:
    """A Batch account without pools."""

    def list_pools(self, **options: Any) -> Answering:
        return self

    def by_page(self) -> Iterator[Any]:
        return iter([])


def test_a_misspelled_field_is_told_with_what_was_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_check, "open_batch_client", lambda *_, **__: nullcontext(Answering()))
    works, text = check_connection(settings("https://acct", storage_conection_string="AccountName=s"), None)
    assert works
    assert "'storage_conection_string' in the connection is ignored" in text
    assert "did you mean 'storage_connection_string'?" in text


def test_nothing_listening_is_told_apart_from_a_wrong_name() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    works, text = check_connection(settings(f"http://127.0.0.1:{port}"), None)
    assert not works
    assert "Nothing listens" in text
    works, text = check_connection(settings("http://no-such-host.localhost.internal"), None)
    assert not works
    assert "misspelled" in text
