"""A campaign's own run in MLflow: its points, figures, learners, result and description."""

from __future__ import annotations

import shutil
import time

import yaml

from curricula.campaigns.mlflow_tracking import sights
from curricula.campaigns.mlflow_tracking.generation_log import draw_generation, log_generation
from curricula.campaigns.mlflow_tracking.logged import (
    LoggedCampaign,
    commits_between,
    committed_ms,
    params,
    versions,
)
from curricula.campaigns.mlflow_tracking.runs import NOTE, CampaignRuns, write_json
from curricula.campaigns.sight import figures, report
from curricula.campaigns.sight.points import measure_points, record_points, result_points
from curricula.campaigns.sight.words import uses_text
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.machine import machine_text
from curricula.campaigns.store.records import Record

_MAX_TAG = 8000
_STATUS = {"KILLED": "stopped"}

MACHINE = "taskgen.machine"
"""Tag of a campaign's run: what was chosen for the machine, and where it went since."""

TEST_USES = "taskgen.test_uses"
"""Tag of a campaign's run: how often its test was used, and on what."""


def log_settings(campaign: LoggedCampaign, runs: CampaignRuns) -> None:
    """Logs what decides the results, and with which versions."""
    runs.log_params(runs.campaign, params(campaign.config))
    with runs.upload(runs.campaign) as out:
        text = yaml.safe_dump(dict(campaign.config), sort_keys=False, allow_unicode=True)
        (out / "config.yaml").write_text(text, encoding="utf-8")
        write_json(out / "versions.json", versions())


def log_commit(campaign: LoggedCampaign, runs: CampaignRuns, record: Record) -> None:
    """Logs one commit: the generation's run first, the campaign's points last.

    Where there is no time left for pictures, it gets none.
    """
    stamp = committed_ms(campaign.folder, record["generation"])
    before = campaign.take(record)
    points = record_points(record, before, campaign.nats(record))
    log_generation(campaign, runs, record, points, stamp)
    campaign.allowance.earn((record.get("seconds") or {}).get("generation", 0.0))
    if campaign.allowance.is_open:
        doubled = sights.has_doubled(runs.drawn, record["generation"])
        with campaign.allowance.spending():
            _draw(campaign, runs, record)
            if doubled:
                _draw_all(campaign, runs, seconds=0.0)
    if record.get("quarantine"):
        with runs.upload(runs.campaign) as out:
            (out / "quarantine.csv").write_text(report.quarantine_csv(record))
    tags = {NOTE: _text(campaign, runs, "running"), **runs.first_commit_tag()}
    runs.log(runs.campaign, points, stamp, int(record["totals"]["env_steps"]), tags)
    runs.logged = record["generation"]
    runs.save()


def log_end(
    campaign: LoggedCampaign, runs: CampaignRuns, status: str, result: Record | None
) -> None:
    """Logs the result, registers the kept learners, draws the last commit, closes the run.

    Args:
        campaign: all of whose commits are logged.
        runs: the store's side.
        status: MLflow's word for how it ended.
        result: of the campaign; None where it was stopped before.
    """
    if campaign.way.rows:
        log_result(campaign, runs, result)
        _log_learners(campaign, runs)
        if campaign.newest is not None and campaign.newest["generation"] != runs.drawn:
            _draw(campaign, runs, campaign.newest)
            runs.save()
        runs.save_view(_columns(campaign))
    _draw_all(campaign, runs, sights.MAX_DRAWING_S)
    leaks = campaign.folder / "leak_report.json"
    if leaks.is_file():
        with runs.upload(runs.campaign) as out:
            (out / leaks.name).write_bytes(leaks.read_bytes())
    describe(campaign, runs, status)
    runs.client.set_terminated(runs.campaign, status)


def log_result(campaign: LoggedCampaign, runs: CampaignRuns, result: Record | None) -> None:
    """Logs what a use of the test came to, once for a commit."""
    points = result_points((result or {}).get("test") or {})
    if not points:
        return
    assert result is not None
    step = int(campaign.way.rows[-1]["env_steps"])
    if not runs.has_point(next(iter(points)), step):
        with runs.upload(runs.campaign) as out:
            kind, name = result["test"].get("kind", "sealed"), result["test"].get("name")
            file = "test.json" if kind == "sealed" else f"{kind}-{name}.json"
            write_json(out / file, result["test"])
            films = CampaignStore(campaign.folder).films
            if kind == "sealed" and films.is_dir():
                shutil.copytree(films, out / films.name)
        runs.log(runs.campaign, points, int(1000 * time.time()), step)


def describe(campaign: LoggedCampaign, runs: CampaignRuns, status: str) -> None:
    """Writes the run's description: how the campaign went, as of what was read.

    Args:
        campaign: as far as it was read.
        runs: the store's side.
        status: "running", or MLflow's word for how it ended.
    """
    store = CampaignStore(campaign.folder)
    if machine := machine_text(store.machine()):
        runs.client.set_tag(runs.campaign, MACHINE, machine[:_MAX_TAG])
    if uses := uses_text(store.test_results()):
        runs.client.set_tag(runs.campaign, TEST_USES, uses[:_MAX_TAG])
    word = _STATUS.get(status, status.lower())
    runs.client.set_tag(runs.campaign, NOTE, _text(campaign, runs, word))


def _draw(campaign: LoggedCampaign, runs: CampaignRuns, record: Record) -> None:
    """Draws a commit, and the campaign up to there."""
    draw_generation(campaign, runs, record)
    with runs.upload(runs.campaign) as out:
        figures.save_figure(figures.campaign_figure(campaign.way), out / "campaign.png")


def _draw_all(campaign: LoggedCampaign, runs: CampaignRuns, seconds: float) -> None:
    """Draws figures of the search and the page of all tasks, each about the whole campaign."""
    records = list(commits_between(campaign.folder, 0))
    with runs.upload(runs.campaign) as out:
        if records:
            sights.write_figures(out, campaign.way, records, campaign.generator)
        if records and campaign.drawable:
            sights.write_gallery(out, *campaign.drawable, records, seconds)


def _log_learners(campaign: LoggedCampaign, runs: CampaignRuns) -> None:
    """Registers the last and the best learner, with what they scored on the monitor sets."""
    assert campaign.newest is not None
    last = campaign.newest["generation"]
    best = (campaign.newest.get("best") or {}).get("generation", last)
    for role, generation in {"last": last, "best": best}.items():
        for record in commits_between(campaign.folder, generation, generation):
            file = campaign.folder / record["checkpoint"]["file"]
            tags = {"checkpoint": str(file), "sha256": record["checkpoint"]["sha256"]}
            points: dict[str, float] = {}
            for name, measures in record["monitor"].items():
                points |= measure_points("monitor", name, measures)
            runs.log_learner(role, generation, tags, points)


def _columns(campaign: LoggedCampaign) -> list[str]:
    """The columns with which the list of runs opens."""
    last = campaign.way.rows[-1]["scores"].get("target") or {}
    told = "score" if "score" in last else "return_iqm"
    metrics = [f"monitor/target_{told}", "monitor/target_success_rate"]
    metrics += [f"distribution/{name}_high" for name in campaign.named()]
    return [f"metrics.`{name}`" for name in metrics] + ["tags.`search/decided_by`"]


def _text(campaign: LoggedCampaign, runs: CampaignRuns, status: str) -> str:
    where = (runs.generations, runs.experiment, runs.campaign)
    store = CampaignStore(campaign.folder)
    notes = [machine_text(store.machine()), uses_text(store.test_results())]
    links = {
        label: report.artifact_address(runs.experiment, runs.campaign, path)
        for label, path in _files(campaign, store).items()
    }
    told = (campaign.config, campaign.way, *where, status, notes, links, runs.drawn)
    return report.campaign_text(*told)


def _files(campaign: LoggedCampaign, store: CampaignStore) -> dict[str, str]:
    """What the description points to, by what it is called there."""
    files: dict[str, str] = {}
    if campaign.tracking.num_pictures and any((campaign.folder / "plays").glob("*.gz")):
        files["gallery of the tasks of all generations"] = sights.GALLERY
    if campaign.way.rows[1:]:
        files["figures of the search"] = sights.FIRST_FIGURE
    for film in sorted(store.films.glob("*.gif")):
        files[f"film: {film.stem.partition('-')[0]} task"] = f"films/{film.name}"
    return files
