from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
import pytest

from batch_emulator.arm.tokens import TokenRefusedError, check_token

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
PRIMARY, SECONDARY, OTHER = (base64.b64encode(letter * 64).decode() for letter in (b"p", b"s", b"o"))
CLAIMS: dict[str, Any] = {
    "iss": "batch-emulator",
    "aud": "https://management.azure.com/",
    "exp": NOW + timedelta(minutes=5),
}


def header(key: str = PRIMARY, algorithm: str = "HS256", **claims: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    secret = "" if algorithm == "none" else base64.b64decode(key)
    return "Bearer " + jwt.encode(claims, secret, algorithm=algorithm)


@pytest.mark.parametrize(
    "text",
    [
        header(),
        header(SECONDARY),
        header(aud="https://management.azure.com"),
        header().replace("Bearer", "bearer"),
    ],
)
def test_tokens_made_with_an_account_key_are_taken(text: str) -> None:
    check_token(text, (PRIMARY, SECONDARY), NOW)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no bearer token"),
        ("Bearer ", "no bearer token"),
        ("SharedKey a:b", "no bearer token"),
        ("Bearer nonsense", "not accepted"),
        (header(OTHER), "not signed with a key"),
        (header(algorithm="HS512"), "not accepted"),
        (header(algorithm="none"), "not accepted"),
        (header(exp=NOW), "expired"),
        (header(exp=None), "exp"),
        (header(iss="https://sts.windows.net/x"), "not accepted"),
        (header(aud="https://batch.core.windows.net/"), "not accepted"),
    ],
)
def test_other_tokens_are_refused_with_a_reason(text: str | None, reason: str) -> None:
    with pytest.raises(TokenRefusedError, match=reason) as caught:
        check_token(text, (PRIMARY, SECONDARY), NOW)
    assert (text or "-").split(" ")[-1] not in str(caught.value) or text == "Bearer "
