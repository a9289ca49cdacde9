"""A DAG for the tests of the demo: a video that lands in `incoming` is made smaller, without Batch."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger

uploads = Asset(
    "uploads", watchers=[AssetWatcher(name="blobs", trigger=BlobCreatedTrigger(container="incoming"))]
)


@dag(schedule=[uploads])
def shrink() -> None:
    @task
    def pick(triggering_asset_events: Any = None) -> list[str]:
        events = [event for events in triggering_asset_events.values() for event in events]
        return sorted({blob["name"] for event in events for blob in event.extra["payload"]["blobs"]})

    @task
    def encode(name: str) -> str:
        import os
        import subprocess
        import tempfile
        from pathlib import Path

        import imageio_ffmpeg
        from azure.storage.blob import BlobServiceClient

        service = BlobServiceClient.from_connection_string(os.environ["SHRINK_STORAGE"])
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.mp4"), Path(folder, "out.mp4")
            source.write_bytes(service.get_blob_client("incoming", name).download_blob().readall())
            options = (
                "-vf",
                "scale=-2:180",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-c:a",
                "aac",
                "-ac",
                "2",
            )
            subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", source, *options, target], check=True)
            service.get_blob_client("outgoing", f"small/{name}").upload_blob(
                target.read_bytes(), overwrite=True
            )
        return name

    encode.expand(name=pick())


shrink()
