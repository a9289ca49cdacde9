"""Play a sequence: each step draws from a generator of its own, so that steps can be left out."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from batch_emulator.rest.operations import operation
from batch_emulator.service import BatchError
from batch_emulator.service.effects import BootNode
from batch_emulator.service.entities import Node
from batch_emulator.service.events import (
    NodeBootFailed,
    NodeLost,
    NodeObtained,
    NodePreempted,
    RunEnded,
    RunLost,
)
from batch_emulator.service.region import ALLOCATION_FAILED, ALLOCATION_TIMED_OUT, RegionalCapacity
from batch_emulator.service.tasks.failures import UNKNOWN
from tests.batch_emulator.sequences.requests import random_operation, random_request
from tests.batch_emulator.sequences.watched import BrokenRuleError, WatchedWorld

STEPS = 40
# Restoring costs more than all else; a step that breaks it is followed by one that sees it.
RESTORE_EVERY = 4


@dataclass
class Played:
    """What became of a sequence.

    :param told: a line for each step.
    :param error: what was broken, if something was.
    """

    seed: int
    steps: Sequence[int]
    told: list[str] = field(default_factory=list)
    error: Exception | None = None

    @property
    def text(self) -> str:
        command = f"python -m tests.batch_emulator.sequences {self.seed}"
        return "\n".join([*self.told, f"{type(self.error).__name__}: {self.error}", f"Replay: {command}"])


def play(seed: int, steps: Sequence[int] = range(STEPS)) -> Played:
    """Play the given steps of a sequence, then wind everything up; stop at what is broken."""
    played = Played(seed, steps)
    world = WatchedWorld(seed)
    try:
        for step in steps:
            rng = random.Random(f"{seed}/{step}")
            played.told.append(f"{step:3} {_BEGINNING.get(step, _any_step)(world, rng)}")
            world.check_step(restoring=step % RESTORE_EVERY == 0)
        _wind_up(world)
    except Exception as error:  # whatever it is: the rules have a bug, and this sequence shows it
        played.error = error
    return played


def shrink(played: Played) -> Played:
    """The fewest steps that break the same thing, found by leaving out one after another."""
    best = played
    for step in reversed(played.steps):
        shorter = play(best.seed, [other for other in best.steps if other != step])
        if type(shorter.error) is type(played.error):
            best = shorter
    return best


def _request(world: WatchedWorld, rng: random.Random) -> str:
    raw, body = random_request(random_operation(rng), rng, world.service)
    return f"{raw.method} {raw.raw_path} {body.decode()} {dict(raw.headers)} -> {world.send(raw, body)}"


def _create(name: str) -> Callable[[WatchedWorld, random.Random], str]:
    """A creation: a world without pool and job would have little to tell."""

    def act(world: WatchedWorld, rng: random.Random) -> str:
        told = ""
        for _ in range(8):
            raw, body = random_request(operation(name), rng, world.service)
            status = world.send(raw, body)
            told = f"{raw.method} {raw.raw_path} {body.decode()} -> {status}"
            if status == "201":
                break
        return told

    return act


def _end_run(world: WatchedWorld, rng: random.Random) -> str:
    if not world.running:
        return _create("create_task")(world, rng)
    run_id = rng.choice(list(world.running))
    run = world.running.pop(run_id)
    code = rng.choice([0, 0, 0, 1, 2, None])
    phase = "process" if code is not None else rng.choice(["preprocessing", "upload"])
    failure = UNKNOWN if code is None else None
    world.tell(RunEnded(run_id, world.now, exit_code=code, failure=failure, phase=phase))
    return f"{run.kind} {run_id} ends in {phase} with {code}"


def _lose_run(world: WatchedWorld, rng: random.Random) -> str:
    if not world.running:
        return "nothing runs"
    run_id = rng.choice(list(world.running))
    del world.running[run_id]
    world.tell(RunLost(run_id))
    return f"{run_id} is lost"


def _stale(world: WatchedWorld, rng: random.Random) -> str:
    """News of a run that is over already, or never was."""
    old = [effect for effect in world.effects if getattr(effect, "run_id", "") not in world.running]
    run_id = str(getattr(rng.choice(old), "run_id", "none")) if old else "none"
    if run_id in world.running or any(getattr(item, "run_id", "") == run_id for item in world.pending):
        return "no old run"
    world.tell(RunEnded(run_id, world.now, exit_code=0))
    return f"{run_id} ends once more"


def _preempt(world: WatchedWorld, rng: random.Random) -> str:
    nodes = [node for node in _nodes(world) if not node.is_dedicated]
    if not nodes:
        return "no spot node"
    node, away = rng.choice(nodes), rng.choice([None, 0.0, 90.0])
    world.tell(NodePreempted(node.pool_id, node.id, away))
    return f"{node.id} is preempted for {away} seconds"


def _capacity(world: WatchedWorld, rng: random.Random) -> str:
    until = rng.choice([None, world.now + timedelta(minutes=2)])
    most = [rng.choice([None, 0, 1, 2]) for _ in range(2)]
    limit = RegionalCapacity(
        ("standard_*",), *most, rng.choice([ALLOCATION_FAILED, ALLOCATION_TIMED_OUT]), until
    )
    world.do("set_capacity", [limit] if rng.random() < 0.7 else [])
    return f"the region has {limit}"


def _obtain_node(world: WatchedWorld, rng: random.Random) -> str:
    boots = [effect for effect in world.pending if isinstance(effect, BootNode)]
    if not boots:
        return "no boot waits"
    boot = rng.choice(boots)
    world.tell(NodeObtained(boot.pool_id, boot.node_id, boot.boot_id))
    return f"the machine of {boot.node_id} is there"


def _lose_node(world: WatchedWorld, rng: random.Random) -> str:
    nodes = _nodes(world)
    if not nodes:
        return "no node"
    node, away = rng.choice(nodes), rng.choice([None, 0.0, 90.0])
    world.tell(NodeLost(node.pool_id, node.id, away))
    return f"{node.id} is lost for {away} seconds"


def _nodes(world: WatchedWorld) -> list[Node]:
    return [node for pool in world.service.pools() for node in world.service.nodes(pool.id)]


def _wait(world: WatchedWorld, rng: random.Random) -> str:
    spans = [timedelta(seconds=20), timedelta(minutes=2), timedelta(minutes=20)]
    # Formulas take a sample each thirty seconds.
    if not any(pool.spec.get("enableAutoScale") for pool in world.service.pools()):
        spans.append(timedelta(days=8))
    span = rng.choice(spans)
    world.advance(span)
    return f"{span} pass"


def _obedience(world: WatchedWorld, rng: random.Random) -> str:
    world.boots, world.kills, world.releases = (rng.random() < 0.7 for _ in range(3))
    return f"boots {world.boots}, kills {world.kills}, releases {world.releases}"


def _answer(world: WatchedWorld, rng: random.Random) -> str:
    world.answer_pending()
    return "what waited is answered"


def _fail_boot(world: WatchedWorld, rng: random.Random) -> str:
    boots = [effect for effect in world.pending if isinstance(effect, BootNode)]
    if not boots:
        return "no boot waits"
    boot = rng.choice(boots)
    world.pending.remove(boot)
    world.tell(NodeBootFailed(boot.pool_id, boot.node_id, boot.boot_id, UNKNOWN))
    return f"{boot.node_id} is unusable"


def _die(world: WatchedWorld, rng: random.Random) -> str:
    world.alive.clear()
    world.die()
    return "kill -9 and restart"


_BEGINNING = dict(
    enumerate(map(_create, ("create_pool", "create_job", "create_job", "create_task", "create_task")))
)
_STEPS: dict[Callable[[WatchedWorld, random.Random], str], float] = {
    _request: 50,
    _end_run: 34,
    _wait: 6,
    _answer: 4,
    _preempt: 3,
    _obedience: 3,
    _lose_run: 2,
    _lose_node: 2,
    _fail_boot: 2,
    _obtain_node: 2,
    _capacity: 5,
    _stale: 2,
    _die: 1.5,
}


def _any_step(world: WatchedWorld, rng: random.Random) -> str:
    return rng.choices(list(_STEPS), list(_STEPS.values()))[0](world, rng)


def _wind_up(world: WatchedWorld) -> None:
    """Whatever happened, everything can be ended and deleted, and leaves nothing behind."""
    world.boots = world.kills = world.releases = True
    for pool in list(world.service.pools()):
        with contextlib.suppress(BatchError):
            world.do("disable_auto_scale", pool.id)
    for schedule in list(world.service.job_schedules()):
        with contextlib.suppress(BatchError):
            world.do("terminate_job_schedule", schedule.id)
    for job in list(world.service.jobs()):
        with contextlib.suppress(BatchError):
            world.do("enable_job", job.id)
    world.finish_everything()
    for job in list(world.service.jobs()):
        with contextlib.suppress(BatchError):
            world.do("terminate_job", job.id)
    world.finish_everything()
    left = [job.id for job in world.service.jobs() if job.state != "completed"]
    if left:
        raise BrokenRuleError(f"jobs cannot be ended: {left}")
    for schedule in list(world.service.job_schedules()):
        with contextlib.suppress(BatchError):
            world.do("delete_job_schedule", schedule.id)
    for pool in list(world.service.pools()):
        with contextlib.suppress(BatchError):
            world.do("delete_pool", pool.id)
    for job in list(world.service.jobs()):
        with contextlib.suppress(BatchError):
            world.do("delete_job", job.id)
    world.finish_everything()
    if world.left() or world.running:
        raise BrokenRuleError(f"left behind: {world.left()} {list(world.running)}")
