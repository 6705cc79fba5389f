"""A comparison in MLflow: one run that holds its table, its figure and the estimates of its arms.

Logged again whenever results were added; the run is found again by its tag, and what is logged
twice stands there once, the newest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from curricula.campaigns.mlflow_tracking.runs import NOTE, SOURCE
from curricula.campaigns.mlflow_tracking.stores import find_experiment, open_client

_KIND, _FOLDER = "taskgen.kind", "taskgen.comparison"
_ESTIMATES = (
    "score",
    "worst",
    "success",
    "mastered",
    "adaptation_gain",
    "forgetting",
    "improvement",
)
_COUNTS = ("env_steps", "gradient_updates", "seconds")


def log_comparison(
    uri: str, root: Path, experiment: str, folder: Path, table: Mapping[str, Any], text: str
) -> str:
    """Logs a comparison, and returns the address of its page in the UI, from `#` on.

    Args:
        uri: the store.
        root: folder of the default store.
        experiment: name of the experiment.
        folder: of the comparison, with table and figure in it.
        table: what the table holds.
        text: the table for people, Markdown.
    """
    client = open_client(uri, root)
    place = find_experiment(client, uri, experiment, root)
    run = _run(client, place, folder)
    client.update_run(run, status="RUNNING")
    client.set_tag(run, NOTE, text)
    settings = {"arms": [arm["name"] for arm in table["arms"]], "env_steps": table["env_steps"]}
    client.set_tag(run, "taskgen.settings", json.dumps(settings))
    step = sum(len(arm["seeds"]) for arm in table["arms"])
    for name, value in points(table).items():
        client.log_metric(run, name, value, step=step)
    for file in ("table.json", "table.md", "comparison.png", "comparison.json"):
        if (folder / file).is_file():
            client.log_artifact(run, str(folder / file))
    client.set_terminated(run, "KILLED" if table["missing"] else "FINISHED")
    return f"#/experiments/{place}/runs/{run}"


def points(table: Mapping[str, Any]) -> dict[str, float]:
    """Returns the estimates of a table as metrics, "<arm>/<estimate>" and its ends.

    Example:
        >>> arm = {"name": "a", "score": [0.5, 0.4, 0.6], "env_steps": 9.0, "seeds": [0]}
        >>> points({"arms": [arm]})
        {'a/score': 0.5, 'a/score_low': 0.4, 'a/score_high': 0.6, 'a/env_steps': 9.0}
    """
    found: dict[str, float] = {}
    for arm in table["arms"]:
        for key in _ESTIMATES:
            if arm.get(key):
                names = (key, f"{key}_low", f"{key}_high")
                found |= {f"{arm['name']}/{n}": v for n, v in zip(names, arm[key], strict=True)}
        found |= {f"{arm['name']}/{key}": arm[key] for key in _COUNTS if key in arm}
    return found


def _run(client: Any, experiment: str, folder: Path) -> str:
    """Returns the comparison's run, made if there is none."""
    mark = folder.name  # no two of a root have one, and the root may be moved
    where = f"tags.`{_FOLDER}` = '{mark}'"
    for run in client.search_runs([experiment], where):
        return str(run.info.run_id)
    tags = {_KIND: "comparison", _FOLDER: mark, **SOURCE}
    return str(client.create_run(experiment, None, tags, folder.name).info.run_id)
