"""The hook: one connection, read once, in both halves alike; secrets masked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_batch_provider.airflow_exceptions import AirflowNotFoundException
from airflow_batch_provider.client.connect.settings import SettingsError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import blob
from tests.airflow_batch_provider.airflow_versions import without_other_connections

KEY = "YS1rZXktb2YtYmF0Y2gtZm9yLXRlc3Rz"
STORAGE_KEY = "YS1rZXktb2Ytc3RvcmFnZS1mb3ItdGVzdHM="


def connect(monkeypatch: pytest.MonkeyPatch, name: str = "b", **fields: Any) -> AzureBatchHook:
    connection = {
        "conn_type": "azurebatch",
        "host": "https://acct.eu.batch.azure.com",
        "password": KEY,
        **fields,
    }
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
    return AzureBatchHook(name)


def masked(text: str) -> str:
    from airflow.sdk._shared.secrets_masker import redact

    return str(redact(text))


async def test_both_halves_read_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connect(
        monkeypatch, extra={"storage_connection_string": f"AccountName=s;AccountKey={STORAGE_KEY}"}
    )
    assert await AzureBatchHook("b").aget_settings() == hook.settings


def test_storage_comes_from_the_wasb_connection_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_W", json.dumps({"conn_type": "wasb", "login": "store", "password": STORAGE_KEY})
    )
    hook = connect(monkeypatch, extra={"storage_conn_id": "w"})
    assert hook.storage().blob_url("out", "a") == "https://store.blob.core.windows.net/out/a"


def test_an_official_connection_works_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connect(
        monkeypatch,
        conn_type="azure_batch",
        host=None,
        login="acct",
        extra={"account_url": "https://acct.eu.batch.azure.com", "tenantId": "t"},
    )
    assert hook.settings.endpoint == "https://acct.eu.batch.azure.com"
    assert hook.batch_client() is hook.get_conn()


def test_keys_and_minted_signatures_are_masked_in_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connect(
        monkeypatch, extra={"storage_connection_string": f"AccountName=s;AccountKey={STORAGE_KEY}"}
    )
    url = hook.storage().resource_file(blob("data/a"), "a")["httpUrl"]
    signature = url.partition("sig=")[2].partition("&")[0]
    shown = masked(f"{KEY} and {STORAGE_KEY} and {url}")
    for secret in (KEY, STORAGE_KEY, signature):
        assert secret not in shown


def test_an_error_names_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connect(monkeypatch, host="https://example.com")
    with pytest.raises(SettingsError, match=r"'b'.*Login") as caught:
        _ = hook.settings
    assert hook.test_connection() == (False, str(caught.value))


def test_an_extra_that_is_no_json_is_an_error_and_not_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connect(monkeypatch, extra="{'storage_conn_id': 'w'}")
    works, text = hook.test_connection()
    assert not works
    assert "connection 'b': The connection's extra is not a JSON object" in text


def test_a_named_storage_connection_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_W", json.dumps({"conn_type": "wasb"}))
    with pytest.raises(SettingsError, match=r"'w'.*storage_conn_id"):
        _ = connect(monkeypatch, extra={"storage_conn_id": "w"}).settings


async def test_a_named_storage_connection_that_is_not_there_is_told_with_the_field_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_other_connections(monkeypatch)
    hook = connect(monkeypatch, extra={"storage_conn_id": "no_such"})
    with pytest.raises(SettingsError, match=r"'b' names 'no_such' in its extra field storage_conn_id"):
        _ = hook.settings
    with pytest.raises(SettingsError, match=r"'b' names 'no_such' in its extra field storage_conn_id"):
        await hook.aget_settings()
    works, text = hook.test_connection()
    assert (works, "storage_conn_id" in text) == (False, True)


@pytest.mark.parametrize("odd", [None, "", " ", 5, []])
def test_the_id_of_a_connection_is_a_text(odd: Any) -> None:
    with pytest.raises(SpecError, match=r"conn_id is .* Give the id of an Airflow connection: conn_id='...'"):
        AzureBatchHook(odd)


async def test_a_connection_that_is_not_there_is_told_with_how_to_add_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_other_connections(monkeypatch)
    hook = AzureBatchHook("no_such")
    told = (
        r"(?s)Airflow has no connection 'no_such'.*conn_id.*"
        r"airflow connections add no_such --conn-type azurebatch --conn-host https://.*AIRFLOW_CONN_NO_SUCH"
    )
    with pytest.raises(AirflowNotFoundException, match=told):
        _ = hook.settings
    with pytest.raises(AirflowNotFoundException, match=told):
        await hook.aget_settings()


def test_the_url_of_a_storage_account_is_no_batch_account(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"one of Azure Storage.*storage_account_url"):
        _ = connect(monkeypatch, host="https://acct.blob.core.windows.net").settings


def test_without_a_storage_account_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="storage_conn_id"):
        connect(monkeypatch).storage()


def test_a_misspelt_extra_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hook = connect(monkeypatch, extra={"tenat_id": "t"})
    assert hook.settings.warnings
    assert "did you mean 'tenant_id'" in hook.settings.warnings[0]


async def test_the_async_client_is_open_for_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connect(monkeypatch).async_batch_client(retry_total=0) as client:
        assert ".aio." in type(client).__module__
