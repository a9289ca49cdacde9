"""References to application packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import is_template
from airflow_batch_provider.spec.naming import check_id


@dataclass(frozen=True)
class Package:
    """An application package on a pool or task.

    Parameters:
        application_id: the application's name in the Batch account.
        version: which version; None: the application's default version when the node starts.
    """

    application_id: str
    version: str | None = None

    def __post_init__(self) -> None:
        if not is_template(self.application_id):
            check_id(self.application_id, where="application package")
        if self.version is not None and not self.version:
            raise SpecError(
                f"the version of {self.application_id!r} is empty",
                where="application package",
                right="Write 'name==version', or 'name' for the default version.",
            )

    @classmethod
    def parse(cls, text: object) -> Package:
        """Read ``name`` or ``name==version``.

        Raises:
            SpecError: another form.
        """
        if isinstance(text, Package):
            return text
        if not isinstance(text, str):
            raise SpecError(
                f"the package is {text!r}",
                where="application package",
                right="Write 'name==version', or 'name' for the default version.",
            )
        name, separator, version = text.partition("==")
        return cls(name.strip(), version.strip() if separator else None)

    def for_pool(self, account_resource_id: str) -> dict[str, Any]:
        """The reference on a pool, where the application goes by its ARM id (2025-06-01 and later)."""
        return self._wire(f"{account_resource_id}/applications/{self.application_id}")

    def for_task(self) -> dict[str, Any]:
        """The reference on a task, where the application goes by its short name."""
        return self._wire(self.application_id)

    def _wire(self, application_id: str) -> dict[str, Any]:
        wire = {"applicationId": application_id}
        return {**wire, "version": self.version} if self.version else wire
