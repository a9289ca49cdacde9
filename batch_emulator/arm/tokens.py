"""Who is asking, on the management plane: a declared development mode.

Azure's management plane takes tokens of Microsoft Entra ID, and there is no directory on a laptop. This one
takes a JSON Web Token (RFC 7519) that the holder of the account key makes itself:

- signed with HS256, the key being the account key (primary or secondary) after base64 decoding,
- ``iss`` is ``batch-emulator``, ``aud`` is ``https://management.azure.com/`` (with or without the slash),
- ``exp`` is in the future.

So who may manage the account is who may use it. A token of a real directory is refused, and a token of this
kind means nothing to Azure.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime, timezone

import jwt

ISSUER = "batch-emulator"
AUDIENCE = "https://management.azure.com/"
AUDIENCES = (AUDIENCE, AUDIENCE.rstrip("/"))
ALGORITHM = "HS256"
CHALLENGE = {
    "WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/batch-emulator"'
}


class TokenRefusedError(Exception):
    """A token that gives no access; the text says why and holds nothing of the token."""


def check_token(header: str | None, keys: Iterable[str], now: datetime) -> None:
    """Check an ``Authorization`` header.

    :param keys: the account's keys, base64.
    :raises TokenRefusedError: when no key made the token, or it is not, or no longer, for this server.
    """
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRefusedError("The request carries no bearer token.")
    reason = ""
    for key in keys:
        try:
            claims = jwt.decode(
                token.strip(),
                base64.b64decode(key),
                algorithms=[ALGORITHM],
                audience=list(AUDIENCES),
                issuer=ISSUER,
                # The clock is the caller's, so the expiry is checked below.
                options={"require": ["exp", "aud", "iss"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidSignatureError:
            reason = reason or "The token is not signed with a key of the Batch account."
        except jwt.PyJWTError as error:
            reason = f"The token is not accepted: {error}."
        else:
            return _check_expiry(claims["exp"], now)
    raise TokenRefusedError(reason)


def _check_expiry(expiry: object, now: datetime) -> None:
    if not isinstance(expiry, int | float) or datetime.fromtimestamp(expiry, timezone.utc) <= now:
        raise TokenRefusedError("The token has expired.")
