"""What a run asks for and its pool has not got."""

from __future__ import annotations

import pytest

from batch_emulator.service.tasks.fitness import unfit
from tests.batch_emulator.nodes.builders import a_run

NAMED = {"userIdentity": {"username": "Carol"}}


@pytest.mark.parametrize("kind", ["task", "start", "preparation", "release"])
def test_a_named_user_is_one_of_the_pools_accounts(kind: str) -> None:
    assert unfit(a_run(kind=kind)) is None
    assert unfit(a_run(kind=kind, spec=NAMED, pool_user_accounts=("bob", "carol"))) is None
    failure = unfit(a_run(kind=kind, spec=NAMED, pool_user_accounts=("bob",)))
    assert failure is not None
    assert (failure.code, failure.category) == ("UserAccountNotFound", "usererror")
    assert ("UserName", "Carol") in failure.details


def test_containers_need_a_pool_that_has_them() -> None:
    failure = unfit(a_run(spec={"containerSettings": {"imageName": "x"}}))
    assert failure is not None
    assert failure.code == "ContainerPoolNotSupported"
