"""Nested parts that the official ``AzureBatchOperator`` is told: models of ``azure-batch``, or dictionaries.

Models are read by what they can do (``as_dict``), so that nothing of Azure is imported when a DAG is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.files import is_template
from airflow_batch_provider.spec.no_shell import warn_without_shell

SHELL = '"/bin/sh -c \'...\'", or "cmd /c ..." on Windows'
"""How a command line is run by a shell."""

_OF_TASKS = frozenset(
    {"commandLine", "containerSettings", "resourceFiles", "environmentSettings", "userIdentity"}
)

PROPERTIES: Mapping[str, frozenset[str]] = {
    "jobManagerTask": _OF_TASKS
    | {"id", "displayName", "outputFiles", "constraints", "requiredSlots", "killJobOnCompletion"}
    | {"runExclusive", "applicationPackageReferences", "allowLowPriorityNode"},
    "jobPreparationTask": _OF_TASKS
    | {"id", "constraints", "waitForSuccess", "rerunOnNodeRebootAfterSuccess"},
    "jobReleaseTask": _OF_TASKS | {"id", "maxWallClockTime", "retentionTime"},
    "startTask": _OF_TASKS | {"maxTaskRetryCount", "waitForSuccess"},
    "containerSettings": frozenset(
        {"imageName", "containerRunOptions", "registry", "workingDirectory", "containerHostBatchBindMounts"}
    ),
    "resourceFiles": frozenset(
        {"httpUrl", "storageContainerUrl", "autoStorageContainerName", "blobPrefix", "filePath", "fileMode"}
        | {"identityReference"}
    ),
    "outputFiles": frozenset({"filePattern", "destination", "uploadOptions"}),
    "userIdentity": frozenset({"username", "autoUser"}),
}
"""Of the wire models, by the property that holds them (Azure Batch REST reference: *Add task*, *Add job*)."""

_LISTS = frozenset({"resourceFiles", "outputFiles"})
_SOURCES = ("httpUrl", "storageContainerUrl", "autoStorageContainerName")
_FORMER = {"blobSource": "httpUrl", "blob_source": "httpUrl", "url": "httpUrl", "file_name": "filePath"}
_EXAMPLES = {
    "resourceFiles": "{'httpUrl': 'https://...', 'filePath': 'name-on-the-node'}",
    "outputFiles": "{'filePattern': '*.csv', 'destination': {...}, 'uploadOptions': {...}}",
}


def wire_of(value: Any, *, where: str, model: str | None = None) -> Any:
    """The wire form of a model of ``azure-batch``, of a dictionary, or of a list of either; None stays None.

    Parameters:
        value: what the operator was given.
        where: the task and the argument.
        model: the property that holds it, of those in :data:`PROPERTIES`; None: it is not looked into.

    Raises:
        SpecError: something else, or what cannot work.
    """
    if value is None:
        return None
    if isinstance(value, (list, tuple)) and (model is None or model in _LISTS):
        return [_one(item, f"{where}[{place}]", model) for place, item in enumerate(value)]
    if model in _LISTS:
        example = _EXAMPLES[model]
        what = "a dictionary" if isinstance(value, Mapping) else f"a {type(value).__name__}"
        raise SpecError(f"it is {what} where a list is needed", where=where, right=f"Write [{example}].")
    return _one(value, where, model)


def _one(value: Any, where: str, model: str | None) -> Any:
    as_dict = getattr(value, "as_dict", None)
    if callable(as_dict):
        wire = as_dict()
    elif isinstance(value, Mapping):
        wire = dict(value)
        if model is not None:  # which the models check by themselves
            _check_names(wire, PROPERTIES[model], where)
    else:
        example = _EXAMPLES.get(model or "", "a dictionary with the names of the REST API")
        raise SpecError(
            f"the value is {value!r}",
            where=where,
            right=f"Give the model of azure.batch.models, or {example}.",
        )
    if model == "resourceFiles":
        _check_file(wire, where)
    if model is not None:
        _check_parts(wire, where)
    return wire


def _check_names(wire: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    for name in wire.keys() - known:
        former = _FORMER.get(name, "")
        right = f"Did you mean {former!r}?" if former in known else nearest(str(name), known)
        listed = f"It has {', '.join(sorted(known))}."
        raise SpecError(f"there is no property {name!r}", where=where, right=right or listed)


def _check_parts(wire: Mapping[str, Any], where: str) -> None:
    for name in wire.keys() & PROPERTIES.keys():
        wire_of(wire[name], where=f"{where}, {name}", model=name)
    if "commandLine" in wire:
        check_command(wire["commandLine"], where, may_be_empty=bool(wire.get("containerSettings")))


def _check_file(wire: Mapping[str, Any], where: str) -> None:
    sources = [name for name in _SOURCES if wire.get(name)]
    if len(sources) != 1:
        raise SpecError(
            f"it has {' and '.join(sources)}" if sources else "it says no source",
            where=where,
            right=f"A resource file has one of {', '.join(_SOURCES)}.",
        )
    if sources == ["httpUrl"] and not wire.get("filePath"):
        raise SpecError(
            "it has an httpUrl and no filePath",
            where=where,
            right="Say where it goes in the task's working directory: 'filePath': 'name-on-the-node'.",
        )


def check_command(command: Any, where: str, *, may_be_empty: bool = False) -> None:
    """Check a command line, which may be Jinja or an XCom; warn of one that needs a shell and has none.

    Parameters:
        may_be_empty: whether there is something to run without it: a container's own command.

    Raises:
        SpecError: it is empty.
    """
    if not isinstance(command, str) or is_template(command):
        return
    if not command.strip() and not may_be_empty:
        raise SpecError(
            "the command is empty",
            where=where,
            right=f"Say what to run, such as 'python3 run.py', or {SHELL}.",
        )
    if not may_be_empty:  # in a container, whose entry point may be a shell
        warn_without_shell(command, where, SHELL)
