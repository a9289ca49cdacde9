"""A description of faults is taken whole or refused with the place of what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batch_emulator.faults import Faults, FaultsError, load_faults, parse_faults, to_json
from batch_emulator.faults.record import (
    NODE_FAULTS,
    REQUEST_FAULTS,
    CapacityLimit,
    NodeLoss,
    Preemption,
    QuotaLimits,
    ServerError,
    Throttling,
)
from batch_emulator.rest.operations import OPERATION_NAMES


def parse(**members: Any) -> Faults:
    return parse_faults(members, OPERATION_NAMES)


def test_nothing_is_an_emulator_that_behaves() -> None:
    assert parse() == Faults()
    assert not Faults()
    assert Faults(quotas=QuotaLimits(pools=0))
    assert Faults(capacity=(CapacityLimit(),))


def test_values_are_read_and_defaults_filled_in() -> None:
    faults = parse(
        seed=-3,
        requests=[
            {"fault": "throttling", "status": 429, "retryAfterSeconds": None, "operations": ["get_*"]},
            {"fault": "serverError", "when": "afterCommit", "times": 2, "skip": 1, "rate": 0.5},
        ],
        nodes=[{"fault": "preemption", "perNodeHour": 3}, {"fault": "nodeLoss", "awaySeconds": None}],
        quotas={"dedicatedCores": 8},
        capacity=[{"vmSizes": ["*_nc*"], "dedicatedNodes": 0, "code": "AllocationTimedout"}, {}],
    )
    assert faults == Faults(
        seed=-3,
        requests=(
            Throttling(status=429, retry_after=None, operations=("get_*",)),
            ServerError(when="afterCommit", times=2, skip=1, rate=0.5),
        ),
        nodes=(Preemption(per_node_hour=3.0), NodeLoss(away=None)),
        quotas=QuotaLimits(dedicated_cores=8),
        capacity=(
            CapacityLimit(vm_sizes=("*_nc*",), dedicated_nodes=0, code="AllocationTimedout"),
            CapacityLimit(),
        ),
    )
    assert faults.requests[1].rate == 0.5


def test_the_json_form_says_the_same() -> None:
    faults = parse(
        seed=5,
        requests=[{"fault": name} for name in REQUEST_FAULTS],
        nodes=[{"fault": name, "pools": ["a*"]} for name in NODE_FAULTS],
        quotas={"pools": 1},
        capacity=[{"lowPriorityNodes": 3, "awaySeconds": 60}],
    )
    text = json.dumps(to_json(faults))
    assert parse_faults(json.loads(text), OPERATION_NAMES) == faults
    assert [rule["fault"] for rule in to_json(faults)["requests"]] == list(REQUEST_FAULTS)


def test_faults_add_up() -> None:
    one = parse(seed=1, requests=[{"fault": "latency"}], quotas={"pools": 1, "dedicatedCores": 2})
    one += parse(capacity=[{"dedicatedNodes": 1}])
    two = parse(nodes=[{"fault": "slowBoot"}], quotas={"pools": 5}, capacity=[{"lowPriorityNodes": 2}])
    both = one + two
    assert (both.seed, both.requests, both.nodes) == (1, one.requests, two.nodes)
    assert both.quotas == QuotaLimits(pools=5, dedicated_cores=2)
    assert both.capacity == one.capacity + two.capacity


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "faults must be a JSON object"),
        ({"request": []}, "faults has no member 'request'; perhaps 'requests' is meant"),
        ({"requests": {}}, "requests must be a list"),
        ({"requests": [1]}, r"requests\[0\] must be an object"),
        ({"requests": [{}]}, r"requests\[0\].fault must be one of throttling, latency"),
        ({"requests": [{"fault": "preemption"}]}, r"requests\[0\].fault must be one of"),
        ({"requests": [{"fault": "latency", "second": 1}]}, r"requests\[0\] .*perhaps 'seconds'"),
        (
            {"requests": [{"fault": "latency", "rate": 1.5}]},
            r"requests\[0\].rate must be from 0 to 1, not 1.5",
        ),
        ({"requests": [{"fault": "latency", "rate": True}]}, "rate must be a number"),
        ({"requests": [{"fault": "latency", "seconds": float("nan")}]}, "seconds must be a number"),
        ({"requests": [{"fault": "latency", "skip": None}]}, "skip must be a whole number, 0 or more"),
        ({"requests": [{"fault": "latency", "times": -1}]}, "times must be 0 or more"),
        ({"requests": [{"fault": "throttling", "status": 500}]}, "status must be one of 503, 429"),
        ({"requests": [{"fault": "throttling", "status": [503]}]}, "status must be one of"),
        ({"requests": [{"fault": "serverError", "when": "later"}]}, "when must be one of beforeCommit"),
        ({"requests": [{"fault": "latency", "operations": []}]}, "operations must be a list of at least one"),
        (
            {"requests": [{"fault": "latency", "operations": ["add_task"]}]},
            "no operation is called 'add_task'",
        ),
        ({"nodes": [{"fault": "failedBoot", "pools": [""]}]}, r"pools\[0\] must be a text"),
        ({"nodes": [{"fault": "failedStartTask", "exitCode": 0}]}, "exitCode must be from 1 to 255"),
        ({"quotas": {"pools": 1.5}}, "quotas.pools must be a whole number"),
        ({"quotas": {"cores": 1}}, "quotas has no member 'cores'"),
        ({"capacity": {"dedicatedNodes": 1}}, "capacity must be a list"),
        ({"capacity": [{"dedicatedNodes": -1}]}, r"capacity\[0\].dedicatedNodes must be 0 or more"),
        ({"capacity": [{"spotNodes": 1}]}, r"capacity\[0\] has no member 'spotNodes'"),
        ({"capacity": [{"code": "Full"}]}, r"capacity\[0\].code must be one of AllocationFailed"),
        ({"seed": "x"}, "seed must be a whole number"),
        ({"seed": 10**30}, "seed must be a whole number"),
        ({"nodes": [{"fault": "failedBoot", "code": "\ud800"}]}, "code must be a text"),
    ],
)
def test_what_is_wrong_is_named(value: Any, words: str) -> None:
    with pytest.raises(FaultsError, match=words):
        parse_faults(value, OPERATION_NAMES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON: .*line 1, column 2"),
        ("[" * 100_000, "nested too deeply|not JSON"),
        ('{"seed": 0.5}', "seed must be a whole number"),
    ],
)
def test_a_bad_file_is_named(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text)
    with pytest.raises(FaultsError, match=f"faults.json.*({words})"):
        load_faults(path, OPERATION_NAMES)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match="No such file"):
        load_faults(tmp_path / "none.json", OPERATION_NAMES)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(FaultsError, match="not UTF-8"):
        load_faults(tmp_path / "binary.json", OPERATION_NAMES)
