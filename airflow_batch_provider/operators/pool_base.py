"""What all operators on a pool share: asking for something, and waiting for what comes of it."""

from __future__ import annotations

import datetime as dt
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow.sdk import BaseOperator

from airflow_batch_provider import spec
from airflow_batch_provider.arguments import Text, given, text
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.masking import seal
from airflow_batch_provider.shared_arguments import OF_TARGETS, CheckedArguments
from airflow_batch_provider.spec.checks import rendered
from airflow_batch_provider.task_arguments import TaskArguments
from airflow_batch_provider.typed_output import TypedOutput

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.client.pools.pool_check import PoolCheck
    from airflow_batch_provider.client.pools.pool_reading import Verdict, WaitFor
    from airflow_batch_provider.client.pools.pool_watch import PoolWait
    from airflow_batch_provider.client.requests.steps import Script
    from airflow_batch_provider.exceptions import BatchPoolError

T = TypeVar("T")

DEALLOCATION = ("requeue", "taskcompletion", "terminate")
"""What becomes of the tasks of a node that leaves or starts again."""


class PoolArguments(TaskArguments, total=False):
    """What all operators on a pool take."""

    conn_id: str
    wait_timeout: dt.timedelta
    deferrable: bool


class PoolActionOperator(CheckedArguments, TypedOutput, BaseOperator):
    """Ask for something about a pool, and wait for it in the triggerer or in the worker.

    What is asked for is compared with what is there first: whoever takes over from a worker that died asks
    for nothing twice.

    Parameters:
        conn_id: id of the Airflow connection.
        wait_timeout: longest wait, for everything together.
        deferrable: wait in the triggerer instead of in a worker.
    """

    template_fields: Sequence[str] = ("conn_id",)
    ui_color = "#d5e8fb"

    checks = OF_TARGETS

    waits_before: ClassVar[WaitFor] = "settled"
    """What is waited for while the action is not possible yet; never the same as what follows it."""

    def __init__(
        self,
        *,
        conn_id: str = AzureBatchHook.default_conn_name,
        wait_timeout: dt.timedelta = dt.timedelta(hours=1),
        deferrable: bool = True,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.wait_timeout = wait_timeout
        self.deferrable = deferrable

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Render text wherever it is in a pool or a scale; all else as Airflow does."""
        if isinstance(content, (spec.Pool, spec.AutoScale)):
            return rendered(
                content,
                lambda text: str(super(PoolActionOperator, self).render_template(text, context, jinja_env)),
            )
        return super().render_template(content, context, jinja_env, seen_oids)

    @lasting
    def execute(self, context: Context) -> str:
        """Ask, and wait; gives the pool's id."""
        return self._go_on(time.time() + self.wait_timeout.total_seconds(), again=False)

    @lasting
    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> str:
        """Go on after a wait in the triggerer."""
        for warning in event["warnings"]:
            self.log.warning("%s", warning)
        if event["status"] != "ready":
            raise failure(str(event["message"]), bool(event["fatal"]), str(event.get("layer", "")))
        if event["wait_for"] == self.waits_before:
            return self._go_on(float(event["deadline"]), again=True)
        return self._target

    @property
    @abstractmethod
    def _target(self) -> str:
        """The pool's id."""

    @abstractmethod
    def _act(self, again: bool) -> bool:
        """Ask for what the operator is for.

        Parameters:
            again: whether it was tried before and ``waits_before`` has come since.

        Returns:
            False: not possible yet, or not done yet: wait for ``waits_before``, and try again.
        """

    @property
    def _declared(self) -> spec.Pool | None:
        """The pool's declaration, which may hold secrets; None: this operator has none."""
        return None

    def _awaited(self, deadline: float) -> PoolWait | None:
        """What is waited for afterwards; None: nothing."""
        return None

    def _go_on(self, deadline: float, *, again: bool) -> str:
        from airflow_batch_provider.client.pools.pool_watch import PoolWait

        while not self._act(again):
            self._wait(PoolWait(self._target, self.waits_before, 0, deadline))
            again = True
        if (wait := self._awaited(deadline)) is not None:
            self._wait(wait)
        return self._target

    def _wait(self, wait: PoolWait) -> None:
        """Wait in this worker; or be deferred, and come back in ``execute_complete``."""
        from airflow_batch_provider.client.pools.pool_watch import look_at_pool, watch_pool
        from airflow_batch_provider.triggers.pool import AzureBatchPoolTrigger

        # Most often the pool is as wanted already, and a deferral would take longer than the look.
        verdict: Verdict
        verdict, _ = self._carry_out(look_at_pool(wait))
        if verdict.status == "wait" and self.deferrable:
            trigger = AzureBatchPoolTrigger(
                self.conn_id,
                wait.pool_id,
                wait.wait_for,
                wait.min_nodes,
                wait.deadline,
                wait.boots,
                seal(self._declared),
            )
            self.defer(trigger=trigger, method_name="execute_complete")
        if verdict.status == "wait":
            verdict = self._carry_out(watch_pool(wait))
        for warning in verdict.warnings:
            self.log.warning("%s", warning)
        if verdict.status != "ready":
            raise failure(str(verdict.explanation or ""), verdict.fatal, verdict.layer)

    def _carry_out(self, script: Script[T]) -> T:
        """Run a script with the synchronous client.

        Raises:
            BatchPoolError: the service refused; explained.
        """
        from airflow_batch_provider.client.pools.pool_refusals import explain_refusal
        from airflow_batch_provider.client.pools.pools import PoolError
        from airflow_batch_provider.client.requests.drive import Driver, log_to
        from airflow_batch_provider.client.requests.steps import Refusal

        try:
            return Driver(self._hook.batch_client(), log_to(self.log)).run(script)
        except Refusal as refusal:
            explanation, fatal = explain_refusal(refusal, self._target)
            raise failure(str(explanation), fatal) from None
        except PoolError as problem:
            raise failure(str(problem), problem.fatal, problem.layer) from None

    @property
    def _limits(self) -> PoolCheck:
        """Compares with what the account can have."""
        from airflow_batch_provider.client.pools.pool_check import PoolCheck

        way_out = "check_limits=False of the operator asks the service all the same."
        return PoolCheck(self._hook.settings, self._hook.management_client, way_out)

    @cached_property
    def _hook(self) -> AzureBatchHook:
        return AzureBatchHook(self.conn_id)


class NamedPoolOperator(PoolActionOperator):
    """An action on a pool by its id alone, whoever made it.

    Parameters:
        pool_id: the pool; templated, and may be the output of another task.
        conn_id, wait_timeout, deferrable: as above.
    """

    template_fields: Sequence[str] = ("pool_id", "conn_id")

    def __init__(self, *, pool_id: Text, **kwargs: Unpack[PoolArguments]) -> None:
        super().__init__(**kwargs)
        self.pool_id = text(pool_id)
        self.check_arguments()

    @property
    def _target(self) -> str:
        return self.pool_id

    @lasting
    def execute(self, context: Context) -> str:
        """Ask, and wait; gives the pool's id."""
        given(self.pool_id, "pool_id", self.task_id)
        return super().execute(context)


def failure(message: str, fatal: bool, layer: str = "") -> BatchPoolError:
    """A failure that is retried, or one that is not because a retry cannot help."""
    from airflow_batch_provider.exceptions import BatchPoolError, BatchPoolHopelessError

    kind = BatchPoolHopelessError if fatal else BatchPoolError
    return kind(message, layer=layer)
