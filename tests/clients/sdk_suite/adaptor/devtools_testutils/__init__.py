"""Stands for Azure's unpublished package of this name, as far as the suites of `azure-batch` use it.

A resource group is an emulator of its own, for one test; the account is that one's; nothing is recorded.
The environment says how: ``EMULATOR_PYTHON``, ``EMULATOR_TLS`` (of the certificates), ``EMULATOR_DATA``
(folder for data folders), ``EMULATOR_STORAGE`` (connection string).
"""

import base64
import inspect
import os
import random
import shutil
import string
import subprocess
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import jwt
import pytest
from azure.core.credentials import AccessToken

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
PLANES = ("https://batch.core.windows.net/", "https://management.azure.com/")
LIFETIME_SECONDS = 3600
facts = {}

FakeResource = namedtuple("FakeResource", ["name", "id"])


class AzureTestError(Exception):
    """What a preparer raises."""


class Emulator:
    """One `batch-emulator serve`."""

    def __init__(self):
        self._folder = Path(tempfile.mkdtemp(dir=os.environ["EMULATOR_DATA"]))
        shutil.copytree(os.environ["EMULATOR_TLS"], self._folder / "tls")
        command = [os.environ["EMULATOR_PYTHON"], "-m", "batch_emulator", "serve", "--port", "0"]
        command += ["--https-port", "0", "--data-dir", str(self._folder)]
        command += ["--windows-images-on-linux"]  # `files` wants a node of a Windows pool
        command += ["--storage-connection-string-env", "EMULATOR_STORAGE"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self._process.stdout:
            name, _, value = line.strip().partition(": ")
            if name == "ready":
                break
            facts[name] = value

    def stop(self):
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)


class Credential:
    """Tokens that the account's key makes."""

    def get_token(self, *scopes, **_):
        plane = PLANES["management" in scopes[0]]
        expiry = int(time.time()) + LIFETIME_SECONDS
        claims = {"iss": "batch-emulator", "aud": plane, "exp": expiry}
        return AccessToken(jwt.encode(claims, base64.b64decode(facts["key"]), algorithm="HS256"), expiry)


class AsyncCredential:
    """The same for clients of the other kind."""

    async def get_token(self, *scopes, **_):
        return Credential().get_token(*scopes)

    async def close(self):
        """There is nothing to close."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        """There is nothing to close."""


class _Settings:
    @staticmethod
    def get(_name):
        return SUBSCRIPTION


class _TestClass:
    settings = _Settings


class AzureMgmtPreparer:
    """Makes a resource before a test, and hands it to the test by a keyword."""

    is_live = True
    test_class_instance = _TestClass

    def __init__(self, name_prefix="", *_, **__):
        self.name_prefix = self.moniker = name_prefix
        self.client = self.resource = None

    def create_mgmt_client(self, client_class, **_):
        return client_class(
            credential=Credential(),
            subscription_id=SUBSCRIPTION,
            base_url=facts["https-endpoint"],
            connection_verify=facts["ca-certificate"],
            polling_interval=0.1,
        )

    def __call__(self, test):
        def prepare(keywords):
            of_account = type(self).__name__ == "AccountPreparer"
            name = facts["account"] if of_account else self.name_prefix + random_letters()
            keywords.update(self.create_resource(name, **keywords))

        if inspect.iscoroutinefunction(test):

            async def run(*arguments, **keywords):
                try:
                    prepare(keywords)
                    return await test(*arguments, **keywords)
                finally:
                    self.finish()
        else:

            def run(*arguments, **keywords):
                try:
                    prepare(keywords)
                    return test(*arguments, **keywords)
                finally:
                    self.finish()

        return _like(run, test)

    def finish(self):
        """The emulator goes as a whole: only its group has something to remove."""


def _like(run, test):
    """What pytest sees of a test but the keywords that preparers give."""
    run.__name__, run.__qualname__, run.__module__ = test.__name__, test.__qualname__, test.__module__
    run.pytestmark = list(getattr(test, "pytestmark", ()))
    names = ["self", *(mark.args[0] for mark in run.pytestmark if mark.name == "parametrize")]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    run.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    return run


def random_letters():
    return "".join(random.choices(string.ascii_lowercase, k=10))


class ResourceGroupPreparer(AzureMgmtPreparer):
    def __init__(self, *_, **__):
        super().__init__("group")
        self._emulator = None

    def create_resource(self, _name, **_):
        self._emulator = Emulator()
        return {"resource_group": FakeResource("local", "local")}

    def finish(self):
        if self._emulator is not None:
            self._emulator.stop()


CachedResourceGroupPreparer = ResourceGroupPreparer


class EnvironmentVariableLoader(ResourceGroupPreparer):
    """Values of the environment; the account that they name is in a group of its own."""

    def __init__(self, _directory, **values):
        super().__init__()
        self._values = values

    def create_resource(self, name, **_):
        return {**super().create_resource(name), **self._values}


class StorageAccountPreparer(AzureMgmtPreparer):
    def create_resource(self, _name, **_):
        parts = dict(item.split("=", 1) for item in os.environ["EMULATOR_STORAGE"].split(";") if item)
        return {
            "storage_account": FakeResource(parts["AccountName"], parts["AccountName"]),
            "storage_account_key": parts["AccountKey"],
        }


class AzureMgmtRecordedTestCase:
    is_live = True

    def get_credential(self, client_class, **_):
        return AsyncCredential() if "aio" in client_class.__module__ else Credential()

    def get_resource_name(self, prefix):
        names = self.__dict__.setdefault("_names", {})
        return names.setdefault(prefix, prefix + random_letters())


AzureRecordedTestCase = AzureMgmtRecordedTestCase


def recorded_by_proxy(test):
    return test


def _nothing(*_, **__):
    """Recordings only."""


add_general_regex_sanitizer = set_custom_default_matcher = remove_batch_sanitizers = _nothing


def trim_kwargs_from_test_function(test, keywords):
    parameters = inspect.signature(test).parameters
    if not any(item.kind is item.VAR_KEYWORD for item in parameters.values()):
        for name in [name for name in keywords if name not in parameters]:
            del keywords[name]


@pytest.fixture(scope="session")
def test_proxy():
    """There is none."""
