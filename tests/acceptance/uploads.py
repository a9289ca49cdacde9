"""The storage account and the management plane beside an account."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.mgmt.batch import BatchManagementClient
from azure.storage.blob import BlobClient, generate_container_sas

from batch_emulator.testing import LocalBatch
from demo.stack.accounts import AZURITE_ACCOUNT, AZURITE_KEY
from tests.protocol.test_management import GROUP, SUBSCRIPTION, Bearer, token


def a_container(account: LocalBatch, name: str) -> str:
    """The URL of a container that can be written to."""
    assert account.storage is not None
    with account.storage.blobs() as blobs:
        with suppress(ResourceExistsError):
            blobs.create_container(name)
        expiry = datetime.now(timezone.utc) + timedelta(hours=1)
        signature = generate_container_sas(
            AZURITE_ACCOUNT, name, account_key=AZURITE_KEY, permission="rwl", expiry=expiry
        )
        return f"{blobs.get_container_client(name).url}?{signature}"


@contextmanager
def management(account: LocalBatch, key: str | None = None) -> Iterator[BatchManagementClient]:
    """The official client of the management plane."""
    credential: Any = object()
    with BatchManagementClient(
        credential=credential,
        subscription_id=SUBSCRIPTION,
        base_url=account.endpoint,
        authentication_policy=Bearer(token(key or account.key)),
        retry_total=0,
    ) as client:
        yield client


def a_package(account: LocalBatch, application: str, version: str) -> None:
    """An application package with a program ``hello``: created, uploaded, activated."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        program = zipfile.ZipInfo("hello")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, "#!/bin/sh\necho hello\n")
    with management(account) as client:
        names = (GROUP, account.account, application)
        client.application.create(*names)
        made = client.application_package.create(*names, version)
        with BlobClient.from_blob_url(str(made.properties.storage_url)) as blob:
            blob.upload_blob(content.getvalue(), overwrite=True)
        client.application_package.activate(*names, version, {"format": "zip"})
        client.application.update(*names, {"properties": {"defaultVersion": version}})
