"""Azurite's queues as a process of their own, which can be killed while the blobs stay."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path

import psutil
from azure.storage.queue import QueueClient, QueueServiceClient

from demo.azurite.node import AZURITE_DIR, node_binary
from demo.processes.readiness import port_open
from demo.processes.supervisor import Component
from demo.stack import LocalStack
from demo.stack.accounts import StorageAccount
from demo.stack.eventgrid import eventgrid_component
from tests.e2e.waiting import wait_until

__all__ = ["QueueThatDies"]

QUEUES, EVENT_GRID = "azurite-queues", "event-grid-of-the-ledger"
_MOST_PEEKED = 32  # Azure Storage: *Peek Messages*
_SCRIPT = AZURITE_DIR / "node_modules" / "azurite" / "dist" / "src" / "queue" / "main.js"


class QueueThatDies:
    """A queue service and a local Event Grid that delivers to it.

    Parameters:
        stack: whose blobs are watched, and whose supervisor runs both.
        port: of the queue service.
    """

    def __init__(self, stack: LocalStack, port: int) -> None:
        self._stack = stack
        self._folder = stack.work_dir / QUEUES
        self.storage = replace(stack.storage, queue_port=port)

    def start(self, subscription: str, *options: str) -> None:
        """Start both.

        Parameters:
            subscription, options: of the local Event Grid.
        """
        supervisor = self._stack.supervisor
        supervisor.start(_queues(self.storage, self._folder))
        supervisor.wait_ready(QUEUES)
        log = supervisor.log_of(EVENT_GRID)
        data = self._stack.work_dir / EVENT_GRID
        grid = eventgrid_component(self.storage, [subscription], data, log, options)
        supervisor.start(replace(grid, name=EVENT_GRID))
        supervisor.wait_ready(EVENT_GRID)

    def left(self, queue: str) -> int:
        """How many messages are in a queue, hidden ones counted."""
        with QueueClient.from_connection_string(self.storage.connection_string, queue) as client:
            return int(client.get_queue_properties().approximate_message_count or 0)

    def in_hand(self, queue: str) -> int:
        """How many messages of a queue somebody has received and not deleted; 0 while many wait."""
        before = self.left(queue)
        with QueueClient.from_connection_string(self.storage.connection_string, queue) as client:
            waiting = len(client.peek_messages(max_messages=_MOST_PEEKED))
        # What comes or goes meanwhile is in one of the two counts only.
        there = min(before, self.left(queue))
        return max(0, there - waiting) if waiting < _MOST_PEEKED else 0

    def queues(self) -> set[str]:
        """The names of all queues."""
        with QueueServiceClient.from_connection_string(self.storage.connection_string) as client:
            return {found.name for found in client.list_queues()}

    def sent(self) -> int:
        """How many messages the local Event Grid says that it has sent."""
        lines = self._stack.supervisor.log_of(EVENT_GRID).read_text().splitlines()
        return sum(int(line.split()[-3]) for line in lines if line.endswith("message(s) sent"))

    def kill_and_restart(self) -> None:
        """`kill -9` the queue service, and start it again.

        Azurite writes what it has answered to disk some seconds later. A message in between would be lost, as
        in no queue of Azure; so the sender stands still until all that was sent is on disk. Readers go on:
        what they deleted lately comes again.
        """
        grid = psutil.Process(self._stack.supervisor.pid_of(EVENT_GRID))
        grid.suspend()
        try:
            mark = f"mark-{uuid.uuid4().hex[:8]}"
            with QueueClient.from_connection_string(self.storage.connection_string, mark) as client:
                client.create_queue()
            wait_until(self._stack, "all that was sent is on disk", lambda: self._is_on_disk(mark), 60)
            self._stack.kill(QUEUES)
        finally:
            grid.resume()
        self._stack.restart(QUEUES)

    def _is_on_disk(self, mark: str) -> bool:
        try:
            kept = json.loads((self._folder / "__azurite_db_queue__.json").read_text())
        except (OSError, ValueError):  # not written yet, or being written
            return False
        return mark in json.dumps(kept)


def _queues(storage: StorageAccount, folder: Path) -> Component:
    return Component(
        name=QUEUES,
        argv=(
            *(str(node_binary()), str(_SCRIPT), "--silent", "--skipApiVersionCheck", "--disableTelemetry"),
            *("--location", str(folder), "--queuePort", str(storage.queue_port)),
        ),
        env={},
        readiness=lambda: port_open(storage.queue_port),
    )
