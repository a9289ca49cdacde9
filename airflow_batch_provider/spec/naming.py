"""Ids of Azure Batch: their grammar, and how long or foreign names are fitted to it."""

from __future__ import annotations

import hashlib
import re

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.limits import ID_LENGTH

_ID = re.compile(r"[A-Za-z0-9_-]+")
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]+")
_DIGEST_LENGTH = 12


def check_id(value: object, *, where: str) -> str:
    """Check an id against the grammar of Azure Batch.

    Parameters:
        value: the id as it was written.
        where: what it is the id of, for the error.

    Returns:
        The id.

    Raises:
        SpecError: not text, empty, too long, or with other characters than letters, digits, ``-`` and ``_``
            (Azure Batch REST reference: *Add task*).
    """
    if not isinstance(value, str):
        raise SpecError(f"the id is {type(value).__name__} {value!r}", where=where, right="An id is text.")
    if not _ID.fullmatch(value):
        fitting = _FOREIGN.sub("-", value).strip("-")
        right = "An id has letters, digits, '-' and '_' only" + (
            f"; {fitting!r} would do." if fitting else "."
        )
        raise SpecError(f"the id {value!r} has other characters or is empty", where=where, right=right)
    if len(value) > ID_LENGTH:
        raise SpecError(
            f"the id {value!r} has {len(value)} characters",
            where=where,
            right=f"Azure Batch takes at most {ID_LENGTH}.",
        )
    return value


def slug(text: str, length: int) -> str:
    """Fit text to the grammar of an id: foreign characters become ``-``, the rest is cut.

    Different texts may give the same slug: an id that must be unique needs a :func:`digest` beside it.
    """
    return _FOREIGN.sub("-", text)[:length].strip("-_")


def digest(*parts: str) -> str:
    """Hash parts to 12 hexadecimal digits; ``("ab", "c")`` and ``("a", "bc")`` differ."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode()).hexdigest()[:_DIGEST_LENGTH]
