"""Running campaigns and asking after them: `run`, `resume`, `status`, `evaluate`."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curricula.campaigns.commands.common import (
    CampaignName,
    Root,
    UserError,
    print_table,
    require_root,
    say,
)
from curricula.campaigns.commands.printing import (
    generation_row,
    print_all,
    print_end,
    print_measures,
    print_result,
    root_option,
    used_text,
)
from curricula.campaigns.commands.stopping import StopOnSignal
from curricula.campaigns.config.schema import CHANGEABLE_KEYS
from curricula.campaigns.sight.words import (
    curriculum_text,
    measure_labels,
    uses_text,
)
from curricula.campaigns.sight.words import status as status_word
from curricula.campaigns.store.checkpoint import (
    DEFAULT_ROOT,
    CampaignStore,
    campaign_folder,
    campaign_names,
)
from curricula.campaigns.store.machine import machine_text

if TYPE_CHECKING:
    from curricula.campaigns.campaign import Campaign
    from curricula.campaigns.config.schema import CampaignConfig, Section
    from curricula.campaigns.sight.tracking import Display, Tracker

Plain = Annotated[bool, typer.Option("--plain", help="lines instead of a live display")]
NoTracking = Annotated[bool, typer.Option("--no-tracking", help="log nothing to MLflow")]

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
        typer.Argument(metavar="KEY=VALUE", help="changes, as in budget.hours=2"),
    ] = None,
    root: Root = DEFAULT_ROOT,
    plain: Plain = False,
    no_tracking: NoTracking = False,
) -> None:
    """Run a campaign to the end of its budget. Ctrl-C stops it after the next commit.

    `taskgen show-config PRESET --explain` says what can stand in a file, and what it means.
    """
    started = time.perf_counter()
    from curricula.campaigns.config.files import is_preset, load

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
            metavar="KEY=VALUE",
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
        str | None, typer.Argument(metavar="CAMPAIGN", help="name, or folder; none: all")
    ] = None,
    root: Root = DEFAULT_ROOT,
) -> None:
    """Say how far a campaign is and what it came to. Without a name, list all campaigns."""
    if campaign is None:
        if root != DEFAULT_ROOT:  # a folder that somebody named, and may have mistyped
            require_root(root)
        print_all(root)
        return
    store = CampaignStore(campaign_folder(campaign, root))
    records = list(store.records())
    config = store.config()
    last = records[-1]["generation"] if records else 0
    now = status_word(store.is_running, store.test_results(), last)
    so_far = "nothing is committed yet"
    if records:
        so_far = f"generation {records[-1]['generation']}, {used_text(config, records[-1])}"
    typer.echo(f"{config.name}: {so_far}; {now}")
    if text := machine_text(store.machine()):
        say(text)
    if records:
        _print_commits(store, records)
    elif store.is_running:
        say("The first commit is the untrained learner, measured on the monitor sets.")
    else:
        say(f"It begins with `taskgen resume {config.name}{root_option(root)}`.")


def _print_commits(store: CampaignStore, records: list[dict[str, Any]]) -> None:
    """Prints what a campaign came to, and its last generations."""
    last = records[-1]
    if last.get("quarantine"):
        some = ", ".join(task_id[:12] for task_id in list(last["quarantine"])[-_SHOWN_TASKS:])
        typer.echo(
            f"quarantined tasks: {len(last['quarantine'])}, the newest {some} (taskgen show)"
        )
    if text := uses_text(store.test_results()):
        say(text)
    if text := curriculum_text(last):
        say(f"curriculum: {text}")
    print_measures(last["monitor"], measure_labels(last))
    print_table(
        ["gen", "went on", "gain", "validation", "success", "distribution", "steps"],
        [generation_row(record) for record in records[-_SHOWN_GENERATIONS:]],
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
    say(uses_text(store.test_results()))
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
    from curricula.campaigns.config.files import dump, loads

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
            typer.echo(f"stopped at once; `taskgen resume {name}{root_option(root)}` goes on.")
            raise typer.Exit(128 + (stop.received or [signal.SIGINT])[-1]) from None
        except OSError as error:
            where = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise UserError(
                f"{where}. All that was committed is kept; when this is mended, "
                f"`taskgen resume {name}{root_option(root)}` goes on."
            ) from error
        finally:
            display.stop()
    print_end(campaign, result, root)


def _display(plain: bool) -> Display:
    from curricula.campaigns.sight.display import make_display

    return make_display(plain)


def _tracker(config: CampaignConfig, root: Path, no_tracking: bool) -> Tracker:
    if no_tracking:
        from curricula.campaigns.sight.tracking import NullTracker

        return NullTracker()
    from curricula.campaigns.mlflow_tracking.tracker import MlflowTracker

    return MlflowTracker(config.tracking, root)
