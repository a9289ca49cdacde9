"""From a container task to the engine's arguments for its container. Pure.

Source: *Run container workloads on Azure Batch* (mounted root, working directory, entry point) and *Container
isolation for Batch tasks* (single folders, and which variables go with them).
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from batch_emulator.nodes.command_line import launch_failed
from batch_emulator.nodes.directories import NodeLayout, TaskLayout
from batch_emulator.nodes.environment import MACHINE_VARIABLES
from batch_emulator.service.effects import StartRun
from batch_emulator.service.entities import Json

__all__ = ["ContainerUser", "create_arguments", "node_label", "nodes_label", "run_label"]

_VARIABLES = {
    "Applications": re.compile(r"AZ_BATCH_APP_PACKAGE_.*"),
    "JobPrep": re.compile(r"AZ_BATCH_JOB_PREP_(WORKING_)?DIR"),
    "Shared": re.compile(r"AZ_BATCH_NODE_SHARED_DIR"),
    "Startup": re.compile(r"AZ_BATCH_NODE_STARTUP_(WORKING_)?DIR"),
    "Task": re.compile(r"AZ_BATCH_(TASK_DIR|TASK_WORKING_DIR|TASK_SHARED_DIR|CERTIFICATES_DIR)"),
    "VfsMounts": re.compile(r"AZ_BATCH_NODE_MOUNTS_DIR"),
}
# These would reach the engine's own client if they were handed over through its environment.
_NOT_THROUGH_THE_CLIENT = re.compile(
    r"(PATH|HOME|USER|PWD|LANG|LC_.*|TZ|TMP.*|TEMP|LD_.*|GO.*|SSL_.*|SSH_.*|XDG_.*|DBUS_.*|DOCKER_.*|CONTAINER.*"
    r"|BUILDAH_.*|PODMAN_.*|REGISTRY_.*|STORAGE_.*|CNI.*|NETAVARK.*|NOTIFY_.*|LISTEN_.*|_.*|.*_PROXY)",
    re.IGNORECASE,
)
# To podman, a name that ends with an asterisk means all variables of its own that begin so.
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NETWORK = ("--network", "--net")
_USER = ("--user", "-u", "--userns")


@dataclass(frozen=True)
class ContainerUser:
    """Who the emulator is on this machine; what a container writes must be its own."""

    uid: int
    gid: int


def nodes_label(nodes_dir: Path) -> str:
    """The label of all containers of an emulator's nodes."""
    return f"batch-emulator.nodes={_digest(str(nodes_dir))}"


def node_label(root: Path) -> str:
    """The label of all containers of one node."""
    return f"batch-emulator.node={_digest(str(root))}"


def run_label(run_id: str) -> str:
    """The label of a run's container."""
    return f"batch-emulator.run={_digest(run_id)}"


def create_arguments(
    run: StartRun,
    layout: NodeLayout,
    environment: Mapping[str, str],
    image: str,
    user: ContainerUser,
    *,
    is_podman: bool,
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Arguments of ``create``, and the variables that its process must have for them.

    :param environment: of the task, as it would be without a container.
    :param image: as the engine knows it.
    :returns: the arguments from the first option on, and values for the options ``--env NAME``.
    :raises CommandError: the command line cannot be split.
    """
    settings: Json = run.spec["containerSettings"]
    task = layout.task(run.task_root)
    given = shlex.split(settings.get("containerRunOptions") or "")
    sources = _sources(settings)
    variables = _visible(environment, run, sources)
    arguments = ["--log-driver", "none", *_labels(run, layout)]
    arguments += _engine_specific(given, user, is_podman=is_podman)
    if not _has(given, _NETWORK):
        arguments += ("--network", "host")
    for mount in _mounts(run, layout, task, sources):
        arguments += ("--mount", mount)
    if settings.get("workingDirectory", "taskWorkingDirectory") == "taskWorkingDirectory":
        arguments += ("--workdir", str(task.working))
    handed_over = {}
    for name, value in variables.items():
        if _NOT_THROUGH_THE_CLIENT.fullmatch(name) or not _PLAIN_NAME.fullmatch(name):
            arguments += ("--env", f"{name}={value}")
        else:
            arguments += ("--env", name)
            handed_over[name] = value
    # The user's options last: of two the engine takes the later one.
    return (*arguments, *given, *_image_and_command(run, given, image)), handed_over


def _sources(settings: Json) -> dict[str, bool] | None:
    """Folders to be mounted, and whether read-only; ``None``: the whole root."""
    mounts = settings.get("containerHostBatchBindMounts")
    return None if mounts is None else {item["source"]: bool(item.get("isReadOnly")) for item in mounts}


def _visible(
    environment: Mapping[str, str], run: StartRun, sources: dict[str, bool] | None
) -> dict[str, str]:
    """What a container gets: not what belongs to this machine, nor paths that it does not see."""
    settings = {name for name, _ in run.environment}
    hidden = [] if sources is None else [rule for name, rule in _VARIABLES.items() if name not in sources]
    if sources is not None:
        hidden.append(re.compile("AZ_BATCH_NODE_ROOT_DIR"))
    return {
        name: value
        for name, value in environment.items()
        if (name in settings or name not in MACHINE_VARIABLES)
        and not any(rule.fullmatch(name) for rule in hidden)
    }


def _mounts(
    run: StartRun, layout: NodeLayout, task: TaskLayout, sources: dict[str, bool] | None
) -> Iterator[str]:
    if sources is None:
        yield _bind(layout.root, read_only=False)
        return
    folders = {
        "Applications": layout.applications,
        "Shared": layout.shared,
        "Startup": layout.startup.directory,
        "Task": task.directory,
        "VfsMounts": layout.mounts,
    }
    if run.preparation_root is not None:
        folders["JobPrep"] = layout.task(run.preparation_root).directory
    for source, read_only in sources.items():
        folder = folders.get(source)
        # A job without preparation has no such folder, and a node without start task an empty one.
        if folder is not None and folder.is_dir():
            yield _bind(folder, read_only=read_only)


def _bind(folder: Path, *, read_only: bool) -> str:
    return f"type=bind,source={folder},target={folder}" + (",readonly" if read_only else "")


def _labels(run: StartRun, layout: NodeLayout) -> Iterator[str]:
    for label in (nodes_label(layout.root.parent.parent), node_label(layout.root), run_label(run.run_id)):
        yield "--label"
        yield label


def _engine_specific(given: Sequence[str], user: ContainerUser, *, is_podman: bool) -> list[str]:
    if is_podman:
        # In podman's containers, root is who started podman. Its proxies are not the task's business.
        arguments = ["--http-proxy=false", "--security-opt", "label=disable"]
        return arguments if _has(given, _USER) else [*arguments, "--user", "0:0"]
    return [] if _has(given, _USER) else ["--user", f"{user.uid}:{user.gid}"]


def _has(options: Sequence[str], names: Sequence[str]) -> bool:
    return any(option.partition("=")[0] in names for option in options)


def _image_and_command(run: StartRun, given: Sequence[str], image: str) -> tuple[str, ...]:
    command_line = run.spec.get("commandLine") or ""
    try:
        words = shlex.split(command_line)
    except ValueError as error:
        raise launch_failed(f"The command line cannot be split: {error}.", command_line) from None
    if not words:
        return (image,)
    if _has(given, ("--entrypoint",)):
        return (image, *words)
    return ("--entrypoint", words[0], image, *words[1:])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
