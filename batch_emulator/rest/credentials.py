"""What a request must show to use the account."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from batch_emulator.rest.tokens import Plane, check_token, decoded

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
    :param node_key: signs what tasks show to get tokens of their pool's identities, and their own tokens.
        Neither outlives the process, as the tasks do not either; both outlive a regenerated account key.
    :param store: keeps regenerated keys; without one they last as long as the process.
    """

    account: str
    primary_key: str = field(repr=False)
    secondary_key: str = field(repr=False)
    trusts_directories: bool = False
    store: KeyStore | None = field(default=None, repr=False)
    node_key: bytes = field(default_factory=lambda: secrets.token_bytes(KEY_BYTES), repr=False)

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

    def check_token(self, token: str, plane: Plane, now: datetime) -> str | None:
        """Check a bearer token.

        :returns: the job that it is limited to, if it is.
        :raises TokenRefusedError: saying why it gives no access.
        """
        keys = (*(decoded(key) for key in self.keys), self.node_key)
        return check_token(token, plane, keys, now, trusts_directories=self.trusts_directories)
