"""A collector of OpenTelemetry metrics on this machine: keeps the last value of each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Collected:
    """Metrics as they were sent, which are totals since the sending process began.

    Counters are told by their sum, times by how often they were told and their sum in milliseconds.
    """

    endpoint: str = ""
    values: dict[tuple[str, frozenset[tuple[str, str]]], tuple[int, float]] = field(default_factory=dict)

    def of(self, dag_id: str, task_id: str) -> dict[str, tuple[int, float]]:
        """What is told of a task, by the metric's name and its further tag, as ``tasks succeeded``.

        The pool is left out: :meth:`pools` tells it.
        """
        found = {}
        for (name, tags), value in self.values.items():
            left = dict(tags)
            if (left.pop("dag_id", None), left.pop("task_id", None)) == (dag_id, task_id):
                left.pop("pool_id", None)
                if short := name.partition("azure_batch.")[2]:
                    found[" ".join([short, *left.values()])] = value
        return found

    def pools(self, dag_id: str, task_id: str) -> set[str | None]:
        """The pools that a task's metrics are tagged with."""
        tags = [dict(each) for name, each in self.values if ".azure_batch." in name]
        return {
            each.get("pool_id") for each in tags if (each.get("dag_id"), each["task_id"]) == (dag_id, task_id)
        }

    def take(self, body: bytes) -> None:
        """Read a request of a sender."""
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

        request = ExportMetricsServiceRequest.FromString(body)
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in getattr(metric, metric.WhichOneof("data")).data_points:
                        tags = frozenset((tag.key, tag.value.string_value) for tag in point.attributes)
                        self.values[metric.name, tags] = _value(point)


def _value(point: Any) -> tuple[int, float]:
    if hasattr(point, "sum"):
        return point.count, point.sum
    return 1, point.as_int or point.as_double


@contextmanager
def collector() -> Iterator[Collected]:
    """A collector that listens on loopback while the context lasts."""
    collected = Collected()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collected.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collected.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collected
        finally:
            server.shutdown()
            thread.join()
