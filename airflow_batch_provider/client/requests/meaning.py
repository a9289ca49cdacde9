"""What a code of Azure Batch means to a user: in words, and which layer its cause is in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.explain import Explanation


class Layer(str, Enum):
    """Where a cause lies. A ``str``, so that a retry policy can compare plain words."""

    SUBMIT = "submit"
    """What was asked for was refused, or can never run."""
    QUOTA = "quota"
    """A limit of the account is reached."""
    CAPACITY = "capacity"
    """Azure has no machines of this size for now."""
    NODE_START = "node_start"
    """A node, its start task, its packages or the job's preparation."""
    IMAGE_PULL = "image_pull"
    """A container image, or the container made of it."""
    RESOURCE_FILE = "resource_file"
    """An input could not be had."""
    COMMAND = "command"
    """The user's program ended with an error, or could not be started."""
    UPLOAD = "upload"
    """An output could not be kept."""
    PREEMPTION = "preemption"
    """The nodes were taken back or lost again and again."""
    WALL_CLOCK = "wall_clock"
    """A limit of time was reached."""
    PLATFORM = "platform"
    """The service, a node's disk, or someone who ended the job."""


LayerName: TypeAlias = Literal[
    "submit",
    "quota",
    "capacity",
    "node_start",
    "image_pull",
    "resource_file",
    "command",
    "upload",
    "preemption",
    "wall_clock",
    "platform",
]
"""The words of :class:`Layer`, as an author writes them."""

LAYERS = tuple(layer.value for layer in Layer)


def check_layers(layers: Iterable[str], name: str, where: str) -> tuple[str, ...]:
    """Check words of layers that an author wrote.

    Parameters:
        layers: the words.
        name: of the argument.
        where: what it is an argument of.

    Raises:
        SpecError: one text instead of a list, or a word that is no layer.
    """
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        shown = layers if isinstance(layers, str) else "command"
        raise SpecError(f"{name} is {layers!r}", where=where, right=f"Give a list: [{shown!r}].")
    words = list(layers)
    for word in words:
        if word not in LAYERS:
            right = nearest(str(word), LAYERS) or f"The layers are {', '.join(LAYERS)}."
            raise SpecError(f"{name} has {word!r}", where=where, right=right)
    return tuple(words)


@dataclass(frozen=True)
class Meaning:
    """What a code means.

    Parameters:
        layer: where the cause lies.
        happened: the fact, as the end of a sentence about a task, a pool or a request.
        cause: the likeliest reason.
        next_step: what to do.
        final: whether doing the same again must end the same.
    """

    layer: Layer
    happened: str
    cause: str
    next_step: str
    final: bool = False

    def explanation(self, subject: str) -> Explanation:
        """The meaning as a message about something, such as ``task encode-0003``."""
        return Explanation(f"{subject}: {self.happened}.", self.cause, self.next_step)
