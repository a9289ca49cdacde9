"""Containers as folders, on a real storage service."""

from __future__ import annotations

import os
import shutil
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import (
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    generate_container_sas,
)

from batch_emulator.nodes.directories import NodeLayout
from batch_emulator.nodes.mounts.mounts import Mounts, account_endpoint
from batch_emulator.nodes.storage import LinkedStorage
from batch_emulator.nodes.transfer import TransferError
from demo.stack.accounts import StorageAccount

pytestmark = pytest.mark.slow

IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"


class Bench:
    """A container, and nodes that mount it."""

    def __init__(self, account: StorageAccount, folder: Path) -> None:
        self.account, self.folder = account, folder
        self.linked = LinkedStorage.from_connection_string(account.connection_string)
        self.mounts = Mounts(self.linked)
        service = BlobServiceClient.from_connection_string(account.connection_string)
        self.container: ContainerClient = service.create_container(f"m-{uuid.uuid4().hex[:10]}")

    def node(self, name: str = "n") -> NodeLayout:
        layout = NodeLayout(self.folder / "p" / name)
        layout.make(wipe=False)
        return layout

    def mount(self, **changes: Any) -> dict[str, Any]:
        usual = {
            "accountName": self.account.name,
            "containerName": self.container.container_name,
            "relativeMountPath": "data",
            "accountKey": self.account.key,
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def blobs(self) -> dict[str, bytes]:
        names = [blob.name for blob in self.container.list_blobs()]
        return {name: self.container.download_blob(name).readall() for name in names}


def files(layout: NodeLayout) -> dict[str, bytes]:
    root = layout.mounts / "data"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def bench(azurite: StorageAccount, tmp_path: Path) -> Bench:
    return Bench(azurite, tmp_path)


async def test_both_sides_come_in_step(bench: Bench) -> None:
    for name in ("a.txt", "deep/er/b+ü.txt"):
        bench.container.upload_blob(name, name.encode())
    here, mounts = bench.node(), [bench.mount()]
    await bench.mounts.attach(mounts, here, [])
    assert files(here) == {"a.txt": b"a.txt", "deep/er/b+ü.txt": "deep/er/b+ü.txt".encode()}

    root = here.mounts / "data"
    (root / "new").mkdir()
    (root / "new/made").write_bytes(b"1")
    (root / "a.txt").write_bytes(b"changed")
    (root / "deep/er/b+ü.txt").unlink()
    os.symlink("/etc/hostname", root / "link")
    await bench.mounts.save(mounts, here, [])
    assert bench.blobs() == {"a.txt": b"changed", "new/made": b"1"}

    bench.container.upload_blob("a.txt", b"from elsewhere", overwrite=True)
    bench.container.upload_blob("more", b"2")
    bench.container.delete_blob("new/made")
    await bench.mounts.refresh(mounts, here, [])
    (root / "link").unlink()
    assert files(here) == {"a.txt": b"from elsewhere", "more": b"2"}
    await bench.mounts.save(mounts, here, [])
    assert bench.blobs() == files(here)


async def test_nothing_is_transferred_when_nothing_has_changed(bench: Bench) -> None:
    bench.container.upload_blob("a", b"1")
    here, mounts = bench.node(), [bench.mount()]
    await bench.mounts.attach(mounts, here, [])
    before = bench.container.get_blob_client("a").get_blob_properties().etag
    stamp = (here.mounts / "data/a").stat()
    await bench.mounts.refresh(mounts, here, [])
    await bench.mounts.save(mounts, here, [])
    assert bench.container.get_blob_client("a").get_blob_properties().etag == before
    assert (here.mounts / "data/a").stat() == stamp
    # Another emulator on the same folder remembers.
    await Mounts(bench.linked).save(mounts, here, [])
    assert bench.container.get_blob_client("a").get_blob_properties().etag == before


async def test_a_folder_that_was_lost_while_the_node_was_down_is_filled_again(bench: Bench) -> None:
    bench.container.upload_blob("a", b"1")
    here, mounts = bench.node(), [bench.mount()]
    await bench.mounts.attach(mounts, here, [])
    shutil.rmtree(here.mounts / "data")
    await bench.mounts.attach(mounts, here, [])
    await bench.mounts.save(mounts, here, [])
    assert bench.blobs() == files(here) == {"a": b"1"}


async def test_two_nodes_see_each_others_files(bench: Bench) -> None:
    one, two, mounts = bench.node("one"), bench.node("two"), [bench.mount()]
    for layout in (one, two):
        await bench.mounts.attach(mounts, layout, [])
    (one.mounts / "data/x").write_bytes(b"of one")
    await bench.mounts.save(mounts, one, [])
    await bench.mounts.refresh(mounts, two, [])
    assert files(two) == {"x": b"of one"}


async def test_a_read_only_mount_writes_nothing_back(bench: Bench) -> None:
    here, mounts = bench.node(), [bench.mount(blobfuseOptions="-o ro")]
    await bench.mounts.attach(mounts, here, [])
    (here.mounts / "data/x").write_bytes(b"1")
    await bench.mounts.save(mounts, here, [])
    assert bench.blobs() == {}


async def test_names_that_cannot_be_files_are_left_out_and_named(bench: Bench) -> None:
    for name in ("a", "a/b", "x//y", "ok"):
        bench.container.upload_blob(name, b"1")
    bench.container.upload_blob("folder", b"", metadata={"hdi_isfolder": "true"})
    here, mounts = bench.node(), [bench.mount()]
    await bench.mounts.attach(mounts, here, [])
    assert files(here) == {"a/b": b"1", "ok": b"1"}
    assert (here.mounts / "data/folder").is_dir()
    log = (here.mounts / "fshare-data.log").read_text()
    assert "a, x//y" in log
    await bench.mounts.save(mounts, here, [])
    assert {"a", "x//y"} <= bench.blobs().keys()


async def test_by_sas_and_by_identity(bench: Bench) -> None:
    bench.container.upload_blob("a", b"1")
    sas = generate_container_sas(
        bench.account.name,
        bench.container.container_name,
        account_key=bench.account.key,
        permission=ContainerSasPermissions(read=True, list=True),
        expiry=datetime.now(timezone.utc) + timedelta(hours=1),
    )
    for number, credential in enumerate(
        ({"sasKey": sas}, {"sasKey": f"?{sas}"}, {"identityReference": {"resourceId": IDENTITY.upper()}})
    ):
        here = bench.node(f"n{number}")
        await bench.mounts.attach([bench.mount(accountKey=None, **credential)], here, [IDENTITY])
        assert files(here) == {"a": b"1"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"containerName": "no-such-container"}, "404"),
        ({"accountKey": "d3Jvbmc="}, "403"),
        ({"accountKey": None, "sasKey": "sv=1&sig=secret"}, "HTTP status"),
        ({"accountKey": "not base64!"}, ""),
        ({"accountKey": None, "identityReference": {"resourceId": IDENTITY}}, "not assigned to the pool"),
        ({"blobfuseOptions": "-o 'open"}, "No closing quotation"),
    ],
)
async def test_a_mount_that_cannot_be_had(bench: Bench, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(TransferError) as caught:
        await bench.mounts.attach([bench.mount(**changes)], bench.node(), [])
    failure = caught.value.failure
    assert failure.code == "MountConfigurationError"
    details = dict(failure.details)
    assert details["MountConfigurationPath"] == "data"
    assert words in details["Message"]
    assert "secret" not in repr(failure)


def test_addresses_of_accounts() -> None:
    azurite = LinkedStorage("devstoreaccount1", "a2V5", "http://127.0.0.1:10000/devstoreaccount1")
    azure = LinkedStorage("mine", "a2V5", "https://mine.blob.core.windows.net")
    assert account_endpoint("devstoreaccount1", azurite) == azurite.endpoint
    assert account_endpoint("other", azurite) == "http://127.0.0.1:10000/other"
    assert account_endpoint("mine", azure) == azure.endpoint
    assert account_endpoint("other", azure) == "https://other.blob.core.windows.net"
    assert account_endpoint("other", None) == "https://other.blob.core.windows.net"
    assert account_endpoint("devstoreaccount1", None) == azurite.endpoint
