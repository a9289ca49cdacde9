"""Pools: commands and questions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from batch_emulator.service import queries
from batch_emulator.service.entities import Json, Pool
from batch_emulator.service.facade.base import Commands
from batch_emulator.service.pools import autoscaling, pools, usage
from batch_emulator.service.spec_checks import without_nulls


class PoolCommands(Commands):
    """Pools of an account."""

    def create_pool(self, spec: Json, now: datetime, *, identity: Json | None = None) -> Pool:
        return pools.create(self._at(now), spec, identity)

    def patch_pool(self, pool_id: str, spec: Json, now: datetime) -> Pool:
        return pools.patch(self._at(now), pool_id, spec)

    def replace_pool_properties(self, pool_id: str, spec: Json, now: datetime) -> Pool:
        return pools.replace_properties(self._at(now), pool_id, spec)

    def resize_pool(self, pool_id: str, spec: Json, now: datetime) -> Pool:
        return pools.resize(self._at(now), pool_id, spec)

    def stop_pool_resize(self, pool_id: str, now: datetime) -> Pool:
        return pools.stop_resize(self._at(now), pool_id)

    def enable_auto_scale(self, pool_id: str, spec: Json, now: datetime) -> Pool:
        state = self._at(now)
        room = pools.find_writable(state, pool_id)
        autoscaling.enable(state, room, without_nulls(spec))
        return room.pool

    def disable_auto_scale(self, pool_id: str, now: datetime) -> Pool:
        state = self._at(now)
        room = pools.find_writable(state, pool_id)
        autoscaling.disable(state, room)
        return room.pool

    def evaluate_auto_scale(self, pool_id: str, formula: str, now: datetime) -> Json:
        """What a formula would do: an ``AutoScaleRun`` in wire form. Nothing is applied."""
        state = self._at(now)
        return autoscaling.evaluate_only(state, pools.find_writable(state, pool_id), formula)

    def remove_nodes(self, pool_id: str, spec: Json, now: datetime) -> Pool:
        return pools.remove_nodes(self._at(now), pool_id, spec)

    def delete_pool(self, pool_id: str, now: datetime) -> Pool:
        return pools.delete(self._at(now), pool_id)

    def pool(self, pool_id: str) -> Pool:
        return pools.find(self._state, pool_id).pool

    def pools(self, after: str = "") -> Iterator[Pool]:
        """Pools in ordinal order of their ids, those after a given id."""
        return (room.pool for room in self._state.pools.after(after))

    def pool_size(self, pool_id: str) -> queries.PoolSize:
        return queries.pool_size(pools.find(self._state, pool_id))

    def usage_metrics(
        self, start: datetime | None, end: datetime | None, now: datetime
    ) -> Iterator[usage.PoolUsage]:
        """Core hours by interval and pool. :raises BatchError: the times are too late."""
        return usage.metrics(self._at(now), start, end)

    def dedicated_core_times(self, now: datetime) -> dict[str, timedelta]:
        """Time of dedicated cores of each pool, by lower-case id."""
        return usage.dedicated_core_times(self._at(now))

    def node_counts(self, after: str = "") -> Iterator[queries.PoolNodeCounts]:
        return (queries.node_counts(room) for room in self._state.pools.after(after))
