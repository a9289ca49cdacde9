"""All containers of an emulator's nodes: images fetched ahead, one container a run, none left behind."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from batch_emulator.nodes.containers.arguments import (
    ContainerUser,
    create_arguments,
    node_label,
    nodes_label,
    run_label,
)
from batch_emulator.nodes.containers.detection import EngineSettings, NoEngineError, find_engine
from batch_emulator.nodes.containers.engine import Engine, EngineError
from batch_emulator.nodes.containers.images import Images
from batch_emulator.nodes.directories import NodeLayout
from batch_emulator.nodes.transfer import TransferError
from batch_emulator.service.effects import StartRun
from batch_emulator.service.entities import Json
from batch_emulator.service.errors import Failure

__all__ = ["Container", "ContainerEnd", "Containers"]

_log = logging.getLogger(__name__)
_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
_NEVER_STARTED = ("created", "configured", "initialized")


class ContainerEnd:
    """How a container ended.

    :param info: ``containerInfo`` in wire form.
    :param failure: it never started.
    """

    def __init__(self, exit_code: int | None, info: Json, failure: Failure | None) -> None:
        self.exit_code = exit_code
        self.info = info
        self.failure = failure


class Container:
    """A container made for one run, not started yet."""

    def __init__(self, engine: Engine, container_id: str) -> None:
        self.id = container_id
        self._engine = engine

    @property
    def start_command(self) -> tuple[str, ...]:
        """What starts it and stays until it ends, with its output streams."""
        return self._engine.command("start", "--attach", self.id)

    async def kill(self) -> None:
        """End it at once. What attaches to it ends by itself then."""
        try:
            await self._engine.run("kill", "--signal", "KILL", self.id)
        except EngineError as error:
            _log.info("container %s: %s", self.id[:12], error)  # it has ended meanwhile

    async def conclude(self, stderr: Path) -> ContainerEnd:
        """See how it ended, and remove it.

        :param stderr: where the engine's complaints went, if it never started.
        """
        try:
            state: Mapping[str, object] = await self._engine.state(self.id)
        except EngineError as error:
            state = {"Status": "created", "Error": str(error)}
        finally:
            await self.remove()
        words = str(state.get("Error") or "")
        status = str(state.get("Status") or "")
        started = status not in _NEVER_STARTED and not str(state.get("StartedAt") or "").startswith("0001-")
        info: Json = {"containerId": self.id, "state": status, **({"error": words} if words else {})}
        if not started:
            reason = words or await asyncio.to_thread(_tail, stderr)
            return ContainerEnd(None, info, _launch_failed(reason))
        return ContainerEnd(int(str(state["ExitCode"])), info, None)

    async def remove(self) -> None:
        """End and remove it, whatever it does."""
        try:
            await self._engine.remove(self.id)
        except EngineError as error:
            _log.warning("container %s cannot be removed: %s", self.id[:12], error)


class Containers:
    """The engine, found when it is first needed, and the containers of all nodes.

    :param marker: a file that tells a later emulator that containers were made for these nodes.
    """

    def __init__(self, settings: EngineSettings, nodes_dir: Path, marker: Path) -> None:
        self._settings = settings
        self._nodes_dir = nodes_dir
        self._marker = marker
        self._engine: Engine | None = None
        self._finding = asyncio.Lock()
        self._images = Images()
        self._used_on: set[Path] = set()
        self._errands: set[asyncio.Task[None]] = set()

    async def remove_leftovers(self) -> None:
        """Remove what an emulator that was killed had left. To be called before use."""
        if self._marker.exists():
            await self._remove_with(nodes_label(self._nodes_dir))

    async def remove_of_node(self, root: Path) -> None:
        """End and remove all containers of a node."""
        if root in self._used_on:
            self._used_on.discard(root)
            await self._remove_with(node_label(root))

    def discard(self, run_id: str) -> None:
        """Begin to end and remove the container of a run that broke off, if there is one."""
        if self._engine is not None:
            errand = asyncio.create_task(self._remove_with(run_label(run_id)))
            self._errands.add(errand)
            errand.add_done_callback(self._errands.discard)

    async def stop(self) -> None:
        """End and remove all containers."""
        if self._errands:
            await asyncio.wait(self._errands)
        if self._engine is not None and self._marker.exists():
            await self._remove_with(nodes_label(self._nodes_dir))

    async def prefetch(self, configuration: Json | None, identities: Sequence[str]) -> None:
        """Have a pool's images on this machine.

        :param configuration: the pool's ``containerConfiguration``; ``None``: it runs no containers.
        :raises TransferError: an image cannot be had, or there is no engine.
        """
        if configuration is None:
            return
        engine = await self._working_engine()
        for image in configuration.get("containerImageNames") or ():
            registries = configuration.get("containerRegistries") or []
            await self._images.get(engine, image, registries, identities)

    async def create(self, run: StartRun, layout: NodeLayout, environment: Mapping[str, str]) -> Container:
        """Make the container of a run.

        :param environment: of the task, as it would be without a container.
        :raises TransferError: no engine, no image, or the engine refuses.
        :raises CommandError: the command line cannot be split.
        """
        engine = await self._working_engine()
        settings = run.spec["containerSettings"]
        registries = [settings["registry"]] if settings.get("registry") else []
        registries += (run.containers or {}).get("containerRegistries") or []
        image = await self._images.get(engine, settings["imageName"], registries, run.pool_identities)
        user = ContainerUser(os.getuid(), os.getgid())
        arguments, variables = create_arguments(
            run, layout, environment, image, user, is_podman=engine.is_podman
        )
        self._marker.touch()
        self._used_on.add(layout.root)
        try:
            made = await engine.run("create", *engine.create_options, *arguments, environment=variables)
        except EngineError as error:
            raise TransferError(_launch_failed(str(error))) from None
        container_id = made.rpartition("\n")[2]
        if not _CONTAINER_ID.fullmatch(container_id):  # an option such as 'help' makes none
            raise TransferError(_launch_failed(f"The engine made no container: {made[:200]}"))
        return Container(engine, container_id)

    async def _working_engine(self) -> Engine:
        async with self._finding:
            if self._engine is None:
                try:
                    self._engine = await find_engine(self._settings)
                except NoEngineError as error:
                    raise TransferError(_no_engine(str(error))) from None
            return self._engine

    async def _remove_with(self, label: str) -> None:
        try:
            engine = await self._working_engine()
            await engine.remove(*await engine.containers_with([label]))
        except (EngineError, TransferError) as error:
            _log.warning("containers cannot be removed: %s", error)


def _tail(path: Path, characters: int = 1000) -> str:
    try:
        return path.read_text(errors="replace")[-characters:].strip()
    except OSError:
        return ""


def _launch_failed(reason: str) -> Failure:
    return Failure("ContainerLaunchFailed", "Failed to launch the container", details=(("Message", reason),))


def _no_engine(reason: str) -> Failure:
    # On Azure the engine is part of the image, so the service has no word for a node without one.
    return Failure(
        "ContainerEngineUnavailable",
        "The node has no container engine that works",
        details=(("Message", reason),),
    )
