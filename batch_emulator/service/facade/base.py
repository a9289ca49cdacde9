"""What the commands of every entity stand on: the state, at a time."""

from __future__ import annotations

from datetime import datetime

from batch_emulator.service.state import State


class Commands:
    """Commands and questions on a state; the parts of ``BatchService`` derive from it."""

    _state: State

    def _at(self, now: datetime) -> State:
        self._state.now = now
        return self._state
