"""A pool for multi-instance tasks, and what a test does to the commands of their instances."""

from __future__ import annotations

from typing import Any

from batch_emulator.service.effects import StartRun
from batch_emulator.service.entities import Subtask
from batch_emulator.service.events import RunEnded
from tests.batch_emulator.service.builders import a_job, an_mpi_pool
from tests.batch_emulator.service.world import World


class GangWorld(World):
    """A world in which coordination commands are ended one by one."""

    def begin(self, nodes: int = 3, job: dict[str, Any] | None = None, **pool: Any) -> GangWorld:
        self.do("create_pool", an_mpi_pool(nodes=nodes, **pool))
        self.do("create_job", a_job(**(job or {})))
        return self

    def coordinating(self, task_id: str = "task") -> dict[int, StartRun]:
        """The coordination commands that run, by the number of their instance."""
        return {
            run.instance.number: run
            for run in self.running.values()
            if run.kind == "coordination" and run.task_id == task_id and run.instance is not None
        }

    def coordinate(
        self, *numbers: int, task_id: str = "task", exit_code: int | None = 0, **more: Any
    ) -> None:
        """End coordination commands: those of the given instances, or all."""
        for number in numbers or sorted(self.coordinating(task_id)):
            self.tell_end(self.coordinating(task_id)[number], exit_code, **more)

    def tell_end(self, run: StartRun, exit_code: int | None, **more: Any) -> None:
        del self.running[run.run_id]
        self.tell(RunEnded(run.run_id, self.now, exit_code=exit_code, **more))

    def subtasks(self, task_id: str = "task") -> list[Subtask]:
        return self.service.subtasks("job", task_id)

    def subtask_states(self, task_id: str = "task") -> list[str]:
        return [subtask.state for subtask in self.subtasks(task_id)]
