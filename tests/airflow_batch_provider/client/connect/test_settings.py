"""Parsing connections: every form that works, and the error for every mistake."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.connect.identity import AuthMethod
from airflow_batch_provider.client.connect.settings import PUBLIC_ARM, BatchSettings, SettingsError

URL = "https://acct.westeurope.batch.azure.com"
KEY = "c2VjcmV0LWtleS1vZi10aGUtYWNjb3VudA=="
IDENTITY = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nodes"
)


def parse(
    conn_type: str = "azurebatch",
    host: str | None = URL,
    login: str | None = None,
    password: str | None = None,
    port: int | None = None,
    **extra: Any,
) -> BatchSettings:
    return BatchSettings.from_connection(conn_type, host, login, password, extra, port=port)


def test_shared_key_with_the_account_name_taken_from_the_url() -> None:
    settings = parse(password=KEY)
    assert (settings.endpoint, settings.account_name) == (URL, "acct")
    assert settings.account_key is not None
    assert settings.account_key.reveal() == KEY
    assert settings.identity is None
    assert settings.arm_endpoint == PUBLIC_ARM


def test_no_key_means_the_default_credential() -> None:
    identity = parse().identity
    assert identity is not None
    assert identity.method is AuthMethod.DEFAULT_CREDENTIAL


@pytest.mark.parametrize(
    ("method", "extra"),
    [
        ("managed_identity", {}),
        ("managed_identity", {"client_id": "c"}),
        ("service_principal_secret", {"tenant_id": "t", "client_id": "c", "client_secret": "hush-hush"}),
        ("service_principal_certificate", {"tenant_id": "t", "client_id": "c", "certificate_path": "x.pem"}),
        ("workload_identity", {"tenant_id": "t", "client_id": "c", "federated_file": "f"}),
        ("default_credential", {}),
    ],
)
def test_every_token_method(method: str, extra: dict[str, str]) -> None:
    settings = parse(auth_method=method, **extra)
    assert settings.account_key is None
    assert settings.identity is not None
    assert settings.identity.method.value == method
    assert settings.identity.client_id == extra.get("client_id")


@pytest.mark.parametrize(
    ("typed", "port", "endpoint"),
    [
        ("https://acct.eu.batch.azure.com/", None, "https://acct.eu.batch.azure.com"),
        ("acct.eu.batch.azure.com", None, "https://acct.eu.batch.azure.com"),
        ("http://127.0.0.1:8400", None, "http://127.0.0.1:8400"),
        ("127.0.0.1", 8400, "http://127.0.0.1:8400"),
        ("http://batch-emulator:8400", None, "http://batch-emulator:8400"),
    ],
)
def test_account_urls_as_people_type_them(typed: str, port: int | None, endpoint: str) -> None:
    assert parse(host=typed, login="acct", password=KEY, port=port).endpoint == endpoint


def test_an_emulator_needs_neither_subscription_nor_management_endpoint() -> None:
    settings = parse(host="http://localhost:8400", login="dev", password=KEY)
    assert settings.arm_endpoint == "http://localhost:8400"
    assert settings.account_resource_id.endswith("/providers/Microsoft.Batch/batchAccounts/dev")


@pytest.mark.parametrize("prefix", ["", "extra__azure_batch__"])
def test_an_official_connection_with_a_key_works_unchanged(prefix: str) -> None:
    settings = parse("azure_batch", None, "acct", KEY, **{f"{prefix}account_url": URL, "tenantId": "t"})
    assert (settings.endpoint, settings.account_name) == (URL, "acct")
    assert settings.account_key is not None
    assert settings.warnings == ()


def test_an_official_connection_without_a_key_finds_the_same_identity() -> None:
    settings = parse(
        "azure_batch",
        None,
        account_url=URL,
        managed_identity_client_id="c",
        workload_identity_tenant_id="t",
    )
    assert settings.identity is not None
    assert settings.identity.method is AuthMethod.DEFAULT_CREDENTIAL
    assert (settings.identity.client_id, settings.identity.tenant_id) == ("c", "t")


def test_an_official_connection_with_a_name_but_no_key_uses_the_default_credential() -> None:
    assert parse("azure_batch", None, "acct", None, account_url=URL).identity is not None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": None}, ["account URL is missing", "Host", "https://<account>"]),
        ({"host": "ftp://x"}, ["cannot be used", "https://<account>"]),
        ({"host": "http://acct.eu.batch.azure.com", "password": KEY}, ["plain http", "emulator"]),
        ({"host": "https://example.com", "password": KEY}, ["account name is missing", "Login"]),
        ({"password": "not base64!"}, ["Password", "not base64"]),
        ({"auth_method": "shared_key"}, ["Password", "empty"]),
        ({"auth_method": "shared-key", "password": KEY}, ["auth_method", "Did you mean 'shared_key'"]),
        ({"auth_method": "service_principal_secret", "tenant_id": "t"}, ["client_id is missing"]),
        ({"host": "http://localhost:1", "login": "a"}, ["never sent over plain http"]),
        ({"node_identity_resource_id": "nodes"}, ["node_identity_resource_id", "userAssignedIdentities"]),
        ({"arm_endpoint": "http://example.com"}, ["arm_endpoint", "plain http"]),
        (
            {"storage_conn_id": "w", "storage_account_url": "https://s.blob.core.windows.net"},
            ["more than once", "storage_conn_id", "storage_account_url"],
        ),
        ({"storage_connection_string": "AccountName=s"}, ["storage_connection_string", "AccountKey"]),
        ({"storage_account_url": "https://example.com"}, ["storage_account_url", "blob endpoint"]),
    ],
)
def test_every_mistake_says_what_where_and_the_right_form(fields: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(**fields)
    for word in words:
        assert word in str(caught.value)
    assert "not base64!" not in str(caught.value)


def test_an_unknown_extra_is_a_warning_that_names_the_nearest() -> None:
    (warning,) = parse(password=KEY, tenat_id="t").warnings
    assert "'tenat_id'" in warning
    assert "'tenant_id'" in warning


def test_no_secret_shows_in_repr_or_str() -> None:
    settings = parse(
        auth_method="service_principal_secret",
        tenant_id="t",
        client_id="c",
        client_secret="hush-hush",
        storage_connection_string=f"AccountName=s;AccountKey={KEY}",
    )
    for text in (repr(settings), str(settings), f"{settings.identity} {settings.storage}"):
        assert "hush-hush" not in text
        assert KEY not in text
    assert settings.secrets() == ["hush-hush", KEY]


def test_a_missing_subscription_is_told_when_it_is_needed() -> None:
    with pytest.raises(SettingsError, match="subscription_id"):
        _ = parse(password=KEY).account_resource_id


def test_storage_by_url_uses_the_connections_identity_or_its_own_key() -> None:
    url = "https://store.blob.core.windows.net"
    by_identity = parse(auth_method="managed_identity", client_id="c", storage_account_url=url).storage
    assert by_identity is not None
    assert by_identity.identity is not None
    assert by_identity.identity.client_id == "c"
    by_key = parse(password=KEY, storage_account_url=url, storage_access_key=KEY).storage
    assert by_key is not None
    assert by_key.account_key is not None
    assert by_key.identity is None


def test_a_node_identity_is_taken_whole() -> None:
    assert parse(password=KEY, node_identity_resource_id=IDENTITY).node_identity == IDENTITY
