"""What the page of what is covered is made of speaks of things that are there."""

from __future__ import annotations

import pytest

from batch_emulator.differences import DIFFERENCES, Difference
from batch_emulator.rest.operations import OPERATION_NAMES
from tests.docs.coverage import operation_by_operation, property_by_property
from tests.docs.probing import places, refusals, settable


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda item: str(item.subject))
def test_a_difference_is_of_something_that_is_taken(difference: Difference) -> None:
    model, dot, name = difference.subject.partition(".")
    if not dot:
        assert model in OPERATION_NAMES
    else:
        assert name in settable(model)
        assert (model, name) not in refusals()
    assert difference.how
    assert difference.why


def test_every_operation_and_every_model_of_a_request_has_a_row() -> None:
    assert len(operation_by_operation()) == len(OPERATION_NAMES)
    assert len(property_by_property()) == len(places())
