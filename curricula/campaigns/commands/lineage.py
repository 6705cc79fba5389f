"""Where a task comes from: `lineage`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curricula.campaigns.commands.common import Root, UserError, print_table, require_folder
from curricula.campaigns.commands.tasks import write_pictures
from curricula.campaigns.sight.words import edits_text, number
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT, CampaignStore, campaign_names

if TYPE_CHECKING:
    from curricula.campaigns.store.lineage import Ancestor

_MIN_PREFIX = 4


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command()(lineage)


def lineage(
    task_id: Annotated[str, typer.Argument(help="id of a task, or its first characters")],
    root: Root = DEFAULT_ROOT,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=".png, .html: pictures of all of them; .jsonl: they"),
    ] = None,
) -> None:
    """Say what a task was edited from, and how.

    Knows every task that any campaign played in training, whatever its buffers still hold.
    """
    require_folder(out)
    store, whole_id = _found(task_id, root)
    from curricula.campaigns.store.lineage import ancestry

    line = ancestry(store, whole_id)
    drawn = sum(not ancestor.parents for ancestor in line)
    typer.echo(f"{whole_id}: of {store.config().name}, {_told(len(line), drawn)}")
    print_table(["task", "generation", "came by", "parameters"], [_row(one) for one in line])
    if out is not None:
        _draw(out, store, line)


def _found(prefix: str, root: Path) -> tuple[CampaignStore, str]:
    """Returns the campaign that played a task, the first by name, and the task's whole id.

    Raises:
        UserError: if none did, or more than one task begins so.
    """
    if len(prefix) < _MIN_PREFIX:
        raise UserError(f"give at least {_MIN_PREFIX} characters of the id, got {prefix!r}.")
    from curricula.campaigns.store.lineage import known_tasks

    stores = [CampaignStore(root / "campaigns" / name) for name in campaign_names(root)]
    known = [(store, task_id) for store in stores for task_id in known_tasks(store, prefix)]
    ids = sorted({task_id for _, task_id in known})
    if not ids:
        raise UserError(
            f"no campaign under {root} played a task {prefix!r} in training. Tasks of exams, "
            f"imported ones and most that `taskgen export` writes have no ancestors here; `taskgen "
            f"show` says what is known of them, and the gallery links tasks that were trained on."
        )
    if len(ids) > 1:
        some = ", ".join(task_id[: len(prefix) + 8] for task_id in ids[:5])
        raise UserError(f"{len(ids)} tasks begin with {prefix!r} ({some} …); give more of it.")
    return known[0]


def _told(num: int, drawn: int) -> str:
    if num == 1 and drawn:
        return "drawn from its distribution, so without ancestors"
    return f"{num - 1} ancestor{'s' if num != 2 else ''}"


def _row(one: Ancestor) -> list[str]:
    parents = ", ".join(parent[:12] for parent in one.parents)
    came_by = f"{edits_text(one.operator)} of {parents}" if parents else f"draw, seed {one.seed}"
    params = ", ".join(
        f"{name} {value if isinstance(value, str) else number(value)}"
        for name, value in one.params.items()
    )
    return [one.task_id[:12], str(one.generation), came_by, params]


def _draw(out: Path, store: CampaignStore, line: Sequence[Ancestor]) -> None:
    from curricula.campaigns.config.plugins import make_generator

    generator = make_generator(store.config().generator)
    tasks = [one.task(generator) for one in line]
    write_pictures(out, generator, tasks, f"lineage of {line[-1].task_id[:12]}", generator.name)
