"""What several commands share: the root, campaigns by name, tables."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from curricula.campaigns.checkpoint import CampaignStore

Root = Annotated[
    Path, typer.Option(help="folder of campaigns and of the MLflow store", show_default=True)
]
DEFAULT_ROOT = Path("mlruns")

_FILE_WIDTH = 160  # where there is no terminal to fit

CampaignName = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="name, or folder")]


class UserError(ValueError):
    """Something that the person at the keyboard can put right."""


def find_campaign(campaign: str, root: Path) -> Path:
    """Returns the folder of a campaign, given its name or its folder.

    Raises:
        UserError: if there is none; the message has those that there are.
    """
    for folder in (root / "campaigns" / campaign, Path(campaign)):
        if (folder / "config.yaml").is_file():
            return folder
    known = campaign_names(root)
    near = difflib.get_close_matches(campaign, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    there = f"there are {', '.join(known)}" if known else "there is none yet"
    raise UserError(f"{root} has no campaign {campaign!r}; {hint}{there}.")


def campaign_names(root: Path) -> list[str]:
    """Returns the names of all campaigns under a root."""
    return sorted(path.parent.name for path in (root / "campaigns").glob("*/config.yaml"))


def open_store(folder: Path) -> CampaignStore:
    """Returns the store of a campaign's folder."""
    from curricula.campaigns.checkpoint import CampaignStore

    return CampaignStore(folder)


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
