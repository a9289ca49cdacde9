"""What a connection says, parsed once at the edge: ``BatchSettings`` and its errors.

Parsing is pure: no network, no environment, no azure import. Connections of the own type ``azurebatch``
and of the official provider's type ``azure_batch`` are both read.
"""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_batch_provider.client.connect.endpoints import account_in_url, is_local_http, normal_url
from airflow_batch_provider.client.connect.identity import REQUIRED, AuthMethod, Identity
from airflow_batch_provider.client.connect.secret import Secret
from airflow_batch_provider.client.connect.storage_settings import StorageSettings

CONN_TYPE = "azurebatch"
OFFICIAL_CONN_TYPE = "azure_batch"
PUBLIC_ARM = "https://management.azure.com"

# The management plane needs both in every URL; an emulator has one account and no subscription.
LOCAL_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
LOCAL_RESOURCE_GROUP = "local"

EXTRA_FIELDS = (
    "account_url",
    "auth_method",
    "tenant_id",
    "client_id",
    "client_secret",
    "certificate_path",
    "certificate_password",
    "federated_file",
    "authority_host",
    "storage_conn_id",
    "storage_account_url",
    "storage_access_key",
    "storage_connection_string",
    "node_identity_resource_id",
    "subscription_id",
    "resource_group",
    "arm_endpoint",
)
_OFFICIAL_FIELDS = ("account_url", "tenantId", "managed_identity_client_id", "workload_identity_tenant_id")


class SettingsError(ValueError):
    """A connection that cannot work as it is: the text says what, where, and the right form."""


@dataclass(frozen=True)
class BatchSettings:
    """An Azure Batch account and how to talk to it and to its storage.

    Exactly one of ``account_key`` and ``identity`` is set.

    Parameters:
        endpoint: account URL without a slash at its end.
        account_name: the Batch account's name.
        account_key: base64 shared key.
        identity: the Microsoft Entra identity that calls Batch.
        storage: the storage account that tasks read and write, when the connection itself says it.
        storage_conn_id: another Airflow connection (type ``wasb``) that says it.
        node_identity: ARM id of the managed identity by which nodes reach storage instead of by SAS.
        subscription_id, resource_group: where the Batch account lives in ARM.
        arm_endpoint: management endpoint without a slash at its end.
        warnings: things that look like mistakes and do not stop anything.
    """

    endpoint: str
    account_name: str
    account_key: Secret | None = None
    identity: Identity | None = None
    storage: StorageSettings | None = None
    storage_conn_id: str | None = None
    node_identity: str | None = None
    subscription_id: str | None = None
    resource_group: str | None = None
    arm_endpoint: str = PUBLIC_ARM
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_connection(
        cls,
        conn_type: str | None,
        host: str | None,
        login: str | None,
        password: str | None,
        extra: Mapping[str, Any],
        *,
        port: int | None = None,
    ) -> BatchSettings:
        """Read the fields of an Airflow connection.

        Parameters:
            conn_type: ``azure_batch`` is read as the official provider lays it out, all else as our own.
            host: account URL.
            login: account name; may be left out when the URL holds it.
            password: account key, base64.
            extra: the connection's extra fields; a prefix ``extra__<conn_type>__`` is taken off.
            port: TCP port, when it is not part of the host.

        Raises:
            SettingsError: says what is wrong, in which field, and the right form.
        """
        fields = _unprefixed(conn_type, extra)
        official = conn_type == OFFICIAL_CONN_TYPE
        warnings = tuple(_unknown(fields))
        if official:
            fields = _translated(fields, has_key=bool(login and password))
        endpoint = _endpoint(host, port, fields)
        method = _method(fields, password)
        name = login or account_in_url(endpoint, "batch")
        if not name:
            raise SettingsError(
                f"The account name is missing: the account URL {endpoint} does not hold it. "
                "Fill in the field Login (Batch account name)."
            )
        local = is_local_http(endpoint)
        settings = cls(
            endpoint=endpoint,
            account_name=name,
            account_key=_key(password) if method is AuthMethod.SHARED_KEY else None,
            identity=None if method is AuthMethod.SHARED_KEY else _identity(method, fields, endpoint),
            storage_conn_id=fields.get("storage_conn_id"),
            node_identity=_node_identity(fields),
            subscription_id=fields.get("subscription_id") or (LOCAL_SUBSCRIPTION if local else None),
            resource_group=fields.get("resource_group") or (LOCAL_RESOURCE_GROUP if local else None),
            arm_endpoint=_arm_endpoint(fields, endpoint),
            warnings=warnings,
        )
        return replace(settings, storage=_storage(fields, settings))

    @property
    def account_resource_id(self) -> str:
        """The Batch account's full ARM id.

        Raises:
            SettingsError: subscription or resource group is not set.
        """
        for field, value in (
            ("subscription_id", self.subscription_id),
            ("resource_group", self.resource_group),
        ):
            if not value:
                raise SettingsError(
                    f"The connection's extra field {field} is missing. Application packages on pools and "
                    "everything of the management plane are addressed by the Batch account's ARM id: fill in "
                    "subscription_id and resource_group of the Batch account."
                )
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.Batch/batchAccounts/{self.account_name}"
        )

    def secrets(self) -> list[str]:
        """Every secret held, for a log masker."""
        held = [self.account_key]
        if self.identity:
            held += [self.identity.client_secret, self.identity.certificate_password]
        if self.storage:
            held += self.storage.secrets()
        return [secret.reveal() for secret in held if secret]


NO_OBJECT = "The connection's extra is not a JSON object; write it as {...}."


def _unprefixed(conn_type: str | None, extra: Mapping[str, Any]) -> dict[str, str]:
    """The extra fields as plain names with non-empty text values; a short name wins over a prefixed one."""
    if not isinstance(extra, Mapping):
        raise SettingsError(NO_OBJECT)
    fields: dict[str, str] = {}
    prefix = f"extra__{conn_type}__"
    for name, value in sorted(extra.items(), key=lambda item: not item[0].startswith(prefix)):
        if value is None or value == "":
            continue
        fields[name.removeprefix(prefix)] = str(value).strip()
    return fields


def _unknown(fields: Mapping[str, str]) -> list[str]:
    known = (*EXTRA_FIELDS, *_OFFICIAL_FIELDS)
    warnings = []
    for name in fields:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            warnings.append(f"Unknown extra field {name!r} in the connection is ignored{hint}")
    return warnings


def _translated(fields: Mapping[str, str], *, has_key: bool) -> dict[str, str]:
    """Read the official provider's layout: key and name if both are there, else the default credential."""
    own = {name: value for name, value in fields.items() if name in EXTRA_FIELDS}
    tenant = fields.get("workload_identity_tenant_id") or fields.get("tenantId")
    if tenant:
        own.setdefault("tenant_id", tenant)
    if client := fields.get("managed_identity_client_id"):
        own.setdefault("client_id", client)
    method = AuthMethod.SHARED_KEY if has_key else AuthMethod.DEFAULT_CREDENTIAL
    own.setdefault("auth_method", method.value)
    return own


def _endpoint(host: str | None, port: int | None, fields: Mapping[str, str]) -> str:
    typed = host or fields.get("account_url")
    if not typed:
        raise SettingsError(
            "The account URL is missing. Write it into the field Host (or the extra field account_url) as "
            "https://<account>.<region>.batch.azure.com; the portal shows it on the Batch account's overview."
        )
    try:
        url = normal_url(typed, port if host else None)
    except ValueError as error:
        raise SettingsError(f"The account URL cannot be used: {error}.") from None
    if ".blob." in url:
        raise SettingsError(
            f"The account URL {url} is one of Azure Storage. Write the Batch account's into the field Host, "
            "as https://<account>.<region>.batch.azure.com; this one goes into the extra field "
            "storage_account_url."
        )
    return url


def _method(fields: Mapping[str, str], password: str | None) -> AuthMethod:
    given = fields.get("auth_method")
    if not given:
        return AuthMethod.SHARED_KEY if password else AuthMethod.DEFAULT_CREDENTIAL
    try:
        return AuthMethod(given)
    except ValueError:
        names = [method.value for method in AuthMethod]
        near = difflib.get_close_matches(given, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise SettingsError(
            f"The extra field auth_method is {given!r}; it must be one of {', '.join(names)}.{hint}"
        ) from None


def _key(password: str | None) -> Secret:
    if not password:
        raise SettingsError(
            "The account key is missing: auth_method is shared_key, but the field Password is empty. "
            "Paste the account's primary or secondary key, or choose another auth_method."
        )
    try:
        decoded = base64.b64decode(password, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not decoded:
        raise SettingsError(
            "The account key in the field Password is not base64. Paste the key as the portal shows it, "
            "with the '=' at its end and without quotes or spaces."
        )
    return Secret(password)


def _identity(method: AuthMethod, fields: Mapping[str, str], endpoint: str) -> Identity:
    if is_local_http(endpoint):
        raise SettingsError(
            f"auth_method {method.value} sends a token, and tokens are never sent over plain http "
            f"({endpoint}). Use the shared key of the emulator, or https."
        )
    for name in REQUIRED[method]:
        if not fields.get(name):
            raise SettingsError(f"The extra field {name} is missing: auth_method {method.value} needs it.")

    def secret(name: str) -> Secret | None:
        return Secret(fields[name]) if fields.get(name) else None

    return Identity(
        method=method,
        tenant_id=fields.get("tenant_id"),
        client_id=fields.get("client_id"),
        client_secret=secret("client_secret"),
        certificate_path=fields.get("certificate_path"),
        certificate_password=secret("certificate_password"),
        federated_file=fields.get("federated_file"),
        authority_host=fields.get("authority_host"),
    )


def _arm_endpoint(fields: Mapping[str, str], endpoint: str) -> str:
    """ARM's own address; the emulator serves its slice of ARM beside the data plane."""
    given = fields.get("arm_endpoint")
    if not given:
        return endpoint if is_local_http(endpoint) else PUBLIC_ARM
    try:
        return normal_url(given)
    except ValueError as error:
        raise SettingsError(f"The extra field arm_endpoint cannot be used: {error}.") from None


def _node_identity(fields: Mapping[str, str]) -> str | None:
    given = fields.get("node_identity_resource_id")
    if given and "/providers/microsoft.managedidentity/userassignedidentities/" not in given.lower():
        raise SettingsError(
            f"The extra field node_identity_resource_id is {given!r}; it must be the full ARM id "
            "/subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity"
            "/userAssignedIdentities/<name>."
        )
    return given


def _storage(fields: Mapping[str, str], settings: BatchSettings) -> StorageSettings | None:
    """The storage account the connection itself names; with more than one reference it is an error."""
    references = [
        name
        for name in ("storage_conn_id", "storage_account_url", "storage_connection_string")
        if fields.get(name)
    ]
    if len(references) > 1:
        raise SettingsError(
            f"The connection names its storage account more than once ({', '.join(references)}); keep one."
        )
    try:
        if text := fields.get("storage_connection_string"):
            return StorageSettings.from_connection_string(text)
        if url := fields.get("storage_account_url"):
            identity = settings.identity or Identity(AuthMethod.DEFAULT_CREDENTIAL)
            key = fields.get("storage_access_key")
            return StorageSettings.from_url(url, key=Secret(key) if key else None, identity=identity)
    except ValueError as error:
        raise SettingsError(f"The extra field {references[0]} cannot be used: {error}.") from None
    return None
