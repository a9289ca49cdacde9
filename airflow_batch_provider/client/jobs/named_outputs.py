"""Outputs of a job that its author gave a place. Pure."""

from __future__ import annotations

from airflow_batch_provider.spec.graph import JobGraph

OUTPUTS_RETURNED = 100
"""Places of outputs that are returned: they are for people and for assets, not a listing."""


def named_outputs(graph: JobGraph) -> list[str]:
    """The blobs and prefixes, as ``container/name``, that the author gave outputs of tasks; 100 at most.

    Parameters:
        graph: the job's tasks.
    """
    outputs = (output for spec in graph.specs for output in spec.outputs)
    named = {str(output.destination) for output in outputs if output.destination is not None}
    return sorted(named)[:OUTPUTS_RETURNED]
