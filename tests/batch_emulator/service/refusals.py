"""What the service says when it refuses."""

from __future__ import annotations

import pytest

from batch_emulator.service import BatchError
from tests.batch_emulator.service.world import World


def refusal(world: World, command: str, *args: object, **options: object) -> tuple[str, int]:
    """Code and status of a command's refusal."""
    with pytest.raises(BatchError) as caught:
        world.do(command, *args, **options)
    return caught.value.code, caught.value.status
