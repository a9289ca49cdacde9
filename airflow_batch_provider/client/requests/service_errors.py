"""Reading what Azure's clients raise: the error code, and what it means for whoever set up the connection.

Conflicts are told apart by the service's error code, never by the exception's class: azure-batch raises
``ResourceExistsError`` for every 409 and ``ResourceModifiedError`` for everything with an ``If-Match``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from airflow_batch_provider.client.requests.error_values import with_values
from airflow_batch_provider.spec.explain import Explanation

# Azure Batch: *Authenticate via Shared Key*: requests further off than this are refused.
_SKEW_LIMIT = dt.timedelta(minutes=15)
ACCESS_STATUS = frozenset({401, 403})
"""Of a request that one may not make. A retry may do: a new role takes minutes to come into force."""
# Where the connection keeps the key of the other side, if not in Login and Password.
_KEY_FIELDS = {"Storage": "Storage account key or Storage connection string"}


def error_code(error: BaseException) -> str:
    """The service's error code, such as ``PoolExists``; empty when the error carries none."""
    # azure-batch: error.error.code; azure-mgmt: error.error.code; azure-storage: error.error_code.
    code = getattr(getattr(error, "error", None), "code", None) or getattr(error, "error_code", None)
    if code is None:
        code = getattr(getattr(error, "model", None), "code", None)
    return str(getattr(code, "value", code) or "")


def error_status(error: BaseException) -> int:
    """The HTTP status of a refused request; 0 when there was no answer."""
    return int(getattr(error, "status_code", None) or 0)


def error_text(error: BaseException) -> str:
    """What the service said: the first line of its message, without the request id, and the named values that
    it adds, such as the property it refuses; without secrets."""
    text = str(getattr(error, "message", None) or error).strip() or type(error).__name__
    first = next((line.strip() for line in text.splitlines() if line.strip()), text)
    first = first.removeprefix(f"({error_code(error)}) ")  # the Azure clients put the code before the message
    # The Azure clients read the values of Azure Batch as such details.
    details = getattr(getattr(error, "error", None), "details", None) or ()
    return with_values(first, ((item.code, item.message) for item in details))


def is_transient(error: BaseException) -> bool:
    """Whether the same call may well succeed later: no answer, throttling, or a fault of the server."""
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    if isinstance(error, (ServiceRequestError, ServiceResponseError)):
        return True
    return error_status(error) in (408, 429, 500, 502, 503, 504)


def explain_access(
    error: BaseException, service: str, url: str, account: str, *, now: dt.datetime | None = None
) -> Explanation:
    """Why a call to Batch, ARM or storage did not get through.

    Parameters:
        error: what the client raised.
        service: how to name the other side: ``Azure Batch``, ``Storage``...
        url: the endpoint that was called.
        account: the account's name there.
        now: this machine's time; None: the present.
    """
    status, code = error_status(error), error_code(error)
    if not status:
        return _no_answer(error, service, url)
    happened = f"{service} at {url} refused the call with {status} {code or 'without a code'}".rstrip()
    if skew := _clock_skew(error, now or dt.datetime.now(dt.timezone.utc)):
        return Explanation(
            f"{happened}.",
            f"This machine's clock is off by {skew}; signed requests are refused beyond 15 minutes.",
            "Set the clock (NTP) of the machine that runs Airflow's tasks.",
        )
    return Explanation(f"{happened}: {error_text(error)}", *_refusal(status, code, service, account))


def _refusal(status: int, code: str, service: str, account: str) -> tuple[str, str]:
    """Likely cause and next step of a refused call."""
    if code in ("InsufficientAccountPermissions", "AuthorizationFailed", "AuthorizationPermissionMismatch"):
        return (
            f"The identity is known but has no role on the account {account}.",
            "Give it a role there: Azure Batch Data Contributor for Batch, Storage Blob Data Contributor for "
            "storage. New roles take some minutes to work.",
        )
    if status in (401, 403):
        return (
            f"The key does not belong to the account {account}, was regenerated, or the account name is "
            "wrong; or the account refuses this kind of authentication.",
            f"Compare {_KEY_FIELDS.get(service, 'Login and Password')} of the connection with the portal's "
            "Keys page, and look at the account's allowed authentication modes and firewall.",
        )
    if status == 404 or (status == 400 and not code):  # what is no such service knows none of its codes
        return (
            f"The URL leads to something else than the account {account}.",
            "Copy the account URL from the portal's overview of the account.",
        )
    if code == "UnsupportedRequestVersion" or "version" in code.lower():
        return (
            "The other side does not know the API version that the installed Azure package speaks.",
            "Update the emulator (Azurite: start it with --skipApiVersionCheck), or install another version "
            "of the Azure package.",
        )
    if status in (429, 503) or status >= 500:
        return (f"{service} is busy or has a fault.", "Try again in a few minutes.")
    return ("The request was not accepted as it is.", "Read the service's message above.")


def _no_answer(error: BaseException, service: str, url: str) -> Explanation:
    texts = " ".join(str(link) for link in _chain(error))
    names = {type(link).__name__ for link in _chain(error)}
    happened = f"{service} at {url} gave no answer: {error_text(error)}"
    if "CredentialUnavailableError" in names or "ClientAuthenticationError" in names:
        return Explanation(
            f"No token for {service} could be got: {error_text(error)}",
            "The identity that the connection's auth_method names is not there where this code runs, or its "
            "tenant, client id, secret or certificate is wrong.",
            "Check auth_method, tenant_id and client_id of the connection; on Azure, that the identity is "
            "assigned to the machine.",
        )
    if "gaierror" in names or "NameResolutionError" in names or "getaddrinfo" in texts:
        return Explanation(
            happened,
            "The host name is misspelled, or this machine's DNS does not know it (private endpoint?).",
            "Compare the account URL with the portal; look the name up from the machine that runs Airflow.",
        )
    if "refused" in texts.lower():
        return Explanation(
            happened,
            "Nothing listens at that address and port: an emulator that is not running, or a wrong port.",
            "Start the emulator or correct the URL's port.",
        )
    if "certificate" in texts.lower() or "ssl" in texts.lower():
        return Explanation(
            happened,
            "The TLS certificate is not trusted: a proxy in between, or an http server behind an https URL.",
            "Add the proxy's certificate authority to REQUESTS_CA_BUNDLE, or correct the URL's scheme.",
        )
    return Explanation(
        happened,
        "A firewall or proxy in between, or the service is not reachable from here.",
        "Open the way from the machine that runs Airflow to that address.",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what caused it, innermost last; at most ten links."""
    link: Any = error
    for _ in range(10):
        if link is None:
            return
        yield link
        reason = getattr(link, "reason", None)  # urllib3 keeps the cause here
        arguments = [item for item in link.args if isinstance(item, BaseException)]
        nested = reason if isinstance(reason, BaseException) else next(iter(arguments), None)
        link = link.__cause__ or link.__context__ or getattr(link, "inner_exception", None) or nested


def _clock_skew(error: BaseException, now: dt.datetime) -> str | None:
    """How far this machine's clock is from the server's, when that explains a refusal."""
    if error_status(error) not in (401, 403):
        return None
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        there = parsedate_to_datetime(headers.get("Date") or "")
    except (TypeError, ValueError):
        return None
    off = abs(now - there.astimezone(dt.timezone.utc))
    return f"{off.total_seconds() / 60:.0f} minutes" if off > _SKEW_LIMIT else None
