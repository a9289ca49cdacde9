"""What the service adds to a refusal, in what people read of it."""

from __future__ import annotations

import pytest

from airflow_batch_provider.client.requests.error_values import with_values

SAS = "https://a.blob.core.windows.net/c/a.mp4?sv=1&sig=c2VjcmV0"


def test_the_property_its_value_and_the_reason_are_told() -> None:
    values = [("PropertyName", "priority"), ("PropertyValue", "1001"), ("Reason", "It must be 1000 at most.")]
    assert with_values("A value is invalid.", values) == (
        "A value is invalid. (PropertyName: priority; PropertyValue: 1001; Reason: It must be 1000 at most.)"
    )


def test_a_message_without_values_is_left_as_it_is() -> None:
    assert with_values("No.", []) == "No."
    assert with_values("No.", [("Reason", None)]) == "No."


@pytest.mark.parametrize(
    "name",
    [
        "mountConfiguration[0].azureFileShareConfiguration.accountKey",
        "containerConfiguration.containerRegistries[0].password",
        "userAccounts[0].linuxUserConfiguration.sshPrivateKey",
        "environmentSettings[0].value",
        "metadata[0].value",
        "commandLine",
        "",
    ],
)
def test_a_value_that_may_be_a_secret_is_hidden_wherever_it_is_told(name: str) -> None:
    values = [("PropertyName", name), ("PropertyValue", "hunter22"), ("Reason", "'hunter22' is too short")]
    told = with_values("A value is invalid.", values)
    assert "hunter22" not in told
    assert "too short" in told


def test_a_whole_part_of_the_request_is_hidden() -> None:
    values = [("PropertyName", "pool"), ("PropertyValue", '{"userAccounts": [{"password": "x1y2"}]}')]
    assert with_values("No.", values) == "No. (PropertyName: pool)"


def test_a_signature_is_struck_from_all_of_it() -> None:
    told = with_values(f"Not {SAS}", [("PropertyName", "httpUrl"), ("PropertyValue", SAS), ("Reason", SAS)])
    assert "c2VjcmV0" not in told
    assert told.count("a.mp4") == 3


def test_what_the_service_signed_is_not_told() -> None:
    assert with_values("No.", [("AuthenticationErrorDetail", "The MAC signature 'abc' is wrong")]) == "No."
