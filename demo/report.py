"""What the demo says at its end."""

from __future__ import annotations

from demo.outputs import Output
from demo.probe import StreamFacts
from demo.scenario import Result
from demo.stack import LocalStack
from demo.video import CREDIT
from demo.view import View

__all__ = ["report"]

_LISTED = 12


def report(stack: LocalStack, view: View, result: Result) -> None:
    """Outputs, what the probe found, seconds per stage, addresses."""
    shown = _most_telling(result.outputs)
    view.plain("\nOutputs (bytes, blob)", "bold")
    for output in shown:  # no table: an address that is folded cannot be clicked or copied
        view.plain(f"{output.length:>12,}  {output.url}")
    if len(result.outputs) > len(shown):
        view.plain(f"and {len(result.outputs) - len(shown)} more (segments)")
    view.table(
        "Probed with PyAV (all pictures decoded)",
        ("stream", "seconds", "size", "video", "audio", "pictures"),
        [_facts(facts) for facts in (result.source, *result.streams)],
    )
    view.table(
        "Time per stage",
        ("of", "stage", "tasks", "seconds"),
        [
            (
                stage.owner,
                stage.name,
                str(stage.total),
                "-" if stage.seconds is None else f"{stage.seconds:.1f}",
            )
            for stage in result.stages
        ],
    )
    view.plain()
    view.plain(f"From upload to DAG run: {result.latency:.1f} s.  Video: {CREDIT}")


def _facts(facts: StreamFacts) -> tuple[str, ...]:
    size = f"{facts.width}x{facts.height}"
    return (
        facts.name,
        f"{facts.seconds:.2f}",
        size,
        facts.video_codec,
        facts.audio_codec or "-",
        str(facts.frames),
    )


def _most_telling(outputs: list[Output]) -> list[Output]:
    """Playlists, manifests and pictures first; segments are many and alike."""
    segments = (".ts", ".m4s", ".mp4", ".vtt")
    ordered = sorted(outputs, key=lambda output: (output.name.endswith(segments), output.name))
    return ordered[:_LISTED]
