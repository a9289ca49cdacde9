from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.spec.activity_secrets import secrets_in


@pytest.mark.parametrize(
    ("definition", "secrets"),
    [
        ({"password": {"type": "SecureString", "value": "topsecret"}}, ["topsecret"]),
        ({"extendedProperties": {"pin": {"type": "SecureString", "value": "12345"}}}, ["12345"]),
        ({"value": [{"type": "SecureString", "value": 'a"b\\c'}]}, ['a"b\\c', 'a\\"b\\\\c']),
        ({"connectionString": "AccountName=acc;AccountKey=a2V5==;EndpointSuffix=x"}, ["a2V5=="]),
        ({"connectionString": {"type": "string", "value": "Server=s;User ID=u;Password='pw;"}}, ["pw"]),
        ({"url": "Endpoint=sb://x/;SharedAccessKeyName=root;SharedAccessKey=k3y="}, ["k3y="]),
        ({"typeProperties": {"servicePrincipalKey": "spk", "servicePrincipalId": "id"}}, ["spk"]),
        ({"accountKey": {"type": "string", "value": "k"}, "pwd": "p", "sasToken": "t"}, ["k", "p", "t"]),
        ({"partitionKey": "region", "secretName": "name", "password": "", "tokenUrl": "https://x"}, []),
        ({"password": {"type": "AzureKeyVaultSecret", "secretName": "n", "store": {}}}, []),
        ([{"name": "W", "properties": {"clientSecret": "s"}}], ["s"]),
    ],
)
def test_secrets_are_known_by_type_by_name_and_in_connection_strings(
    definition: Any, secrets: list[str]
) -> None:
    assert secrets_in(definition) == secrets
