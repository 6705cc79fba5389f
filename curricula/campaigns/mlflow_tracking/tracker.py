"""Campaigns in MLflow: runs campaign → generation → candidate, fed with commit records.

A commit counts as logged when the campaign's run has the point `campaign/generation` of it, which
is written last, in one batch with all its others; whatever lacks it is logged again from the
folder's commits. A store that fails is told of once, and tried again at the next commit.
`curricula.campaigns.mlflow_tracking.runs` has the store's side of it.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from curricula.campaigns.config.schema import Plugin, TrackingConfig
from curricula.campaigns.mlflow_tracking import sights
from curricula.campaigns.mlflow_tracking.logged import (
    commits_between,
    committed_ms,
    params,
    versions,
)
from curricula.campaigns.mlflow_tracking.runs import NOTE, CampaignRuns, is_remembered, tracking_uri
from curricula.campaigns.sight import pictures, report
from curricula.campaigns.sight.curriculum_pictures import save_heat_maps
from curricula.campaigns.sight.points import (
    is_number,
    measure_points,
    metric_name,
    record_points,
    result_points,
    winner_of,
)
from curricula.campaigns.sight.words import number, uses_text
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.machine import machine_text
from curricula.campaigns.store.records import Record
from taskgen.distribution import TaskDistribution
from taskgen.generator import ProblemGenerator, TaskGenerator
from taskgen.task import Task

_MAX_NAMED = 4
_MAX_TAG = 8000
_STATUS = {"KILLED": "stopped"}

MACHINE = "taskgen.machine"
"""Tag of a campaign's run: what was chosen for the machine, and where it went since."""

TEST_USES = "taskgen.test_uses"
"""Tag of a campaign's run: how often its test was used, and on what."""


class MlflowTracker:
    """Shows a campaign in MLflow; never stops it.

    Args:
        tracking: what is logged, and where.
        root: folder of the default store: `mlflow.db` and `artifacts/` lie in it.
        on_problem: gets a sentence when the store fails for the first time; by default a warning
            of the module's logger.

    Attributes:
        problems: the sentences that `on_problem` got.
    """

    def __init__(
        self,
        tracking: TrackingConfig,
        root: Path,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        self.tracking = tracking
        self.root = root.resolve()
        self.problems: list[str] = []
        self._on_problem = on_problem or logging.getLogger(__name__).warning
        self._folder = self.root
        self._config: Record = {}
        self._generator: TaskGenerator | None = None
        self._runs: CampaignRuns | None = None
        self._way = pictures.Way()
        self._previous: Record | None = None
        self._failing = False

    @property
    def uri(self) -> str:
        """The tracking URI that is used."""
        return tracking_uri(self.tracking.uri, self.root)

    @property
    def page(self) -> str | None:
        """The campaign's page in the UI, from `#` on; None before there is one."""
        if self._runs is None:
            return None
        return f"#/experiments/{self._runs.experiment}/runs/{self._runs.campaign}"

    def begin(self, folder: Path, config: Record) -> None:
        """Finds or makes the campaign's run, logs what is missing, closes what a kill left."""
        self._folder, self._config, self._runs = folder, config, None
        self._generator = _made_generator(config)
        self._attempt(self._catch_up)

    def record(self, record: Record) -> None:
        """Logs a commit, after those before it that could not be logged."""
        self._attempt(lambda: self._catch_up(record))

    def finish(self, status: str, result: Record | None) -> None:
        """Logs the result, registers the kept learners, closes the campaign's run."""
        self._attempt(lambda: self._finish(status, result))

    def tested(self, folder: Path, config: Record, result: Record) -> None:
        """Logs a use of the test after the campaign, or beside it, on the run that it has.

        A campaign that this store has no run of is left without one.
        """
        self._folder, self._config = folder, config
        if is_remembered(folder, self.uri):
            self._attempt(lambda: self._log_use(result))

    def _attempt(self, action: Callable[[], object]) -> None:
        """Does it, or says the first time that it cannot be done; the next call tries again."""
        try:
            action()
            self._failing = False
        except Exception as error:  # whatever a store or an outside generator comes up with
            self._runs = None
            reason = (str(error).splitlines() or ["no reason given"])[0]
            text = (
                f"MLflow at {self.uri} cannot be written ({type(error).__name__}: {reason}); the "
                f"campaign goes on, and what is missing is logged as soon as it can be."
            )
            if not self._failing:
                self.problems.append(text)
                self._on_problem(text)
            self._failing = True

    def _catch_up(self, newest: Record | None = None) -> CampaignRuns:
        """Logs every commit that the store does not have, oldest first; returns its runs."""
        is_fresh = self._runs is None
        runs = self._runs or self._open()
        for record in self._missing(runs.logged, newest):
            self._log(runs, record)
        if is_fresh:
            runs.close_orphans()
            self._describe(runs, "running")
        self._runs = runs
        return runs

    def _open(self, reopen: bool = True) -> CampaignRuns:
        """Connects, and reads again what the store has all of."""
        experiment, name = self.tracking.experiment, self._config["name"]
        runs = CampaignRuns(self.uri, self.root, experiment, self._folder, name, reopen)
        log = pictures.log_names(self._generator.space) if self._generator is not None else ()
        self._way, self._previous = pictures.Way(log=log), None
        for record in commits_between(self._folder, 0, runs.logged):
            self._take(record)
        runs.log_params(runs.campaign, params(self._config))
        with _upload(runs, runs.campaign) as out:
            text = yaml.safe_dump(dict(self._config), sort_keys=False, allow_unicode=True)
            (out / "config.yaml").write_text(text, encoding="utf-8")
            _write_json(out / "versions.json", versions())
        return runs

    def _missing(self, logged: int, newest: Record | None) -> list[Record]:
        if newest is None:
            return list(commits_between(self._folder, logged + 1))
        if newest["generation"] <= logged:
            return []
        return [*commits_between(self._folder, logged + 1, newest["generation"] - 1), newest]

    def _take(self, record: Record) -> Record | None:
        """Remembers a commit; returns the one before it."""
        before = self._previous
        self._way.add(record)
        self._previous = record
        return before if before and before["generation"] < record["generation"] else None

    def _log(self, runs: CampaignRuns, record: Record) -> None:
        """Logs one commit: the generation's run first, the campaign's points last."""
        stamp = committed_ms(self._folder, record["generation"])
        before = self._take(record)
        points = record_points(record, before, self._nats(record))
        self._log_generation(runs, record, points, stamp)
        with _upload(runs, runs.campaign) as out:
            pictures.save_figure(pictures.campaign_figure(self._way), out / "campaign.png")
            if record.get("quarantine"):
                (out / "quarantine.csv").write_text(report.quarantine_csv(record))
            if sights.is_doubled(record["generation"]):
                self._write_sights(out, seconds=0.0)
        tags = {NOTE: self._text(runs, "running"), **runs.first_commit_tag()}
        runs.log(runs.campaign, points, stamp, int(record["totals"]["env_steps"]), tags)
        runs.logged = record["generation"]
        runs.save()

    def _log_generation(
        self, runs: CampaignRuns, record: Record, points: Mapping[str, float], stamp: int
    ) -> None:
        generation, named = record["generation"], self._named()
        started = stamp - round(1000 * (record.get("seconds") or {}).get("generation", 0.0))
        name = f"generation {generation}"
        run, known = runs.child(runs.campaign, "generation", str(generation), name, started)
        runs.generations[generation] = run
        with _upload(runs, run) as out:
            self._write_files(out, record, named)
            files = ("tasks.png", sights.GALLERY, sights.TABLE)
            has_tasks, has_page, has_table = ((out / file).exists() for file in files)
        runs.log_dataset(run, self._dataset_name(record, named), record["incumbent"])
        place = report.artifact_address(runs.experiment, run, sights.GALLERY) if has_page else ""
        text = report.generation_text(record, run, has_tasks=has_tasks, named=named, gallery=place)
        tags = {NOTE: text, "search/decided_by": str(record["decision"].get("decided_by"))}
        tags |= sights.TABLE_TAG if has_table else {}
        step = int(record["totals"]["env_steps"])
        fresh = {name: value for name, value in points.items() if name not in known}
        runs.log(run, fresh, stamp, step, tags)
        for candidate in self._shown_candidates(record):
            _log_candidate(runs, run, candidate, (started, stamp), step)
        runs.client.set_terminated(run, "FINISHED", stamp)

    def _write_sights(self, out: Path, seconds: float) -> None:
        """Writes figures and the page of all tasks, each about the whole campaign."""
        records = list(commits_between(self._folder, 0))
        if records:
            sights.write_figures(out, self._way, records, self._generator)
            if self._generator is not None and self.tracking.num_pictures:
                place = (self._folder, self._config, self._generator)
                sights.write_gallery(out, *place, records, seconds)

    def _dataset_name(self, record: Record, named: Sequence[str]) -> str:
        """The generator and its named intervals, as the list of runs shows them."""
        regions = {name: record["parameters"][name] for name in named}
        words = [
            f"{name} {number(region['low'])}–{number(region['high'])}"
            for name, region in regions.items()
            if set(region) == {"low", "high"}
        ]
        return " ".join([self._config["generator"]["name"], ", ".join(words)]).strip()

    def _write_files(self, out: Path, record: Record, named: Sequence[str]) -> None:
        """Writes all that is uploaded to a generation's run."""
        tasks = [Task.from_json(task) for task in record["tasks"]][: self.tracking.num_pictures]
        if tasks and self._generator is not None:
            drawn, captions = self._pictures(self._generator, record, tasks, named)
            pictures.contact_sheet(drawn, captions).save(out / "tasks.png")
            sights.write_task_table(out, self._generator, tasks, drawn)
        pictures.save_figure(pictures.adaptation_figure(record), out / "adaptation_curve.png")
        with suppress(Exception):  # its checkpoint may be gone, foreign code may fail
            save_heat_maps(self._folder, self._config, record, out)
        if self._generator is not None and self.tracking.num_pictures:
            place = (self._folder, self._config, self._generator)
            sights.write_gallery(out, *place, [record], sights.drawing_s(record))
        _write_json(out / "tasks.json", record["tasks"])
        keys = ("incumbent", "frontier", "volume", "parameters")
        _write_json(out / "distribution.json", {key: record.get(key) for key in keys})
        if record["candidates"]:
            (out / "candidates.csv").write_text(report.candidates_csv(record), encoding="utf-8")

    def _pictures(
        self,
        generator: TaskGenerator,
        record: Record,
        tasks: Sequence[Task],
        named: Sequence[str],
    ) -> tuple[list[Any], list[str]]:
        """Returns pictures and captions; of problems with the learner's answers, if it is there."""
        if isinstance(generator, ProblemGenerator):
            from curricula.campaigns.mlflow_tracking.answers import answer_pictures

            with suppress(Exception):  # its checkpoint may be gone, foreign code may fail
                drawn, worth = answer_pictures(self._folder, record, generator, tasks)
                told = pictures.task_captions(generator, tasks, named, num_features=0)
                pairs = zip(worth, told, strict=True)
                return drawn, [", ".join(filter(None, pair)) for pair in pairs]
        drawn = pictures.task_pictures(generator, tasks)
        return drawn, pictures.task_captions(generator, tasks, named)

    def _named(self) -> list[str]:
        """The parameters worth a word: those that move, or else the first one."""
        first = list(self._way.rows[-1]["parameters"])[:1]
        return self._way.moved()[:_MAX_NAMED] or first

    def _shown_candidates(self, record: Record) -> list[Mapping[str, Any]]:
        if self.tracking.candidate_runs == "all":
            return list(record["candidates"])
        winner = winner_of(record)
        return [winner] if winner and self.tracking.candidate_runs == "adopted" else []

    def _nats(self, record: Record) -> dict[str, float]:
        if self._generator is None:
            return {}
        return TaskDistribution.from_json(self._generator.space, record["incumbent"]).nats()

    def _finish(self, status: str, result: Record | None) -> None:
        runs = self._catch_up()
        if self._way.rows:
            self._log_result(runs, result)
            self._log_learners(runs)
            runs.save_view(self._columns())
        with _upload(runs, runs.campaign) as out:
            self._write_sights(out, sights.MAX_DRAWING_S)
            leaks = self._folder / "leak_report.json"
            if leaks.is_file():
                (out / leaks.name).write_bytes(leaks.read_bytes())
        self._describe(runs, _STATUS.get(status, status.lower()))
        runs.client.set_terminated(runs.campaign, status)

    def _log_use(self, result: Record) -> None:
        runs = self._open(reopen=False)
        if self._way.rows:
            self._log_result(runs, {"test": result})
        status = runs.client.get_run(runs.campaign).info.status
        self._describe(runs, _STATUS.get(status, status.lower()))

    def _log_result(self, runs: CampaignRuns, result: Record | None) -> None:
        """Logs what a use of the test came to, once for a commit."""
        points = result_points((result or {}).get("test") or {})
        if not points:
            return
        assert result is not None
        step = int(self._way.rows[-1]["env_steps"])
        if not runs.has_point(next(iter(points)), step):
            with _upload(runs, runs.campaign) as out:
                kind, name = result["test"].get("kind", "sealed"), result["test"].get("name")
                file = "test.json" if kind == "sealed" else f"{kind}-{name}.json"
                _write_json(out / file, result["test"])
                films = CampaignStore(self._folder).films
                if kind == "sealed" and films.is_dir():
                    shutil.copytree(films, out / films.name)
            runs.log(runs.campaign, points, int(1000 * time.time()), step)

    def _log_learners(self, runs: CampaignRuns) -> None:
        """Registers the last and the best learner, with what they scored on the monitor sets."""
        assert self._previous is not None
        last = self._previous["generation"]
        best = (self._previous.get("best") or {}).get("generation", last)
        for role, generation in {"last": last, "best": best}.items():
            for record in commits_between(self._folder, generation, generation):
                file = self._folder / record["checkpoint"]["file"]
                tags = {"checkpoint": str(file), "sha256": record["checkpoint"]["sha256"]}
                points: dict[str, float] = {}
                for name, measures in record["monitor"].items():
                    points |= measure_points("monitor", name, measures)
                runs.log_learner(role, generation, tags, points)

    def _columns(self) -> list[str]:
        last = self._way.rows[-1]["scores"].get("target") or {} if self._way.rows else {}
        told = "score" if "score" in last else "return_iqm"
        metrics = [f"monitor/target_{told}", "monitor/target_success_rate"]
        metrics += [f"distribution/{name}_high" for name in self._named()]
        return [f"metrics.`{name}`" for name in metrics] + ["tags.`search/decided_by`"]

    def _describe(self, runs: CampaignRuns, status: str) -> None:
        if machine := machine_text(CampaignStore(self._folder).machine()):
            runs.client.set_tag(runs.campaign, MACHINE, machine[:_MAX_TAG])
        if uses := uses_text(CampaignStore(self._folder).test_results()):
            runs.client.set_tag(runs.campaign, TEST_USES, uses[:_MAX_TAG])
        runs.client.set_tag(runs.campaign, NOTE, self._text(runs, status))

    def _text(self, runs: CampaignRuns, status: str) -> str:
        where = (runs.generations, runs.experiment, runs.campaign)
        store = CampaignStore(self._folder)
        notes = [machine_text(store.machine()), uses_text(store.test_results())]
        files = (
            {"gallery of the tasks of all generations": sights.GALLERY} if self._has_plays else {}
        )
        if self._way.rows[1:]:
            files |= {"figures of the search": sights.FIRST_FIGURE}
        films = sorted(store.films.glob("*.gif"))
        files |= {
            f"film: {film.stem.partition('-')[0]} task": f"films/{film.name}" for film in films
        }
        links = {
            label: report.artifact_address(runs.experiment, runs.campaign, path)
            for label, path in files.items()
        }
        return report.campaign_text(self._config, self._way, *where, status, notes, links)

    @property
    def _has_plays(self) -> bool:
        return bool(self.tracking.num_pictures) and any((self._folder / "plays").glob("*.gz"))


def _log_candidate(
    runs: CampaignRuns, parent: str, candidate: Mapping[str, Any], when: tuple[int, int], step: int
) -> None:
    """Logs one candidate below its generation; `when` is its start and end in milliseconds."""
    name = f"candidate {candidate['index']} ({candidate.get('name', candidate['origin'])})"
    run, known = runs.child(parent, "candidate", str(candidate["index"]), name, when[0])
    keys = ("gain", "gain_se", "rung_gain", "env_steps", "seconds")
    numbers: dict[str, Any] = {metric_name("candidate", key): candidate.get(key) for key in keys}
    for metric, value in (candidate.get("metrics") or {}).items():
        numbers[metric_name(*metric.split("/"))] = value
    points = {k: float(v) for k, v in numbers.items() if k not in known and is_number(v)}
    params = {"origin": candidate["origin"], "pruned": bool(candidate.get("pruned"))}
    for axis, value in (candidate.get("move") or {}).items():
        params[metric_name(f"move.{axis}")] = value
    regions = (candidate.get("distribution") or {}).get("regions", {})
    for axis, region in regions.items():
        params[metric_name(f"distribution.{axis}")] = json.dumps(region)
    runs.log(run, points, when[1], step)
    runs.log_params(run, params)
    runs.client.set_terminated(run, "FINISHED", when[1])


@contextmanager
def _upload(runs: CampaignRuns, run: str) -> Iterator[Path]:
    """Gives a folder whose files become the run's artifacts, replacing those of the same name."""
    with tempfile.TemporaryDirectory(prefix="taskgen-") as name:
        yield Path(name)
        if any(Path(name).iterdir()):
            runs.client.log_artifacts(run, name)


def _made_generator(config: Record) -> TaskGenerator | None:
    """The campaign's generator, for pictures and widths; None where it cannot be made."""
    from curricula.campaigns.config.plugins import make_generator

    with suppress(Exception):  # the campaign itself will say what is wrong with it
        return make_generator(Plugin.model_validate(config["generator"]))
    return None


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
