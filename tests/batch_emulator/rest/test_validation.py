from __future__ import annotations

from typing import Any

import pytest

from batch_emulator.rest.contract import load_contract
from batch_emulator.rest.validation import parse_json, validate_body
from batch_emulator.service.errors import BatchError

CONTRACT = load_contract()
POOL = {"id": "p", "vmSize": "standard_d2s_v3"}


def pool(**properties: Any) -> dict[str, Any]:
    return validate_body({**POOL, **properties}, "BatchPoolCreateOptions", CONTRACT)


def refused(body: Any, model: str = "BatchPoolCreateOptions") -> BatchError:
    with pytest.raises(BatchError) as caught:
        validate_body(body, model, CONTRACT)
    return caught.value


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("PT15M00S", "PT15M"),
        ("PT02H00M00S", "PT2H"),
        ("P1DT06H00M01.5S", "P1DT6H1.5S"),
        ("P7D", "P7D"),
        ("P10675199DT2H48M5.4775807S", "P10675199DT2H48M5.4775807S"),
        # What Python makes of it: microseconds, rounded up.
        ("P10675199DT02H48M05.477581S", "P10675199DT2H48M5.4775807S"),
    ],
)
def test_durations_become_canonical(given: str, canonical: str) -> None:
    assert pool(resizeTimeout=given)["resizeTimeout"] == canonical


@pytest.mark.parametrize("given", ["", "P", "PT", "15", "-PT5M", "PT5", "P1H"])
def test_what_is_no_duration_is_refused(given: str) -> None:
    error = refused({**POOL, "resizeTimeout": given})
    assert error.code == "InvalidPropertyValue"
    assert error.values["PropertyName"] == "resizeTimeout"


def test_numbers_may_be_text() -> None:
    assert pool(targetDedicatedNodes="2", targetLowPriorityNodes=3)["targetDedicatedNodes"] == 2


@pytest.mark.parametrize("given", ["two", "", "2.5", 2.5, True, [], 2**31, str(2**31), "9" * 30])
def test_what_is_no_integer_is_refused(given: object) -> None:
    assert refused({**POOL, "targetDedicatedNodes": given}).code == "InvalidPropertyValue"


def test_enums_take_any_case_and_come_out_as_the_contract_spells_them() -> None:
    spec = pool(startTask={"commandLine": "x", "userIdentity": {"autoUser": {"elevationLevel": "nonAdmin"}}})
    assert spec["startTask"]["userIdentity"]["autoUser"]["elevationLevel"] == "nonadmin"


def test_an_unknown_enum_value_names_the_known_ones() -> None:
    error = refused({"disableTasks": "stop"}, "BatchJobDisableOptions")
    assert error.code == "InvalidPropertyValue"
    assert "requeue, terminate, wait" in error.values["Reason"]


def test_nulls_mean_absent() -> None:
    assert "displayName" not in pool(displayName=None)
    assert refused({"id": None, "vmSize": "x"}).values == {"PropertyName": "id"}


def test_missing_required_property_deep_down() -> None:
    error = refused({**POOL, "metadata": [{"name": "a", "value": "b"}, {"name": "c"}]})
    assert (error.code, error.values["PropertyName"]) == ("MissingRequiredProperty", "metadata.1.value")


@pytest.mark.parametrize("body", [{**POOL, "certificateReferences": []}, {**POOL, "Id": "p"}])
def test_unknown_properties_are_refused(body: object) -> None:
    assert refused(body).code == "UnsupportedProperty"


def test_annotations_of_odata_are_dropped() -> None:
    assert "odata.metadata" not in pool(**{"odata.metadata": "x"})


def test_read_only_properties_are_refused_at_the_top_and_dropped_inside() -> None:
    assert refused({"commandLine": "x"}, "BatchTask").code == "UnsupportedProperty"
    image = {"publisher": "p", "exactVersion": "1"}
    spec = pool(virtualMachineConfiguration={"imageReference": image, "nodeAgentSKUId": "a"})
    assert spec["virtualMachineConfiguration"]["imageReference"] == {"publisher": "p"}


@pytest.mark.parametrize("body", [[], "text", None, 1])
def test_the_body_is_an_object(body: object) -> None:
    assert refused(body).code == "InvalidRequestBody"


@pytest.mark.parametrize("raw", [b"{", b"", b"\xff", b"[" * 100_000])
def test_the_body_is_json(raw: bytes) -> None:
    with pytest.raises(BatchError, match="InvalidRequestBody"):
        parse_json(raw)


@pytest.mark.parametrize(
    ("properties", "wrong"),
    [
        ({"userAccounts": [{"name": "u", "password": 7070}]}, "7070"),
        ({"startTask": {"commandLine": "x", "environmentSettings": [{"name": "K", "value": 7070}]}}, "7070"),
        ({"startTask": {"commandLine": "x", "resourceFiles": [{"httpUrl": ["sig=7070"]}]}}, "7070"),
    ],
)
def test_secrets_are_not_echoed(properties: dict[str, Any], wrong: str) -> None:
    assert wrong not in str(refused({**POOL, **properties}).values)


def test_times_become_canonical() -> None:
    user = {"name": "u", "expiryTime": "2026-01-31T10:00:00+02:00"}
    clean = validate_body(user, "BatchNodeUserCreateOptions", CONTRACT)
    assert clean["expiryTime"] == "2026-01-31T08:00:00Z"


def test_maps_and_lists_are_checked() -> None:
    assert refused({**POOL, "metadata": {"a": "b"}}).code == "InvalidPropertyValue"
    machine = {"imageReference": {}, "nodeAgentSKUId": "a", "extensions": [{"settings": []}]}
    assert refused({**POOL, "virtualMachineConfiguration": machine}).code == "InvalidPropertyValue"
