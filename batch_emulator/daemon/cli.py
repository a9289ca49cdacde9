"""The sub-commands that deal with an emulator in the background."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

    from batch_emulator.daemon.record import RunRecord

__all__ = ["DEFAULT_DATA_DIR", "add_parsers"]

DEFAULT_DATA_DIR = Path("batch-emulator-data")
NOT_RUNNING = 3
_STATUSES = f"Exit status: 0 when it runs, {NOT_RUNNING} when not, 1 when it cannot be told."
_LOOK_SECONDS = 0.2


def add_parsers(
    commands: SubParsers, add_serve_options: Callable[[argparse.ArgumentParser], None], ready_line: str
) -> None:
    """Add `start`, `stop`, `reset`, `status` and `logs`.

    :param add_serve_options: adds what `serve` takes.
    :param ready_line: what `serve` prints last.
    """
    starting = commands.add_parser(
        "start",
        help="serve in the background",
        description="Serve in the background, with the options of `serve`; returns once requests are "
        "answered. Does nothing when an emulator serves the folder already.",
    )
    add_serve_options(starting)
    starting.set_defaults(run=_guarded(lambda arguments: _start(arguments, ready_line)))
    stopping = _add(commands, "stop", "end the emulator of a data folder; the account stays", _stop)
    stopping.add_argument(
        "--wait-seconds", type=float, default=60.0, metavar="SECONDS", help="at most (default %(default)g)"
    )
    _add(commands, "reset", "empty the account of a data folder, whether it is served or not", _reset)
    status = _add(
        commands, "status", "say whether the folder is served, and what there is", _status, _STATUSES
    )
    status.add_argument("--json", action="store_true", help="print one JSON object")
    logs = _add(commands, "logs", "print what the emulator in the background logged", _logs)
    logs.add_argument("--lines", type=int, default=100, metavar="N", help="the last N (default %(default)s)")
    logs.add_argument("--follow", action="store_true", help="go on printing until Ctrl-C")


def _add(
    commands: SubParsers, name: str, text: str, run: Callable[[argparse.Namespace], int], epilog: str = ""
) -> argparse.ArgumentParser:
    described = f"{text[0].upper()}{text[1:]}."
    parser = commands.add_parser(name, help=text, description=described, epilog=epilog)
    parser.add_argument(
        "--data-dir", type=Path, default=DEFAULT_DATA_DIR, metavar="DIR", help="default ./%(default)s"
    )
    parser.set_defaults(run=_guarded(run))
    return parser


def _guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def guarded(arguments: argparse.Namespace) -> int:
        from batch_emulator.daemon.control import DaemonError
        from batch_emulator.journal import DataDirError

        arguments.data_dir = arguments.data_dir.resolve()
        try:
            return run(arguments)
        except (DaemonError, DataDirError) as error:
            return _fail(str(error))

    return guarded


def _start(arguments: argparse.Namespace, ready_line: str) -> int:
    from batch_emulator.daemon import control, record

    running = record.find(arguments.data_dir)
    if running is not None:
        _say(f"The emulator runs already, as process {running.process_id}.", *_facts(running))
        return 0
    _say(*control.start(arguments.data_dir, arguments.options, ready_line))
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    from batch_emulator.daemon import control

    stopped = control.stop(arguments.data_dir, arguments.wait_seconds)
    if stopped is None:
        _say(f"No emulator runs on {arguments.data_dir}.")
    else:
        running, seconds = stopped
        _say(
            f"Stopped process {running.process_id} after {seconds:.1f} s. "
            f"The account stays in {arguments.data_dir}."
        )
    return 0


def _reset(arguments: argparse.Namespace) -> int:
    from batch_emulator.daemon import control, record
    from batch_emulator.journal.lock import DataDirLockedError, hold
    from batch_emulator.runtime.wiping import wipe

    running = record.find(arguments.data_dir)
    if running is not None:
        control.ask(running, "POST", "reset", {})
        _say(f"Emptied the account that process {running.process_id} serves.")
        return 0
    found = False
    if arguments.data_dir.is_dir():
        try:
            lock = hold(arguments.data_dir)
        except DataDirLockedError as error:
            return _fail(str(error))
        try:
            found = wipe(arguments.data_dir)
        finally:
            lock.release()
    what = "Emptied the account in" if found else "There is no account in"
    _say(f"{what} {arguments.data_dir}.")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from batch_emulator.daemon import control, record

    running = record.find(arguments.data_dir)
    if running is None:
        if arguments.json:
            _say(json.dumps({"running": False, "dataDir": str(arguments.data_dir)}))
        else:
            _say(f"No emulator runs on {arguments.data_dir}.")
        return NOT_RUNNING
    found = control.ask(running, "GET", "status")
    if arguments.json:
        _say(json.dumps({"running": True, **found}))
    else:
        _say(f"process-id: {running.process_id}", *_facts(running), *_counts(found))
    return 0


def _facts(running: RunRecord) -> list[str]:
    return [f"{name}: {value}" for name, value in running.facts.items()]


def _counts(found: dict[str, Any]) -> list[str]:
    lines = [f"pools: {found['pools']}"]
    for name in ("nodes", "jobs", "tasks"):
        numbers = ", ".join(f"{number} {state}" for state, number in found[name].items() if number)
        lines.append(f"{name}: {numbers or 'none'}")
    rules = found["faults"]["requests"] + found["faults"]["nodes"]
    struck = ", ".join(f"{rule['fault']} ({rule['struck']} of {rule['chances']})" for rule in rules)
    return [*lines, f"faults: {struck or 'none'}"]


def _logs(arguments: argparse.Namespace) -> int:
    from batch_emulator.daemon.record import LOG_NAME

    path = arguments.data_dir / LOG_NAME
    try:
        with path.open("r", encoding="utf-8", errors="replace") as log:
            sys.stdout.writelines(deque(log, max(0, arguments.lines)))
            sys.stdout.flush()
            while arguments.follow:
                if not (line := log.readline()):
                    time.sleep(_LOOK_SECONDS)
                    continue
                sys.stdout.write(line)
                sys.stdout.flush()
    except FileNotFoundError:
        return _fail(f"There is no log {path}: no emulator was started in the background there.")
    except (KeyboardInterrupt, BrokenPipeError):
        return 0
    return 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _fail(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1
