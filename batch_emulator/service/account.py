"""The Batch account: its name, where it lies, and what it may use."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Quotas:
    """What an account may use. The defaults are generous, since nothing here costs money.

    Source: *Batch service quotas and limits*.

    :param dedicated_cores_per_series: series of VM sizes (``standardDSv3Family``) and their cores; a series
        that is not named has no quota of its own.
    """

    pools: int = 1_000
    active_jobs_and_schedules: int = 10_000
    dedicated_cores: int = 10_000
    low_priority_cores: int = 10_000
    dedicated_cores_per_series: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Account:
    """A Batch account.

    :param has_linked_storage: application packages need an account with linked ("auto") storage.
    :param azure_resources: ids, in lower case, of the subnets, public IP addresses and images that pools may
        name, as if they were there.
    :param has_windows_nodes: whether pools of Windows images get nodes.
    """

    name: str
    subscription_id: str = "00000000-0000-0000-0000-000000000000"
    resource_group: str = "local"
    location: str = "local"
    quotas: Quotas = field(default_factory=Quotas)
    has_linked_storage: bool = True
    azure_resources: frozenset[str] = frozenset()
    has_windows_nodes: bool = False

    @property
    def resource_id(self) -> str:
        """The full id of the account in the management plane."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.Batch/batchAccounts/{self.name}"
        )
