"""What a pool needs to run tasks in containers: images to fetch beforehand, and registries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_batch_provider.spec.checks import check_choice, check_records, check_texts
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.values import identity_wire, present


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A private container registry, and how nodes log in there.

    Parameters:
        server: such as ``example.azurecr.io``.
        identity: ARM id of a managed identity that may pull there; it is added to the pool's.
        username, password: instead of an identity. The password is in no log and no fingerprint; take it from
            an Airflow connection: ``"{{ conn.registry.password }}"``.
    """

    server: str
    identity: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        where = f"registry {self.server!r}"
        check_texts(where, server=self.server)
        if bool(self.identity) == bool(self.username) or bool(self.username) != bool(self.password):
            raise SpecError(
                "it says no way to log in, or two",
                where=where,
                right="Give identity=<ARM id>, or username= and password=.",
            )

    def to_wire(self) -> dict[str, Any]:
        """The wire model ContainerRegistryReference."""
        return present(
            {
                "registryServer": self.server,
                "identityReference": identity_wire(self.identity),
                "username": self.username,
                "password": self.password,
            }
        )


@dataclass(frozen=True, kw_only=True)
class Containers:
    """Lets a pool run tasks in containers. Its image must have a container runtime.

    Parameters:
        images: fetched on every node before it takes tasks, so that no task waits for them.
        registries: private registries; tasks may use images from there as well.
        kind: ``docker`` or ``cri``.
    """

    images: Sequence[str] = ()
    registries: Sequence[Registry] = ()
    kind: Literal["docker", "cri"] = "docker"

    def __post_init__(self) -> None:
        where = "containers of a pool"
        if isinstance(self.images, str):
            raise SpecError(
                f"images is the text {self.images!r}", where=where, right=f"Write [{self.images!r}]."
            )
        check_records(self.registries, Registry, what="registries", where=where)
        check_choice(self.kind, ("docker", "cri"), what="kind", where=where)

    @property
    def identities(self) -> list[str]:
        """ARM ids of the identities that it needs."""
        return [registry.identity for registry in self.registries if registry.identity]

    def to_wire(self) -> dict[str, Any]:
        """The wire model BatchContainerConfiguration."""
        return present(
            {
                "type": f"{self.kind}Compatible",
                "containerImageNames": list(self.images),
                "containerRegistries": [registry.to_wire() for registry in self.registries],
            }
        )
