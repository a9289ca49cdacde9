"""One container engine: podman or docker, by its command line."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Engine", "EngineError"]

_SECONDS = 120.0
_MESSAGE_CHARACTERS = 1000


class EngineError(Exception):
    """The engine refused or failed; the text is its own last words."""


@dataclass(frozen=True)
class Engine:
    """A program that takes docker's sub-commands.

    :param program: path of the executable.
    :param is_podman: it is podman, under whatever name.
    :param options: given before every sub-command.
    :param create_options: given whenever a container is made.
    """

    program: str
    is_podman: bool
    options: tuple[str, ...] = ()
    create_options: tuple[str, ...] = ()

    def command(self, *arguments: str) -> tuple[str, ...]:
        """The argument vector of a sub-command."""
        return (self.program, *self.options, *arguments)

    async def run(
        self, *arguments: str, environment: Mapping[str, str] | None = None, seconds: float = _SECONDS
    ) -> str:
        """Run a sub-command and return what it prints.

        :param environment: added to the emulator's own, where the engine finds its settings.
        :raises EngineError: its exit status was not 0, or it took too long.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command(*arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **(environment or {})},
            )
        except OSError as error:
            raise EngineError(f"{self.program}: {error.strerror}") from None
        try:
            output, errors = await asyncio.wait_for(process.communicate(), seconds)
        except asyncio.TimeoutError:
            raise EngineError(f"'{arguments[0]}' took longer than {seconds:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            words = errors.decode(errors="replace").strip()
            raise EngineError(words[-_MESSAGE_CHARACTERS:] or f"exit status {process.returncode}")
        return output.decode(errors="replace").strip()

    async def has_image(self, image: str) -> bool:
        """Whether an image is on this machine."""
        try:
            await self.run("image", "inspect", "--format", "{{.Id}}", image)
        except EngineError:
            return False
        return True

    async def state(self, container_id: str) -> Mapping[str, Any]:
        """What the engine knows of a container: ``Status``, ``ExitCode``, ``Error``, ``StartedAt``...

        :raises EngineError: there is no such container.
        """
        found: Mapping[str, Any] = json.loads(
            await self.run("inspect", "--type", "container", "--format", "{{json .State}}", container_id)
        )
        return found

    async def remove(self, *container_ids: str) -> None:
        """End containers, if they run, and remove them.

        :raises EngineError: one of them cannot be removed.
        """
        if container_ids:
            at_once = ("--time", "0") if self.is_podman else ()
            await self.run("rm", "--force", "--volumes", *at_once, *container_ids)

    async def containers_with(self, labels: Sequence[str]) -> list[str]:
        """Ids of all containers that have all these labels, running or not."""
        filters = [text for label in labels for text in ("--filter", f"label={label}")]
        return (await self.run("ps", "--all", "--quiet", "--no-trunc", *filters)).split()
