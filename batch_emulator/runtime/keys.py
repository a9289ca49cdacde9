"""Account keys that were regenerated: they hold over a restart."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["KeyFile", "KeyFileError"]

_NAME = "keys.json"


class KeyFileError(RuntimeError):
    """The file of keys is damaged."""


@dataclass(frozen=True)
class KeyFile:
    """The file in the data folder. It is only there once a key was regenerated.

    It stands for the keys that the emulator was started with then: a start with other keys is a new decision
    of whoever starts it, and wins.

    :param data_dir: an existing folder.
    :param given: the keys that the emulator is started with, base64.
    """

    data_dir: Path
    given: tuple[str, str] = field(repr=False)

    def load(self) -> tuple[str, str]:
        """The primary and the secondary key that are valid.

        :raises KeyFileError: when the file cannot be read.
        """
        try:
            stored = json.loads(self._path.read_bytes())
            if stored["given"] != self._fingerprint():
                return self.given
            return str(stored["primary"]), str(stored["secondary"])
        except FileNotFoundError:
            return self.given
        except (OSError, ValueError, KeyError, TypeError):
            raise KeyFileError(
                f"The file {self._path}, which holds the regenerated keys of the account, cannot be read. "
                "It may have been edited or damaged. Remove it to go on with the keys of the command line."
            ) from None

    def save(self, primary_key: str, secondary_key: str) -> None:
        """Make keys durable.

        :raises OSError: when that fails; what was stored before is there still.
        """
        content = {"given": self._fingerprint(), "primary": primary_key, "secondary": secondary_key}
        part = self._path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        folder = os.open(self.data_dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @property
    def _path(self) -> Path:
        return self.data_dir / _NAME

    def _fingerprint(self) -> str:
        return hashlib.sha256("\n".join(self.given).encode()).hexdigest()
