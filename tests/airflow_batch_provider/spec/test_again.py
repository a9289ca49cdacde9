from __future__ import annotations

import pytest

from airflow_batch_provider.spec import JobGraph, SpecError, blob
from airflow_batch_provider.spec.again import part_of
from airflow_batch_provider.spec.compile import WorkArea


def graph() -> JobGraph:
    made = JobGraph()
    a = made.task("a", "x", outputs={"kept": None, "sent": blob("out/sent")})
    b = made.task("b", "x", inputs={"k": a.output("kept"), "s": a.output("sent")}, outputs=["y"])
    made.task("c", "x", inputs={"y": b.output("y"), "all": a.outputs()})
    return made


def earlier(task_id: str) -> WorkArea:
    return WorkArea("work", f"job-of-{task_id}")


def test_what_the_others_have_left_is_taken_from_their_jobs() -> None:
    part = part_of(graph(), {"b", "c"}, earlier)
    assert [spec.id for spec in part.specs] == ["b", "c"]
    assert {path: str(source) for path, source in part.spec("b").inputs} == {
        "k": "work/job-of-a/a/kept",
        "s": "out/sent",
    }
    assert str(dict(part.spec("c").inputs)["all"]) == "work/job-of-a/a/"
    assert (part.upstream("b"), part.upstream("c")) == ((), ("b",))


def test_the_graph_itself_stays_as_it_is() -> None:
    whole = graph()
    part_of(whole, {"c"}, earlier)
    assert whole.upstream("c") == ("b", "a")
    assert len(whole) == 3


def test_the_whole_graph_is_its_own_part() -> None:
    whole = graph()
    part = part_of(whole, {"a", "b", "c"}, earlier)
    assert part.specs == whole.specs
    assert all(part.upstream(spec.id) == whole.upstream(spec.id) for spec in whole.specs)


def test_an_output_of_which_nothing_is_known() -> None:
    with pytest.raises(SpecError, match=r"reads outputs of 'b'.*clear 'b' as well"):
        part_of(graph(), {"c"}, lambda task_id: None if task_id == "b" else earlier(task_id))
    part = part_of(graph(), {"b"}, earlier)
    assert len(part) == 1
