"""Secrets that Airflow masks in logs: told apart in a text, and handed from a worker to the triggerer.

A triggerer knows the secrets that it has read itself, and none of those that the worker has put into what it
submitted. Airflow stores the arguments of a task's trigger as they are, and up to 3.2 shows them by its API:
what is secret in them is encrypted here, by the key with which Airflow encrypts connections.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from airflow_batch_provider.airflow_exceptions import AirflowException

NOT_SHOWN = (
    "What the tasks write is not shown here: secrets that they were given could be in it, and the triggerer "
    "does not know them.\n"
    "Likely cause: worker and triggerer have no Fernet key in common, by which they are handed over.\n"
    "Next step: give both the same [core] fernet_key, or set deferrable=False."
)


def masked(text: str) -> str:
    """A text as Airflow's logs show it."""
    from airflow.sdk._shared.secrets_masker import redact

    return str(redact(text))


def seal(*given: Any) -> str | None:
    """What Airflow masks of that which tasks are given, encrypted for the trigger that says their output.

    Parameters:
        given: texts, and records, mappings and lists with texts in them.

    Returns:
        An argument for the trigger: empty when nothing is secret, None when what is cannot be encrypted.
    """
    secrets = _secrets_in("\n".join(texts_in(given)))
    if not secrets:
        return ""
    fernet = _fernet()
    return fernet.encrypt(json.dumps(secrets).encode()).decode() if fernet is not None else None


async def unseal(sealed: str | None, log: Any) -> bool:
    """Make secrets known to the log masker of a triggerer.

    Parameters:
        sealed: as :func:`seal` gave it.
        log: is told if they cannot be known.

    Returns:
        Whether they are known, so that the tasks' output may be said.
    """
    if sealed == "":
        return True
    secrets = _opened(sealed)
    if secrets is None:
        log.warning(NOT_SHOWN)
        return False
    await mask_in_loop(secrets)
    return True


async def mask_in_loop(secrets: Sequence[str]) -> None:
    """Tell the log masker secrets, without blocking the event loop."""
    from airflow.sdk import log

    told: list[Any] = list(secrets)
    if hasattr(log, "amask_secret"):  # from Airflow 3.3 on
        await log.amask_secret(told)
        return
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import MaskSecret

    log.mask_secret(told)
    # In an event loop that reaches this process alone, and it is another that writes the log.
    if (comms := getattr(task_runner, "SUPERVISOR_COMMS", None)) is not None:
        await comms.asend(MaskSecret(value=told))


def texts_in(value: Any) -> Iterator[str]:
    """All texts in records, mappings and lists, each object once."""
    waiting, seen = [iter((value,))], set()
    while waiting:
        for item in waiting[-1]:
            if isinstance(item, str):
                yield item
            elif (parts := _parts(item)) and id(item) not in seen:
                seen.add(id(item))
                waiting.append(iter(parts))
                break
        else:
            waiting.pop()


def _parts(item: Any) -> Collection[Any]:
    """What an object is made of; arguments of functions may be lists of millions of numbers."""
    if isinstance(item, (int, float, bytes)):
        return ()
    if isinstance(item, Mapping):
        return [*item.keys(), *item.values()]
    if isinstance(item, (list, tuple, set, frozenset)):
        return item
    return () if callable(item) else getattr(item, "__dict__", {}).values()


def _secrets_in(text: str) -> list[str]:
    from airflow.sdk._shared.secrets_masker import _secrets_masker

    # Each by itself: one may be within another.
    found = (re.search(pattern, text) for pattern in _secrets_masker().patterns)
    return sorted(match[0] for match in found if match)


def _opened(sealed: str | None) -> list[str] | None:
    from cryptography.fernet import InvalidToken

    fernet = _fernet()
    if sealed is None or fernet is None:
        return None
    try:
        secrets: list[str] = json.loads(fernet.decrypt(sealed.encode()))
    except InvalidToken:
        return None
    return secrets


def _fernet() -> Any:
    """What encrypts with Airflow's key; None without such a key."""
    try:
        from airflow.sdk.crypto import get_fernet
    except ImportError:  # up to Airflow 3.1
        from airflow.models.crypto import get_fernet
    try:
        fernet = get_fernet()
    except AirflowException:  # the key is none
        return None
    return fernet if fernet.is_encrypted else None
