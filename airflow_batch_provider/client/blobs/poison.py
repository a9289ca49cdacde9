"""Messages that are of no use, set aside in a queue of their own with the reason, and put back from there."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.spec.storage_names import POISON_SUFFIX

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

log = logging.getLogger(__name__)

MESSAGE_BYTES = 64 * 1024  # Azure Storage: *Put Message*


async def set_aside(
    open_client: Callable[[str], QueueClient], queue: str, client: QueueClient, message: Any, reason: str
) -> bool:
    """Put a message into the poison queue, with the reason.

    One that cannot be put there now stays and is tried again when it is delivered again; it must not keep
    the messages behind it from being read.

    :param open_client: gives a client for a queue's name.
    :param queue: name of the queue that the message is in.
    :param message: as it was received from the client.
    :returns: whether it is set aside, so that it can be deleted where it was.
    """
    from azure.core.exceptions import AzureError

    aside = queue + POISON_SUFFIX
    try:
        await _send(open_client, aside, _note(queue, message, reason))
    except AzureError as error:
        log.warning(
            "Message %s of queue %r is of no use (%s), and cannot be put into %r (%s). It stays and is "
            "tried again. Create that queue, or give the connection the right to create it and to send.",
            message.id,
            queue,
            reason,
            aside,
            type(error).__name__,
        )
        return False
    log.error(
        "Message %s of queue %r was set aside in %r: %s. "
        "Look at it there; put it back once the cause is gone.",
        message.id,
        queue,
        aside,
        reason,
    )
    return True


async def _send(open_client: Callable[[str], QueueClient], name: str, text: str) -> None:
    from azure.core.exceptions import ResourceNotFoundError

    async with open_client(name) as client:
        try:
            await client.send_message(text)
        except ResourceNotFoundError:  # not created beforehand: that takes a right that sending does not
            await client.create_queue()
            await client.send_message(text)


def _note(queue: str, message: Any, reason: str) -> str:
    note = {
        "reason": reason,
        "queue": queue,
        "messageId": message.id,
        "dequeueCount": message.dequeue_count,
    }
    return poison_message(note, message.content or "")


def poison_message(note: dict[str, Any], content: str) -> str:
    """A note on a message and as much of its text as one message holds: escapes and base64 make it longer."""
    kept = len(content)
    while True:
        text = base64.b64encode(json.dumps({**note, "text": content[:kept]}).encode()).decode()
        if len(text) <= MESSAGE_BYTES or not kept:
            return text
        kept //= 2
