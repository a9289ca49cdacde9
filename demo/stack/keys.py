"""Keys of one local stack: made at its first start, kept in its folder."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["StackKeys", "load_keys"]


@dataclass(frozen=True)
class StackKeys:
    """Secrets that several processes share.

    Parameters:
        batch: base64 shared key of the Batch account.
        fernet: encrypts connections in Airflow's database.
        api: signs Airflow's sessions.
        jwt: signs the tokens that tasks show to Airflow's execution API.
    """

    batch: str = field(repr=False)
    fernet: str = field(repr=False)
    api: str = field(repr=False)
    jwt: str = field(repr=False)


def _new() -> StackKeys:
    return StackKeys(
        batch=base64.b64encode(secrets.token_bytes(64)).decode(),
        fernet=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        api=secrets.token_urlsafe(48),
        jwt=secrets.token_urlsafe(64),
    )


def load_keys(work_dir: Path) -> StackKeys:
    """The keys of a stack, made if this is its first start. Their file is readable by its owner only."""
    path = work_dir / "keys.json"
    if path.exists():
        return StackKeys(**json.loads(path.read_text()))
    keys = _new()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(keys), file)
    return keys
