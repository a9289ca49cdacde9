from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
import pytest

from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.tokens import (
    DATA_PLANE,
    MANAGEMENT_PLANE,
    Plane,
    TokenRefusedError,
    bearer_token,
    decoded,
    issue_task_token,
    issue_token,
)

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
PRIMARY, SECONDARY, OTHER = (base64.b64encode(letter * 64).decode() for letter in (b"p", b"s", b"o"))
PLANES = {"data": DATA_PLANE, "management": MANAGEMENT_PLANE}
DIRECTORY = "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/"


def token(key: str = PRIMARY, algorithm: str = "HS256", **claims: Any) -> str:
    usual = {
        "iss": "batch-emulator",
        "aud": "https://batch.core.windows.net/",
        "exp": NOW + timedelta(minutes=5),
    }
    given = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(given, "" if algorithm == "none" else base64.b64decode(key), algorithm=algorithm)


def check(text: str, plane: Plane = DATA_PLANE, *, oauth: bool = False) -> str | None:
    credentials = Credentials("acct", PRIMARY, SECONDARY, trusts_directories=oauth)
    return credentials.check_token(text, plane, NOW)


@pytest.mark.parametrize("oauth", [False, True])
@pytest.mark.parametrize(
    "text", [token(), token(SECONDARY), token(aud="https://batch.core.windows.net"), token(nbf=NOW)]
)
def test_tokens_made_with_an_account_key_are_taken(text: str, oauth: bool) -> None:
    assert check(text, oauth=oauth) is None


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("other", PLANES)
def test_a_token_is_good_for_its_own_plane_only(plane: str, other: str) -> None:
    text = issue_token(decoded(PRIMARY), PLANES[plane], NOW, timedelta(minutes=1))
    if plane == other:
        assert check(text, PLANES[other]) is None
    else:
        with pytest.raises(TokenRefusedError, match="not accepted"):
            check(text, PLANES[other])


REFUSED = [
    ("nonsense", "not accepted"),
    (token(OTHER), "not signed with a key"),
    (token(algorithm="HS512"), "not accepted"),
    (token(algorithm="none"), "not accepted"),
    (token(exp=NOW), "expired"),
    (token(exp=10**20), "expired"),
    (token(exp=None), "exp"),
    (token(nbf=NOW + timedelta(seconds=1)), "not valid yet"),
    (token(job=7), "job"),
]


@pytest.mark.parametrize("oauth", [False, True])
@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_other_tokens_are_refused_with_a_reason(text: str, reason: str, oauth: bool) -> None:
    with pytest.raises(TokenRefusedError, match=reason) as caught:
        check(text, oauth=oauth)
    assert text not in str(caught.value)


def test_tokens_of_a_directory_need_the_declared_mode() -> None:
    text = token(OTHER, iss=DIRECTORY)
    with pytest.raises(TokenRefusedError, match="not signed with a key"):
        check(text)
    assert check(text, oauth=True) is None


def test_a_directory_cannot_limit_a_token_to_a_job() -> None:
    assert check(token(OTHER, iss=DIRECTORY, job="one"), oauth=True) is None


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://storage.azure.com/"}, "audience"),
        ({"aud": ["https://batch.core.windows.net/"]}, "audience"),
        ({"exp": NOW}, "expired"),
        ({"exp": None}, "expired"),
        ({"nbf": NOW + timedelta(minutes=1)}, "not valid yet"),
        ({"iss": "https://sts.example/"}, "not signed with a key"),
        ({"iss": "https://sts.windows.net.example/"}, "not signed with a key"),
    ],
)
def test_tokens_of_a_directory_are_looked_at(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(TokenRefusedError, match=reason):
        check(token(OTHER, **({"iss": DIRECTORY} | claims)), oauth=True)


@pytest.mark.parametrize("header", [None, "", "Bearer ", "SharedKey a:b"])
def test_a_header_without_a_token(header: str | None) -> None:
    with pytest.raises(TokenRefusedError, match="no bearer token"):
        bearer_token(header)


def test_the_scheme_has_no_case() -> None:
    assert bearer_token("bEARER abc") == "abc"


def test_a_tasks_token_is_good_for_its_job_and_survives_a_new_account_key() -> None:
    credentials = Credentials("acct", PRIMARY, SECONDARY)
    text = issue_task_token(credentials.node_key, "job-1", NOW)
    credentials.regenerate("Primary")
    credentials.regenerate("Secondary")
    assert credentials.check_token(text, DATA_PLANE, NOW) == "job-1"
    with pytest.raises(TokenRefusedError):
        Credentials("acct", PRIMARY, SECONDARY).check_token(text, DATA_PLANE, NOW)


class Store:
    def __init__(self) -> None:
        self.saved: list[tuple[str, str]] = []

    def save(self, primary_key: str, secondary_key: str) -> None:
        self.saved.append((primary_key, secondary_key))


def test_a_regenerated_key_is_stored_and_takes_effect_at_once() -> None:
    store = Store()
    credentials = Credentials("acct", PRIMARY, SECONDARY, store=store)
    credentials.regenerate("Secondary")
    assert credentials.primary_key == PRIMARY
    assert credentials.secondary_key not in (PRIMARY, SECONDARY)
    assert len(base64.b64decode(credentials.secondary_key, validate=True)) == 64
    assert store.saved == [credentials.keys]
    assert check_of(credentials, credentials.secondary_key) is None
    with pytest.raises(TokenRefusedError):
        check_of(credentials, SECONDARY)


def check_of(credentials: Credentials, key: str) -> str | None:
    return credentials.check_token(token(key), DATA_PLANE, NOW)


def test_a_key_that_cannot_be_stored_does_not_change() -> None:
    class Full:
        def save(self, primary_key: str, secondary_key: str) -> None:
            raise OSError("disk full")

    credentials = Credentials("acct", PRIMARY, SECONDARY, store=Full())
    with pytest.raises(OSError, match="disk full"):
        credentials.regenerate("Primary")
    assert credentials.keys == (PRIMARY, SECONDARY)
