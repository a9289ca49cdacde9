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
LOCATION = f"{SUBSCRIPTION}/providers/microsoft.batch/locations/{{location}}"
PACKAGE = f"{APPLICATION}/versions/{{version}}"
POOL = f"{ACCOUNT}/pools/{{pool}}"

OPERATIONS = (
    Operation("list_operations", "GET", "/providers/microsoft.batch/operations"),
    Operation("list_accounts", "GET", f"{SUBSCRIPTION}/providers/microsoft.batch/batchaccounts"),
    Operation("list_accounts_by_resource_group", "GET", f"{GROUP}/batchaccounts"),
    Operation("get_account", "GET", ACCOUNT),
    Operation("create_account", "PUT", ACCOUNT),
    Operation("update_account", "PATCH", ACCOUNT),
    Operation("get_keys", "POST", f"{ACCOUNT}/listkeys"),
    Operation("regenerate_key", "POST", f"{ACCOUNT}/regeneratekeys"),
    Operation("synchronize_auto_storage_keys", "POST", f"{ACCOUNT}/syncautostoragekeys", 204),
    Operation("list_outbound_network_dependencies", "GET", f"{ACCOUNT}/outboundnetworkdependenciesendpoints"),
    Operation("list_detectors", "GET", f"{ACCOUNT}/detectors"),
    Operation("list_private_endpoint_connections", "GET", f"{ACCOUNT}/privateendpointconnections"),
    Operation("list_private_link_resources", "GET", f"{ACCOUNT}/privatelinkresources"),
    Operation("list_network_security_perimeters", "GET", f"{ACCOUNT}/networksecurityperimeterconfigurations"),
    Operation("get_quotas", "GET", f"{LOCATION}/quotas"),
    Operation("list_virtual_machine_skus", "GET", f"{LOCATION}/virtualmachineskus"),
    Operation("check_name_availability", "POST", f"{LOCATION}/checknameavailability"),
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
