"""Which container engine of this machine works, and what it needs here."""

from __future__ import annotations

import os
import resource
import shutil
from dataclasses import dataclass

from batch_emulator.nodes.containers.engine import Engine, EngineError

__all__ = ["EngineSettings", "NoEngineError", "find_engine"]

_PROBE_SECONDS = 30.0
# Docker first: where its daemon answers, that is where people have their images.
_PROGRAMS = ("docker", "podman")
# Podman gives containers a million files, which it may not on machines with a lower limit.
_LIMITS = (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))
_HIGHEST_LIMIT = 16384


class NoEngineError(Exception):
    """No container engine works here; the text says what was tried."""


@dataclass(frozen=True)
class EngineSettings:
    """What the user says about the engine.

    :param program: name or path; ``auto`` to find one, ``none`` to have none.
    :param options: for the engine, before every sub-command.
    :param create_options: for every container.
    """

    program: str = "auto"
    options: tuple[str, ...] = ()
    create_options: tuple[str, ...] = ()


async def find_engine(settings: EngineSettings) -> Engine:
    """The first engine that answers.

    :raises NoEngineError: none does.
    """
    if settings.program == "none":
        raise NoEngineError("The emulator was started with --container-engine none.")
    failures = []
    for name in _PROGRAMS if settings.program == "auto" else (settings.program,):
        program = shutil.which(name)
        if program is None:
            failures.append(f"{name}: not found")
            continue
        try:
            return await _probe(program, settings)
        except EngineError as error:
            failures.append(f"{name}: {error}")
    raise NoEngineError("No container engine works on this machine. " + "; ".join(failures))


async def _probe(program: str, settings: EngineSettings) -> Engine:
    plain = Engine(program, is_podman=False, options=settings.options)
    # A program named docker may be podman.
    is_podman = "podman" in (await plain.run("--version", seconds=_PROBE_SECONDS)).lower()
    options, create_options = settings.options, settings.create_options
    if is_podman:
        options = (*_podman_runtime(options), *options)
        create_options = (*_podman_limits(create_options), *create_options)
    engine = Engine(program, is_podman, options, create_options)
    await engine.run("info", "--format", "{{json .}}", seconds=_PROBE_SECONDS)
    if not is_podman:
        # `docker info` succeeds without a daemon in some versions; this does not.
        await engine.run("version", "--format", "{{.Server.Version}}", seconds=_PROBE_SECONDS)
    return engine


def _podman_runtime(options: tuple[str, ...]) -> tuple[str, ...]:
    # Podman's first choice, crun, wants one unified hierarchy of control groups.
    is_unified = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    is_chosen = any(option.partition("=")[0] == "--runtime" for option in options)
    return () if is_unified or is_chosen or shutil.which("runc") is None else ("--runtime", "runc")


def _podman_limits(create_options: tuple[str, ...]) -> tuple[str, ...]:
    if any(option.partition("=")[0] == "--ulimit" for option in create_options):
        return ()
    limits: list[str] = []
    for name, number in _LIMITS:
        hard = resource.getrlimit(number)[1]
        highest = _HIGHEST_LIMIT if hard == resource.RLIM_INFINITY else min(hard, _HIGHEST_LIMIT)
        limits += ("--ulimit", f"{name}={highest}:{highest}")
    return tuple(limits)
