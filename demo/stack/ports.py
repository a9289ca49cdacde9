"""Ports of the stack: the usual ones if they are free, others if not."""

from __future__ import annotations

import errno
import random
import socket
from dataclasses import dataclass, field

__all__ = ["PortPicker", "free_port"]

# Below the range from which systems take ports for outgoing connections, so none is taken from under us.
_RANGE = (20000, 32000)
_TRIES = 200


def _is_free(port: int) -> bool:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, ""), (socket.AF_INET6, "::")):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            # A machine without IPv6 refuses for another reason than the port.
            if family == socket.AF_INET or error.errno == errno.EADDRINUSE:
                return False
    return True


def free_port(avoid: frozenset[int] = frozenset()) -> int:
    """A port nobody listens on, by chance, on loopback and on all addresses.

    Raises:
        RuntimeError: none was found.
    """
    for _ in range(_TRIES):
        port = random.randint(*_RANGE)
        if port not in avoid and _is_free(port):
            return port
    raise RuntimeError(
        f"No free port was found in {_TRIES} tries. Nearly all are in use; close some programs."
    )


@dataclass
class PortPicker:
    """Gives every purpose its port, and tells of those that were in use.

    Parameters:
        use_preferred: take the usual ports where they are free; else any free ones (for tests, of which
            several may run at once).
    """

    use_preferred: bool = True
    taken: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def take(self, purpose: str, preferred: int) -> int:
        """The port for a purpose: `preferred`, or another if that is in use.

        Parameters:
            purpose: as users know it, e.g. `Airflow`.
            preferred: the usual port.
        """
        avoid = frozenset(self.taken.values())
        if self.use_preferred and preferred not in avoid and _is_free(preferred):
            port = preferred
        else:
            port = free_port(avoid)
            if self.use_preferred:
                self.notes.append(f"Port {preferred} ({purpose}) is in use; {port} is taken instead.")
        self.taken[purpose] = port
        return port
