"""The command line: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import asyncio
import base64
import signal
import socket
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from batch_emulator.account_defaults import ACCOUNT_NAME, PRIMARY_KEY, SECONDARY_KEY
from batch_emulator.cli import _parser, _settings, main
from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.tokens import DATA_PLANE, MANAGEMENT_PLANE, Plane, TokenRefusedError
from tests.batch_emulator.runtime.served import run, served


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["serve", *map(str, arguments)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err


def bad_value(capsys: pytest.CaptureFixture[str], *arguments: object, command: str = "serve") -> str:
    with pytest.raises(SystemExit) as end:
        main([command, *map(str, arguments)])
    shown = capsys.readouterr()
    assert (end.value.code, shown.out, shown.err.count("\n")) == (2, "", 1)
    return shown.err


def test_the_development_account_has_real_keys() -> None:
    assert {len(base64.b64decode(key, validate=True)) for key in (PRIMARY_KEY, SECONDARY_KEY)} == {64}
    assert PRIMARY_KEY != SECONDARY_KEY


def test_help_tells_the_development_account(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["serve", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert ACCOUNT_NAME in text
    assert PRIMARY_KEY in text


def test_the_event_grid_is_a_sub_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["events", "--help"])
    assert end.value.code == 0
    assert "--subscribe" in capsys.readouterr().out


def test_a_port_in_use_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = refusal(capsys, "--port", port, "--data-dir", tmp_path)
    assert f"Port {port} on 127.0.0.1 is in use" in text
    assert "--port" in text


def test_a_key_that_is_not_base64_is_refused_and_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = bad_value(capsys, "--port", 0, "--data-dir", tmp_path, "--key", "n0t-b@se64")
    assert "base64" in text
    assert "n0t-b@se64" not in text


def test_a_variable_that_is_not_set_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--port", 0, "--data-dir", tmp_path, "--storage-connection-string-env", "NO_SUCH_VARIABLE")
    assert "NO_SUCH_VARIABLE" in refusal(capsys, *options)


def test_a_connection_string_without_a_key_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--port", 0, "--data-dir", tmp_path, "--storage-connection-string", "AccountName=x")
    assert "AccountKey" in refusal(capsys, *options)


def test_options_reach_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE", "UseDevelopmentStorage=true")
    monkeypatch.chdir(tmp_path)
    options = ["--dedicated-core-quota", "0", "--low-priority-core-quota", "8", "--boot-delay", "1.5"]
    arguments = _parser().parse_args(
        ["serve", "--data-dir", "data", "--storage-connection-string-env", "STORAGE", *options]
    )
    settings = _settings(arguments, "http://127.0.0.1:1")
    quotas = settings.account.quotas
    assert (quotas.dedicated_cores, quotas.low_priority_cores, settings.boot_delay) == (0, 8, 1.5)
    assert settings.data_dir == tmp_path / "data"
    assert settings.account.has_linked_storage
    assert settings.storage is not None
    assert settings.storage.account == "devstoreaccount1"
    assert PRIMARY_KEY not in repr(settings)


@pytest.mark.parametrize(("audience", "plane"), [("batch", DATA_PLANE), ("management", MANAGEMENT_PLANE)])
def test_the_token_command_makes_tokens_that_are_taken(
    audience: str, plane: Plane, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "--audience", audience, "--lifetime", "60"]) == 0
    credentials = Credentials(ACCOUNT_NAME, PRIMARY_KEY, SECONDARY_KEY)
    token, now = capsys.readouterr().out.strip(), datetime.now(timezone.utc)
    assert credentials.check_token(token, plane, now) is None
    with pytest.raises(TokenRefusedError, match="expired"):
        credentials.check_token(token, plane, now + timedelta(seconds=60))


def test_the_token_command_refuses_a_key_that_is_not_base64(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["token", "--key", "n0t-b@se64"])
    assert end.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "n0t-b@se64" not in shown.err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_is_and_ends_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    key = base64.b64encode(b"k" * 64).decode()
    async with served(tmp_path, "--account", "mine", "--key", key) as emulator:
        assert emulator.facts["account"] == "mine"
        assert emulator.facts["key"] == key
        assert emulator.facts["endpoint"].startswith("http://127.0.0.1:")
        assert emulator.facts["arm-endpoint"] == emulator.endpoint
        assert emulator.facts["resource-id"].endswith("/batchAccounts/mine")
        _reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(emulator.endpoint.rpartition(":")[2])
        )
        writer.close()
        assert await emulator.stop(number) == 0


@pytest.mark.slow
async def test_a_second_emulator_on_the_folder_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as emulator:
        second = await run("serve", "--port", "0", "--data-dir", tmp_path, stderr=asyncio.subprocess.PIPE)
        out, err = await asyncio.wait_for(second.communicate(), 60)
        assert (second.returncode, out) == (1, b"")
        assert f"process {emulator.process.pid}" in err.decode()


def test_quotas_of_series_and_resources_of_azure_may_be_given_several_times(tmp_path: Path) -> None:
    arguments = ["serve", "--data-dir", str(tmp_path)]
    arguments += [
        "--series-core-quota",
        "standardDSv3Family=8",
        "--series-core-quota",
        "standardFSv2Family=0",
    ]
    arguments += ["--azure-resource", "/A", "--azure-resource", "/B"]
    account = _settings(_parser().parse_args(arguments), "http://127.0.0.1:1").account
    assert account.quotas.dedicated_cores_per_series == (("standardDSv3Family", 8), ("standardFSv2Family", 0))
    assert account.azure_resources == {"/a", "/b"}


def test_a_quota_of_a_series_without_a_number_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = bad_value(capsys, "--data-dir", tmp_path, "--series-core-quota", "standardDSv3Family")
    assert "--series-core-quota standardDSv3Family=8" in text


@pytest.mark.parametrize("command", ["serve", "start"])
@pytest.mark.parametrize(
    ("option", "value", "right"),
    [
        ("--port", "70000", "1 to 65535"),
        ("--port", "-1", "1 to 65535"),
        ("--https-port", "http", "1 to 65535"),
        ("--boot-delay", "-1", "from 0"),
        ("--boot-delay", "nan", "from 0"),
        ("--dedicated-core-quota", "-4", "0 or more"),
        ("--low-priority-core-quota", "-1", "0 or more"),
        ("--low-priority-core-quota", "9" * 5000, "0 or more"),
        ("--series-core-quota", "standardDSv3Family=-1", "standardDSv3Family=8"),
        ("--account", "My-Account", "lower-case letters and digits"),
        ("--account", "ab", "3 to 24"),
        ("--account", "a" * 25, "3 to 24"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_would_be_right(
    command: str, option: str, value: str, right: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = bad_value(capsys, "--data-dir", tmp_path / "data", option, value, command=command)
    assert f"argument {option}: '{value}' is no " in text
    assert right in text
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("key", "words"), [("", "is empty"), (base64.b64encode(b"fifteen letters").decode(), "is too short")]
)
def test_a_key_that_protects_nothing_is_refused_and_not_repeated(
    key: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in (
        bad_value(capsys, "--data-dir", tmp_path, "--key", key),
        bad_value(capsys, "--key", key, command="token"),
    ):
        assert f"The account key {words}" in text
        assert not key or key not in text
    monkeypatch.setenv("MY_KEY", key)
    text = refusal(capsys, "--port", 0, "--data-dir", tmp_path, "--key-env", "MY_KEY")
    assert "MY_KEY" in text
    assert not key or key not in text


def unusable_folder(kind: str, folder: Path) -> Path:
    if kind == "not to be made":
        return Path("/proc/foo")
    if kind == "not to be written":
        return Path("/proc")
    (folder / "file").touch()
    return folder / "file" if kind == "a file" else folder / "file" / "data"


@pytest.mark.parametrize("kind", ["not to be made", "not to be written", "a file", "in a file"])
@pytest.mark.parametrize("command", ["serve", "start"])
def test_a_data_folder_that_cannot_be_used_is_named(
    command: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = unusable_folder(kind, tmp_path)
    assert main([command, "--port", "0", "--data-dir", str(folder)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"The data folder {folder} cannot be used: " in shown.err
    assert shown.err.endswith("make and write, with --data-dir.\n")
    assert shown.err.count("\n") == 1


def test_a_behaviour_that_cannot_be_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "behaviour.json"
    path.write_text('{"taskSeconds": {"uniform": [5, 1]}}')
    text = refusal(capsys, "--port", 0, "--data-dir", tmp_path, "--simulate", path)
    assert "taskSeconds.uniform must have the least first" in text
