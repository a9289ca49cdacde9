"""`batch-emulator events`: run the local Event Grid in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from batch_emulator.events.disturbance import Disturbance
from batch_emulator.events.ledger import Ledger
from batch_emulator.events.storage import StorageAccount, StorageUnreachableError
from batch_emulator.events.subscription import SubscriptionError, parse_subscription, told_apart
from batch_emulator.events.watcher import Watcher

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["DEFAULT_TOPIC", "READY_LINE", "add_parser", "main", "run"]

# Resource ids need a subscription and a resource group; a local account is in neither.
DEFAULT_TOPIC = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local"
    "/providers/Microsoft.Storage/storageAccounts/{account}"
)
READY_LINE = "Local Event Grid is ready"
_FIRST_ANSWER_PAUSE_SECONDS = 0.25


def add_parser(subparsers: SubParsers) -> argparse.ArgumentParser:
    """Add the sub-command `events` to a command line; `run` executes what it parsed."""
    parser = subparsers.add_parser(
        "events",
        help="local Event Grid: blob created/deleted -> message in a storage queue",
        description="Watch containers of a storage account (Azurite or any other) and put one Event Grid "
        "message per created, overwritten or deleted blob into a storage queue.",
    )
    _add_arguments(parser)
    parser.set_defaults(run=run)
    return parser


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--storage-connection-string-env",
        metavar="NAME",
        help="environment variable that holds the connection string (keeps the key out of process lists)",
    )
    source.add_argument("--storage-connection-string", metavar="TEXT", help="the connection string itself")
    parser.add_argument(
        "--subscribe",
        action="append",
        required=True,
        metavar="container=NAME,queue=NAME[,schema=cloudevents][,prefix=][,suffix=][,events=][,case=]",
        help="an event subscription; may be given several times",
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="where what was announced is remembered")
    parser.add_argument("--poll-seconds", type=float, default=0.3, help="pause between looks (default 0.3)")
    parser.add_argument(
        "--skip-existing", action="store_true", help="announce no blob that a first look finds"
    )
    parser.add_argument("--topic", help="resource id of the account as events name it")
    parser.add_argument(
        "--wait-seconds",
        type=float,
        default=60.0,
        help="how long storage is waited for at start (default 60)",
    )
    parser.add_argument(
        "--duplicate-rate", type=float, default=0.0, help="share of messages sent twice, 0..1"
    )
    parser.add_argument("--disorder-rate", type=float, default=0.0, help="share of messages held back, 0..1")
    parser.add_argument("--seed", type=int, default=0, help="seed of duplicates and disorder")


def _connection_string(args: argparse.Namespace) -> str:
    if args.storage_connection_string:
        return str(args.storage_connection_string)
    value = os.environ.get(args.storage_connection_string_env, "")
    if not value:
        raise ValueError(
            f"The environment variable {args.storage_connection_string_env} is not set. "
            "It should hold the storage account's connection string. Export it and start again."
        )
    return value


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit status: 0 stopped, 1 no storage, 2 wrong arguments."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("azure", "aiohttp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        return asyncio.run(_serve(args))
    except StorageUnreachableError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (SubscriptionError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _serve(args: argparse.Namespace) -> int:
    subscriptions = told_apart(map(parse_subscription, args.subscribe))
    disturbance = Disturbance(args.duplicate_rate, args.disorder_rate, args.seed)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with Ledger(args.data_dir / "events.db") as ledger:
        async with StorageAccount(_connection_string(args)) as storage:
            queues = sorted({item.queue for item in subscriptions})
            if not await _wait_for_storage(storage, queues, args.wait_seconds, stop):
                return 0
            topic = args.topic or DEFAULT_TOPIC.format(account=storage.name)
            watcher = Watcher(
                storage,
                subscriptions,
                ledger,
                topic=topic,
                disturbance=disturbance,
                announce_existing=not args.skip_existing,
            )
            _say(f"{READY_LINE}: {storage.address}, {', '.join(item.key for item in subscriptions)}")
            await watcher.run(args.poll_seconds, stop)
    return 0


async def _wait_for_storage(
    storage: StorageAccount, queues: Sequence[str], wait_seconds: float, stop: asyncio.Event
) -> bool:
    """Make the queues as soon as storage answers. Returns False if told to stop meanwhile."""
    deadline = asyncio.get_running_loop().time() + wait_seconds
    told = False
    while not stop.is_set():
        try:
            for queue in queues:
                await storage.ensure_queue(queue)
        except StorageUnreachableError as error:
            if asyncio.get_running_loop().time() >= deadline:
                raise StorageUnreachableError(
                    f"Storage did not answer within {wait_seconds:g} s: {error}. It is not running, or the "
                    "connection string names another address or key. Start it, check the string, try again."
                ) from None
            if not told:
                _say(f"Waiting for storage at {storage.address} (at most {wait_seconds:g} s)")
                told = True
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stop.wait(), _FIRST_ANSWER_PAUSE_SECONDS)
        else:
            return True
    return False


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m batch_emulator.events`: the same without the sub-command's name."""
    parser = argparse.ArgumentParser(prog="python -m batch_emulator.events")
    _add_arguments(parser)
    return run(parser.parse_args(argv))
