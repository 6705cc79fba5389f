"""What several commands share: the root, what a person can put right, tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from curricula.campaigns.sight.words import fitted
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT
from taskgen.hints import did_you_mean

if TYPE_CHECKING:
    from curricula.campaigns.store.checkpoint import CampaignStore

Root = Annotated[
    Path, typer.Option(help="folder of campaigns and of the MLflow store", show_default=True)
]

_FILE_WIDTH = 160  # where there is no terminal to fit

CampaignName = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="name, or folder")]


class UserError(ValueError):
    """Something that the person at the keyboard can put right."""


def require_folder(out: Path | None) -> None:
    """Raises an error where a file is to be written into a folder that is not there.

    Raises:
        UserError: with the folder.
    """
    if out is not None and not out.parent.is_dir():
        raise UserError(f"--out: there is no folder {out.parent}; make it, or choose another.")


def require_root(root: Path) -> None:
    """Raises an error where there is no such folder of campaigns.

    Raises:
        UserError: with the folders of campaigns that there are beside it.
    """
    if root.is_dir():
        return
    beside = root.resolve().parent
    found = sorted(str(root.parent / path.parent.name) for path in beside.glob("*/campaigns"))
    there = f"; there is {', '.join(found)}" if found else ""
    option = "" if root == DEFAULT_ROOT else f" --root {root}"
    raise UserError(
        f"there is no folder {root}{did_you_mean(str(root), found)}{there}. The first campaign "
        f"makes one: taskgen run maze-quickstart{option}"
    )


def say(text: str) -> None:
    """Prints a text, broken between words where there is a terminal."""
    typer.echo(fitted(text, sys.stdout))


def committed_tasks(store: CampaignStore) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the tasks that a campaign's commits hold, with their generation."""
    for record in store.records():
        for task in record.get("tasks") or ():
            yield record["generation"], task


def print_table(columns: list[str], rows: list[list[str]]) -> None:
    """Prints a plain table; a column whose cells are all empty is left out."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    used = [i for i in range(len(columns)) if not rows or any(row[i] for row in rows)]
    for i in used:
        table.add_column(columns[i], overflow="fold", no_wrap=i == 0)
    for row in rows:
        table.add_row(*[row[i] for i in used])
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(table)
