"""How names of VM sizes are spelled (Azure: *Virtual machine sizes naming conventions*)."""

from __future__ import annotations

import re
import warnings

from airflow_batch_provider.spec.errors import SpecError

_CHARACTERS = re.compile(r"[A-Za-z0-9_-]+")
_PARTS = re.compile(r"(?i)(?:(standard|basic)[_-]?)?(.+)")
_GENERATION = re.compile(r"(?i)([a-z]+\d+(?:-\d+)?[a-z]*)[_-]?(v\d+)")


def check_vm_size(vm_size: str, where: str) -> None:
    """Check the name of a VM size. What looks misspelled is warned of: only the service knows them
    all.

    Raises:
        SpecError: no size can be called so.
    """
    if not _CHARACTERS.fullmatch(vm_size):
        raise SpecError(
            f"vm_size is {vm_size!r}",
            where=where,
            right="Names of VM sizes have letters, digits, '_' and '-' only, such as 'standard_d4s_v3'.",
        )
    spelled = usual_spelling(vm_size)
    if spelled != vm_size.lower():
        warnings.warn(
            f"{where}: vm_size is {vm_size!r}, and names of VM sizes begin with 'standard_' and have '_' "
            f"before the version. Did you mean {spelled!r}?",
            UserWarning,
            stacklevel=2,
        )


def usual_spelling(vm_size: str) -> str:
    """A size with the prefix and the underscores that they have: ``standard_d2s_v5`` of ``d2sv5``."""
    parts = _PARTS.fullmatch(vm_size.lower())
    if parts is None:
        return vm_size.lower()
    rest = _GENERATION.sub(r"\1_\2", parts[2]) if _GENERATION.fullmatch(parts[2]) else parts[2]
    return f"{parts[1] or 'standard'}_{rest}"
