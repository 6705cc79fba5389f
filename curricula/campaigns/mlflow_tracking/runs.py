"""The runs of one campaign in an MLflow store, where every write can be repeated.

Everything goes through a client and run ids, never through mlflow's global active run. Runs are
found again by their tags, and points carry the time of their commit, so that what was cut off is
done again without traces.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curricula.campaigns.mlflow_tracking.stores import (
    MEMO,
    find_experiment,
    named_store,
    open_client,
    read_memo,
)
from curricula.campaigns.sight.points import GENERATION
from curricula.campaigns.store.records import Record

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run

NOTE = "mlflow.note.content"
SOURCE = {"mlflow.source.name": "taskgen", "mlflow.source.type": "LOCAL"}
VIEW_KEY = "taskgen"

_CAMPAIGN, _KIND, _PLACE = "taskgen.campaign", "taskgen.kind", "taskgen.place"
_FIRST_COMMIT, _LEARNER = "taskgen.first_commit", "taskgen.learner"
_PARENT = "mlflow.parentRunId"
_MAX_METRICS, _MAX_PARAMS, _MAX_VALUE = 1000, 100, 6000


class CampaignRuns:
    """The campaign's run and the runs below it.

    Args:
        uri: the store.
        root: folder of the default store, and of the artifacts of any store that is a database.
        experiment: name of the experiment, made if it is not there.
        folder: the campaign's folder; `mlflow.json` in it remembers the run's id.
        name: the campaign's name.
        reopen: whether the run goes on; else it must be there, and stays as open as it is.

    Attributes:
        client: of the store.
        experiment: the experiment's id.
        campaign: the id of the campaign's run.
        generations: run id by generation.
        logged: the newest generation that the store has all of, -1 for none.
        drawn: the generation whose run got pictures last, -1 for none.
    """

    def __init__(
        self, uri: str, root: Path, experiment: str, folder: Path, name: str, reopen: bool = True
    ) -> None:
        self.uri, self.folder, self.name = uri, folder, name
        self.client = open_client(uri, root)
        self.experiment = find_experiment(self.client, uri, experiment, root)
        memo = read_memo(folder, uri)
        self.key: str = memo.get("key") or secrets.token_hex(8)
        self.campaign, self.key = self._find_campaign(memo, reopen)
        self.logged = self._last_logged()
        self.drawn = int(memo.get("drawn", -1))
        self.generations = self._find_generations(memo.get("generations", {}))
        self.save()

    def save(self) -> None:
        """Remembers the ids beside the campaign; without them they are found by tags."""
        memo = {
            "uri": named_store(self.uri, self.folder),
            "key": self.key,
            "experiment": self.experiment,
            "run": getattr(self, "campaign", None),
            "logged": getattr(self, "logged", -1),
            "drawn": getattr(self, "drawn", -1),
            "generations": {str(g): run for g, run in getattr(self, "generations", {}).items()},
        }
        beside = self.folder / f".{MEMO}.tmp"
        beside.write_text(json.dumps(memo), encoding="utf-8")
        beside.replace(self.folder / MEMO)

    def child(
        self, parent: str, kind: str, place: str, name: str, started: int
    ) -> tuple[str, set[str]]:
        """Returns a run below `parent` and the names of the points that it has already.

        Args:
            parent: run id.
            kind: "generation" or "candidate".
            place: what tells it from its siblings.
            name: what people see.
            started: milliseconds since 1970, for a run that has to be made.
        """
        wanted = {_PARENT: parent, _KIND: kind, _PLACE: place}
        for run in self._search(wanted):
            return run.info.run_id, set(run.data.metrics)
        tags = {**wanted, _CAMPAIGN: self.key, **SOURCE}
        run = self.client.create_run(self.experiment, started, tags, name)
        return run.info.run_id, set()

    def log(
        self,
        run: str,
        points: Mapping[str, float],
        stamp: int,
        step: int,
        tags: Mapping[str, str] | None = None,
        model: str | None = None,
    ) -> None:
        """Logs points and tags in one batch (more than 1000 points: several)."""
        from mlflow.entities import Metric, RunTag

        metrics: list[Metric] = [
            Metric(name, value, stamp, step, model_id=model) for name, value in points.items()
        ]
        # The marker comes last: where it stands, everything before it does.
        metrics.sort(key=lambda metric: metric.key == GENERATION)
        while len(metrics) > _MAX_METRICS:
            self.client.log_batch(run, metrics=metrics[:_MAX_METRICS])
            metrics = metrics[_MAX_METRICS:]
        entries = [RunTag(name, value) for name, value in (tags or {}).items()]
        self.client.log_batch(run, metrics=metrics, tags=entries)

    @contextmanager
    def upload(self, run: str) -> Iterator[Path]:
        """Gives a folder whose files become a run's artifacts, replacing those of the same name."""
        with tempfile.TemporaryDirectory(prefix="taskgen-") as name:
            yield Path(name)
            if any(Path(name).iterdir()):
                self.client.log_artifacts(run, name)

    def log_params(self, run: str, params: Mapping[str, Any]) -> None:
        """Logs those params that the run does not have yet; they can never change."""
        from mlflow.entities import Param

        known = self.client.get_run(run).data.params
        fresh = [
            Param(name[:250], str(value)[:_MAX_VALUE])
            for name, value in params.items()
            if name[:250] not in known
        ]
        for start in range(0, len(fresh), _MAX_PARAMS):
            self.client.log_batch(run, params=fresh[start : start + _MAX_PARAMS])

    def log_dataset(self, run: str, name: str, content: Record) -> None:
        """Logs what a run trained on as its dataset: a name, the content's digest, the content."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        text = json.dumps(content, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        source = json.dumps({"tags": {"taskgen.distribution": text}})[:65_000]
        dataset = Dataset(name[:500], digest, "code", source, profile=text)
        context = InputTag("mlflow.data.context", "training")
        self.client.log_inputs(run, datasets=[DatasetInput(dataset, [context])])

    def log_learner(
        self, role: str, generation: int, tags: Mapping[str, str], points: Mapping[str, float]
    ) -> None:
        """Registers a learner that is kept outside MLflow, with what it scored.

        Args:
            role: "last" or "best".
            generation: whose commit it is, one that is logged.
            tags: where it lies.
            points: points that the campaign's run has of that generation.
        """
        mark = {_CAMPAIGN: self.key, _LEARNER: f"{role}-{generation}"}
        where = " AND ".join(f"tags.`{key}` = '{value}'" for key, value in mark.items())
        known = self.client.search_logged_models([self.experiment], filter_string=where)
        if any(model.status.value == "READY" for model in known):
            return
        model = next(iter(known), None) or self.client.create_logged_model(
            self.experiment,
            name=f"{self.name.replace('.', '_')}-{role}",
            source_run_id=self.campaign,
            tags={**mark, "mlflow.model.isExternal": "true", **tags},
            params={"generation": str(generation)},
            model_type="learner",
        )
        # The same time, step and value as on the run: the run's points stay what they are.
        point = self._generation_point(generation)
        self.log(self.campaign, points, point.timestamp, point.step, model=model.model_id)
        self._link_output(model.model_id, point.step)
        self.client.finalize_logged_model(model.model_id, "READY")

    def _link_output(self, model: str, step: int) -> None:
        """Has the campaign's page name a learner as what came out of it, once."""
        from mlflow.entities import LoggedModelOutput

        outputs = self.client.get_run(self.campaign).outputs
        linked = {output.model_id for output in (outputs.model_outputs if outputs else ())}
        if model not in linked:
            self.client.log_outputs(self.campaign, [LoggedModelOutput(model, step)])

    def has_point(self, name: str, step: int) -> bool:
        """Whether the campaign's run has a point of this name at a step."""
        history = self.client.get_metric_history(self.campaign, name)
        return any(metric.step == step for metric in history)

    def close_orphans(self) -> None:
        """Closes the campaign's runs that a killed process left open and no commit took up."""
        for run in self._search({_CAMPAIGN: self.key}, "attributes.status = 'RUNNING'"):
            if run.info.run_id != self.campaign:
                self.client.set_terminated(run.info.run_id, "KILLED")

    def first_commit_tag(self) -> dict[str, str]:
        """Returns the tag that tells this campaign from another of the same name."""
        digest = _first_commit(self.folder)
        return {_FIRST_COMMIT: digest} if digest else {}

    def save_view(self, columns: list[str]) -> None:
        """Offers a list of runs with useful columns under "Views"; the format is mlflow's own."""
        with suppress(Exception):
            state = json.dumps({"selectedColumns": columns}).encode()
            packed = base64.b64encode(zlib.compress(state)).decode()
            now = int(1000 * time.time())
            view = {
                "name": "Campaigns and generations",
                "createdAt": now,
                "updatedAt": now,
                "state": f"deflate;{packed}",
            }
            tag = f"mlflow.sharedViewState.{VIEW_KEY}"
            self.client.set_experiment_tag(self.experiment, tag, json.dumps(view))

    def _find_campaign(self, memo: Mapping[str, Any], reopen: bool) -> tuple[str, str]:
        """The campaign's run and its key: remembered, found by tags, or new."""
        run = self._remembered(memo.get("run")) or self._tagged(memo)
        if run is None and not reopen:
            raise RuntimeError(f"the run of {self.name} was deleted")
        if run is None:
            self.save()  # the key is on disk before a run has it, so the run can be found
            tags = {_CAMPAIGN: self.key, _KIND: "campaign", **SOURCE}
            run = self.client.create_run(self.experiment, None, tags, self.name)
        elif reopen and run.info.status != "RUNNING":
            self.client.update_run(run.info.run_id, "RUNNING")
        return run.info.run_id, run.data.tags[_CAMPAIGN]

    def _remembered(self, run_id: str | None) -> Run | None:
        from mlflow.exceptions import MlflowException

        if run_id is None:
            return None
        try:
            run = self.client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return run if run.info.lifecycle_stage == "active" else None

    def _tagged(self, memo: Mapping[str, Any]) -> Run | None:
        """The run that has the remembered key; without a memo, the first commit's digest."""
        key = memo.get("key")
        mark, value = (_CAMPAIGN, key) if key else (_FIRST_COMMIT, _first_commit(self.folder))
        if not value:
            return None
        return next(self._search({_KIND: "campaign", mark: value}), None)

    def _generation_point(self, generation: int) -> Metric:
        history = self.client.get_metric_history(self.campaign, GENERATION)
        return next(metric for metric in history if metric.value == generation)

    def _last_logged(self) -> int:
        history = self.client.get_metric_history(self.campaign, GENERATION)
        return max((int(metric.value) for metric in history), default=-1)

    def _find_generations(self, remembered: Mapping[str, str]) -> dict[int, str]:
        if len(remembered) > self.logged:
            return {int(generation): run for generation, run in remembered.items()}
        found = self._search({_PARENT: self.campaign, _KIND: "generation"})
        return {int(run.data.tags[_PLACE]): run.info.run_id for run in found}

    def _search(self, tags: Mapping[str, str], more: str = "") -> Iterator[Run]:
        """Yields the active runs of the experiment that have all these tags."""
        terms = [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
        where = " and ".join([*terms, *([more] if more else [])])
        token = None
        while True:
            page = self.client.search_runs([self.experiment], where, page_token=token)
            yield from page
            token = page.token
            if not token:
                return


def write_json(path: Path, value: Any) -> None:
    """Writes a value as JSON that people can read."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")


def _first_commit(folder: Path) -> str | None:
    path = folder / "commits" / "000000.json"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
