"""Development tokens of managed identities.

They have the claims of a token of Microsoft Entra ID and are signed with the account key (HS256), which
Azure does not know: they mean nothing there. The emulator's own planes take those that are made for them.
A storage emulator that looks at claims only (Azurite's ``--oauth basic``) takes those for storage.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from uuid import NAMESPACE_DNS, uuid5

from batch_emulator.rest.tokens import ALGORITHM, DATA_PLANE, ISSUER, MANAGEMENT_PLANE
from batch_emulator.service.entities import Json

__all__ = ["LIFETIME", "TENANT_ID", "issue_token"]

LIFETIME = timedelta(hours=24)
TENANT_ID = str(uuid5(NAMESPACE_DNS, "tenant.batch-emulator"))
_DIRECTORY_ISSUER = f"https://sts.windows.net/{TENANT_ID}/"
# What the emulator itself listens to; it knows its own issuer only.
_OWN_AUDIENCES = frozenset((*DATA_PLANE.audiences, *MANAGEMENT_PLANE.audiences))


def issue_token(identity: Json, resource: str, key: str, now: datetime) -> str:
    """A token with which an identity may use a resource.

    :param identity: ``{"resourceId", "clientId", "principalId"}``.
    :param resource: the audience, as it was asked for.
    :param key: of the account, base64.
    :param now: aware.
    """
    import jwt  # late: it costs a fifth of the time to start

    issued = int(now.timestamp())
    is_own = resource in _OWN_AUDIENCES
    claims = {
        "aud": resource,
        "iss": ISSUER if is_own else _DIRECTORY_ISSUER,
        "iat": issued,
        "nbf": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
        "appid": identity["clientId"],
        "idtyp": "app",
        "oid": identity["principalId"],
        "sub": identity["principalId"],
        "tid": TENANT_ID,
        "ver": "1.0",
        "xms_mirid": identity["resourceId"],
    }
    return jwt.encode(claims, base64.b64decode(key), algorithm=ALGORITHM)
