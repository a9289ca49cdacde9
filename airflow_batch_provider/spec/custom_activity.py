"""A custom activity of Azure Data Factory or Synapse, read from its JSON.

Source: Azure Data Factory: *Use custom activities in an Azure Data Factory pipeline*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.files import BlobRef, blob, is_template
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.users import AutoUser

TASK_ID = "output"
"""Of the one Batch task: what it leaves is then below ``adfjobs/<job>/output``."""

DEFINITION_FILES = ("activity.json", "linkedServices.json", "datasets.json")
OUTPUTS_FILE = "outputs.json"
CUSTOM_OUTPUT_BYTES = 2_000_000
"""Of ``outputs.json``; Data Factory takes 2 MB."""

DEFAULT_RETENTION = timedelta(days=30)
_DURATION = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})")
_PROPERTIES = (
    "command",
    "resourceLinkedService",
    "folderPath",
    "referenceObjects",
    "extendedProperties",
    "retentionTimeInDays",
    "autoUserSpecification",
)


@dataclass(frozen=True)
class CustomActivity:
    """One activity with the definitions that it refers to. Made by :func:`read_activity`.

    Parameters:
        definition: the activity as the node gets it in ``activity.json``.
        linked_services, datasets: the definitions it refers to, as the node gets them.
        command: the command line.
        folder: where its program is; None when that is on the node already.
        retention: how long its files stay on the node.
        admin: whether it runs with administrator rights.
        pool_id: of the Azure Batch linked service, if that was given.
        timeout, retries, retry_delay: of its policy; None where that says nothing.
        secure_output: the policy wants its output in no log.
    """

    definition: Mapping[str, Any]
    linked_services: Sequence[Mapping[str, Any]]
    datasets: Sequence[Mapping[str, Any]]
    command: str
    folder: BlobRef | None = None
    retention: timedelta = DEFAULT_RETENTION
    admin: bool = False
    pool_id: str | None = None
    timeout: timedelta | None = None
    retries: int | None = None
    retry_delay: timedelta | None = None
    secure_output: bool = False

    def graph(self, inputs: Mapping[str, BlobRef]) -> JobGraph:
        """The job of one task.

        Parameters:
            inputs: path in the task's working directory -> blob.
        """
        graph = JobGraph()
        graph.task(
            TASK_ID,
            self.command,
            inputs=inputs,
            # A pattern, since most activities leave no such file and a file that is missing may be an error.
            outputs=["outputs.jso[n]"],
            upload_when="completion",
            retention=self.retention,
            user=AutoUser("task", self.admin),
            display_name=str(self.definition.get("name") or "custom activity")[:200],
        )
        return graph

    def files(self) -> dict[str, str]:
        """What the node finds beside the program, by name."""
        return {name: json.dumps(each) for name, each in zip(DEFINITION_FILES, self.given, strict=True)}

    @property
    def given(self) -> tuple[Any, ...]:
        """What the node is given: the activity, its linked services and its datasets."""
        return self.definition, self.linked_services, self.datasets


def read_activity(
    activity: Mapping[str, Any] | str,
    linked_services: Sequence[Mapping[str, Any]] = (),
    datasets: Sequence[Mapping[str, Any]] = (),
) -> CustomActivity:
    """Read an activity's JSON.

    Parameters:
        activity: the activity, as an object or as JSON text.
        linked_services, datasets: definitions, of which those are taken that the activity refers to.

    Raises:
        SpecError: no custom activity, a definition that is missing, or an expression of Data Factory, which
            nothing evaluates here.
    """
    definition = _parsed(activity)
    where = f"activity {definition.get('name', '')!r}"
    if definition.get("type", "Custom") != "Custom":
        raise SpecError(
            f"its type is {definition['type']!r}", where=where, right="Only Custom ones run here."
        )
    properties = definition.get("typeProperties")
    if not isinstance(properties, Mapping) or not isinstance(properties.get("command"), str):
        raise SpecError("it has no typeProperties with a command", where=where, right="Give the whole JSON.")
    for name in properties:
        if name not in _PROPERTIES:
            hint = nearest(name, _PROPERTIES) or f"Known are {', '.join(_PROPERTIES)}."
            raise SpecError(f"unknown property {name!r} in typeProperties", where=where, right=hint)
    _refuse_expressions(properties, where)
    policy = definition.get("policy") or {}
    references = properties.get("referenceObjects") or {}
    return CustomActivity(
        definition,
        _referred(references.get("linkedServices") or (), linked_services, "linked_services", where),
        _referred(references.get("datasets") or (), datasets, "datasets", where),
        properties["command"],
        folder=_folder(properties, where),
        retention=_days(properties.get("retentionTimeInDays"), where),
        admin="admin" in str(properties.get("autoUserSpecification") or "").lower().replace("nonadmin", ""),
        pool_id=_pool_of(definition, linked_services),
        timeout=_duration(policy.get("timeout"), where),
        retries=int(policy["retry"]) if "retry" in policy else None,
        retry_delay=_seconds(policy.get("retryIntervalInSeconds")),
        secure_output=bool(policy.get("secureOutput")),
    )


def program_files(names: Iterable[str], folder: BlobRef, *, keep_folders: bool) -> dict[str, BlobRef]:
    """Where the blobs of a program's folder go in the working directory.

    Parameters:
        names: names of the blobs below the folder.
        folder: a prefix.
        keep_folders: keep sub-folders; Data Factory puts all files into one.

    Raises:
        SpecError: there is none, or two of them would be the same file.
    """
    placed: dict[str, BlobRef] = {}
    for name in names:
        path = name.removeprefix(folder.name) if keep_folders else name.rpartition("/")[2]
        if not path or path.endswith("/"):
            continue
        if path in placed:
            raise SpecError(
                f"{placed[path].name!r} and {name!r} are both the file {path!r} of the working directory",
                where=f"folderPath {str(folder)!r}",
                right="Set keep_folders=True, or rename one.",
            )
        placed[path] = BlobRef(folder.container, name)
    if not placed:
        raise SpecError(
            "it holds no file in the storage account of the Airflow connection",
            where=f"folderPath {str(folder)!r}",
            right="Compare it with the container; the account is the connection's, and not the one that "
            "resourceLinkedService names.",
        )
    return placed


def _parsed(activity: Mapping[str, Any] | str) -> Mapping[str, Any]:
    found: Any = activity
    if isinstance(activity, str):
        try:
            found = json.loads(activity)
        except ValueError as error:
            raise SpecError(f"the activity is no JSON ({error})", right="Give its JSON, or a dict.") from None
    if not isinstance(found, Mapping):
        raise SpecError(f"the activity is {found!r}", right="Give its JSON object.")
    return found


def _refuse_expressions(properties: Mapping[str, Any], where: str) -> None:
    for path, value in _texts(properties, "typeProperties"):
        if (value.startswith("@") and not value.startswith("@@")) or "@{" in value:
            raise SpecError(
                f"{path} is the expression {value!r}",
                where=where,
                right="Nothing evaluates expressions of Data Factory here: write Jinja, such as "
                "'{{ params.name }}' for @pipeline().parameters.name.",
            )


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]")


def _referred(
    references: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]], kind: str, where: str
) -> list[Mapping[str, Any]]:
    if not isinstance(known, (list, tuple)) or not all(isinstance(each, Mapping) for each in known):
        raise SpecError(f"{kind} is no list of JSON objects", where=where, right=f"Give {kind}=[{{...}}].")
    by_name = {str(each.get("name")): each for each in known}
    for reference in references:
        name = str(reference.get("referenceName"))
        if name not in by_name:
            hint = nearest(name, by_name) or f"Give its definition in {kind}=[...]."
            raise SpecError(f"it refers to {name!r}, which is not given", where=where, right=hint)
    return [by_name[str(reference.get("referenceName"))] for reference in references]


def _folder(properties: Mapping[str, Any], where: str) -> BlobRef | None:
    path = properties.get("folderPath")
    if bool(path) != bool(properties.get("resourceLinkedService")):
        raise SpecError(
            "only one of resourceLinkedService and folderPath is there",
            where=where,
            right="Data Factory takes both or neither.",
        )
    return blob(f"{str(path).rstrip('/')}/") if path else None


def _days(value: Any, where: str) -> timedelta:
    if value is None:
        return DEFAULT_RETENTION
    try:
        days = float(value)
    except (TypeError, ValueError):
        days = 0
    if days <= 0:
        raise SpecError(f"retentionTimeInDays is {value!r}", where=where, right="It is a number above 0.")
    return timedelta(days=days)


def _pool_of(definition: Mapping[str, Any], linked_services: Sequence[Mapping[str, Any]]) -> str | None:
    name = (definition.get("linkedServiceName") or {}).get("referenceName")
    for each in linked_services:
        properties = each.get("properties") or {}
        if each.get("name") == name and properties.get("type") == "AzureBatch":
            found = (properties.get("typeProperties") or {}).get("poolName")
            return found if isinstance(found, str) else None
    return None


def _duration(value: Any, where: str) -> timedelta | None:
    """A time span as .NET writes it, ``d.hh:mm:ss``."""
    if value is None or (isinstance(value, str) and is_template(value)):
        return None
    found = _DURATION.fullmatch(str(value))
    if found is None:
        raise SpecError(f"the policy's timeout is {value!r}", where=where, right="Write it as 'd.hh:mm:ss'.")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _seconds(value: Any) -> timedelta | None:
    return timedelta(seconds=float(value)) if value is not None else None
