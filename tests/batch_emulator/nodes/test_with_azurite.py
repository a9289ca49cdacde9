"""Resource files, output files and packages on a real storage service."""

from __future__ import annotations

import io
import stat
import uuid
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.storage.blob import (
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    generate_container_sas,
)

from batch_emulator.nodes.directories import NodeLayout, TaskLayout
from batch_emulator.nodes.output_files import OutputFiles
from batch_emulator.nodes.packages import Packages, package_directory
from batch_emulator.nodes.resource_files import ResourceFiles
from batch_emulator.nodes.storage import LinkedStorage
from batch_emulator.nodes.transfer import Fetcher, TransferError
from batch_emulator.service.effects import PackageInstall
from batch_emulator.service.errors import Failure
from demo.stack.accounts import StorageAccount

pytestmark = pytest.mark.slow

IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"


class Bench:
    """A container with some blobs, and a task's directory."""

    def __init__(self, account: StorageAccount, folder: Path) -> None:
        self.account = account
        self.folder = folder
        self.linked = LinkedStorage.from_connection_string(account.connection_string)
        self.fetcher = Fetcher()
        service = BlobServiceClient.from_connection_string(account.connection_string)
        self.container: ContainerClient = service.create_container(f"c-{uuid.uuid4().hex[:10]}")
        self.name: str = self.container.container_name
        for name in ("a b+ü.txt", "in/one.bin", "in/two.bin", "inside.txt"):
            self.container.upload_blob(name, name.encode())
        self.task = TaskLayout(folder / "task")
        self.task.make()

    @property
    def url(self) -> str:
        return f"{self.account.blob_endpoint}/{self.name}"

    def sas(self, permissions: str) -> str:
        return str(
            generate_container_sas(
                self.account.name,
                self.name,
                account_key=self.account.key,
                permission=ContainerSasPermissions.from_string(permissions),
                expiry=datetime.now(timezone.utc) + timedelta(hours=1),
            )
        )

    async def place(
        self, *files: dict[str, Any], linked: bool = True, identities: tuple[str, ...] = ()
    ) -> list[str]:
        resource_files = ResourceFiles(self.fetcher, self.linked if linked else None)
        await resource_files.place(files, self.task.working, identities)
        working = self.task.working
        return sorted(str(path.relative_to(working)) for path in working.rglob("*") if path.is_file())

    async def refused(self, *files: dict[str, Any], **how: Any) -> Failure:
        with pytest.raises(TransferError) as caught:
            await self.place(*files, **how)
        assert "sig=" not in repr(caught.value.failure)
        return caught.value.failure

    async def upload(
        self, *outputs: dict[str, Any], exit_code: int = 0, identities: tuple[str, ...] = ()
    ) -> list[str]:
        await OutputFiles(self.linked).upload(outputs, exit_code, self.task, {"N": "1"}, identities)
        return sorted(blob.name for blob in self.container.list_blobs(name_starts_with="out"))

    def output(
        self, pattern: str, path: str | None = None, url: str = "", **container: Any
    ) -> dict[str, Any]:
        destination = {"containerUrl": url or f"{self.url}?{self.sas('rcw')}", **container}
        if path is not None:
            destination["path"] = path
        return {
            "filePattern": pattern,
            "destination": {"container": destination},
            "uploadOptions": {"uploadCondition": "taskcompletion"},
        }


@pytest.fixture
async def bench(azurite: StorageAccount, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(azurite, tmp_path)
    yield bench
    await bench.fetcher.close()


# ---------------------------------------------------------------- resource files


async def test_a_url_with_a_sas_becomes_a_file_with_its_mode(bench: Bench) -> None:
    url = f"{bench.url}/a%20b%2B%C3%BC.txt?{bench.sas('r')}"
    files = await bench.place(
        {"httpUrl": url, "filePath": "deep/er/x.txt"}, {"httpUrl": url, "filePath": "y", "fileMode": "0640"}
    )
    assert files == ["deep/er/x.txt", "y"]
    placed = bench.task.working / "deep/er/x.txt"
    assert placed.read_text() == "a b+ü.txt"
    assert stat.S_IMODE(placed.stat().st_mode) == 0o770
    assert stat.S_IMODE((bench.task.working / "y").stat().st_mode) == 0o640


async def test_a_container_keeps_the_whole_names_below_the_path(bench: Bench) -> None:
    url = f"{bench.url}?{bench.sas('rl')}"
    everything = ["a b+ü.txt", "in/one.bin", "in/two.bin", "inside.txt"]
    assert await bench.place({"storageContainerUrl": url}) == everything
    files = await bench.place({"storageContainerUrl": url, "blobPrefix": "in/", "filePath": "sub/dir"})
    assert set(files) - set(everything) == {"sub/dir/in/one.bin", "sub/dir/in/two.bin"}


async def test_a_prefix_may_cut_inside_a_name(bench: Bench) -> None:
    url = f"{bench.url}?{bench.sas('rl')}"
    files = await bench.place({"storageContainerUrl": url, "blobPrefix": "in"})
    assert files == ["in/one.bin", "in/two.bin", "inside.txt"]


async def test_an_auto_storage_container_is_read_with_the_accounts_key(bench: Bench) -> None:
    file = {"autoStorageContainerName": bench.name, "blobPrefix": "in/"}
    assert await bench.place(file) == ["in/one.bin", "in/two.bin"]


async def test_an_identity_of_the_pool_reaches_the_linked_account(bench: Bench) -> None:
    reference = {"identityReference": {"resourceId": IDENTITY.upper()}}
    files = await bench.place(
        {"httpUrl": f"{bench.url}/inside.txt", "filePath": "x", **reference},
        {"storageContainerUrl": bench.url, "blobPrefix": "in/", **reference},
        identities=(IDENTITY,),
    )
    assert files == ["in/one.bin", "in/two.bin", "x"]


async def test_refusals_of_resource_files(bench: Bench) -> None:
    read, nothing = bench.sas("rl"), bench.sas("w")
    missing = await bench.refused({"httpUrl": f"{bench.url}/none?{read}", "filePath": "f"})
    assert (missing.code, missing.category) == ("BlobNotFound", "usererror")
    assert dict(missing.details)["FilePath"] == "f"
    assert dict(missing.details)["BlobSource"] == f"{bench.url}/none"
    bad = f"{bench.url}/inside.txt?{read[:-8]}AAAA%3D"
    assert (await bench.refused({"httpUrl": bad, "filePath": "f"})).code == "BlobAccessDenied"
    denied = {"storageContainerUrl": f"{bench.url}?{nothing}"}
    assert (await bench.refused(denied)).code == "ResourceContainerAccessDenied"
    auto = {"autoStorageContainerName": "no-such-container"}
    assert (await bench.refused(auto)).code == "ResourceContainerNotFound"
    assert (await bench.refused(auto, linked=False)).code == "ResourceContainerAccessDenied"


async def test_refusals_of_identities(bench: Bench) -> None:
    reference = {"identityReference": {"resourceId": IDENTITY}}
    container = {"storageContainerUrl": bench.url, **reference}
    assert (await bench.refused(container)).code == "ResourceContainerListMiscError"
    elsewhere = {"storageContainerUrl": "https://other.blob.core.windows.net/c", **reference}
    failure = await bench.refused(elsewhere, identities=(IDENTITY,))
    assert failure.code == "ResourceContainerAccessDenied"
    blob = {"httpUrl": f"{bench.url}/inside.txt", "filePath": "f", **reference}
    assert (await bench.refused(blob, linked=False, identities=(IDENTITY,))).code == "BlobAccessDenied"


async def test_a_server_that_is_not_there_is_a_server_error(bench: Bench) -> None:
    failure = await bench.refused({"httpUrl": "http://127.0.0.1:9/x?sig=s", "filePath": "f"})
    assert (failure.code, failure.category) == ("BlobDownloadMiscError", "servererror")


# ---------------------------------------------------------------- output files


async def test_matching_files_are_uploaded_with_their_headers(bench: Bench) -> None:
    (bench.task.working / "v").mkdir()
    for name in ("v/1.mp4", "v/2.mp4", "report.json"):
        (bench.task.working / name).write_text(name)
    bench.task.stdout.write_text("said")
    headers = [
        {"name": "Content-Type", "value": "video/mp4"},
        {"name": "x-ms-blob-cache-control", "value": "max-age=1"},
        {"name": "x-ms-meta-madeby", "value": "test"},
    ]
    uploaded = await bench.upload(
        bench.output("v/*.mp4", "out/videos", uploadHeaders=headers),
        bench.output("report.json", "out/r.json"),
        bench.output("../std*.txt", "out/logs"),
        bench.output("none/*.x", "out/none"),
    )
    assert uploaded == [
        "out/logs/stderr.txt",
        "out/logs/stdout.txt",
        "out/r.json",
        "out/videos/1.mp4",
        "out/videos/2.mp4",
    ]
    blob = bench.container.get_blob_client("out/videos/1.mp4")
    properties = blob.get_blob_properties()
    assert blob.download_blob().readall() == b"v/1.mp4"
    assert properties.content_settings.content_type == "video/mp4"
    assert properties.content_settings.cache_control == "max-age=1"
    assert properties.metadata == {"madeby": "test"}
    log = bench.task.upload_out.read_text()
    assert "matched 2 file(s)" in log
    assert "out/videos/2.mp4" in log
    assert "sig=" not in log
    assert bench.task.upload_err.read_text() == ""


async def test_an_upload_overwrites_what_an_earlier_try_left(bench: Bench) -> None:
    (bench.task.working / "x").write_text("one")
    await bench.upload(bench.output("x", "out/x"))
    (bench.task.working / "x").write_text("second")
    assert await bench.upload(bench.output("x", "out/x")) == ["out/x"]
    assert bench.container.download_blob("out/x").readall() == b"second"


async def test_conditions_look_at_the_exit_code(bench: Bench) -> None:
    (bench.task.working / "x").write_text("x")
    good, bad = bench.output("x", "out/good"), bench.output("x", "out/bad")
    good["uploadOptions"] = {"uploadCondition": "tasksuccess"}
    bad["uploadOptions"] = {"uploadCondition": "taskfailure"}
    assert await bench.upload(good, bad, exit_code=3) == ["out/bad"]
    assert await bench.upload(good, bad, exit_code=0) == ["out/bad", "out/good"]


async def test_an_identity_writes_to_the_linked_account(bench: Bench) -> None:
    (bench.task.working / "x").write_text("x")
    output = bench.output("x", "out/x", url=bench.url, identityReference={"resourceId": IDENTITY})
    assert await bench.upload(output, identities=(IDENTITY,)) == ["out/x"]


async def test_one_failed_upload_is_reported_and_the_others_are_made(bench: Bench) -> None:
    (bench.task.working / "x").write_text("x")
    missing = f"{bench.account.blob_endpoint}/no-such-container?{bench.sas('rcw')}"
    for url, code in (
        (
            await bench.linked.signed(f"{bench.account.blob_endpoint}/no-such", "rcw"),
            "FileUploadContainerNotFound",
        ),
        (missing, "FileUploadAccessDenied"),
        (f"{bench.url}?{bench.sas('r')}", "FileUploadAccessDenied"),
        ("http://127.0.0.1:9/acc/c?sig=s", "FileUploadMiscError"),
    ):
        with pytest.raises(TransferError) as caught:
            await bench.upload(bench.output("x", "out/lost", url=url), bench.output("x", "out/made"))
        assert caught.value.failure.code == code
        assert "sig=" not in repr(caught.value.failure)
        assert code in bench.task.upload_err.read_text()
    assert [blob.name for blob in bench.container.list_blobs(name_starts_with="out")] == ["out/made"]


# ---------------------------------------------------------------- packages


def a_package() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = zipfile.ZipInfo("bin/tool")
        info.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(info, "#!/bin/sh\necho tool\n")
    return content.getvalue()


async def test_a_package_goes_from_its_upload_url_to_every_node(bench: Bench) -> None:
    blob_name = f"app-{uuid.uuid4().hex[:8]}/tool-1.0.zip"
    assert not await bench.linked.blob_exists(blob_name)
    url = await bench.linked.upload_url(blob_name, datetime.now(timezone.utc) + timedelta(hours=1))
    async with aiohttp.ClientSession() as session:
        answer = await session.put(url, data=a_package(), headers={"x-ms-blob-type": "BlockBlob"})
        assert answer.status == 201
    assert await bench.linked.blob_exists(blob_name)
    packages = Packages(bench.folder / "cache", bench.fetcher, bench.linked)
    package = PackageInstall("tool", "1.0", blob_name, is_default=True)
    layouts = [NodeLayout(bench.folder / f"n{number}") for number in (1, 2)]
    for layout in layouts:
        layout.make(wipe=True)
        await packages.install([package], layout)
        await packages.install([package], layout)
    tools = [package_directory(layout, package) / "bin/tool" for layout in layouts]
    assert all(stat.S_IMODE(tool.stat().st_mode) == 0o755 for tool in tools)
    assert tools[0].stat().st_ino == tools[1].stat().st_ino  # one copy on the disk
    assert [path.name for path in (layouts[0].applications / "tool").iterdir()] == ["1.0"]
    await packages.delete(blob_name)
    assert not await bench.linked.blob_exists(blob_name)
    assert list((bench.folder / "cache").iterdir()) == []
    assert tools[0].exists()


async def test_unusable_packages_are_told(bench: Bench) -> None:
    bench.container.upload_blob("broken.zip", b"not a zip")
    packages = Packages(bench.folder / "cache", bench.fetcher, bench.linked)
    layout = NodeLayout(bench.folder / "n")
    layout.make(wipe=True)
    for blob, words in (("broken.zip", "not a usable zip file"), ("none.zip", "does not exist")):
        with pytest.raises(TransferError) as caught:
            await packages.install([PackageInstall("app", "1", f"{bench.name}/{blob}", True)], layout)
        failure = caught.value.failure
        assert failure.code == "ApplicationPackageError"
        assert words in dict(failure.details)["Message"]
        assert "sig=" not in repr(failure)
    assert [path for path in layout.applications.rglob("*") if path.is_file()] == []
    assert [path for path in (bench.folder / "cache").rglob("*") if path.is_file()] == []


async def test_a_malformed_url_is_told_without_repeating_it(bench: Bench) -> None:
    (bench.task.working / "x").write_text("x")
    failure = await bench.refused({"storageContainerUrl": "http:///?sig=secret"})
    assert failure.code == "ResourceContainerListMiscError"
    with pytest.raises(TransferError) as caught:
        await bench.upload(bench.output("x", url="http:///?sig=secret"))
    assert caught.value.failure.code == "FileUploadMiscError"
    assert "secret" not in repr(caught.value.failure) + bench.task.upload_err.read_text()
    blob = await bench.refused({"httpUrl": "http://[::1/x?sig=secret", "filePath": "f"})
    assert (blob.code, "secret" in repr(blob)) == ("BlobDownloadMiscError", False)
