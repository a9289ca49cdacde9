"""The faults of an account as data. Everything is optional; an empty record is an emulator that behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from batch_emulator.service.region import ALLOCATION_FAILED, ALLOCATION_TIMED_OUT, RegionalCapacity

BEFORE, AFTER = "beforeCommit", "afterCommit"


def wire(name: str, default: Any, check: str, *allowed: Any) -> Any:
    """A field of a rule.

    :param name: in JSON.
    :param check: how it is read: see :mod:`batch_emulator.faults.parsing`.
    :param allowed: values or bounds for that check.
    """
    return field(default=default, metadata={"name": name, "check": check, "allowed": allowed})


@dataclass(frozen=True)
class Rule:
    """When a fault strikes, among its chances.

    :param rate: how likely a chance is taken, 0 to 1.
    :param skip: this many chances pass first.
    :param times: it strikes at most this often; ``None`` is without end.
    """

    rate: float = wire("rate", 1.0, "number", 0, 1)
    skip: int = wire("skip", 0, "integer", 0, None)
    times: int | None = wire("times", None, "optional integer", 0, None)


@dataclass(frozen=True)
class RequestRule(Rule):
    """Chances are requests that are authenticated and understood.

    :param operations: names of the official client's methods, such as ``create_task``; ``*`` and ``?`` are
        wildcards.
    """

    operations: tuple[str, ...] = wire("operations", ("*",), "operations")


@dataclass(frozen=True)
class Throttling(RequestRule):
    """The service is too busy. Nothing is done.

    :param status: 503 ``ServerBusy`` or 429 ``TooManyRequests``.
    :param retry_after: seconds; ``None`` leaves the header out.
    """

    status: int = wire("status", 503, "choice", 503, 429)
    retry_after: int | None = wire("retryAfterSeconds", 1, "optional integer", 0, 3600)


@dataclass(frozen=True)
class Latency(RequestRule):
    """The request waits before it is looked at.

    :param seconds: at least this long.
    :param jitter: up to this many seconds more, evenly drawn.
    """

    seconds: float = wire("seconds", 1.0, "number", 0, 3600)
    jitter: float = wire("jitterSeconds", 0.0, "number", 0, 3600)


@dataclass(frozen=True)
class DroppedConnection(RequestRule):
    """The connection ends without an answer.

    :param when: ``beforeCommit``: nothing was done; ``afterCommit``: all was done, the client is not told.
    """

    when: str = wire("when", BEFORE, "choice", BEFORE, AFTER)


@dataclass(frozen=True)
class ServerError(RequestRule):
    """The request is answered with an error that is not its own.

    :param code: ``InternalError`` or ``OperationTimedOut`` (both 500), or ``ServerBusy`` (503).
    :param when: as of :class:`DroppedConnection`.
    """

    code: str = wire("code", "InternalError", "choice", "InternalError", "OperationTimedOut", "ServerBusy")
    when: str = wire("when", BEFORE, "choice", BEFORE, AFTER)


@dataclass(frozen=True)
class NodeRule(Rule):
    """Faults of nodes.

    :param pools: ids of pools; ``*`` and ``?`` are wildcards.
    """

    pools: tuple[str, ...] = wire("pools", ("*",), "names")


@dataclass(frozen=True)
class _TimedRule(NodeRule):
    """Strikes nodes that are up at a rate over time; a node that returns may be struck again."""

    per_node_hour: float = wire("perNodeHour", 1.0, "number", 0, 3_600_000)


@dataclass(frozen=True)
class Preemption(_TimedRule):
    """The capacity of a Spot node is taken back. Source: *Use Spot VMs with Batch workloads*.

    :param per_node_hour: evictions a Spot node suffers in an hour on average, exponentially distributed.
    :param away: seconds until there is capacity again.
    """

    away: float = wire("awaySeconds", 60.0, "number", 0, 31_536_000)


@dataclass(frozen=True)
class NodeLoss(_TimedRule):
    """The service loses contact with a node and with all that runs there: its agent is gone.

    :param per_node_hour: losses of a node, dedicated or Spot, in an hour on average.
    :param away: seconds until the service has recovered the node by a restart; ``None`` is never.
    """

    away: float | None = wire("awaySeconds", 60.0, "optional number", 0, 31_536_000)


@dataclass(frozen=True)
class SlowRule(NodeRule):
    """Something takes longer.

    :param seconds: at least this much.
    :param jitter: up to this many seconds more, evenly drawn.
    """

    seconds: float = wire("seconds", 60.0, "number", 0, 86_400)
    jitter: float = wire("jitterSeconds", 0.0, "number", 0, 86_400)


@dataclass(frozen=True)
class SlowBoot(SlowRule):
    """The machine of a node comes later: it stays `creating`, its pool `resizing`. Chances are starts."""


@dataclass(frozen=True)
class SlowStart(SlowRule):
    """A node that has its machine stays `starting` for longer. Chances are starts."""


@dataclass(frozen=True)
class SlowStartTask(SlowRule):
    """A start task ends later: the node stays `waitingforstarttask`. Chances are tries of start tasks."""


@dataclass(frozen=True)
class FailedBoot(NodeRule):
    """A start of a node leaves it ``unusable``. Chances are starts.

    :param code: of the node's error.
    """

    code: str = wire("code", "DiskFull", "text")


@dataclass(frozen=True)
class FailedStartTask(NodeRule):
    """The command of a start task is replaced by one that fails. Chances are tries of start tasks.

    :param exit_code: of the process.
    """

    exit_code: int = wire("exitCode", 1, "integer", 1, 255)


@dataclass(frozen=True)
class QuotaLimits:
    """Quotas of the account, where they shall be others than those it was started with."""

    pools: int | None = wire("pools", None, "optional integer", 0, None)
    active_jobs_and_schedules: int | None = wire("activeJobsAndSchedules", None, "optional integer", 0, None)
    dedicated_cores: int | None = wire("dedicatedCores", None, "optional integer", 0, None)
    low_priority_cores: int | None = wire("lowPriorityCores", None, "optional integer", 0, None)


@dataclass(frozen=True)
class CapacityLimit:
    """The region has only so many machines of some VM sizes for the account.

    :param vm_sizes: names; ``*`` and ``?`` are wildcards.
    :param dedicated_nodes: at most so many at once; ``None`` is enough for all.
    :param low_priority_nodes: likewise.
    :param code: of the resize error; see :class:`~batch_emulator.service.region.RegionalCapacity`.
    :param away: seconds until there is enough again; ``None`` is never.
    """

    vm_sizes: tuple[str, ...] = wire("vmSizes", ("*",), "names")
    dedicated_nodes: int | None = wire("dedicatedNodes", None, "optional integer", 0, None)
    low_priority_nodes: int | None = wire("lowPriorityNodes", None, "optional integer", 0, None)
    code: str = wire("code", ALLOCATION_FAILED, "choice", ALLOCATION_FAILED, ALLOCATION_TIMED_OUT)
    away: float | None = wire("awaySeconds", None, "optional number", 0, 31_536_000)

    def since(self, now: datetime) -> RegionalCapacity:
        """What the region has, from now on."""
        until = None if self.away is None else now + timedelta(seconds=self.away)
        return RegionalCapacity(
            self.vm_sizes, self.dedicated_nodes, self.low_priority_nodes, self.code, until
        )


REQUEST_FAULTS: Mapping[str, type[RequestRule]] = {
    "throttling": Throttling,
    "latency": Latency,
    "droppedConnection": DroppedConnection,
    "serverError": ServerError,
}
NODE_FAULTS: Mapping[str, type[NodeRule]] = {
    "preemption": Preemption,
    "nodeLoss": NodeLoss,
    "slowBoot": SlowBoot,
    "slowStart": SlowStart,
    "slowStartTask": SlowStartTask,
    "failedBoot": FailedBoot,
    "failedStartTask": FailedStartTask,
}
_NAMES: Mapping[type[Any], str] = {
    kind: name for table in (REQUEST_FAULTS, NODE_FAULTS) for name, kind in table.items()
}


@dataclass(frozen=True)
class Faults:
    """All faults of an account.

    :param seed: the same seed and the same chances in the same order give the same faults.
    :param requests: looked at in this order; the first that ends a request is its fate.
    :param nodes: likewise for each start of a node.
    :param capacity: of the region; each holds by itself.
    """

    seed: int = 0
    requests: tuple[RequestRule, ...] = ()
    nodes: tuple[NodeRule, ...] = ()
    quotas: QuotaLimits = field(default_factory=QuotaLimits)
    capacity: tuple[CapacityLimit, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.requests or self.nodes or self.capacity or self.quotas != QuotaLimits())

    def __add__(self, more: Faults) -> Faults:
        """The rules of both; seed and quotas of the second where it has them."""
        quotas = {
            item.name: getattr(self.quotas, item.name)
            if getattr(more.quotas, item.name) is None
            else getattr(more.quotas, item.name)
            for item in fields(QuotaLimits)
        }
        return Faults(
            more.seed or self.seed,
            self.requests + more.requests,
            self.nodes + more.nodes,
            QuotaLimits(**quotas),
            self.capacity + more.capacity,
        )


def to_json(faults: Faults) -> dict[str, Any]:
    """The JSON form, defaults spelled out; :func:`parse_faults` takes it."""
    return {
        "seed": faults.seed,
        "requests": [_rule(rule) for rule in faults.requests],
        "nodes": [_rule(rule) for rule in faults.nodes],
        "quotas": {name: value for name, value in _values(faults.quotas).items() if value is not None},
        "capacity": [_values(limit) for limit in faults.capacity],
    }


def name_of(rule: Rule) -> str:
    """What a rule's fault is called in JSON."""
    return _NAMES[type(rule)]


def _rule(rule: Rule) -> dict[str, Any]:
    return {"fault": name_of(rule), **_values(rule)}


def _values(record: Rule | QuotaLimits | CapacityLimit) -> dict[str, Any]:
    found = {item.metadata["name"]: getattr(record, item.name) for item in fields(record)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
