"""What simulated nodes do: how long they start, how long runs take, how they end."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from batch_emulator.service.effects import StartRun
from batch_emulator.simulation.chance import Constant, Exponential, LogNormal, Span, Uniform

__all__ = [
    "EXIT_CODE_SETTING",
    "SECONDS_SETTING",
    "Behaviour",
    "BehaviourError",
    "Work",
    "load_behaviour",
    "parse_behaviour",
]

# Environment settings by which a task itself says what it does.
SECONDS_SETTING, EXIT_CODE_SETTING = "SIMULATED_SECONDS", "SIMULATED_EXIT_CODE"
_AT_ONCE = Constant(0.0)
_A_SECOND = Constant(1.0)
_MAX_SECONDS = 365.0 * 24 * 3600


class BehaviourError(ValueError):
    """A description of a behaviour that cannot be used; the text names the place."""


class Work(NamedTuple):
    """What becomes of one run.

    :param seconds: until it ends.
    :param exit_code: of its process.
    """

    seconds: float
    exit_code: int = 0


@dataclass(frozen=True)
class Behaviour:
    """How nodes and runs behave, unless the faults have it otherwise.

    :param boot: from the request for a machine until it is up.
    :param run: of the process of a task.
    :param special: likewise of start, preparation, release and coordination commands.
    :param failure_rate: how likely a task's process ends with exit code 1, from 0 to 1.
    :param work: decides instead of ``run``, ``special`` and ``failure_rate``; takes the run and the
        simulation's source of chance.

    A task with the environment setting ``SIMULATED_SECONDS`` or ``SIMULATED_EXIT_CODE`` has its own way,
    unless ``work`` is given.
    """

    boot: Span = _AT_ONCE
    run: Span = _A_SECOND
    special: Span = _AT_ONCE
    failure_rate: float = 0.0
    work: Callable[[StartRun, Random], Work] | None = None

    def work_of(self, run: StartRun, chance: Random) -> Work:
        """What becomes of a run."""
        if self.work is not None:
            return self.work(run, chance)
        if run.kind not in ("task", "manager"):
            return Work(self.special.draw(chance))
        work = Work(self.run.draw(chance), int(self.failure_rate > 0 and chance.random() < self.failure_rate))
        return _own(work, run.environment) if run.environment else work


def _own(work: Work, environment: tuple[tuple[str, str], ...]) -> Work:
    seconds, exit_code = work
    for name, value in environment:
        try:
            if name == SECONDS_SETTING:
                wanted = float(value)
                seconds = wanted if 0 <= wanted <= _MAX_SECONDS else seconds
            elif name == EXIT_CODE_SETTING:
                exit_code = int(value) & 0xFF
        except ValueError:
            continue  # it is the task's own variable then, and says nothing here
    return Work(seconds, exit_code)


def parse_behaviour(value: Any) -> Behaviour:
    """A behaviour out of parsed JSON.

    ``{"bootSeconds", "taskSeconds", "specialTaskSeconds", "failureRate"}``, where seconds are a number or one
    of ``{"uniform": [least, most]}``, ``{"exponential": mean}``, ``{"lognormal": [median, sigma]}``.

    :param value: the JSON object.
    :raises BehaviourError: naming the member.
    """
    known = ("bootSeconds", "taskSeconds", "specialTaskSeconds", "failureRate")
    if not isinstance(value, dict):
        raise BehaviourError("The behaviour must be a JSON object.")
    for name in value:
        if name not in known:
            raise BehaviourError(f"The behaviour has no member '{name}', only {', '.join(known)}.")
    usual = Behaviour()
    rate = value.get("failureRate", 0.0)
    if not _is_number(rate) or not 0 <= rate <= 1:
        raise BehaviourError("failureRate must be a number from 0 to 1.")
    return Behaviour(
        boot=_span(value["bootSeconds"], "bootSeconds") if "bootSeconds" in value else usual.boot,
        run=_span(value["taskSeconds"], "taskSeconds") if "taskSeconds" in value else usual.run,
        special=_span(value["specialTaskSeconds"], "specialTaskSeconds")
        if "specialTaskSeconds" in value
        else usual.special,
        failure_rate=float(rate),
    )


def load_behaviour(path: Path) -> Behaviour:
    """A behaviour of a JSON file.

    :raises BehaviourError: it cannot be read, or is not a description of a behaviour.
    """
    try:
        return parse_behaviour(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BehaviourError(f"The behaviour file {path} cannot be read: {error.strerror}.") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BehaviourError(f"The behaviour file {path} is not JSON: {error}.") from None
    except BehaviourError as error:
        raise BehaviourError(f"The behaviour file {path}: {error}") from None


_SPANS: Mapping[str, tuple[int, Callable[..., Span]]] = {
    "uniform": (2, Uniform),
    "exponential": (1, Exponential),
    "lognormal": (2, LogNormal),
}


def _span(value: Any, where: str) -> Span:
    if _is_number(value):
        return Constant(_seconds(value, where))
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in _SPANS:
        raise BehaviourError(f"{where} must be a number, or an object with one of {', '.join(_SPANS)}.")
    ((name, given),) = value.items()
    count, make = _SPANS[name]
    numbers = given if isinstance(given, list) else [given]
    if len(numbers) != count or not all(map(_is_number, numbers)):
        raise BehaviourError(f"{where}.{name} must have {count} numbers.")
    if name == "uniform" and numbers[0] > numbers[1]:
        raise BehaviourError(
            f"{where}.uniform must have the least first: {numbers[0]} is more than {numbers[1]}."
        )
    return make(*(_seconds(number, f"{where}.{name}") for number in numbers))


def _seconds(value: float, where: str) -> float:
    if not 0 <= value <= _MAX_SECONDS:
        raise BehaviourError(f"{where} must be from 0 to {_MAX_SECONDS:.0f}.")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
