"""The connections that the documentation and the compose file show are read as meant."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
import yaml

from airflow_batch_provider.client.connect.identity import AuthMethod
from airflow_batch_provider.client.connect.settings import EXTRA_FIELDS, BatchSettings
from airflow_batch_provider.connection_form import CONNECTION_TYPE
from batch_emulator.account_defaults import ACCOUNT_NAME, PRIMARY_KEY
from tests.docs.pages import ROOT, Block, blocks_of, code_spans_of, commands

PAGE = ROOT / "docs" / "connection.md"
SHOWN = blocks_of(PAGE, "json")
WHOLE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))
COMPOSE = WHOLE["services"]


def read(fields: dict[str, Any]) -> BatchSettings:
    settings = BatchSettings.from_connection(
        fields["conn_type"],
        fields.get("host"),
        fields.get("login"),
        fields.get("password"),
        fields.get("extra") or {},
    )
    assert settings.warnings == ()
    assert settings.storage or settings.storage_conn_id
    return settings


def method_of(settings: BatchSettings) -> AuthMethod:
    return settings.identity.method if settings.identity else AuthMethod.SHARED_KEY


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.where)
def test_a_connection_is_read_without_a_warning(block: Block) -> None:
    fields = json.loads(block.text)
    settings = read(fields)
    given = (fields.get("extra") or {}).get("auth_method")
    assert given is None or method_of(settings).value == given


def test_every_way_to_sign_in_is_shown() -> None:
    methods = {method_of(read(json.loads(block.text))) for block in SHOWN}
    assert methods == set(AuthMethod)
    text = PAGE.read_text("utf-8")
    for method in AuthMethod:
        assert f"\n### {method.value}\n" in text


def test_every_field_is_explained_under_the_name_that_the_form_has() -> None:
    spans, text = set(code_spans_of(PAGE)), PAGE.read_text("utf-8")
    assert set(EXTRA_FIELDS) <= spans
    for name, field in CONNECTION_TYPE["conn-fields"].items():
        assert f"| `{name}` | {field['label']} |" in text


def test_the_first_connection_is_that_of_the_emulator_as_it_starts() -> None:
    settings = read(json.loads(SHOWN[0].text))
    assert settings.account_name == ACCOUNT_NAME
    assert settings.account_key is not None
    assert settings.account_key.reveal() == PRIMARY_KEY


def test_connections_made_on_the_command_line_are_read() -> None:
    made = [words for _, words in commands() if words[:3] == ["airflow", "connections", "add"]]
    assert len(made) == 2
    for words in made:
        options = dict(zip(words[4::2], words[5::2], strict=True))
        fields = {
            "conn_type": options["--conn-type"],
            "host": options["--conn-host"],
            "extra": json.loads(options["--conn-extra"]),
        }
        assert method_of(read(fields)) is AuthMethod.DEFAULT_CREDENTIAL


def test_the_compose_file_connects_airflow_to_its_emulator_and_storage() -> None:
    environment = COMPOSE["airflow-scheduler"]["environment"]
    settings = read(json.loads(environment["AIRFLOW_CONN_AZURE_BATCH_DEFAULT"]))
    assert settings.account_name == ACCOUNT_NAME
    assert settings.account_key is not None
    assert settings.account_key.reveal() == PRIMARY_KEY
    storage = settings.storage
    assert storage is not None
    assert storage.account_url == "http://azurite:10000/devstoreaccount1"
    assert storage.queue_endpoint == "http://azurite:10001/devstoreaccount1"
    connection_string = COMPOSE["emulator"]["environment"]["STORAGE"]
    assert storage.account_key is not None
    assert storage.account_key.reveal() in connection_string
    assert storage.account_url in connection_string


def test_the_services_of_the_compose_file_meet_under_the_names_they_are_called_by() -> None:
    serve = shlex.split(COMPOSE["emulator"]["command"])
    environment = COMPOSE["airflow-scheduler"]["environment"]
    host = json.loads(environment["AIRFLOW_CONN_AZURE_BATCH_DEFAULT"])["host"]
    assert host == f"http://emulator:{serve[serve.index('--port') + 1]}"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].startswith("http://airflow-api:8080/")
    for service in COMPOSE.values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_commands_of_the_compose_file_are_those_of_the_emulator() -> None:
    from batch_emulator import cli

    for name in ("emulator", "eventgrid"):
        program, *words = shlex.split(COMPOSE[name]["command"])
        assert program == "batch-emulator"
        cli._parser().parse_args(words)


def test_the_compose_file_declares_the_volumes_and_services_that_it_uses() -> None:
    mounted = {text.partition(":")[0] for service in COMPOSE.values() for text in service.get("volumes", ())}
    assert mounted == set(WHOLE["volumes"])
    needed = {name for service in COMPOSE.values() for name in service.get("depends_on", ())}
    assert needed <= set(COMPOSE)
