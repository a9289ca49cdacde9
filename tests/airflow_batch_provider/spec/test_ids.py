from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from airflow_batch_provider.spec.ids import JobIdentity

texts = st.text(min_size=1, max_size=250)
identities = st.builds(
    JobIdentity,
    dag_id=texts,
    run_id=texts,
    task_id=texts,
    map_index=st.integers(-1, 100_000),
    generation=st.integers(0, 999),
    submission=st.integers(1, 999),
    namespace=st.text(max_size=10),
)


@given(identities)
def test_a_job_id_has_the_grammar_of_azure_batch_and_is_always_the_same(identity: JobIdentity) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identity.job_id)
    assert identity.job_id == replace(identity).job_id


@given(identities, identities)
def test_different_task_instances_have_different_ids_without_regard_to_case(
    one: JobIdentity, other: JobIdentity
) -> None:
    if one != other:
        assert one.job_id.lower() != other.job_id.lower()


@given(identities)
def test_clearing_and_retrying_and_deployments_give_other_ids(identity: JobIdentity) -> None:
    others = [
        replace(identity, generation=identity.generation + 1),
        replace(identity, submission=identity.submission + 1),
        replace(identity, namespace=identity.namespace + "x"),
        replace(identity, map_index=identity.map_index + 1),
        replace(identity, run_id=identity.run_id.swapcase() + "."),
    ]
    ids = {each.job_id.lower() for each in [identity, *others]}
    assert len(ids) == 6


def test_an_id_begins_with_names_that_people_know() -> None:
    identity = JobIdentity("video_transcode", "manual__2026-01-22T10:00:00+00:00", "group.transcode", 7)
    assert identity.job_id.startswith("video_transcod-transcode-manual__2026-0")
    assert "-m7-" in identity.job_id
    assert identity.job_id.endswith("-0-1")


def test_run_ids_that_differ_only_in_case_or_in_foreign_characters_have_different_jobs() -> None:
    runs = ["manual__a+b", "manual__a:b", "manual__A+b"]
    assert len({JobIdentity("d", run, "t").job_id.lower() for run in runs}) == 3
