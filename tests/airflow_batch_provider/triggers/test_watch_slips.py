"""What a watcher is surely not meant to look for: refused where it cannot be, else warned of."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger
from airflow_batch_provider.triggers.blob_listing import BlobListedTrigger

BOTH = (BlobCreatedTrigger, BlobListedTrigger)


def watcher(kind: type[Any], **given: Any) -> Any:
    return kind(**{"container": "incoming", **given})


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"suffix": "*.tiff"}, r"the suffix '\*\.tiff' has a wildcard.*suffix='\.tiff'"),
        (
            {"suffix": [".png", "page-?.tiff"]},
            r"the suffix 'page-\?\.tiff' has a.*pattern='\*\*page-\?\.tiff'",
        ),
        ({"suffix": ".tiff,.tif"}, r"the suffix '\.tiff,\.tif' is one.*suffix=\['\.tiff', '\.tif'\]"),
        ({"suffix": ".tiff; .tif"}, r"suffix=\['\.tiff', '\.tif'\]"),
        ({"suffix": ".tiff|.tif"}, r"suffix=\['\.tiff', '\.tif'\]"),
        (
            {"prefix": "scans/page-?"},
            r"the prefix 'scans/page-\?' has a wildcard.*pattern='scans/page-\?\*\*'",
        ),
        ({"prefix": "incoming/scans/"}, r"the prefix 'incoming/scans/' begins with the container.*'scans/'"),
        ({"prefix": "incoming/"}, r"the prefix 'incoming/' begins with the container's name.*leave it out"),
        ({"pattern": "incoming/**"}, r"the pattern 'incoming/\*\*' begins with the container.*'\*\*'"),
        ({"suffix": "-%d.csv"}, r"the suffix '-%d\.csv' has '%d'"),
        ({"pattern": "scans/%Y-%m/*"}, r"the pattern 'scans/%Y-%m/\*' has '%Y-%m'"),
    ],
)
def test_what_no_blob_is_likely_to_have_is_warned_of(
    kind: type[Any], given: dict[str, Any], said: str
) -> None:
    with pytest.warns(UserWarning, match=f"^{kind.__name__}: .*{said}"):
        watcher(kind, **given)


def test_dates_without_braces_are_warned_of() -> None:
    braces = r"the prefix 'scans/%Y/%m/' has '%Y/%m'.*prefix='scans/\{%Y/%m\}/'"
    with pytest.warns(UserWarning, match=f"^BlobListedTrigger: {braces}"):
        BlobListedTrigger("incoming", "scans/%Y/%m/")
    with pytest.warns(
        UserWarning, match=r"^BlobCreatedTrigger: the prefix .*only the prefix of a BlobListed"
    ):
        BlobCreatedTrigger(prefix="scans/%Y/%m/")
    with pytest.warns(UserWarning, match=r"prefix='\{%Y\}/\{%m\}/'"):
        BlobListedTrigger("incoming", "{%Y}/%m/")


def test_folders_of_any_name_are_warned_of_where_nobody_walks_through_them() -> None:
    with pytest.warns(
        UserWarning, match=r"the prefix 'sensors/\*/' has a wildcard.*pattern='sensors/\*/\*\*'"
    ):
        BlobCreatedTrigger(prefix="sensors/*/")


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    "given",
    [
        {"prefix": "scans/[1]/", "suffix": [".tiff", ",v", ".tar,1.gz"], "pattern": "scans/**/*.tiff"},
        {"prefix": "incoming-2/", "suffix": "%20d.csv"},
        {"prefix": "100%done/", "pattern": "100%done/*%d3*"},
    ],
)
def test_odd_names_that_may_well_be_meant_are_taken_without_a_word(
    kind: type[Any], given: dict[str, Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watcher(kind, **given)
        BlobListedTrigger("incoming", "sensors/*/{%Y-%m-%d}/")


@pytest.mark.parametrize("kind", BOTH)
def test_a_container_that_nothing_renders_says_so(kind: type[Any]) -> None:
    said = rf"^{kind.__name__}: container is '.*', and nothing fills in its braces.*os\.environ"
    with pytest.raises(SpecError, match=said):
        watcher(kind, container="{{ var.value.c }}")
    with pytest.raises(SpecError, match=r"queue_name is .*renders no Jinja in a trigger"):
        BlobCreatedTrigger(queue_name="{{ var.value.q }}")
    with pytest.raises(SpecError, match=r"watermark_container is .*renders no Jinja in a trigger"):
        BlobListedTrigger("incoming", "a/", watermark_container="{{ var.value.w }}")
