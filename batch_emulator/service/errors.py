"""Every refusal of the service: code, status, message, and the values that explain it.

Source: Azure Batch REST reference, *Batch status and error codes*. The kinds are in ``error_kinds``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ErrorKind:
    """What is fixed for an error code: its HTTP status and the service's sentence."""

    code: str
    status: int
    message: str


class BatchError(Exception):
    """A request that the service refuses.

    :param kind: code, HTTP status and message of the refusal.
    :param values: key/value pairs of the error body, such as ``PropertyName`` and ``Reason``.
    """

    def __init__(self, kind: ErrorKind, values: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{kind.code}: {kind.message}")
        self.kind = kind
        self.values: dict[str, str] = dict(values or {})

    @property
    def code(self) -> str:
        return self.kind.code

    @property
    def status(self) -> int:
        return self.kind.status

    def within(self, path: str) -> BatchError:
        """The same refusal of a body that lies at ``path`` of a larger one."""
        values = dict(self.values)
        if "PropertyName" in values:
            values["PropertyName"] = f"{path}.{values['PropertyName']}"
        return BatchError(self.kind, values)


@dataclass(frozen=True)
class Failure:
    """Why a task, a node or a resize failed, in the service's shape.

    :param category: ``usererror`` or ``servererror``.
    :param details: name/value pairs.
    """

    code: str
    message: str
    category: str = "usererror"
    details: tuple[tuple[str, str], ...] = field(default=())
