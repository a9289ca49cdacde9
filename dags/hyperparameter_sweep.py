"""Find a classifier's best hyper-parameters: a Batch task for each point of a grid, and the best one trained.

The data are scikit-learn's handwritten digits. A quarter of them is held out: the search never sees it, and
the model that is found is judged by it.
"""

from __future__ import annotations

import json
from datetime import timedelta

from airflow.sdk import DAG

from airflow_batch_provider.decorators import task
from airflow_batch_provider.decorators.results import load_result
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import Pool, StartTask, pending_tasks, shell

GRID = {"penalty": [0.1, 1.0, 10.0], "width": [0.0001, 0.001, 0.01]}
SEED = 20
POOL = Pool(
    id="sweep",
    vm_size="standard_d2s_v5",
    scale=pending_tasks(max_nodes=4, spot=True),
    task_slots=2,
    # Ubuntu's server images lack what uv is installed by; a node that has just started may still be updating
    # itself, which holds the lock.
    start_task=StartTask(
        shell(
            "export DEBIAN_FRONTEND=noninteractive; python3 -m ensurepip --version || { apt-get update -q; "
            "apt-get -o DPkg::Lock::Timeout=300 install -qy python3-venv; }"
        ),
        retries=2,
        admin=True,
    ),
)
on_nodes = task.azure_batch(
    pool_id=POOL.id,
    requirements=["scikit-learn==1.7.2"],
    retries=2,
    timeout=timedelta(minutes=30),
    multiple_outputs=False,  # else a model among them would go to XCom, whatever its size
)


@on_nodes
def score(penalty: float, width: float, seed: int) -> dict:
    """Accuracy of one point of the grid, by cross-validation."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
    from sklearn.svm import SVC

    pictures, digits = load_digits(return_X_y=True)
    pictures, _, digits, _ = train_test_split(pictures, digits, stratify=digits, random_state=seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    accuracies = cross_val_score(SVC(C=penalty, gamma=width), pictures, digits, cv=folds)
    return {"penalty": penalty, "width": width, "accuracy": float(accuracies.mean())}


@on_nodes
def best(scores: list[dict], seed: int) -> dict:
    """The best point, the model that it makes of all but what was held out, and its accuracy on that."""
    import pickle

    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.svm import SVC

    ranked = sorted(scores, key=lambda point: (-point["accuracy"], point["penalty"], point["width"]))
    pictures, digits = load_digits(return_X_y=True)
    seen, unseen, known, asked = train_test_split(pictures, digits, stratify=digits, random_state=seed)
    model = SVC(C=ranked[0]["penalty"], gamma=ranked[0]["width"]).fit(seen, known)
    report = {"best": ranked[0], "held_out_accuracy": model.score(unseen, asked), "ranked": ranked}
    return {"report": report, "model": pickle.dumps(model)}


@task
def publish(found: dict) -> dict:
    """Leave model and report where others look for them."""
    found = load_result(found)  # of that size it is a reference to a blob
    storage = AzureBatchHook().storage()
    storage.upload_blob("outgoing", "models/digits/model.pkl", found["model"])
    storage.upload_blob("outgoing", "models/digits/report.json", json.dumps(found["report"]))
    return {"best": found["report"]["best"], "held_out_accuracy": found["report"]["held_out_accuracy"]}


with DAG(
    "hyperparameter_sweep",
    description="A grid of hyper-parameters, a Batch task a point, and the best model",
    schedule=None,
    tags=["azure-batch", "gallery"],
    doc_md=__doc__,
):
    scores = score.partial(seed=SEED).expand(**GRID)
    AzureBatchPoolOperator(task_id="pool", batch_pool=POOL) >> scores
    publish(best(scores, SEED))
