"""Application packages through the management plane: create, upload, activate, make the default."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_batch_provider.client.connect.credentials import token_credential
from airflow_batch_provider.client.connect.identity import AuthMethod, Identity
from airflow_batch_provider.client.connect.secret import signatures_in
from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.files.package_content import content_hash
from airflow_batch_provider.client.requests.service_errors import (
    ACCESS_STATUS,
    error_code,
    error_status,
    error_text,
    explain_access,
    is_transient,
)
from airflow_batch_provider.spec.explain import Explanation

if TYPE_CHECKING:
    from azure.mgmt.batch import BatchManagementClient
    from azure.storage.blob import BlobClient

T = TypeVar("T")

# Metadata of the package's blob, by which a later run sees whether it would upload the same.
_HASH = "contenthash"
_BLOCK_BYTES = 8 * 1024 * 1024
_OTHER_SECONDS, _OTHER_PAUSE = 300.0, 1.0
"""How long another task's upload of the same version is waited for, and the time between two looks."""


class PackageError(Exception):
    """A package that cannot be put into the account; the text explains.

    Parameters:
        explanation: what happened, likely cause, next step.
        fatal: whether trying again without a change is pointless.
    """

    def __init__(self, explanation: Explanation, *, fatal: bool) -> None:
        super().__init__(str(explanation))
        self.explanation = explanation
        self.fatal = fatal


@dataclass(frozen=True)
class PackageVersion:
    """One version of an application in a Batch account.

    Parameters:
        application_id, version: their names.
        resource_id: the application's ARM id, by which pools refer to it.
        uploaded: whether this run uploaded it.
    """

    application_id: str
    version: str
    resource_id: str
    uploaded: bool


class PackageStore:
    """The applications of one Batch account.

    Parameters:
        client: management client of the account's subscription.
        settings: the account.
        mask: called with the signature of every upload URL before it is used.
        log: gets a line for each thing done.
    """

    def __init__(
        self,
        client: BatchManagementClient,
        settings: BatchSettings,
        *,
        mask: Callable[[str], None],
        log: Callable[[str], None],
    ) -> None:
        self._client = client
        self._settings = settings
        self._root = settings.account_resource_id
        self._scope = (str(settings.resource_group), settings.account_name)
        self._mask = mask
        self._log = log

    def is_active(self, application_id: str, version: str) -> bool:
        """Whether a version is there and usable.

        Raises:
            PackageError: the management plane refused or gave no answer.
        """
        return self._guarded(lambda: self._get(application_id, version) is not None, application_id, version)

    def ensure(
        self, application_id: str, version: str, archive: Path | None, *, make_default: bool
    ) -> PackageVersion:
        """Have a version in the account, uploading it only if it is not there.

        Parameters:
            application_id, version: their names.
            archive: the zip file; None if the version is known to be there.
            make_default: make it the version that references without one get.

        Raises:
            PackageError: the version is there with another content, or the account refuses.
        """
        return self._guarded(
            lambda: self._ensure(application_id, version, archive, make_default), application_id, version
        )

    def _ensure(
        self, application_id: str, version: str, archive: Path | None, make_default: bool
    ) -> PackageVersion:
        active = self._get(application_id, version)
        if active is None:
            if archive is None:
                raise PackageError(
                    Explanation(
                        f"Version {version} of application {application_id} went away meanwhile.",
                        "Someone deleted it while this task ran.",
                        "Run the task again: it makes and uploads the package.",
                    ),
                    fatal=False,
                )
            self._create_application(application_id)
            if not self._upload(application_id, version, archive):
                active = self._await_other(application_id, version)
        if active is not None and archive is not None:
            self._compare(application_id, version, active, content_hash(archive))
        if make_default:
            self._make_default(application_id, version)
        resource_id = f"{self._root}/applications/{application_id}"
        return PackageVersion(application_id, version, resource_id, uploaded=active is None)

    def _get(self, application_id: str, version: str) -> Any:
        """The version if it is active; None when it is missing or was never uploaded to its end."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            package = self._client.application_package.get(*self._scope, application_id, version)
        except ResourceNotFoundError as error:
            if error_code(error) in ("ResourceGroupNotFound", "AccountNotFound", "ResourceNotFound"):
                self._check_account()
            return None
        return package if str(getattr(package.state, "value", package.state)).lower() == "active" else None

    def _check_account(self) -> None:
        """Tell an account that is not there from an application that is not there: raises for the former."""
        self._client.batch_account.get(*self._scope)

    def _create_application(self, application_id: str) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            self._client.application.get(*self._scope, application_id)
        except ResourceNotFoundError:
            # Created only when missing: creating it again would reset its default version.
            self._client.application.create(
                *self._scope, application_id, {"properties": {"allowUpdates": True}}
            )
            self._log(f"Created application {application_id}.")

    def _upload(self, application_id: str, version: str, archive: Path) -> bool:
        """Whether the version is there by this; False when another task uploads it, or has, meanwhile."""
        from azure.core.exceptions import HttpResponseError

        packages = self._client.application_package
        try:
            package = packages.create(*self._scope, application_id, version)
            size = archive.stat().st_size
            self._log(f"Uploading version {version} of {application_id} ({size / 1e6:.1f} MB).")
            with self._blob(str(package.storage_url)) as blob, archive.open("rb") as data:
                blob.upload_blob(data, overwrite=True, metadata={_HASH: content_hash(archive)})
            packages.activate(*self._scope, application_id, version, {"format": "zip"})
        except HttpResponseError as error:
            if error_code(error) == "OperationInvalidForCurrentState":
                return False
            if error_status(error) == 409 and self._get(application_id, version) is not None:
                return False
            raise
        self._log(f"Version {version} of {application_id} is active.")
        return True

    def _await_other(self, application_id: str, version: str) -> Any:
        """The version once it is active by whoever uploads it too: the last to begin has its place."""
        self._log(f"Another task uploads version {version} of {application_id} too; waiting for it.")
        deadline = time.monotonic() + _OTHER_SECONDS
        while (active := self._get(application_id, version)) is None:
            if time.monotonic() > deadline:
                raise PackageError(
                    Explanation(
                        f"Version {version} of application {application_id} was begun by another task and is "
                        "not there yet.",
                        "That task uploads for long, or was ended.",
                        "Run the task again: it uploads the package anew.",
                    ),
                    fatal=False,
                )
            time.sleep(_OTHER_PAUSE)
        return active

    def _compare(self, application_id: str, version: str, package: Any, wanted: str) -> None:
        there = self._stored_hash(package)
        if there is None:
            self._log(f"Version {version} of {application_id} is active; its content could not be compared.")
        elif there == wanted:
            self._log(f"Version {version} of {application_id} is active with the same content.")
        else:
            raise PackageError(
                Explanation(
                    f"Version {version} of application {application_id} is there with another content.",
                    "The package was changed without a new version. Nodes that have this version would keep "
                    "the old content, new nodes would get the new one.",
                    "Give the new content a new version.",
                ),
                fatal=True,
            )

    def _stored_hash(self, package: Any) -> str | None:
        """What was noted at the upload; None when the URL does not let it be read or nothing was noted."""
        from azure.core.exceptions import AzureError

        if not package.storage_url:
            return None
        try:
            with self._blob(str(package.storage_url)) as blob:
                return dict(blob.get_blob_properties().metadata or {}).get(_HASH)
        except AzureError:
            return None

    def _make_default(self, application_id: str, version: str) -> None:
        application = self._client.application.get(*self._scope, application_id)
        if (application.default_version or "").lower() != version.lower():
            self._client.application.update(
                *self._scope, application_id, {"properties": {"defaultVersion": version}}
            )
            self._log(f"Version {version} is now the default of {application_id}.")

    def _blob(self, url: str) -> BlobClient:
        from azure.storage.blob import BlobClient

        query = url.partition("?")[2]
        for signature in signatures_in(query):
            self._mask(signature)
        credential = None
        if "sig=" not in query:
            # An account whose linked storage is reached by identity hands out URLs without a SAS.
            credential = token_credential(self._settings.identity or Identity(AuthMethod.DEFAULT_CREDENTIAL))
        return BlobClient.from_blob_url(
            url, credential=credential, max_block_size=_BLOCK_BYTES, max_single_put_size=_BLOCK_BYTES
        )

    def _guarded(self, call: Callable[[], T], application_id: str, version: str) -> T:
        from azure.core.exceptions import AzureError

        try:
            return call()
        except AzureError as error:
            raise self._explained(error, application_id, version) from error

    def _explained(self, error: BaseException, application_id: str, version: str) -> PackageError:
        status, code = error_status(error), error_code(error)
        what = f"Version {version} of application {application_id}"
        if status == 404:
            return PackageError(
                Explanation(
                    f"{what}: {error_text(error)} [404 {code}]",
                    f"There is no Batch account {self._settings.account_name} in resource group "
                    f"{self._settings.resource_group} of subscription {self._settings.subscription_id}.",
                    "Correct subscription_id and resource_group of the Airflow connection.",
                ),
                fatal=True,
            )
        if status == 409 or "storage" in code.lower():
            return PackageError(
                Explanation(
                    f"{what} was refused: {error_text(error)} [{status} {code}]",
                    "The Batch account has no linked (auto) storage account, or its quota of applications or "
                    "versions is used up.",
                    "Link a storage account (portal: Batch account, Storage account) or delete old versions.",
                ),
                fatal=True,
            )
        where = self._settings.arm_endpoint
        explanation = explain_access(error, "Azure Resource Manager", where, self._settings.account_name)
        return PackageError(explanation, fatal=not is_transient(error) and status not in {0, *ACCESS_STATUS})
