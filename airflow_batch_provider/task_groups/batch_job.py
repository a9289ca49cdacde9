"""A Batch job as an Airflow task group."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, TaskGroup

from airflow_batch_provider.arguments import PoolOfJob, known_pool, pool_of_job, pool_text
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.shared_arguments import OF_GROUPS, check_fields, check_shared
from airflow_batch_provider.spec.again import part_of
from airflow_batch_provider.spec.compile import WorkArea, fingerprint
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.exits import exit_conditions
from airflow_batch_provider.spec.files import TaskOutputs
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.job import JobOptions
from airflow_batch_provider.spec.limits import DEFAULT_WALL_CLOCK
from airflow_batch_provider.spec.naming import digest
from airflow_batch_provider.spec.task import TaskOptions
from airflow_batch_provider.task_groups.drawn import drawn_graph
from airflow_batch_provider.task_groups.handle import BatchMember
from airflow_batch_provider.task_groups.launch import AzureBatchEndOperator, AzureBatchSubmitOperator
from airflow_batch_provider.task_groups.member import AzureBatchMemberOperator
from airflow_batch_provider.task_groups.settings import GroupSettings, check_group_options

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from airflow_batch_provider.spec.command import Command, OperatingSystem
    from airflow_batch_provider.spec.job_network import JobNetwork
    from airflow_batch_provider.spec.special_tasks import JobPreparation, JobRelease
    from airflow_batch_provider.spec.task import TaskSpec
    from airflow_batch_provider.task_arguments import GroupArguments

SUBMIT, END = "submit", "end"
"""Ids, within the group, of the Airflow tasks that are no members."""

_GIVEN_BY_THE_GROUP = ("task_id", "dag", "task_group", "trigger_rule", "group", "spec")


class AzureBatchJobTaskGroup(TaskGroup):
    """One Batch job, each of whose tasks is an Airflow task with its own state, log and retry.

    ::

        with AzureBatchJobTaskGroup("train", pool_id="nodes") as job:
            prep = job.task("prep", shell("make-data > x"), outputs=["x"])
            fit = job.task("fit", ["fit", "x"], inputs={"x": prep.output("x")})
            report = job.task("report", "report")
            fit >> report

    The task ``submit`` of the group submits all of it as one job, the dependencies among its members as
    ``dependsOn``; Batch runs them. The members wait in the triggerer with one poll for all. The task ``end``,
    the group's teardown, ends the job when all members are done; the job's wall clock does so when Airflow is
    gone.

    A retry of a member lets its Batch task run again and nothing else. Clearing members runs those that were
    cleared, and takes the outputs of the others from where they have left them.

    Jinja in commands, environment and file references is rendered when the job is submitted, as in a template
    of the task ``submit``; in a job of a member's own as in one of that member.

    Parameters:
        group_id: id of the group.
        pool_id: the pool that runs the tasks; templated, and may be the XCom of a pool operator. Or
            ``AutoPool(Pool(...))``: the group's job has a pool of its own, as has each job of a repair.
        conn_id, namespace, work_container, timeout, deferrable, poll_interval, no_retry_exit_codes: as of
            :class:`~airflow_batch_provider.operators.job.AzureBatchJobOperator`; each member has ``timeout``.
        priority, max_wall_clock, environment, max_parallel_tasks, metadata, preparation, release,
            max_task_retries, allow_task_preemption, display_name, network: see
            :class:`~airflow_batch_provider.spec.job.JobOptions`.
        system: operating system of the nodes.
        start_timeout: how long each member waits for the start of its Batch task, so for a free node, within
            ``timeout``; it counts from the start of the Airflow task, so not while others that it depends on
            run, and anew when those run again. None: as long as ``timeout``.
        log_output: show what the Batch tasks write in the log of their Airflow tasks.
        kwargs: further arguments of Airflow's ``TaskGroup``, such as ``default_args`` and ``tooltip``.

    Raises:
        SpecError: an option, a task or a dependency cannot work; at DAG parse.
    """

    def __init__(
        self,
        group_id: str,
        *,
        pool_id: PoolOfJob,
        conn_id: str = AzureBatchHook.default_conn_name,
        work_container: str = "batch-work",
        namespace: str = "",
        priority: int = 0,
        max_wall_clock: timedelta = DEFAULT_WALL_CLOCK,
        environment: Mapping[str, str] | None = None,
        max_parallel_tasks: int | None = None,
        metadata: Mapping[str, str] | None = None,
        preparation: JobPreparation | Command | None = None,
        release: JobRelease | Command | None = None,
        system: OperatingSystem = "linux",
        max_task_retries: int | None = None,
        allow_task_preemption: bool = False,
        display_name: str | None = None,
        network: JobNetwork | None = None,
        timeout: timedelta | None = None,
        deferrable: bool = True,
        poll_interval: float = 15.0,
        log_output: bool = True,
        no_retry_exit_codes: Collection[int] = (),
        start_timeout: timedelta | None = None,
        **kwargs: Unpack[GroupArguments],
    ) -> None:
        where = f"task group {group_id!r}"
        check_group_options(kwargs, AzureBatchJobTaskGroup, where)
        checked = {
            "conn_id": conn_id,
            "work_container": work_container,
            "namespace": namespace,
            "timeout": timeout,
            "start_timeout": start_timeout,
            "deferrable": deferrable,
            "poll_interval": poll_interval,
            "log_output": log_output,
            "no_retry_exit_codes": no_retry_exit_codes,
        }
        texts = {
            "pool_id": pool_id,
            "environment": environment,
            "metadata": metadata,
            "display_name": display_name,
            "preparation": preparation,
            "release": release,
        }
        check_fields({**checked, **texts}, (*checked, *texts), where)
        check_shared(checked, where, OF_GROUPS)
        pool = pool_of_job(pool_id, where)
        options = JobOptions(
            pool_id=known_pool(pool),
            priority=priority,
            max_wall_clock=max_wall_clock,
            # A failed task must not end the job: the others go on, and it may run again.
            on_task_failure="continue",
            environment={} if environment is None else environment,
            max_parallel_tasks=max_parallel_tasks,
            metadata={} if metadata is None else metadata,
            preparation=preparation,
            release=release,
            system=system,
            max_task_retries=max_task_retries,
            allow_task_preemption=allow_task_preemption,
            display_name=display_name,
            network=network,
        )
        self.settings = GroupSettings(
            conn_id=conn_id,
            work_container=work_container,
            namespace=namespace,
            options=options,
            timeout=timeout,
            deferrable=deferrable,
            poll_interval=poll_interval,
            log_output=log_output,
            no_retry_exit_codes=frozenset(no_retry_exit_codes),
            start_timeout=start_timeout,
        )
        super().__init__(group_id=group_id, **kwargs)  # type: ignore[arg-type] # attrs' converters hide types
        self.members: dict[str, AzureBatchMemberOperator] = {}
        self._task_ids: dict[str, str] = {}
        self._declared = JobGraph(system=system)
        self._open = False
        auto = options.auto_pool
        self._pool = auto.fingerprint if auto else pool_id if isinstance(pool_id, str) else ""
        self.launcher = AzureBatchSubmitOperator(
            task_id=SUBMIT,
            task_group=self,
            group=self,
            pool_id=auto.label if auto else pool_text(pool_id, where),
        )
        self._end = AzureBatchEndOperator(task_id=END, task_group=self, group=self)
        self._end.as_teardown(setups=self.launcher)

    def task(
        self,
        id: str,
        command: Command,
        *,
        operator_args: Mapping[str, Any] | None = None,
        **options: Unpack[TaskOptions],
    ) -> BatchMember:
        """Add a Batch task, and the Airflow task that stands for it.

        Parameters:
            id: at most 64 letters, digits, ``-`` and ``_``; unique in the group without regard to case.
            command: text or a list of texts. No shell runs it; for pipes and variables use ``shell("...")``.
            operator_args: arguments of the Airflow task, such as ``{"retries": 2}``.
            options: see :class:`~airflow_batch_provider.spec.task.TaskOptions`.

        Returns:
            The task, to be joined with others and to take outputs from.

        Raises:
            SpecError: says what is wrong, where, and what would be right.
        """
        arguments = self._arguments(id, {} if operator_args is None else operator_args, options)
        waits_for = options.pop("depends_on", None)
        made = self._declared.task(id, command, **options)
        spec = self._declared.spec(id)
        _check_fits(spec)
        operator = AzureBatchMemberOperator(task_id=id, group=self, spec=spec, **arguments)
        self.members[operator.task_id] = operator
        self._task_ids[id.lower()] = operator.task_id
        for before in self._declared.upstream(id):
            operator.set_upstream(self.members[self._task_ids[before.lower()]])
        if waits_for is not None:
            operator.set_upstream(waits_for)
        return BatchMember(made, operator)

    def batch_graph(self) -> JobGraph:
        """What Batch is given: the tasks, and the dependencies that are drawn in Airflow.

        Raises:
            SpecError: no task, a cycle, or a member that waits for something Batch knows nothing of.
        """
        return drawn_graph(self._declared, self.members, self.launcher, f"task group {self.group_id!r}")

    def mark(self) -> str:
        """Hash of the group as it is written, to tell whether a job that is there runs the same."""
        options = JobOptions(pool_id="pool", system=self.settings.options.system)
        return digest(fingerprint(self.batch_graph(), options, self.settings.work_container), self._pool)

    def launched(self, ti: Any) -> dict[str, Any] | None:
        """What ``submit`` has returned in the run of a task instance; None when it has not run."""
        told: dict[str, Any] | None = ti.xcom_pull(task_ids=self.launcher.task_id, map_indexes=_map_index(ti))
        return told

    def last_job(self, ti: Any, batch_task_id: str) -> str | None:
        """The job in which a member has succeeded last; None when it has not."""
        task_id = self._task_ids.get(batch_task_id.lower())
        told = ti.xcom_pull(task_ids=task_id, map_indexes=_map_index(ti)) if task_id else None
        return str(told["job_id"]) if told else None

    def part(self, ti: Any, wanted: Collection[str], settings: GroupSettings) -> JobGraph:
        """The graph of some members, which take what the others have left from where that is.

        Parameters:
            ti: a task instance of the run.
            wanted: ids of the Batch tasks.
            settings: rendered.

        Raises:
            SpecError: one reads an output of a task that has left nothing that is known.
        """

        def left_in(batch_task_id: str) -> WorkArea | None:
            job_id = self.last_job(ti, batch_task_id)
            return None if job_id is None else WorkArea(settings.work_container, job_id)

        return part_of(self.batch_graph(), frozenset(wanted), left_in)

    def __enter__(self) -> Self:
        self._open = True
        super().__enter__()
        return self

    def __exit__(self, _type: Any, _value: Any, _tb: Any) -> None:
        super().__exit__(_type, _value, _tb)  # type: ignore[no-untyped-call]
        self._open = False
        if _type is None:
            self._join()

    def _join(self) -> None:
        """Put the members between ``submit`` and ``end``, and check them as a whole."""
        inner = set(self.members)
        for operator in self.members.values():
            if operator.upstream_task_ids.isdisjoint(inner):
                self.launcher.set_downstream(operator)
            if operator.downstream_task_ids.isdisjoint(inner):
                self._end.set_upstream(operator)
        graph = self.batch_graph()
        if (auto := self.settings.options.auto_pool) is not None:
            auto.check_fits(graph)

    def _arguments(
        self, id: str, operator_args: Mapping[str, Any], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        where = f"task {id!r} of task group {self.group_id!r}"
        if not self._open:
            raise SpecError(
                "it is added outside of the group", where=where, right="Add it inside 'with ... as job:'."
            )
        if id in (SUBMIT, END):
            raise SpecError(
                "the id is that of a task of the group's own", where=where, right="Choose another id."
            )
        if not isinstance(operator_args, Mapping):
            raise SpecError(f"operator_args is {operator_args!r}", where=where, right="Write {'retries': 2}.")
        for name in _GIVEN_BY_THE_GROUP:
            if name in operator_args:
                raise SpecError(
                    f"operator_args has {name!r}", where=where, right="The group gives it; leave it out."
                )
        _refuse_operator_args(options, where)
        return dict(operator_args)


def _refuse_operator_args(options: Mapping[str, Any], where: str) -> None:
    """Refuse options that are none of a Batch task, but arguments of the Airflow task."""
    of_airflow = inspect.signature(BaseOperator.__init__).parameters.keys() - TaskOptions.__annotations__
    for name in options:
        if name in of_airflow:
            raise SpecError(
                f"{name} is an argument of the Airflow task",
                where=where,
                right=f"Write operator_args={{{name!r}: ...}}."
                + (" What Batch itself tries again is max_retries." if name == "retries" else ""),
            )


def _check_fits(spec: TaskSpec) -> None:
    exit_conditions(spec.exit_conditions, fail_fast=False, where=spec.where)
    for given, what, right in (
        (
            any(isinstance(source, TaskOutputs) for _, source in spec.inputs),
            "outputs() is an input",
            "Its paths hold the job's id, and a repair has another: name files by output().",
        ),
        (
            spec.job_manager is not None,
            "it is a job manager",
            "What it adds has no Airflow task: use AzureBatchJobOperator.",
        ),
        (
            spec.skips(0),
            "on_exit(0, dependency='block') keeps dependents from running",
            "Airflow would wait for them: let a task of Airflow decide, between two groups.",
        ),
    ):
        if given:
            raise SpecError(what, where=f"{spec.where} of a task group", right=right)


def _map_index(ti: Any) -> int:
    map_index: int | None = getattr(ti, "map_index", None)
    return -1 if map_index is None else map_index
