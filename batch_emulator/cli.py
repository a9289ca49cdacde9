"""The command `batch-emulator`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from batch_emulator import __version__, option_types
from batch_emulator.account_defaults import ACCOUNT_NAME, PRIMARY_KEY, SECONDARY_KEY

if TYPE_CHECKING:
    from batch_emulator.rest.credentials import Credentials
    from batch_emulator.runtime.settings import Settings

__all__ = ["READY_LINE", "main"]

READY_LINE = "ready"
_DEFAULT_PORT = 10100
_EPILOG = f"""\
Without --account and --key the well-known development account is served:
  account  {ACCOUNT_NAME}
  key      {PRIMARY_KEY}
It is the same on every machine and protects nothing: do not listen on a public address with it.
"""


class _UsageError(Exception):
    """What was asked for cannot be done; the text says why and what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command. Returns the exit status: 0 after SIGTERM or SIGINT, 1 with the reason on stderr.

    :raises SystemExit: with status 2 and one line on stderr when a value cannot be taken.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser().parse_args(given)
    # `start` hands them on to `serve`.
    arguments.options = given[1:]
    try:
        status: int = arguments.run(arguments)
    except _UsageError as error:
        print(error, file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = option_types.OneLineParser(
        prog="batch-emulator", description="Azure Batch on one machine."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands.add_parser(
        "serve",
        help="serve a Batch account in the foreground",
        description="Serve a Batch account in the foreground: REST protocol, scheduler and nodes. "
        f"Prints 'name: value' lines, then the line '{READY_LINE}'. "
        "Ends on SIGTERM or Ctrl-C; the state stays in the data folder.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ))  # fmt: skip
    # Cheap: storage clients are imported when it runs.
    from batch_emulator import autoscale_command, token_command
    from batch_emulator.daemon import cli as daemon
    from batch_emulator.events import cli as events

    events.add_parser(commands)
    daemon.add_parsers(commands, _add_serve, READY_LINE)
    autoscale_command.add_parser(commands)
    token_command.add_parser(commands, lambda arguments: _given_key(arguments) or PRIMARY_KEY)
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add(
        "--port",
        type=option_types.port,
        default=_DEFAULT_PORT,
        help="0 takes a free one (default %(default)s)",
    )
    add("--https-port", type=option_types.port, metavar="PORT",
        help="serve https there too, with a certificate made in the data folder; 0: a free one")  # fmt: skip
    add("--https-name", action="append", default=[], metavar="NAME",
        help="a further host name or address for the certificate; may be given several times")  # fmt: skip
    add("--data-dir", type=Path, default=Path("batch-emulator-data"), metavar="DIR",
        help="folder of the account's state and the nodes' disks (default ./%(default)s)")  # fmt: skip
    add("--account", type=option_types.account_name, default=ACCOUNT_NAME, metavar="NAME",
        help="name of the Batch account: 3 to 24 lower-case letters and digits")  # fmt: skip
    add(
        "--key",
        type=option_types.account_key,
        metavar="BASE64",
        help="its key; default: the development account's",
    )
    add("--key-env", metavar="VAR", help="environment variable that holds the key")
    add("--oauth", choices=["basic"],
        help="take tokens of Microsoft Entra ID; their signature is not checked")  # fmt: skip
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--storage-connection-string", metavar="S",
        help="linked storage account, for application packages and auto storage containers; "
        "'UseDevelopmentStorage=true' is Azurite on its usual ports")  # fmt: skip
    source.add_argument("--storage-connection-string-env", metavar="VAR",
        help="environment variable that holds it (keeps the key out of process lists)")  # fmt: skip
    add("--dedicated-core-quota", type=option_types.core_quota, metavar="N",
        help="cores of dedicated nodes, all pools together")  # fmt: skip
    add("--low-priority-core-quota", type=option_types.core_quota, metavar="N",
        help="cores of Spot nodes, all pools together")  # fmt: skip
    add("--series-core-quota", type=option_types.series_quota, action="append", default=[],
        metavar="SERIES=N",
        help="cores of dedicated nodes of a series of VM sizes, such as standardDSv3Family=8; "
        "may be given several times")  # fmt: skip
    add("--azure-resource", action="append", default=[], metavar="ID",
        help="subnet, public IP address or custom image that pools may name as if it were there; "
        "may be given several times")  # fmt: skip
    add("--windows-images-on-linux", action="store_true",
        help="let pools of Windows images have nodes: Linux nodes, without cmd and PowerShell")  # fmt: skip
    add("--boot-delay", type=option_types.seconds, default=0.0, metavar="SECONDS",
        help="time a node takes to start")  # fmt: skip
    add("--faults", type=Path, metavar="FILE",
        help="what goes wrong on purpose, as JSON; it can be changed while the emulator runs")  # fmt: skip
    add("--simulate", type=Path, metavar="FILE",
        help="simulate the nodes, on a clock that stands until it is moved; the file says, as JSON, how long "
        "starts and tasks take")  # fmt: skip
    add("--container-engine", default="auto", metavar="PROGRAM",
        help="what runs container tasks: podman or docker, by name or path; 'auto' takes the first to work, "
        "'none' has none (default %(default)s)")  # fmt: skip
    add("--container-engine-options", type=option_types.words, default=(), metavar="OPTIONS",
        help="given to the engine before every sub-command")  # fmt: skip
    add("--container-options", type=option_types.words, default=(), metavar="OPTIONS",
        help="given whenever a container is made")  # fmt: skip
    add("--log-level", default="warning", choices=["debug", "info", "warning", "error"],
        help="of what is written to stderr (default %(default)s)")  # fmt: skip
    parser.set_defaults(run=_serve)


def _serve(arguments: argparse.Namespace) -> int:
    logging.basicConfig(
        level=arguments.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("azure").setLevel(logging.WARNING)
    if sys.platform != "linux":
        print("The emulator's nodes are Linux nodes and need Linux. Run it in a container.", file=sys.stderr)
        return 1
    from batch_emulator.faults import FaultsError
    from batch_emulator.journal import (
        DataDirError,
        DataDirLockedError,
        JournalAccountError,
        JournalDamagedError,
        JournalError,
        JournalVersionError,
    )
    from batch_emulator.nodes.launcher import AgentLostError
    from batch_emulator.nodes.storage import StorageSettingsError
    from batch_emulator.runtime.keys import KeyFileError
    from batch_emulator.runtime.server import PortInUseError
    from batch_emulator.simulation.behaviour import BehaviourError

    try:
        with ExitStack() as sockets:
            _serve_on_sockets(arguments, sockets)
    except (
        AgentLostError,
        BehaviourError,
        DataDirError,
        DataDirLockedError,
        FaultsError,
        JournalAccountError,
        JournalDamagedError,
        JournalError,
        JournalVersionError,
        KeyFileError,
        PortInUseError,
        StorageSettingsError,
    ) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _serve_on_sockets(arguments: argparse.Namespace, sockets: ExitStack) -> None:
    from batch_emulator.runtime.server import Listeners, listen, serve

    http = sockets.enter_context(listen(arguments.host, arguments.port))
    https = None
    if arguments.https_port is not None:
        https = sockets.enter_context(listen(arguments.host, arguments.https_port))
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    settings = _settings(arguments, f"http://{host}:{http.getsockname()[1]}")
    https_url = f"https://{host}:{https.getsockname()[1]}" if https else None
    announced = partial(_announce, settings, https_url)
    try:
        asyncio.run(serve(settings, Listeners(http, https), announced))
    finally:
        _withdraw(settings)


def _settings(arguments: argparse.Namespace, url: str) -> Settings:
    from batch_emulator.faults import Faults, load_faults
    from batch_emulator.nodes.containers.detection import EngineSettings
    from batch_emulator.nodes.storage import LinkedStorage
    from batch_emulator.rest.operations import OPERATION_NAMES
    from batch_emulator.runtime.settings import Settings
    from batch_emulator.service.account import Quotas
    from batch_emulator.simulation.behaviour import load_behaviour

    connection_string = arguments.storage_connection_string or _from_env(
        arguments.storage_connection_string_env, "--storage-connection-string-env"
    )
    key = _given_key(arguments)
    usual = Quotas()
    return Settings(
        data_dir=arguments.data_dir.resolve(),
        account_url=url,
        account_name=arguments.account,
        primary_key=key or PRIMARY_KEY,
        secondary_key=key or SECONDARY_KEY,
        storage=LinkedStorage.from_connection_string(connection_string) if connection_string else None,
        quotas=Quotas(
            dedicated_cores=_or(arguments.dedicated_core_quota, usual.dedicated_cores),
            low_priority_cores=_or(arguments.low_priority_core_quota, usual.low_priority_cores),
            dedicated_cores_per_series=tuple(arguments.series_core_quota),
        ),
        azure_resources=tuple(arguments.azure_resource),
        windows_images_on_linux=arguments.windows_images_on_linux,
        boot_delay=arguments.boot_delay,
        containers=EngineSettings(
            arguments.container_engine,
            arguments.container_engine_options,
            arguments.container_options,
        ),
        https_names=(arguments.host, *arguments.https_name),
        oauth=arguments.oauth == "basic",
        simulation=load_behaviour(arguments.simulate) if arguments.simulate else None,
        faults=load_faults(arguments.faults, OPERATION_NAMES) if arguments.faults else Faults(),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _from_env(name: str | None, option: str) -> str | None:
    if name is None:
        return None
    value = os.environ.get(name)
    if not value:
        raise _UsageError(
            f"The environment variable {name}, named by {option}, is not set or empty. "
            "It may not have been exported. Set it and start again."
        )
    return value


def _given_key(arguments: argparse.Namespace) -> str | None:
    if arguments.key is not None:
        return str(arguments.key)
    key = _from_env(arguments.key_env, "--key-env")
    try:
        return option_types.account_key(key) if key is not None else None
    except argparse.ArgumentTypeError as error:
        raise _UsageError(f"The environment variable {arguments.key_env}: {error}") from None


def _withdraw(settings: Settings) -> None:
    """Nobody is to be led to an emulator that has ended."""
    from batch_emulator.daemon import record

    record.remove(settings.data_dir)


def _announce(settings: Settings, https_url: str | None, credentials: Credentials) -> None:
    from batch_emulator.daemon import record

    facts = {
        "endpoint": settings.account_url,
        "account": settings.account_name,
        "key": credentials.primary_key,
        "arm-endpoint": settings.account_url,
        "resource-id": settings.account.resource_id,
        "data-dir": settings.data_dir,
    }
    if https_url is not None:
        from batch_emulator.runtime.certificates import authority_path

        facts |= {"https-endpoint": https_url, "ca-certificate": authority_path(settings.data_dir)}
    record.write(settings.data_dir, {name: str(value) for name, value in facts.items()})
    for name, value in facts.items():
        print(f"{name}: {value}")
    print(READY_LINE, flush=True)


if __name__ == "__main__":
    sys.exit(main())
