"""Applications and their packages.

Source: *Deploy applications to compute nodes with Batch application packages*.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from batch_emulator.service.assumptions import MAX_APPLICATIONS
from batch_emulator.service.effects import DeletePackageBlob
from batch_emulator.service.entities import Application, Json
from batch_emulator.service.error_kinds import (
    APPLICATION_NOT_EMPTY,
    APPLICATION_NOT_FOUND,
    APPLICATION_PACKAGE_NOT_FOUND,
    APPLICATION_UPDATES_NOT_ALLOWED,
    OPERATION_INVALID_FOR_CURRENT_STATE,
    STORAGE_ACCOUNT_NOT_FOUND,
    conflict,
    invalid,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.ids import check_id, check_version, make_guid
from batch_emulator.service.limits import MAX_PACKAGES_PER_APPLICATION
from batch_emulator.service.spec_checks import check_display_name, without_nulls
from batch_emulator.service.state import State
from batch_emulator.service.times import format_time

_MAX_CONTAINER = 63


def find(state: State, application_id: str) -> Application:
    """An application. :raises BatchError: ``ApplicationNotFound``."""
    application = state.applications.get(application_id)
    if application is None:
        raise BatchError(APPLICATION_NOT_FOUND)
    return application


def find_package(state: State, application_id: str, version: str) -> tuple[str, Json]:
    """A package of an application.

    :returns: its version as it was written first, and the package.
    """
    for known, package in find(state, application_id).packages.items():
        if known.lower() == version.lower():
            return known, package
    raise BatchError(APPLICATION_PACKAGE_NOT_FOUND)


def put(state: State, application_id: str, body: Json) -> Application:
    """Add an application, or set the properties of one that exists.

    :param body: ``displayName``, ``allowUpdates``, ``defaultVersion``.
    """
    check_id(application_id, "applicationId")
    body = without_nulls(body)
    application = state.applications.get(application_id)
    _check(application, body)
    if application is None:
        if len(state.applications) >= MAX_APPLICATIONS:
            raise conflict(OPERATION_INVALID_FOR_CURRENT_STATE, f"An account has at most {MAX_APPLICATIONS}")
        application = Application(id=application_id)
        state.applications.add(application_id, application)
    application.display_name, application.default_version = (
        body.get("displayName"),
        body.get("defaultVersion"),
    )
    application.allow_updates = body.get("allowUpdates", True)
    return _save(state, application)


def patch(state: State, application_id: str, body: Json) -> Application:
    """Change what is given."""
    application = find(state, application_id)
    body = without_nulls(body)
    _check(application, body)
    application.display_name = body.get("displayName", application.display_name)
    application.allow_updates = body.get("allowUpdates", application.allow_updates)
    application.default_version = body.get("defaultVersion", application.default_version)
    return _save(state, application)


def _check(application: Application | None, body: Json) -> None:
    check_display_name(body)
    version = body.get("defaultVersion")
    known = {name.lower() for name in application.packages} if application else set()
    if version is not None and version.lower() not in known:
        raise invalid("defaultVersion", version, "The application has no such version")


def _save(state: State, application: Application) -> Application:
    state.touch(application)
    state.changed(application)
    return application


def delete(state: State, application_id: str) -> None:
    """Remove an application that has no packages."""
    application = find(state, application_id)
    if application.packages:
        raise BatchError(APPLICATION_NOT_EMPTY)
    state.applications.remove(application_id)
    state.removed(application)


def put_package(
    state: State, application_id: str, version: str, blob_name: Callable[[str], str] | None = None
) -> Json:
    """Add a package, or make one ready to be uploaded anew.

    :param blob_name: names the blob from a GUID; by default ``app-{application}/{version}-{guid}``.
    :returns: the package, ``Pending`` until it is activated; ``blobName`` is where it is to be uploaded.
    """
    check_version(version)
    application = find(state, application_id)
    if not state.account.has_linked_storage:
        raise BatchError(STORAGE_ACCOUNT_NOT_FOUND)
    known = next((name for name in application.packages if name.lower() == version.lower()), None)
    if known is not None and not application.allow_updates:
        raise BatchError(APPLICATION_UPDATES_NOT_ALLOWED)
    if known is None and len(application.packages) >= MAX_PACKAGES_PER_APPLICATION:
        raise conflict(
            OPERATION_INVALID_FOR_CURRENT_STATE, f"At most {MAX_PACKAGES_PER_APPLICATION} packages"
        )
    etag = state.new_etag()
    guid = make_guid(state.seed, application.id.lower(), version.lower(), etag)
    name = blob_name(guid) if blob_name else f"{_container(application.id)}/{version}-{guid}"
    if known is not None:
        state.emit(DeletePackageBlob(application.packages[known]["blobName"]))
    package = {"state": "Pending", "blobName": name, "creationTime": format_time(state.now), "etag": etag}
    application.packages = {**application.packages, known or version: package}
    _save(state, application)
    return package


def _container(application_id: str) -> str:
    """Where the packages of an application lie.

    An id may have what the name of a container may not; two ids never have one container. [U]: the service's
    own names are not public.
    """
    plain = f"app-{re.sub('[^a-z0-9]+', '-', application_id.lower()).strip('-')}"
    if plain == f"app-{application_id.lower()}" and len(plain) <= _MAX_CONTAINER:
        return plain
    mark = hashlib.sha256(application_id.lower().encode()).hexdigest()[:16]
    return f"{plain[: _MAX_CONTAINER - len(mark) - 1].rstrip('-')}-{mark}"


def activate_package(state: State, application_id: str, version: str, package_format: str) -> Json:
    """The package was uploaded and can be used. Whether the blob is there is for the caller to see."""
    known, package = find_package(state, application_id, version)
    application = find(state, application_id)
    package = {
        **package,
        "state": "Active",
        "format": package_format,
        "lastActivationTime": format_time(state.now),
        "etag": state.new_etag(),
    }
    application.packages = {**application.packages, known: package}
    _save(state, application)
    return package


def delete_package(state: State, application_id: str, version: str) -> None:
    """Remove a package; if it was the default version there is none then."""
    known, package = find_package(state, application_id, version)
    application = find(state, application_id)
    if not application.allow_updates:
        raise BatchError(APPLICATION_UPDATES_NOT_ALLOWED)
    application.packages = {name: value for name, value in application.packages.items() if name != known}
    if application.default_version is not None and application.default_version.lower() == known.lower():
        application.default_version = None
    state.emit(DeletePackageBlob(package["blobName"]))
    _save(state, application)
