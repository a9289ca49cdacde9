"""What in a command line only a shell would act on: Azure Batch runs commands without one.

Source: Azure Batch: *Command-line expansion of environment variables*.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

from airflow_batch_provider.spec.files import is_template

_SUSPECT = frozenset("|&<>;$%")
_QUOTED = r"\"(?:\\.|[^\"\\])*\"|'[^']*'"  # may begin within a word
_WORD = rf"(?:[^\s\"']|{_QUOTED})+"
_OPERATOR = r"\|\|?|&&?|[12]>&[12]|(?:[12&]?>>?|<)[\w./~-]*"
# In capitals: others may as well be a regular expression, or code of another language.
_VARIABLE = r"\$\{?[A-Z_][A-Z0-9_]+\b\}?|%[A-Z_][A-Z0-9_]{3,}%"
_SHELLS = frozenset(
    {"sh", "bash", "dash", "ash", "zsh", "ksh", "csh", "tcsh", "fish", "busybox", "cmd", "powershell", "pwsh"}
    | {"wsl", "ssh"}
)


def shell_syntax(command: object) -> str | None:
    """What only a shell would act on in a command that begins none.

    Parameters:
        command: a command line, or the words of one.

    Returns:
        The first operator or variable, such as ``|`` or ``$HOME``. None if there is none, if a shell is
        among the words, or if it cannot be told: in a template, or with a quote that does not end.
    """
    if not isinstance(command, str):
        words = [str(word) for word in command] if isinstance(command, Sequence) else []
        found = next((word for word in words if re.fullmatch(_OPERATOR, word)), None)
        return None if any(_program(word) in _SHELLS for word in words) else found
    if _SUSPECT.isdisjoint(command) or is_template(command) or re.sub(_WORD, "", command).strip():
        return None
    words = re.findall(_WORD, command)
    if any(_program(word) in _SHELLS for word in words):
        return None
    # Of find, a lone semicolon ends an expression.
    ends = ";" if _program(words[0]) != "find" else ""
    return next(filter(None, (_acts(word, ends) for word in words)), None)


def warn_without_shell(
    command: object, where: str, right: str = "shell('...'), or cmd('...') on Windows"
) -> None:
    """Warn of a command that only a shell would understand. It is no error: a program may want just that.

    Parameters:
        command: a command line, or the words of one.
        where: the task.
        right: how to have a shell.
    """
    found = shell_syntax(command)
    if found is not None:
        warnings.warn(
            f"The command of {where} has {found!r}, and Azure Batch runs commands without a shell: the "
            f"program is given that as it stands. For pipes, redirections and variables write {right}.",
            UserWarning,
            stacklevel=2,
        )


def _acts(word: str, ends: str) -> str | None:
    if re.fullmatch(_OPERATOR, word):
        return word
    if ends and word.endswith(ends):
        return ends
    plain = re.sub(_QUOTED, lambda quoted: quoted[0] if quoted[0][0] == '"' else "", word)
    found = re.search(_VARIABLE, plain)
    return found[0] if found else None


def _program(word: str) -> str:
    return re.split(r"[/\\]", word.strip("\"'"))[-1].lower().removesuffix(".exe")
