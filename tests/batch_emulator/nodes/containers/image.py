"""A small image made of this machine's own shell, and the engine that holds it."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from batch_emulator.nodes.containers.detection import EngineSettings, NoEngineError, find_engine
from batch_emulator.nodes.containers.engine import Engine, EngineError

__all__ = ["an_image", "working_engine"]

_PROGRAMS = ("sh", "cat", "env", "sleep", "id", "ls")


async def working_engine() -> Engine:
    """The engine of this machine; skips the test where there is none, or it may not run containers."""
    try:
        engine = await find_engine(EngineSettings())
    except NoEngineError as error:
        pytest.skip(str(error))
    return engine


async def an_image(engine: Engine, folder: Path) -> AsyncIterator[str]:
    """A name of an image that is there as long as the iterator is."""
    name = f"localhost/batch-emulator-test-{uuid.uuid4().hex[:8]}:latest"
    archive = folder / "image.tar"
    _write_archive(archive)
    await engine.run("import", str(archive), name)
    try:
        await _check(engine, name)
        yield name
    finally:
        await engine.run("image", "rm", "--force", name)


async def _check(engine: Engine, image: str) -> None:
    try:
        await engine.run(
            "run", "--rm", *engine.create_options, "--network", "host", image, "/bin/sh", "-c", ":"
        )
    except EngineError as error:
        pytest.skip(f"containers cannot be run on this machine: {error}")


def _write_archive(archive: Path) -> None:
    files: dict[str, str] = {}
    for program in _PROGRAMS:
        path = shutil.which(program)
        assert path is not None
        files[f"bin/{program}"] = path
        needed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout.split()
        files.update({word.lstrip("/"): word for word in needed if word.startswith("/")})
    with tarfile.open(archive, "w") as image:
        for name, path in files.items():
            image.add(os.path.realpath(path), name)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o777
        image.addfile(folder)
        marker = tarfile.TarInfo("of-the-image")
        marker.size = 5
        image.addfile(marker, io.BytesIO(b"image"))
