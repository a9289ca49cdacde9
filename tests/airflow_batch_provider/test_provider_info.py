"""Provider info: valid by Airflow's own schemas, and its form names what the settings read."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

import airflow
import jsonschema

import airflow_batch_provider
from airflow_batch_provider.client.connect.identity import AuthMethod
from airflow_batch_provider.client.connect.settings import CONN_TYPE, EXTRA_FIELDS
from airflow_batch_provider.connection_form import CONNECTION_TYPE
from airflow_batch_provider.hooks.batch import AzureBatchHook
from tests.airflow_batch_provider.airflow_versions import needs_airflow_33

AIRFLOW = Path(airflow.__file__).parent


def test_provider_info_is_valid_by_airflows_schema() -> None:
    schema = json.loads((AIRFLOW / "provider_info.schema.json").read_text())
    jsonschema.validate(airflow_batch_provider.get_provider_info(), schema)


def test_the_entry_point_of_the_distribution_gives_it() -> None:
    (point,) = [
        point
        for point in entry_points(group="apache_airflow_provider")
        if point.value.startswith("airflow_batch_provider")
    ]
    info = point.load()()
    assert point.dist is not None
    assert info["package-name"] == point.dist.metadata["Name"]
    assert info["versions"] == [airflow_batch_provider.__version__]


def test_the_field_behaviour_is_valid_by_airflows_schema() -> None:
    schema = json.loads((AIRFLOW / "customized_form_field_behaviours.schema.json").read_text())
    behaviour = CONNECTION_TYPE["ui-field-behaviour"]
    jsonschema.validate(
        {
            "hidden_fields": behaviour["hidden-fields"],
            "relabeling": behaviour["relabeling"],
            "placeholders": behaviour["placeholders"],
        },
        schema,
    )


def test_the_form_has_a_field_for_every_extra_that_is_read() -> None:
    # The account URL has the standard field Host; as an extra it is for official connections.
    assert set(CONNECTION_TYPE["conn-fields"]) == set(EXTRA_FIELDS) - {"account_url"}


def test_the_form_offers_every_authentication_method_and_requires_no_field() -> None:
    fields = CONNECTION_TYPE["conn-fields"]
    assert fields["auth_method"]["schema"]["enum"] == [method.value for method in AuthMethod]
    assert all("null" in field["schema"]["type"] for field in fields.values())


@needs_airflow_33  # 3.1 knows fewer names of secrets
def test_secret_fields_are_hidden_in_the_form_and_by_airflows_masker() -> None:
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

    for name, field in CONNECTION_TYPE["conn-fields"].items():
        assert (field["schema"].get("format") == "password") == should_hide_value_for_key(name), name


def test_the_form_belongs_to_the_hook_and_to_no_type_of_the_official_provider() -> None:
    assert CONNECTION_TYPE["connection-type"] == AzureBatchHook.conn_type == CONN_TYPE != "azure_batch"
    assert "__" not in CONN_TYPE
    assert CONNECTION_TYPE["hook-class-name"] == f"{AzureBatchHook.__module__}.{AzureBatchHook.__name__}"
