"""From a graph to what is sent: tasks in wire form, and the fingerprint of the whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_batch_provider.spec.command import command_line
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.exits import exit_conditions
from airflow_batch_provider.spec.files import BlobRef, Output, Source, TaskOutput, TaskOutputs, find_output
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.job import JobOptions
from airflow_batch_provider.spec.options import constraints_wire
from airflow_batch_provider.spec.patterns import STANDARD_STREAMS
from airflow_batch_provider.spec.resources import no_storage, own_container, resource
from airflow_batch_provider.spec.task import TaskSpec
from airflow_batch_provider.spec.users import user_wire
from airflow_batch_provider.spec.values import environment_wire

if TYPE_CHECKING:
    from airflow_batch_provider.spec.file_access import JobFileAccess


@dataclass(frozen=True)
class WorkArea:
    """Where a job keeps what its tasks leave: ``{container}/{job_id}/{task_id}/<path>``.

    Parameters:
        container: a container in the storage account of the Airflow connection.
        job_id: the job.
        homes: ids of earlier jobs that hold what tasks of the graph have left, by task id in lower case.
    """

    container: str
    job_id: str
    homes: Mapping[str, str] = field(default_factory=dict)

    def of(self, task_id: str) -> BlobRef:
        """The prefix of one task."""
        job_id = self.homes.get(task_id.lower(), self.job_id)
        return BlobRef(self.container, f"{job_id}/{task_id}/")

    def is_earlier(self, task_id: str) -> bool:
        """Whether an earlier job holds what a task has left."""
        return task_id.lower() in self.homes

    def __str__(self) -> str:
        return f"{self.container}/{self.job_id}"


@dataclass(frozen=True)
class JobStorage:
    """The files of one job: where its tasks keep theirs, and how nodes reach them.

    Parameters:
        work: the job's own work area.
        access: gives nodes access to blobs.
        below: lists the blobs below a prefix; asked for what earlier jobs hold.
    """

    work: WorkArea
    access: JobFileAccess
    below: Callable[[BlobRef], Iterable[BlobRef]] = lambda prefix: ()


def result_location(graph: JobGraph, task_id: str, work: WorkArea) -> BlobRef:
    """The blob in which a task's ``result`` is found.

    Raises:
        SpecError: the task has no result.
    """
    spec = graph.spec(task_id)
    if spec.result is None:
        raise SpecError("it has no result", where=spec.where, right="Give it result='plan.json'.")
    return _produced(spec, spec.result, work)


def compile_tasks(
    graph: JobGraph,
    storage: JobStorage | None,
    *,
    fail_fast: bool = True,
    without: Collection[str] = (),
    done: Collection[str] = (),
) -> Iterator[dict[str, Any]]:
    """Give the tasks of a graph in wire form (BatchTaskCreateOptions), in the order they were added.

    The job's manager is not among them: it comes with the job, by :func:`compile_job`.

    Parameters:
        graph: the graph, validated and rendered.
        storage: where files are kept; None: nowhere, and the tasks' logs stay on their nodes.
        fail_fast: whether the job ends when a task fails.
        without: lower-case ids of tasks that are in the job already.
        done: lower-case ids of tasks that earlier jobs have done, so that nothing waits for them.

    Raises:
        SpecError: an exit condition that this kind of job refuses, or a file without storage.
    """
    for spec in graph.specs:
        if spec.job_manager is None and spec.id.lower() not in without and spec.id.lower() not in done:
            wire = _task(spec, graph, storage, fail_fast=fail_fast)
            before = [task_id for task_id in graph.upstream(spec.id) if task_id.lower() not in done]
            yield {**wire, "dependsOn": {"taskIds": before}} if before else wire


def compile_job(
    graph: JobGraph,
    options: JobOptions,
    storage: JobStorage | None,
    job_id: str,
    marks: Mapping[str, str],
) -> dict[str, Any]:
    """The job in wire form (BatchJobCreateOptions), with what runs beside its tasks.

    Parameters:
        graph: the graph, which may have a job manager.
        options: the job's.
        storage: where files are kept; None: nowhere.
        job_id: the job's id.
        marks: metadata of the submission.

    Raises:
        SpecError: a file without storage.
    """
    wire = options.wire(job_id, marks, storage.access if storage else None)
    for spec in graph.specs:
        if spec.job_manager is not None:
            task = _task(spec, graph, storage, fail_fast=options.fail_fast)
            wire["jobManagerTask"] = {**task, **spec.job_manager.to_wire()}
    return wire


def check_without_storage(graph: JobGraph, options: JobOptions) -> None:
    """Refuse a job that reads or writes blobs, before anything of it is submitted.

    Raises:
        SpecError: names the first task that needs storage.
    """
    compile_job(graph, options, None, "job", {})
    for _ in compile_tasks(graph, None, fail_fast=options.fail_fast):
        pass


def needed(graph: JobGraph, work: WorkArea) -> Iterator[BlobRef]:
    """The blobs and prefixes of earlier jobs without which the rest of a graph cannot run or be told of.

    Parameters:
        graph: the graph, with all tasks that are known.
        work: of the job that runs the rest, with the homes of what is done.
    """
    for spec in graph.specs:
        if work.is_earlier(spec.id):
            if spec.result is not None:
                yield _produced(spec, spec.result, work)
            continue
        for _, source in spec.inputs:
            if isinstance(source, TaskOutput) and work.is_earlier(source.task_id):
                yield _produced(graph.spec(source.task_id), source.path, work)
            elif isinstance(source, TaskOutputs) and work.is_earlier(source.task_id):
                yield produced_below(source, work)


def _task(spec: TaskSpec, graph: JobGraph, storage: JobStorage | None, *, fail_fast: bool) -> dict[str, Any]:
    in_container = spec.container is not None
    line = command_line(spec.command, where=spec.where, system=graph.system, may_be_empty=in_container)
    wire: dict[str, Any] = {"id": spec.id, "commandLine": line}
    optional = {
        "displayName": spec.display_name,
        "resourceFiles": [
            entry for path, source in spec.inputs for entry in _inputs(path, source, spec, graph, storage)
        ],
        "outputFiles": _outputs(spec, storage),
        "environmentSettings": environment_wire(spec.environment),
        "constraints": constraints_wire(spec.max_wall_clock, spec.retention, spec.max_retries),
        "requiredSlots": spec.required_slots if spec.required_slots != 1 else None,
        "exitConditions": exit_conditions(spec.exit_conditions, fail_fast=fail_fast, where=spec.where),
        "applicationPackageReferences": [_package(*package) for package in spec.packages],
        "userIdentity": user_wire(spec.user),
        "containerSettings": spec.container.to_wire() if spec.container else None,
        "multiInstanceSettings": _several(spec, graph, storage),
        "affinityInfo": {"affinityId": spec.affinity} if spec.affinity else None,
    }
    wire.update({name: value for name, value in optional.items() if value})
    return wire


def _several(spec: TaskSpec, graph: JobGraph, storage: JobStorage | None) -> dict[str, Any] | None:
    if spec.multi_instance is None:
        return None
    access = storage.access if storage else None
    return spec.multi_instance.to_wire(access, graph.system, where=spec.where)


def _inputs(
    path: str, source: Source, spec: TaskSpec, graph: JobGraph, storage: JobStorage | None
) -> Iterator[dict[str, Any]]:
    if storage is not None and isinstance(source, TaskOutputs) and storage.work.is_earlier(source.task_id):
        # A prefix arrives with its whole names, and these begin with the id of the earlier job: each file is
        # put where the author's command looks for it instead.
        directory = "" if path == "." else f"{path}/"
        for ref in storage.below(produced_below(source, storage.work)):
            own = f"{storage.work.job_id}/{ref.name.partition('/')[2]}"
            yield storage.access.resource_file(ref, f"{directory}{own}")
    else:
        yield _input(path, source, spec, graph, storage)


def _input(
    path: str, source: Source, spec: TaskSpec, graph: JobGraph, storage: JobStorage | None
) -> dict[str, Any]:
    if storage is not None and isinstance(source, TaskOutputs):
        source = produced_below(source, storage.work)
    if storage is not None and isinstance(source, TaskOutput):
        source = _produced(graph.spec(source.task_id), source.path, storage.work)
    if isinstance(source, (TaskOutput, TaskOutputs)):
        raise no_storage(f"input {path!r} is a blob", spec.where)
    return resource(path, source, storage.access if storage else None, where=spec.where)


def produced_below(source: TaskOutputs, work: WorkArea) -> BlobRef:
    """The prefix that outputs of a task are found below."""
    prefix = work.of(source.task_id)
    return prefix / f"{source.directory}/" if source.directory else prefix


def _produced(spec: TaskSpec, path: str, work: WorkArea) -> BlobRef:
    output = find_output(spec.outputs, path)
    if output is None:
        raise SpecError(
            f"{path!r} is not among its outputs", where=spec.where, right=f"Add {path!r} to its outputs."
        )
    return output.location(path, work.of(spec.id))


def _outputs(spec: TaskSpec, storage: JobStorage | None) -> list[dict[str, Any]]:
    kept = list(spec.outputs)
    if storage is None:
        if kept:
            raise no_storage(f"output {kept[0].pattern!r} is to be kept", spec.where)
        return []
    if spec.keep_logs:
        kept.append(Output(STANDARD_STREAMS, None, "completion"))
    return [_output(output, storage.work.of(spec.id), storage.access) for output in kept]


def _output(output: Output, work: BlobRef, access: JobFileAccess) -> dict[str, Any]:
    target = output.target(work)
    destination = access.container_destination(own_container(target, access), target.name.rstrip("/"))
    return {
        "filePattern": output.pattern,
        "destination": {"container": destination},
        "uploadOptions": {"uploadCondition": f"task{output.when}"},
    }


def _package(application: str, version: str | None) -> dict[str, str]:
    reference = {"applicationId": application}
    return {**reference, "version": version} if version else reference


def fingerprint(graph: JobGraph, options: JobOptions, container: str) -> str:
    """Hash what is submitted, to tell whether a job that is there already is this one.

    It says nothing of access: no SAS goes into it, so that a later submission has the same one. Fields that
    are at their defaults are left out, so that a version with further fields gives the same.

    Returns:
        16 hexadecimal digits.
    """
    auto = options.auto_pool
    whole = {
        "options": _plain(options if auto is None else replace(options, pool_id=auto.fingerprint)),
        "container": container,
        "tasks": [[_plain(spec), sorted(graph.upstream(spec.id))] for spec in graph.specs],
        "expansions": [[expansion.after, _plain(expansion.kwargs)] for expansion in graph.expansions],
    }
    text = json.dumps(whole, sort_keys=True, default=lambda value: type(value).__qualname__)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {
            item.name: _plain(held)
            for item in fields(value)
            if item.compare and (held := getattr(value, item.name)) != _default(item)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(held) for held in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str) and value.startswith(("http://", "https://")) and "sig=" in value:
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"
    return value


def _default(item: Any) -> Any:
    if item.default_factory is not MISSING:
        return item.default_factory()
    return item.default
