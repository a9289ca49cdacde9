"""Names that Azure Storage takes for containers and queues.

Sources: *Naming and referencing containers, blobs, and metadata*; *Naming queues and metadata*.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from airflow_batch_provider.spec.errors import SpecError

LONGEST = 63
POISON_SUFFIX = "-poison"
"""Ends the name of the queue that takes the messages of a queue which are of no use."""

_NAME = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
_CONTAINERS_OF_THE_SERVICE = ("$root", "$web", "$logs")
_GRAMMAR = f"have 3 to {LONGEST} lower-case letters, digits and single hyphens between them"
CONTAINER_NAMES = f"Container names {_GRAMMAR}."


def is_container(name: str) -> bool:
    """Whether there can be a container of this name."""
    return name in _CONTAINERS_OF_THE_SERVICE or _NAME.fullmatch(name) is not None


def check_container(name: object, *, what: str, where: str) -> None:
    """Check the name of a container.

    Parameters:
        what: the option that names it.

    Raises:
        SpecError: not text, or a name that no container can have.
    """
    _check(name, is_container, CONTAINER_NAMES, what, where)


def check_watched_queue(name: object, *, what: str, where: str) -> None:
    """Check the name of a queue whose poison goes to another one.

    Parameters:
        what: the option that names it.

    Raises:
        SpecError: not text, or a name that the queue, or the one for its poison, cannot have.
    """
    right = f"Queue names {_GRAMMAR}."
    _check(name, lambda text: _NAME.fullmatch(text) is not None, right, what, where)
    longest = LONGEST - len(POISON_SUFFIX)
    if isinstance(name, str) and len(name) > longest:
        raise SpecError(
            f"{what} is {name!r}, of {len(name)} characters",
            where=where,
            right=f"Let it have {longest} at most, so that there can be '<queue>{POISON_SUFFIX}' for "
            "messages of no use.",
        )


def _check(name: object, fits: Callable[[str], bool], right: str, what: str, where: str) -> None:
    if isinstance(name, str) and fits(name):
        return
    near = re.sub(r"[^a-z0-9]+", "-", name.lower())[:LONGEST].strip("-") if isinstance(name, str) else ""
    hint = f" {near!r} would do." if fits(near) else ""
    raise SpecError(f"{what} is {name!r}", where=where, right=right + hint)
