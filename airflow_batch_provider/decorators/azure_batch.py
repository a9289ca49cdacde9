"""``@task.azure_batch``: a Python function that runs on a Batch node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

from airflow.sdk.bases.decorator import task_decorator_factory

from airflow_batch_provider.arguments import PoolOfJob
from airflow_batch_provider.decorators.function_operator import AzureBatchDecoratedOperator, Serializer
from airflow_batch_provider.shared_arguments import OF_FUNCTIONS, check_shared
from airflow_batch_provider.spec.files import Inputs
from airflow_batch_provider.spec.task_container import Container
from airflow_batch_provider.task_arguments import DecoratorArguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["BatchFunction", "FunctionArguments", "azure_batch_task"]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class FunctionArguments(DecoratorArguments, total=False):
    """Arguments of :func:`azure_batch_task`, which ``.override()`` takes too."""

    pool_id: PoolOfJob
    requirements: Sequence[str] | None
    python: str | None
    python_version: str | None
    container: Container | str | None
    serializer: Serializer | None
    inputs: Inputs | None
    environment: Mapping[str, str] | None
    required_slots: int | None
    timeout: timedelta | None
    start_timeout: timedelta | None
    max_wall_clock: timedelta | None
    priority: int | None
    xcom_bytes: int | None
    work_container: str | None
    conn_id: str | None
    namespace: str | None
    deferrable: bool | None
    poll_interval: float | None


class BatchFunction(Protocol[P, R_co]):
    """A decorated function, as a type checker knows it: called in a DAG, it makes an Airflow task.

    Made by :func:`azure_batch_task`. A call is checked against the function's own parameters. What it gives
    is Airflow's ``XComArg``, typed so that it goes into whatever takes the value that it will be.
    """

    @property
    def function(self) -> Callable[P, R_co]:
        """The function itself, such as for a unit test."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Make the task."""

    def partial(self, **kwargs: Any) -> BatchFunction[P, R_co]:
        """Give the arguments that all instances of a mapped task share.

        Parameters:
            kwargs: arguments of the function.

        Returns:
            The function, to be called with ``expand`` or ``expand_kwargs``.
        """

    def expand(self, **kwargs: Any) -> Any:
        """Map the task over lists, or over outputs that will be lists; all instances are one Batch job.

        Parameters:
            kwargs: argument of the function -> its values.

        Returns:
            The list of results, as an ``XComArg``.
        """

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> Any:
        """Map the task over a list of argument dictionaries.

        Parameters:
            kwargs: the list, or an output that will be one.
            strict: refuse arguments that the function does not have.

        Returns:
            The list of results, as an ``XComArg``.
        """

    def override(self, **kwargs: Unpack[FunctionArguments]) -> BatchFunction[P, R_co]:
        """The same function with other options.

        Parameters:
            kwargs: options of :func:`azure_batch_task`.

        Returns:
            The function with these options.
        """


def azure_batch_task(
    python_callable: Callable[..., Any] | None = None,
    *,
    pool_id: PoolOfJob,
    requirements: Sequence[str] | None = None,
    python: str | None = None,
    python_version: str | None = None,
    container: Container | str | None = None,
    serializer: Serializer | None = None,
    inputs: Inputs | None = None,
    environment: Mapping[str, str] | None = None,
    required_slots: int | None = None,
    timeout: timedelta | None = None,
    start_timeout: timedelta | None = None,
    max_wall_clock: timedelta | None = None,
    priority: int | None = None,
    xcom_bytes: int | None = None,
    work_container: str | None = None,
    conn_id: str | None = None,
    namespace: str | None = None,
    deferrable: bool | None = None,
    poll_interval: float | None = None,
    **kwargs: Unpack[DecoratorArguments],
) -> Callable[[Callable[P, R_co]], BatchFunction[P, R_co]]:
    """Run the decorated function on a Batch node: ``@task.azure_batch(pool_id=...)``.

    The function's source goes to the node, its arguments and its return value are pickled. It sees none of
    the DAG file: import within it. Of Airflow's context it is given what it names among its parameters.
    What it prints and logs is in the Airflow log, and what it raises is raised in Airflow.

    By ``.expand()`` all instances are tasks of one Batch job.

    Returns (XCom): what the function returns; of more than ``xcom_bytes``, or of a kind that XCom does not
    take (such as ``bytes``), a reference, which another function of this kind is given as what it stands for,
    and :func:`~airflow_batch_provider.decorators.results.load_result` reads on a worker.

    Parameters:
        python_callable: the function; given by Airflow.
        pool_id: the pool that runs it, or ``AutoPool(Pool(...))``: a pool that the service makes for the job
            of all its instances and deletes with it.
        requirements: packages that are installed by uv into an environment of the task. uv itself is
            installed on a node that lacks it. None: the node's Python as it is.
        python: command of Python on the node or in the image (``python3``), 3.8 or newer.
        python_version: version of Python, such as ``3.12``, that uv brings if the node lacks it.
        container: image to run in instead, on a pool for containers.
        serializer: ``pickle``, or ``cloudpickle`` or ``dill``, which must be installed on both sides.
        inputs: further files: path in the working directory -> blob.
        environment: variables of the function's process.
        required_slots: task slots of the node that it takes.
        timeout: how long the function may run (24 hours).
        start_timeout: how long its start, so a free node, is waited for (``max_wall_clock``). With
            ``execution_timeout``, start and run share that.
        max_wall_clock: how long the job may take, waiting for nodes included (24 hours).
        priority: of the job.
        xcom_bytes: largest result, pickled, that becomes the XCom itself (48,000).
        work_container: container of the connection's storage account for payloads, results and logs.
        conn_id: id of the Airflow connection; it must name a storage account.
        namespace: goes into the job id, for deployments that share a Batch account.
        deferrable: wait in the triggerer instead of in a worker.
        poll_interval: longest time between two looks, in seconds.
        kwargs: anything else that an Airflow task takes, such as ``retries`` and ``multiple_outputs``.

    Raises:
        SpecError: parameters that cannot work; at DAG parse.
    """
    given = {
        "requirements": requirements,
        "python": python,
        "python_version": python_version,
        "container": container,
        "serializer": serializer,
        "inputs": inputs,
        "environment": environment,
        "required_slots": required_slots,
        "timeout": timeout,
        "start_timeout": start_timeout,
        "max_wall_clock": max_wall_clock,
        "priority": priority,
        "xcom_bytes": xcom_bytes,
        "work_container": work_container,
        "conn_id": conn_id,
        "namespace": namespace,
        "deferrable": deferrable,
        "poll_interval": poll_interval,
    }
    # What is not given is left out, so that the DAG's default_args hold.
    given = {name: value for name, value in given.items() if value is not None}
    task_id = kwargs.get("task_id")
    where = f"task {task_id!r}" if task_id else "task.azure_batch"
    check_shared({"pool_id": pool_id, **given}, where, OF_FUNCTIONS)
    made = task_decorator_factory(
        python_callable,
        decorated_operator_class=AzureBatchDecoratedOperator,
        pool_id=pool_id,
        **given,
        **kwargs,
    )
    return cast("Callable[[Callable[P, R_co]], BatchFunction[P, R_co]]", made)
