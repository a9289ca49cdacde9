"""Pains that no test is named after: shown by another test, or not ours to solve."""

from __future__ import annotations

#: Tests that show pains gone and have names of their own, with the pains' numbers.
SHOWN_BY: dict[str, tuple[int, ...]] = {
    "test_a_retry_asks_for_the_missing_nodes_again": (7,),
    "test_a_pool_that_cannot_be_allocated_is_explained_and_not_retried": (8, 63),
    "test_a_failing_start_task_is_shown_with_its_output": (50, 53, 55),
    "test_parts_come_back_as_they_were_declared": (18, 28),
    "test_pain_122_more_than_the_quota_of_the_machine_family_is_told_before_a_pool_is_made": (129,),
    "test_quota_is_lasting_and_capacity_passes": (9,),
    "test_every_resize_error_is_explained_in_three_parts": (10,),
    "test_a_pool_with_an_identity_is_made_once_and_attached_to": (93, 94, 95, 96, 97, 100, 101, 107),
    "test_identities_that_parts_need_are_the_pools": (105, 110, 113),
    "test_what_can_never_come_up_is_told": (122, 129),
    "test_a_pool_is_deleted_when_no_task_runs_or_waits": (132,),
    "test_a_triggerer_killed_while_it_waits": (167,),
    "test_every_form_reads_as_the_same_event": (169,),
    "test_every_blob_is_ingested_once_whatever_is_killed": (169,),
    "test_watchers_of_one_queue_get_what_their_filters_and_sizes_say_and_it_is_deleted_once_stored": (170,),
    "test_what_is_no_event_is_set_aside_with_the_reason": (171,),
    "test_looks_that_fail_are_repeated": (173,),
    "test_files_in_any_order_a_late_one_and_a_backfill_lead_to_the_same_tables": (187,),
    "test_pain_034_to_037_slots_start_task_containers_mounts_and_packages_are_part_of_a_pool": (192,),
}

_OTHER = "Not ours: it is about another service or product."
_PRICES = (
    "Not ours: a price is of a contract, region and day, and Azure's Retail Prices API tells it without a "
    "key. What it is to be multiplied by is told: 128."
)
_METRICS = (
    "Not ours: the service does not measure its nodes. Azure Monitor's agent does, and is an `Extension` of "
    "the pool (99). What a Python function used is told: 90."
)
_SERVICE = "Not ours: the service decides it."

#: By the number of the pain.
NOT_OURS: dict[int, str] = {
    24: "Not ours: five minutes between two evaluations are the service's least, and the emulator's.",
    38: "Not ours: the service itself starts preempted tasks again, and so does the emulator.",
    83: "Answered otherwise: live output is read from the node, and copied to a blob at the end.",
    88: _METRICS,
    89: _METRICS,
    92: _OTHER,
    98: _SERVICE,
    102: _OTHER,
    104: _OTHER + " Ours: docs/identity.md.",
    108: _OTHER,
    123: _PRICES,
    124: _PRICES,
    127: _PRICES,
    130: _PRICES,
    131: "Not ours: what Azure takes for the network is not known to Batch.",
    142: _SERVICE + " Priorities are of jobs: 146.",
    150: _OTHER + " The same for Azure Batch: 149.",
    151: _OTHER + " The same for Azure Batch: 149.",
    153: _OTHER + " The same for Azure Batch: 149.",
    154: _OTHER + " The same for Azure Batch: 149.",
    158: _OTHER + " The same for Azure Batch: 148.",
    159: "Not ours yet: there is no executor here.",
    160: "Not ours yet: there is no executor here.",
    161: "Not ours yet: there is no executor here.",
    163: _OTHER + " The same for Azure Batch: 76.",
    168: _SERVICE + " Blob events start DAGs: 170.",
    172: "Answered otherwise: one poll for all jobs of an account; the service sends no message.",
    180: _SERVICE + " No result follows from its counts: tasks are read one by one.",
    181: "Answered otherwise: no figure is of the service's statistics; tasks are counted as they end.",
    191: _SERVICE,
}
