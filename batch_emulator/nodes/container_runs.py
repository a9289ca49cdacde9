"""A run inside a container: the agent's process is what attaches to it."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from batch_emulator.nodes.command_line import Command, CommandError
from batch_emulator.nodes.containers.containers import Container
from batch_emulator.nodes.runs import Run
from batch_emulator.service.events import Event
from batch_emulator.service.resource_use import ResourceUse

__all__ = ["ContainerRun"]


class ContainerRun(Run):
    """As :class:`Run`, with a container made before the process and removed before the report."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._container: Container | None = None
        self._killing: asyncio.Task[None] | None = None
        self._concluding = False

    def kill(self) -> None:
        """See :meth:`Run.kill`."""
        if self._phase != "process" or self._container is None:
            super().kill()
            return
        self._killed = True
        if self._killing is None and not self._concluding:
            self._killing = asyncio.create_task(self._kill_container(self._container))

    def drop(self) -> None:
        """See :meth:`Run.drop`."""
        # How it ended is of no interest any more; all containers are removed at once.
        self._concluding = True
        super().drop()

    def ended(self, code: int, use: ResourceUse) -> None:
        """See :meth:`Run.ended`. Code and use are the engine's; the container's own code is asked for."""
        self._concluding = True
        self._do(self._conclude())

    def lost(self) -> None:
        """See :meth:`Run.lost`."""
        self._services.containers.discard(self.effect.run_id)
        super().lost()

    async def _kill_container(self, container: Container) -> None:
        # First the container, then what is attached to it and would end by itself.
        await container.kill()
        self._services.launcher.kill(self.effect.run_id)

    def _must_wait(self) -> bool:
        return True

    async def _prepare(self) -> None:
        self._make_directories()
        await super()._prepare()
        self._environment = self._make_environment()
        self._container = await self._services.containers.create(self.effect, self._layout, self._environment)

    def _launch(self) -> None:
        assert self._container is not None
        arguments = self._container.start_command
        # The engine finds its settings in the emulator's environment. The marks let it be found when killed.
        marks = {
            "AZ_BATCH_NODE_ROOT_DIR": str(self._layout.root),
            "AZ_BATCH_TASK_DIR": str(self._task.directory),
        }
        command = Command(arguments[0], arguments)
        self._services.launcher.begin(
            self.effect.run_id,
            command,
            {**os.environ, **marks},
            self._task,
            self,
            linger=False,
            append=self.effect.instance is not None,
        )

    async def _conclude(self) -> None:
        assert self._container is not None
        end = await self._container.conclude(self._task.stderr)
        self._container = None
        self._exit_code, self._container_info = end.exit_code, end.info
        if end.failure is not None and not self._killed:
            self._phase = "preprocessing"
            raise CommandError(end.failure)
        await self._upload_all()

    def _finish(self, event: Event) -> None:
        if self._container_info is None:  # it broke off: a container may have been made
            self._services.containers.discard(self.effect.run_id)
        super()._finish(event)
