"""Pools whose size a formula decides.

Source: *Create a formula to automatically scale compute nodes in a Batch pool*.
"""

from __future__ import annotations

from datetime import datetime

from batch_emulator.autoscale import (
    SAMPLE_VARIABLES,
    AutoScaleResult,
    EvaluationContext,
    FormulaError,
    SampleSeries,
    evaluate,
    parse,
)
from batch_emulator.service.assumptions import EVALUATE_WITHOUT_AUTO_SCALE
from batch_emulator.service.durations import parse_duration
from batch_emulator.service.entities import Json, Node, key_of
from batch_emulator.service.error_kinds import (
    AUTO_SCALING_FORMULA_SYNTAX_ERROR,
    INVALID_AUTO_SCALING_SETTINGS,
    POOL_BEING_RESIZED,
    TOO_MANY_ENABLE_AUTO_SCALE_REQUESTS,
    conflict,
    missing,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.limits import DEFAULT_RESIZE_TIMEOUT, ENABLE_AUTO_SCALE_EVERY, SAMPLE_EVERY
from batch_emulator.service.pools import resizing
from batch_emulator.service.pools.pool_spec import auto_scale_interval, check_formula_length
from batch_emulator.service.rooms import PoolRoom
from batch_emulator.service.state import State
from batch_emulator.service.tasks.multi_instance.counts import active_for_formulas, running_for_formulas
from batch_emulator.service.times import format_time

_UNUSABLE = (
    "unusable",
    "starttaskfailed",
    "preempted",
    "creating",
    "leavingpool",
    "unknown",
    "deallocating",
    "deallocated",
)


def settings(body: Json) -> Json:
    """Check formula and interval of a request.

    :raises BatchError: the formula has errors, or the interval is out of bounds.
    """
    formula = body.get("autoScaleFormula")
    if not formula:
        raise missing("autoScaleFormula")
    check_formula_length(formula)
    _parse(formula)
    return {"autoScaleFormula": formula, "autoScaleEvaluationInterval": auto_scale_interval(body)}


def _parse(formula: str) -> object:
    try:
        return parse(formula)
    except FormulaError as error:
        raise BatchError(AUTO_SCALING_FORMULA_SYNTAX_ERROR, {"Message": str(error)}) from None


def begin(state: State, room: PoolRoom) -> None:
    """Start to scale by formula: first evaluation at once."""
    room.pool.next_auto_scale_at = state.now
    room.samples.add(state.now, measure(state, room))
    set_timers(state, room)
    run_if_due(state, room)


def set_timers(state: State, room: PoolRoom) -> None:
    """Ask to be woken for samples and evaluations."""
    state.timers.set(room.pool.next_auto_scale_at, "autoscale", key_of(room.pool))
    if room.samples.next_at is None:
        room.samples.next_at = state.now
    state.timers.set(room.samples.next_at, "samples", key_of(room.pool))


def enable(state: State, room: PoolRoom, body: Json) -> None:
    """Switch autoscale on, or change formula or interval. Source: *Pool - Enable Auto Scale*."""
    pool = room.pool
    if pool.allocation_state != "steady":
        raise BatchError(POOL_BEING_RESIZED)
    last = pool.last_enable_auto_scale_at
    if last is not None and state.now - last < ENABLE_AUTO_SCALE_EVERY:
        raise BatchError(TOO_MANY_ENABLE_AUTO_SCALE_REQUESTS)
    was_on = pool.spec["enableAutoScale"]
    kept = {name: pool.spec[name] for name in ("autoScaleFormula", "autoScaleEvaluationInterval") if was_on}
    if not body and was_on:
        raise conflict(INVALID_AUTO_SCALING_SETTINGS, "A new formula or a new interval must be given")
    scale = settings({**kept, **body})
    pool.spec = {**pool.spec, "enableAutoScale": True, **scale}
    pool.last_enable_auto_scale_at = state.now
    state.touch(pool)
    state.changed(pool)
    if not was_on or "autoScaleEvaluationInterval" in body or "autoScaleFormula" in body:
        begin(state, room)


def disable(state: State, room: PoolRoom) -> None:
    """Switch autoscale off; the pool keeps its size."""
    pool = room.pool
    gone = ("autoScaleFormula", "autoScaleEvaluationInterval")
    pool.spec = {name: value for name, value in pool.spec.items() if name not in gone} | {
        "enableAutoScale": False
    }
    pool.next_auto_scale_at = pool.auto_scale_run = None
    room.samples.next_at = None
    state.touch(pool)
    state.changed(pool)


def evaluate_only(state: State, room: PoolRoom, formula: str) -> Json:
    """What a formula would do now; nothing is applied.

    :returns: the ``autoScaleRun``.
    """
    if not room.pool.spec["enableAutoScale"]:
        raise conflict(EVALUATE_WITHOUT_AUTO_SCALE, "Autoscale is not enabled on the pool")
    return _to_wire(state.now, _evaluate(state, room, check_formula_length(formula)))


def _evaluate(state: State, room: PoolRoom, formula: str) -> AutoScaleResult:
    try:
        parsed = parse(formula)
    except FormulaError as error:
        raise BatchError(AUTO_SCALING_FORMULA_SYNTAX_ERROR, {"Message": str(error)}) from None
    pool = room.pool
    named = [name for name in SAMPLE_VARIABLES if name in formula]
    samples = {name: SampleSeries(room.samples.series(name), SAMPLE_EVERY) for name in named}
    context = EvaluationContext(
        now=state.now,
        samples=samples,
        target_dedicated=pool.target_dedicated,
        target_low_priority=pool.target_low_priority,
        random=state.random,
        task_slots_per_node=pool.spec["taskSlotsPerNode"],
    )
    return evaluate(parsed, context)


def _to_wire(now: datetime, result: AutoScaleResult) -> Json:
    run: Json = {"timestamp": format_time(now), "results": result.results}
    if result.error is not None:
        values = [{"name": item.name, "value": item.value} for item in result.error.values]
        run["error"] = {"code": result.error.code, "message": result.error.message, "values": values}
    return run


def take_sample(state: State, room: PoolRoom) -> None:
    """A sample is due."""
    if not room.pool.spec["enableAutoScale"] or room.pool.state != "active":
        return
    if room.samples.next_at is not None and room.samples.next_at > state.now:
        return
    room.samples.add(state.now, measure(state, room))
    state.timers.set(room.samples.next_at, "samples", key_of(room.pool))


def run_if_due(state: State, room: PoolRoom) -> None:
    """Evaluate the formula if it is time, and apply it if the pool is steady."""
    pool = room.pool
    if pool.next_auto_scale_at is None or pool.next_auto_scale_at > state.now or pool.state != "active":
        return
    interval = parse_duration(pool.spec["autoScaleEvaluationInterval"])
    pool.next_auto_scale_at = state.now + interval
    state.timers.set(pool.next_auto_scale_at, "autoscale", key_of(pool))
    result = _evaluate(state, room, pool.spec["autoScaleFormula"])
    pool.auto_scale_run = _to_wire(state.now, result)
    state.changed(pool)
    room.evaluation_missed = result.error is None and pool.allocation_state != "steady"
    if result.error is None and pool.allocation_state == "steady":
        _apply(state, room, result)


def catch_up(state: State, room: PoolRoom) -> None:
    """A resize is over: a formula that was due meanwhile is evaluated now, on today's samples."""
    if (
        room.evaluation_missed
        and room.pool.allocation_state == "steady"
        and room.pool.spec["enableAutoScale"]
    ):
        room.pool.next_auto_scale_at = state.now
        run_if_due(state, room)


def _apply(state: State, room: PoolRoom, result: AutoScaleResult) -> None:
    pool = room.pool
    dedicated = pool.target_dedicated if result.target_dedicated is None else result.target_dedicated
    low_priority = (
        pool.target_low_priority if result.target_low_priority is None else result.target_low_priority
    )
    if (dedicated, low_priority) != (pool.target_dedicated, pool.target_low_priority) or _lacks(room):
        option = result.node_deallocation_option or "requeue"
        resizing.start(state, room, dedicated, low_priority, option, DEFAULT_RESIZE_TIMEOUT)


def _lacks(room: PoolRoom) -> bool:
    return len(room.nodes) != room.pool.target_dedicated + room.pool.target_low_priority


def measure(state: State, room: PoolRoom) -> dict[str, float]:
    """The service's variables as they are now. What one machine cannot tell is 0."""
    jobs = state.jobs_on(room.pool.id)
    nodes = list(room.nodes.values())
    active = sum(
        active_for_formulas(job)
        for job in jobs
        if job.job.state not in ("terminating", "completed", "deleting")
    )
    running = sum(running_for_formulas(job) for job in jobs)
    values = dict.fromkeys(SAMPLE_VARIABLES, 0.0)
    values.update(
        {
            "$ActiveTasks": float(active),
            "$RunningTasks": float(running),
            "$PendingTasks": float(active + running),
            "$SucceededTasks": float(sum(job.counts.succeeded for job in jobs)),
            "$FailedTasks": float(sum(job.counts.failed for job in jobs)),
            "$CurrentDedicatedNodes": float(_count(nodes, dedicated=True)),
            "$CurrentLowPriorityNodes": float(_count(nodes, dedicated=False)),
            "$PreemptedNodeCount": float(sum(node.state == "preempted" for node in nodes)),
            "$UsableNodeCount": float(sum(node.state not in _UNUSABLE for node in nodes)),
            "$SampleNodeCount": float(sum(node.state not in _UNUSABLE for node in nodes)),
        }
    )
    return values


def _count(nodes: list[Node], *, dedicated: bool) -> int:
    return sum(node.is_dedicated == dedicated and resizing.obtained(node) for node in nodes)
