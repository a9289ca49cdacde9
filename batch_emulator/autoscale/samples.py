"""Samples of the service's metrics and what a formula may ask of them.

Source: Azure Batch: *Automatically scale compute nodes in a Batch pool* (obtain sample data).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from batch_emulator.autoscale.assumptions import (
    INSUFFICIENT_DATA_CODE,
    INSUFFICIENT_DATA_MESSAGE,
    NO_SAMPLE_YET,
    NUMBER_OBEYS_DELAY,
    SAMPLE_PERIOD,
    SAMPLES_OLDEST_FIRST,
    format_double,
    possible_samples,
)
from batch_emulator.autoscale.errors import EvaluationFault
from batch_emulator.autoscale.values import Interval, Timestamp, Value, ValueType, Vector, failure


class SampleSeries:
    """The history of one metric, oldest first. Reading a span takes time for the span, not for the history.

    Parameters:
        samples: (time, value) pairs in order of time; times are aware datetimes.
        period: how often a sample is due.

    Raises:
        ValueError: samples out of order, a time without zone, or a period that is not positive.
    """

    __slots__ = ("_ticks", "_values", "period")

    def __init__(
        self, samples: Iterable[tuple[datetime, float]] = (), period: timedelta = SAMPLE_PERIOD
    ) -> None:
        if period <= timedelta(0):
            raise ValueError(f"A sample period of {period} is not a period: pass a positive timedelta.")
        self.period = period
        self._ticks: list[int] = []
        self._values: list[float] = []
        for time, value in samples:
            self.append(time, value)

    def __len__(self) -> int:
        return len(self._ticks)

    def append(self, time: datetime, value: float) -> None:
        """Add the newest sample; a missed sample is one that is never added.

        Raises:
            ValueError: `time` is not after the last sample, or has no zone.
        """
        ticks = Timestamp.of(time).ticks
        if self._ticks and ticks <= self._ticks[-1]:
            raise ValueError(
                f"The sample of {time.isoformat()} is not newer than the last one: add them in order."
            )
        self._ticks.append(ticks)
        self._values.append(float(value))

    def discard_before(self, time: datetime) -> None:
        """Forget the samples older than `time`, so that a long-lived pool's history stays bounded."""
        kept_from = bisect_left(self._ticks, Timestamp.of(time).ticks)
        del self._ticks[:kept_from]
        del self._values[:kept_from]

    def count(self, until: int) -> int:
        """How many samples there are up to a moment in ticks."""
        return bisect_right(self._ticks, until)

    def slice(self, start: int, end: int) -> Vector:
        """The values of samples number `start` to `end` (from 0, `end` excluded)."""
        return tuple(self._values[start:end])

    def ticks_at(self, index: int) -> int:
        """The moment of a sample, in ticks."""
        return self._ticks[index]

    def value_at(self, index: int) -> float:
        """The value of a sample."""
        return self._values[index]


_DOUBLE, _POINT = ValueType.DOUBLE, ValueType.TIMESTAMP


class Method(NamedTuple):
    """A method of sample variables.

    Parameters:
        usage: how it is written, for messages.
        overloads: lists of argument types; TIMESTAMP stands for a point: timestamp or timeinterval.
        returns: type of the result.
    """

    usage: str
    overloads: tuple[tuple[ValueType, ...], ...]
    returns: ValueType

    def takes(self, arguments: tuple[ValueType, ...]) -> bool:
        """Whether one of the overloads has these argument types."""
        points = tuple(_POINT if kind is ValueType.TIME_INTERVAL else kind for kind in arguments)
        return points in self.overloads


METHODS: dict[str, Method] = {
    "GetSample": Method(
        "GetSample(count), GetSample(start [, samplePercent]) or GetSample(start, end [, samplePercent])",
        ((_DOUBLE,), (_POINT,), (_POINT, _DOUBLE), (_POINT, _POINT), (_POINT, _POINT, _DOUBLE)),
        ValueType.DOUBLE_VEC,
    ),
    "GetSamplePercent": Method(
        "GetSamplePercent(start [, end])", ((_POINT,), (_POINT, _POINT)), ValueType.DOUBLE
    ),
    "GetSamplePeriod": Method("GetSamplePeriod()", ((),), ValueType.TIME_INTERVAL),
    "Count": Method("Count()", ((),), ValueType.DOUBLE),
    "HistoryBeginTime": Method("HistoryBeginTime()", ((),), ValueType.TIMESTAMP),
}


class _Window(NamedTuple):
    """Samples number `start` to `end` of a span, and their share of the possible ones in percent."""

    start: int
    end: int
    percent: float


class SampleVariable:
    """A series as one evaluation sees it.

    Parameters:
        name: the variable, for messages.
        series: its history.
        now: the moment of the evaluation.
        delay: how old a sample must be to be readable.
    """

    __slots__ = ("_name", "_now", "_readable", "_series")

    def __init__(self, name: str, series: SampleSeries, now: Timestamp, delay: Interval) -> None:
        self._name = name
        self._series = series
        self._now = now.ticks
        self._readable = now.ticks - delay.ticks

    def number(self) -> float:
        """What the variable stands for where a number is needed: its newest value."""
        count = self._series.count(self._readable if NUMBER_OBEYS_DELAY else self._now)
        return self._series.value_at(count - 1) if count else NO_SAMPLE_YET

    def call(self, method: str, arguments: list[Value]) -> Value:
        """The value of `variable.method(arguments)`, whose types the checker has accepted."""
        if method == "GetSample":
            return self._get_sample(arguments)
        if method == "GetSamplePercent":
            return self._window(arguments).percent
        if method == "GetSamplePeriod":
            return Interval.of(self._series.period)
        count = self._series.count(self._readable)
        if method == "Count":
            return float(count)
        if not count:
            raise self._insufficient("has no sample yet")
        return Timestamp(self._series.ticks_at(0))

    def _get_sample(self, arguments: list[Value]) -> Vector:
        if isinstance(arguments[0], float):
            return self._latest(arguments[0])
        wanted = arguments[-1]
        if not isinstance(wanted, float):
            return self._read(self._window(arguments))
        window = self._window(arguments[:-1])
        if not window.percent >= wanted:
            received = format_double(window.percent)
            raise self._insufficient(f"wanted {format_double(wanted)}%, received {received}%")
        return self._read(window)

    def _latest(self, wanted: float) -> Vector:
        if not wanted >= 1:
            raise failure(f"GetSample({format_double(wanted)}) asks for no sample; the least is 1")
        end = self._series.count(self._readable)
        start = end - int(wanted) if wanted < end else 0
        return self._read(_Window(start, end, 100.0))

    def _read(self, window: _Window) -> Vector:
        values = self._series.slice(window.start, window.end)
        return values if SAMPLES_OLDEST_FIRST else values[::-1]

    def _window(self, points: list[Value]) -> _Window:
        """The span after the earlier point up to and including the later one; one point means: until now."""
        moments = [self._moment(point) for point in points]
        first, last = min(moments), max(moments) if len(moments) == 2 else self._now
        if last <= first:
            return _Window(0, 0, 0.0)
        start = self._series.count(min(first, self._readable))
        end = self._series.count(min(last, self._readable))
        possible = possible_samples(last - first, Interval.of(self._series.period).ticks)
        return _Window(start, end, min(100.0, 100.0 * (end - start) / possible))

    def _moment(self, point: Value) -> int:
        if isinstance(point, Interval):
            return self._now - point.ticks
        assert isinstance(point, Timestamp)
        return point.ticks

    def _insufficient(self, what: str) -> EvaluationFault:
        return EvaluationFault(
            INSUFFICIENT_DATA_CODE,
            INSUFFICIENT_DATA_MESSAGE,
            f"Insufficient data from data set: {self._name} {what}",
        )
