"""Derive the wire contract from the published ``azure-batch`` package.

Run as ``python -m batch_emulator.rest.contract.derive``. The package's models are the contract of the
official client. They are read once, at development time; what comes out is committed as data, so that a
running emulator needs neither the package nor the time to import it.
"""

from __future__ import annotations

import datetime
import enum
import json
import typing
from pathlib import Path
from typing import Any

SCALARS = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    datetime.datetime: "datetime",
    datetime.timedelta: "duration",
}

# What the package has otherwise than the REST reference (*VMExtension*): the documented pool with the Key
# Vault extension has objects and lists there (*Use extensions with Batch pools*).
OF_THE_REFERENCE = {("VMExtension", "settings"): "{any}", ("VMExtension", "protectedSettings"): "{any}"}


def derive() -> dict[str, Any]:
    """The contract of the installed ``azure-batch``.

    :returns: ``apiVersion``, ``enums`` (name -> wire values) and ``models`` (name -> property -> type text).
        A type text is a scalar, an enum or a model name, ``[item]`` for a list or ``{item}`` for a map,
        followed by ``!`` when required and ``~`` when read-only.
    """
    from azure.batch import models as public
    from azure.batch._configuration import BatchClientConfiguration
    from azure.batch.models import _enums, _models

    version = BatchClientConfiguration("http://localhost", typing.cast(Any, object())).api_version
    enums = {
        name: sorted(str(value) for value in cls._value2member_map_)
        for name, cls in vars(_enums).items()
        if isinstance(cls, enum.EnumMeta) and cls.__module__ == _enums.__name__
    }
    names = {"_models": _models, "_enums": _enums, **vars(_enums), **vars(public), **vars(_models)}
    models = {
        name: _properties(cls, names)
        for name, cls in sorted(vars(_models).items())
        if isinstance(cls, type) and cls.__module__ == _models.__name__
    }
    return {"apiVersion": version, "enums": enums, "models": models}


def _properties(cls: type, names: dict[str, Any]) -> dict[str, str]:
    """The properties of one model, by wire name."""
    hints = typing.get_type_hints(cls, names, {"_models": _Names(names)})
    found: dict[str, str] = {}
    for attribute, field in vars(cls).items():
        if not hasattr(field, "_visibility"):
            continue
        optional = type(None) in typing.get_args(hints[attribute])
        wire_name = field._rest_name_input or attribute
        text = _type_text(hints[attribute])
        if text == "integer" and field._format == "str":
            text = "int64"
        text = OF_THE_REFERENCE.get((cls.__name__, wire_name), text)
        found[wire_name] = text + ("" if optional else "!") + ("~" if field._visibility == ["read"] else "")
    return found


class _Names:
    """Stands for the module ``_models`` where annotations spell ``_models.X``, enums included."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names

    def __getattr__(self, name: str) -> Any:
        return self._names[name]


def _type_text(hint: Any) -> str:
    if isinstance(hint, str):  # Python 3.10 leaves names inside list[...] as they are written
        return hint.rpartition(".")[2]
    if hint in SCALARS:
        return SCALARS[hint]
    arguments = [item for item in typing.get_args(hint) if item is not type(None)]
    origin = typing.get_origin(hint)
    if origin is list:
        return f"[{_type_text(arguments[0])}]"
    if origin is dict:
        return f"{{{_type_text(arguments[1])}}}"
    enums = [item for item in arguments if isinstance(item, enum.EnumMeta)]
    if enums:
        return enums[0].__name__
    return _type_text(arguments[0]) if arguments else str(hint.__name__)


def main() -> None:
    """Write the contract beside this module, named by its api-version."""
    contract = derive()
    path = Path(__file__).with_name(f"{contract['apiVersion']}.json")
    path.write_text(json.dumps(contract, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
