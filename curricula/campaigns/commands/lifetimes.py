"""Looking at how a learner plays: `play` draws it, `film` shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curricula.campaigns.commands.common import CampaignName, Root, UserError, require_folder
from curricula.campaigns.commands.finding import find_task
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT, CampaignStore, campaign_folder

if TYPE_CHECKING:
    from taskgen.task import Task


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(play)
    app.command()(film)


def play(
    campaign: CampaignName,
    out: Annotated[Path, typer.Option(help="FILE.png: a picture of each lifetime")] = Path(
        "lifetimes.png"
    ),
    num: Annotated[int, typer.Option(min=1, max=64, help="tasks to play")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="of the tasks and of play")] = 0,
    generation: Annotated[
        int | None, typer.Option(min=0, help="whose learner plays; the newest by default")
    ] = None,
    root: Root = DEFAULT_ROOT,
) -> None:
    """Draw how a campaign's learner plays, episode by episode.

    On validation tasks: not a use of the test. Generation 0 is the learner before any training,
    where it was kept.
    """
    if out.suffix != ".png":
        raise UserError(f"--out must end in .png, got {out}.")
    require_folder(out)
    from curricula.campaigns.api import play_campaign
    from curricula.campaigns.config.plugins import make_generator
    from curricula.campaigns.sight.task_pictures import contact_sheet, task_captions

    folder = campaign_folder(campaign, root)
    lifetimes = play_campaign(folder, root, generation, num_tasks=num, seed=seed)
    if not lifetimes:
        raise UserError("none of these tasks could be played to its end; try another --seed.")
    tasks = [lifetime.task for lifetime in lifetimes]
    generator = make_generator(CampaignStore(folder).config().generator)
    captions = task_captions(generator, tasks, [])
    contact_sheet([lifetime.picture for lifetime in lifetimes], captions, width=1200).save(out)
    typer.echo(f"{len(tasks)} lifetime{'s' if len(tasks) != 1 else ''} drawn in {out}")


def film(
    campaign: CampaignName,
    task_id: Annotated[
        str | None,
        typer.Argument(metavar="[TASK_ID]", help="or its first characters; else one is drawn"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="FILE.gif; by default CAMPAIGN-TASK_ID.gif, here")
    ] = None,
    episodes: Annotated[
        int | None, typer.Option(min=1, help="of the lifetime; by default as in the tests")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of the task that is drawn, and of play")] = 0,
    generation: Annotated[
        int | None, typer.Option(min=0, help="whose learner plays; the newest by default")
    ] = None,
    root: Root = DEFAULT_ROOT,
) -> None:
    """Film a lifetime: its first and last episode side by side.

    Not a use of the test. Without OpenGL lines are drawn in place of bodies.
    """
    if out is not None and out.suffix != ".gif":
        raise UserError(f"--out must end in .gif, got {out}.")
    require_folder(out)
    from curricula.campaigns.api import film_campaign

    folder = campaign_folder(campaign, root)
    task = _found(task_id, root) if task_id else None
    task, made = film_campaign(
        folder, root, generation, task=task, num_episodes=episodes, seed=seed
    )
    out = out or Path(f"{folder.name}-{task.id[:8]}.gif")
    made.save(out)
    earned = ", ".join(f"{value:.4g}" for value in made.returns)
    typer.echo(f"{len(made.frames)} frames written to {out}; the episodes earned {earned}")


def _found(task_id: str, root: Path) -> Task:
    from taskgen.task import Task

    found = find_task(task_id, root)
    if found.task is None:
        raise UserError(f"of {found.task_id[:12]} nothing but its id was kept: {found.reason}")
    return Task.from_json(found.task)
