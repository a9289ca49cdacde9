"""Packages that a function needs on its node, as an author writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import is_template

_FOR_UV = re.compile(r"-|.*[/\\]|.*\.(whl|zip|tar\.gz)\b")
"""Options, files and addresses, which ``uv pip install`` takes as well; it judges them itself."""

_OLDEST_PYTHON = (3, 8)
"""In which what runs the function on the node can run."""


def check_requirements(requirements: object, where: str) -> None:
    """Refuse requirements that uv would refuse on the node, after it was waited for.

    Parameters:
        requirements: the list as it was written, all of it known; Jinja in its texts is left for later.
        where: the Airflow task.

    Raises:
        SpecError: one text instead of a list, or a text that is no requirement (PEP 508).
    """
    if requirements is None:
        return
    if isinstance(requirements, str) or not isinstance(requirements, Sequence):
        shown = requirements if isinstance(requirements, str) and requirements else "pandas==2.2"
        raise SpecError(f"requirements is {requirements!r}", where=where, right=f"Give [{shown!r}].")
    for each in requirements:
        if not isinstance(each, str):
            raise SpecError(
                f"requirements has {each!r}", where=where, right="Each is a text, such as 'pandas==2.2'."
            )
        if not is_template(each) and not _FOR_UV.match(each):
            _check_requirement(each, where)


def check_python_version(version: object, where: str) -> None:
    """Refuse a version of Python in which a function cannot run.

    Parameters:
        version: as it was written; None: the node's own.
        where: the Airflow task.

    Raises:
        SpecError: no text, or too old.
    """
    if version is not None and (not isinstance(version, str) or not version.strip()):
        raise SpecError(
            f"python_version is {version!r}",
            where=where,
            right="Write it as text, such as '3.10': the number 3.10 is 3.1.",
        )
    number = re.match(r"(\d+)\.(\d+)", version or "")
    if number and tuple(map(int, number.groups())) < _OLDEST_PYTHON:
        raise SpecError(f"python_version is {version!r}", where=where, right="It must be 3.8 or newer.")


def _check_requirement(text: str, where: str) -> None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement as error:
        single = re.sub(r"(?<![=<>!~])=(?!=)", "==", text)
        raise SpecError(
            f"requirements has {text!r}, which is none: {str(error).splitlines()[0]}",
            where=where,
            right=f"Did you mean {single!r}?" if single != text else "Write it as 'pandas==2.2' or 'pandas'.",
        ) from None


def with_serializer(requirements: Sequence[str], serializer: str) -> list[str]:
    """Requirements of a function with its serializer in the version that is installed here: both ends must
    read what the other writes.

    Parameters:
        requirements: as they were given; without any, the node's Python is taken as it is.
        serializer: ``pickle``, which Python has, or a package.
    """
    given = list(requirements)
    if not given or serializer == "pickle" or any(each.startswith(serializer) for each in given):
        return given
    from importlib.metadata import version

    return [*given, f"{serializer}=={version(serializer)}"]
