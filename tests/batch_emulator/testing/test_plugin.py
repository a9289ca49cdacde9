"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = "pytester"
pytestmark = pytest.mark.slow
PLUGIN = "batch_emulator.testing.plugin"

_MODULE = """
import pytest

def test_one(batch_account):
    batch_account.faults.set({"quotas": {"pools": 7}})
    batch_account.client.create_job({"id": "j", "poolInfo": {"poolId": "p"}})
    assert batch_account.account == "devbatchaccount"
    assert batch_account.storage is None

def test_two(batch_account):
    assert [job.id for job in batch_account.client.list_jobs()] == JOBS
    assert batch_account.endpoint.startswith("http://127.0.0.1:")
    assert bool(batch_account.faults.present) == bool(JOBS)
"""


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", PLUGIN, *options)


@pytest.fixture(autouse=True)
def only_this_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others that are installed take seconds to load."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)


def test_it_is_registered() -> None:
    assert PLUGIN in {point.value for point in entry_points(group="pytest11")}


def test_each_test_has_an_account_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"JOBS = []\n{_MODULE}")
    run(pytester).assert_outcomes(passed=2)


def test_the_scope_is_configured(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nbatch_account_scope = module\n")
    pytester.makepyfile(f"JOBS = ['j']\n{_MODULE}")
    run(pytester).assert_outcomes(passed=2)


def test_a_scope_that_is_none_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nbatch_account_scope = forever\n")
    pytester.makepyfile("def test_it(batch_account): pass")
    result = run(pytester)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*batch_account_scope is 'forever'*"])


def test_options_and_storage_are_overridden(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nbatch_storage = UseDevelopmentStorage=true\n")
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def batch_options():
            return {"account": "mine", "faults": {"quotas": {"pools": 0}}}
        """
    )
    pytester.makepyfile(
        """
        def test_it(batch_account):
            assert batch_account.client.list_pools()
            assert batch_account.account == "mine"
            assert batch_account.faults.present.quotas.pools == 0
            assert batch_account.storage.connection_string == "UseDevelopmentStorage=true"
        """
    )
    run(pytester).assert_outcomes(passed=1)


_NAMED = """
    import pytest

    def test_before(batch_account):
        assert batch_account.account == "devbatchaccount"
        seen.append(batch_account)

    class TestMine:
        @pytest.fixture{scope}
        def batch_options(self):
            return {{"account": "mine"}}

        def test_one(self, batch_account):
            assert batch_account.account == "mine"
            batch_account.client.create_job({{"id": "j", "poolInfo": {{"poolId": "p"}}}})
            seen.append(batch_account)

        def test_two(self, batch_account):
            assert list(batch_account.client.list_jobs()) == []
            assert batch_account is seen[1]

    def test_after(batch_account):
        assert batch_account is seen[0]

    seen = []
"""


@pytest.mark.parametrize("scope", ["", '(scope="class")', '(scope="session")'])
def test_options_of_some_tests_are_theirs_in_any_scope(pytester: pytest.Pytester, scope: str) -> None:
    pytester.makepyfile(_NAMED.format(scope=scope))
    run(pytester).assert_outcomes(passed=4)


def test_options_of_a_module_come_after_another_module(pytester: pytest.Pytester) -> None:
    mine = """
        import pytest

        @pytest.fixture(scope="session")
        def batch_options():
            return {"account": "mine"}

        def test_it(batch_account):
            assert batch_account.account == "mine"
    """
    first = "def test_it(batch_account):\n    assert batch_account.account == 'devbatchaccount'"
    pytester.makeini("[pytest]\nbatch_account_scope = module\n")
    pytester.makepyfile(test_a=first, test_b=mine)
    run(pytester).assert_outcomes(passed=2)


def test_emulators_with_a_folder_take_turns_and_few_are_kept(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        from batch_emulator.testing.background import NotRunningError

        seen = []

        @pytest.fixture
        def batch_options(request, tmp_path_factory):
            folder = tmp_path_factory.getbasetemp() / "account"
            return request.param | ({"data_dir": folder} if "boot_delay" in request.param else {})

        OPTIONS = [{"boot_delay": 0.1}, {"boot_delay": 0.2}, *({"account": f"a{n}"} for n in range(5))]

        @pytest.mark.parametrize("batch_options", OPTIONS, indirect=True)
        def test_it(batch_account):
            seen.append(batch_account)
            assert batch_account.status()["pools"] == 0

        def test_few_are_left():
            def runs(batch):
                try:
                    return bool(batch.status())
                except NotRunningError:
                    return False

            assert [runs(batch) for batch in seen] == [False] * 3 + [True] * 4
        """
    )
    run(pytester).assert_outcomes(passed=8)


def test_azurite_that_is_not_installed_is_named(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(pytester.path))
    pytester.makeini("[pytest]\nbatch_storage = azurite\n")
    pytester.makepyfile("def test_it(batch_account): pass")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*npm install -g azurite*"])


def test_without_the_extra_the_fixture_says_what_is_missing(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import batch_emulator.testing.plugin as plugin

        plugin._NEEDED = ("aiohttp", "not_there_at_all")
        """
    )
    pytester.makepyfile("def test_it(batch_account): pass")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*needs not_there_at_all*batch*[[]emulator]*"])


def test_where_it_is_not_used_it_loads_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert "batch_emulator.testing.plugin" in sys.modules
            assert not {"aiohttp", "azure", "orjson", "batch_emulator.service"} & set(sys.modules)
        """
    )
    run(pytester).assert_outcomes(passed=1)
