"""Secrets told apart in what tasks are given, and handed over by Airflow's key."""

from __future__ import annotations

import logging
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from airflow.sdk._shared.secrets_masker import reset_secrets_masker
from airflow.sdk.log import mask_secret
from cryptography.fernet import Fernet

from airflow_batch_provider.masking import masked, seal, texts_in, unseal

try:
    from airflow.sdk.crypto import get_fernet
except ImportError:  # Airflow 3.1
    from airflow.models.crypto import get_fernet


@dataclass(frozen=True)
class Record:
    text: str
    more: Any = None


class Plain:
    def __init__(self) -> None:
        self.inner, self.me = Record("within"), self


@pytest.fixture(autouse=True)
def only_own_secrets() -> Iterator[None]:
    reset_secrets_masker()
    yield
    reset_secrets_masker()


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets Airflow's Fernet key."""

    def use(text: str) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", text)
        forget()

    def forget() -> None:
        if (clear := getattr(get_fernet, "cache_clear", None)) is not None:
            clear()
        else:  # Airflow 3.1
            monkeypatch.setattr("airflow.models.crypto._fernet", None)

    yield use
    forget()


def test_looking_for_texts_in_many_numbers_takes_no_memory() -> None:
    many = [list(range(100_000)), "last"]
    tracemalloc.start()
    try:
        assert list(texts_in(many)) == ["last"]
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_texts_are_found_wherever_they_are_and_each_object_once() -> None:
    given = [{"key": ("value", {3, "set"})}, Record("text", [Record("deep")]), Plain(), len, None, b"no"]
    assert sorted(texts_in(given)) == ["deep", "key", "set", "text", "value", "within"]


async def test_what_is_secret_goes_encrypted_and_is_masked_where_it_arrives(
    key: Callable[[str], None],
) -> None:
    key(Fernet.generate_key().decode())
    mask_secret("hunter22")
    mask_secret('{"inner": "hunter22"}')
    mask_secret("elsewhere")
    sealed = seal(Record('x={"inner": "hunter22"}'))
    assert sealed
    assert "hunter22" not in sealed
    assert seal(Record("nothing")) == ""
    reset_secrets_masker()
    assert masked("hunter22") == "hunter22"
    assert await unseal(sealed, logging.getLogger())
    assert masked("a hunter22 elsewhere") == "a *** elsewhere"


@pytest.mark.parametrize("bad", ["", "no key"])
async def test_without_a_key_of_airflow_s_nothing_is_handed_over(
    key: Callable[[str], None], bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    key(bad)
    mask_secret("hunter22")
    sealed = seal("hunter22")
    assert sealed is None
    assert not await unseal(sealed, logging.getLogger("shown"))
    assert "deferrable=False" in caplog.text


async def test_another_key_opens_nothing(
    key: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    key(Fernet.generate_key().decode())
    mask_secret("hunter22")
    sealed = seal("hunter22")
    key(Fernet.generate_key().decode())
    assert not await unseal(sealed, logging.getLogger("shown"))
    assert "fernet_key" in caplog.text


async def test_up_to_airflow_3_2_the_process_that_writes_the_log_is_told_too(
    monkeypatch: pytest.MonkeyPatch, key: Callable[[str], None]
) -> None:
    from airflow.sdk import log
    from airflow.sdk.execution_time import task_runner

    told: list[Any] = []

    class Supervisor:
        async def asend(self, message: Any) -> None:
            told.append(message.value)

        def send(self, message: Any) -> None:
            raise RuntimeError("not in an event loop")

    monkeypatch.delattr(log, "amask_secret", raising=False)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Supervisor(), raising=False)
    key(Fernet.generate_key().decode())
    mask_secret("hunter22")
    assert await unseal(seal("hunter22"), logging.getLogger())
    assert told == [["hunter22"]]
