"""Who is asking on the data plane: shared key, or a bearer token of the development mode.

Source: Azure Batch REST reference, *Authenticate requests to the Azure Batch service*; the clock skew of 15
minutes is what the service family allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from batch_emulator.rest.assumptions import CLOCK_SKEW
from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.errors import KINDS, refusal
from batch_emulator.rest.shared_key import SharedKeyHeader, SignedParts, is_signed_with, parse_header
from batch_emulator.rest.tokens import DATA_PLANE, TokenRefusedError, bearer_token
from batch_emulator.rest.values import parse_http_date
from batch_emulator.service.errors import BatchError


@dataclass(frozen=True)
class Caller:
    """Who is asking.

    :param job_id: the only job that the caller may use; ``None`` for all of the account.
    """

    job_id: str | None = None

    def check_access(self, parameters: Mapping[str, str]) -> None:
        """Check that the caller may use a resource.

        :param parameters: of its path.
        :raises BatchError: ``InsufficientAccountPermissions``. [U]: no public text names the code.
        """
        if self.job_id is not None and parameters.get("jobId", "").lower() != self.job_id.lower():
            raise refusal(
                "InsufficientAccountPermissions",
                Reason="The authentication token of a task gives access to the task's own job only.",
            )


def authenticate(
    parts: SignedParts, query: Mapping[str, str], credentials: Credentials, now: datetime
) -> Caller:
    """Check the request's signature and date, or its token.

    :param query: the decoded query; the date may be there instead of in a header.
    :raises BatchError: ``InvalidAuthenticationInfo`` (401 without a signature or with a token that gives no
        access, 400 when it is not of the scheme's form), ``AuthenticationFailed`` (403).
    """
    text = parts.headers.get("authorization")
    if not text:
        raise _unauthorized("The request carries no Authorization header.")
    if text.lower().startswith("bearer "):
        return _token_holder(text, credentials, now)
    header = _parse(text)
    _check_date(parts.headers.get("ocp-date") or parts.headers.get("date") or query.get("ocp-date"), now)
    if header.account != credentials.account:
        raise refusal(
            "AuthenticationFailed", AuthenticationErrorDetail="The account name is not this account's."
        )
    if not is_signed_with(parts, header, credentials.keys):
        raise refusal("AuthenticationFailed", AuthenticationErrorDetail=_WRONG_SIGNATURE)
    return Caller()


_WRONG_SIGNATURE = (
    "The MAC signature found in the HTTP request is not the same as any computed signature. The account "
    "key may be wrong, or the request was changed on its way."
)


def _unauthorized(reason: str) -> BatchError:
    return BatchError(replace(KINDS["InvalidAuthenticationInfo"], status=401), {"Reason": reason})


def _token_holder(header: str, credentials: Credentials, now: datetime) -> Caller:
    try:
        return Caller(credentials.check_token(bearer_token(header), DATA_PLANE, now))
    except TokenRefusedError as error:
        raise _unauthorized(str(error)) from error


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
