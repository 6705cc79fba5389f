"""Looking at how a learner plays: `play`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curricula.campaigns.checkpoint import DEFAULT_ROOT, CampaignStore, campaign_folder
from curricula.campaigns.commands.common import CampaignName, Root, UserError, require_folder


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(play)


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
    """Draw how a campaign's learner plays validation tasks, episode by episode.

    Not a use of the test. Generation 0 is the learner before any training, where it was kept.
    """
    if out.suffix != ".png":
        raise UserError(f"--out must end in .png, got {out}.")
    require_folder(out)
    from curricula.campaigns.api import play_campaign
    from curricula.campaigns.pictures import contact_sheet, task_captions
    from curricula.campaigns.plugins import make_generator

    folder = campaign_folder(campaign, root)
    lifetimes = play_campaign(folder, root, generation, num_tasks=num, seed=seed)
    if not lifetimes:
        raise UserError("none of these tasks could be played to its end; try another --seed.")
    tasks = [lifetime.task for lifetime in lifetimes]
    generator = make_generator(CampaignStore(folder).config().generator)
    captions = task_captions(generator, tasks, [])
    contact_sheet([lifetime.picture for lifetime in lifetimes], captions, width=1200).save(out)
    typer.echo(f"{len(tasks)} lifetime{'s' if len(tasks) != 1 else ''} drawn in {out}")
