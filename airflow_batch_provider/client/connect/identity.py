"""How a connection proves who it is: the authentication methods and what each of them needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_batch_provider.client.connect.secret import Secret


class AuthMethod(str, Enum):
    """The authentication methods of a connection, by the names the connection form offers."""

    SHARED_KEY = "shared_key"
    DEFAULT_CREDENTIAL = "default_credential"
    MANAGED_IDENTITY = "managed_identity"
    SERVICE_PRINCIPAL_SECRET = "service_principal_secret"  # noqa: S105 - the method's name
    SERVICE_PRINCIPAL_CERTIFICATE = "service_principal_certificate"
    WORKLOAD_IDENTITY = "workload_identity"


@dataclass(frozen=True)
class Identity:
    """A Microsoft Entra identity, described; ``credentials.token_credential`` makes the credential.

    Parameters:
        method: any but ``SHARED_KEY``.
        tenant_id, client_id: of the service principal or managed identity.
        client_secret: for a service principal with a secret.
        certificate_path: PEM or PKCS#12 file with certificate and private key.
        certificate_password: of that file, if it has one.
        federated_file: file with the federated token of a workload identity; None: as the
            environment says (``AZURE_FEDERATED_TOKEN_FILE``).
        authority_host: login host of a sovereign cloud; None: the public one.
    """

    method: AuthMethod
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    certificate_path: str | None = None
    certificate_password: Secret | None = None
    federated_file: str | None = None
    authority_host: str | None = None


# What has to be filled in for each method; the rest is optional.
REQUIRED: dict[AuthMethod, tuple[str, ...]] = {
    AuthMethod.DEFAULT_CREDENTIAL: (),
    AuthMethod.MANAGED_IDENTITY: (),
    AuthMethod.SERVICE_PRINCIPAL_SECRET: ("tenant_id", "client_id", "client_secret"),
    AuthMethod.SERVICE_PRINCIPAL_CERTIFICATE: ("tenant_id", "client_id", "certificate_path"),
    AuthMethod.WORKLOAD_IDENTITY: (),
}
