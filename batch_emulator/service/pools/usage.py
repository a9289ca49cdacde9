"""How long the machines of pools were there, and the core hours that come of it.

What is over is kept as :class:`Usage`, also of pools that are gone; what goes on is read from the pools.

Source: *Pool - List Usage Metrics*, *BatchPoolUsageStatistics*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from batch_emulator.service.entities import Node, Pool, Usage
from batch_emulator.service.error_kinds import out_of_range_query
from batch_emulator.service.pools.pool_assumptions import USAGE_INTERVAL, USAGE_KEPT_FOR
from batch_emulator.service.pools.vm_sizes import vm_size
from batch_emulator.service.state import State
from batch_emulator.service.times import format_time

# Documented: a given start must be at least so long ago, and a given end.
_START_DELAY, _END_DELAY = timedelta(hours=2, minutes=30), timedelta(hours=2)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_HOUR = timedelta(hours=1)


class PoolUsage(NamedTuple):
    """What a pool used in one interval."""

    pool_id: str
    vm_size: str
    start: datetime
    end: datetime
    core_hours: float

    @property
    def key(self) -> str:
        """Its place in the list: by interval, pool and size."""
        return f"{format_time(self.start)}/{self.pool_id}/{self.vm_size}"


def cores_of(pool: Pool) -> int:
    """Cores of each machine of a pool."""
    size = vm_size(pool.spec["vmSize"])
    return size.cores if size else 1


def machine_came(state: State, node: Node) -> None:
    """A node has a machine from now on."""
    if node.machine_since is None:
        node.machine_since = state.now
        state.changed(node)


def machine_went(state: State, pool: Pool, node: Node) -> None:
    """A node has no machine from now on."""
    if node.machine_since is not None:
        _keep(state, _of_node(pool, node, node.machine_since, state.now))
        node.machine_since = None
        state.changed(node)
        state.machines_came_free()


def pool_gone(state: State, pool: Pool) -> None:
    """A pool is no more; its usage is still told."""
    _keep(state, _of_pool(pool, state.now))


def _of_node(pool: Pool, node: Node, start: datetime, end: datetime) -> Usage:
    return Usage(pool.id, pool.spec["vmSize"], start, end, node.id, cores_of(pool), node.is_dedicated)


def _of_pool(pool: Pool, end: datetime) -> Usage:
    return Usage(pool.id, pool.spec["vmSize"], pool.creation_time, end)


def _keep(state: State, usage: Usage) -> None:
    if usage.start_time < usage.end_time:
        state.usage.append(usage)
        state.changed(usage)
    while state.usage and state.usage[0].end_time < state.now - USAGE_KEPT_FOR:
        state.removed(state.usage.popleft())


def _all(state: State) -> Iterator[Usage]:
    """What is over and what goes on. A pool itself has no cores, but is told if it was idle."""
    yield from state.usage
    for room in state.pools.values():
        yield _of_pool(room.pool, state.now)
        for node in room.nodes.values():
            if node.machine_since is not None:
                yield _of_node(room.pool, node, node.machine_since, state.now)


def metrics(state: State, start: datetime | None, end: datetime | None) -> Iterator[PoolUsage]:
    """Core hours by interval and pool, in the order of their keys.

    :param start: the earliest time; ``None`` is the start of the last interval that is available.
    :param end: the latest time; ``None`` is the end of that interval.
    :raises BatchError: ``OutOfRangeQueryParameterValue`` for a time too late, or an end before the start.
    """
    last_end = _floor(state.now - _END_DELAY)
    for name, time, delay in (("startTime", start, _START_DELAY), ("endtime", end, _END_DELAY)):
        if time is not None and time > state.now - delay:
            latest = format_time(state.now - delay)
            raise out_of_range_query(name, format_time(time), f"It must not be after {latest}")
    first = _floor(start) if start is not None else last_end - USAGE_INTERVAL
    until = end if end is not None else last_end
    if until <= (start or first):
        raise out_of_range_query("endtime", format_time(until), "It must be after the start")
    return _intervals([usage for usage in _all(state) if usage.end_time > first], first, until)


def _floor(time: datetime) -> datetime:
    return time - (time - _EPOCH) % USAGE_INTERVAL


def _intervals(usages: list[Usage], first: datetime, until: datetime) -> Iterator[PoolUsage]:
    if not usages:
        return
    start = max(first, _floor(min(usage.start_time for usage in usages)))
    while start < until:
        yield from sorted(_interval(usages, start, start + USAGE_INTERVAL), key=lambda found: found.key)
        start += USAGE_INTERVAL


def _interval(usages: Iterable[Usage], start: datetime, end: datetime) -> Iterator[PoolUsage]:
    hours: dict[tuple[str, str], float] = {}
    for usage in usages:
        span = min(end, usage.end_time) - max(start, usage.start_time)
        if span > timedelta(0):
            key = (usage.pool_id, usage.vm_size)
            hours[key] = hours.get(key, 0.0) + usage.cores * (span / _HOUR)
    for (pool_id, size), core_hours in hours.items():
        yield PoolUsage(pool_id, size, start, end, core_hours)


def dedicated_core_times(state: State) -> dict[str, timedelta]:
    """Time of dedicated cores of each pool that is there, by lower-case id."""
    times = {room.pool.id.lower(): timedelta(0) for room in state.pools.values()}
    for usage in _all(state):
        room = state.pools.get(usage.pool_id)
        # An earlier pool of the same id was another one.
        if room is not None and usage.is_dedicated and usage.start_time >= room.pool.creation_time:
            times[usage.pool_id.lower()] += usage.cores * (usage.end_time - usage.start_time)
    return times
