"""What the operators that change the state of a job or job schedule have in common."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import Text, given, text
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.shared_arguments import OF_TARGETS, CheckedArguments
from airflow_batch_provider.task_arguments import TaskArguments

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack


class StateChangeArguments(TaskArguments, total=False):
    """What all operators that change a state take."""

    conn_id: str
    wait: bool
    timeout: timedelta
    deferrable: bool


class StateChangeOperator(CheckedArguments, BaseOperator):
    """Asks for a change of state and waits for it, in the triggerer unless told otherwise.

    A change that is there already, or that was asked for by an earlier try, is a success: the log says so.

    Parameters:
        conn_id: id of the Airflow connection.
        wait: until the service has carried the change out. Without it the request is made, and no more.
        timeout: longest wait.
        deferrable: wait in the triggerer instead of in a worker.

    Raises:
        BatchRequestError: the change is not possible, also since the job or schedule was ended or deleted
            while it was waited for; or the service refused it.
        BatchJobTimeoutError: it was asked for, and not carried out in time.
    """

    change: ClassVar[str]
    """Name of the change in ``client.jobs.lifecycle.CHANGES``."""
    target_field: ClassVar[str] = "job_id"
    """Name of the field that holds the id."""

    checks = kinds.extended(OF_TARGETS, timeout=kinds.wait)
    template_fields: Sequence[str] = ("job_id", "conn_id")
    ui_color = "#cfe8d8"

    def __init__(
        self,
        *,
        conn_id: str = AzureBatchHook.default_conn_name,
        wait: bool = True,
        timeout: timedelta = timedelta(minutes=30),
        deferrable: bool = True,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.wait = wait
        self.timeout = timeout
        self.deferrable = deferrable

    @property
    def target_id(self) -> str:
        """Id of the job or schedule.

        Raises:
            SpecError: none has come out of the template or the other task's output.
        """
        return given(getattr(self, self.target_field), self.target_field, self.task_id)

    def body(self) -> Mapping[str, Any] | None:
        """What the request says beside."""
        return None

    @lasting
    def execute(self, context: Context) -> None:
        """Ask for the change, and wait for it."""
        from airflow_batch_provider.client.jobs.lifecycle import CHANGES, request_change, wait_for_change
        from airflow_batch_provider.client.jobs.named import named
        from airflow_batch_provider.client.requests.drive import Driver, log_to
        from airflow_batch_provider.client.watching.looker import Looker
        from airflow_batch_provider.triggers.state_change import AzureBatchStateChangeTrigger

        client = AzureBatchHook(self.conn_id).batch_client()
        driver = Driver(client, log_to(self.log))
        noun = CHANGES[self.change].noun.removeprefix("Batch ")
        with named(driver, f"{type(self).__name__} of {self.target_id}", self.target_id, noun):
            done = driver.run(request_change(self.change, self.target_id, self.body()))
        if done or not self.wait:
            return
        deadline = time.time() + self.timeout.total_seconds()
        if self.deferrable:
            self.defer(
                trigger=AzureBatchStateChangeTrigger(self.conn_id, self.change, self.target_id, deadline),
                method_name="execute_complete",
            )
        watcher = Driver(client, log_to(self.log), look=Looker(driver, time.sleep))
        self._judge(watcher.run(wait_for_change(self.change, self.target_id, deadline, time.time)))

    @lasting
    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> None:
        """Go on after the wait in the triggerer."""
        self._judge(str(event["state"]))

    def _judge(self, state: str) -> None:
        from airflow_batch_provider.client.jobs.lifecycle import CHANGES, state_in_words
        from airflow_batch_provider.exceptions import BatchJobTimeoutError, BatchRequestError

        change = CHANGES[self.change]
        if state in change.settled:
            return
        if state in change.lost:
            raise BatchRequestError(
                f"{change.noun} {self.target_id} {state_in_words(state)}: it cannot be {change.verb}d any "
                "more.\nLikely cause: it was ended or deleted while this task waited, by its time limit, its "
                "last task, or by somebody.\n"
                "Next step: if its work is not done, submit it anew: clear the Airflow task that made it."
            )
        raise BatchJobTimeoutError(
            f"{change.noun} {self.target_id} is {state} and not yet as asked for ({change.verb}) after "
            f"{self.timeout}.\n"
            "Likely cause: running tasks or release tasks take their time to end.\n"
            "Next step: let Airflow retry, which goes on waiting; raise timeout if that is usual."
        )


class ScheduleChangeOperator(StateChangeOperator):
    """Asks for a change of state of a job schedule.

    Parameters:
        schedule_id: the job schedule.
        conn_id, wait, timeout, deferrable: see :class:`StateChangeOperator`.
    """

    target_field = "schedule_id"

    template_fields: Sequence[str] = ("schedule_id", "conn_id")

    def __init__(self, *, schedule_id: Text, **kwargs: Unpack[StateChangeArguments]) -> None:
        super().__init__(**kwargs)
        self.schedule_id = text(schedule_id)
        self.check_arguments()
