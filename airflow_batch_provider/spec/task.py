"""What one task of a job is: its command, files, limits and exit conditions, checked when it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, TypedDict

from airflow_batch_provider.spec.command import Command, OperatingSystem, command_line
from airflow_batch_provider.spec.errors import SpecError, check_keywords
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
from airflow_batch_provider.spec.limits import DISPLAY_NAME_LENGTH, RESERVED_TASK_IDS
from airflow_batch_provider.spec.naming import check_id
from airflow_batch_provider.spec.patterns import has_wildcard

_PACKAGE = re.compile(r"([A-Za-z0-9_-]+)(?:(?::|==)(.+))?")


@dataclass(frozen=True)
class AutoUser:
    """A user that Batch makes on the node (Azure Batch: *Run tasks under user accounts*).

    Parameters:
        scope: ``pool`` is shared by the node's tasks, ``task`` is the task's own.
        admin: whether it may become root or administrator.
    """

    scope: Literal["pool", "task"] = "pool"
    admin: bool = False


class TaskOptions(TypedDict, total=False):
    """What a task can be given beside its id and command.

    ``inputs``: path in the working directory -> source. ``outputs``: paths or patterns to keep, or each
    -> ``blob(...)``; ``upload_when`` says on which end (``success``). ``result``: a JSON file of the outputs
    that is read back when the task has succeeded. ``max_retries``: tries after the first, -1 without limit.
    ``max_wall_clock``: of one try. ``retention``: of the working directory on the node. ``packages``:
    application packages as ``"ffmpeg"`` or ``"ffmpeg==7.1"``. ``user``: a pool's user account or an
    :class:`AutoUser`. ``affinity``: node to prefer. ``keep_logs``: standard output and error go to the work
    area (True). ``depends_on``: tasks, groups or lists of them.
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

    @property
    def where(self) -> str:
        """How errors name this task."""
        return f"task {self.id!r}"

    def tolerates(self, exit_code: int | None) -> bool:
        """Whether the author's exit conditions reckon with this exit code."""
        return exit_code is not None and any(
            rule.covers(exit_code) and rule.tolerates for rule in self.exit_conditions
        )

    def rendered(self, render: Render) -> TaskSpec:
        """Render the Jinja in command, environment, display name, package versions and blob references.

        Raises:
            SpecError: what was rendered is no blob reference, or no command.
        """
        command = self.command
        return replace(
            self,
            command=render(command) if isinstance(command, str) else tuple(render(word) for word in command),
            environment=tuple((name, render(value)) for name, value in self.environment),
            display_name=render(self.display_name) if self.display_name else None,
            inputs=tuple((path, _rendered_source(source, render)) for path, source in self.inputs),
            outputs=tuple(_rendered_output(output, render, self.where) for output in self.outputs),
            packages=tuple((name, render(version) if version else None) for name, version in self.packages),
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
    command_line(command, where=where, system=system)
    outputs = parse_outputs(options.get("outputs") or (), options.get("upload_when", "success"), where=where)
    return TaskSpec(
        id=task_id,
        command=command if isinstance(command, str) else tuple(command),
        inputs=parse_inputs(options.get("inputs") or {}, where=where),
        outputs=outputs,
        result=_result(options.get("result"), outputs, where),
        environment=environment_pairs(options.get("environment") or {}, where=where),
        max_retries=_whole(options.get("max_retries"), "max_retries", -1, where),
        max_wall_clock=duration(options.get("max_wall_clock"), "max_wall_clock", where),
        retention=duration(options.get("retention"), "retention", where),
        required_slots=_whole(options.get("required_slots", 1), "required_slots", 1, where) or 1,
        packages=tuple(_package(package, where) for package in _listed(options.get("packages"), where)),
        exit_conditions=check_rules(options.get("exit_conditions") or (), where=where),
        user=_user(options.get("user"), where),
        display_name=_display_name(options.get("display_name"), where),
        affinity=options.get("affinity"),
        keep_logs=bool(options.get("keep_logs", True)),
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


def environment_pairs(environment: object, *, where: str) -> tuple[tuple[str, str], ...]:
    """Check environment settings.

    Raises:
        SpecError: not a mapping, or a name or value that is no text.
    """
    if not isinstance(environment, Mapping):
        raise SpecError(f"environment is {environment!r}", where=where, right="Write {'NAME': 'value'}.")
    for name, value in environment.items():
        if not isinstance(name, str) or not name or "=" in name:
            raise SpecError(
                f"the variable name is {name!r}", where=where, right="A name is text without '='."
            )
        if not isinstance(value, str):
            raise SpecError(
                f"the variable {name} is {value!r}", where=where, right=f"Values are text: {str(value)!r}."
            )
    return tuple(environment.items())


def _whole(value: object, name: str, least: int, where: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SpecError(
            f"{name} is {value!r}", where=where, right=f"A whole number from {least} up is needed."
        )
    return value


def duration(value: object, name: str, where: str) -> timedelta | None:
    """Check a length of time.

    Raises:
        SpecError: no timedelta, or not positive.
    """
    if value is None:
        return None
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise SpecError(f"{name} is {value!r}", where=where, right="Give a positive timedelta(...).")
    return value


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


def _user(user: object, where: str) -> AutoUser | str | None:
    if user is None or isinstance(user, AutoUser) or (isinstance(user, str) and user):
        return user
    raise SpecError(
        f"the user is {user!r}", where=where, right="Name a user account of the pool, or give AutoUser(...)."
    )


def _display_name(name: object, where: str) -> str | None:
    if name is None:
        return None
    if not isinstance(name, str) or len(name) > DISPLAY_NAME_LENGTH:
        raise SpecError(
            f"the display name is {str(name)[:40]!r}...",
            where=where,
            right=f"At most {DISPLAY_NAME_LENGTH} characters of text are taken.",
        )
    return name
