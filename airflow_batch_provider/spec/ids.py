"""Who a Batch job belongs to, and the job id that follows from it before the first call is made."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_batch_provider.spec.limits import ID_LENGTH
from airflow_batch_provider.spec.naming import digest, slug


@dataclass(frozen=True)
class JobIdentity:
    """The Airflow task instance that a job is submitted for, and which of its submissions it is.

    A retry after a crash has the same identity and finds the job that is there. Clearing a task instance
    raises its ``max_tries`` (a retry by itself does not), so a cleared task has another ``generation`` and
    starts anew.

    Parameters:
        dag_id, run_id, task_id: the task instance's.
        map_index: index of a mapped task instance, -1 if it is not mapped.
        generation: ``max_tries`` of the task instance.
        submission: 1 for the first job of this generation; one more for each that ended in failure.
        namespace: tells deployments apart that share a Batch account and run DAGs of the same name.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    generation: int = 0
    submission: int = 1
    namespace: str = ""

    @property
    def job_id(self) -> str:
        """The job id: readable first, then a hash of the whole identity, then generation and submission.

        The hash is there always, since two run ids may differ only in characters that an id cannot have or
        in upper and lower case, which Azure Batch does not tell apart.
        """
        mapped = f"-m{self.map_index}" if self.map_index >= 0 else ""
        tail = f"{mapped}-{self.owner}-{self.generation}-{self.submission}"
        room = ID_LENGTH - len(tail)
        dag = slug(self.dag_id, room // 3) or "dag"
        task = slug(self.task_id.rpartition(".")[2], room // 3) or "task"
        run = slug(self.run_id, room - len(dag) - len(task) - 2)
        return "-".join(part for part in (dag, task, run) if part) + tail

    @property
    def owner(self) -> str:
        """Hash of the task instance, without generation and submission."""
        return digest(self.namespace, self.dag_id, self.run_id, self.task_id, str(self.map_index))
