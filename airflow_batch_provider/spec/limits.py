"""Limits of the Azure Batch service that a specification is checked against."""

from __future__ import annotations

from datetime import timedelta

ID_LENGTH = 64
"""Characters of a pool, job, task or application id (Azure Batch: *Service quotas and limits*)."""

AUTO_POOL_PREFIX_LENGTH = 20
"""Characters of what the id of an auto pool begins with (Azure Batch REST reference:
*BatchAutoPoolSpecification*)."""

DISPLAY_NAME_LENGTH = 1024
"""Characters of a display name (Azure Batch REST reference: *Add task*)."""

DEPENDENCY_IDS_LENGTH = 60_000
"""Characters of all ids one task depends on. The service takes 64,000 'minus a little' (*Create task
dependencies*); the margin is ours, because the little is not documented."""

TASKS_PER_REQUEST = 100
"""Tasks of one add-collection request (Azure Batch: *Submit a large number of tasks*)."""

EDGES_WITHOUT_BARRIER = 2_500
"""Edges that ``many >> many`` makes at most before one barrier task takes their place: every edge is an id
in a request body of at most one megabyte. Ours."""

PRIORITY = range(-1000, 1001)
"""Job priorities (Azure Batch REST reference: *Add job*)."""

RESERVED_TASK_IDS = frozenset({"jobpreparation", "jobrelease"})
"""Default ids of the special tasks; no ordinary task may have them (Azure Batch: *Run job preparation and
release tasks*)."""

DEFAULT_WALL_CLOCK = timedelta(hours=24)
"""How long a job lives at most when its author says nothing: nothing leaks when Airflow is gone."""

RELEASE_WALL_CLOCK = timedelta(minutes=15)
"""Longest run of a job release task, and its default (Azure Batch REST reference: *BatchJobReleaseTask*)."""
