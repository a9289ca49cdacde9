"""Storage accounts by connection string, URL and wasb connections."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.connect.identity import AuthMethod, Identity
from airflow_batch_provider.client.connect.secret import Secret
from airflow_batch_provider.client.connect.storage_settings import DEVELOPMENT_KEY, StorageSettings

KEY = "c3RvcmFnZS1rZXk="
AZURITE = (
    f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={DEVELOPMENT_KEY};"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)


def test_an_azurite_connection_string_keeps_its_path_style_urls() -> None:
    storage = StorageSettings.from_connection_string(AZURITE)
    assert storage.account_url == "http://127.0.0.1:10000/devstoreaccount1"
    assert storage.queue_endpoint == "http://127.0.0.1:10001/devstoreaccount1"
    assert storage.account_name == "devstoreaccount1"
    assert storage.account_key == Secret(DEVELOPMENT_KEY)


def test_development_storage_is_azurite_at_its_usual_ports() -> None:
    storage = StorageSettings.from_connection_string("UseDevelopmentStorage=true")
    assert storage == StorageSettings.from_connection_string(AZURITE)


def test_a_real_connection_string() -> None:
    storage = StorageSettings.from_connection_string(
        f"DefaultEndpointsProtocol=https;AccountName=store;AccountKey={KEY};EndpointSuffix=core.windows.net"
    )
    assert storage.account_url == "https://store.blob.core.windows.net"
    assert storage.queue_endpoint == "https://store.queue.core.windows.net"


def test_a_connection_string_with_a_sas() -> None:
    storage = StorageSettings.from_connection_string(
        "BlobEndpoint=https://store.blob.core.windows.net/;SharedAccessSignature=sv=2024&sig=abc%3D"
    )
    assert storage.account_name == "store"
    assert storage.sas_token == Secret("sv=2024&sig=abc%3D")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("hello", "Name=value"),
        ("AccountKey=x", "AccountName"),
        ("AccountName=store", "AccountKey"),
        ("BlobEndpoint=http://example.com;AccountName=a;AccountKey=topsecret", "plain http"),
    ],
)
def test_mistakes_in_connection_strings(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as caught:
        StorageSettings.from_connection_string(text)
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "url", "kind"),
    [
        ({"login": "store", "password": KEY}, "https://store.blob.core.windows.net", "key"),
        ({"host": "https://store.blob.core.windows.net/", "password": KEY}, None, "key"),
        ({"host": "store.blob.core.windows.net", "password": KEY}, None, "key"),
        ({"login": "store", "extra": {"shared_access_key": KEY}}, None, "key"),
        ({"login": "store", "extra": {"account_key": KEY}}, None, "key"),
        ({"login": "store", "extra": {"extra__wasb__sas_token": "?sv=1&sig=a"}}, None, "sas"),
        ({"extra": {"sas_token": "https://store.blob.core.windows.net/?sv=1&sig=a"}}, None, "sas"),
        ({"login": "store"}, None, AuthMethod.DEFAULT_CREDENTIAL),
        (
            {"host": "store", "login": "client", "password": "s3cret", "extra": {"tenant_id": "t"}},
            "https://store.blob.core.windows.net",
            AuthMethod.SERVICE_PRINCIPAL_SECRET,
        ),
        ({"extra": {"connection_string": AZURITE}}, "http://127.0.0.1:10000/devstoreaccount1", "key"),
    ],
)
def test_wasb_connections_as_the_official_provider_lays_them_out(
    fields: dict[str, Any], url: str | None, kind: object
) -> None:
    storage = StorageSettings.from_wasb(
        fields.get("host"), fields.get("login"), fields.get("password"), fields.get("extra", {})
    )
    assert storage.account_url == (url or "https://store.blob.core.windows.net")
    if kind == "key":
        assert storage.account_key is not None
    elif kind == "sas":
        assert storage.sas_token is not None
        assert not storage.sas_token.reveal().startswith("?")
    else:
        assert storage.identity is not None
        assert storage.identity.method is kind


def test_a_wasb_connection_that_names_no_account_says_so() -> None:
    with pytest.raises(ValueError, match="Host"):
        StorageSettings.from_wasb(None, None, None, {})


def test_a_token_is_not_sent_over_plain_http() -> None:
    with pytest.raises(ValueError, match="key as well"):
        StorageSettings.from_url(
            "http://127.0.0.1:10000/devstoreaccount1",
            key=None,
            identity=Identity(AuthMethod.DEFAULT_CREDENTIAL),
        )


def test_the_queue_endpoint_of_a_local_account_must_be_given() -> None:
    storage = StorageSettings.from_url("http://127.0.0.1:5/dev", key=Secret(KEY), identity=None)
    with pytest.raises(ValueError, match="QueueEndpoint"):
        _ = storage.queue_endpoint
