"""Images: on this machine already, or pulled with what logs in to their registry."""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from weakref import WeakValueDictionary

from batch_emulator.nodes.containers.engine import Engine, EngineError
from batch_emulator.nodes.transfer import TransferError
from batch_emulator.service.entities import Json
from batch_emulator.service.errors import Failure
from batch_emulator.service.pools.container_spec import DEFAULT_REGISTRY

__all__ = ["Images", "find_or_pull", "full_name", "registry_of"]

_PULL_SECONDS = 3600.0
_BELIEVED_SECONDS = 30.0
_DOCKER_HUB = "https://index.docker.io/v1/"


def full_name(image: str) -> str:
    """An image's name with its registry, Docker Hub when there is none in it. Podman knows no default."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return f"{DEFAULT_REGISTRY}/{image}" if slash else f"{DEFAULT_REGISTRY}/library/{image}"


def registry_of(image: str, registries: Iterable[Json]) -> Json | None:
    """The registry of an image, among those that were described."""
    server = full_name(image).partition("/")[0]
    return next((item for item in registries if _server(item) == server), None)


class Images:
    """Asks for each image once at a time, however many nodes start or tasks want it together."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._seen: dict[str, tuple[str, float]] = {}

    async def get(
        self, engine: Engine, image: str, registries: Sequence[Json], identities: Sequence[str]
    ) -> str:
        """See :func:`find_or_pull`. What was there a moment ago is taken to be there."""
        async with self._locks.setdefault(image, asyncio.Lock()):
            name, at = self._seen.get(image, ("", 0.0))
            if not name or time.monotonic() - at > _BELIEVED_SECONDS:
                name = await find_or_pull(engine, image, registries, identities)
                self._seen[image] = name, time.monotonic()
            return name


async def find_or_pull(
    engine: Engine, image: str, registries: Sequence[Json], identities: Sequence[str]
) -> str:
    """The name by which the engine has an image, after pulling it if need be.

    :param registries: of the task, then of the pool.
    :param identities: resource ids of the pool's identities.
    :raises TransferError: ``ContainerInvalidImage``.
    """
    for name in dict.fromkeys((image, full_name(image))):
        if await engine.has_image(name):
            return name
    registry = registry_of(image, registries) or {}
    identity = (registry.get("identityReference") or {}).get("resourceId")
    if identity and identity.lower() not in {item.lower() for item in identities}:
        raise _invalid_image(image, f"The identity '{identity}' is not assigned to the pool.")
    try:
        await _pull(engine, full_name(image), registry)
    except EngineError as error:
        message = _without_password(str(error), registry)
        if identity:
            message += (
                " No registry knows a local node's identity: have the image on this machine, or give user "
                "name and password."
            )
        raise _invalid_image(image, message) from None
    return full_name(image)


async def _pull(engine: Engine, image: str, registry: Json) -> None:
    if not registry.get("password"):
        await engine.run("pull", "--quiet", image, seconds=_PULL_SECONDS)
        return
    secret = base64.b64encode(f"{registry['username']}:{registry['password']}".encode()).decode()
    server = _server(registry)
    servers = (server, _DOCKER_HUB) if server == DEFAULT_REGISTRY else (server,)
    # Made for its owner only, and gone after the pull: the password is on no command line.
    with tempfile.TemporaryDirectory(prefix="registry-") as folder:
        file = Path(folder) / "config.json"
        file.write_text(json.dumps({"auths": {name: {"auth": secret} for name in servers}}))
        environment = {"DOCKER_CONFIG": folder, "REGISTRY_AUTH_FILE": str(file)}
        await engine.run("pull", "--quiet", image, environment=environment, seconds=_PULL_SECONDS)


def _server(registry: Json) -> str:
    text: str = registry.get("registryServer") or DEFAULT_REGISTRY
    return text.partition("://")[2].rstrip("/") if "://" in text else text.rstrip("/")


def _without_password(text: str, registry: Json) -> str:
    password = registry.get("password")
    return text.replace(password, "***") if password else text


def _invalid_image(image: str, message: str) -> TransferError:
    return TransferError(
        Failure(
            "ContainerInvalidImage",
            "One or more container images specified are invalid",
            details=(("ContainerImageName", image), ("Message", message)),
        )
    )
