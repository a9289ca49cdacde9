from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from batch_emulator.rest.authentication import Caller, authenticate
from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.shared_key import SignedParts, sign, strings_to_sign
from batch_emulator.rest.tokens import DATA_PLANE, decoded, issue_task_token, issue_token
from batch_emulator.rest.values import format_http_date
from batch_emulator.service.errors import BatchError

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=timezone.utc)
CREDENTIALS = Credentials("acct", *(base64.b64encode(letter * 64).decode() for letter in (b"p", b"s")))


def signed(
    key: str = CREDENTIALS.primary_key, account: str = "acct", age: timedelta = timedelta(), **headers: str
) -> SignedParts:
    date = {"ocp-date": format_http_date(NOW - age)}
    parts = SignedParts("GET", date | headers, "/jobs", "api-version=1")
    text = next(strings_to_sign(parts, account))
    authorization = {"authorization": f"SharedKey {account}:{sign(key, text)}"}
    return SignedParts("GET", {**parts.headers, **authorization, **headers}, "/jobs", "api-version=1")


@pytest.mark.parametrize("key", CREDENTIALS.keys)
def test_both_keys_are_valid(key: str) -> None:
    authenticate(signed(key), {}, CREDENTIALS, NOW)


def refused(parts: SignedParts) -> BatchError:
    with pytest.raises(BatchError) as caught:
        authenticate(parts, {}, CREDENTIALS, NOW)
    return caught.value


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        (SignedParts("GET", {}, "/jobs", ""), 401, "InvalidAuthenticationInfo"),
        (signed(authorization="Bearer token"), 401, "InvalidAuthenticationInfo"),
        (signed(authorization="SharedKey nonsense"), 400, "InvalidAuthenticationInfo"),
        (signed("d3Jvbmc="), 403, "AuthenticationFailed"),
        (signed(account="other"), 403, "AuthenticationFailed"),
        (signed(age=timedelta(minutes=16)), 403, "AuthenticationFailed"),
        (signed(age=timedelta(minutes=-16)), 403, "AuthenticationFailed"),
        (signed(**{"ocp-date": "yesterday"}), 400, "InvalidHeaderValue"),
        (signed(**{"ocp-date": ""}), 403, "AuthenticationFailed"),
    ],
)
def test_refusals(parts: SignedParts, status: int, code: str) -> None:
    error = refused(parts)
    assert (error.status, error.code) == (status, code)


@pytest.mark.parametrize("age", [timedelta(minutes=14), timedelta(minutes=-14)])
def test_clocks_may_differ_a_little(age: timedelta) -> None:
    authenticate(signed(age=age), {}, CREDENTIALS, NOW)


def test_the_date_may_be_in_the_query() -> None:
    date = format_http_date(NOW)
    query: dict[str, Any] = {"ocp-date": date}
    parts = SignedParts("GET", {}, "/jobs", "ocp-date=" + date.replace(" ", "%20"))
    text = next(strings_to_sign(parts, "acct"))
    header = {"authorization": f"SharedKey acct:{sign(CREDENTIALS.primary_key, text)}"}
    authenticate(SignedParts("GET", header, parts.path, parts.query), query, CREDENTIALS, NOW)


def test_keys_stay_out_of_texts() -> None:
    assert CREDENTIALS.primary_key not in repr(CREDENTIALS)
    error = refused(signed("d3Jvbmc="))
    assert CREDENTIALS.primary_key not in f"{error} {error.values}"


def bearer(credentials: Credentials, token: str) -> Caller:
    return authenticate(
        SignedParts("GET", {"authorization": f"Bearer {token}"}, "/jobs", ""), {}, credentials, NOW
    )


def test_a_token_made_with_the_key_gives_access_to_the_account() -> None:
    token = issue_token(decoded(CREDENTIALS.primary_key), DATA_PLANE, NOW, timedelta(minutes=1))
    bearer(CREDENTIALS, token).check_access({"poolId": "any"})


def test_the_token_of_a_task_gives_access_to_its_job_only() -> None:
    caller = bearer(CREDENTIALS, issue_task_token(CREDENTIALS.node_key, "Job-1", NOW))
    caller.check_access({"jobId": "job-1", "taskId": "t"})
    for parameters in ({"jobId": "job-2"}, {"poolId": "job-1"}, {}):
        with pytest.raises(BatchError) as caught:
            caller.check_access(parameters)
        assert (caught.value.status, caught.value.code) == (403, "InsufficientAccountPermissions")
