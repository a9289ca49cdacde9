"""Finding the image that a pattern means: a script, for both drivers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_batch_provider.client.requests.job_requests import patiently
from airflow_batch_provider.client.requests.steps import Call, Refusal, Script
from airflow_batch_provider.spec.image import Image
from airflow_batch_provider.spec.latest_image import LatestImage
from airflow_batch_provider.spec.pool import Pool


def with_image(pool: Pool) -> Script[Pool]:
    """The pool with an image in place of a pattern.

    What a pool of that id runs already is kept while it fits: a newer image must not make every run of a DAG
    find that the pool is not as declared.

    Raises:
        SpecError: the service supports no image that fits.
        Refusal: the service refused, or gave no answer.
    """
    pattern = pool.image
    if not isinstance(pattern, LatestImage):
        return pool
    image = yield from _image_of(pool.pool_id, pattern)
    if image is None:
        supported = yield from list_supported()
        image = pattern.choose(supported)
    return replace(pool, image=image)


def list_supported() -> Script[list[Any]]:
    """The wire models BatchSupportedImage."""
    listed: list[Any] = yield from patiently(Call("list_supported_images", answer="pages"))
    return listed


def _image_of(pool_id: str, pattern: LatestImage) -> Script[Image | None]:
    try:
        there = yield from patiently(Call("get_pool", (pool_id,)))
    except Refusal as refusal:
        if refusal.code == "PoolNotFound":
            return None
        raise
    machine = there.get("virtualMachineConfiguration") or {}
    reference = machine.get("imageReference") or {}
    if not pattern.fits(reference) or not reference.get("publisher"):
        return None
    names = (reference["publisher"], reference["offer"], reference["sku"], machine["nodeAgentSKUId"])
    return Image(*names, version=reference.get("version") or "latest", windows=pattern.windows)
