"""The management plane: ``azure-mgmt-batch`` against ARM, or against a local emulator.

ARM takes Microsoft Entra tokens only, and the SDK refuses to send them over plain http. A local emulator has
no Entra tenant: it takes tokens signed with the account key it shares with us. Such a token is worth nothing
to Azure, and the policy here sends it to local http addresses only, whatever a redirect says.
"""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.connect.credentials import token_credential
from airflow_batch_provider.client.connect.endpoints import is_local_http
from airflow_batch_provider.client.connect.identity import AuthMethod, Identity
from airflow_batch_provider.client.connect.settings import BatchSettings, SettingsError
from airflow_batch_provider.client.connect.wire_log import quiet_wire_log

if TYPE_CHECKING:
    from azure.mgmt.batch import BatchManagementClient

_AUDIENCE = "https://management.azure.com/"
_ISSUER = "batch-emulator"
_LIFETIME_SECONDS = 3600
_RENEW_SECONDS = 300


def management_client(settings: BatchSettings) -> BatchManagementClient:
    """A management client for the account's subscription.

    With a shared-key connection to Azure the default credential is used, as ARM accepts no account keys.

    Raises:
        SettingsError: the subscription is not set.
    """
    from azure.mgmt.batch import BatchManagementClient

    quiet_wire_log()
    if not settings.subscription_id:
        raise SettingsError(
            "The connection's extra field subscription_id is missing. Application packages and pool "
            "identities go through Azure Resource Manager: fill in subscription_id and resource_group."
        )
    if is_local_http(settings.arm_endpoint) and settings.account_key:
        return BatchManagementClient(
            credential=_NoCredential(),
            subscription_id=settings.subscription_id,
            base_url=settings.arm_endpoint,
            authentication_policy=_local_policy(settings.account_name, settings.account_key.reveal()),
        )
    identity = settings.identity or Identity(AuthMethod.DEFAULT_CREDENTIAL)
    return BatchManagementClient(
        credential=token_credential(identity),
        subscription_id=settings.subscription_id,
        base_url=settings.arm_endpoint,
        credential_scopes=[f"{settings.arm_endpoint}/.default"],
    )


def mint_token(account_name: str, key_base64: str, *, now: float) -> str:
    """A bearer token for the emulator's management plane: HS256 with the account key, valid one hour.

    Parameters:
        account_name: subject of the token.
        key_base64: the account's shared key.
        now: seconds since the epoch.
    """
    import jwt

    claims = {
        "aud": _AUDIENCE,
        "iss": _ISSUER,
        "sub": account_name,
        "iat": int(now),
        "exp": int(now) + _LIFETIME_SECONDS,
    }
    return jwt.encode(claims, base64.b64decode(key_base64), algorithm="HS256")


class _NoCredential:
    """Stands where the SDK wants a credential that our policy makes unnecessary."""

    def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        raise RuntimeError("a local management endpoint is called with a token of its own")


def _local_policy(account_name: str, key_base64: str) -> Any:
    """An authentication policy that signs requests to local http addresses, and refuses all others."""
    from azure.core.exceptions import ServiceRequestError
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class LocalBearerPolicy(SansIOHTTPPolicy[Any, Any]):
        def __init__(self) -> None:
            self._token = ""
            self._expires = 0.0

        def on_request(self, request: Any) -> None:
            if not is_local_http(request.http_request.url):
                raise ServiceRequestError("The emulator's token is sent to local http addresses only")
            now = time.time()
            if now > self._expires - _RENEW_SECONDS:
                self._token = mint_token(account_name, key_base64, now=now)
                self._expires = now + _LIFETIME_SECONDS
            request.http_request.headers["Authorization"] = f"Bearer {self._token}"

    return LocalBearerPolicy()
