"""Engines that are found or not, and images that are there or have to be pulled. The engines are scripts."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import pytest

from batch_emulator.nodes.agent.process_tree import is_alive
from batch_emulator.nodes.containers.detection import EngineSettings, NoEngineError, find_engine
from batch_emulator.nodes.containers.engine import Engine, EngineError
from batch_emulator.nodes.containers.images import Images, find_or_pull, full_name, registry_of
from batch_emulator.nodes.transfer import TransferError


def script(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


async def test_docker_is_taken_when_its_daemon_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "docker", 'case "$1" in --version) echo Docker version 28;; esac')
    script(tmp_path, "podman", 'case "$1" in --version) echo podman version 4;; esac')
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    found = await find_engine(EngineSettings())
    assert (found.program, found.is_podman, found.create_options) == (str(tmp_path / "docker"), False, ())


async def test_podman_is_taken_when_docker_has_no_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "docker", 'case "$1" in version) echo no daemon >&2; exit 1;; esac')
    script(tmp_path, "podman", "echo podman version 4")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    found = await find_engine(EngineSettings(create_options=("--memory", "1g")))
    assert (found.program, found.is_podman) == (str(tmp_path / "podman"), True)
    assert found.create_options[-2:] == ("--memory", "1g")
    assert any(option.startswith("nofile=") for option in found.create_options)


async def test_the_users_own_limits_are_left_alone(tmp_path: Path) -> None:
    program = script(tmp_path, "podman", "echo podman version 4")
    mine = ("--ulimit", "nofile=7:7")
    found = await find_engine(EngineSettings(program, ("--runtime", "mine"), mine))
    assert (found.options, found.create_options) == (("--runtime", "mine"), mine)


async def test_what_was_tried_is_said_when_nothing_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "docker", "echo no daemon here >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoEngineError, match=r"docker: no daemon here; podman: not found"):
        await find_engine(EngineSettings())
    with pytest.raises(NoEngineError, match="none"):
        await find_engine(EngineSettings("none"))
    with pytest.raises(NoEngineError, match="/no/such: not found"):
        await find_engine(EngineSettings("/no/such"))


async def test_an_engine_that_hangs_is_given_up_and_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    engine = Engine(script(tmp_path, "slow", f"echo $$ > {pid_file}; exec sleep 600"), is_podman=False)
    with pytest.raises(EngineError, match="longer than"):
        await engine.run("info", seconds=1.0)
    assert not is_alive(int(pid_file.read_text()))


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("alpine", "docker.io/library/alpine"),
        ("alpine:3", "docker.io/library/alpine:3"),
        ("me/app", "docker.io/me/app"),
        ("reg.azurecr.io/app:1", "reg.azurecr.io/app:1"),
        ("localhost/app", "localhost/app"),
        ("host:5000/app", "host:5000/app"),
    ],
)
def test_names_of_images(image: str, full: str) -> None:
    assert full_name(image) == full


def test_the_registry_of_an_image_is_found_by_its_server() -> None:
    registries = [{"registryServer": "https://reg.azurecr.io/"}, {"registryServer": "docker.io"}]
    assert registry_of("reg.azurecr.io/app", registries) is registries[0]
    assert registry_of("alpine", registries) is registries[1]
    assert registry_of("other.io/app", registries) is None


async def test_a_pull_logs_in_without_the_password_on_a_command_line(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    engine = Engine(
        script(
            tmp_path,
            "engine",
            f'case "$1" in image) exit 1;; esac\n'
            f'echo "$@" >> {seen}\ncat "$DOCKER_CONFIG/config.json" >> {seen}\n'
            f'ln -s "$DOCKER_CONFIG" {tmp_path}/folder',
        ),
        is_podman=False,
    )
    registry = {"registryServer": "reg.io", "username": "me", "password": "top secret"}
    assert await find_or_pull(engine, "reg.io/app:1", [registry], []) == "reg.io/app:1"
    command, config = seen.read_text().splitlines()
    assert command == "pull --quiet reg.io/app:1"
    assert json.loads(config)["auths"] == {"reg.io": {"auth": base64.b64encode(b"me:top secret").decode()}}
    assert (tmp_path / "folder").is_symlink()
    assert not (tmp_path / "folder").exists()


async def test_an_image_that_is_here_is_not_pulled(tmp_path: Path) -> None:
    here = Engine(script(tmp_path, "engine", '[ "$5" = localhost/app ]'), is_podman=True)
    assert await find_or_pull(here, "localhost/app", [], []) == "localhost/app"


async def test_an_image_that_cannot_be_had_is_an_invalid_image(tmp_path: Path) -> None:
    program = script(tmp_path, "engine", "echo no such image, pass123 >&2; exit 1")
    engine = Engine(program, is_podman=False)
    registry = {"registryServer": "reg.io", "username": "me", "password": "pass123"}
    with pytest.raises(TransferError) as caught:
        await find_or_pull(engine, "reg.io/app", [registry], [])
    failure = caught.value.failure
    assert (failure.code, failure.category) == ("ContainerInvalidImage", "usererror")
    assert dict(failure.details) == {"ContainerImageName": "reg.io/app", "Message": "no such image, ***"}


async def test_an_identity_must_be_one_of_the_pools(tmp_path: Path) -> None:
    engine = Engine(script(tmp_path, "engine", "exit 1"), is_podman=False)
    registry = {"registryServer": "reg.io", "identityReference": {"resourceId": "/x/one"}}
    for identities, words in (([], "not assigned to the pool"), (["/X/ONE"], "have the image on this")):
        with pytest.raises(TransferError) as caught:
            await find_or_pull(engine, "reg.io/app", [registry], identities)
        assert words in dict(caught.value.failure.details)["Message"]


async def test_an_image_is_asked_for_once_by_many_nodes_at_a_time(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    engine = Engine(script(tmp_path, "engine", f'echo "$@" >> {calls}'), is_podman=True)
    images = Images()
    names = await asyncio.gather(*(images.get(engine, "app", [], []) for _ in range(20)))
    assert set(names) == {"app"}
    assert len(calls.read_text().splitlines()) == 1
