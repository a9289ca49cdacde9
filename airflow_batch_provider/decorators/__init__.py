"""``task``: Airflow's own, typed so that editors and type checkers know ``@task.azure_batch`` too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk.definitions.decorators import TaskDecoratorCollection

    from airflow_batch_provider.decorators.azure_batch import azure_batch_task

    class BatchTaskDecorators(TaskDecoratorCollection):
        """The decorators of Airflow and of this provider."""

        azure_batch = staticmethod(azure_batch_task)

    task: BatchTaskDecorators
else:
    from airflow.sdk import task

__all__ = ["task"]
