"""Price a European call and put by Monte Carlo: each shard of paths is a function call on a Batch node.

All shards are one Batch job. A shard's seed is its number, so that the same run gives the same price.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import Pool, pending_tasks

SHARDS = 8
POOL = Pool(
    id="pricing", vm_size="standard_d2s_v5", scale=pending_tasks(max_nodes=4, spot=True), task_slots=2
)


@task.azure_batch(pool_id=POOL.id, retries=2, timeout=timedelta(minutes=30))
def simulate(seed: int, option: dict) -> dict:
    """Discounted payoffs of one shard: how many, their sum, and the sum of their squares."""
    import logging
    import math
    import random

    draw = random.Random(seed).gauss  # noqa: S311  chance, no secret
    years, strike, discount = option["years"], option["strike"], math.exp(-option["rate"] * option["years"])
    drift = (option["rate"] - option["volatility"] ** 2 / 2) * years
    spread = option["volatility"] * math.sqrt(years)
    calls, puts = [], []
    for _ in range(option["paths"]):
        price = option["spot"] * math.exp(drift + spread * draw(0, 1))
        calls.append(discount * max(price - strike, 0.0))
        puts.append(discount * max(strike - price, 0.0))
    logging.getLogger("simulate").info("Seed %s: a call is worth %.4f", seed, math.fsum(calls) / len(calls))
    return {
        name: [len(payoffs), math.fsum(payoffs), math.fsum(payoff * payoff for payoff in payoffs)]
        for name, payoffs in (("call", calls), ("put", puts))
    }


@task
def merge(shards: Any) -> dict:
    """Price and standard error over all paths, however many each shard has."""
    prices = {}
    for name in ("call", "put"):
        paths, total, squares = (sum(shard[name][moment] for shard in shards) for moment in range(3))
        variance = (squares - total * total / paths) / (paths - 1)
        prices[name] = {"price": total / paths, "error": (variance / paths) ** 0.5, "paths": paths}
    return prices


with DAG(
    "option_pricing",
    description="A European option by Monte Carlo, a Batch task a shard",
    schedule=None,
    params={
        "spot": Param(100.0, type="number", exclusiveMinimum=0, description="Price of the share today"),
        "strike": Param(105.0, type="number", exclusiveMinimum=0, description="Price in the option"),
        "rate": Param(0.03, type="number", description="Riskless interest a year, continuous"),
        "volatility": Param(0.2, type="number", exclusiveMinimum=0, description="Of the share, a year"),
        "years": Param(1.0, type="number", exclusiveMinimum=0, description="Until the option ends"),
        "paths": Param(100_000, type="integer", minimum=2, description="Of each shard"),
    },
    render_template_as_native_obj=True,
    tags=["azure-batch", "gallery"],
    doc_md=__doc__,
):
    shards = simulate.partial(option="{{ params }}").expand(seed=list(range(SHARDS)))
    AzureBatchPoolOperator(task_id="pool", batch_pool=POOL) >> shards
    merge(shards)
