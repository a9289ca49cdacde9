from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.log import mask_secret

from airflow_batch_provider.client.jobs.watching import Watch, watch_job
from airflow_batch_provider.client.requests.printed import LINE_CHARS
from airflow_batch_provider.client.requests.records import JobView
from airflow_batch_provider.client.requests.steps import Answer, Look, Refusal
from airflow_batch_provider.client.watching.ration import COUNTS_PER_SECOND, OUTPUT_PER_SECOND, Rations
from airflow_batch_provider.client.watching.streams import (
    CHUNK_BYTES,
    FOLLOWED,
    READ,
    UNREAD,
    Follower,
    whole_lines,
)
from tests.airflow_batch_provider.client.scripted import BUSY, Scripted

ACTIVE = JobView("j", "active")
ENDED = JobView("j", "completed", "AllTasksComplete")


def counts(active: int = 0, running: int = 0, succeeded: int = 0, failed: int = 0) -> dict[str, Any]:
    completed = succeeded + failed
    return {
        "taskCounts": {
            "active": active,
            "running": running,
            "completed": completed,
            "succeeded": succeeded,
            "failed": failed,
        }
    }


def watched(looks: list[Any], answer: Any, **watch: Any) -> tuple[str, Scripted]:
    service = Scripted(answer, looks)
    ending = service.run(watch_job(Watch("j", 4, **watch), Follower("j", False), lambda: service.now))
    return ending, service


def test_the_end_is_told_with_progress_on_the_way() -> None:
    told = [counts(active=4), counts(active=4), counts(running=1, active=1, succeeded=2), counts(succeeded=4)]
    ending, service = watched(
        [ACTIVE] * 8 + [ENDED], lambda *asked: told.pop(0) if len(told) > 1 else told[0]
    )
    assert ending == "ended"
    assert service.said[0] == "0 of 4 tasks done, 0 running"
    assert service.said[-1] == "4 of 4 tasks done, 0 running"
    assert len(service.said) == len(set(service.said))


def test_a_failed_look_is_told_once_and_made_again() -> None:
    looks = [ACTIVE, BUSY, BUSY, BUSY, ACTIVE, ENDED]
    ending, service = watched(looks, lambda *asked: counts())
    assert ending == "ended"
    assert sum("could not be asked" in line for line in service.said) == 1
    assert "Azure Batch answers again" in service.said


def test_a_deleted_job_is_gone() -> None:
    assert watched([ACTIVE, None], lambda *asked: counts())[0] == "gone"


def test_the_deadline_holds_also_while_nothing_answers() -> None:
    assert watched([ACTIVE] * 99, lambda *asked: counts(), deadline=10.0)[0] == "timeout"
    assert watched([BUSY] * 99, lambda *asked: counts(), deadline=10.0)[0] == "timeout"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (counts(active=4), "unstarted"),
        (counts(active=3, running=1), "timeout"),
        (counts(active=3, succeeded=1), "timeout"),
        (BUSY, "timeout"),
    ],
)
def test_a_job_of_which_no_task_has_started_in_time_is_not_waited_for(told: Any, expected: str) -> None:
    def answer(*asked: Any) -> Any:
        if isinstance(told, Refusal):
            raise told
        return told

    ending, service = watched([ACTIVE] * 99, answer, start_by=10.0, deadline=60.0)
    assert ending == expected
    assert (10.0 < service.now < 30.0) == (expected == "unstarted")


def test_a_start_that_nobody_had_seen_is_looked_for_before_a_job_is_given_up() -> None:
    """Its turn to count has not come again: the clock of the ration stands."""
    told = [counts(active=4)]
    service = Scripted(
        lambda *asked: told.pop() if told else counts(running=4), looks=[ACTIVE] * 20 + [ENDED]
    )
    watch, rations = Watch("j", 4, start_by=10.0), Rations(lambda: 0.0)
    assert service.run(watch_job(watch, Follower("j", False), lambda: service.now, rations)) == "ended"
    assert service.said[:2] == ["0 of 4 tasks done, 0 running", "0 of 4 tasks done, 4 running"]


def test_a_task_that_others_depend_on_ends_the_watch_when_it_has_completed() -> None:
    states = ["active", "running", "completed"]

    def answer(operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        if operation == "get_task":
            return {"id": arguments[1], "state": states.pop(0)}
        return counts(running=1)

    assert watched([ACTIVE] * 9, answer, after=["plan"])[0] == "expand"


@pytest.mark.parametrize(
    ("child_waits_for", "exits", "expected"),
    [
        (["bad"], {}, "stalled"),
        (["middle"], {}, "stalled"),
        (["good"], {}, None),
        (["bad"], {"default": {"dependencyAction": "satisfy"}}, None),
        (["bad"], {"exitCodes": [{"code": 1, "exitOptions": {"dependencyAction": "satisfy"}}]}, None),
        (["bad"], {"exitCodeRanges": [{"start": 2, "end": 3, "exitOptions": {}}]}, "stalled"),
    ],
)
def test_a_job_in_which_nothing_can_run_any_more_is_stalled(
    child_waits_for: list[str], exits: dict[str, Any], expected: str | None
) -> None:
    bad = {"result": "failure", "exitCode": 1, "failureInfo": {"code": "FailureExitCode"}}
    listed = [
        {"id": "bad", "state": "completed", "executionInfo": bad, "exitConditions": exits},
        {"id": "good", "state": "completed", "executionInfo": {"result": "success"}},
        {"id": "middle", "state": "active", "dependsOn": {"taskIds": ["bad"]}},
        {"id": "child", "state": "active", "dependsOn": {"taskIds": child_waits_for}},
    ]

    def answer(operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        return listed if operation == "list_tasks" else counts(active=2, failed=1, succeeded=1)

    ending, _ = watched([ACTIVE] * 9, answer, deadline=5.0)
    assert ending == (expected or "timeout")


def test_a_disabled_job_is_said() -> None:
    _, service = watched([ACTIVE, JobView("j", "disabled"), ENDED], lambda *asked: counts())
    assert "Batch job j is disabled" in service.said


class Node:
    """Tasks that write; ``texts`` are what is in their stdout by now."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self.states: dict[str, str] = {}

    def __call__(self, operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        if operation == "list_tasks":
            return [
                {"id": task, "state": state, "nodeInfo": {"nodeId": "n"}}
                for task, state in self.states.items()
            ]
        _, _, _, _, task, _, name = operation.split("/")
        start, end = map(int, options["ocp-range"].removeprefix("bytes=").split("-"))
        data = self.texts[task] if name == "stdout.txt" else b""
        if start >= len(data):
            raise Refusal("InvalidRange", 416, "beyond the end")
        return Answer(data[start : end + 1])


def test_output_is_said_once_by_whole_lines_and_to_its_end() -> None:
    node = Node()
    service = Scripted(node)
    follower = Follower("j", True)
    for text, state in ((b"one\ntw", "running"), (b"one\ntwo\n", "running"), (b"one\ntwo\nend", "completed")):
        node.texts["t"], node.states["t"] = text, state
        service.run(follower.look())
    service.run(follower.look())
    assert service.said == ["[t] one", "[t] two", "[t] end"]


@pytest.mark.parametrize("end", [b"", b"\nnext\n"])
def test_of_a_long_line_the_beginning_is_said_once_without_half_of_a_secret(end: bytes) -> None:
    secret = "correct-horse-battery-staple"
    mask_secret(secret)
    before = b"x" * (LINE_CHARS - 10)
    line = before + secret.encode() + b"y" * 5 * CHUNK_BYTES
    node, service = Node(), None
    node.states = {"t": "running"}
    follower = Follower("j", True)
    said: list[str] = []
    for size in range(0, len(line), CHUNK_BYTES):  # it grows, and the process that follows it changes
        node.texts = {"t": b"first\n" + line[:size]}
        service = Scripted(node)
        service.run(follower.look())
        follower = Follower("j", True, follower.state())
        said += service.said
    node.texts, node.states = {"t": b"first\n" + line + end}, {"t": "completed"}
    service = Scripted(node)
    service.run(follower.look())
    said += service.said
    shown = f"[t] {before.decode()}***{'y' * 7} [the line is cut here: stdout.txt has the whole]"
    assert said == ["[t] first", shown, *(["[t] next"] if end else [])]


def test_a_line_on_the_edge_of_two_readings_is_one() -> None:
    node = Node()
    node.texts = {"t": b"a" * (CHUNK_BYTES - 4) + b"\nwhole\nend"}
    node.states = {"t": "completed"}
    service = Scripted(node)
    service.run(Follower("j", True).look())
    assert service.said[1:] == ["[t] whole", "[t] end"]


def test_following_goes_on_where_another_process_left_off() -> None:
    node = Node()
    node.texts, node.states = {"t": b"one\ntwo\n", "u": b"x\n"}, {"t": "running", "u": "completed"}
    first = Follower("j", True)
    Scripted(node).run(first.look())
    node.texts["t"] += b"three\n"
    service = Scripted(node)
    service.run(Follower("j", True, first.state()).look())
    assert service.said == ["[t] three"]


def test_what_could_not_be_read_to_its_end_is_told_to_whoever_goes_on() -> None:
    node, gone = Node(), Refusal("TaskFilesUnavailable", 409, "the node is gone")
    node.texts, node.states = {"t": b"one\ntw", "u": b"whole\n"}, {"t": "running", "u": "completed"}
    follower = Follower("j", True)
    Scripted(node).run(follower.look())
    node.states["t"] = "completed"

    def answer(operation: str, arguments: Any, options: Any) -> Any:
        if operation.endswith("/stdout.txt"):
            raise gone
        return node(operation, arguments, options)

    Scripted(answer).run(follower.look())
    assert follower.state() == {"t": [4, 0, UNREAD], "u": [6, 0, READ]}
    assert Follower("j", True, follower.state()).state() == follower.state()


def test_a_look_reads_a_bounded_part_of_a_file_and_of_the_tasks() -> None:
    node = Node()
    node.texts = {"t": b"x" * 10 * CHUNK_BYTES}
    node.states = {"t": "running"}
    service = Scripted(node)
    service.run(Follower("j", True).look())
    assert sum(map(len, service.said)) <= CHUNK_BYTES + 10
    node.texts = {f"t{n}": b"x\n" for n in range(100)}
    node.states = dict.fromkeys(node.texts, "running")
    service = Scripted(node)
    follower = Follower("j", True)
    service.run(follower.look())
    service.run(follower.look())
    assert len([line for line in service.said if line.startswith("[")]) == FOLLOWED
    (limit,) = (line for line in service.said if "first 20 tasks" in line)
    assert "in storage where keep_logs=True has it kept" in limit


def test_only_the_tasks_that_were_asked_for_are_followed_and_false_asks_nothing() -> None:
    service = Scripted(lambda *asked: [])
    service.run(Follower("j", ["join", "package"]).look())
    assert "(startswith(id,'join') or startswith(id,'package'))" in service.calls[0].options["filter"]
    service = Scripted()
    service.run(Follower("j", False).look())
    assert service.asked == []


@pytest.mark.parametrize(("times", "said"), [(2, ["[t] end"]), (9, [])])
def test_the_end_of_a_tasks_output_is_asked_for_again_when_the_service_is_busy(
    times: int, said: list[str]
) -> None:
    node, refusals = Node(), [Refusal("ServerBusy", 503, transient=True, retry_after=7.0)] * times
    node.texts, node.states = {"t": b"end"}, {"t": "completed"}

    def answer(operation: str, arguments: Any, options: Any) -> Any:
        if operation.endswith("/stdout.txt") and refusals:
            raise refusals.pop()
        return node(operation, arguments, options)

    service = Scripted(answer)
    service.run(Follower("j", True).look())
    assert (service.said, service.paused) == (said, [7.0, 7.0])


def test_trouble_with_output_is_no_trouble_of_the_job() -> None:
    def answer(*asked: Any) -> Any:
        raise Refusal("AuthenticationFailed", 403, "no")

    Scripted(answer).run(Follower("j", True).look())


def test_lines_are_taken_whole() -> None:
    assert whole_lines(b"a\nb", final=False) == (2, ["a"])
    assert whole_lines(b"a\nb", final=True) == (3, ["a", "b"])
    assert whole_lines(b"\nb", 1, final=False) == (0, [])
    assert whole_lines(b"\nb\nc", 1, final=False) == (2, ["b"])
    assert whole_lines("ä\n".encode()[:1] + b"\n", final=False) == (2, ["\ufffd"])


def test_of_many_jobs_each_asks_for_more_than_its_state_the_less_often() -> None:
    now = [0.0]
    rations = Rations(lambda: now[0])
    asked: Counter[str] = Counter()

    def answer(operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        asked[operation] += 1
        return counts(running=9) if operation == "get_job_task_counts" else []

    def look_every_15_seconds(job_id: str) -> Iterator[None]:
        watch = watch_job(Watch(job_id, 9), Follower(job_id, True), lambda: now[0], rations)
        service = Scripted(answer)
        step: Any = next(watch)
        while True:
            if isinstance(step, Look):
                yield
                step = watch.send(ACTIVE)
            else:
                step = watch.send(service._do(step))

    watchers = [look_every_15_seconds(f"j{number}") for number in range(1_000)]
    for _ in range(80):
        for watcher in watchers:
            next(watcher)
        now[0] += 15.0
    assert asked["get_job_task_counts"] <= COUNTS_PER_SECOND * now[0] * 1.1
    assert asked["list_tasks"] <= OUTPUT_PER_SECOND * now[0] * 1.1
    # And none goes without: the whole circle is made in a quarter of an hour.
    assert asked["get_job_task_counts"] >= 1_000


def test_one_job_has_all_of_the_ration() -> None:
    service = Scripted(lambda *asked: counts(active=1), looks=[ACTIVE] * 100)
    service.run(watch_job(Watch("j", 1, deadline=90.0), Follower("j", False), lambda: service.now))
    assert service.asked.count("get_job_task_counts") >= 6


def test_the_search_for_a_stall_lists_all_tasks_seldom_while_nothing_changes() -> None:
    listed = [{"id": "t", "state": "running"}]
    service = Scripted(
        lambda operation, *asked: listed if operation == "list_tasks" else counts(active=1, failed=1),
        looks=[ACTIVE] * 2_000,
    )
    service.run(watch_job(Watch("j", 2, deadline=1_800.0), Follower("j", False), lambda: service.now))
    assert 5 <= sum("exitConditions" in str(call.options.get("select")) for call in service.calls) <= 15


def test_followed_tasks_that_are_read_to_their_end_cost_nothing_more() -> None:
    node = Node()
    node.texts = {f"t{n}": b"x\n" for n in range(100)}
    node.states = dict.fromkeys(node.texts, "running")
    service, follower = Scripted(node), Follower("j", True)
    service.run(follower.look())
    node.states = dict.fromkeys(node.texts, "completed")
    service.run(follower.look())
    ids = service.calls[-1].options["filter"].partition(" and (")[2].rstrip(")").split(" or ")
    assert ids == [f"id eq 't{n}'" for n in range(FOLLOWED)]
    assert not follower.active
    asked = len(service.asked)
    service.run(follower.look())
    assert len(service.asked) == asked
