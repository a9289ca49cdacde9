"""What the management plane tells, and what is made of its silence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.pools.account_limits import ask_limits
from airflow_batch_provider.client.pools.quotas import Machine, count_up

ACCOUNT = {"location": "westeurope", "properties": {"poolQuota": 100, "dedicatedCoreQuota": 20}}
SKUS = [{"name": "A", "familyName": "f", "capabilities": [{"name": "vCPUs", "value": "4"}]}]
POOL = {"vmSize": "a", "currentDedicatedNodes": 2}


def settings(**extra: str) -> BatchSettings:
    given = {"subscription_id": "s", "resource_group": "g", "auth_method": "default_credential", **extra}
    url, key = "https://acct.westeurope.batch.azure.com", "a2V5"
    return BatchSettings.from_connection("azurebatch", url, None, key, given)


def management(account: Any, skus: Any) -> Any:
    """A client that answers, or raises what it is given."""

    def answer(value: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return SimpleNamespace(
        batch_account=SimpleNamespace(get=lambda *_, **__: answer(account)),
        location=SimpleNamespace(list_supported_virtual_machine_skus=lambda *_, **__: answer(skus)),
    )


def refused() -> Exception:
    from azure.core.exceptions import HttpResponseError

    error = HttpResponseError("No.")
    error.error = SimpleNamespace(code="AuthorizationFailed")  # type: ignore[assignment]
    return error


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"resource_group": ""}, "names no subscription_id and resource_group"),
        ({"auth_method": "shared_key"}, "takes no account key"),
    ],
)
def test_who_cannot_ask_is_told_why_and_asks_nothing(extra: dict[str, str], words: str) -> None:
    def never() -> Any:
        raise AssertionError("asked")

    limits = ask_limits(settings(**extra), never)
    assert not limits.properties
    assert words in limits.unknown


def test_what_is_told_is_read() -> None:
    limits = ask_limits(settings(), lambda: management(ACCOUNT, SKUS))
    assert (limits.machines, limits.unknown) == ({"a": Machine(4, "f")}, "")
    assert str(count_up("acct", limits, [POOL])).startswith(
        "Quotas of account acct, in use: 8 of 20 dedicated cores"
    )


def test_a_refusal_names_the_role_that_is_missing() -> None:
    limits = ask_limits(settings(), lambda: management(refused(), SKUS))
    assert not limits.properties
    assert "AuthorizationFailed" in limits.unknown
    assert "role Reader on the account" in limits.unknown


def test_a_role_on_the_account_alone_shows_limits_and_no_cores() -> None:
    limits = ask_limits(settings(), lambda: management(ACCOUNT, refused()))
    quotas = count_up("acct", limits, [POOL])
    assert (quotas.dedicated_cores.limit, quotas.dedicated_cores.used) == (20, None)
    assert (quotas.pools.limit, quotas.pools.used) == (100, 1)
    assert "role Reader on the subscription" in quotas.unknown


def test_an_account_whose_cores_are_the_subscriptions_says_so() -> None:
    account = {**ACCOUNT, "properties": {"poolQuota": 100}}
    quotas = count_up("acct", ask_limits(settings(), lambda: management(account, SKUS)), [POOL])
    assert (quotas.dedicated_cores.limit, quotas.dedicated_cores.used) == (None, 8)
    assert "quotas of the subscription" in str(quotas)
