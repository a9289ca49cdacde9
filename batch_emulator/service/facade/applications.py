"""Applications and their packages: commands and questions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from batch_emulator.service.entities import Application, Json
from batch_emulator.service.facade.base import Commands
from batch_emulator.service.packages import applications


class ApplicationCommands(Commands):
    """Applications and their packages of an account."""

    def put_application(self, application_id: str, spec: Json, now: datetime) -> Application:
        return applications.put(self._at(now), application_id, spec)

    def patch_application(self, application_id: str, spec: Json, now: datetime) -> Application:
        return applications.patch(self._at(now), application_id, spec)

    def delete_application(self, application_id: str, now: datetime) -> None:
        applications.delete(self._at(now), application_id)

    def put_package(self, application_id: str, version: str, now: datetime) -> Json:
        return applications.put_package(self._at(now), application_id, version)

    def activate_package(self, application_id: str, version: str, package_format: str, now: datetime) -> Json:
        return applications.activate_package(self._at(now), application_id, version, package_format)

    def delete_package(self, application_id: str, version: str, now: datetime) -> None:
        applications.delete_package(self._at(now), application_id, version)

    def application(self, application_id: str) -> Application:
        return applications.find(self._state, application_id)

    def applications(self, after: str = "") -> Iterator[Application]:
        return self._state.applications.after(after)

    def package(self, application_id: str, version: str) -> tuple[str, Json]:
        """A package with its version as it was written first."""
        return applications.find_package(self._state, application_id, version)
