"""The latest image by a pattern."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.spec import Image, LatestImage, SpecError


def supported(sku: str, **fields: Any) -> dict[str, Any]:
    offer, publisher = fields.pop("offer", "ubuntu"), fields.pop("publisher", "canonical")
    reference = {"publisher": publisher, "offer": offer, "sku": sku, "version": "latest"}
    return {
        "nodeAgentSKUId": f"agent {sku}",
        "imageReference": reference,
        "osType": "linux",
        "verificationType": "verified",
        **fields,
    }


def chosen(*images: dict[str, Any], **pattern: Any) -> str:
    return LatestImage(**{"publisher": "Canonical", **pattern}).choose(images).sku


def test_the_newest_verified_one_is_taken_with_its_node_agent() -> None:
    images = [
        supported("22_04-lts"),
        supported("24_04-lts"),
        supported("26_04", verificationType="unverified"),
    ]
    image = LatestImage(publisher="canonical", sku="*lts").choose(images)
    assert image == Image("canonical", "ubuntu", "24_04-lts", "agent 24_04-lts")
    assert chosen(*images, verified=False) == "26_04"


def test_numbers_count_as_numbers() -> None:
    assert chosen(supported("9-gen2"), supported("10-gen2")) == "10-gen2"


def test_the_plain_name_comes_before_its_variants() -> None:
    assert chosen(supported("server"), supported("server-gen1")) == "server"


def test_what_is_supported_for_good_comes_before_what_is_not() -> None:
    ending = supported("24_04", batchSupportEndOfLife="2027-01-01T00:00:00Z")
    assert chosen(ending, supported("22_04")) == "22_04"
    assert chosen(ending) == "24_04"


def test_capabilities_and_the_system_count() -> None:
    docker = supported("20_04", capabilities=["DockerCompatible", "SomethingElse"])
    windows = supported("30", osType="windows")
    assert chosen(docker, supported("22_04"), windows, capabilities=["dockercompatible"]) == "20_04"
    assert LatestImage(windows=True).choose([docker, windows]).windows


def test_none_that_fits_tells_those_there_are() -> None:
    with pytest.raises(SpecError, match="canonical/ubuntu/22_04"):
        chosen(supported("22_04"), sku="99*")


def test_patterns_fit_whatever_the_case() -> None:
    pattern = LatestImage(publisher="Canonical", offer="0001-*", sku="22?04*")
    assert pattern.fits({"publisher": "canonical", "offer": "0001-com", "sku": "22_04-lts"})
    assert not pattern.fits({"publisher": "canonical", "offer": "other", "sku": "22_04-lts"})
    assert not pattern.fits({})


@pytest.mark.parametrize("fields", [{"publisher": ""}, {"capabilities": "DockerCompatible"}])
def test_mistakes_are_errors_at_dag_parse(fields: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        LatestImage(**fields)
