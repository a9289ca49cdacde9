"""How many nodes a pool has: a fixed number, or what a formula says; and formulas for common needs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from airflow_batch_provider.spec.checks import Count, check_count, check_duration
from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.files import is_template
from airflow_batch_provider.spec.values import iso_duration

# Azure Batch: *Service quotas and limits*: nodes of one pool.
MAX_NODES = 10_000
# Azure Batch REST reference: *Add pool*: resizeTimeout, autoScaleEvaluationInterval.
MIN_RESIZE_TIMEOUT = dt.timedelta(minutes=5)
MIN_INTERVAL, MAX_INTERVAL = dt.timedelta(minutes=5), dt.timedelta(hours=168)
# Azure Batch: *Automatically scale compute nodes*: a formula's length.
FORMULA_LENGTH = 8192
# The same: what a formula sets; the last two are older names.
TARGETS = ("$TargetDedicatedNodes", "$TargetLowPriorityNodes", "$TargetDedicated", "$TargetLowPriority")


@dataclass(frozen=True)
class FixedScale:
    """A fixed number of nodes.

    Parameters:
        dedicated: dedicated nodes.
        spot: Spot nodes: cheaper, and taken away when Azure needs them.
        resize_timeout: how long the service tries to allocate them, at least 5 minutes.
    """

    dedicated: Count = 0
    spot: Count = 0
    resize_timeout: dt.timedelta = dt.timedelta(minutes=15)

    def __post_init__(self) -> None:
        for name in ("dedicated", "spot"):
            value = check_count(getattr(self, name), 0, MAX_NODES, where=f"{name} nodes of a pool")
            object.__setattr__(self, name, value)
        check_duration(
            self.resize_timeout, MIN_RESIZE_TIMEOUT, dt.timedelta(days=7), where="resize_timeout of a pool"
        )

    @property
    def nodes(self) -> int:
        """All nodes, once templates are rendered; 0 before."""
        return sum(count for count in (self.dedicated, self.spot) if isinstance(count, int))

    def check_ready(self, ready: object, where: str) -> None:
        """Refuse to wait for more nodes than there will be.

        Parameters:
            ready: how many are waited for.
            where: the task.

        Raises:
            SpecError: more than this many; templates are left for later.
        """
        known = isinstance(self.dedicated, int) and isinstance(self.spot, int)
        if known and isinstance(ready, int) and ready > self.nodes:
            raise SpecError(
                f"min_ready_nodes is {ready}, and the pool is to have {self.nodes}",
                where=where,
                right="Wait for fewer, or leave min_ready_nodes out.",
            )

    def to_wire(self) -> dict[str, Any]:
        """The properties of a pool that say its size."""
        return {
            "targetDedicatedNodes": self.dedicated,
            "targetLowPriorityNodes": self.spot,
            "resizeTimeout": iso_duration(self.resize_timeout),
        }


@dataclass(frozen=True)
class AutoScale:
    """As many nodes as a formula says.

    Parameters:
        formula: in the service's formula language (Azure Batch: *Automatically scale compute nodes*); checked
            here when the formula language is installed (extra ``emulator``), else by the service.
        interval: time between evaluations, 5 minutes to 168 hours.
    """

    formula: str
    interval: dt.timedelta = dt.timedelta(minutes=5)

    def __post_init__(self) -> None:
        check_duration(self.interval, MIN_INTERVAL, MAX_INTERVAL, where="interval of an autoscale formula")
        if not isinstance(self.formula, str) or not self.formula.strip():
            raise SpecError(
                "the autoscale formula is empty", right="Write one, or use pending_tasks(max_nodes=10)."
            )
        if not is_template(self.formula):
            check_formula(self.formula)

    def to_wire(self) -> dict[str, Any]:
        """The properties of a pool that say its size."""
        return {
            "enableAutoScale": True,
            "autoScaleFormula": self.formula,
            "autoScaleEvaluationInterval": iso_duration(self.interval),
        }


def fixed_nodes(scale: FixedScale | AutoScale) -> int | None:
    """How many nodes a pool is to have; None: templates or a formula say it."""
    if not isinstance(scale, FixedScale) or isinstance(scale.dedicated, str) or isinstance(scale.spot, str):
        return None
    return scale.dedicated + scale.spot


def check_formula(text: str) -> None:
    """Check an autoscale formula before anything is sent.

    Raises:
        SpecError: the service would refuse it; with line and column. Or it sets no target: the service takes
            that, since any name may be a variable of the formula's own, but the pool would keep its size.
    """
    if len(text) > FORMULA_LENGTH:
        raise SpecError(
            f"the autoscale formula has {len(text)} characters",
            right=f"The service takes at most {FORMULA_LENGTH}.",
        )
    try:
        from batch_emulator.autoscale import FormulaError, parse
    except ImportError:
        return
    try:
        assigned = parse(text).assigned
    except FormulaError as error:
        raise SpecError(
            f"the autoscale formula is refused: {str(error).rstrip('.')}",
            right="Correct the formula (Azure Batch: Automatically scale compute nodes in a Batch pool).",
        ) from None
    if assigned.isdisjoint(TARGETS):
        hints = [f"{name}: {hint}" for name in sorted(assigned) if (hint := nearest(name, TARGETS))]
        raise SpecError(
            "the autoscale formula sets no number of nodes",
            right=" ".join([*hints, f"Assign {TARGETS[0]} or {TARGETS[1]}."]),
        )


# What both task-driven formulas begin with. $PendingTasks counts tasks, not slots, and is missing for the
# first minute of a pool: then the pool gets its start nodes, so that work does not wait for an interval.
_WANTED = """\
startNodes = {start};
minNodes = {minimum};
maxNodes = {maximum};
$percent = $PendingTasks.GetSamplePercent(3 * TimeInterval_Minute);
$tasks = $percent < 70 ? max(startNodes * $TaskSlotsPerNode, $PendingTasks.GetSample(1)) \
: max($PendingTasks.GetSample(1), avg($PendingTasks.GetSample(3 * TimeInterval_Minute)));
$wanted = min(maxNodes, max(minNodes, ($tasks + $TaskSlotsPerNode - 1) / $TaskSlotsPerNode));
"""


def pending_tasks(
    max_nodes: int,
    *,
    min_nodes: int = 0,
    start_nodes: int = 1,
    spot: bool = True,
    interval: dt.timedelta = dt.timedelta(minutes=5),
) -> AutoScale:
    """As many nodes as waiting and running tasks need, none when there is nothing to do.

    After the documented 'pending tasks' formula (Azure Batch: *Automatically scale compute nodes*), with task
    slots taken into account. Nodes are given up only once their tasks are done.

    Parameters:
        max_nodes: most nodes.
        min_nodes: fewest nodes, also when idle: they cost money and save the time to start.
        start_nodes: nodes of a new pool, before there is anything to measure.
        spot: Spot nodes instead of dedicated ones.
        interval: time between evaluations, 5 minutes to 168 hours.
    """
    head = _wanted(max_nodes, min_nodes, start_nodes)
    target, other = ("LowPriority", "Dedicated") if spot else ("Dedicated", "LowPriority")
    return AutoScale(
        f"{head}$Target{target}Nodes = $wanted;\n$Target{other}Nodes = 0;\n"
        "$NodeDeallocationOption = taskcompletion;\n",
        interval,
    )


def spot_with_dedicated_fallback(
    max_nodes: int,
    *,
    max_dedicated: int,
    min_nodes: int = 0,
    start_nodes: int = 1,
    interval: dt.timedelta = dt.timedelta(minutes=5),
) -> AutoScale:
    """As ``pending_tasks`` on Spot nodes, with dedicated nodes in place of those that were preempted.

    After the documented 'preempted nodes' formula (Azure Batch: *Automatically scale compute nodes*).

    Parameters:
        max_nodes: most nodes of both kinds together.
        max_dedicated: most dedicated nodes.
        min_nodes, start_nodes, interval: as for ``pending_tasks``.
    """
    head = _wanted(max_nodes, min_nodes, start_nodes)
    dedicated = check_count(max_dedicated, 0, MAX_NODES, where="max_dedicated of a formula")
    return AutoScale(
        f"{head}$preempted = $PreemptedNodeCount.GetSamplePercent(3 * TimeInterval_Minute) < 70 "
        "? max(0, $PreemptedNodeCount.GetSample(1)) "
        ": max($PreemptedNodeCount.GetSample(3 * TimeInterval_Minute));\n"
        f"$TargetDedicatedNodes = min({dedicated}, $preempted, $wanted);\n"
        "$TargetLowPriorityNodes = $wanted - min("
        f"{dedicated}, $preempted, $wanted);\n"
        "$NodeDeallocationOption = taskcompletion;\n",
        interval,
    )


def working_hours(
    nodes: int,
    *,
    otherwise: int = 0,
    first_hour: int = 8,
    last_hour: int = 18,
    utc_offset: int = 0,
    time_zone: str | None = None,
    spot: bool = False,
) -> AutoScale:
    """A number of nodes from Monday to Friday between two hours, another at all other times.

    After the documented 'time-based' formula (Azure Batch: *Automatically scale compute nodes*).

    Parameters:
        nodes: in working hours.
        otherwise: at night and on weekends.
        first_hour: the first hour of work, 0 to 23.
        last_hour: the hour at which work ends, 1 to 24.
        utc_offset: hours that local time is ahead of UTC, -12 to 14; formulas know no other time than UTC.
        time_zone: instead, a zone such as ``Europe/Berlin``. Its summer times until 2037 are written into the
            formula, as the time zone database of this machine has them.
        spot: Spot nodes instead of dedicated ones.
    """
    counts = [
        check_count(value, 0, MAX_NODES, where="nodes of a working_hours formula")
        for value in (nodes, otherwise)
    ]
    first = check_count(first_hour, 0, 23, where="first_hour of a formula")
    last = check_count(last_hour, 1, 24, where="last_hour of a formula")
    if time_zone is not None and utc_offset:
        raise SpecError(
            "there are utc_offset and time_zone", where="working_hours", right="Give one of the two."
        )
    offset = check_count(utc_offset, -12, 14, where="utc_offset of a formula")
    clock = f"$now = time() + {offset} * TimeInterval_Hour;\n"
    if time_zone is not None:
        from airflow_batch_provider.spec.time_zones import local_clock

        clock = local_clock(time_zone)
    target = "LowPriority" if spot else "Dedicated"
    return AutoScale(
        f"{clock}"
        "$workday = $now.weekday >= 1 && $now.weekday <= 5;\n"
        f"$workhour = $now.hour >= {first} && $now.hour < {last};\n"
        f"$Target{target}Nodes = $workday && $workhour ? {counts[0]} : {counts[1]};\n"
        "$NodeDeallocationOption = taskcompletion;\n"
    )


def zero_when_idle(
    nodes: int,
    *,
    idle: dt.timedelta = dt.timedelta(minutes=30),
    spot: bool = True,
    interval: dt.timedelta = dt.timedelta(minutes=5),
) -> AutoScale:
    """A number of nodes while there is work, none when there was none for some time.

    A pool that is new, or of which nothing is known for most of that time, has its nodes: work does not wait
    for an evaluation. See ``pending_tasks`` for nodes by the number of tasks.

    Parameters:
        nodes: while there is work.
        idle: how long nothing must have waited or run before the nodes go, 5 minutes to 24 hours.
        spot: Spot nodes instead of dedicated ones.
        interval: time between evaluations, 5 minutes to 168 hours.
    """
    count = check_count(nodes, 1, MAX_NODES, where="nodes of a formula")
    check_duration(idle, dt.timedelta(minutes=5), dt.timedelta(days=1), where="idle time of a formula")
    minutes = int(idle.total_seconds() // 60)
    target, other = ("LowPriority", "Dedicated") if spot else ("Dedicated", "LowPriority")
    return AutoScale(
        f"$span = {minutes} * TimeInterval_Minute;\n"
        "$known = $PendingTasks.GetSamplePercent($span);\n"
        "$tasks = $known < 50 ? 1 : max($PendingTasks.GetSample($span));\n"
        f"$Target{target}Nodes = $tasks > 0 ? {count} : 0;\n"
        f"$Target{other}Nodes = 0;\n"
        "$NodeDeallocationOption = taskcompletion;\n",
        interval,
    )


def _wanted(max_nodes: int, min_nodes: int, start_nodes: int) -> str:
    maximum = check_count(max_nodes, 1, MAX_NODES, where="max_nodes of a formula")
    values = {"maximum": maximum}
    for name, value in (("minimum", min_nodes), ("start", start_nodes)):
        values[name] = check_count(value, 0, int(maximum), where=f"{name} nodes of a formula")
    return _WANTED.format(**values)
