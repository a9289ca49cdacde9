"""The management client: a token of our own to local http only, Entra tokens to everything else."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest

from airflow_batch_provider.client.connect.arm import management_client, mint_token
from airflow_batch_provider.client.connect.settings import BatchSettings, SettingsError

KEY = base64.b64encode(b"k" * 64).decode()


class Recorder(HTTPServer):
    """Records requests; answers with what a test sets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str]] = []
        self.redirect: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization", "")))
        self.send_response(302 if self.server.redirect else 200)
        if self.server.redirect:
            self.send_header("Location", self.server.redirect)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"properties": {"defaultVersion": "1"}}')

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settings(url: str) -> BatchSettings:
    return BatchSettings.from_connection("azurebatch", url, "acct", KEY, {})


def test_a_local_endpoint_gets_a_token_signed_with_the_account_key(recorder: Recorder) -> None:
    client = management_client(settings(recorder.url))
    assert client.application.get("local", "acct", "ffmpeg").default_version == "1"
    ((path, header),) = recorder.seen
    assert "/resourceGroups/local/providers/Microsoft.Batch/batchAccounts/acct/applications/ffmpeg" in path
    claims = jwt.decode(
        header.removeprefix("Bearer "),
        base64.b64decode(KEY),
        algorithms=["HS256"],
        audience="https://management.azure.com/",
        issuer="batch-emulator",
    )
    assert claims["exp"] - claims["iat"] == 3600
    assert KEY not in header


def test_the_token_does_not_follow_a_redirect_away_from_the_machine(recorder: Recorder) -> None:
    from azure.core.exceptions import ServiceRequestError

    recorder.redirect = "http://example.com/"
    client = management_client(settings(recorder.url))
    with pytest.raises(ServiceRequestError, match="local http"):
        client.application.get("local", "acct", "ffmpeg", retry_total=0)


def test_a_shared_key_connection_to_azure_uses_an_identity_for_arm() -> None:
    from azure.identity import DefaultAzureCredential

    real = BatchSettings.from_connection(
        "azurebatch", "https://acct.eu.batch.azure.com", None, KEY, {"subscription_id": "s"}
    )
    assert isinstance(management_client(real)._config.credential, DefaultAzureCredential)


def test_a_missing_subscription_is_an_error_that_says_so() -> None:
    real = BatchSettings.from_connection("azurebatch", "https://acct.eu.batch.azure.com", None, KEY, {})
    with pytest.raises(SettingsError, match="subscription_id"):
        management_client(real)


def test_a_token_is_made_for_the_time_it_is_given() -> None:
    token = mint_token("acct", KEY, now=1_000_000)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["iat"], claims["exp"], claims["sub"]) == (1_000_000, 1_003_600, "acct")
