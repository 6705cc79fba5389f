"""MLflow stores: where they are, how they are opened, and which of them knows a campaign.

Whoever opens one tells mlflow to keep quiet and to give up early; it is imported only then.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curricula.campaigns.mlflow_tracking.relocation import ARTIFACTS, DATABASE, relocate

if TYPE_CHECKING:
    from mlflow import MlflowClient

MEMO = "mlflow.json"

NO_TELEMETRY = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
}
"""Environment of whatever runs MLflow: nothing leaves this machine."""

_QUIET = {
    **NO_TELEMETRY,
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a server that is down must not hold up a campaign
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


def tracking_uri(configured: str | None, root: Path) -> str:
    """Returns the configured URI, else $MLFLOW_TRACKING_URI, else the store in `root`."""
    return configured or os.environ.get("MLFLOW_TRACKING_URI") or default_uri(root)


def default_uri(root: Path) -> str:
    """Returns the URI of the store in `root`."""
    return f"sqlite:///{root.resolve() / DATABASE}"


def open_client(uri: str, root: Path) -> MlflowClient:
    """Returns a client of the store; the default one is made, or follows where it was moved to.

    mlflow is told to send no telemetry, print no links and give up early on a silent server,
    unless the environment says otherwise.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if uri == default_uri(root) and not relocate(root) and not (root / DATABASE).exists():
        root.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(root / DATABASE)) as connection:
            # Readers (the UI) and writers no longer wait for each other; stays with the file.
            connection.execute("PRAGMA journal_mode=WAL")
    from mlflow import MlflowClient

    for chatty in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri)


def find_experiment(client: MlflowClient, uri: str, name: str, root: Path) -> str:
    """Returns the id of an experiment, made if it is not there.

    Raises:
        RuntimeError: if it lies in MLflow's trash.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        # A server knows where artifacts go; a plain database would put them where we stand.
        is_server = uri.startswith(("http:", "https:", "databricks"))
        place = None if is_server else (root.resolve() / ARTIFACTS).as_uri()
        return str(client.create_experiment(name, artifact_location=place))
    if found.lifecycle_stage != "active":
        raise RuntimeError(
            f"the experiment {name!r} is in MLflow's trash; restore it "
            f"(`mlflow experiments restore --experiment-id {found.experiment_id}`) "
            f"or set tracking.experiment to another name"
        )
    return str(found.experiment_id)


def is_remembered(folder: Path, uri: str) -> bool:
    """Whether a campaign has a run in this store, as far as its folder knows."""
    return bool(read_memo(folder, uri).get("run"))


def remembered_page(folder: Path, uri: str) -> str | None:
    """Returns a campaign's page in the UI of this store, from `#` on; None where it has no run."""
    memo = read_memo(folder, uri)
    if not memo.get("run"):
        return None
    return f"#/experiments/{memo.get('experiment')}/runs/{memo['run']}"


def read_memo(folder: Path, uri: str) -> dict[str, Any]:
    """What was remembered about this store; nothing where the file is missing or torn."""
    try:
        memo = json.loads((folder / MEMO).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    is_here = isinstance(memo, dict) and memo.get("uri") == named_store(uri, folder)
    return memo if is_here else {}


def named_store(uri: str, folder: Path) -> str:
    """How a campaign's folder names a store: one beside it by a name that moves with both."""
    return DATABASE if uri == default_uri(folder.resolve().parent.parent) else uri
