"""What the sensors of this provider have in common: waiting in a worker or in the triggerer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.airflow_exceptions import AirflowSensorTimeout, AirflowSkipException
from airflow_batch_provider.exceptions import BatchConditionError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.shared_arguments import OF_TARGETS, CheckedArguments
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.task_arguments import SensorArguments
from airflow_batch_provider.typed_output import TypedOutput

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.client.watching.conditions import Condition, Reading


class BatchSensorArguments(SensorArguments, total=False):
    """What all sensors of this provider take."""

    conn_id: str
    deferrable: bool
    poll_interval: float
    end_from_trigger: bool


class AzureBatchSensor(CheckedArguments, TypedOutput, BaseSensorOperator):
    """Waits for a condition; each sensor says which.

    A look that fails for a reason that passes, such as throttling, is made again; it fails no task.

    Parameters:
        conn_id: id of the Airflow connection.
        deferrable: wait in the triggerer. Otherwise the worker waits, as ``mode`` and ``poke_interval`` say.
        poll_interval: ceiling of the time between two looks in the triggerer, in seconds; they are more
            frequent at first.
        end_from_trigger: when what is waited for has come, the triggerer ends the task: no worker has to be
            found for it. There is no XCom then: Airflow 3.3 would encode twice what a trigger gives. Needs
            ``deferrable``, and goes with no ``outlets`` and no ``post_execute``, which only a worker serves.

    Further parameters are those of ``BaseSensorOperator``: ``timeout`` and ``soft_fail`` hold in either way.

    Raises:
        BatchConditionError: what is waited for cannot come any more; not retried.
        AirflowSensorTimeout: ``timeout`` is over.
    """

    ui_color = "#e3e0f5"

    checks = kinds.extended(OF_TARGETS, end_from_trigger=kinds.flag)

    def __init__(
        self,
        *,
        conn_id: str = AzureBatchHook.default_conn_name,
        deferrable: bool = True,
        poll_interval: float = 15.0,
        end_from_trigger: bool = False,
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.end_from_trigger = end_from_trigger
        if end_from_trigger:
            self._check_end_from_trigger()
            self.do_xcom_push = False

    def condition(self) -> Condition:
        """What is waited for, once templates are rendered."""
        raise NotImplementedError

    @lasting
    def execute(self, context: Context) -> Any:
        """Look once, and wait if need be."""
        if not self.deferrable:
            return super().execute(context)
        try:
            done = self.poke(context)
        except BatchConditionError as error:
            # After a wait Airflow itself does this.
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException(f"Skipped instead of failed: {error}") from error
            raise
        if not done:
            self._defer()
        return done.xcom_value

    def _defer(self) -> NoReturn:
        from airflow_batch_provider.client.watching.conditions import to_plain
        from airflow_batch_provider.triggers.condition import AzureBatchConditionTrigger

        deadline = time.time() + float(self.timeout)
        trigger = AzureBatchConditionTrigger(
            self.conn_id,
            to_plain(self.condition()),
            deadline,
            self.poll_interval,
            self.end_from_trigger,
        )
        self.defer(trigger=trigger, method_name="resume")

    @lasting
    def resume(self, context: Context, event: Mapping[str, Any] | str) -> Any:
        """Go on after a wait in the triggerer."""
        if isinstance(event, str):  # ``dag.test()`` resumes where a triggerer would have ended the task.
            return self.poke(context).xcom_value
        if event["status"] == "failed":
            self._fail(str(event["message"]))
        if event["status"] == "timeout":
            raise AirflowSensorTimeout(
                f"The sensor's timeout of {self.timeout:.0f} seconds is over. Last seen: {event['message']}"
            )
        return event["value"]

    @lasting
    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        from airflow_batch_provider.client.requests.steps import Refusal
        from airflow_batch_provider.client.watching.conditions import explain_refusal

        condition = self.condition()
        try:
            reading: Reading = condition.judge(condition.subject.see(self._client(condition)))  # type: ignore[arg-type] # subject and condition belong together
        except Refusal as refusal:
            if not refusal.transient:
                self._fail(explain_refusal(refusal, condition))
            self.log.warning("A look failed and is repeated: %s", refusal)
            return PokeReturnValue(is_done=False)
        if reading.status == "failed":
            self._fail(str(reading.explanation))
        if reading.status == "wait":
            self.log.info("Waiting: %s", reading.line)
        return PokeReturnValue(is_done=reading.status == "met", xcom_value=reading.value)

    def _client(self, condition: Condition) -> Any:
        hook = AzureBatchHook(self.conn_id)
        return hook.storage().blob_client() if condition.kind == "blob" else hook.batch_client()

    def _check_end_from_trigger(self) -> None:
        needs_worker = [
            what
            for what, given in (
                ("deferrable=False", not self.deferrable),
                ("outlets", self.outlets),
                ("post_execute", self._post_execute_hook),
            )
            if given
        ]
        if needs_worker:
            raise SpecError(
                f"end_from_trigger is set beside {' and '.join(needs_worker)}, for which a worker is needed",
                where=f"task {self.task_id!r}",
                right="Leave one of them out.",
            )

    def _fail(self, text: str) -> NoReturn:
        raise BatchConditionError(text)
