from __future__ import annotations

import pytest

from batch_emulator.events.disturbance import Disturbance


def test_undisturbed_messages_stay_as_they_are() -> None:
    assert Disturbance().apply([3, 1, 2]) == [3, 1, 2]


def test_every_message_twice() -> None:
    assert Disturbance(duplicate_rate=1.0).apply([1, 2]) == [1, 1, 2, 2]


def test_equal_seeds_disturb_equally_and_others_do_not() -> None:
    def run(seed: int) -> list[int]:
        return Disturbance(0.5, 0.5, seed).apply(range(40))

    assert run(7) == run(7)
    assert run(7) != run(8)


def test_what_is_held_back_comes_later_and_out_of_order() -> None:
    disturbance = Disturbance(disorder_rate=0.5, seed=1)
    pending, sent = list(range(100)), list[int]()
    for _ in range(100):
        batch = disturbance.apply(pending)
        sent += batch
        pending = [item for item in pending if item not in batch]
    assert pending == []
    assert sorted(sent) == list(range(100))
    assert sent != sorted(sent)


@pytest.mark.parametrize("rates", [(-0.1, 0.0), (1.1, 0.0), (0.0, 1.0), (0.0, -1.0)])
def test_impossible_rates_are_refused(rates: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="rate must be"):
        Disturbance(*rates)
