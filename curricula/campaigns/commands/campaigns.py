"""Running campaigns and asking after them: `run`, `resume`, `status`, `evaluate`."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from curricula.campaigns.checkpoint import (
    DEFAULT_ROOT,
    CampaignStore,
    campaign_folder,
    campaign_names,
)
from curricula.campaigns.commands.common import (
    CampaignName,
    Root,
    UserError,
    print_table,
)
from curricula.campaigns.commands.server import page_address
from curricula.campaigns.config import CHANGEABLE_KEYS
from curricula.campaigns.machine import machine_text
from curricula.campaigns.points import measure
from curricula.campaigns.words import (
    MEASURES,
    amount,
    bayes_text,
    decision_text,
    duration,
    gain_text,
    headline_text,
    moving_regions,
    used_name,
    uses_text,
    with_interval,
)

if TYPE_CHECKING:
    from curricula.campaigns.campaign import Campaign
    from curricula.campaigns.config import CampaignConfig, Section
    from curricula.campaigns.tracking import Display, Tracker

Plain = Annotated[bool, typer.Option("--plain", help="lines instead of a live display")]
NoTracking = Annotated[bool, typer.Option("--no-tracking", help="log nothing to MLflow")]

_COUNTS = ("num_tasks", "num_scored")
_SHOWN_GENERATIONS = 12
_SHOWN_TASKS = 3

_MAY_CHANGE = ", ".join(CHANGEABLE_KEYS)


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(run)
    app.command()(resume)
    app.command()(status)
    app.command()(evaluate)


def run(
    campaign: Annotated[str, typer.Argument(metavar="PRESET|FILE", help="what to run")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[key.sub=value]…", help="changes, as in budget.hours=2"),
    ] = None,
    root: Root = DEFAULT_ROOT,
    plain: Plain = False,
    no_tracking: NoTracking = False,
) -> None:
    """Run a campaign to the end of its budget. Ctrl-C stops it after the next commit."""
    started = time.perf_counter()
    from curricula.campaigns.config_files import is_preset, load

    config = load(campaign, overrides or ())
    named = any(override.startswith("name=") for override in overrides or ())
    if is_preset(campaign) and not named:
        free = free_name(config.name, root)
        if free != config.name:
            typer.echo(
                f"{config.name} is there already (`taskgen resume {config.name}` goes on with "
                f"it); this is a new campaign, {free}"
            )
        config = config.model_copy(update={"name": free})
    elif config.name in campaign_names(root):
        raise UserError(
            f"{root} has a campaign {config.name!r} already; go on with it by "
            f"`taskgen resume {config.name}`, or start another with name=…"
        )
    _create_and_run(config, root, plain, no_tracking, started)


def resume(
    campaign: CampaignName,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[key.sub=value]…",
            help=f"a larger budget, or where it runs and what is kept: {_MAY_CHANGE}",
        ),
    ] = None,
    root: Root = DEFAULT_ROOT,
    plain: Plain = False,
    no_tracking: NoTracking = False,
    other_machine: Annotated[
        bool,
        typer.Option(
            "--other-machine",
            help="go on though processor, threads or versions differ; it is written down",
        ),
    ] = False,
) -> None:
    """Go on with a campaign from its last commit. What decides the results cannot be changed."""
    started = time.perf_counter()
    folder = campaign_folder(campaign, root)
    config = CampaignStore(folder).config()
    changes = changed_sections(config, overrides or ())
    from curricula.campaigns.campaign import Campaign

    config = config.model_copy(update=changes)
    display, tracker = _display(plain), _tracker(config, root, no_tracking)
    resumed = Campaign.resume(folder, tracker, display, changes, other_machine)
    _run(resumed, display, root, started, estimated=False)


def status(
    campaign: Annotated[
        str | None, typer.Argument(metavar="[CAMPAIGN]", help="name, or folder; none: all")
    ] = None,
    root: Root = DEFAULT_ROOT,
) -> None:
    """Say how far a campaign is and what it came to. Without a name, list all campaigns."""
    if campaign is None:
        _print_all(root)
        return
    store = CampaignStore(campaign_folder(campaign, root))
    records = list(store.records())
    config = store.config()
    if not records:
        typer.echo(f"{config.name} has not committed anything yet.")
        return
    last = records[-1]
    typer.echo(f"{config.name}: generation {last['generation']}, {_used(config, last)}")
    if text := machine_text(store.machine()):
        typer.echo(text)
    if last.get("quarantine"):
        some = ", ".join(task_id[:12] for task_id in list(last["quarantine"])[-_SHOWN_TASKS:])
        typer.echo(
            f"quarantined tasks: {len(last['quarantine'])}, the newest {some} (taskgen show)"
        )
    if text := uses_text(store.test_results()):
        typer.echo(text)
    print_measures(last["monitor"])
    print_table(
        ["gen", "went on", "gain", "validation", "success", "distribution", "steps"],
        [_generation_row(record) for record in records[-_SHOWN_GENERATIONS:]],
    )


def evaluate(
    campaign: CampaignName,
    suite: Annotated[
        str | None, typer.Option(help="a named suite of the generator instead of the sealed test")
    ] = None,
    tasks: Annotated[
        str | None,
        typer.Option(metavar="SET|FILE", help="tasks that were imported, or a file of tasks"),
    ] = None,
    root: Root = DEFAULT_ROOT,
    no_tracking: NoTracking = False,
) -> None:
    """Put a campaign's newest learner to the test.

    To its sealed test, unless a suite or tasks are named. Each is a use of the test, counted in
    `taskgen status` and in MLflow.
    """
    folder = campaign_folder(campaign, root)
    from curricula.campaigns.api import evaluate_campaign

    result = evaluate_campaign(folder, root=root, suite=suite, tasks=tasks)
    print_result(result)
    store = CampaignStore(folder)
    typer.echo(uses_text(store.test_results()))
    if not no_tracking:
        config = store.config()
        _tracker(config, root, no_tracking).tested(folder, config.model_dump(mode="json"), result)


def free_name(name: str, root: Path) -> str:
    """Returns the name, or the first of name-2, name-3, … that no campaign has."""
    taken = set(campaign_names(root))
    count = 1
    free = name
    while free in taken:
        count += 1
        free = f"{name}-{count}"
    return free


def changed_sections(
    config: CampaignConfig, overrides: list[str] | tuple[()]
) -> dict[str, Section]:
    """Returns the sections that the overrides of a resume change, as they shall be.

    Raises:
        UserError: if something is to change that results depend on.
        ConfigErrors: if what comes out is no configuration.
    """
    if not overrides:
        return {}
    from curricula.campaigns.config_files import dump, loads

    paths = [text.partition("=")[0] for text in overrides]
    fixed = [text for text, path in zip(overrides, paths, strict=True) if not _may_change(path)]
    if fixed:
        raise UserError(
            f"resume may change {_MAY_CHANGE}, got {', '.join(fixed)}; everything else decides "
            f"what was measured, so start another campaign for it."
        )
    changed = loads(dump(config), overrides, f"the campaign {config.name}")
    return {section: getattr(changed, section) for section in {p.partition(".")[0] for p in paths}}


def _may_change(path: str) -> bool:
    return path in CHANGEABLE_KEYS or f"{path.partition('.')[0]}.*" in CHANGEABLE_KEYS


class StopOnSignal:
    """Lets Ctrl-C and SIGTERM stop a campaign: first after the next commit, then at once.

    Args:
        campaign: what to stop.
        display: says so.
    """

    def __init__(self, campaign: Campaign, display: Display) -> None:
        self._campaign = campaign
        self._display = display
        self._before: dict[int, Any] = {}
        self.received: list[int] = []

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received.append(number)
        if len(self.received) > 1:
            for each in self._before:
                signal.signal(each, signal.SIG_DFL)
            raise KeyboardInterrupt
        self._campaign.request_stop()
        # The interrupted code may be printing, so what is said here comes from elsewhere.
        sentence = "stopping after the next commit; once more stops at once."
        threading.Thread(target=self._display.say, args=(sentence,), daemon=True).start()


def print_measures(monitor: dict[str, Any]) -> None:
    """Prints the measures of named task sets side by side."""
    sets = {name: measures for name, measures in monitor.items() if measures}
    rows = [
        [label, *(_measure(key, measures) for measures in sets.values())]
        for key, label in MEASURES.items()
    ]
    print_table(["", *sets], [row for row in rows if any(cell != "–" for cell in row[1:])])


def print_result(result: dict[str, Any]) -> None:
    """Prints what a use of the test came to."""
    name, steps = used_name(result), amount(result["env_steps"])
    typer.echo(
        f"{name}: learner of generation {result['generation']}, played for {steps} env steps"
    )
    num_tasks = result["measures"].get("num_tasks")
    if trained_on := result.get("trained_on"):
        typer.echo(f"{trained_on} of these {num_tasks} tasks were trained on by this campaign!")
    if failed := result.get("failed"):
        typer.echo(f"{failed} of these tasks could not be played to the end.")
    print_measures({name: result["measures"]})
    if bayes := result.get("bayes"):
        typer.echo(bayes_text(bayes))
    print_curve(result["measures"].get("curve") or {})


def print_curve(curve: dict[str, Any]) -> None:
    """Prints the adaptation curve: what a lifetime's first, second, … episode comes to."""
    labels = {"returns": "return", "successes": "success", "lengths": "steps"}
    rows = [
        [label, *("–" if value is None else f"{value:.3g}" for value in curve[key])]
        for key, label in labels.items()
        if curve.get(key)
    ]
    if rows:
        print_table(["by unit of adaptation", *map(str, range(1, len(rows[0])))], rows)


def _create_and_run(
    config: CampaignConfig, root: Path, plain: bool, no_tracking: bool, started: float
) -> None:
    from curricula.campaigns.campaign import Campaign

    display = _display(plain)
    tracker = _tracker(config, root, no_tracking)
    campaign = Campaign.create(config, root, tracker, display)
    _run(campaign, display, root, started, estimated=True)


def _run(
    campaign: Campaign, display: Display, root: Path, started: float, *, estimated: bool
) -> None:
    """Runs a campaign, stops it when asked, and says where to look."""
    from curricula.campaigns.estimate import estimate

    name = campaign.config.name
    with StopOnSignal(campaign, display) as stop:
        try:
            expected = estimate(campaign.config) if estimated else {}
            display.start(campaign.config.model_dump(mode="json"), expected)
            result = campaign.run(started)
        except KeyboardInterrupt:
            typer.echo(f"stopped at once; `taskgen resume {name}{_root_option(root)}` goes on.")
            raise typer.Exit(128 + (stop.received or [signal.SIGINT])[-1]) from None
        finally:
            display.stop()
    _print_end(campaign, result, root)


def _display(plain: bool) -> Display:
    from curricula.campaigns.display import make_display

    return make_display(plain)


def _tracker(config: CampaignConfig, root: Path, no_tracking: bool) -> Tracker:
    if no_tracking:
        from curricula.campaigns.tracking import NullTracker

        return NullTracker()
    from curricula.campaigns.mlflow_tracker import MlflowTracker

    return MlflowTracker(config.tracking, root)


def _print_end(campaign: Campaign, result: dict[str, Any], root: Path) -> None:
    name, record = campaign.config.name, result["record"]
    typer.echo(f"{name} {result['status']}: {_used(campaign.config, record)}")
    if result.get("test"):
        print_result(result["test"])
    option = _root_option(root)
    page = getattr(campaign.tracker, "page", None)
    hints = [
        [f"taskgen ui{option}", "curves, tasks and learners in MLflow, in a browser"],
        *([["", f"  {page_address(page)}"]] if page else []),
        [f"taskgen status {name}{option}", "the same numbers here"],
        [f"taskgen show TASK_ID{option}", "one of its tasks"],
        [f"taskgen resume {name}{option}", _resume_hint(result)],
    ]
    print_table(["where to look", ""], hints)


def _resume_hint(result: dict[str, Any]) -> str:
    if result["status"] == "finished":
        return "goes on, with a larger budget: budget.env_steps=…, .generations=… or .hours=…"
    return "goes on from the last commit"


def _root_option(root: Path) -> str:
    return "" if root == DEFAULT_ROOT else f" --root {root}"


def _print_all(root: Path) -> None:
    names = campaign_names(root)
    if not names:
        typer.echo(f"{root} holds no campaign yet; start one with `taskgen run maze-quickstart`.")
        return
    rows = []
    for name in names:
        records = list(CampaignStore(root / "campaigns" / name).records())
        rows.append([name, *(_generation_row(records[-1]) if records else ["–"] * 7)])
    columns = ["gen", "went on", "gain", "validation", "success", "distribution", "steps"]
    print_table(["campaign", *columns], rows)


def _used(config: CampaignConfig, record: dict[str, Any]) -> str:
    totals, budget = record["totals"], config.budget
    steps = f"{amount(totals['env_steps'])} env steps" + _of(budget.env_steps, amount)
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


def _generation_row(record: dict[str, Any]) -> list[str]:
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
