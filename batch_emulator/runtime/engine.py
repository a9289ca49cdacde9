"""Between the rules and the world: commands and events in, changes to the journal, effects to the nodes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol, TypeVar

from batch_emulator.journal import Journal
from batch_emulator.runtime.alarm import Alarm
from batch_emulator.service.effects import Effect, WakeAt
from batch_emulator.service.events import Event, TimeReached

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService

__all__ = ["Engine", "Outside", "utcnow"]

_log = logging.getLogger(__name__)
T = TypeVar("T")


def utcnow() -> datetime:
    """The real time, aware UTC."""
    return datetime.now(timezone.utc)


class Outside(Protocol):
    """What carries out effects, all but waking."""

    def carry_out(self, effect: Effect) -> None:
        """Begin to carry out an effect. Returns at once."""
        ...


class Engine:
    """Runs the rules of one account, one step at a time.

    Each command or batch of events is one step: it is applied, its changes go into the journal, and when they
    are durable its effects are carried out, in the order of the steps. A command is answered after that.

    :param clock: the present time, aware UTC.
    """

    def __init__(self, service: BatchService, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._service = service
        self._journal = journal
        self._clock = clock
        self._outside: Outside | None = None
        self._alarm = Alarm(clock, lambda: self.post(TimeReached()))
        self._events: list[Event] = []
        self._in_flight: asyncio.Future[None] | None = None
        self._stopped = False
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connect(self, outside: Outside) -> None:
        """Say what carries out effects. Needed before :meth:`recover`."""
        self._outside = outside

    async def recover(self) -> None:
        """Take up the work after a restart: runs that were going on are lost, what was due is done."""
        self._service.recover(self._clock())
        self._commit()
        await self._durable()

    async def execute(self, command: Callable[[BatchService, datetime], T]) -> T:
        """Run a command atomically and make its changes durable before returning its result.

        :raises BatchError: the service refuses; nothing is changed.
        :raises JournalError: the changes could not be stored.
        """
        try:
            result = command(self._service, self._clock())
            self._commit()
        finally:
            await self._durable()
        return result

    async def read(self, query: Callable[[BatchService, datetime], T]) -> T:
        """The answer to a query, once all that it can have seen is durable.

        :raises BatchError: what is asked for does not exist.
        :raises JournalError: the state cannot be stored.
        """
        try:
            return query(self._service, self._clock())
        finally:
            await self._durable()

    def post(self, event: Event) -> None:
        """Tell the service what happened outside.

        Events of one turn of the loop make one step, and so do those that come while an earlier step is being
        stored: the busier the emulator, the more of them share the cost of a step.
        """
        if self._stopped:
            return
        if not self._events:
            if self._in_flight is None:
                asyncio.get_running_loop().call_soon(self._handle_events)
            else:
                self._in_flight.add_done_callback(self._handle_events)
        self._events.append(event)

    def clock_moved(self) -> None:
        """Look at the clock now, for a clock that does not move by itself."""
        self._alarm.look()

    def next_due(self) -> datetime | None:
        """When the service wants to be woken next."""
        return self._alarm.next_due()

    async def rest(self) -> None:
        """Wait until all events so far are taken and what follows is durable and begun.

        :raises JournalError: the state cannot be stored.
        """
        while self._events or self._in_flight is not None:
            await self._durable()
            await asyncio.sleep(0)

    def fail(self, error: BaseException) -> None:
        """Something happened after which the process cannot go on. The state on disk is whole."""
        if not self.failed.done():
            self.failed.set_exception(error)
            self.failed.exception()  # seen: whoever runs the process may be past looking

    async def stop(self) -> None:
        """Take no more events; wait until the journal has everything, and close it."""
        self._stopped = True
        self._alarm.cancel()
        if self._in_flight is not None:
            await asyncio.gather(self._in_flight, return_exceptions=True)
        self._journal.close()

    def _handle_events(self, _: object = None) -> None:
        events, self._events = self._events, []
        if self._stopped:
            return
        now = self._clock()
        try:
            for event in events:
                self._service.handle(event, now)
            self._commit()
        except Exception as error:
            # An event that is dropped would leave a task hanging for ever. After a restart it is lost news
            # of a lost run, which the rules know how to treat.
            _log.exception("the service could not take an event")
            self.fail(error)

    async def _durable(self) -> None:
        if self._in_flight is not None:
            # Shielded: a client that hangs up must not stop what it has asked for half way.
            await asyncio.shield(self._in_flight)

    def _commit(self) -> None:
        try:
            step = self._service.settle(self._clock())
        except Exception as error:
            # The rules have a bug, and the account in memory can no longer be trusted. The one on disk can.
            self.fail(error)
            raise
        if step.changed or step.effects:
            stored = self._journal.submit(step.changes)
            # Callbacks run in the order of the steps, and before anything that awaits the same future.
            stored.add_done_callback(lambda done: self._carry_out(done, step.effects))
            self._in_flight = stored

    def _carry_out(self, stored: asyncio.Future[None], effects: list[Effect]) -> None:
        if stored is self._in_flight:
            self._in_flight = None
        error = stored.exception()
        if error is not None:
            self.fail(error)
            return
        if self._stopped:
            return
        assert self._outside is not None
        try:
            for effect in effects:
                if isinstance(effect, WakeAt):
                    self._alarm.set(effect.at)
                else:
                    self._outside.carry_out(effect)
        except Exception as failure:
            _log.exception("an effect could not be carried out")
            self.fail(failure)
