"""Bearer tokens: a declared development mode, the same on both planes.

Azure takes tokens of Microsoft Entra ID, and there is no directory on a laptop. Two kinds are taken here:

- **Signed with the account key.** A JSON Web Token (RFC 7519), HS256, the key being an account key (primary
  or secondary) after base64 decoding; ``iss`` is ``batch-emulator``. Who may make one is who may use the
  account. A claim ``job`` limits it to that job, as a task's authentication token is.
- **Of a real directory**, only when the emulator was told so (``--oauth basic``): issuer, audience and times
  are checked, the signature is not, as the directory's keys are out of reach. This is Azurite's mode of the
  same name.

Either way ``aud`` is the plane's and ``exp`` is in the future. A token of the first kind means nothing to
Azure.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from batch_emulator.service.limits import MAX_TASK_LIFETIME

ISSUER = "batch-emulator"
ALGORITHM = "HS256"
JOB_CLAIM = "job"
# Who issues the tokens of Microsoft Entra ID, in its two versions and its national clouds.
DIRECTORY_ISSUERS = (
    "https://sts.windows.net/",
    "https://login.microsoftonline.com/",
    "https://login.microsoftonline.us/",
    "https://sts.chinacloudapi.cn/",
    "https://login.partner.microsoftonline.cn/",
)
CHALLENGE = {
    "WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/batch-emulator"'
}


@dataclass(frozen=True)
class Plane:
    """What tokens of a plane are made for.

    :param audiences: acceptable values of ``aud``; the first is the usual one.
    """

    audiences: tuple[str, ...]

    @property
    def audience(self) -> str:
        return self.audiences[0]


# Source: the scopes that the published clients ask for. The second of the management plane is the one that
# Azure CLI asks for. A missing slash is tolerated.
DATA_PLANE = Plane(("https://batch.core.windows.net/", "https://batch.core.windows.net"))
MANAGEMENT_PLANE = Plane(
    (
        "https://management.azure.com/",
        "https://management.azure.com",
        "https://management.core.windows.net/",
        "https://management.core.windows.net",
    )
)


class TokenRefusedError(Exception):
    """A token that gives no access; the text says why and holds nothing of the token."""


def issue_token(
    key: bytes, plane: Plane, now: datetime, lifetime: timedelta, *, job_id: str | None = None
) -> str:
    """A token of the first kind.

    :param key: an account key, decoded.
    :param job_id: the only job that the token is good for.
    """
    import jwt  # late: it costs a fifth of the time to start

    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": plane.audience,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
    }
    if job_id is not None:
        claims[JOB_CLAIM] = job_id
    return jwt.encode(claims, key, algorithm=ALGORITHM)


def issue_task_token(key: bytes, job_id: str, now: datetime) -> str:
    """The token in a task's ``AZ_BATCH_AUTHENTICATION_TOKEN``: good for all operations of one job.

    It lasts as long as a task may. Source: Azure Batch REST reference, *AuthenticationTokenSettings*
    (api-versions before 2025-06-01).

    :param key: of the nodes, not of the account.
    """
    return issue_token(key, DATA_PLANE, now, MAX_TASK_LIFETIME, job_id=job_id)


def bearer_token(header: str | None) -> str:
    """The token of an ``Authorization`` header.

    :raises TokenRefusedError: when there is none.
    """
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRefusedError("The request carries no bearer token.")
    if not token.isascii():
        raise TokenRefusedError("The token is not accepted: it is no JSON Web Token.")
    return token.strip()


def check_token(
    token: str, plane: Plane, keys: Iterable[bytes], now: datetime, *, trusts_directories: bool = False
) -> str | None:
    """Check a token.

    :param keys: that may have signed it, decoded.
    :param trusts_directories: whether the second kind is taken too.
    :returns: the job that the token is limited to, if it is.
    :raises TokenRefusedError: when no key made the token, or it is not, or no longer, for this server.
    """
    claims = _directory_claims(token) if trusts_directories else None
    if claims is None:
        claims = _signed_claims(token, plane, keys)
    elif claims.get("aud") not in plane.audiences:
        raise TokenRefusedError(f"The token is not accepted: its audience is not {plane.audience}.")
    _check_times(claims, now)
    job_id = claims.get(JOB_CLAIM) if claims["iss"] == ISSUER else None
    if job_id is not None and not isinstance(job_id, str):
        raise TokenRefusedError("The token is not accepted: its job is no text.")
    return job_id


def _signed_claims(token: str, plane: Plane, keys: Iterable[bytes]) -> Mapping[str, Any]:
    import jwt  # late: it costs a fifth of the time to start

    reason = ""
    for key in keys:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=list(plane.audiences),
                issuer=ISSUER,
                # The clock is the caller's, so times are checked elsewhere.
                options={
                    "require": ["exp", "aud", "iss"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidSignatureError:
            reason = reason or "The token is not signed with a key of the Batch account."
        except jwt.PyJWTError as error:
            reason = f"The token is not accepted: {error}."
    raise TokenRefusedError(reason)


def _directory_claims(token: str) -> Mapping[str, Any] | None:
    """The claims of a token that says to be of a directory; ``None`` for any other."""
    import jwt  # late: it costs a fifth of the time to start

    try:
        claims: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return None
    issuer = claims.get("iss")
    return claims if isinstance(issuer, str) and issuer.startswith(DIRECTORY_ISSUERS) else None


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    expiry, start = _time(claims.get("exp")), _time(claims.get("nbf", 0))
    if expiry is None or expiry <= now:
        raise TokenRefusedError("The token has expired.")
    if start is None or start > now:
        raise TokenRefusedError("The token is not valid yet.")


def _time(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


def decoded(key: str) -> bytes:
    """An account key as it signs.

    :param key: base64.
    """
    return base64.b64decode(key)
