"""What nodes are given to reach storage: an identity first, else a short-lived SAS that the masker knows."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from airflow_batch_provider.client.connect.identity import AuthMethod, Identity
from airflow_batch_provider.client.connect.secret import Secret
from airflow_batch_provider.client.connect.storage_settings import StorageSettings
from airflow_batch_provider.client.files.sas import SasMint
from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.spec.file_access import FileAccess
from airflow_batch_provider.spec.files import blob

AZURITE = StorageSettings.from_connection_string("UseDevelopmentStorage=true")
REAL = StorageSettings.from_url("https://store.blob.core.windows.net", key=Secret("a2V5a2V5"), identity=None)
IDENTITY = "/subscriptions/s/.../userAssignedIdentities/nodes"


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def access(storage: StorageSettings = REAL, **options: Any) -> StorageAccess:
    return StorageAccess(storage, **options)


def test_it_is_the_file_access_that_graphs_are_compiled_with() -> None:
    files: FileAccess = access()
    assert files.resource_file(blob("data/a.txt"), "a.txt")["filePath"] == "a.txt"


def test_a_node_identity_takes_the_place_of_any_sas() -> None:
    files = access(node_identity=IDENTITY)
    reference = {"resourceId": IDENTITY}
    assert files.resource_file(blob("data/a b.txt"), "a.txt") == {
        "httpUrl": "https://store.blob.core.windows.net/data/a%20b.txt",
        "filePath": "a.txt",
        "identityReference": reference,
    }
    assert files.resource_prefix("data", "p/", "d") == {
        "storageContainerUrl": "https://store.blob.core.windows.net/data",
        "identityReference": reference,
        "blobPrefix": "p/",
        "filePath": "d",
    }
    assert files.container_destination("out", "x") == {
        "containerUrl": "https://store.blob.core.windows.net/out",
        "identityReference": reference,
        "path": "x",
    }


@pytest.mark.parametrize(("storage", "protocol"), [(AZURITE, None), (REAL, "https")])
def test_a_sas_reads_one_blob_for_a_day(storage: StorageSettings, protocol: str | None) -> None:
    url = access(storage).resource_file(blob("data/a.txt"), "a.txt")["httpUrl"]
    assert url.startswith(f"{storage.account_url}/data/a.txt?")
    fields = query(url)
    assert (fields["sp"], fields["sr"], fields.get("spr")) == ("r", "b", protocol)
    ends = dt.datetime.fromisoformat(fields["se"].replace("Z", "+00:00"))
    assert abs(ends - dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=24)) < dt.timedelta(minutes=2)


def test_a_prefix_is_read_and_listed_and_a_destination_written() -> None:
    files = access(sas_lifetime=dt.timedelta(hours=2))
    assert query(files.resource_prefix("data", "", "")["storageContainerUrl"])["sp"] == "rl"
    assert "w" in query(files.container_destination("out", "")["containerUrl"])["sp"]
    assert "blobPrefix" not in files.resource_prefix("data", "", "")


def test_a_blob_of_another_account_is_not_signed_with_our_key() -> None:
    other = blob("https://elsewhere.blob.core.windows.net/data/a.txt")
    assert access().resource_file(other, "a.txt")["httpUrl"] == (
        "https://elsewhere.blob.core.windows.net/data/a.txt"
    )


def test_a_url_into_this_account_is_signed() -> None:
    own = blob("http://127.0.0.1:10000/devstoreaccount1/data/a.txt")
    assert "sig=" in access(AZURITE).resource_file(own, "a.txt")["httpUrl"]


def test_every_signature_is_masked_in_every_spelling_before_it_is_used() -> None:
    masked: list[str] = []
    url = access(mask=masked.append).resource_file(blob("data/a.txt"), "a.txt")["httpUrl"]
    signature = url.partition("sig=")[2].partition("&")[0]
    assert signature in masked
    assert unquote(signature) in masked


def test_a_sas_of_the_connection_is_handed_on_and_masked() -> None:
    masked: list[str] = []
    storage = StorageSettings(
        "https://store.blob.core.windows.net", "store", sas_token=Secret("sv=1&sig=s%2Bs")
    )
    url = access(storage, mask=masked.append).resource_file(blob("data/a"), "a")["httpUrl"]
    assert url.endswith("?sv=1&sig=s%2Bs")
    assert {"s+s", "s%2Bs"} <= set(masked)


def test_without_key_sas_or_identity_no_sas_can_be_made() -> None:
    storage = StorageSettings("https://store.blob.core.windows.net", "store")
    with pytest.raises(ValueError, match="without a key or an identity"):
        access(storage).resource_file(blob("data/a"), "a")


def test_urls_for_people_carry_no_sas() -> None:
    assert access().blob_url("out", "a/b c.txt") == "https://store.blob.core.windows.net/out/a/b%20c.txt"


class DelegatingClient:
    """Gives user delegation keys as the service does, and counts them."""

    def __init__(self) -> None:
        self.asked: list[tuple[dt.datetime, dt.datetime]] = []

    def get_user_delegation_key(self, start: dt.datetime, expiry: dt.datetime) -> Any:
        self.asked.append((start, expiry))
        return SimpleNamespace(
            signed_oid="oid",
            signed_tid="tid",
            signed_start=start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            signed_expiry=expiry.strftime("%Y-%m-%dT%H:%M:%SZ"),
            signed_service="b",
            signed_version="2024-11-04",
            signed_delegated_user_tid=None,
            value="a2V5",
        )


def test_with_a_token_one_delegation_key_signs_many_sas_and_none_outlives_it() -> None:
    client = DelegatingClient()
    storage = StorageSettings(
        "https://store.blob.core.windows.net", "store", identity=Identity(AuthMethod.DEFAULT_CREDENTIAL)
    )
    mint = SasMint(storage, lambda: client, lambda secret: None)  # type: ignore[arg-type,return-value]
    first = parse_qs(mint.blob("data", "a", dt.timedelta(hours=1)))
    parse_qs(mint.blob("data", "b", dt.timedelta(hours=1)))
    assert first["skoid"] == ["oid"]
    assert len(client.asked) == 1
    long = parse_qs(mint.container("data", "rl", dt.timedelta(days=30)))
    ends = dt.datetime.fromisoformat(long["se"][0].replace("Z", "+00:00"))
    assert ends - dt.datetime.now(dt.timezone.utc) < dt.timedelta(days=7)
    assert client.asked[-1][1] - client.asked[-1][0] <= dt.timedelta(days=7)
