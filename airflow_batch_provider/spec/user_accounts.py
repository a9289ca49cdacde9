"""User accounts that a pool's nodes have, for tasks that run as one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_batch_provider.spec.checks import Count, check_choice, check_count, check_texts
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.values import present


@dataclass(frozen=True, kw_only=True)
class UserAccount:
    """An account on every node.

    Parameters:
        name: at most 20 characters on Windows.
        password: in no log and no fingerprint; take it from an Airflow connection, by Jinja.
        admin: with administrator rights.
        uid, gid: on Linux, both or neither.
        ssh_private_key: on Linux, so that nodes of a multi-instance task log in to each other; also secret.
        login: on Windows: ``batch`` or ``interactive``.
    """

    name: str
    password: str = field(repr=False)
    admin: bool = False
    uid: Count | None = None
    gid: Count | None = None
    ssh_private_key: str | None = field(default=None, repr=False)
    login: Literal["batch", "interactive"] | None = None

    def __post_init__(self) -> None:
        where = f"user account {self.name!r}"
        check_texts(where, name=self.name, password=self.password)
        if (self.uid is None) != (self.gid is None):
            raise SpecError("uid and gid go together", where=where, right="Give both, or neither.")
        for name in ("uid", "gid"):
            if (value := getattr(self, name)) is not None:
                check_count(value, 0, 2**31 - 1, where=f"{name} of {where}")
        check_choice(self.login, (None, "batch", "interactive"), what="login", where=where)

    def to_wire(self) -> dict[str, Any]:
        """The wire model UserAccount."""
        linux = present({"uid": self.uid, "gid": self.gid, "sshPrivateKey": self.ssh_private_key})
        return present(
            {
                "name": self.name,
                "password": self.password,
                "elevationLevel": "admin" if self.admin else "nonadmin",
                "linuxUserConfiguration": linux or None,
                "windowsUserConfiguration": {"loginMode": self.login} if self.login else None,
            }
        )
