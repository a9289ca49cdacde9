"""From a task's command line to a program and its arguments, without a shell.

Source: Azure Batch: *Command lines and environment variables*: the command line runs under no shell; there
is no expansion of variables, no redirection and no ``&&``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from batch_emulator.nodes.assumptions import split_words
from batch_emulator.service.errors import Failure

__all__ = ["Command", "CommandError", "launch_failed", "parse_command"]


# shlex reads character by character; most lines have nothing in them that it would treat specially.
_QUOTING = re.compile(r"""["'\\]""")
_WORD = re.compile(r"[^ \t\r\n]+")


@dataclass(frozen=True)
class Command:
    """What to execute.

    :param program: path of the file.
    :param arguments: the argument vector, its first item as the user wrote it.
    """

    program: str
    arguments: tuple[str, ...]


class CommandError(Exception):
    """A command line that cannot be started.

    :param failure: the pre-processing failure of the task.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def parse_command(
    command_line: str, environment: Mapping[str, str], working_directory: str | os.PathLike[str]
) -> Command:
    """Split a command line by POSIX quoting rules and find its program.

    :param environment: of the task; its ``PATH`` is searched for a program without a slash.
    :param working_directory: what a relative path with a slash starts from.
    :raises CommandError: ``CommandProgramNotFound`` or ``CommandLaunchFailed``.
    """
    try:
        arguments = _split(command_line)
    except ValueError as error:
        raise launch_failed(f"The command line cannot be split: {error}.", command_line) from None
    if not arguments:
        raise launch_failed("The command line is empty.", command_line)
    name = arguments[0]
    if "/" in name:
        path = os.path.join(working_directory, name.removeprefix("./"))
        if os.access(path, os.X_OK):
            return Command(path, arguments)  # if it is a directory, the start of it says so
        if not os.path.isfile(path):
            raise _not_found(name)
        raise launch_failed(f"The file '{name}' is not executable.", command_line)
    found = shutil.which(name, path=environment.get("PATH", ""))
    if found is None:
        raise _not_found(name)
    return Command(os.path.join(working_directory, found), arguments)


def _split(command_line: str) -> tuple[str, ...]:
    if _QUOTING.search(command_line) is None:
        return tuple(_WORD.findall(command_line))
    return split_words(command_line)


def launch_failed(reason: str, command_line: str) -> CommandError:
    """The error for a command that exists and does not start."""
    return CommandError(
        Failure(
            "CommandLaunchFailed",
            "Failed to launch the specified command line",
            details=(("Message", reason), ("CommandLine", command_line)),
        )
    )


def _not_found(name: str) -> CommandError:
    return CommandError(
        Failure(
            "CommandProgramNotFound",
            "The specified command program is not found",
            details=(("Program", name),),
        )
    )
