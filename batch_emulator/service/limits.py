"""Fixed numbers of the service. Source: *Batch service quotas and limits* unless told otherwise."""

from __future__ import annotations

from datetime import timedelta

MAX_ID_LENGTH = 64
MAX_DISPLAY_NAME_LENGTH = 1024
MAX_USER_NAME_LENGTH = 20
MAX_AUTO_POOL_PREFIX = 20
MAX_TASKS_PER_COLLECTION = 100
MAX_REMOVED_NODES = 100
MAX_COMMUNICATING_NODES = 100
MAX_CUSTOM_IMAGE_DEDICATED_NODES = 2_000
MAX_CUSTOM_IMAGE_LOW_PRIORITY_NODES = 1_000
MAX_NODES_PER_ADDRESS = 100
MAX_TASK_SLOTS = 256
TASK_SLOTS_PER_CORE = 4
MAX_PACKAGES_PER_POOL = 10
MAX_PACKAGES_PER_APPLICATION = 40
MAX_APPLICATIONS = 200
MAX_DEPENDENCY_CHARACTERS = 64_000
MAX_DEPENDENCY_RANGES = 1_000
MAX_START_TASK_CHARACTERS = 32_768
MIN_PRIORITY, MAX_PRIORITY = -1000, 1000
MAX_FORMULA_CHARACTERS = 8_192

MIN_RESIZE_TIMEOUT = timedelta(minutes=5)
DEFAULT_RESIZE_TIMEOUT = timedelta(minutes=15)
MIN_AUTO_SCALE_INTERVAL = timedelta(minutes=5)
MAX_AUTO_SCALE_INTERVAL = timedelta(hours=168)
DEFAULT_AUTO_SCALE_INTERVAL = timedelta(minutes=15)
ENABLE_AUTO_SCALE_EVERY = timedelta(seconds=30)
SAMPLE_EVERY = timedelta(seconds=30)
SAMPLE_HISTORY = timedelta(hours=25)
MIN_RECURRENCE = timedelta(minutes=1)
MIN_START_WINDOW = timedelta(minutes=1)
DEFAULT_RETENTION = timedelta(days=7)
MAX_TASK_LIFETIME = timedelta(days=180)
MAX_RELEASE_TIME = timedelta(minutes=15)

# How long a preempted node stays without capacity before the pool gets it back. Azure promises nothing.
PREEMPTED_FOR = timedelta(minutes=1)
# Runs of a task that may vanish before it is given up. The service does not tell its number.
MAX_LOSSES = 10
# Entries in a node's `recentTasks`; the documents say only "recent".
RECENT_TASKS = 10
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
