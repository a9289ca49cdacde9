"""The Test button against a real server and a real storage account."""

from __future__ import annotations

import json
import socket
import time

import pytest

from airflow_batch_provider.hooks.batch import AzureBatchHook
from demo.stack.accounts import BatchAccount, StorageAccount

pytestmark = pytest.mark.slow
WRONG_KEY = "d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc="


def test_the_test_button_with_everything_right(batch_conn_id: str) -> None:
    works, text = AzureBatchHook(batch_conn_id).test_connection()
    assert works, text
    assert "storage account devstoreaccount1" in text


def test_the_test_button_through_airflows_connection(emulator: BatchAccount) -> None:
    """As the API server calls it: the connection finds the hook by its type."""
    from airflow.models.connection import Connection

    connection = Connection(
        conn_id="tried",
        conn_type="azurebatch",
        host=emulator.endpoint,
        login=emulator.name,
        password=WRONG_KEY,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_TRIED", connection.as_json())
        works, text = connection.test_connection()
    assert not works
    assert "403 AuthenticationFailed" in text
    assert "Likely cause: The key does not belong to the account" in text
    assert "Next step:" in text
    assert WRONG_KEY not in text


def test_the_test_button_with_a_wrong_storage_key(
    emulator: BatchAccount, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {
        "conn_type": "azurebatch",
        "host": emulator.endpoint,
        "login": emulator.name,
        "password": emulator.key,
        "extra": {"storage_connection_string": azurite.connection_string.replace(azurite.key, WRONG_KEY)},
    }
    monkeypatch.setenv("AIRFLOW_CONN_B", json.dumps(connection))
    works, text = AzureBatchHook("b").test_connection()
    assert not works
    assert "but storage does not" in text
    assert "AuthenticationFailed" in text or "AuthorizationFailure" in text


def test_the_test_button_does_not_wait_long_for_a_storage_that_is_down(
    emulator: BatchAccount, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{probe.getsockname()[1]}/acct"
    connection = {
        "conn_type": "azurebatch",
        "host": emulator.endpoint,
        "login": emulator.name,
        "password": emulator.key,
        "extra": {
            "storage_connection_string": f"AccountName=acct;AccountKey={azurite.key};BlobEndpoint={down}"
        },
    }
    monkeypatch.setenv("AIRFLOW_CONN_B", json.dumps(connection))
    started = time.monotonic()
    works, text = AzureBatchHook("b").test_connection()
    assert time.monotonic() - started < 14
    assert not works
    assert "but storage does not" in text
    assert "Nothing listens" in text


def test_the_test_button_with_an_azurite_in_place_of_batch_tells_it(
    azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = dict(part.split("=", 1) for part in azurite.connection_string.split(";") if part)["BlobEndpoint"]
    connection = {"conn_type": "azurebatch", "host": url, "login": "a", "password": azurite.key}
    monkeypatch.setenv("AIRFLOW_CONN_B", json.dumps(connection))
    works, text = AzureBatchHook("b").test_connection()
    assert not works
    assert "The URL leads to something else than the account a" in text
    assert "message above" not in text


async def test_the_async_client_reaches_the_account(batch_conn_id: str) -> None:
    async with AzureBatchHook(batch_conn_id).async_batch_client() as client:
        assert [pool async for pool in client.list_pools(filter="id eq 'none-of-this-name'")] == []


async def test_blobs_are_written_and_read_in_both_halves(batch_conn_id: str) -> None:
    storage = AzureBatchHook(batch_conn_id).storage()
    assert storage.ensure_container("hook-blobs")
    assert not storage.ensure_container("hook-blobs")
    url = storage.upload_blob("hook-blobs", "a/b c.txt", b"0123456789")
    assert url.endswith("/hook-blobs/a/b%20c.txt")
    assert storage.read_blob("hook-blobs", "a/b c.txt", 4) == b"0123"
    assert await storage.aread_blob("hook-blobs", "a/b c.txt", 100) == b"0123456789"
    assert storage.read_end("hook-blobs", "a/b c.txt", 4) == (b"6789", False)
    assert storage.read_end("hook-blobs", "a/b c.txt", 10) == (b"0123456789", True)
    storage.upload_blob("hook-blobs", "empty", b"")
    assert storage.read_end("hook-blobs", "empty", 10) == (b"", True)
    assert storage.read_blob("hook-blobs", "empty", 10) == b""
    assert await storage.aread_blob("hook-blobs", "empty", 10) == b""


def test_a_minted_sas_reads_its_blob_and_nothing_else(batch_conn_id: str) -> None:
    import urllib.error
    import urllib.request

    from airflow_batch_provider.spec.files import blob

    storage = AzureBatchHook(batch_conn_id).storage()
    storage.ensure_container("hook-sas")
    storage.upload_blob("hook-sas", "mine", b"mine")
    storage.upload_blob("hook-sas", "other", b"other")
    signed = storage.resource_file(blob("hook-sas/mine"), "mine")["httpUrl"]
    with urllib.request.urlopen(signed) as answer:
        assert answer.read() == b"mine"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(signed.replace("/mine?", "/other?"))
    assert caught.value.code == 403
    caught.value.close()
