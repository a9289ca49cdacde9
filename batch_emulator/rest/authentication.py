"""Who is asking: shared key on the data plane.

Source: Azure Batch REST reference, *Authenticate requests to the Azure Batch service*; the clock skew of 15
minutes is what the service family allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from batch_emulator.rest.errors import KINDS, refusal
from batch_emulator.rest.shared_key import SharedKeyHeader, SignedParts, is_signed_with, parse_header
from batch_emulator.rest.values import parse_http_date
from batch_emulator.service.errors import BatchError

CLOCK_SKEW = timedelta(minutes=15)
CHALLENGE = {"WWW-Authenticate": "SharedKey"}


@dataclass(frozen=True)
class Credentials:
    """Name and keys of the account. Both keys are valid at once.

    :param primary_key: base64.
    :param secondary_key: base64.
    """

    account: str
    primary_key: str = field(repr=False)
    secondary_key: str = field(repr=False)

    @property
    def keys(self) -> tuple[str, str]:
        return self.primary_key, self.secondary_key


def authenticate(
    parts: SignedParts, query: Mapping[str, str], credentials: Credentials, now: datetime
) -> None:
    """Check the request's signature and date.

    :param query: the decoded query; the date may be there instead of in a header.
    :raises BatchError: ``InvalidAuthenticationInfo`` (401 without a signature, 400 when it is not of the
        scheme's form), ``AuthenticationFailed`` (403).
    """
    text = parts.headers.get("authorization")
    if not text:
        raise _unauthorized("The request carries no Authorization header.")
    if text.lower().startswith("bearer "):
        raise _unauthorized("This account takes shared keys, not tokens of Microsoft Entra ID.")
    header = _parse(text)
    _check_date(parts.headers.get("ocp-date") or parts.headers.get("date") or query.get("ocp-date"), now)
    if header.account != credentials.account:
        raise refusal(
            "AuthenticationFailed", AuthenticationErrorDetail="The account name is not this account's."
        )
    if not is_signed_with(parts, header, credentials.keys):
        raise refusal("AuthenticationFailed", AuthenticationErrorDetail=_WRONG_SIGNATURE)


_WRONG_SIGNATURE = (
    "The MAC signature found in the HTTP request is not the same as any computed signature. The account "
    "key may be wrong, or the request was changed on its way."
)


def _unauthorized(reason: str) -> BatchError:
    return BatchError(replace(KINDS["InvalidAuthenticationInfo"], status=401), {"Reason": reason})


def _parse(text: str) -> SharedKeyHeader:
    try:
        return parse_header(text)
    except ValueError as error:
        raise refusal("InvalidAuthenticationInfo", Reason=f"The Authorization header is {error}.") from error


def _check_date(text: str | None, now: datetime) -> None:
    if not text:
        raise refusal(
            "AuthenticationFailed", AuthenticationErrorDetail="The request carries no date (ocp-date)."
        )
    try:
        date = parse_http_date(text)
    except ValueError as error:
        raise refusal(
            "InvalidHeaderValue", HeaderName="ocp-date", Reason="It is not an HTTP date."
        ) from error
    if abs(now - date) > CLOCK_SKEW:
        raise refusal(
            "AuthenticationFailed",
            AuthenticationErrorDetail=f"The date of the request ({text}) differs from the server's by more "
            "than 15 minutes. Set the client's clock.",
        )
