"""A graph of tasks, written in plain Python, that becomes one Batch job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.spec import dependencies
from airflow_batch_provider.spec.barriers import chunks
from airflow_batch_provider.spec.command import NOTHING, Command, OperatingSystem, check_system
from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.files import Render, TaskOutput, TaskOutputs
from airflow_batch_provider.spec.handles import Task, TaskGroup, flatten
from airflow_batch_provider.spec.job_manager import check_manager
from airflow_batch_provider.spec.limits import DEPENDENCY_IDS_LENGTH, EDGES_WITHOUT_BARRIER
from airflow_batch_provider.spec.naming import slug
from airflow_batch_provider.spec.sweeps import Pairing, build_task, items_of, sweep_points
from airflow_batch_provider.spec.task import TaskSpec, make_task

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.spec.task import TaskOptions


@dataclass(frozen=True)
class Expansion:
    """Tasks that are known only when another task has told. Made by :meth:`JobGraph.expand`."""

    after: str
    build: Callable[..., JobGraph]
    kwargs: Mapping[str, Any]


class JobGraph:
    """Tasks and what each must wait for.

    Parameters:
        system: operating system of the nodes: how lists become command lines, and what a barrier runs.
        extends: the graph that this one adds to; see :meth:`more`.

    ``first >> second`` adds a dependency, as does using ``first.output(...)`` in ``second``'s inputs. Joining
    two groups by more than 2,500 dependencies puts one task that does nothing between them, a barrier.
    """

    def __init__(self, *, system: OperatingSystem = "linux", extends: JobGraph | None = None) -> None:
        self.system = check_system(system)
        self.extends = extends
        self.expansions: list[Expansion] = []
        self._specs: dict[str, TaskSpec] = {}
        self._upstream: dict[str, dict[str, None]] = {}
        self._spelling: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._specs)

    def __repr__(self) -> str:
        # No address: it would make a new version of the DAG each time the DAG is parsed.
        return f"<JobGraph of {len(self)} tasks>"

    @property
    def specs(self) -> Sequence[TaskSpec]:
        """All tasks in the order they were added."""
        return tuple(self._specs.values())

    def spec(self, task_id: str) -> TaskSpec:
        """One task.

        Raises:
            SpecError: there is none with this id; names the nearest.
        """
        if task_id in self._specs:
            return self._specs[task_id]
        raise SpecError(
            f"there is no task {task_id!r}", right=nearest(task_id, self._specs) or "Add it first."
        )

    def has(self, task_id: str) -> bool:
        """Whether a task is in this graph."""
        return task_id in self._specs

    @property
    def may_skip(self) -> bool:
        """Whether a task may succeed and yet keep others from running, as its exit conditions want."""
        return any(spec.skips(0) for spec in self._specs.values())

    def upstream(self, task_id: str) -> tuple[str, ...]:
        """Ids of the tasks that a task waits for."""
        return tuple(self._upstream[task_id])

    def task(self, id: str, command: Command, **options: Unpack[TaskOptions]) -> Task:
        """Add a task.

        Parameters:
            id: at most 64 letters, digits, ``-`` and ``_``; unique in the job without regard to case.
            command: text or a list of texts. No shell runs it; for pipes and variables use ``shell("...")``.
            options: see :class:`~airflow_batch_provider.spec.task.TaskOptions`.

        Returns:
            The task, to be joined with others and to take outputs from.

        Raises:
            SpecError: says what is wrong, where, and what would be right.
        """
        spec = make_task(id, command, options, system=self.system)
        taken = self._taken(id)
        if taken is not None:
            raise SpecError(
                f"the id {id!r} is taken by {taken!r}",
                where=spec.where,
                right="Azure Batch does not tell upper from lower case in ids; choose another.",
            )
        producers = [source for _, source in spec.inputs if isinstance(source, (TaskOutput, TaskOutputs))]
        for source in producers:
            self._check_member(source.graph, source.task_id, where=spec.where)
        self._specs[id] = spec
        self._spelling[id.lower()] = id
        self._upstream[id] = dict.fromkeys(source.task_id for source in producers)
        made = Task(self, id)
        dependencies.check_task(id, self._upstream[id])
        if (depends_on := options.get("depends_on")) is not None:
            self.link(flatten(depends_on, where=f"depends_on of {spec.where}"), [made])
        return made

    def fan_out(
        self,
        name: str,
        items: Iterable[Any],
        build: Callable[[Any], Mapping[str, Any]],
        *,
        key: Callable[[Any], str] | None = None,
    ) -> TaskGroup:
        """Add one task for each item.

        Parameters:
            name: ids are ``name-0000``, ``name-0001``, ...
            items: what the tasks are for.
            build: gives an item's ``command`` and options as a dict.
            key: gives the part of the id behind ``name-`` instead of a number.

        Returns:
            The tasks, in the order of the items.

        Raises:
            SpecError: as :meth:`task`, no items, or what ``build`` returned is no dict with a command.
        """
        tasks = []
        for number, item in enumerate(items_of(items, build, f"fan_out {name!r}")):
            command, options = build_task(build, item, where=f"fan_out {name!r}")
            task_id = f"{name}-{key(item) if key else f'{number:04d}'}"
            tasks.append(self.task(task_id, command, **options))
        return TaskGroup(name, tasks)

    def sweep(
        self,
        name: str,
        axes: Mapping[str, Iterable[Any]],
        build: Callable[..., Mapping[str, Any]],
        *,
        pairing: Pairing = "product",
        key: Callable[..., str] | None = None,
    ) -> TaskGroup:
        """Add one task for each combination of parameters.

        Parameters:
            name: ids are ``name-0000``, ``name-0001``, ...; the last axis changes fastest.
            axes: parameter -> its values.
            build: called with one value of each as keywords, as ``build(rate=0.1, depth=3)``; gives the
                ``command`` and options as a dict.
            pairing: ``product`` takes every value with every other, ``zip`` the first with the first, the
                second with the second, and so on.
            key: called likewise; gives the part of the id behind ``name-`` instead of a number.

        Returns:
            The tasks, one for each combination.

        Raises:
            SpecError: as :meth:`fan_out`; no axis, one without values, or a ``zip`` of unequal lengths.
        """
        points = sweep_points(axes, pairing, where=f"sweep {name!r}")
        return self.fan_out(
            name,
            points,
            lambda point: build(**point),
            key=None if key is None else lambda point: key(**point),
        )

    def merge(
        self,
        id: str,
        command: Command,
        of: Any,
        *,
        collect: str | None = None,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Add a task that runs after all others of a group, with a file of each.

        Parameters:
            id: as for :meth:`task`.
            command: text or a list of texts, as for :meth:`task`.
            of: tasks, groups, or lists of them.
            collect: an output that each of them has; it arrives as ``<task id>/<path>``.
            options: see :class:`~airflow_batch_provider.spec.task.TaskOptions`.

        Returns:
            The task that merges.

        Raises:
            SpecError: as :meth:`task`, or one of the tasks has no such output.
        """
        tasks = flatten(of)
        if collect is not None:
            collected = {f"{task.id}/{collect}": task.output(collect) for task in tasks}
            options["inputs"] = {**collected, **options.get("inputs", {})}
        merged = self.task(id, command, **options)
        self.link(tasks, [merged])
        return merged

    def barrier(self, name: str, tasks: Any) -> Task:
        """Add a task that does nothing, to be waited for in place of many others.

        More tasks than one list of dependencies can name are taken by barriers before this one.

        Parameters:
            name: its id; barriers before it are ``name-000``, ``name-001``, ...
            tasks: tasks, groups, or lists of them.

        Returns:
            The barrier, to be joined with what comes after.
        """
        waiting = flatten(tasks)
        level = 0
        while sum(len(task.id) for task in waiting) > DEPENDENCY_IDS_LENGTH:
            prefix = f"{name}-{level}" if level else name
            waiting = [
                self._joined(f"{prefix}-{number:03d}", chunk) for number, chunk in enumerate(chunks(waiting))
            ]
            level += 1
        return self._joined(name, waiting)

    def _joined(self, task_id: str, waiting: Sequence[Task]) -> Task:
        joined = self.task(task_id, NOTHING[self.system], keep_logs=False)
        self.link(waiting, [joined])
        return joined

    def expand(
        self, *, after: Task, build: Callable[..., JobGraph], kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Add tasks to the running job once another task has told which.

        Parameters:
            after: a task with a ``result``.
            build: called as ``build(result, **kwargs)`` in an Airflow worker when ``after`` has succeeded;
                returns ``graph.more()`` with the further tasks in it. It must return the same for the same
                result, since it is called again after a crash. It may ``expand`` the new graph in turn.
            kwargs: further arguments.

        Raises:
            SpecError: ``after`` has no result, or ``build`` cannot be called.
        """
        self._check_member(after.graph, after.id, where="expand")
        if after.graph.spec(after.id).result is None:
            raise SpecError(
                f"task {after.id!r} has no result", where="expand", right="Give it result='plan.json'."
            )
        if not callable(build):
            raise SpecError(
                f"build is {build!r}", where=f"expand after {after.id!r}", right="Give a function."
            )
        self.expansions.append(Expansion(after.id, build, dict(kwargs or {})))

    def more(self) -> JobGraph:
        """Begin a graph that adds to this one: its tasks may wait for this one's and use their outputs.

        Returns:
            An empty graph, for what ``build`` of :meth:`expand` adds.
        """
        return JobGraph(system=self.system, extends=self)

    def link(self, upstream: Sequence[Task], downstream: Sequence[Task]) -> None:
        """Let tasks of this graph wait for others; what ``>>`` does.

        Parameters:
            upstream: who is waited for.
            downstream: who waits for all of these.

        Raises:
            SpecError: a task of another graph, a task waiting for itself, or more ids than the service takes.
        """
        for task in (*upstream, *downstream):
            self._check_member(task.graph, task.id, where="dependency")
        several = len(upstream) > 1 and len(downstream) > 1
        if several and len(upstream) * len(downstream) > EDGES_WITHOUT_BARRIER:
            upstream = [self.barrier(self._free_id(f"before-{slug(downstream[0].id, 40)}"), upstream)]
        for task in downstream:
            waits_for = self._upstream[task.id]
            waits_for.update(dict.fromkeys(before.id for before in upstream))
            dependencies.check_task(task.id, waits_for)

    def joined(self, more: object, expansion: Expansion) -> JobGraph:
        """This graph with the tasks of an expansion added.

        Parameters:
            more: what the expansion's ``build`` returned.
            expansion: it, which is not pending any more in the graph that is returned.

        Raises:
            SpecError: no graph, an id that is taken, or an unknown dependency.
        """
        where = f"expand after {expansion.after!r}"
        if not isinstance(more, JobGraph):
            raise SpecError(
                f"build returned {more!r}", where=where, right="Return graph.more() with tasks in it."
            )
        whole = self.without(expansion)
        whole.expansions += more.expansions
        for spec in more.specs:
            if spec.job_manager is not None:
                raise SpecError(
                    "a job manager is added to a running job",
                    where=spec.where,
                    right="It is created with the job: put it into the graph from the start.",
                )
            if taken := whole._taken(spec.id):
                raise SpecError(
                    f"the id {spec.id!r} is taken by {taken!r}", where=where, right="Choose other ids."
                )
            whole._specs[spec.id] = spec
            whole._spelling[spec.id.lower()] = spec.id
            whole._upstream[spec.id] = dict(more._upstream[spec.id])
        whole.validate()
        return whole

    def without(self, expansion: Expansion) -> JobGraph:
        """This graph without one of its expansions."""
        copy = self._copy()
        copy.expansions = [pending for pending in self.expansions if pending is not expansion]
        return copy

    def only(self, specs: Iterable[TaskSpec]) -> JobGraph:
        """A graph of some of these tasks, written as given, with the dependencies among them."""
        copy = self._copy()
        copy._specs = {spec.id: spec for spec in specs}
        copy._upstream = {each: dict.fromkeys(filter(copy.has, self._upstream[each])) for each in copy._specs}
        return copy

    def rendered(self, render: Render) -> JobGraph:
        """This graph with the Jinja in its texts rendered. The graph itself stays as it is."""
        copy = self._copy()
        copy._specs = {task_id: spec.rendered(render) for task_id, spec in self._specs.items()}
        return copy

    def validate(self) -> None:
        """Check the graph as a whole; an operator does so when the DAG is parsed.

        Raises:
            SpecError: no task, a dependency that does not exist, a cycle, which it spells out, or a job
                manager that waits for a task or is not the only one.
        """
        if not self._specs:
            raise SpecError("the graph has no task", right="Add one by graph.task('id', 'command').")
        dependencies.check_all(self._upstream)
        check_manager(self._specs.values(), self._upstream)

    def _copy(self) -> JobGraph:
        copy = JobGraph(system=self.system, extends=self.extends)
        copy.expansions = list(self.expansions)
        copy._specs = dict(self._specs)
        copy._spelling = dict(self._spelling)
        copy._upstream = {task_id: dict(waits_for) for task_id, waits_for in self._upstream.items()}
        return copy

    def _lineage(self) -> Iterator[JobGraph]:
        """This graph and those that it adds to."""
        graph: JobGraph | None = self
        while graph is not None:
            yield graph
            graph = graph.extends

    def _taken(self, task_id: str) -> str | None:
        spellings = (graph._spelling.get(task_id.lower()) for graph in self._lineage())
        return next(filter(None, spellings), None)

    def _free_id(self, wanted: str) -> str:
        task_id, number = wanted, 1
        while self._taken(task_id):
            number += 1
            task_id = f"{wanted}-{number}"
        return task_id

    def _check_member(self, graph: object, task_id: str, *, where: str) -> None:
        if any(own is graph for own in self._lineage()):
            return
        raise SpecError(
            f"task {task_id!r} is of another graph",
            where=where,
            right="Tasks are joined within one graph; a function given to expand() begins with graph.more().",
        )
