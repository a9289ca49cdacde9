"""Running some tasks of a graph again, in another job than the one the others ran in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from airflow_batch_provider.spec.compile import WorkArea
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, Source, TaskOutput, TaskOutputs, find_output
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.task import TaskSpec


def part_of(graph: JobGraph, wanted: Collection[str], left_in: Callable[[str], WorkArea | None]) -> JobGraph:
    """The graph of the tasks that are to run, in which outputs of all others are files that are there.

    Parameters:
        graph: the whole graph.
        wanted: ids of the tasks that are to run.
        left_in: gives the work area of the job in which another task has left its outputs; None: unknown.

    Raises:
        SpecError: a task reads an output of one that is not to run and has left nothing that is known.
    """

    def placed(spec: TaskSpec) -> TaskSpec:
        return replace(spec, inputs=tuple((path, source_of(spec, source)) for path, source in spec.inputs))

    def source_of(spec: TaskSpec, source: Source) -> Source:
        if not isinstance(source, (TaskOutput, TaskOutputs)) or source.task_id in wanted:
            return source
        return _left(graph.spec(source.task_id), source, left_in(source.task_id), where=spec.where)

    return graph.only(placed(spec) for spec in graph.specs if spec.id in wanted)


def _left(
    producer: TaskSpec, source: TaskOutput | TaskOutputs, work: WorkArea | None, *, where: str
) -> BlobRef:
    if isinstance(source, TaskOutput):
        output = find_output(producer.outputs, source.path)
        if output is not None and output.destination is not None:
            return output.location(source.path, output.destination)
    if work is None:
        raise SpecError(
            f"it reads outputs of {producer.id!r}, and no run of that task is known",
            where=where,
            right=f"That task was marked as success without having run: clear {producer.id!r} as well.",
        )
    area = work.of(producer.id)
    if isinstance(source, TaskOutputs):
        return area / f"{source.directory}/" if source.directory else area
    assert output is not None, "checked when the output was referred to"
    return output.location(source.path, area)
