"""The nested parts of the official operator, checked when the DAG is parsed."""

from __future__ import annotations

from typing import Any

import pytest
from azure.batch import models

from airflow_batch_provider.spec import SpecError
from airflow_batch_provider.spec.official_parts import PROPERTIES, wire_of

SAS = "https://a.blob.core.windows.net/c/a.csv?sv=1&sig=c2VjcmV0"
FILE = {"httpUrl": SAS, "filePath": "a.csv"}
MODELS = {
    "jobManagerTask": models.BatchJobManagerTask,
    "jobPreparationTask": models.BatchJobPreparationTask,
    "jobReleaseTask": models.BatchJobReleaseTask,
    "startTask": models.BatchStartTask,
    "containerSettings": models.BatchTaskContainerSettings,
    "resourceFiles": models.ResourceFile,
    "outputFiles": models.OutputFile,
    "userIdentity": models.UserIdentity,
}


@pytest.mark.parametrize("name", MODELS)
def test_the_properties_are_those_of_the_clients_models(name: str) -> None:
    fields = {
        field._rest_name_input or each
        for each, field in vars(MODELS[name]).items()
        if type(field).__name__ == "_RestField"
    }
    assert PROPERTIES[name] == fields


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            [{"http_url": SAS, "filePath": "a"}],
            r"files\[0\]: .*no property 'http_url'.*mean 'httpUrl'",
        ),
        ([FILE, {"blob_source": SAS, "filePath": "a"}], r"files\[1\]: .*'blob_source'.*mean 'httpUrl'"),
        ([{"httpUrl": SAS, "file_path": "a"}], "no property 'file_path'.*mean 'filePath'"),
        ([{"filePath": "a"}], "says no source.*httpUrl, storageContainerUrl, autoStorageContainerName"),
        ([{**FILE, "storageContainerUrl": SAS}], "has httpUrl and storageContainerUrl"),
        ([{"httpUrl": SAS}], "no filePath"),
        (FILE, r"it is a dictionary where a list is needed.*Write \[\{'httpUrl'"),
        (SAS, "it is a str where a list is needed"),
        ([SAS], r"files\[0\]: the value is 'https.*or \{'httpUrl'"),
    ],
)
def test_resource_files_that_cannot_work_are_told_and_no_signature_is(files: Any, told: str) -> None:
    with pytest.raises(SpecError, match=told) as error:
        wire_of(files, where="files", model="resourceFiles")
    assert "c2VjcmV0" not in str(error.value)


def test_files_of_other_tasks_are_looked_at_too() -> None:
    start = {"commandLine": "/bin/true", "resourceFiles": [{"url": SAS}]}
    with pytest.raises(SpecError, match=r"pool, resourceFiles\[0\]: .*'url'.*mean 'httpUrl'"):
        wire_of(start, where="pool", model="startTask")
    with pytest.raises(SpecError, match="job: the command is empty"):
        wire_of({"commandLine": ""}, where="job", model="jobPreparationTask")
    with pytest.warns(UserWarning, match="The command of job has '&&'.*write \"/bin/sh -c"):
        wire_of({"commandLine": "a && b"}, where="job", model="jobReleaseTask")


def test_what_is_right_passes_as_a_model_and_as_a_dictionary() -> None:
    container = {"storageContainerUrl": "{{ params.url }}", "blobPrefix": "in/"}
    model = models.ResourceFile(http_url=SAS, file_path="a.csv")
    assert wire_of([FILE, model, container], where="x", model="resourceFiles") == [FILE, FILE, container]
    in_container = {"commandLine": "", "containerSettings": {"imageName": "alpine"}}
    assert wire_of(in_container, where="x", model="startTask") == in_container
