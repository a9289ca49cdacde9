"""Virtual machine extensions of a node: those that its pool asks for, and the service's own.

Extensions are programs for Azure's machines. They are not run here; a node shows them as the service shows
those that were installed. Source: *Compute Node Extension - List*, *VMExtension*.
"""

from __future__ import annotations

from batch_emulator.service.entities import Json, Node, Pool
from batch_emulator.service.error_kinds import NODE_EXTENSION_NOT_FOUND, invalid
from batch_emulator.service.errors import BatchError
from batch_emulator.service.spec_checks import required
from batch_emulator.service.times import format_time

_WHERE = "virtualMachineConfiguration.extensions"
# The clients' own tests name it: through it the service installs its agent.
SERVICE_EXTENSION: Json = {
    "name": "batchNodeExtension",
    "publisher": "Microsoft.Azure.Extensions",
    "type": "CustomScript",
    "typeHandlerVersion": "2.0",
    "autoUpgradeMinorVersion": True,
}


def check_extensions(extensions: list[Json]) -> list[Json]:
    """The extensions of a pool: each name once, each dependency among them and none in a circle.

    :raises BatchError: ``InvalidPropertyValue``, ``MissingRequiredProperty``.
    """
    for extension in extensions:
        for name in ("name", "publisher", "type"):
            required(extension, name, f"{_WHERE}.{name}")
    names = [str(extension["name"]) for extension in extensions]
    for name in names:
        if names.count(name) > 1 or name == SERVICE_EXTENSION["name"]:
            raise invalid(
                f"{_WHERE}.name", name, "Each name must be given once, and one is the service's own"
            )
    _check_order({item["name"]: set(item.get("provisionAfterExtensions") or ()) for item in extensions})
    return extensions


def _check_order(after: dict[str, set[str]]) -> None:
    where = f"{_WHERE}.provisionAfterExtensions"
    for earlier in after.values():
        for name in earlier - after.keys():
            raise invalid(where, name, "The pool has no such extension")
    waiting = dict(after)
    while waiting:
        ready = [name for name, earlier in waiting.items() if not earlier & waiting.keys()]
        if not ready:
            raise invalid(where, ", ".join(waiting), "The extensions wait for one another")
        for name in ready:
            del waiting[name]


def extensions_of(pool: Pool, node: Node) -> list[Json]:
    """``BatchNodeVMExtension`` of a node: the pool's in their order, the service's own as the last."""
    asked = pool.spec["virtualMachineConfiguration"].get("extensions") or []
    return [_installed(extension, node) for extension in (*asked, SERVICE_EXTENSION)]


def find_extension(pool: Pool, node: Node, name: str) -> Json:
    """One extension of a node. :raises BatchError: it has none of that name."""
    for extension in extensions_of(pool, node):
        if extension["vmExtension"]["name"] == name:
            return extension
    raise BatchError(NODE_EXTENSION_NOT_FOUND)


def _installed(extension: Json, node: Node) -> Json:
    if node.last_boot_time is None:
        return {"provisioningState": "Creating", "vmExtension": extension}
    status = {
        "code": "ProvisioningState/succeeded",
        "level": "Info",
        "displayStatus": "Provisioning succeeded",
        "time": format_time(node.last_boot_time),
    }
    view = {"name": extension["name"], "statuses": [status]}
    return {"provisioningState": "Succeeded", "vmExtension": extension, "instanceView": view}
