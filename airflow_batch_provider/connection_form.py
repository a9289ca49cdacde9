"""The form of the connection type ``azurebatch`` in Airflow's UI, as provider info describes it.

A field whose type lacks ``null`` is required in the form; the names are those ``BatchSettings`` reads.
"""

from __future__ import annotations

from typing import Any

_TEXT = {"type": ["string", "null"]}
_SECRET = {"type": ["string", "null"], "format": "password"}

CONNECTION_TYPE: dict[str, Any] = {
    "connection-type": "azurebatch",
    "hook-class-name": "airflow_batch_provider.hooks.batch.AzureBatchHook",
    "hook-name": "Azure Batch (jobs and pools)",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port"],
        "relabeling": {"host": "Account URL", "login": "Account name", "password": "Account key"},
        "placeholders": {
            "host": "https://<account>.<region>.batch.azure.com",
            "login": "left out: taken from the account URL",
            "password": "primary or secondary key, for shared_key",
        },
    },
    "conn-fields": {
        "auth_method": {
            "label": "Authentication",
            "description": "Left out: shared_key if there is an account key, else default_credential.",
            "schema": {
                "type": ["string", "null"],
                "enum": [
                    "shared_key",
                    "default_credential",
                    "managed_identity",
                    "service_principal_secret",
                    "service_principal_certificate",
                    "workload_identity",
                ],
            },
        },
        "tenant_id": {
            "label": "Tenant id",
            "description": "For service principals; optional for workload_identity.",
            "schema": _TEXT,
        },
        "client_id": {
            "label": "Client id",
            "description": "For service principals; of a user-assigned identity for managed_identity.",
            "schema": _TEXT,
        },
        "client_secret": {
            "label": "Client secret",
            "description": "For service_principal_secret.",
            "schema": _SECRET,
        },
        "certificate_path": {
            "label": "Certificate file",
            "description": "For service_principal_certificate: PEM or PKCS#12 file where tasks run.",
            "schema": _TEXT,
        },
        "certificate_password": {
            "label": "Certificate password",
            "description": "Of that file, if it has one.",
            "schema": _SECRET,
        },
        "federated_file": {
            "label": "Federated token file",
            "description": "For workload_identity; left out: as AZURE_FEDERATED_TOKEN_FILE says.",
            "schema": _TEXT,
        },
        "authority_host": {
            "label": "Login host",
            "description": "For sovereign clouds, such as https://login.microsoftonline.us.",
            "schema": _TEXT,
        },
        "storage_conn_id": {
            "label": "Storage connection",
            "description": "Id of an Airflow connection of type wasb: where files are read and written. "
            "Instead of it, a storage account URL or a storage connection string below.",
            "schema": _TEXT,
        },
        "storage_account_url": {
            "label": "Storage account URL",
            "description": "https://<account>.blob.core.windows.net; reached by the identity above.",
            "schema": _TEXT,
        },
        "storage_access_key": {
            "label": "Storage account key",
            "description": "With a storage account URL: the key instead of the identity.",
            "schema": _SECRET,
        },
        "storage_connection_string": {
            "label": "Storage connection string",
            "description": "Complete, with key or SAS; Azurite's too.",
            "schema": _SECRET,
        },
        "node_identity_resource_id": {
            "label": "Node identity",
            "description": "ARM id of the user-assigned managed identity of the pools, by which nodes reach "
            "storage. Left out: short-lived SAS.",
            "schema": _TEXT,
        },
        "subscription_id": {
            "label": "Subscription id",
            "description": "Of the Batch account; for application packages.",
            "schema": _TEXT,
        },
        "resource_group": {
            "label": "Resource group",
            "description": "Of the Batch account; for application packages.",
            "schema": _TEXT,
        },
        "arm_endpoint": {
            "label": "Management endpoint",
            "description": "Left out: https://management.azure.com, or the emulator itself.",
            "schema": _TEXT,
        },
    },
}
