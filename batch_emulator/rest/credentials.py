"""What a request must show to use the account."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from batch_emulator.rest.tokens import DATA_PLANE, Plane, check_token, decoded, issue_token

KeyName = Literal["Primary", "Secondary"]
KEY_BYTES = 64


class KeyStore(Protocol):
    """Keeps keys over a restart."""

    def save(self, primary_key: str, secondary_key: str) -> None:
        """Make the keys durable before returning.

        :raises OSError: when that fails.
        """
        ...


@dataclass
class Credentials:
    """Name and keys of the account. Both keys are valid at once; a regenerated one takes effect at once.

    :param primary_key: base64.
    :param secondary_key: base64.
    :param trusts_directories: whether tokens of a real directory are taken (``--oauth basic``).
    :param node_key: signs what tasks show to get tokens of their pool's identities.
    :param store: keeps regenerated keys; without one they last as long as the process.
    """

    account: str
    primary_key: str = field(repr=False)
    secondary_key: str = field(repr=False)
    trusts_directories: bool = False
    store: KeyStore | None = field(default=None, repr=False)
    node_key: bytes = field(default_factory=lambda: secrets.token_bytes(KEY_BYTES), repr=False)
    # Tokens of tasks outlive a regenerated account key, but not the process, as their tasks do not either.
    _task_key: bytes = field(default_factory=lambda: secrets.token_bytes(KEY_BYTES), repr=False)

    @property
    def keys(self) -> tuple[str, str]:
        return self.primary_key, self.secondary_key

    def regenerate(self, name: KeyName) -> None:
        """Replace a key by a new one.

        :raises OSError: when it cannot be stored; the old one is valid still.
        """
        text = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        primary, secondary = (text, self.secondary_key) if name == "Primary" else (self.primary_key, text)
        if self.store is not None:
            self.store.save(primary, secondary)
        self.primary_key, self.secondary_key = primary, secondary

    def task_token(self, job_id: str, now: datetime, lifetime: timedelta) -> str:
        """A token for ``AZ_BATCH_AUTHENTICATION_TOKEN``: good for all operations of one job.

        Source: Azure Batch REST reference, *AuthenticationTokenSettings* (api-versions before 2025-06-01).
        """
        return issue_token(self._task_key, DATA_PLANE, now, lifetime, job_id=job_id)

    def check_token(self, token: str, plane: Plane, now: datetime) -> str | None:
        """Check a bearer token.

        :returns: the job that it is limited to, if it is.
        :raises TokenRefusedError: saying why it gives no access.
        """
        keys = (*(decoded(key) for key in self.keys), self._task_key)
        return check_token(token, plane, keys, now, trusts_directories=self.trusts_directories)
