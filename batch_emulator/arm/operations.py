"""The slice of the management plane that is there: what ``azure-mgmt-batch`` 19 asks for, and where.

Source: the published client. Paths are matched without regard to case, as the resource manager does.
"""

from __future__ import annotations

from batch_emulator.rest.operations import Operation

API_VERSIONS = ("2025-06-01",)

SUBSCRIPTION = "/subscriptions/{subscriptionId}"
GROUP = f"{SUBSCRIPTION}/resourcegroups/{{resourceGroup}}/providers/microsoft.batch"
ACCOUNT = f"{GROUP}/batchaccounts/{{account}}"
APPLICATION = f"{ACCOUNT}/applications/{{application}}"
PACKAGE = f"{APPLICATION}/versions/{{version}}"
POOL = f"{ACCOUNT}/pools/{{pool}}"

OPERATIONS = (
    Operation("list_operations", "GET", "/providers/microsoft.batch/operations"),
    Operation("list_accounts", "GET", f"{SUBSCRIPTION}/providers/microsoft.batch/batchaccounts"),
    Operation("list_accounts_by_resource_group", "GET", f"{GROUP}/batchaccounts"),
    Operation("get_account", "GET", ACCOUNT),
    Operation("get_keys", "POST", f"{ACCOUNT}/listkeys"),
    Operation("regenerate_key", "POST", f"{ACCOUNT}/regeneratekeys"),
    Operation("list_applications", "GET", f"{ACCOUNT}/applications"),
    Operation("get_application", "GET", APPLICATION),
    Operation("create_application", "PUT", APPLICATION),
    Operation("update_application", "PATCH", APPLICATION),
    Operation("delete_application", "DELETE", APPLICATION),
    Operation("list_packages", "GET", f"{APPLICATION}/versions"),
    Operation("get_package", "GET", PACKAGE),
    Operation("create_package", "PUT", PACKAGE),
    Operation("delete_package", "DELETE", PACKAGE),
    Operation("activate_package", "POST", f"{PACKAGE}/activate"),
    Operation("list_pools", "GET", f"{ACCOUNT}/pools"),
    Operation("get_pool", "GET", POOL),
    Operation("create_pool", "PUT", POOL),
    Operation("update_pool", "PATCH", POOL),
    Operation("delete_pool", "DELETE", POOL, 202),
    Operation("get_delete_result", "GET", f"{POOL}/operationresults/delete"),
    Operation("disable_pool_auto_scale", "POST", f"{POOL}/disableautoscale"),
    Operation("stop_pool_resize", "POST", f"{POOL}/stopresize"),
)
