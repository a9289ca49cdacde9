"""The types of the formula language and how a value of each is written in results.

Source: Azure Batch: *Automatically scale compute nodes in a Batch pool* (types).
"""

from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import TypeAlias

from batch_emulator.autoscale.assumptions import (
    EVALUATION_FAILED_CODE,
    EVALUATION_FAILED_MESSAGE,
    SUNDAY,
    format_double,
)
from batch_emulator.autoscale.errors import EvaluationFault

TICKS_PER_SECOND = 10_000_000
_TICKS_PER_MICROSECOND = 10
_MAX_TICKS = 2**63 - 1
_EPOCH = datetime(1, 1, 1, tzinfo=timezone.utc)
_MAX_TIMESTAMP_TICKS = 3_155_378_975_999_999_999  # 9999-12-31T23:59:59.9999999Z


class ValueType(Enum):
    """Type of an expression; the value is its documented name."""

    DOUBLE = "double"
    DOUBLE_VEC = "doubleVec"
    STRING = "string"
    TIMESTAMP = "timestamp"
    TIME_INTERVAL = "timeinterval"
    DEALLOCATION_OPTION = "node deallocation option"
    NOTHING = "nothing"


class NodeDeallocationOption(Enum):
    """What becomes of running tasks when a node is removed."""

    REQUEUE = "requeue"
    TERMINATE = "terminate"
    TASK_COMPLETION = "taskcompletion"
    RETAINED_DATA = "retaineddata"


class Interval:
    """A timeinterval.

    Parameters:
        ticks: length in units of 100 ns, as TimeInterval_100ns demands; may be negative.
    """

    __slots__ = ("ticks",)

    def __init__(self, ticks: int) -> None:
        if abs(ticks) > _MAX_TICKS:
            raise failure("a timeinterval is longer than the service can hold (about 29,000 years)")
        self.ticks = ticks

    @classmethod
    def of(cls, length: timedelta) -> "Interval":
        """The interval of a timedelta."""
        return cls(length // timedelta(microseconds=1) * _TICKS_PER_MICROSECOND)

    def times(self, factor: float) -> "Interval":
        """The interval times a double; a result that is not finite ends the evaluation."""
        product = self.ticks * factor
        if not abs(product) <= _MAX_TICKS:  # also true for NaN
            raise failure("a timeinterval is multiplied or divided out of its range")
        return Interval(round(product))

    def __str__(self) -> str:
        """ISO 8601, as the service writes durations everywhere else."""
        sign, ticks = ("-", -self.ticks) if self.ticks < 0 else ("", self.ticks)
        seconds, fraction = divmod(ticks, TICKS_PER_SECOND)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        second = f"{seconds}.{fraction:07d}".rstrip("0").rstrip(".")
        parts = [
            f"{amount}{unit}"
            for amount, unit in ((hours, "H"), (minutes, "M"), (second, "S"))
            if amount not in (0, "0")
        ]
        date = f"{days}D" if days else ""
        clock = "T" + "".join(parts) if parts else ""
        return f"{sign}P{date}{clock}" if date or clock else "PT0S"


class Timestamp:
    """A point in time.

    Parameters:
        ticks: units of 100 ns since 0001-01-01T00:00:00Z.
    """

    __slots__ = ("ticks",)

    def __init__(self, ticks: int) -> None:
        if not 0 <= ticks <= _MAX_TIMESTAMP_TICKS:
            raise failure("a timestamp lies outside the years 1 to 9999")
        self.ticks = ticks

    @classmethod
    def of(cls, moment: datetime) -> "Timestamp":
        """The timestamp of an aware datetime.

        Raises:
            ValueError: the datetime has no time zone.
        """
        if moment.tzinfo is None:
            raise ValueError("A time without a zone says nothing: pass an aware datetime, e.g. in UTC.")
        return cls((moment - _EPOCH) // timedelta(microseconds=1) * _TICKS_PER_MICROSECOND)

    def to_datetime(self) -> datetime:
        """The moment in UTC, cut to microseconds."""
        return _EPOCH + timedelta(microseconds=self.ticks // _TICKS_PER_MICROSECOND)

    def member(self, name: str) -> float:
        """`.year .month .day .weekday .hour .minute .second` of the moment in UTC."""
        moment = self.to_datetime()
        if name == "weekday":
            return float(SUNDAY if moment.isoweekday() == 7 else moment.isoweekday())
        return float(getattr(moment, name))

    def __str__(self) -> str:
        return self.to_datetime().replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


TIMESTAMP_MEMBERS = ("year", "month", "day", "weekday", "hour", "minute", "second")

Vector: TypeAlias = tuple[float, ...]
Value: TypeAlias = float | Vector | str | Timestamp | Interval | NodeDeallocationOption

_TYPES: dict[type, ValueType] = {
    float: ValueType.DOUBLE,
    tuple: ValueType.DOUBLE_VEC,
    str: ValueType.STRING,
    Timestamp: ValueType.TIMESTAMP,
    Interval: ValueType.TIME_INTERVAL,
    NodeDeallocationOption: ValueType.DEALLOCATION_OPTION,
}


def type_of(value: Value) -> ValueType:
    """The language's type of a value."""
    return _TYPES[type(value)]


def format_value(value: Value) -> str:
    """A value as `autoScaleRun.results` writes it: `5`, `[1,1,1]`, `2016-10-13T19:18:47.805Z`."""
    if isinstance(value, float):
        return format_double(value)
    if isinstance(value, tuple):
        return "[" + ",".join(format_double(element) for element in value) + "]"
    if isinstance(value, NodeDeallocationOption):
        return value.value
    return str(value)


def failure(detail: str) -> EvaluationFault:
    """A fault of any kind but missing data."""
    return EvaluationFault(EVALUATION_FAILED_CODE, EVALUATION_FAILED_MESSAGE, detail)
