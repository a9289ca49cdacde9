from __future__ import annotations

import pytest

from airflow_batch_provider.spec import SpecError, blob
from airflow_batch_provider.spec.files import BlobRef, Output, TaskOutputs, parse_inputs, parse_outputs


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("incoming/words.txt", BlobRef("incoming", "words.txt")),
        ("incoming/a/b c.txt", BlobRef("incoming", "a/b c.txt")),
        ("incoming/", BlobRef("incoming", "")),
        ("$web/index.html", BlobRef("$web", "index.html")),
        (
            "https://acct.blob.core.windows.net/c01/a/b%20c.txt",
            BlobRef("c01", "a/b c.txt", "https://acct.blob.core.windows.net"),
        ),
        (
            "abfss://c01@acct.dfs.core.windows.net/a/b.txt",
            BlobRef("c01", "a/b.txt", "https://acct.blob.core.windows.net"),
        ),
        (
            "wasbs://c01@acct.blob.core.windows.net/a",
            BlobRef("c01", "a", "https://acct.blob.core.windows.net"),
        ),
        (
            "http://127.0.0.1:10000/devstoreaccount1/c01/x/y.mp4",
            BlobRef("c01", "x/y.mp4", "http://127.0.0.1:10000/devstoreaccount1"),
        ),
        ("http://azurite:10000/dev/c01/y", BlobRef("c01", "y", "http://azurite:10000/dev")),
        ("https://data.example.org/c01/y", BlobRef("c01", "y", "https://data.example.org")),
    ],
)
def test_a_blob_is_read_in_all_its_spellings(location: str, expected: BlobRef) -> None:
    assert blob(location) == expected


@pytest.mark.parametrize(
    "location",
    ["", "/x", "ab/x", "Incoming/x", "a--b/x", "ftp://host/x", "https://acct.blob.core.windows.net/"],
)
def test_what_is_no_blob_is_refused(location: str) -> None:
    with pytest.raises(SpecError):
        blob(location)


def test_a_sas_in_a_blob_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(SpecError, match="carries a SAS") as refused:
        blob("https://acct.blob.core.windows.net/c01/x?sv=1&sig=SECRET")
    assert "SECRET" not in str(refused.value)


def test_a_template_is_read_when_it_is_rendered() -> None:
    ref = blob("incoming/{{ ds }}/") / "x.txt"
    assert not ref.is_prefix
    assert ref.rendered(lambda text: text.replace("{{ ds }}", "today")) == BlobRef("incoming", "today/x.txt")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "", "C:\\x", "a\\..\\b", 3])
def test_input_paths_stay_in_the_working_directory(path: object) -> None:
    with pytest.raises(SpecError, match="task 't'"):
        parse_inputs({path: blob("incoming/x")}, where="task 't'")


def test_a_source_that_is_only_a_name_gets_the_right_spelling_told() -> None:
    with pytest.raises(SpecError, match=r"write blob\('incoming/x'\)"):
        parse_inputs({"x": "incoming/x"}, where="task 't'")


def test_the_standard_streams_are_the_only_outputs_above_the_working_directory() -> None:
    parse_outputs(["../stdout.txt", "../std*.txt"], "success", where="t")
    with pytest.raises(SpecError, match=r"\.\."):
        parse_outputs(["../other.txt"], "success", where="t")


def test_a_pattern_needs_a_destination_that_holds_many() -> None:
    with pytest.raises(SpecError, match=r"blob\('results/all.txt/'\)"):
        parse_outputs({"*.txt": blob("results/all.txt")}, "success", where="t")


def test_upload_when_is_one_of_three() -> None:
    with pytest.raises(SpecError, match="Did you mean 'success'"):
        parse_outputs(["x"], "sucess", where="t")


WORK = BlobRef("work", "job/task/")


@pytest.mark.parametrize(
    ("output", "path", "blob_name", "told"),
    [
        (Output("parts/*.txt"), "parts/0.txt", "job/task/parts/0.txt", "job/task/parts/"),
        (Output("**/*.txt"), "a/b/0.txt", "job/task/a/b/0.txt", "job/task/"),
        (Output("out.txt"), "out.txt", "job/task/out.txt", "job/task/out.txt"),
        (Output("a/out.txt", BlobRef("c", "x/y.txt")), "a/out.txt", "x/y.txt", "x/y.txt"),
        (Output("a/out.txt", BlobRef("c", "x/")), "a/out.txt", "x/out.txt", "x/out.txt"),
        (Output("hls/*/*", BlobRef("c", "v/hls/")), "hls/720p/0.ts", "v/hls/720p/0.ts", "v/hls/"),
        (Output("../std*.txt"), "../stdout.txt", "job/task/stdout.txt", "job/task/"),
    ],
)
def test_where_an_output_lands_is_where_it_is_read(
    output: Output, path: str, blob_name: str, told: str
) -> None:
    assert output.location(path, WORK).name == blob_name
    assert output.target(WORK).name == told


def test_an_output_pattern_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(SpecError, match=r"a '\[' in output path 'parts/\[0-9\.txt' has no '\]'"):
        parse_outputs(["parts/[0-9.txt"], "success", where="t")
    parse_outputs(["parts/[0-9].txt", "[[]odd"], "success", where="t")


def test_an_input_that_is_a_file_is_no_folder_of_others() -> None:
    one = blob("ccc/one")
    with pytest.raises(SpecError, match=r"t, inputs: the path 'a/b' is a file, and the folder of 'a/b/c/d'"):
        parse_inputs({"a/b/c/d": one, "a/b": one}, where="t")
    with pytest.raises(SpecError, match="'a' is a file"):
        parse_inputs({"a": "https://example.org/x", "a/b": one}, where="t")
    for folder in (
        blob("ccc/all/"),
        blob("c/{{ ds }}/"),
        blob("{{ params.place }}"),
        TaskOutputs("u", "d"),
    ):
        parse_inputs({"a": folder, "a/b": one, "ab": one}, where="t")
