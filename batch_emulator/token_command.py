"""`batch-emulator token`: a bearer token for those who hold the account key."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from batch_emulator.option_types import account_key

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add_parser"]

_PLANES = ("batch", "management")


def add_parser(subparsers: SubParsers, key_of: Callable[[argparse.Namespace], str]) -> None:
    """Add the sub-command.

    :param key_of: the account key that arguments name, base64.
    """
    parser = subparsers.add_parser(
        "token",
        help="print a bearer token for the account",
        description="Print a bearer token that an emulator with this account key takes.",
    )
    add = parser.add_argument
    add(
        "--key", type=account_key, metavar="BASE64", help="an account key; default: the development account's"
    )
    add("--key-env", metavar="VAR", help="environment variable that holds the key")
    add("--audience", choices=_PLANES, default="batch", help="what it is for (default %(default)s)")
    add("--lifetime", type=int, default=3600, metavar="SECONDS", help="default %(default)s")
    parser.set_defaults(run=lambda arguments: _run(arguments, key_of))


def _run(arguments: argparse.Namespace, key_of: Callable[[argparse.Namespace], str]) -> int:
    from batch_emulator.rest.tokens import DATA_PLANE, MANAGEMENT_PLANE, decoded, issue_token

    plane = DATA_PLANE if arguments.audience == "batch" else MANAGEMENT_PLANE
    lifetime = timedelta(seconds=arguments.lifetime)
    token = issue_token(decoded(key_of(arguments)), plane, datetime.now(timezone.utc), lifetime)
    sys.stdout.write(f"{token}\n")
    return 0
