"""The command `taskgen`: run campaigns, look at them, look at tasks, check plug-ins.

The commands lie in `curricula.campaigns.commands`, one room a file. What is slow to import (torch,
mlflow, optuna) is imported by the commands that need it, when they need it. Exit codes: 0 done,
1 failed, 2 bad input (nothing was started).
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from curricula.campaigns.commands import (
    campaigns,
    catalogue,
    comparing,
    lifetimes,
    lineage,
    new,
    pages,
    server,
    tasks,
)
from curricula.campaigns.commands.common import UserError
from curricula.campaigns.config.errors import ConfigErrors, plain
from curricula.campaigns.store.checkpoint import CampaignError
from curricula.campaigns.store.machine import wait_patiently
from taskgen.parameter_space import OutOfSpace
from taskgen.registry import UnknownPlugin

_INPUT_ERRORS = (UserError, CampaignError, ConfigErrors, UnknownPlugin, OutOfSpace)
"""What a person can put right."""
_DEBUG = "--debug"


class _Commands(TyperGroup):
    """Turns what goes wrong into a sentence and an exit code; `--debug` may stand anywhere."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.obj = {"debug": _DEBUG in args}
        return super().parse_args(ctx, [arg for arg in args if arg != _DEBUG])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(error, typer.Abort) or hasattr(error, "exit_code"):
                if isinstance(message := getattr(error, "message", None), str):
                    error.message = plain(message)  # type: ignore[attr-defined]
                raise
            if ctx.obj["debug"]:
                traceback.print_exc()
            raise typer.Exit(_report(error, ctx.obj["debug"])) from error


def _report(error: Exception, debug: bool) -> int:
    """Prints what went wrong; returns the exit code."""
    if isinstance(error, _INPUT_ERRORS):
        typer.echo(f"error: {error}", err=True)
        return 2
    text = f"{type(error).__name__}: {error}" if str(error) else repr(error)
    if isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {error.strerror}"
    hint = "" if debug else " (--debug shows where)"
    typer.echo(f"failed: {text}{hint}", err=True)
    return 1


app = typer.Typer(
    name="taskgen",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Make tasks, meta-train on them, let a search move where they come from.",
    epilog="--debug, anywhere, shows where an error came from. Begin: taskgen run maze-quickstart",
)
for _module in (campaigns, comparing, pages, lifetimes, tasks, lineage, catalogue, new, server):
    _module.register(app)


def main(args: Sequence[str] | None = None) -> None:
    """Runs the command; the entry point of the package."""
    wait_patiently()
    app(args=None if args is None else list(args))
