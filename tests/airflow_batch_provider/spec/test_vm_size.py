"""Spellings of VM sizes: real ones are left alone, others are warned of and named right."""

from __future__ import annotations

import warnings

import pytest

from airflow_batch_provider.spec.vm_size import check_vm_size, usual_spelling


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("d2sv5", "standard_d2s_v5"),
        ("D2s_v5", "standard_d2s_v5"),
        ("standard_d2sv5", "standard_d2s_v5"),
        ("standard-d2s-v5", "standard_d2s_v5"),
        ("StandardD2sv5", "standard_d2s_v5"),
        ("e4-2ads_v5", "standard_e4-2ads_v5"),
        ("a1", "standard_a1"),
    ],
)
def test_a_size_that_looks_misspelled_is_warned_of(written: str, right: str) -> None:
    with pytest.warns(UserWarning, match=f"pool 'p': vm_size is '{written}'.*Did you mean '{right}'"):
        check_vm_size(written, "pool 'p'")
    assert usual_spelling(right) == right


@pytest.mark.parametrize(
    "size",
    [
        "STANDARD_D2s_v5", "standard_a1", "Basic_A1", "standard_nv6",
        "Standard_NV6ads_A10_v5", "Standard_M8-2ms_v3", "Standard_HB120-16rs_v3", "Standard_NC24ads_A100_v4",
        "Standard_ND96amsr_A100_v4", "Standard_DC2as_cc_v5", "Standard_E96ias_v4", "Standard_D2_v3_Promo",
        "Standard_M416-208s_v2", "Standard_L8as_v3", "Standard_F2", "Standard_DS11-1_v2",
        "Standard_NC4as_T4_v3", "Standard_D11_v2", "Standard_H16mr", "Standard_FX4mds",
    ],
)  # fmt: skip
def test_real_sizes_are_taken_without_a_word(size: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_vm_size(size, "pool 'p'")
