"""What an author holds in hand: tasks and groups of a graph, joined by ``>>`` and ``<<``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import TaskOutput, TaskOutputs, find_output
from airflow_batch_provider.spec.patterns import check_path

if TYPE_CHECKING:
    from airflow_batch_provider.spec.graph import JobGraph

T = TypeVar("T")


class _Joinable:
    """``a >> b`` lets b run after a, also where either is a list; the right side is returned."""

    def __rshift__(self, other: T) -> T:
        _link(self, other)
        return other

    def __lshift__(self, other: T) -> T:
        _link(other, self)
        return other

    def __rrshift__(self, other: Any) -> Any:
        _link(other, self)
        return self

    def __rlshift__(self, other: Any) -> Any:
        _link(self, other)
        return self

    def update_relative(self, other: Any, *_: Any, **__: Any) -> None:
        """Refuse to be joined by an Airflow task, whose ``>>`` calls this.

        Raises:
            SpecError: always.
        """
        raise SpecError(
            f"Airflow's {other!r} and {self!r} of a graph cannot be joined",
            where="dependency",
            right="Join the Airflow task that runs the graph, or use AzureBatchJobTaskGroup.",
        )


class Task(_Joinable):
    """A task in a graph. Made by ``graph.task(...)``.

    Parameters:
        graph: the graph it is in.
        id: its id.
    """

    __slots__ = ("graph", "id")

    def __init__(self, graph: JobGraph, id: str) -> None:
        self.graph = graph
        self.id = id

    def output(self, path: str) -> TaskOutput:
        """Refer to one file that this task leaves; using it as an input makes the dependency too.

        Parameters:
            path: below the working directory, as one of the task's outputs names or matches it.

        Returns:
            A source for the inputs of another task.

        Raises:
            SpecError: no output of this task uploads the file.
        """
        where = f"task {self.id!r}"
        check_path(path, where=where, kind="output path")
        declared = self.graph.spec(self.id).outputs
        if find_output(declared, path) is None:
            have = ", ".join(repr(output.pattern) for output in declared) or "none"
            raise SpecError(
                f"output({path!r}) is not among its outputs ({have})",
                where=where,
                right=f"Add it to the task's outputs=[..., {path!r}].",
            )
        return TaskOutput(self.id, path, self.graph)

    def outputs(self, directory: str = "") -> TaskOutputs:
        """Refer to all files that this task leaves in its work area below a directory.

        Parameters:
            directory: below the working directory; empty: all of them.

        Returns:
            A source for the inputs of another task.

        Raises:
            SpecError: no output of this task goes to its work area.
        """
        where = f"task {self.id!r}"
        if directory:
            check_path(directory, where=where, kind="output directory")
        if all(output.destination is not None for output in self.graph.spec(self.id).outputs):
            raise SpecError(
                "outputs() has nothing to refer to: no output is kept in the job's work area",
                where=where,
                right="Declare outputs=['parts/*'] without a destination, or use blob('container/prefix/').",
            )
        return TaskOutputs(self.id, directory.rstrip("/"), self.graph)

    def __repr__(self) -> str:
        return f"<Task {self.id}>"


class TaskGroup(_Joinable, Sequence[Task]):
    """Tasks that were fanned out together, in order: a sequence. Made by ``graph.fan_out(...)``.

    Parameters:
        name: what their ids begin with.
        tasks: the tasks.
    """

    def __init__(self, name: str, tasks: Sequence[Task]) -> None:
        self.name = name
        self._tasks = tuple(tasks)

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | Sequence[Task]:
        return self._tasks[index]

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def __repr__(self) -> str:
        return f"<TaskGroup {self.name} of {len(self)}>"


def flatten(items: Any, *, where: str = "dependency") -> list[Task]:
    """All tasks in a task, a group or lists of them.

    Parameters:
        items: a task, a group, or lists of them.
        where: what is named in an error.

    Raises:
        SpecError: something else is in it.
    """
    if isinstance(items, Task):
        return [items]
    if isinstance(items, (list, tuple, TaskGroup)):
        return [task for item in items for task in flatten(item, where=where)]
    raise SpecError(
        f"{items!r} is no task",
        where=where,
        right="Give what graph.task(...) returned, groups of tasks, or lists of them.",
    )


def _link(upstream: Any, downstream: Any) -> None:
    first, then = flatten(upstream), flatten(downstream)
    for graph in dict.fromkeys(task.graph for task in then):
        graph.link(first, [task for task in then if task.graph is graph])
