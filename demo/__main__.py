"""`python -m demo`: a video lands in a container and a Batch job DAG transcodes it; or another story."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

from demo import etl
from demo.azurite.node import NodeMissingError
from demo.flights import FlightsMissingError
from demo.folder import FolderError, prepare_folder
from demo.following import ScenarioError
from demo.gallery import GALLERY
from demo.gallery import tell as tell_entry
from demo.processes.runfile import AlreadyRunningError
from demo.processes.supervisor import PROJECT_DIR, ComponentError
from demo.report import report
from demo.scenario import play
from demo.stack import LocalStack, StackOptions
from demo.stack.airflow_client import AirflowError
from demo.video import VideoMissingError
from demo.view import View

_EXPECTED = (
    AirflowError,
    AlreadyRunningError,
    ComponentError,
    FlightsMissingError,
    FolderError,
    NodeMissingError,
    ScenarioError,
    VideoMissingError,
)
_CHECK_SECONDS = 1.0


def _transcode(stack: LocalStack, view: View) -> None:
    report(stack, view, play(stack, view))


#: What `DAG=` of `make demo` takes.
STORIES: dict[str, Callable[[LocalStack, View], None]] = {
    "transcode": _transcode,
    "etl": etl.tell,
    **{name: partial(tell_entry, entry=entry) for name, entry in GALLERY.items()},
}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--dag", choices=sorted(STORIES), default="transcode", help="which story is told")
    parser.add_argument(
        "--exit", action="store_true", help="stop after the check: status 0, or 1 with the reason"
    )
    parser.add_argument(
        "--data-dir", type=Path, default=PROJECT_DIR / ".demo", help="folder for data and logs"
    )
    parser.add_argument("--keep-data", action="store_true", help="start on the data of the earlier run")
    parser.add_argument("--dags-folder", type=Path, default=PROJECT_DIR / "dags", help="DAG files")
    parser.add_argument("--metadata-url", help="SQLAlchemy URL of Airflow's database (default: SQLite)")
    return parser.parse_args(argv)


class _Interruption:
    """Ctrl-C, and what shall end the demo likewise: a closed terminal, a `kill`.

    The exception alone would not do: Python drops one that is raised in a destructor or a callback.
    """

    def __init__(self) -> None:
        self.came = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.came:
            return  # all is being ended already: a second one would leave behind what the first is ending
        self.came = True
        raise KeyboardInterrupt


def _run(args: argparse.Namespace, view: View, interruption: _Interruption) -> None:
    prepare_folder(args.data_dir, args.keep_data)
    options = StackOptions(
        work_dir=args.data_dir,
        dags_folder=args.dags_folder,
        preferred_ports=True,
        public_containers=("outgoing",),  # so that a player opens the addresses the report prints
        metadata_url=args.metadata_url,
        interrupted=lambda: interruption.came,
    )
    view.say("Starting Azurite, Event Grid, the Batch emulator and Airflow")
    with LocalStack(options, view.say) as stack:
        STORIES[args.dag](stack, view)
        if args.exit:
            view.plain(f"Logs and data:  {stack.work_dir}")
            view.say("All is as it should be")
            return
        view.plain(
            f"Airflow UI:     {stack.airflow.url}  "
            "(no login needed: everybody is admin, on this machine only)"
        )
        view.plain(
            f"Batch emulator: {stack.batch.endpoint}  (account {stack.batch.name}, its key is in keys.json)"
        )
        view.plain(f"Logs and data:  {stack.work_dir}")
        view.plain("\nEverything stays up. Press Ctrl-C to end, or go on:", "bold")
        if args.dag == "transcode":
            upload = f".venv/bin/python -m demo.upload FILE --blob-port {stack.storage.blob_port}"
            view.plain(f"  upload more videos:  {upload}")
        else:
            view.plain("  trigger the DAG once more, with other parameters, in the Airflow UI")
        while True:
            stack.check()
            time.sleep(_CHECK_SECONDS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo.

    Returns:
        0 all was well, 1 something was not (the reason was printed), 130 it was interrupted.
    """
    args = _arguments(argv)
    interruption = _Interruption()
    with View() as view:
        try:
            _run(args, view, interruption)
        except KeyboardInterrupt:
            view.end_progress()
            view.plain("Stopped; no process and no port is left.")
            return 130
        except _EXPECTED as error:
            view.end_progress()
            view.plain(f"\n{error}", "red")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
