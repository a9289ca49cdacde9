from __future__ import annotations

from dags.transcoding.node.progress import Progress


def test_lines_are_few_and_readable() -> None:
    lines: list[str] = []
    now = [0.0]
    progress = Progress("encode 720p segment 3/8", 10.0, lines.append, lambda: now[0])
    for second in range(1, 6):
        now[0] = second
        for text in (f"frame={25 * second}\n", f"out_time_us={900_000 * second}\n", "progress=continue\n"):
            progress(text)
    progress("frame=250\n")
    progress("progress=end\n")
    assert lines == ["encode 720p segment 3/8: 18 % 0.9x", "encode 720p segment 3/8: 36 % 0.9x"]
    progress.done()
    assert lines[-1] == "encode 720p segment 3/8: 100 % 2.0x"
    assert progress.frames == 250


def test_values_that_are_not_known_yet_are_taken_as_nothing() -> None:
    lines: list[str] = []
    now = iter(range(0, 100, 5))
    progress = Progress("audio", 1.0, lines.append, lambda: next(now))
    for text in ("frame=N/A", "out_time_us=N/A", "progress=continue"):
        progress(text)
    assert lines == ["audio: 0 % 0.0x"]
