"""Applications and their packages: create, upload to ``storageUrl``, activate.

Source: Microsoft Learn, *Deploy applications to compute nodes with Batch application packages*; REST
reference, *Application*, *Application Package*.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from batch_emulator.arm.exchange import ArmCall, ArmHandler, ArmReply, properties_of
from batch_emulator.rest.errors import refusal
from batch_emulator.service.entities import Application, Json
from batch_emulator.service.times import format_time

# The service gives uploads four hours.
UPLOAD_TIME = timedelta(hours=4)
APPLICATION_TYPE = "Microsoft.Batch/batchAccounts/applications"
PACKAGE_TYPE = f"{APPLICATION_TYPE}/versions"
SETTABLE: Mapping[str, type] = {"displayName": str, "allowUpdates": bool, "defaultVersion": str}


async def list_applications(call: ArmCall) -> ArmReply:
    applications = await call.backend.read(lambda service, _now: list(service.applications()))
    return ArmReply(call.page(applications, lambda item: item.id, lambda item: _application(call, item)))


async def get_application(call: ArmCall) -> ArmReply:
    return ArmReply(
        await call.backend.read(
            lambda service, _now: _application(call, service.application(call["application"]))
        )
    )


async def create_application(call: ArmCall) -> ArmReply:
    spec = properties_of(call.body, SETTABLE)
    application = await call.backend.execute(
        lambda service, now: service.put_application(call["application"], spec, now)
    )
    return ArmReply(_application(call, application))


async def update_application(call: ArmCall) -> ArmReply:
    changes = properties_of(call.body, SETTABLE)
    application = await call.backend.execute(
        lambda service, now: service.patch_application(call["application"], changes, now)
    )
    return ArmReply(_application(call, application))


async def delete_application(call: ArmCall) -> ArmReply:
    await call.backend.execute(lambda service, now: service.delete_application(call["application"], now))
    return ArmReply()


async def list_packages(call: ArmCall) -> ArmReply:
    application = await call.backend.read(lambda service, _now: service.application(call["application"]))
    versions = sorted(application.packages.items())
    return ArmReply(call.page(versions, lambda item: item[0], lambda item: _package(call, item[0], item[1])))


async def get_package(call: ArmCall) -> ArmReply:
    version, package = await _find(call)
    return await _with_url(call, version, package)


async def create_package(call: ArmCall) -> ArmReply:
    await call.backend.execute(
        lambda service, now: service.put_package(call["application"], call["version"], now)
    )
    version, package = await _find(call)
    return await _with_url(call, version, package)


async def activate_package(call: ArmCall) -> ArmReply:
    """A package that was not uploaded cannot be activated."""
    package_format = call.body.get("format")
    if not isinstance(package_format, str):
        raise refusal("MissingRequiredProperty", PropertyName="format")
    version, package = await _find(call)
    if not await call.storage.blob_exists(package["blobName"]):
        raise refusal(
            "OperationInvalidForCurrentState",
            Reason="The package was not uploaded. Upload the zip file to storageUrl, then activate it.",
        )
    active = await call.backend.execute(
        lambda service, now: service.activate_package(call["application"], version, package_format, now)
    )
    return ArmReply(_package(call, version, active))


async def delete_package(call: ArmCall) -> ArmReply:
    await call.backend.execute(
        lambda service, now: service.delete_package(call["application"], call["version"], now)
    )
    return ArmReply()


async def _find(call: ArmCall) -> tuple[str, Json]:
    return await call.backend.read(
        lambda service, _now: service.package(call["application"], call["version"])
    )


async def _with_url(call: ArmCall, version: str, package: Json) -> ArmReply:
    expiry = call.now + UPLOAD_TIME
    url = await call.storage.upload_url(package["blobName"], expiry)
    return ArmReply(_package(call, version, package, (url, expiry)))


def _application(call: ArmCall, application: Application) -> Json:
    properties: Json = {"allowUpdates": application.allow_updates}
    if application.display_name is not None:
        properties["displayName"] = application.display_name
    if application.default_version is not None:
        properties["defaultVersion"] = application.default_version
    return {
        "id": f"{call.account_id}/applications/{application.id}",
        "name": application.id,
        "type": APPLICATION_TYPE,
        "etag": f'W/"{application.etag}"',
        "properties": properties,
    }


def _package(call: ArmCall, version: str, package: Json, upload: tuple[str, datetime] | None = None) -> Json:
    properties: Json = {"state": package["state"]}
    for name in ("format", "lastActivationTime"):
        if package.get(name) is not None:
            properties[name] = package[name]
    if upload is not None:
        properties["storageUrl"], properties["storageUrlExpiry"] = upload[0], format_time(upload[1])
    return {
        "id": f"{call.account_id}/applications/{call['application']}/versions/{version}",
        "name": version,
        "type": PACKAGE_TYPE,
        "etag": f'W/"{package["etag"]}"',
        "properties": properties,
    }


HANDLERS: dict[str, ArmHandler] = {
    "list_applications": list_applications,
    "get_application": get_application,
    "create_application": create_application,
    "update_application": update_application,
    "delete_application": delete_application,
    "list_packages": list_packages,
    "get_package": get_package,
    "create_package": create_package,
    "activate_package": activate_package,
    "delete_package": delete_package,
}
