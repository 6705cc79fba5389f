"""A generation's run in MLflow, and those of its candidates below it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from curricula.campaigns.mlflow_tracking import sights
from curricula.campaigns.mlflow_tracking.logged import LoggedCampaign
from curricula.campaigns.mlflow_tracking.runs import NOTE, CampaignRuns, write_json
from curricula.campaigns.sight import figures, report, task_pictures
from curricula.campaigns.sight.curriculum_pictures import save_heat_maps
from curricula.campaigns.sight.points import is_number, metric_name, winner_of
from curricula.campaigns.sight.words import number
from curricula.campaigns.store.records import Record
from taskgen.generator import ProblemGenerator, TaskGenerator
from taskgen.task import Task


def log_generation(
    campaign: LoggedCampaign,
    runs: CampaignRuns,
    record: Record,
    points: Mapping[str, float],
    stamp: int,
) -> None:
    """Logs a commit on a run of its own, below the campaign's.

    Args:
        campaign: whose commit it is; has read it.
        runs: the store's side.
        record: the commit.
        points: of it, by name.
        stamp: when it was committed, in milliseconds since 1970.
    """
    generation, named = record["generation"], campaign.named()
    started = stamp - round(1000 * (record.get("seconds") or {}).get("generation", 0.0))
    name = f"generation {generation}"
    run, known = runs.child(runs.campaign, "generation", str(generation), name, started)
    runs.generations[generation] = run
    with runs.upload(run) as out:
        _write_tables(out, record)
    runs.log_dataset(run, _dataset_name(campaign, record, named), record["incumbent"])
    text = report.generation_text(record, run, named=named)
    tags = {NOTE: text, "search/decided_by": str(record["decision"].get("decided_by"))}
    step = int(record["totals"]["env_steps"])
    fresh = {name: value for name, value in points.items() if name not in known}
    runs.log(run, fresh, stamp, step, tags)
    for candidate in _shown_candidates(campaign, record):
        _log_candidate(runs, run, candidate, (started, stamp), step)
    runs.client.set_terminated(run, "FINISHED", stamp)


def draw_generation(campaign: LoggedCampaign, runs: CampaignRuns, record: Record) -> None:
    """Puts pictures of a generation's tasks and of its curve on the run that it has.

    Args:
        campaign: whose commit it is; has read it.
        runs: the store's side; has a run for the commit.
        record: the commit.
    """
    run, named = runs.generations[record["generation"]], campaign.named()
    with runs.upload(run) as out:
        _write_pictures(campaign, out, record, named)
        pictures = {file.name for file in out.glob("*.png")}
        has_page, has_table = ((out / file).exists() for file in (sights.GALLERY, sights.TABLE))
    place = report.artifact_address(runs.experiment, run, sights.GALLERY) if has_page else ""
    text = report.generation_text(record, run, pictures=pictures, named=named, gallery=place)
    for tag, value in ({NOTE: text} | (sights.TABLE_TAG if has_table else {})).items():
        runs.client.set_tag(run, tag, value)
    runs.drawn = record["generation"]


def _dataset_name(campaign: LoggedCampaign, record: Record, named: Sequence[str]) -> str:
    """The generator and its named intervals, as the list of runs shows them."""
    regions = {name: record["parameters"][name] for name in named}
    words = [
        f"{name} {number(region['low'])}–{number(region['high'])}"
        for name, region in regions.items()
        if set(region) == {"low", "high"}
    ]
    return " ".join([campaign.config["generator"]["name"], ", ".join(words)]).strip()


def _write_tables(out: Path, record: Record) -> None:
    """Writes a generation's tasks, distribution and candidates as data."""
    write_json(out / "tasks.json", record["tasks"])
    keys = ("incumbent", "frontier", "volume", "parameters")
    write_json(out / "distribution.json", {key: record.get(key) for key in keys})
    if record["candidates"]:
        (out / "candidates.csv").write_text(report.candidates_csv(record), encoding="utf-8")


def _write_pictures(
    campaign: LoggedCampaign, out: Path, record: Record, named: Sequence[str]
) -> None:
    """Writes what a generation has to be looked at."""
    tasks = [Task.from_json(task) for task in record["tasks"]][: campaign.tracking.num_pictures]
    if tasks and campaign.generator is not None:
        drawn, captions = _pictures(campaign, campaign.generator, record, tasks, named)
        task_pictures.contact_sheet(drawn, captions).save(out / "tasks.png")
        sights.write_task_table(out, campaign.generator, tasks, drawn)
    figures.save_figure(figures.adaptation_figure(record), out / "adaptation_curve.png")
    with suppress(Exception):  # its checkpoint may be gone, foreign code may fail
        save_heat_maps(campaign.folder, campaign.config, record, out)
    if campaign.drawable:
        sights.write_gallery(out, *campaign.drawable, [record], sights.drawing_s(record))


def _pictures(
    campaign: LoggedCampaign,
    generator: TaskGenerator,
    record: Record,
    tasks: Sequence[Task],
    named: Sequence[str],
) -> tuple[list[Any], list[str]]:
    """Returns pictures and captions; of problems with the learner's answers, if it is there."""
    if isinstance(generator, ProblemGenerator):
        from curricula.campaigns.mlflow_tracking.answers import answer_pictures

        with suppress(Exception):  # its checkpoint may be gone, foreign code may fail
            drawn, worth = answer_pictures(campaign.folder, record, generator, tasks)
            told = task_pictures.task_captions(generator, tasks, named, num_features=0)
            pairs = zip(worth, told, strict=True)
            return drawn, [", ".join(filter(None, pair)) for pair in pairs]
    drawn = task_pictures.task_pictures(generator, tasks)
    return drawn, task_pictures.task_captions(generator, tasks, named)


def _shown_candidates(campaign: LoggedCampaign, record: Record) -> list[Mapping[str, Any]]:
    if campaign.tracking.candidate_runs == "all":
        return list(record["candidates"])
    winner = winner_of(record)
    return [winner] if winner and campaign.tracking.candidate_runs == "adopted" else []


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
