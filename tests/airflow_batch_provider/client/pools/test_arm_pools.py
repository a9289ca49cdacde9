"""The management plane's shape of a pool: what the emulator's own reading of it gives back."""

from __future__ import annotations

from typing import Any

from airflow_batch_provider.client.pools.arm_pools import arm_pool
from airflow_batch_provider.spec import FixedScale, Pool, pending_tasks
from batch_emulator.arm.pool_shape import from_arm, identity_from_arm
from batch_emulator.rest.contract import load_contract
from batch_emulator.rest.validation import validate_body
from tests.airflow_batch_provider.spec.test_pool_parts import ACCOUNT, READER, a_pool_with_everything


def there_and_back(pool: Pool) -> tuple[Any, Any]:
    wire = pool.to_wire(ACCOUNT)
    body = arm_pool(wire, pool.identity_ids)
    contract = load_contract()
    back = from_arm(pool.id, body["properties"])
    return validate_body(back, "BatchPoolCreateOptions", contract), validate_body(
        wire, "BatchPoolCreateOptions", contract
    )


def test_nothing_is_lost_on_the_way() -> None:
    given, wanted = there_and_back(a_pool_with_everything())
    assert given == wanted


def test_scales_and_packages() -> None:
    for scale in (FixedScale(1, 2), pending_tasks(3)):
        pool = Pool(
            id="p", vm_size="standard_d2s_v5", scale=scale, packages=["a==1"], inter_node_communication=True
        )
        given, wanted = there_and_back(pool)
        assert given == wanted


def test_words_are_spelled_as_there_and_names_of_an_author_are_left() -> None:
    body = arm_pool(a_pool_with_everything().to_wire(ACCOUNT), [READER])
    machine = body["properties"]["deploymentConfiguration"]["virtualMachineConfiguration"]
    assert machine["nodeAgentSkuId"] == "batch.node.ubuntu 22.04"
    assert machine["diskEncryptionConfiguration"]["targets"] == ["TemporaryDisk"]
    assert machine["containerConfiguration"]["type"] == "DockerCompatible"
    assert machine["extensions"][0]["settings"] == {"a": "1"}
    assert machine["extensions"][0]["type"] == "T"
    assert body["properties"]["mountConfiguration"][4]["cifsMountConfiguration"]["userName"] == "u"
    assert body["properties"]["userAccounts"][0]["elevationLevel"] == "Admin"
    assert identity_from_arm(body["identity"])["userAssignedIdentities"][0]["resourceId"] == READER  # type: ignore[index]
