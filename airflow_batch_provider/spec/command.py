"""Command lines. Azure Batch runs them without a shell: no pipes, no variables, no ``&&``."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from typing import Literal, TypeAlias

from airflow_batch_provider.spec.errors import SpecError

Command: TypeAlias = "str | Sequence[str]"
OperatingSystem: TypeAlias = Literal["linux", "windows"]

NOTHING: dict[OperatingSystem, str] = {"linux": "/bin/sh -c 'exit 0'", "windows": "cmd /c exit 0"}
"""A command that succeeds at once: what a barrier runs."""


LONGEST_ARGUMENT = 128 * 1024 - 1
"""Bytes of one argument or variable (Linux, *execve(2)*: MAX_ARG_STRLEN, with the NUL that ends it)."""


def shell(script: str) -> list[str]:
    """Run a script by ``/bin/sh``, for pipes, redirections, variables and several commands.

    Parameters:
        script: shell code; ``$NAME`` is expanded on the node.

    Returns:
        A command for tasks on Linux nodes (Azure Batch: *Jobs and tasks*, 'Command line'). It is quoted only
        when the job is submitted, so that whatever Jinja in it renders to stays one argument.
    """
    return ["/bin/sh", "-c", script]


def cmd(script: str) -> str:
    """Run a script by ``cmd``, for pipes, redirections and ``%NAME%`` on Windows nodes.

    Parameters:
        script: as it would be typed at the prompt.

    Returns:
        A command for tasks on Windows nodes.
    """
    return f"cmd /c {script}"


def check_system(system: OperatingSystem) -> OperatingSystem:
    """Check the operating system of nodes.

    Raises:
        SpecError: neither ``linux`` nor ``windows``.
    """
    if system not in ("linux", "windows"):
        raise SpecError(f"system is {system!r}", right="It is 'linux' or 'windows'.")
    return system


def check_no_nul(text: str, what: str, where: str) -> None:
    """Refuse the character that ends a text for the operating system.

    Parameters:
        text: the argument, or name and value. It is not shown.
        what: what it is.
        where: the task.

    Raises:
        SpecError: it holds one.
    """
    if "\0" in text:
        raise SpecError(
            f"{what} holds a NUL", where=where, right="No program can be given one; leave it out."
        )


def check_length(text: str, what: str, where: str) -> None:
    """Refuse what no program can be given, as an argument or as a variable.

    Parameters:
        text: the argument, or name and value. It is not shown.
        what: what it is.
        where: the task.

    Raises:
        SpecError: it holds a NUL, or is longer than Linux takes.
    """
    check_no_nul(text, what, where)
    if len(text) * 4 > LONGEST_ARGUMENT and len(text.encode(errors="replace")) > LONGEST_ARGUMENT:
        raise SpecError(
            f"{what} has more than the {LONGEST_ARGUMENT:,} bytes that Linux takes",
            where=where,
            right="Hand it over in a file: inputs={'values.json': blob(...)}.",
        )


def command_line(
    command: object, *, where: str, system: OperatingSystem = "linux", may_be_empty: bool = False
) -> str:
    """Make the command line of a task.

    Parameters:
        command: text is taken as it is; a list is quoted so that each entry arrives as one argument.
        where: the task, for the error.
        system: the operating system of the nodes, by whose rules a list is quoted.
        may_be_empty: whether there is something to run without it: a container's own command.

    Raises:
        SpecError: empty, neither text nor a list of texts, or one that no program can be started with.
    """
    if isinstance(command, str):
        check_no_nul(command, "the command", where)
        line = command
    elif isinstance(command, Sequence) and all(isinstance(word, str) for word in command):
        for word in command:
            check_length(word, "a word of the command", where)
        line = shlex.join(command) if system == "linux" else subprocess.list2cmdline(command)
    else:
        raise SpecError(
            f"the command is {command!r}",
            where=where,
            right="A command is text or a list of texts, such as ['python3', 'split.py'].",
        )
    if not line.strip() and not may_be_empty:
        raise SpecError(
            "the command is empty",
            where=where,
            right="Say what to run, such as shell('wc -w part.txt > count.txt').",
        )
    return line
