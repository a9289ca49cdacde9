"""Which credential each kind of connection gets. None of them is asked for a token here."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from airflow_batch_provider.client.connect.credentials import (
    async_batch_credential,
    batch_credential,
    storage_credential,
)
from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.connect.storage_settings import StorageSettings

URL = "https://acct.eu.batch.azure.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("certificate") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return str(path)


CASES: list[tuple[str, dict[str, Any]]] = [
    ("DefaultAzureCredential", {"auth_method": "default_credential", "client_id": "c", "tenant_id": "t"}),
    ("ManagedIdentityCredential", {"auth_method": "managed_identity", "client_id": "c"}),
    (
        "ClientSecretCredential",
        {
            "auth_method": "service_principal_secret",
            "tenant_id": "t",
            "client_id": "c",
            "client_secret": "secret",
        },
    ),
    (
        "CertificateCredential",
        {"auth_method": "service_principal_certificate", "tenant_id": "t", "client_id": "c"},
    ),
    (
        "WorkloadIdentityCredential",
        {"auth_method": "workload_identity", "tenant_id": "t", "client_id": "c", "federated_file": "f"},
    ),
]


@pytest.mark.parametrize(("kind", "extra"), CASES)
async def test_each_method_gives_its_credential_in_both_libraries(
    kind: str, extra: dict[str, Any], certificate: str
) -> None:
    if kind == "CertificateCredential":
        extra = {**extra, "certificate_path": certificate}
    settings = BatchSettings.from_connection("azurebatch", URL, None, None, extra)
    made = batch_credential(settings)
    assert type(made).__name__ == kind
    assert ".aio." not in type(made).__module__
    awaited = async_batch_credential(settings)
    assert type(awaited).__name__ == kind
    assert ".aio." in type(awaited).__module__
    await awaited.close()  # type: ignore[union-attr]


def test_a_key_becomes_a_named_key() -> None:
    settings = BatchSettings.from_connection("azurebatch", URL, None, "a2V5", {})
    assert batch_credential(settings).named_key == ("acct", "a2V5")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("AccountName=s;AccountKey=a2V5", "AzureNamedKeyCredential"),
        ("AccountName=s;SharedAccessSignature=sv=1&sig=x", "AzureSasCredential"),
    ],
)
def test_storage_credentials(text: str, kind: str) -> None:
    assert type(storage_credential(StorageSettings.from_connection_string(text))).__name__ == kind


def test_public_storage_needs_no_credential() -> None:
    assert storage_credential(StorageSettings("https://s.blob.core.windows.net", "s")) is None
