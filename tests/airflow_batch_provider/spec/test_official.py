from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_batch_provider.spec import SpecError
from airflow_batch_provider.spec.official import OfficialPool
from airflow_batch_provider.spec.official_parts import wire_of


def a_pool(**options: Any) -> OfficialPool:
    image: dict[str, Any] = {
        "publisher": "canonical",
        "offer": "ubuntu",
        "sku": "22_04",
        "node_agent": "agent",
    }
    return OfficialPool(id="p", vm_size="standard_d2s_v5", **{**image, "dedicated": 1, **options})


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"dedicated": None}, "it has no size"),
        ({"auto": True}, "so is a number of nodes"),
        ({"dedicated": None, "auto": True}, "auto_scale_formula"),
        ({"latest": True}, "sku_starts_with"),
        ({"publisher": None}, "publisher, offer and sku"),
    ],
)
def test_pain_002_a_pool_that_can_have_no_nodes_is_an_error_when_the_dag_is_parsed(
    options: dict[str, Any], text: str
) -> None:
    with pytest.raises(SpecError, match=text):
        a_pool(**options)


def test_spot_nodes_alone_are_a_size() -> None:
    wire = a_pool(dedicated=None, spot=2).pool().to_wire(None)  # type: ignore[arg-type] # asked by packages only
    assert (wire["targetDedicatedNodes"], wire["targetLowPriorityNodes"]) == (0, 2)


def supported(sku: str, verified: str = "verified") -> dict[str, Any]:
    reference = {"publisher": "Canonical", "offer": "Ubuntu", "sku": sku, "version": "latest"}
    return {"imageReference": reference, "nodeAgentSKUId": f"agent {sku}", "verificationType": verified}


def test_the_newest_verified_image_is_taken_with_its_own_node_agent() -> None:
    pool = a_pool(latest=True, sku_prefix="2")
    images = [supported("20_04"), supported("24_04"), supported("26_04", "unverified"), supported("18_04")]
    assert (pool.newest(images).sku, pool.newest(images).node_agent) == ("24_04", "agent 24_04")


def test_an_image_that_no_longer_exists_is_told_with_those_that_do() -> None:
    with pytest.raises(SpecError, match=r"beginning with '16'.*There are: 20_04\."):
        a_pool(latest=True, sku_prefix="16").newest([supported("20_04")])


def test_models_of_the_client_and_dictionaries_have_the_same_wire_form() -> None:
    from azure.batch import models

    model = models.ResourceFile(http_url="https://a/b", file_path="b")
    plain = {"httpUrl": "https://a/b", "filePath": "b"}
    assert json.dumps(wire_of([model, plain], where="x")) == json.dumps([plain, plain])
    assert wire_of(None, where="x") is None
    with pytest.raises(SpecError, match="Give the model"):
        wire_of("text", where="x")
