"""What happens to dependents and to the job when a task ends with a certain exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from airflow_batch_provider.spec.errors import SpecError

DependencyAction: TypeAlias = Literal["satisfy", "block"]
JobAction: TypeAlias = Literal["none", "disable", "terminate"]
NamedExit: TypeAlias = Literal["default", "pre_processing_error", "file_upload_error"]
_NAMED = {
    "default": "default",
    "pre_processing_error": "preProcessingError",
    "file_upload_error": "fileUploadError",
}


@dataclass(frozen=True)
class ExitRule:
    """One exit condition. Made by :func:`on_exit`."""

    first: int | None
    last: int | None
    named: NamedExit | None
    dependency: DependencyAction | None
    job: JobAction | None

    @property
    def tolerates(self) -> bool:
        """Whether dependents go on and the job is left alone: the author reckons with this exit."""
        return self.dependency == "satisfy" and self.job in (None, "none")

    def covers(self, exit_code: int) -> bool:
        """Whether this rule lists the exit code."""
        return self.first is not None and self.last is not None and self.first <= exit_code <= self.last

    def options(self, *, fail_fast: bool) -> dict[str, str]:
        """The wire model ExitOptions.

        In a fail-fast job the service terminates the job for every exit code but 0 unless told otherwise,
        also for one whose dependents are satisfied; whoever satisfies dependents wants the job to go on.
        """
        job = self.job
        if fail_fast and job is None and self.dependency == "satisfy":
            job = "none"
        options: dict[str, str] = {}
        if self.dependency is not None:
            options["dependencyAction"] = self.dependency
        if job is not None:
            options["jobAction"] = job
        return options


def on_exit(
    codes: int | range | NamedExit,
    *,
    dependency: DependencyAction | None = None,
    job: JobAction | None = None,
) -> ExitRule:
    """Say what follows when a task ends in a certain way, after its retries.

    Parameters:
        codes: an exit code, a ``range`` of them (as in Python, its end is not in it), or ``"default"`` (every
            other code but 0), ``"pre_processing_error"`` (the command never started) or
            ``"file_upload_error"``.
        dependency: ``"satisfy"`` lets dependents run, ``"block"`` keeps them waiting for ever. Left out: what
            the service does by itself, satisfy for 0 and block for all else.
        job: ``"terminate"``, ``"disable"`` or ``"none"``; only in jobs with ``on_task_failure="terminate"``.

    Returns:
        One of a task's ``exit_conditions``.

    Raises:
        SpecError: a value of another kind.

    Source: Azure Batch: *Create task dependencies*, 'Dependency actions'.
    """
    if dependency not in (None, "satisfy", "block"):
        raise SpecError(f"dependency is {dependency!r}", where="on_exit", right="It is 'satisfy' or 'block'.")
    if job not in (None, "none", "disable", "terminate"):
        raise SpecError(f"job is {job!r}", where="on_exit", right="It is 'none', 'disable' or 'terminate'.")
    if dependency is None and job is None:
        raise SpecError(
            "nothing follows", where=f"on_exit({codes!r})", right="Give dependency=... or job=...."
        )
    if isinstance(codes, range) and codes and codes.step == 1:
        return ExitRule(codes.start, codes.stop - 1, None, dependency, job)
    if isinstance(codes, int) and not isinstance(codes, bool):
        return ExitRule(codes, codes, None, dependency, job)
    if isinstance(codes, str) and codes in _NAMED:
        return ExitRule(None, None, codes, dependency, job)
    raise SpecError(
        f"the exit is {codes!r}",
        where="on_exit",
        right="It is a code, a range of codes without steps, or one of " + ", ".join(map(repr, _NAMED)) + ".",
    )


def check_rules(rules: object, *, where: str) -> tuple[ExitRule, ...]:
    """Check that no two rules speak of the same exit.

    Raises:
        SpecError: names the exit that two rules speak of.
    """
    if (
        isinstance(rules, str)
        or not isinstance(rules, Sequence)
        or not all(isinstance(rule, ExitRule) for rule in rules)
    ):
        raise SpecError(f"exit_conditions are {rules!r}", where=where, right="Write a list of on_exit(...).")
    named: set[str] = set()
    last_code: int | None = None
    for rule in sorted(rules, key=lambda rule: (rule.first is None, rule.first or 0)):
        if rule.named is not None and rule.named in named:
            raise SpecError(f"two rules are for {rule.named!r}", where=where, right="Keep one of them.")
        if rule.named is not None:
            named.add(rule.named)
        elif last_code is not None and rule.first is not None and rule.first <= last_code:
            raise SpecError(f"two rules cover exit code {rule.first}", where=where, right="Keep one of them.")
        else:
            last_code = rule.last
    return tuple(rules)


def exit_conditions(rules: Sequence[ExitRule], *, fail_fast: bool, where: str) -> dict[str, Any]:
    """The wire model ExitConditions.

    Raises:
        SpecError: a rule has a job action in a job that does not act on failures, which the service refuses.
    """
    wire: dict[str, Any] = {}
    for rule in rules:
        if rule.job is not None and not fail_fast:
            raise SpecError(
                f"on_exit has job={rule.job!r}, but the job has on_task_failure='continue'",
                where=where,
                right="Leave job= out, or let the job act on failures by on_task_failure='terminate'.",
            )
        options = rule.options(fail_fast=fail_fast)
        if rule.named is not None:
            wire[_NAMED[rule.named]] = options
        elif rule.first == rule.last:
            wire.setdefault("exitCodes", []).append({"code": rule.first, "exitOptions": options})
        else:
            entry = {"start": rule.first, "end": rule.last, "exitOptions": options}
            wire.setdefault("exitCodeRanges", []).append(entry)
    return wire
