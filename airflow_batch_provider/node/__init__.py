"""What a function of ``@task.azure_batch`` can import on its node, where Airflow is not installed.

This file goes there with every call: Python 3.8 or newer, standard library only.
"""


class AirflowSkipException(Exception):  # noqa: N818 - as Airflow names it
    """Raised by a function: Airflow skips the task, as by its own exception of this name.

    Parameters:
        args: the reason, for the log.
    """


class AirflowFailException(Exception):  # noqa: N818 - as Airflow names it
    """Raised by a function: Airflow fails the task without another try, as by its own exception of this name.

    Parameters:
        args: the reason, for the log.
    """
