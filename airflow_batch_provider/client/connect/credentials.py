"""Make the credentials a connection describes. Built lazily: azure-identity costs half a second to import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.connect.identity import AuthMethod, Identity
from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.connect.storage_settings import StorageSettings

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
    from azure.core.credentials_async import AsyncTokenCredential


def token_credential(identity: Identity) -> TokenCredential:
    """The synchronous credential of an identity; no token is asked for yet."""
    from azure import identity as library

    credential: TokenCredential = _make(identity, library)
    return credential


def async_token_credential(identity: Identity) -> AsyncTokenCredential:
    """The asynchronous credential of an identity; close it after use."""
    from azure.identity import aio as library

    credential: AsyncTokenCredential = _make(identity, library)
    return credential


def batch_credential(settings: BatchSettings) -> AzureNamedKeyCredential | TokenCredential:
    """What the synchronous Batch client signs with: the account's key or the identity's token."""
    return _named_key(settings) if settings.identity is None else token_credential(settings.identity)


def async_batch_credential(settings: BatchSettings) -> AzureNamedKeyCredential | AsyncTokenCredential:
    """What the asynchronous Batch client signs with; close it after use if it has ``close``."""
    return _named_key(settings) if settings.identity is None else async_token_credential(settings.identity)


def storage_credential(storage: StorageSettings, *, aio: bool = False) -> Any:
    """The ``credential=`` of a storage client: key, SAS, token credential, or None for public reading."""
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential

    if storage.account_key:
        return AzureNamedKeyCredential(storage.account_name, storage.account_key.reveal())
    if storage.sas_token:
        return AzureSasCredential(storage.sas_token.reveal())
    if storage.identity:
        return async_token_credential(storage.identity) if aio else token_credential(storage.identity)
    return None


def _named_key(settings: BatchSettings) -> AzureNamedKeyCredential:
    from azure.core.credentials import AzureNamedKeyCredential

    if settings.account_key is None:
        raise ValueError("settings hold neither a key nor an identity")
    return AzureNamedKeyCredential(settings.account_name, settings.account_key.reveal())


def _make(identity: Identity, library: Any) -> Any:
    """One recipe for both libraries: ``azure.identity`` and its ``aio`` take the same arguments."""
    authority = {"authority": identity.authority_host} if identity.authority_host else {}
    method = identity.method
    if method is AuthMethod.MANAGED_IDENTITY:
        return library.ManagedIdentityCredential(client_id=identity.client_id)
    if method is AuthMethod.WORKLOAD_IDENTITY:
        return library.WorkloadIdentityCredential(
            tenant_id=identity.tenant_id,
            client_id=identity.client_id,
            token_file_path=identity.federated_file,
            **authority,
        )
    if method is AuthMethod.SERVICE_PRINCIPAL_SECRET and identity.client_secret:
        return library.ClientSecretCredential(
            identity.tenant_id, identity.client_id, identity.client_secret.reveal(), **authority
        )
    if method is AuthMethod.SERVICE_PRINCIPAL_CERTIFICATE:
        password = identity.certificate_password
        return library.CertificateCredential(
            identity.tenant_id,
            identity.client_id,
            certificate_path=identity.certificate_path,
            password=password.reveal() if password else None,
            **authority,
        )
    return library.DefaultAzureCredential(**_default_arguments(identity), **authority)


def _default_arguments(identity: Identity) -> dict[str, Any]:
    """As the official provider passes them, so that its connections find the same identity."""
    arguments: dict[str, Any] = {}
    if identity.client_id:
        arguments["managed_identity_client_id"] = identity.client_id
    if identity.tenant_id:
        arguments["workload_identity_tenant_id"] = identity.tenant_id
        arguments["additionally_allowed_tenants"] = [identity.tenant_id]
    return arguments
