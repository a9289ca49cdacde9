"""Container settings of pools and tasks: what is refused, filled in, and fits together."""

from __future__ import annotations

from typing import Any

import pytest

from batch_emulator.service.errors import BatchError
from batch_emulator.service.pools.container_spec import check_configuration, check_settings, mismatch

IMAGE = {"imageName": "busybox"}
IDENTITY = {"identityReference": {"resourceId": "/x/id"}}
LOGIN = {"username": "u", "password": "p"}


def test_a_registry_is_docker_hub_by_default() -> None:
    checked = check_configuration({"type": "dockerCompatible", "containerRegistries": [LOGIN, IDENTITY]})
    assert [item["registryServer"] for item in checked["containerRegistries"]] == ["docker.io", "docker.io"]


@pytest.mark.parametrize(
    ("registry", "code"),
    [
        ({**LOGIN, **IDENTITY}, "InvalidPropertyValue"),
        ({"username": "u"}, "MissingRequiredProperty"),
        ({"password": "p"}, "MissingRequiredProperty"),
        ({"identityReference": {}}, "MissingRequiredProperty"),
    ],
)
def test_a_registry_is_entered_in_one_way(registry: dict[str, Any], code: str) -> None:
    for check in (
        lambda: check_configuration({"containerRegistries": [registry]}),
        lambda: check_settings({**IMAGE, "registry": registry}, "containerSettings"),
    ):
        with pytest.raises(BatchError) as caught:
            check()
        assert caught.value.code == code
        assert "p" not in caught.value.values.values()


@pytest.mark.parametrize("name", ["", " ", "--privileged", "-v", "a b", "/x", "a\nb", "a;b", "$x"])
def test_what_is_no_name_of_an_image_is_refused(name: str) -> None:
    with pytest.raises(BatchError):
        check_configuration({"containerImageNames": ["busybox", name]})
    with pytest.raises(BatchError):
        check_settings({"imageName": name}, "containerSettings")


@pytest.mark.parametrize("name", ["busybox", "reg.io:5000/a/b:1.0", "a@sha256:00ff", "me/app_1-x"])
def test_names_of_images(name: str) -> None:
    check_settings({"imageName": name}, "containerSettings")


@pytest.mark.parametrize(
    "more",
    [
        {"containerRunOptions": "--gpus all"},
        {"containerRunOptions": "--gpus=all"},
        {"containerRunOptions": "--name mine"},
        {"containerRunOptions": "--label 'open"},
        {"containerHostBatchBindMounts": [{"source": "Task"}, {"source": "Task"}]},
        {"containerHostBatchBindMounts": [{"isReadOnly": True}]},
        {"containerHostBatchBindMounts": []},
        {"containerHostBatchBindMounts": [{"source": "Shared"}], "workingDirectory": "taskWorkingDirectory"},
    ],
)
def test_settings_that_cannot_be_met_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(BatchError) as caught:
        check_settings({**IMAGE, **more}, "containerSettings")
    assert caught.value.code in ("InvalidPropertyValue", "MissingRequiredProperty")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"containerRunOptions": "--network none --env 'A=b c'"},
        {"containerHostBatchBindMounts": [{"source": "Task"}, {"source": "Shared", "isReadOnly": True}]},
        {"containerHostBatchBindMounts": [], "workingDirectory": "containerImageDefault"},
        {"registry": LOGIN},
    ],
)
def test_settings_that_can_be_met_are_taken(more: dict[str, Any]) -> None:
    check_settings({**IMAGE, **more}, "containerSettings")


@pytest.mark.parametrize("kind", ["task", "manager", "start", "preparation", "release"])
def test_container_settings_and_the_pool_have_to_fit(kind: str) -> None:
    inside, outside = {"containerSettings": IMAGE}, dict[str, Any]()
    configuration = {"type": "dockerCompatible"}
    assert mismatch(kind, outside, None) is None
    assert mismatch(kind, inside, configuration) is None
    refused = mismatch(kind, inside, None)
    assert refused is not None
    assert refused.code == "ContainerPoolNotSupported"
    bare = mismatch(kind, outside, configuration)
    assert (bare is not None) is (kind in ("task", "manager"))
