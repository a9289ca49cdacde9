"""The management plane's shape of a pool, there and back. Pure.

Source: the published client ``azure-mgmt-batch`` 19: values in PascalCase, scale settings and deployment
configuration nested, identities as a map by resource id.
"""

from __future__ import annotations

from typing import Any

from batch_emulator.rest.errors import refusal
from batch_emulator.rest.render.parts import present, without_secrets
from batch_emulator.service.entities import Json, Pool
from batch_emulator.service.identities import describe
from batch_emulator.service.queries import PoolSize

POOL_TYPE = "Microsoft.Batch/batchAccounts/pools"
_SAME = (
    "displayName", "vmSize", "taskSlotsPerNode", "taskSchedulingPolicy", "userAccounts", "metadata",
    "startTask", "networkConfiguration", "mountConfiguration", "upgradePolicy",
)  # fmt: skip
_NESTED = ("deploymentConfiguration", "scaleSettings", "interNodeCommunication", "applicationPackages")
# Values of several words; the others only need a capital.
_PASCAL = {
    "taskcompletion": "TaskCompletion",
    "retaineddata": "RetainedData",
    "nonadmin": "NonAdmin",
    "creationtime": "CreationTime",
}
_ENUMS = frozenset(
    {"scope", "elevationLevel", "nodeFillType", "jobDefaultOrder", "mode", "caching", "policy"}
)


def from_arm(name: str, properties: Any) -> Json:
    """The data plane's specification of a pool that the management plane describes.

    Names and types of what is the same on both planes are left to the contract's validation.

    :raises BatchError: ``InvalidRequestBody``, ``UnsupportedProperty``.
    """
    properties = _object(properties or {}, "properties")
    spec: Json = {"id": name}
    for key, value in properties.items():
        if value is None:
            continue
        if key in _SAME:
            spec[key] = value
        elif key not in _NESTED:
            raise refusal("UnsupportedProperty", PropertyName=f"properties.{key}")
    spec |= _machine(_object(properties.get("deploymentConfiguration") or {}, "deploymentConfiguration"))
    spec |= _scale(_object(properties.get("scaleSettings") or {}, "scaleSettings"))
    communication = properties.get("interNodeCommunication")
    if communication is not None:
        spec["enableInterNodeCommunication"] = str(communication).lower() == "enabled"
    if properties.get("applicationPackages"):
        spec["applicationPackageReferences"] = [_package(item) for item in properties["applicationPackages"]]
    return spec


def identity_from_arm(identity: Any) -> Json | None:
    """``{type, userAssignedIdentities: [{resourceId}]}``, as the data plane shows it; ``None`` without one.

    :raises BatchError: ``InvalidPropertyValue``.
    """
    if identity is None:
        return None
    identity = _object(identity, "identity")
    if str(identity.get("type", "None")).lower() == "none":
        return None
    if str(identity["type"]).lower() != "userassigned" or not identity.get("userAssignedIdentities"):
        reason = "A pool can have identities of type UserAssigned, at least one."
        raise refusal("InvalidPropertyValue", PropertyName="identity", Reason=reason)
    resource_ids = _object(identity["userAssignedIdentities"], "identity.userAssignedIdentities")
    return {
        "type": "UserAssigned",
        "userAssignedIdentities": [describe(resource_id) for resource_id in resource_ids],
    }


def to_arm(pool: Pool, size: PoolSize, account_id: str) -> Json:
    """The management plane's view of a pool.

    :param size: the nodes that it has now.
    """
    spec = without_secrets(pool.spec)
    properties: Json = {name: _pascal(spec[name]) for name in _SAME if name in spec}
    properties |= present(
        {
            "creationTime": pool.creation_time,
            "lastModified": pool.last_modified,
            "provisioningState": "Deleting" if pool.state == "deleting" else "Succeeded",
            "provisioningStateTransitionTime": pool.state_transition_time,
            "allocationState": pool.allocation_state.capitalize(),
            "allocationStateTransitionTime": pool.allocation_state_transition_time,
            "currentDedicatedNodes": size.dedicated,
            "currentLowPriorityNodes": size.low_priority,
            "deploymentConfiguration": _deployment(spec["virtualMachineConfiguration"]),
            "scaleSettings": _scale_settings(pool),
            "interNodeCommunication": "Enabled" if spec.get("enableInterNodeCommunication") else "Disabled",
            "applicationPackages": _packages(spec),
            "autoScaleRun": _auto_scale_run(pool.auto_scale_run),
        }
    )
    return {
        "id": f"{account_id}/pools/{pool.id}",
        "name": pool.id,
        "type": POOL_TYPE,
        "etag": f'W/"{pool.etag}"',
        "identity": _identity(pool.identity),
        "properties": properties,
    }


def _object(value: Any, name: str) -> Json:
    if not isinstance(value, dict):
        raise refusal("InvalidRequestBody", Reason=f"'{name}' must be an object.")
    return value


def _machine(deployment: Json) -> Json:
    if not deployment.get("virtualMachineConfiguration"):
        return {}
    machine = dict(_object(deployment["virtualMachineConfiguration"], "virtualMachineConfiguration"))
    if "nodeAgentSkuId" in machine:
        machine["nodeAgentSKUId"] = machine.pop("nodeAgentSkuId")
    image = dict(_object(machine.get("imageReference") or {}, "imageReference"))
    if "id" in image:
        image["virtualMachineImageId"] = image.pop("id")
    return {"virtualMachineConfiguration": {**machine, "imageReference": image}}


def _scale(settings: Json) -> Json:
    fixed, auto = settings.get("fixedScale"), settings.get("autoScale")
    if fixed and auto:
        reason = "Either fixedScale or autoScale must be given."
        raise refusal("InvalidPropertyValue", PropertyName="properties.scaleSettings", Reason=reason)
    if auto:
        scale = {"enableAutoScale": True, "autoScaleFormula": _object(auto, "autoScale").get("formula")}
        return scale | {"autoScaleEvaluationInterval": auto.get("evaluationInterval")}
    names = ("resizeTimeout", "targetDedicatedNodes", "targetLowPriorityNodes")
    fixed = _object(fixed or {}, "fixedScale")
    return {"targetDedicatedNodes": 0} | {name: fixed[name] for name in names if name in fixed}


def _package(reference: Any) -> Json:
    """Both planes name the application by its full resource id, under different names."""
    reference = _object(reference, "applicationPackages")
    return present({"applicationId": reference.get("id"), "version": reference.get("version")})


def _packages(spec: Json) -> list[Json] | None:
    references = spec.get("applicationPackageReferences", ())
    rendered = [present({"id": item["applicationId"], "version": item.get("version")}) for item in references]
    return rendered or None


def _deployment(machine: Json) -> Json:
    machine = {name: _pascal(value) for name, value in machine.items()}
    machine["nodeAgentSkuId"] = machine.pop("nodeAgentSKUId")
    image = dict(machine["imageReference"])
    if "virtualMachineImageId" in image:
        image["id"] = image.pop("virtualMachineImageId")
    return {"virtualMachineConfiguration": {**machine, "imageReference": image}}


def _scale_settings(pool: Pool) -> Json:
    if pool.spec.get("enableAutoScale"):
        return {
            "autoScale": {
                "formula": pool.spec.get("autoScaleFormula"),
                "evaluationInterval": pool.spec.get("autoScaleEvaluationInterval"),
            }
        }
    return {
        "fixedScale": {
            "targetDedicatedNodes": pool.target_dedicated,
            "targetLowPriorityNodes": pool.target_low_priority,
            "resizeTimeout": pool.spec.get("resizeTimeout"),
        }
    }


def _auto_scale_run(run: Json | None) -> Json | None:
    if run is None:
        return None
    names = {"timestamp": "evaluationTime"}
    return {names.get(name, name): value for name, value in run.items()}


def _identity(identity: Json | None) -> Json:
    if not identity:
        return {"type": "None"}
    assigned: Json = {}
    for item in identity.get("userAssignedIdentities", ()):
        known = describe(item["resourceId"])
        assigned[known.pop("resourceId")] = known
    return {"type": identity["type"], "userAssignedIdentities": assigned}


def _pascal(value: Any, name: str = "") -> Any:
    """Enum values in the management plane's spelling, however deep they lie."""
    if isinstance(value, dict):
        return {key: _pascal(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_pascal(item, name) for item in value]
    if name in _ENUMS and isinstance(value, str):
        return _PASCAL.get(value.lower(), value[:1].upper() + value[1:])
    return value
