from __future__ import annotations

import os
import shlex
import subprocess
import zipfile
from pathlib import Path

import pytest

from dags.transcoding.package import PackageFile, build_ffmpeg_package, command_line, environment_variable

pytestmark = pytest.mark.slow


def test_the_same_contents_make_the_same_bytes(package_file: PackageFile, scratch: Path) -> None:
    again = build_ffmpeg_package(scratch / "again.zip")
    assert again.version == package_file.version
    assert again.path.read_bytes() == package_file.path.read_bytes()
    assert [path.name for path in scratch.iterdir()] == ["again.zip"]


def test_id_and_version_are_what_batch_accepts(package_file: PackageFile) -> None:
    assert package_file.application_id == "ffmpeg"
    assert len(package_file.version) <= 64
    assert package_file.version.replace("-", "").replace(".", "").isalnum()
    expected = "AZ_BATCH_APP_PACKAGE_ffmpeg_" + package_file.version.replace(".", "_").replace("-", "_")
    assert package_file.environment_variable == expected


def test_the_package_holds_ffmpeg_the_steps_and_the_credits(package_file: PackageFile) -> None:
    with zipfile.ZipFile(package_file.path) as archive:
        modes = {member.filename: member.external_attr >> 16 & 0o777 for member in archive.infolist()}
        notice = archive.read("NOTICE-ffmpeg.txt").decode()
    assert modes["ffmpeg"] == 0o755
    assert {"transcode.py", "node/cli.py", "node/ladder.py", "node/__init__.py"} <= set(modes)
    assert "GNU General Public License" in notice


def test_a_command_line_runs_without_a_shell_of_ours(package_file: PackageFile, scratch: Path) -> None:
    """Also when whatever unpacked the package dropped the mode bits, as Python's zipfile does."""
    folder = scratch / "applications" / "ffmpeg"
    with zipfile.ZipFile(package_file.path) as archive:
        archive.extractall(folder)
    assert not os.access(folder / "ffmpeg", os.X_OK)
    line = command_line(package_file.environment_variable, "probe", "--input", "no such file.mp4")
    environment = {"PATH": os.environ["PATH"], package_file.environment_variable: str(folder)}
    done = subprocess.run(
        shlex.split(line),
        cwd=scratch,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 66, done.stderr
    assert "The source no such file.mp4 is not there." in done.stderr
    assert os.access(folder / "ffmpeg", os.X_OK)


def test_a_node_without_the_package_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        shlex.split(command_line(environment_variable("9.0.2-abc"), "probe")),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "AZ_BATCH_APP_PACKAGE_ffmpeg_9_0_2_abc: the node lacks this application package" in done.stderr
