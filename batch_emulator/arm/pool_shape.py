"""The management plane's shape of a pool, there and back. Pure.

Source: the published client ``azure-mgmt-batch`` 19: values in PascalCase, scale settings and deployment
configuration nested, identities as a map by resource id.
"""

from __future__ import annotations

from typing import Any

from batch_emulator.arm.pool_words import in_data_plane_words, in_management_words
from batch_emulator.rest.errors import refusal
from batch_emulator.rest.render.parts import present, without_secrets
from batch_emulator.service.entities import Json, Pool
from batch_emulator.service.pools.identities import describe
from batch_emulator.service.queries import PoolSize

POOL_TYPE = "Microsoft.Batch/batchAccounts/pools"
# By name: what both planes call the same, and its type in the data plane's contract.
_SAME = {
    "displayName": "string",
    "vmSize": "string",
    "taskSlotsPerNode": "integer",
    "taskSchedulingPolicy": "BatchTaskSchedulingPolicy",
    "userAccounts": "[UserAccount]",
    "metadata": "[BatchMetadataItem]",
    "startTask": "BatchStartTask",
    "networkConfiguration": "NetworkConfiguration",
    "mountConfiguration": "[MountConfiguration]",
    "upgradePolicy": "UpgradePolicy",
}
_NESTED = ("deploymentConfiguration", "scaleSettings", "interNodeCommunication", "applicationPackages")
_MACHINE = "VirtualMachineConfiguration"
_PACKAGES = "[BatchApplicationPackageReference]"


def from_arm(name: str, properties: Any) -> Json:
    """The data plane's specification of a pool that the management plane describes.

    Names and types of what is the same on both planes are left to the contract's validation.

    :raises BatchError: ``InvalidRequestBody``, ``UnsupportedProperty``.
    """
    properties = _object(properties or {}, "properties")
    scale = _scale(_object(properties.get("scaleSettings") or {}, "scaleSettings"))
    return {"id": name, **_spec(properties), **scale}


def changes_from_arm(properties: Any) -> tuple[Json, Json]:
    """What a change says, in the data plane's words: of the pool's properties, and of its scale.

    The scale is a resize or an enabling of autoscale; empty if it is to stay.

    :raises BatchError: ``InvalidRequestBody``, ``UnsupportedProperty``, ``InvalidPropertyValue``.
    """
    properties = _object(properties or {}, "properties")
    settings = _object(properties.get("scaleSettings") or {}, "scaleSettings")
    if not settings.get("autoScale"):
        return _spec(properties), dict(_object(settings.get("fixedScale") or {}, "fixedScale"))
    scale = _scale(settings)
    return _spec(properties), {name: value for name, value in scale.items() if name != "enableAutoScale"}


def _spec(properties: Json) -> Json:
    spec: Json = {}
    for key, value in properties.items():
        if key not in _SAME and key not in _NESTED:
            raise refusal("UnsupportedProperty", PropertyName=f"properties.{key}")
        if key in _SAME and value is not None:
            spec[key] = in_data_plane_words(value, _SAME[key])
    deployment = _object(properties.get("deploymentConfiguration") or {}, "deploymentConfiguration")
    machine = deployment.get("virtualMachineConfiguration")
    if machine:
        spec["virtualMachineConfiguration"] = in_data_plane_words(machine, _MACHINE)
    communication = properties.get("interNodeCommunication")
    if communication is not None:
        spec["enableInterNodeCommunication"] = str(communication).lower() == "enabled"
    if properties.get("applicationPackages") is not None:
        packages = properties["applicationPackages"]
        spec["applicationPackageReferences"] = in_data_plane_words(packages, _PACKAGES)
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
    properties: Json = {
        name: in_management_words(spec[name], type_name) for name, type_name in _SAME.items() if name in spec
    }
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
            "deploymentConfiguration": {
                "virtualMachineConfiguration": in_management_words(
                    spec["virtualMachineConfiguration"], _MACHINE
                )
            },
            "scaleSettings": _scale_settings(pool),
            "interNodeCommunication": "Enabled" if spec.get("enableInterNodeCommunication") else "Disabled",
            "applicationPackages": in_management_words(
                spec.get("applicationPackageReferences") or None, _PACKAGES
            ),
            "autoScaleRun": _auto_scale_run(pool.auto_scale_run),
            "resizeOperationStatus": _resize_status(pool),
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
    named: Json = in_management_words(run, "AutoScaleRun")
    return {**named, "error": _error(run["error"])} if run.get("error") else named


def _resize_status(pool: Pool) -> Json | None:
    """Of a resize that goes on, or whose errors are to be told."""
    errors = [_error(error) for error in pool.resize_errors or ()]
    if pool.allocation_state == "steady" and not errors:
        return None
    status: Json = {
        "targetDedicatedNodes": pool.target_dedicated,
        "targetLowPriorityNodes": pool.target_low_priority,
        "resizeTimeout": pool.spec.get("resizeTimeout"),
    }
    return present(status | {"errors": errors or None})


def _error(error: Json) -> Json:
    """Details have names and values in the data plane, codes and messages here."""
    details = [{"code": item["name"], "message": item["value"]} for item in error.get("values", ())]
    return {"code": error["code"], "message": error["message"], "details": details}


def _identity(identity: Json | None) -> Json:
    if not identity:
        return {"type": "None"}
    assigned: Json = {}
    for item in identity.get("userAssignedIdentities", ()):
        known = describe(item["resourceId"])
        assigned[known.pop("resourceId")] = known
    return {"type": identity["type"], "userAssignedIdentities": assigned}
