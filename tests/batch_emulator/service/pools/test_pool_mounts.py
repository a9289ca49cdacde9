"""Mounts of a pool: what is refused, and with which words."""

from __future__ import annotations

from typing import Any

import pytest

from batch_emulator.service.errors import BatchError
from batch_emulator.service.pools.pool_mounts import BLOB, check_mounts, mounts_of

SHARE = {
    "accountName": "a",
    "accountKey": "KEY",
    "azureFileUrl": "https://a.file.core.windows.net/s",
    "relativeMountPath": "s",
}
CIFS = {"username": "u", "password": "KEY", "source": "//x/y", "relativeMountPath": "c"}
NFS = {"source": "x:/y", "relativeMountPath": "n"}


def blob(path: str = "data", **more: Any) -> dict[str, Any]:
    usual = {"accountName": "a", "containerName": "c", "relativeMountPath": path, "accountKey": "KEY"}
    return {BLOB: {name: value for name, value in {**usual, **more}.items() if value is not None}}


def refused(*mounts: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(BatchError) as caught:
        check_mounts(list(mounts))
    assert "KEY" not in str(caught.value.values)
    return caught.value.code, caught.value.values["PropertyName"]


def test_containers_are_taken_as_they_are() -> None:
    given = [
        blob("data"),
        blob("other/data", accountKey=None, sasKey="?sv=1"),
        blob("third", accountKey=None, identityReference={"resourceId": "/x"}, blobfuseOptions="-o ro"),
    ]
    assert check_mounts(given) == given
    assert [mount["relativeMountPath"] for mount in mounts_of(given)] == ["data", "other/data", "third"]
    assert mounts_of(None) == ()


@pytest.mark.parametrize(
    ("mount", "kind"),
    [
        ({"azureFileShareConfiguration": SHARE}, "azureFileShareConfiguration"),
        ({"cifsMountConfiguration": CIFS}, "cifsMountConfiguration"),
        ({"nfsMountConfiguration": NFS}, "nfsMountConfiguration"),
    ],
)
def test_other_file_systems_are_checked_and_refused_by_name(mount: dict[str, Any], kind: str) -> None:
    assert refused(mount) == ("UnsupportedProperty", f"mountConfiguration.{kind}")
    for name in mount[kind]:
        rest = {key: value for key, value in mount[kind].items() if key != name}
        assert refused({kind: rest}) == ("MissingRequiredProperty", f"mountConfiguration.{kind}.{name}")


@pytest.mark.parametrize(
    "mounts",
    [
        [{}],
        [{**blob(), "nfsMountConfiguration": NFS}],
        [blob(accountKey=None)],
        [blob(sasKey="s")],
        [blob("../out")],
        [blob("/abs")],
        [blob("a//b")],
        [blob("a"), blob("a/")],
        [blob("a"), blob("a/b")],
        [blob("a/b"), blob("a")],
        [blob(str(number)) for number in range(11)],
    ],
)
def test_what_cannot_be_is_an_invalid_value(mounts: list[dict[str, Any]]) -> None:
    assert refused(*mounts)[0] == "InvalidPropertyValue"


def test_ten_mounts_are_taken() -> None:
    assert len(check_mounts([blob(str(number)) for number in range(10)])) == 10
