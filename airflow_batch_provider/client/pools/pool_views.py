"""What the service says of a pool and its nodes, read into records. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_batch_provider.spec.signatures import strike_signatures


@dataclass(frozen=True)
class ServiceFault:
    """A code, a message and named values: the form of resize, node and autoscale errors."""

    code: str
    message: str
    values: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, wire: Mapping[str, Any]) -> ServiceFault:
        """From the wire models ResizeError, BatchNodeError, AutoScaleRunError and BatchTaskFailureInfo."""
        values = wire.get("values") or wire.get("errorDetails") or wire.get("details") or []
        return cls(
            str(wire.get("code") or "Unknown"),
            strike_signatures(str(wire.get("message") or "").strip()),
            tuple((str(item.get("name")), strike_signatures(str(item.get("value")))) for item in values),
        )

    def __str__(self) -> str:
        details = "; ".join(f"{name}: {value}" for name, value in self.values)
        return " ".join(
            part for part in (f"{self.code}:", self.message, f"({details})" if details else "") if part
        )


@dataclass(frozen=True)
class PoolView:
    """A pool as it was seen.

    Parameters:
        id, state, allocation_state: as the service names them.
        current, target: nodes, dedicated and Spot together.
        auto_scale: whether a formula sets the target.
        slots_per_node: tasks of one slot that a node runs at once.
        inter_node: whether its nodes may talk to each other.
        interval: time between evaluations of its formula, ISO 8601.
        resize_errors: what the last resize ended with.
        auto_scale_error: what the last evaluation of the formula ended with.
    """

    id: str
    state: str
    allocation_state: str
    current: int
    target: int
    auto_scale: bool
    resize_errors: tuple[ServiceFault, ...] = ()
    auto_scale_error: ServiceFault | None = None
    slots_per_node: int = 1
    inter_node: bool = False
    # Azure Batch REST reference: *Add pool*: what autoScaleEvaluationInterval is unless told otherwise.
    interval: str = "PT15M"

    @classmethod
    def read(cls, wire: Mapping[str, Any]) -> PoolView:
        """From the wire model BatchPool."""

        def total(kind: str) -> int:
            return int(wire.get(f"{kind}DedicatedNodes") or 0) + int(wire.get(f"{kind}LowPriorityNodes") or 0)

        run_error = (wire.get("autoScaleRun") or {}).get("error")
        return cls(
            id=str(wire.get("id")),
            state=str(wire.get("state")),
            allocation_state=str(wire.get("allocationState")),
            current=total("current"),
            target=total("target"),
            auto_scale=bool(wire.get("enableAutoScale")),
            resize_errors=tuple(ServiceFault.read(error) for error in wire.get("resizeErrors") or []),
            auto_scale_error=ServiceFault.read(run_error) if run_error else None,
            slots_per_node=int(wire.get("taskSlotsPerNode") or 1),
            inter_node=bool(wire.get("enableInterNodeCommunication")),
            interval=str(wire.get("autoScaleEvaluationInterval") or cls.interval),
        )

    @property
    def is_short(self) -> bool:
        """Whether the last resize ended with fewer nodes than asked for."""
        return self.allocation_state == "steady" and bool(self.resize_errors) and self.current < self.target


@dataclass(frozen=True)
class NodeView:
    """A node as it was seen: its state, when it last started, what runs and what went wrong on it."""

    id: str
    state: str
    boot_time: str | None = None
    start_task_exit_code: int | None = None
    start_task_failure: ServiceFault | None = None
    errors: tuple[ServiceFault, ...] = ()
    used_slots: int = 0
    schedulable: bool = True

    @classmethod
    def read(cls, wire: Mapping[str, Any]) -> NodeView:
        """From the wire model BatchNode."""
        info = wire.get("startTaskInfo") or {}
        failure = info.get("failureInfo")
        return cls(
            id=str(wire.get("id")),
            state=str(wire.get("state")),
            boot_time=wire.get("lastBootTime"),
            start_task_exit_code=info.get("exitCode"),
            start_task_failure=ServiceFault.read(failure) if failure else None,
            errors=tuple(ServiceFault.read(error) for error in wire.get("errors") or []),
            used_slots=int(wire.get("runningTaskSlotsCount") or 0),
            schedulable=wire.get("schedulingState") != "disabled",
        )


# The properties that NodeView reads: asking for less keeps a poll cheap.
NODE_PROPERTIES = (
    "id",
    "state",
    "lastBootTime",
    "startTaskInfo",
    "errors",
    "runningTaskSlotsCount",
    "schedulingState",
)
