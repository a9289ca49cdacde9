"""What a container task becomes on the engine's command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batch_emulator.nodes.command_line import CommandError
from batch_emulator.nodes.containers.arguments import ContainerUser, create_arguments
from batch_emulator.nodes.directories import NodeLayout
from batch_emulator.nodes.environment import AccountFacts, task_environment
from batch_emulator.service.effects import StartRun
from tests.batch_emulator.nodes.builders import a_run

PREPARATION = "workitems/j/job-1/jobpreparation"


def made(
    root: Path, run: StartRun, *, is_podman: bool = True
) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """The arguments without the variables, and what the container sees of the task's variables."""
    layout = NodeLayout(root)
    layout.make(wipe=False)
    layout.task(run.task_root).make()
    layout.task(PREPARATION).make()
    environment = task_environment(AccountFacts("acc", "http://acc"), layout, run, {})
    arguments, handed_over = create_arguments(
        run, layout, environment, "img", ContainerUser(7, 8), is_podman=is_podman
    )
    rest, seen = [], {}
    words = iter(arguments)
    for word in words:
        if word == "--env":
            name, is_given, value = next(words).partition("=")
            seen[name] = value if is_given else handed_over[name]
        else:
            rest.append(word)
    assert handed_over.keys() <= seen.keys()
    return rest, seen, handed_over


def in_container(command: str = "/bin/true", **settings: Any) -> StartRun:
    variables = (
        ("MINE", "a\nb"),
        ("A*", "star"),
        ("*", "all"),
        ("DOCKER_HOST", "elsewhere"),
        ("PATH", "/mine"),
    )
    return a_run(
        command,
        spec={"containerSettings": {"imageName": "img", **settings}},
        environment=variables,
        preparation_root=PREPARATION,
    )


def after(arguments: list[str], option: str) -> list[str]:
    return [arguments[index + 1] for index, word in enumerate(arguments) if word == option]


def test_by_default_the_whole_root_is_there_under_its_own_path(tmp_path: Path) -> None:
    arguments, seen, _ = made(tmp_path, in_container())
    assert after(arguments, "--mount") == [f"type=bind,source={tmp_path},target={tmp_path}"]
    assert after(arguments, "--workdir") == [f"{tmp_path}/workitems/j/job-1/t/wd"]
    assert after(arguments, "--network") == ["host"]
    assert seen["AZ_BATCH_NODE_ROOT_DIR"] == str(tmp_path)
    assert seen["AZ_BATCH_TASK_ID"] == "t"


def test_variables_of_this_machine_stay_outside_and_none_reaches_the_engine_itself(tmp_path: Path) -> None:
    _, seen, handed_over = made(tmp_path, in_container())
    assert not {"HOME", "USER", "LANG", "PWD"} & seen.keys()
    assert (seen["MINE"], seen["DOCKER_HOST"], seen["PATH"]) == ("a\nb", "elsewhere", "/mine")
    assert (seen["A*"], seen["*"]) == ("star", "all")
    assert "MINE" in handed_over
    assert not {"DOCKER_HOST", "PATH", "A*", "*"} & handed_over.keys()


def test_single_folders_and_the_variables_that_go_with_them(tmp_path: Path) -> None:
    mounts = [{"source": "Task"}, {"source": "Shared", "isReadOnly": True}, {"source": "JobPrep"}]
    arguments, seen, _ = made(tmp_path, in_container(containerHostBatchBindMounts=mounts))
    task, shared, preparation = (
        f"{tmp_path}/{name}" for name in ("workitems/j/job-1/t", "shared", PREPARATION)
    )
    assert after(arguments, "--mount") == [
        f"type=bind,source={task},target={task}",
        f"type=bind,source={shared},target={shared},readonly",
        f"type=bind,source={preparation},target={preparation}",
    ]
    assert {"AZ_BATCH_TASK_DIR", "AZ_BATCH_NODE_SHARED_DIR", "AZ_BATCH_JOB_PREP_DIR"} <= seen.keys()
    gone = {"AZ_BATCH_NODE_ROOT_DIR", "AZ_BATCH_NODE_STARTUP_DIR", "AZ_BATCH_NODE_MOUNTS_DIR"}
    assert not gone & seen.keys()


def test_nothing_is_mounted_when_nothing_is_asked_for(tmp_path: Path) -> None:
    run = in_container(containerHostBatchBindMounts=[], workingDirectory="containerImageDefault")
    arguments, seen, _ = made(tmp_path, run)
    assert not after(arguments, "--mount")
    assert not after(arguments, "--workdir")
    assert "AZ_BATCH_TASK_DIR" not in seen
    assert seen["AZ_BATCH_JOB_ID"] == "j"


@pytest.mark.parametrize(
    ("command", "options", "end"),
    [
        ("/bin/sh -c 'a b'", "", ["--entrypoint", "/bin/sh", "img", "-c", "a b"]),
        ("", "", ["img"]),
        ("", "--entrypoint /x", ["--entrypoint", "/x", "img"]),
        ("a b", "--entrypoint=/x", ["--entrypoint=/x", "img", "a", "b"]),
    ],
)
def test_a_command_line_overrides_the_entry_point(
    tmp_path: Path, command: str, options: str, end: list[str]
) -> None:
    arguments, _, _ = made(tmp_path, in_container(command, containerRunOptions=options))
    assert arguments[-len(end) :] == end


def test_the_users_options_win(tmp_path: Path) -> None:
    run = in_container(containerRunOptions="--network none --user 5:5 --memory 64m")
    for is_podman in (True, False):
        arguments, _, _ = made(tmp_path, run, is_podman=is_podman)
        assert after(arguments, "--network") == ["none"]
        assert after(arguments, "--user") == ["5:5"]
        assert after(arguments, "--memory") == ["64m"]


def test_what_a_container_writes_is_the_emulators(tmp_path: Path) -> None:
    assert after(made(tmp_path, in_container(), is_podman=True)[0], "--user") == ["0:0"]
    assert after(made(tmp_path, in_container(), is_podman=False)[0], "--user") == ["7:8"]


def test_a_command_line_that_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        made(tmp_path, in_container("/bin/sh -c 'open"))
    assert caught.value.failure.code == "CommandLaunchFailed"
