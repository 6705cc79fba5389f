"""What the commands print of campaigns: measures, curves, one line for each, where to look."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from curricula.campaigns.commands.common import print_table, say
from curricula.campaigns.commands.server import page_address
from curricula.campaigns.sight.decisions import decision_text, gain_text, moving_regions
from curricula.campaigns.sight.points import measure
from curricula.campaigns.sight.words import (
    MEASURES,
    amount,
    bayes_text,
    counted,
    curve_axis,
    duration,
    headline_text,
    measure_labels,
    used_name,
    with_interval,
)
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT, CampaignStore, campaign_names
from taskgen.task import Task

if TYPE_CHECKING:
    from curricula.campaigns.campaign import Campaign
    from curricula.campaigns.config.schema import CampaignConfig

_COUNTS = ("num_tasks", "num_scored")


def print_measures(monitor: dict[str, Any], labels: Mapping[str, str] = MEASURES) -> None:
    """Prints the measures of named task sets side by side, each under its label."""
    sets = {name: measures for name, measures in monitor.items() if measures}
    rows = [
        [label, *(_measure(key, measures) for measures in sets.values())]
        for key, label in labels.items()
    ]
    print_table(["", *sets], [row for row in rows if any(cell != "–" for cell in row[1:])])


def print_result(result: dict[str, Any]) -> None:
    """Prints what a use of the test came to."""
    name, steps = used_name(result), amount(result["env_steps"])
    typer.echo(
        f"{name}: learner of generation {result['generation']}, played for {steps} "
        f"{counted(result)}"
    )
    num_tasks = result["measures"].get("num_tasks")
    if trained_on := result.get("trained_on"):
        typer.echo(f"{trained_on} of these {num_tasks} tasks were trained on by this campaign!")
    if failed := result.get("failed"):
        typer.echo(f"{failed} of these tasks could not be played to the end.")
    print_measures({name: result["measures"]}, measure_labels(result))
    if bayes := result.get("bayes"):
        say(bayes_text(bayes))
    print_curve(result["measures"].get("curve") or {})


def print_curve(curve: dict[str, Any]) -> None:
    """Prints the adaptation curve: what each unit of adaptation comes to."""
    unit, positions = curve_axis(curve)
    labels = {"returns": "return", "successes": "success"}
    labels |= {"lengths": "steps"} if unit == "episodes" else {"returns_iqm": "its IQM"}
    rows = [
        [label, *("–" if value is None else f"{value:z.3g}" for value in curve[key])]
        for key, label in labels.items()
        if curve.get(key)
    ]
    if rows:
        print_table([f"by {unit}", *map(str, positions)], rows)


def print_end(campaign: Campaign, result: dict[str, Any], root: Path) -> None:
    """Prints what a run came to, and where to look."""
    name, record = campaign.config.name, result["record"]
    typer.echo(f"{name} {result['status']}: {used_text(campaign.config, record)}")
    if result.get("test"):
        print_result(result["test"])
    option = root_option(root)
    page = getattr(campaign.tracker, "page", None)
    hints = [
        [f"taskgen ui{option}", "curves, tasks and learners in MLflow, in a browser"],
        [f"taskgen status {name}{option}", "the same numbers here"],
        [
            f"taskgen report {name} --out report.html{option}",
            "all of it as one page, with its tasks",
        ],
        *_show_hint(record, option),
        [f"taskgen resume {name}{option}", _resume_hint(result)],
    ]
    print_table(["where to look", ""], hints)
    if page:
        typer.echo("its page, while taskgen ui runs:")
        typer.echo(page_address(page))  # whole on a line of its own, to be clicked or copied


def _show_hint(record: Mapping[str, Any], option: str) -> list[list[str]]:
    tasks = [Task.from_json(task) for task in record["tasks"][:1]]
    return [[f"taskgen show {task.id[:12]}{option}", "one of its tasks"] for task in tasks]


def _resume_hint(result: dict[str, Any]) -> str:
    if result["status"] == "finished":
        return "goes on, with a larger budget: budget.env_steps=…, .generations=… or .hours=…"
    return "goes on from the last commit"


def root_option(root: Path) -> str:
    """Returns the option that names the root, "" for the usual one."""
    return "" if root == DEFAULT_ROOT else f" --root {root}"


def print_all(root: Path) -> None:
    """Prints a line for every campaign of a root."""
    names = campaign_names(root)
    if not names:
        typer.echo(f"{root} holds no campaign yet; start one with `taskgen run maze-quickstart`.")
        return
    rows = []
    for name in names:
        records = list(CampaignStore(root / "campaigns" / name).records())
        rows.append([name, *(generation_row(records[-1]) if records else ["–"] * 7)])
    columns = ["gen", "went on", "gain", "validation", "success", "distribution", "steps"]
    print_table(["campaign", *columns], rows)


def used_text(config: CampaignConfig, record: dict[str, Any]) -> str:
    """Returns what a commit has used of the budget."""
    totals, budget = record["totals"], config.budget
    steps = f"{amount(totals['env_steps'])} {counted(record)}" + _of(budget.env_steps, amount)
    hours = None if budget.hours is None else 3600 * budget.hours
    parts = [steps, duration(totals["seconds"]) + _of(hours, duration)]
    if budget.generations is not None:
        parts.append(f"{record['generation']} of {budget.generations} generations")
    return ", ".join(parts)


def _of(bound: float | None, text: Any) -> str:
    return "" if bound is None else f" of {text(bound)}"


def _measure(key: str, measures: dict[str, Any]) -> str:
    value = measure(measures, key)
    return str(value) if key in _COUNTS and value is not None else with_interval(value)


def generation_row(record: dict[str, Any]) -> list[str]:
    """Returns a commit's cells: generation, decision, gain, scores, distribution, steps."""
    target = record["monitor"].get("target") or {}
    regions = "; ".join(f"{name} {text}" for name, text in moving_regions(record).items())
    return [
        str(record["generation"]),
        decision_text(record),
        gain_text(record),
        headline_text(target),
        with_interval(measure(target, "success_rate")),
        regions,
        amount(record["totals"]["env_steps"]),
    ]
