"""Operators whose XCom is a dictionary, each entry of which is an XCom too."""

from __future__ import annotations

from typing import Any

from airflow_batch_provider.typed_output import TypedOutput


class KeyedOutput(TypedOutput):
    """An operator that serves ``output["job_id"]``, which Airflow reads as the XCom of that key.

    Whoever wants nothing but the whole says ``multiple_outputs=False``.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(**kwargs)
