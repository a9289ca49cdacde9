"""The names that the service defines.

Source: Azure Batch: *Automatically scale compute nodes in a Batch pool* (variables, types).
"""

from batch_emulator.autoscale.values import Interval, NodeDeallocationOption, ValueType

TARGET_DEDICATED = "$TargetDedicatedNodes"
TARGET_LOW_PRIORITY = "$TargetLowPriorityNodes"
DEALLOCATION_OPTION = "$NodeDeallocationOption"
TASK_SLOTS_PER_NODE = "$TaskSlotsPerNode"

ALIASES: dict[str, str] = {
    "$TargetDedicated": TARGET_DEDICATED,
    "$TargetLowPriority": TARGET_LOW_PRIORITY,
}
"""Older names of the targets. The full name wins where a formula sets both."""

ASSIGNABLE: dict[str, ValueType] = {
    TARGET_DEDICATED: ValueType.DOUBLE,
    TARGET_LOW_PRIORITY: ValueType.DOUBLE,
    **dict.fromkeys(ALIASES, ValueType.DOUBLE),
    DEALLOCATION_OPTION: ValueType.DEALLOCATION_OPTION,
}
"""What a formula sets, and the type each takes."""

SAMPLE_VARIABLES: tuple[str, ...] = (
    "$CPUPercent",
    "$WallClockSeconds",
    "$MemoryBytes",
    "$DiskBytes",
    "$DiskReadBytes",
    "$DiskWriteBytes",
    "$DiskReadOps",
    "$DiskWriteOps",
    "$NetworkInBytes",
    "$NetworkOutBytes",
    "$SampleNodeCount",
    "$ActiveTasks",
    "$RunningTasks",
    "$PendingTasks",
    "$SucceededTasks",
    "$FailedTasks",
    "$CurrentDedicatedNodes",
    "$CurrentLowPriorityNodes",
    "$PreemptedNodeCount",
    "$UsableNodeCount",
)
"""The read-only variables that are backed by samples: the series an evaluation may ask for.

`$PendingTasks` is `$ActiveTasks` + `$RunningTasks`; `$CurrentLowPriorityNodes` includes preempted nodes."""

SAMPLE_ALIASES: dict[str, str] = {
    "$CurrentDedicated": "$CurrentDedicatedNodes",
    "$CurrentLowPriority": "$CurrentLowPriorityNodes",
}
"""Names from the time before Spot nodes, still found in formulas in use."""

READ_ONLY = frozenset(SAMPLE_VARIABLES) | frozenset(SAMPLE_ALIASES) | {TASK_SLOTS_PER_NODE}

_NANOSECONDS_100 = 1
_SECOND = 10_000_000
_DAY = 86_400 * _SECOND

INTERVAL_CONSTANTS: dict[str, Interval] = {
    "TimeInterval_Zero": Interval(0),
    "TimeInterval_100ns": Interval(_NANOSECONDS_100),
    "TimeInterval_Microsecond": Interval(_SECOND // 1_000_000),
    "TimeInterval_Millisecond": Interval(_SECOND // 1_000),
    "TimeInterval_Second": Interval(_SECOND),
    "TimeInterval_Minute": Interval(60 * _SECOND),
    "TimeInterval_Hour": Interval(3_600 * _SECOND),
    "TimeInterval_Day": Interval(_DAY),
    "TimeInterval_Week": Interval(7 * _DAY),
    "TimeInterval_Year": Interval(365 * _DAY),
}

DEALLOCATION_WORDS: dict[str, NodeDeallocationOption] = {
    option.value: option for option in NodeDeallocationOption
}

SERVICE_NAMES: tuple[str, ...] = (*ASSIGNABLE, *SAMPLE_VARIABLES, TASK_SLOTS_PER_NODE)


def sample_variable(name: str) -> str | None:
    """The full name of a sample variable, or None if the name is not one."""
    if name in SAMPLE_ALIASES:
        return SAMPLE_ALIASES[name]
    return name if name in SAMPLE_VARIABLES else None
