"""Where the blobs are and how to reach them: ``StorageSettings``, parsed from a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_batch_provider.client.connect.endpoints import account_in_url, is_local_http, normal_url
from airflow_batch_provider.client.connect.identity import AuthMethod, Identity
from airflow_batch_provider.client.connect.secret import Secret, signatures_in

# Azurite's published development account: a constant of the tool, not a secret.
DEVELOPMENT_ACCOUNT = "devstoreaccount1"
DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_DEVELOPMENT_URL = f"http://127.0.0.1:10000/{DEVELOPMENT_ACCOUNT}"
_DEVELOPMENT_QUEUES = f"http://127.0.0.1:10001/{DEVELOPMENT_ACCOUNT}"


@dataclass(frozen=True)
class StorageSettings:
    """A storage account: its blob endpoint and one way in.

    Parameters:
        account_url: blob endpoint without a slash at its end (``https://{account}.blob.core.windows.net``,
            or ``http://host:port/{account}`` for Azurite).
        account_name: the storage account's name.
        account_key: the account's key; wins over the others.
        sas_token: an account or service SAS to use as it is, without the question mark.
        identity: the Microsoft Entra identity that reads and writes.
        queue_url: queue endpoint, when it is known apart from the blob endpoint.
    """

    account_url: str
    account_name: str
    account_key: Secret | None = None
    sas_token: Secret | None = None
    identity: Identity | None = None
    queue_url: str | None = None

    @classmethod
    def from_url(cls, url: str, *, key: Secret | None, identity: Identity | None) -> StorageSettings:
        """A storage account by its blob endpoint, with its key or else by an identity.

        Raises:
            ValueError: the URL has not the form of a blob endpoint, or a token would go over plain http.
        """
        account_url = normal_url(url)
        name = account_in_url(account_url, "blob")
        if not name:
            raise ValueError(
                "it must be the blob endpoint https://<account>.blob.core.windows.net "
                "(or http://<host>:<port>/<account> for Azurite)"
            )
        if key:
            return cls(account_url, name, account_key=key)
        if is_local_http(account_url):
            raise ValueError("tokens are not sent over plain http; give the account's key as well")
        return cls(account_url, name, identity=identity)

    @classmethod
    def from_connection_string(cls, text: str) -> StorageSettings:
        """Read a storage connection string (Azure Storage: *Configure connection strings*).

        Raises:
            ValueError: a part is missing or malformed; the text repeats no value of the string.
        """
        parts = _parts(text)
        if parts.get("usedevelopmentstorage", "").lower() == "true":
            return cls(
                _DEVELOPMENT_URL,
                DEVELOPMENT_ACCOUNT,
                account_key=Secret(DEVELOPMENT_KEY),
                queue_url=_DEVELOPMENT_QUEUES,
            )
        url = parts.get("blobendpoint") or _default_endpoint(parts)
        account_url = normal_url(url)
        name = parts.get("accountname") or account_in_url(account_url, "blob")
        if not name:
            raise ValueError("it has no AccountName")
        key, sas = parts.get("accountkey"), parts.get("sharedaccesssignature")
        if not key and not sas:
            raise ValueError("it has neither AccountKey nor SharedAccessSignature")
        return cls(
            account_url,
            name,
            account_key=Secret(key) if key else None,
            sas_token=Secret(sas.lstrip("?")) if sas and not key else None,
            queue_url=normal_url(parts["queueendpoint"]) if parts.get("queueendpoint") else None,
        )

    @classmethod
    def from_wasb(
        cls, host: str | None, login: str | None, password: str | None, extra: Mapping[str, Any]
    ) -> StorageSettings:
        """Read an Airflow connection of type ``wasb`` as the official provider lays it out.

        Raises:
            ValueError: what is missing, and where to write it.
        """
        fields = {name.removeprefix("extra__wasb__"): value for name, value in extra.items() if value}
        if text := fields.get("connection_string"):
            return cls.from_connection_string(str(text))
        sas = str(fields.get("sas_token") or "")
        if sas.startswith("https"):
            host, _, sas = sas.partition("?")
        url = normal_url(_wasb_url(host, login, service_principal=bool(fields.get("tenant_id"))))
        name = account_in_url(url, "blob") or login
        if not name:
            raise ValueError("the storage account's name is missing; write it into the field Login")
        if fields.get("tenant_id"):
            return cls(url, name, identity=_service_principal(fields, login, password))
        if key := fields.get("shared_access_key") or (None if sas else password or fields.get("account_key")):
            return cls(url, name, account_key=Secret(str(key)))
        if sas:
            return cls(url, name, sas_token=Secret(sas.lstrip("?")))
        return cls(
            url,
            name,
            identity=Identity(
                AuthMethod.DEFAULT_CREDENTIAL,
                tenant_id=fields.get("workload_identity_tenant_id"),
                client_id=fields.get("managed_identity_client_id"),
            ),
        )

    @property
    def queue_endpoint(self) -> str:
        """The account's queue endpoint, beside its blob endpoint in Azure.

        Raises:
            ValueError: it cannot be told from the blob endpoint, and the connection does not say it.
        """
        if self.queue_url:
            return self.queue_url
        if ".blob." not in self.account_url:
            raise ValueError(
                f"The queue endpoint beside {self.account_url} is not known. Use a storage connection string "
                "with QueueEndpoint=..."
            )
        return self.account_url.replace(".blob.", ".queue.", 1)

    def secrets(self) -> list[Secret | None]:
        """The secrets held, for a log masker."""
        held = [self.account_key, self.sas_token]
        if self.sas_token:  # in URLs its parts may stand in another order
            held += map(Secret, signatures_in(self.sas_token.reveal()))
        if self.identity:
            held += [self.identity.client_secret, self.identity.certificate_password]
        return held


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().strip(";").split(";"):
        name, separator, value = part.partition("=")
        if not separator:
            raise ValueError("it is not a list of Name=value pairs separated by ';'")
        parts[name.strip().lower()] = value.strip()
    return parts


def _default_endpoint(parts: Mapping[str, str]) -> str:
    name = parts.get("accountname")
    if not name:
        raise ValueError("it has neither AccountName nor BlobEndpoint")
    protocol = parts.get("defaultendpointsprotocol", "https")
    return f"{protocol}://{name}.blob.{parts.get('endpointsuffix', 'core.windows.net')}"


def _wasb_url(host: str | None, login: str | None, *, service_principal: bool) -> str:
    """The blob endpoint of a ``wasb`` connection, whose host may be a URL, a host name or left out."""
    if host and ("://" in host or "." in host):
        return host
    # With a service principal the login is the client id, so only the host can name the account.
    name = host or (None if service_principal else login)
    if not name:
        raise ValueError("neither Host (blob endpoint) nor Login (storage account name) is filled in")
    return f"https://{name}.blob.core.windows.net"


def _service_principal(fields: Mapping[str, Any], login: str | None, password: str | None) -> Identity:
    if not login or not password:
        raise ValueError("tenant_id is given, so Login must be the client id and Password the client secret")
    return Identity(
        AuthMethod.SERVICE_PRINCIPAL_SECRET,
        tenant_id=str(fields["tenant_id"]),
        client_id=login,
        client_secret=Secret(password),
    )
