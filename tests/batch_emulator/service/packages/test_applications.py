"""Applications and packages (Azure Batch: *Deploy applications with Batch application packages*)."""

from __future__ import annotations

import re

import pytest

from batch_emulator.service import Account
from batch_emulator.service.effects import BootNode, DeletePackageBlob, PackageInstall
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.refusals import refusal
from tests.batch_emulator.service.world import ACCOUNT, World


def with_package(version: str = "1.0", default: str | None = "1.0") -> World:
    world = World()
    world.do("put_application", "FFmpeg", {})
    world.do("put_package", "ffmpeg", version)
    world.do("activate_package", "ffmpeg", version, "zip")
    if default:
        world.do("patch_application", "ffmpeg", {"defaultVersion": default})
    return world


def reference(version: str | None = None) -> dict[str, object]:
    item = {"applicationId": f"{ACCOUNT.resource_id}/applications/ffmpeg"}
    return {"applicationPackageReferences": [{**item, "version": version} if version else item]}


def test_from_creation_to_activation() -> None:
    world = World()
    application = world.do("put_application", "App", {"displayName": "An app"})
    assert (application.id, application.allow_updates) == ("App", True)
    package = world.do("put_package", "app", "1.0")
    assert package["state"] == "Pending"
    assert package["blobName"].startswith("app-app/1.0-")
    package = world.do("activate_package", "APP", "1.0", "zip")
    assert (package["state"], package["format"]) == ("Active", "zip")
    assert world.service.package("app", "1.0") == ("1.0", package)
    assert [application.id for application in world.service.applications()] == ["App"]


@pytest.mark.parametrize("application", ["my_app", "My-App-", "a--b", "x" * 64, "_"])
def test_packages_lie_in_containers_with_proper_names(application: str) -> None:
    world = World()
    containers = set()
    for name in (application, "my-app"):
        world.do("put_application", name, {})
        container = world.do("put_package", name, "1.0")["blobName"].partition("/")[0]
        assert re.fullmatch(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*", container), container
        containers.add(container)
    assert len(containers) == 2


def test_what_does_not_exist() -> None:
    world = World()
    assert refusal(world, "put_package", "app", "1") == ("ApplicationNotFound", 404)
    world.do("put_application", "app", {})
    assert refusal(world, "activate_package", "app", "1", "zip")[1] == 404
    assert refusal(world, "patch_application", "app", {"defaultVersion": "1"})[1] == 400
    assert refusal(world, "put_package", "app", "a/b")[1] == 400


def test_packages_need_linked_storage() -> None:
    world = World(Account("acct", has_linked_storage=False))
    world.do("put_application", "app", {})
    assert refusal(world, "put_package", "app", "1") == ("StorageAccountNotFound", 400)


def test_a_version_put_again_gets_a_new_blob_and_the_old_one_goes() -> None:
    world = with_package()
    _, old = world.service.package("ffmpeg", "1.0")
    world.do("put_package", "ffmpeg", "1.0")
    _, new = world.service.package("ffmpeg", "1.0")
    assert new["state"] == "Pending"
    assert [effect.blob_name for effect in world.sent(DeletePackageBlob)] == [old["blobName"]]
    assert new["blobName"] != old["blobName"]


def test_without_allow_updates_versions_may_only_be_added() -> None:
    world = with_package()
    world.do("patch_application", "ffmpeg", {"allowUpdates": False})
    assert refusal(world, "put_package", "ffmpeg", "1.0")[1] == 409
    assert refusal(world, "delete_package", "ffmpeg", "1.0")[1] == 409
    world.do("put_package", "ffmpeg", "2.0")


def test_deleting_the_default_version_leaves_no_default() -> None:
    world = with_package()
    assert refusal(world, "delete_application", "ffmpeg")[1] == 409
    world.do("delete_package", "ffmpeg", "1.0")
    assert world.service.application("ffmpeg").default_version is None
    world.do("delete_application", "ffmpeg")
    assert not world.journal


def test_a_pool_installs_its_packages_at_every_boot() -> None:
    world = with_package()
    _, package = world.service.package("ffmpeg", "1.0")
    world.do("create_pool", a_pool(nodes=1, **reference()))
    install = PackageInstall("FFmpeg", "1.0", package["blobName"], is_default=True)
    assert world.sent(BootNode)[0].packages == (install,)
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    assert world.run_of("task").pool_packages == (install,)


@pytest.mark.parametrize("version", [None, "2.0"])
def test_a_pool_may_only_name_what_can_be_used(version: str | None) -> None:
    world = with_package(default=None)
    body = a_pool(**reference(version))
    assert refusal(world, "create_pool", body) == ("InvalidApplicationPackageReferences", 409)
    world.do("create_pool", a_pool())
    assert refusal(world, "patch_pool", "pool", reference(version)) == (
        "InvalidApplicationPackageReferences",
        409,
    )


def test_a_pool_names_applications_of_this_account_by_their_full_id() -> None:
    world = with_package()
    other = Account("other").resource_id
    for name in ("ffmpeg", f"{other}/applications/ffmpeg"):
        body = a_pool(applicationPackageReferences=[{"applicationId": name}])
        assert refusal(world, "create_pool", body)[0] == "InvalidApplicationPackageReferences"


def test_a_task_gets_the_packages_it_names() -> None:
    world = with_package()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do(
        "create_task",
        "job",
        a_task(applicationPackageReferences=[{"applicationId": "ffmpeg", "version": "1.0"}]),
    )
    (install,) = world.run_of("task").packages
    assert (install.application_id, install.version, install.is_default) == ("FFmpeg", "1.0", False)


def test_a_task_whose_package_cannot_be_had_fails_without_a_retry() -> None:
    world = with_package(default=None)
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job(constraints={"maxTaskRetryCount": 3}))
    world.do("create_task", "job", a_task(applicationPackageReferences=[{"applicationId": "ffmpeg"}]))
    task = world.task()
    assert task.failure is not None
    assert (task.state, task.exit_code, task.failure.code) == ("completed", None, "ApplicationPackageError")
    assert not world.running
    assert world.node_states() == ["idle"]


def test_a_task_names_the_application_alone() -> None:
    world = with_package()
    world.do("create_job", a_job())
    body = a_task(
        applicationPackageReferences=[{"applicationId": f"{ACCOUNT.resource_id}/applications/ffmpeg"}]
    )
    assert refusal(world, "create_task", "job", body) == ("InvalidPropertyValue", 400)
