"""What one task of a job is: its command, files, limits and exit conditions, checked when it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict, cast

from airflow_batch_provider.spec.checks import check_flags, check_texts, kinds_named, rendered
from airflow_batch_provider.spec.command import Command, OperatingSystem, command_line
from airflow_batch_provider.spec.errors import SpecError, check_keywords, placed
from airflow_batch_provider.spec.exits import ExitRule, check_rules
from airflow_batch_provider.spec.files import (
    BlobRef,
    Inputs,
    Output,
    Outputs,
    Render,
    Source,
    UploadWhen,
    check_output,
    find_output,
    parse_inputs,
    parse_outputs,
)
from airflow_batch_provider.spec.limits import RESERVED_TASK_IDS
from airflow_batch_provider.spec.naming import check_id
from airflow_batch_provider.spec.no_shell import warn_without_shell
from airflow_batch_provider.spec.options import display_name, duration, environment_pairs, whole
from airflow_batch_provider.spec.patterns import has_wildcard
from airflow_batch_provider.spec.users import AutoUser, check_user

if TYPE_CHECKING:
    from airflow_batch_provider.spec.job_manager import JobManager
    from airflow_batch_provider.spec.multi_instance import MultiInstance
    from airflow_batch_provider.spec.task_container import Container

_RECORDS = {"container": "Container", "multi_instance": "MultiInstance", "job_manager": "JobManager"}
_PACKAGE = re.compile(r"([A-Za-z0-9_-]+)(?:(?::|==)(.+))?")


class TaskOptions(TypedDict, total=False):
    """What a task can be given beside its id and command.

    Parameters:
        inputs: path in the working directory -> source: ``blob(...)``, an output of another task, or a URL.
        outputs: paths or patterns to keep in the work area, or each -> ``blob(...)``; None for the work area.
        upload_when: on which end outputs are kept; by default on ``success``.
        result: a JSON file of the outputs that is read back when the task has succeeded.
        environment: environment variables.
        max_retries: tries after the first, -1 without limit.
        max_wall_clock: longest time of one try.
        retention: how long the working directory stays on the node.
        required_slots: task slots of the node that it takes.
        packages: application packages as ``"ffmpeg"`` or ``"ffmpeg==7.1"``.
        exit_conditions: what follows from exit codes, by :func:`on_exit`.
        user: a pool's user account, or an :class:`AutoUser`.
        display_name: shown beside the id.
        affinity: id of the node to prefer.
        keep_logs: whether standard output and error go to the work area; by default they do.
        depends_on: tasks, groups, or lists of them, that must succeed first.
        container: the :class:`Container` it runs in.
        multi_instance: a :class:`MultiInstance`, for a task on several nodes.
        job_manager: a :class:`JobManager`, for the one task that is created with the job and may add others.

    Source: Azure Batch REST reference: *Add task to job*.
    """

    inputs: Inputs
    outputs: Outputs
    upload_when: UploadWhen
    result: str | None
    environment: Mapping[str, str]
    max_retries: int | None
    max_wall_clock: timedelta | None
    retention: timedelta | None
    required_slots: int
    packages: Sequence[str]
    exit_conditions: Sequence[ExitRule]
    user: AutoUser | str | None
    display_name: str | None
    affinity: str | None
    keep_logs: bool
    depends_on: Any
    container: Container | None
    multi_instance: MultiInstance | None
    job_manager: JobManager | None


@dataclass(frozen=True)
class TaskSpec:
    """One task as it was written; every field is checked. The fields are those of :class:`TaskOptions`."""

    id: str
    command: str | tuple[str, ...]
    inputs: tuple[tuple[str, Source], ...] = ()
    outputs: tuple[Output, ...] = ()
    result: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    max_retries: int | None = None
    max_wall_clock: timedelta | None = None
    retention: timedelta | None = None
    required_slots: int = 1
    packages: tuple[tuple[str, str | None], ...] = ()
    exit_conditions: tuple[ExitRule, ...] = ()
    user: AutoUser | str | None = None
    display_name: str | None = None
    affinity: str | None = None
    keep_logs: bool = True
    container: Container | None = None
    multi_instance: MultiInstance | None = None
    job_manager: JobManager | None = None

    @property
    def where(self) -> str:
        """How errors name this task."""
        return f"task {self.id!r}"

    def tolerates(self, exit_code: int | None) -> bool:
        """Whether the author's exit conditions reckon with this exit code."""
        return exit_code is not None and any(
            rule.covers(exit_code) and rule.tolerates for rule in self.exit_conditions
        )

    def skips(self, exit_code: int | None) -> bool:
        """Whether the author wants dependents not to run after this exit, which is a success."""
        return exit_code == 0 and any(
            rule.covers(0) and rule.dependency == "block" for rule in self.exit_conditions
        )

    def rendered(self, render: Render) -> TaskSpec:
        """Render the Jinja in command, environment, display name, package versions, container, coordination
        command and blob references.

        Raises:
            SpecError: what was rendered is no blob reference, or no command; or it cannot be rendered.
        """
        with placed(self.where):
            return self._rendered(render)

    def _rendered(self, render: Render) -> TaskSpec:
        command = self.command
        return replace(
            self,
            command=render(command) if isinstance(command, str) else tuple(render(word) for word in command),
            environment=tuple((name, render(value)) for name, value in self.environment),
            display_name=render(self.display_name) if self.display_name else None,
            inputs=tuple((path, _rendered_source(source, render)) for path, source in self.inputs),
            outputs=tuple(_rendered_output(output, render, self.where) for output in self.outputs),
            packages=tuple((name, render(version) if version else None) for name, version in self.packages),
            container=rendered(self.container, render),
            multi_instance=rendered(self.multi_instance, render),
        )


def _rendered_source(source: Source, render: Render) -> Source:
    if isinstance(source, BlobRef):
        return source.rendered(render)
    return render(source) if isinstance(source, str) else source


def _rendered_output(output: Output, render: Render, where: str) -> Output:
    if output.destination is None:
        return output
    return check_output(replace(output, destination=output.destination.rendered(render)), where=where)


def make_task(
    task_id: str, command: Command, options: Mapping[str, Any], *, system: OperatingSystem
) -> TaskSpec:
    """Check everything an author wrote about one task.

    Parameters:
        task_id: the id, unique in its job without regard to case.
        command: see :func:`~airflow_batch_provider.spec.command.command_line`.
        options: see :class:`TaskOptions`.
        system: operating system of the nodes.

    Raises:
        SpecError: says what is wrong, in which task, and what would be right.
    """
    check_id(task_id, where="task id")
    where = f"task {task_id!r}"
    if task_id.lower() in RESERVED_TASK_IDS:
        raise SpecError("the id is that of the job's special tasks", where=where, right="Choose another id.")
    check_keywords(options, TaskOptions.__annotations__.keys() | {"command"}, where=where)
    in_container = options.get("container") is not None
    command_line(command, where=where, system=system, may_be_empty=in_container)
    if not in_container:  # whose entry point may be a shell
        # Tasks of a fan-out are told of once: Python shows what reads alike once.
        warn_without_shell(command, f"task {task_id.rstrip('0123456789-')!r}")
    keep_logs = options.get("keep_logs", True)
    check_flags(where, keep_logs=keep_logs)
    outputs = parse_outputs(
        _given(options, "outputs", ()), options.get("upload_when", "success"), where=where
    )
    made = TaskSpec(
        id=task_id,
        command=command if isinstance(command, str) else tuple(command),
        inputs=parse_inputs(_given(options, "inputs", {}), where=where),
        outputs=outputs,
        result=_result(options.get("result"), outputs, where),
        environment=environment_pairs(_given(options, "environment", {}), where=where),
        max_retries=whole(options.get("max_retries"), "max_retries", -1, where),
        max_wall_clock=duration(options.get("max_wall_clock"), "max_wall_clock", where),
        retention=duration(options.get("retention"), "retention", where),
        required_slots=whole(options.get("required_slots", 1), "required_slots", 1, where) or 1,
        packages=tuple(_package(package, where) for package in _listed(options.get("packages"), where)),
        exit_conditions=check_rules(_given(options, "exit_conditions", ()), where=where),
        user=check_user(options.get("user"), where=where),
        display_name=display_name(options.get("display_name"), where),
        affinity=_affinity(options.get("affinity"), where),
        keep_logs=keep_logs,
        **{name: _record(options.get(name), name, kind, where) for name, kind in _RECORDS.items()},
    )
    _check_kind(made)
    return made


def _given(options: Mapping[str, Any], name: str, otherwise: object) -> Any:
    value = options.get(name)
    return otherwise if value is None else value


def _affinity(node: object, where: str) -> str | None:
    if node is not None:
        check_texts(where, affinity=node)
    return cast("str | None", node)


def _record(value: object, name: str, kind: str, where: str) -> Any:
    if value is None or isinstance(value, kinds_named(kind)):
        return value
    raise SpecError(f"{name} is {value!r}", where=where, right=f"It is {kind}(...).")


def _check_kind(spec: TaskSpec) -> None:
    """Refuse what the service does not know of the two special kinds of tasks."""
    if spec.multi_instance is not None and spec.required_slots != 1:
        raise SpecError(
            f"required_slots is {spec.required_slots} with multi_instance",
            where=spec.where,
            right="A multi-instance task takes whole nodes of one slot; leave required_slots out.",
        )
    if spec.job_manager is None:
        return
    for name in ("multi_instance", "exit_conditions", "affinity"):
        if getattr(spec, name):
            raise SpecError(
                f"the job manager has {name}",
                where=spec.where,
                right=f"The service knows none for a job manager (BatchJobManagerTask); leave {name} out.",
            )


def _result(result: object, outputs: Sequence[Output], where: str) -> str | None:
    if result is None:
        return None
    if not isinstance(result, str) or has_wildcard(result):
        raise SpecError(f"the result is {result!r}", where=where, right="Name one JSON file of the outputs.")
    if find_output(outputs, result) is None:
        raise SpecError(
            f"the result {result!r} is not among the outputs",
            where=where,
            right=f"Add it to outputs=[..., {result!r}], so that it is kept when the task ends.",
        )
    return result


def _listed(packages: object, where: str) -> Sequence[object]:
    if packages is None:
        return ()
    if isinstance(packages, str) or not isinstance(packages, Sequence):
        raise SpecError(f"packages are {packages!r}", where=where, right="Write a list, as ['ffmpeg==7.1'].")
    return packages


def _package(package: object, where: str) -> tuple[str, str | None]:
    found = _PACKAGE.fullmatch(package) if isinstance(package, str) else None
    if found is None:
        raise SpecError(
            f"the application package is {package!r}", where=where, right="Write 'id' or 'id==version'."
        )
    return found.group(1), found.group(2)
