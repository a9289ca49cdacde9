"""What a pool asks for beside what there can be."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from airflow_batch_provider.client.pools.pool_limits import (
    count_missing,
    find_excess_slots,
    find_pool_excess,
    find_shortages,
    image_end,
)
from airflow_batch_provider.client.pools.quotas import Limits, Machine, Quota, Quotas, count_up, read_machines

MACHINE = Machine(4, "standardDv5Family")
ACCOUNT = {
    "dedicatedCoreQuota": 20,
    "lowPriorityCoreQuota": 8,
    "poolQuota": 3,
    "dedicatedCoreQuotaPerVMFamilyEnforced": False,
}
FAMILY = {"dedicatedCoreQuotaPerVMFamily": [{"name": "StandardDv5Family", "coreQuota": 4}]}
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def a_pool(**fields: Any) -> dict[str, Any]:
    return {"id": "p", "vmSize": "standard_d4_v5", **fields}


def quotas(*pools: dict[str, Any], **account: Any) -> Quotas:
    machines = {"standard_d4_v5": MACHINE, "standard_e8_v5": Machine(8, "standardEv5Family")}
    return count_up("acct", Limits({**ACCOUNT, **account}, machines), pools)


@pytest.mark.parametrize(
    ("fields", "account", "words"),
    [
        ({"targetDedicatedNodes": 5, "targetLowPriorityNodes": 2}, {}, None),
        ({"enableAutoScale": True}, {}, None),
        ({"targetDedicatedNodes": 6}, {}, "6 dedicated nodes of 4 cores, 24 in all"),
        ({"targetLowPriorityNodes": 3}, {}, "quota of Spot cores is 8"),
        ({"targetDedicatedNodes": 6}, {"dedicatedCoreQuota": None}, None),
        (
            {"targetDedicatedNodes": 2},
            {"dedicatedCoreQuotaPerVMFamilyEnforced": True, **FAMILY},
            "quota of dedicated cores of StandardDv5Family is 4",
        ),
        ({"targetDedicatedNodes": 2}, FAMILY, None),
    ],
)
def test_what_can_never_come_up_is_told(
    fields: dict[str, Any], account: dict[str, Any], words: str | None
) -> None:
    found = list(find_shortages(a_pool(**fields), "Pool p", quotas(**account), MACHINE))
    assert (words is None) == (not found)
    assert all(shortage.lasting for shortage in found)
    assert words is None or words in str(found[0].explanation)


def test_what_other_pools_use_is_told_and_passes() -> None:
    others = quotas(
        {"vmSize": "standard_e8_v5", "currentDedicatedNodes": 1, "targetDedicatedNodes": 9},
        {"vmSize": "STANDARD_D4_V5", "allocationState": "resizing", "targetDedicatedNodes": 1},
    )
    assert others.dedicated_cores == Quota("dedicated cores", 20, 12)
    assert not list(find_shortages(a_pool(targetDedicatedNodes=2), "Pool p", others, MACHINE))
    wanted = a_pool(targetDedicatedNodes=4, targetLowPriorityNodes=2)
    (shortage,) = find_shortages(wanted, "Pool p", others, MACHINE)
    assert not shortage.lasting
    assert count_missing([shortage]) == 2
    assert "quota of dedicated cores is 20, 12 of them in use: there is room for 2 more" in str(
        shortage.explanation
    )


def test_of_a_pool_that_grows_only_what_is_added_counts() -> None:
    itself = quotas({"vmSize": "standard_d4_v5", "currentDedicatedNodes": 3, "currentLowPriorityNodes": 2})
    wanted = {"targetDedicatedNodes": 5, "targetLowPriorityNodes": 1}
    assert not list(find_shortages(wanted, "Pool p", itself, MACHINE, (3, 2)))
    full = find_shortages(wanted, "Pool p", itself, MACHINE)
    assert [shortage.kind for shortage in full] == ["Spot", "dedicated"]


def test_the_narrower_of_two_quotas_of_dedicated_nodes_counts() -> None:
    both = quotas(
        {"vmSize": "standard_e8_v5", "currentDedicatedNodes": 1},
        {"vmSize": "standard_d4_v5", "currentDedicatedNodes": 1},
        dedicatedCoreQuotaPerVMFamilyEnforced=True,
        dedicatedCoreQuotaPerVMFamily=[{"name": "standardDv5Family", "coreQuota": 12}],
    )
    assert both.families["standarddv5family"].used == 4
    found = list(find_shortages(a_pool(targetDedicatedNodes=3), "Pool p", both, MACHINE))
    assert [shortage.missing for shortage in found] == [1, 1]
    assert count_missing(found) == 1


def test_cores_of_a_size_that_is_not_listed_are_not_guessed() -> None:
    unlisted = quotas({"vmSize": "standard_new", "currentDedicatedNodes": 5})
    assert (unlisted.dedicated_cores.used, unlisted.spot_cores.used) == (None, 0)
    assert not list(find_shortages(a_pool(targetDedicatedNodes=5), "Pool p", unlisted, MACHINE))
    assert list(find_shortages(a_pool(targetDedicatedNodes=6), "Pool p", unlisted, MACHINE))


def test_more_slots_than_a_node_can_have_are_told() -> None:
    assert find_excess_slots(a_pool(taskSlotsPerNode=16), "Pool p", MACHINE) is None
    assert "task_slots to 16" in str(find_excess_slots(a_pool(taskSlotsPerNode=17), "Pool p", MACHINE))


def test_one_pool_too_many_is_told() -> None:
    assert find_pool_excess("Pool p", quotas(*[{}] * 2).pools) is None
    assert "quota of pools is 3, 3 of them in use" in str(find_pool_excess("Pool p", quotas(*[{}] * 3).pools))
    assert find_pool_excess("Pool p", quotas(*[{}] * 9, poolQuota=None).pools) is None


def test_quotas_read_as_a_line() -> None:
    told = quotas(
        {"vmSize": "standard_d4_v5", "currentDedicatedNodes": 1},
        dedicatedCoreQuotaPerVMFamilyEnforced=True,
        dedicatedCoreQuotaPerVMFamily=[
            {"name": "standardDv5Family", "coreQuota": 12},
            {"name": "standardEv5Family", "coreQuota": 0},
        ],
    )
    assert str(told) == (
        "Quotas of account acct, in use: 4 of 20 dedicated cores, 4 of 12 dedicated cores of "
        "standardDv5Family, 0 of 8 Spot cores, 1 of 3 pools"
    )


def test_sizes_are_known_whatever_their_case_and_only_with_their_cores() -> None:
    skus = [
        {"name": "Standard_D4_v5", "familyName": "f", "capabilities": [{"name": "vCPUs", "value": "4"}]},
        {"name": "A", "familyName": "f"},
    ]
    assert read_machines(skus) == {"standard_d4_v5": Machine(4, "f")}


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
    told = image_end(wire, [{"imageReference": names, "batchSupportEndOfLife": end}], NOW)
    assert (told is None) == (words is None)
    assert told is None or told.past == (told.date < NOW)
    assert told is None or words is None or words in f"{told.explain('Pool p')} {told.notice}"
    assert image_end(wire, [], NOW) is None
