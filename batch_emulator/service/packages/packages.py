"""Which package a reference to an application means.

Source: *Deploy applications to compute nodes with Batch application packages*.
"""

from __future__ import annotations

import re
from dataclasses import astuple
from typing import Any

from batch_emulator.service.effects import PackageInstall
from batch_emulator.service.entities import Json, Node
from batch_emulator.service.error_kinds import INVALID_APPLICATION_PACKAGE_REFERENCES, invalid, missing
from batch_emulator.service.errors import BatchError
from batch_emulator.service.limits import MAX_PACKAGES_PER_POOL
from batch_emulator.service.state import State

_FULL_ID = re.compile(
    r"(?P<account>/subscriptions/.+/batchAccounts/[^/]+)/applications/(?P<name>[^/]+)", re.IGNORECASE
)


def resolve(state: State, name: str, version: str | None) -> PackageInstall | None:
    """The package that is meant, if it can be used now.

    :param name: the application alone.
    :param version: ``None`` means the default version.
    """
    application = state.applications.get(name)
    if application is None:
        return None
    wanted = version or application.default_version
    if wanted is None:
        return None
    for known, package in application.packages.items():
        if known.lower() == wanted.lower() and package["state"] == "Active":
            return PackageInstall(application.id, known, package["blobName"], version is None)
    return None


def pool_packages(state: State, references: list[Json]) -> tuple[PackageInstall, ...]:
    """The packages that nodes of a pool get; those that are gone meanwhile are left out."""
    found = (resolve(state, _application_name(item), item.get("version")) for item in references)
    return tuple(package for package in found if package is not None)


def lost_reference(state: State, references: list[Json]) -> str | None:
    """The first reference that means no package any more."""
    for item in references:
        name = _application_name(item)
        if resolve(state, name, item.get("version")) is None:
            return name
    return None


def check_pool_references(state: State, references: list[Json]) -> None:
    """References of a pool name applications by their full id and must be usable at once.

    :raises BatchError: ``InvalidApplicationPackageReferences``.
    """
    if len(references) > MAX_PACKAGES_PER_POOL:
        raise invalid(
            "applicationPackageReferences",
            len(references),
            f"A pool has at most {MAX_PACKAGES_PER_POOL} packages",
        )
    for item in references:
        if not item.get("applicationId"):
            raise missing("applicationPackageReferences.applicationId")
        match = _FULL_ID.fullmatch(item["applicationId"])
        if match is None or match["account"].lower() != state.account.resource_id.lower():
            raise BatchError(
                INVALID_APPLICATION_PACKAGE_REFERENCES,
                {
                    item[
                        "applicationId"
                    ]: "On a pool this must be the full resource id of an application of this"
                    f" account: {state.account.resource_id}/applications/<name>"
                },
            )
        if resolve(state, match["name"], item.get("version")) is None:
            raise BatchError(
                INVALID_APPLICATION_PACKAGE_REFERENCES,
                {
                    item[
                        "applicationId"
                    ]: "The application or version does not exist, is not active, or has no default"
                },
            )


def _application_name(reference: Json) -> str:
    return str(reference["applicationId"]).rpartition("/")[2]


def to_rows(installs: tuple[PackageInstall, ...]) -> list[list[Any]]:
    """The durable form of packages."""
    return [list(astuple(install)) for install in installs]


def of_node(node: Node) -> tuple[PackageInstall, ...]:
    """The pool's packages that a node was booted with."""
    return tuple(PackageInstall(*row) for row in node.packages)
