"""What a pool asks for beside what there can be."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from airflow_batch_provider.client.pool_limits import Machine, find_excess, image_ending

MACHINE = Machine(4, "standardDv5Family")
ACCOUNT = {
    "dedicatedCoreQuota": 20,
    "lowPriorityCoreQuota": 8,
    "dedicatedCoreQuotaPerVMFamilyEnforced": False,
}
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def a_pool(**fields: Any) -> dict[str, Any]:
    return {"id": "p", "vmSize": "standard_d4_v5", **fields}


@pytest.mark.parametrize(
    ("fields", "account", "words"),
    [
        ({"targetDedicatedNodes": 5, "targetLowPriorityNodes": 2, "taskSlotsPerNode": 16}, {}, None),
        ({"enableAutoScale": True}, {}, None),
        ({"targetDedicatedNodes": 6}, {}, "6 dedicated nodes of 4 cores, 24 in all"),
        ({"targetLowPriorityNodes": 3}, {}, "3 Spot nodes"),
        ({"taskSlotsPerNode": 17}, {}, "task_slots to 16"),
        ({"targetDedicatedNodes": 6}, {"dedicatedCoreQuota": None}, None),
        (
            {"targetDedicatedNodes": 2},
            {
                "dedicatedCoreQuotaPerVMFamilyEnforced": True,
                "dedicatedCoreQuotaPerVMFamily": [{"name": "StandardDv5Family", "coreQuota": 4}],
            },
            "quota is 4",
        ),
        (
            {"targetDedicatedNodes": 2},
            {"dedicatedCoreQuotaPerVMFamily": [{"name": "StandardDv5Family", "coreQuota": 4}]},
            None,
        ),
    ],
)
def test_what_can_never_come_up_is_told(
    fields: dict[str, Any], account: dict[str, Any], words: str | None
) -> None:
    found = find_excess(a_pool(**fields), {**ACCOUNT, **account}, MACHINE)
    assert (words is None) == (found is None)
    assert words is None or words in str(found)


def test_a_size_is_found_whatever_its_case_and_only_with_its_cores() -> None:
    skus = [{"name": "Standard_D4_v5", "familyName": "f", "capabilities": [{"name": "vCPUs", "value": "4"}]}]
    assert Machine.find("standard_d4_v5", skus) == Machine(4, "f")
    assert Machine.find("standard_d8_v5", skus) is None
    assert Machine.find("a", [{"name": "A", "familyName": "f"}]) is None


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("2025-05-31T00:00:00Z", "ended on 2025-05-31"),
        ("2026-03-01T00:00:00Z", "ends on 2026-03-01"),
        ("2027-01-01T00:00:00Z", None),
        (None, None),
    ],
)
def test_an_image_whose_support_ends_is_told(end: str | None, words: str | None) -> None:
    names = {"publisher": "canonical", "offer": "o", "sku": "20_04"}
    wire = a_pool(virtualMachineConfiguration={"imageReference": {**names, "version": "latest"}})
    told = image_ending(wire, [{"imageReference": names, "batchSupportEndOfLife": end}], NOW)
    assert (told is None) == (words is None)
    assert words is None or words in str(told)
    assert image_ending(wire, [], NOW) is None
