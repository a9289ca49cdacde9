"""What only older api-versions have.

The features are retired, in Azure as here, so there is never anything to show. [U]: what Azure answers since
is not public; these answers say the truth with codes that those api-versions have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from batch_emulator.rest.errors import refusal
from batch_emulator.rest.exchange import Reply
from batch_emulator.rest.older_requests import CERTIFICATES_RETIRED
from batch_emulator.rest.paging import render_page
from batch_emulator.service.error_kinds import OPERATION_NOT_VALID_ON_NODE
from batch_emulator.service.errors import BatchError

if TYPE_CHECKING:
    from batch_emulator.rest.backend import Backend
    from batch_emulator.rest.exchange import Call
    from batch_emulator.rest.handlers import Handler


async def create_certificate(_call: Call, _backend: Backend) -> Reply:
    raise refusal("OperationInvalidForCurrentState", Reason=CERTIFICATES_RETIRED)


async def list_certificates(call: Call, _backend: Backend) -> Reply:
    return Reply(render_page(call, "certificates", (), str, lambda _: {}))


async def no_certificate(_call: Call, _backend: Backend) -> Reply:
    raise refusal("CertificateNotFound")


async def get_remote_desktop(call: Call, backend: Backend) -> Reply:
    """Source: REST reference, *Compute Node - Get Remote Desktop*: only on pools of Cloud Services."""
    await backend.read(lambda service, _now: service.node(call["poolId"], call["nodeId"]))
    reason = "Only nodes of Cloud Services pools have a remote desktop file."
    raise BatchError(OPERATION_NOT_VALID_ON_NODE, {"Reason": reason})


HANDLERS: Mapping[str, Handler] = {
    "create_certificate": create_certificate,
    "list_certificates": list_certificates,
    "get_certificate": no_certificate,
    "delete_certificate": no_certificate,
    "cancel_certificate_deletion": no_certificate,
    "get_remote_desktop": get_remote_desktop,
}
