"""Values of the command line: taken, or refused with words."""

from __future__ import annotations

import argparse
import base64
import binascii
import math
import re
import shlex
from typing import NoReturn

__all__ = [
    "OneLineParser",
    "account_key",
    "account_name",
    "core_quota",
    "port",
    "seconds",
    "series_quota",
    "words",
]

_MAX_PORT = 65535
_MAX_SECONDS = 365.0 * 24 * 3600
# Azure's own keys have 64; 128 bits are the least that nobody guesses.
_LEAST_KEY_BYTES = 16
# Azure: *Naming rules and restrictions for Azure resources*, Microsoft.Batch/batchAccounts.
_ACCOUNT_NAME = re.compile("[a-z0-9]{3,24}")
_HOW_TO_MAKE_A_KEY = "Give a base64 text, e.g. what `openssl rand -base64 64` prints."


class OneLineParser(argparse.ArgumentParser):
    """Says in one line what is wrong; the usage, which is long, is in the help."""

    def error(self, message: str) -> NoReturn:
        """End with status 2.

        :param message: what is wrong, and what would be right.
        """
        self.exit(2, f"{self.prog}: {message.rstrip('.')}. See {self.prog} --help.\n")


def port(text: str) -> int:
    """A port, or 0 for any free one.

    :raises argparse.ArgumentTypeError: it is none.
    """
    if not _is_whole(text) or int(text) > _MAX_PORT:
        raise argparse.ArgumentTypeError(f"'{text}' is no port: give 1 to {_MAX_PORT}, or 0 for a free one.")
    return int(text)


def core_quota(text: str) -> int:
    """A number of cores.

    :raises argparse.ArgumentTypeError: it is none.
    """
    if not _is_whole(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of cores: give a whole number, 0 or more.")
    return int(text)


def series_quota(text: str) -> tuple[str, int]:
    """A series of VM sizes and its number of cores.

    :raises argparse.ArgumentTypeError: the number is missing or none.
    """
    series, _, cores = text.partition("=")
    if not series or not _is_whole(cores):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no quota of a series of VM sizes: the number of cores is missing or no number. "
            "Give it as --series-core-quota standardDSv3Family=8."
        )
    return series, int(cores)


def seconds(text: str) -> float:
    """A span of time in seconds, up to a year.

    :raises argparse.ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds from 0 to {_MAX_SECONDS:.0f}.")
    return value


def account_name(text: str) -> str:
    """A name that Azure would give a Batch account.

    :raises argparse.ArgumentTypeError: it would not.
    """
    if not _ACCOUNT_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no name of a Batch account: give 3 to 24 lower-case letters and digits."
        )
    return text


def account_key(text: str) -> str:
    """An account key. What is refused is not repeated: it may be a secret.

    :raises argparse.ArgumentTypeError: it is empty, not base64, or short.
    """
    if not text:
        raise argparse.ArgumentTypeError(
            "The account key is empty; perhaps a variable of the shell is not set. "
            "Give a key, or leave the option out to take the public key of the development account."
        )
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise argparse.ArgumentTypeError(
            "The account key is not base64, and clients need it to be: they decode it before they sign. "
            + _HOW_TO_MAKE_A_KEY
        ) from None
    if len(key) < _LEAST_KEY_BYTES:
        raise argparse.ArgumentTypeError(
            f"The account key is too short: it has {len(key)} bytes, and needs {_LEAST_KEY_BYTES}. "
            + _HOW_TO_MAKE_A_KEY
        )
    return text


def words(text: str) -> tuple[str, ...]:
    """Words, split as a shell does.

    :raises argparse.ArgumentTypeError: a quotation is not closed.
    """
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"cannot be split into words: {error}") from None


def _is_whole(text: str) -> bool:
    # Of a bounded length: Python refuses to convert thousands of digits.
    return re.fullmatch("[0-9]{1,9}", text) is not None
