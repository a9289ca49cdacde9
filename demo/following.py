"""What all stories of the demo do: wait for a DAG and its watcher, and follow a run to its end."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime

from demo.batch_progress import BatchProgress
from demo.processes.tails import tail
from demo.stack import LocalStack
from demo.stack.airflow import TRIGGERER
from demo.stack.airflow_client import DagRun
from demo.stages import Stage, airflow_stages, batch_stages
from demo.view import View

__all__ = ["ScenarioError", "follow", "wait", "wait_for_dag", "wait_for_watcher"]

_POLL_SECONDS = 0.4
_PARSE_SECONDS = 90.0
_LISTENING_SECONDS = 30.0


class ScenarioError(RuntimeError):
    """The story did not end well. The text has the reason and the end of the log that matters."""


def wait(stack: LocalStack, seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether something came true within some seconds, while all of the stack ran."""
    deadline = time.monotonic() + seconds
    while not condition():
        stack.check()
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def wait_for_dag(stack: LocalStack, dag_id: str) -> None:
    """Until Airflow knows a DAG.

    Raises:
        ScenarioError: it does not come up; tells Airflow's import errors.
    """

    def parsed_or_broken() -> bool:
        return stack.airflow.has_dag(dag_id) or bool(stack.airflow.import_errors())

    wait(stack, _PARSE_SECONDS, parsed_or_broken)
    if stack.airflow.has_dag(dag_id):
        return
    errors = "\n".join(f"{file}:\n{trace.rstrip()}" for file, trace in stack.airflow.import_errors())
    raise ScenarioError(
        f"Airflow does not know the DAG {dag_id}. "
        f"Its file may be missing or broken. See the error below and the log of the dag-processor.\n"
        f"{errors or tail(stack.supervisor.log_of('dag-processor'))}"
    )


def wait_for_watcher(stack: LocalStack, view: View) -> None:
    """Until the triggerer reads the queue; an upload before that is not lost but starts its run later."""
    log = stack.supervisor.log_of(TRIGGERER)

    def listening() -> bool:
        # Airflow names the trigger of a task by the task, and that of a watcher by its number only.
        return bool(re.search(r"trigger ID \d+ starting", log.read_text(errors="replace")))

    if not wait(stack, _LISTENING_SECONDS, listening):
        view.say("The triggerer has not said that it reads the queue; uploading all the same")


def follow(
    stack: LocalStack, view: View, dag_id: str, run: DagRun, since: datetime, seconds: float
) -> tuple[DagRun, list[Stage]]:
    """Show a run's progress until it has ended well.

    Parameters:
        since: Batch jobs made earlier are not shown.
        seconds: that the run may take.

    Returns:
        The run as it ended, and its stages.

    Raises:
        ScenarioError: it failed, or took too long.
    """
    batch = BatchProgress(stack.batch, since) if stack.options.with_emulator else None
    state = [run]
    stages: list[Stage] = []

    def ended() -> bool:
        state[0] = stack.airflow.dag_run(dag_id, run.run_id)
        instances = stack.airflow.task_instances(dag_id, run.run_id)
        stages[:] = airflow_stages(instances) + batch_stages(batch.tasks() if batch else [])
        view.progress(stages)
        return state[0].has_ended

    in_time = wait(stack, seconds, ended)
    view.end_progress()
    if not in_time:
        raise ScenarioError(
            f"The DAG run has not ended within {seconds:g} s. A task hangs, or the machine is slow. "
            f"See {stack.airflow.url}/dags/{dag_id}/runs/{run.run_id}\n{_task_log(stack, dag_id, run)}"
        )
    if state[0].state != "success":
        raise ScenarioError(
            f"The DAG run ended as {state[0].state}. "
            "The reason is in the log of the task that failed first.\n"
            f"{_task_log(stack, dag_id, run)}"
        )
    return state[0], stages


def _task_log(stack: LocalStack, dag_id: str, run: DagRun, lines: int = 40) -> str:
    """The end of the log of the first task that failed, or that is not done."""
    instances = stack.airflow.task_instances(dag_id, run.run_id)
    begun = [item for item in instances if item.start_date is not None and item.state != "success"]
    begun.sort(key=lambda item: (item.state != "failed", item.start_date))
    if not begun:
        return f"The scheduler's log ends:\n{tail(stack.supervisor.log_of('scheduler'))}"
    task = begun[0]
    text = stack.airflow.log(
        dag_id, run.run_id, task.task_id, try_number=task.try_number, map_index=task.map_index
    )
    end = "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
    return f"The log of task {task.task_id} ({task.state}) ends:\n{end}"
