"""The name under which Airflow's processes on this machine find each other."""

__all__ = ["loopback"]


def loopback() -> str:
    """For `[core] hostname_callable`."""
    return "127.0.0.1"
