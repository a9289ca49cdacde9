"""Applications as nodes may use them; they are made through the management plane.

Source: Azure Batch REST reference, *Applications*: only packages that are active are listed here.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.exchange import Call, Reply, version_headers
from batch_emulator.rest.paging import render_page
from batch_emulator.service.entities import Application, Json

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService


async def list_applications(call: Call, backend: Backend) -> Reply:
    def query(service: BatchService, _now: datetime) -> Json:
        usable = (application for application in service.applications() if active_versions(application))
        return render_page(call, "applications", usable, lambda application: application.id, _render)

    return Reply(await backend.read(query))


async def get_application(call: Call, backend: Backend) -> Reply:
    def query(service: BatchService, _now: datetime) -> Reply:
        application = service.application(call["applicationId"])
        body = {"odata.metadata": f"{call.base_url}/$metadata#applications/@Element"} | _render(application)
        if application.last_modified is None:
            return Reply(body)
        return Reply(body, version_headers(application.etag, application.last_modified))

    return await backend.read(query)


def active_versions(application: Application) -> list[str]:
    """The versions that nodes can install."""
    return sorted(
        version for version, package in application.packages.items() if package["state"] == "Active"
    )


def _render(application: Application) -> Json:
    body: Json = {"id": application.id}
    if application.display_name is not None:
        body["displayName"] = application.display_name
    return {**body, "versions": active_versions(application)}


HANDLERS = {"list_applications": list_applications, "get_application": get_application}
