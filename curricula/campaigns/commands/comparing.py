"""Campaigns held against each other: `compare`."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curricula.campaigns.commands.common import Root, UserError, print_table, say
from curricula.campaigns.commands.printing import root_option
from curricula.campaigns.commands.server import page_address
from curricula.campaigns.sight.words import amount, duration
from curricula.campaigns.store.checkpoint import DEFAULT_ROOT

if TYPE_CHECKING:
    from curricula.campaigns.comparison.arms import Arm
    from curricula.campaigns.comparison.folder import Comparison, Run

_LINE_EVERY_S = 60.0


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(compare)


def compare(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE…", help="campaigns; the others are held against the first one"
        ),
    ] = None,
    controls: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="a campaign, held against all, and its controls: start kept, whole target, "
            "hardest corner, ADR, straight toward the target, random moves",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="runs of each arm; fewer than 5 are no claim")
    ] = 5,
    budget_env_steps: Annotated[
        int | None,
        typer.Option(
            min=1, help="of each run, everything counted; without it the files have to agree"
        ),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="runs at once, one core each")] = 2,
    name: Annotated[
        str | None, typer.Option(help="of the comparison, and of its folder; from the files")
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="table and figure of what is there; run nothing")
    ] = False,
    root: Root = DEFAULT_ROOT,
    no_tracking: Annotated[
        bool, typer.Option("--no-tracking", help="log nothing to MLflow")
    ] = False,
) -> None:
    """Run campaigns side by side at equal env steps.

    It says which is better, and how sure that is. The same command goes on where it stopped; more
    --seeds or more files add to what is there. All arms are tested on the same sealed tasks of the
    target. Table, figure and results lie in the folder of the comparison, and in MLflow.
    """
    if not files and controls is None and name is None:
        raise UserError("name campaigns to compare, or --controls FILE; see --help.")
    from curricula.campaigns.comparison.folder import Comparison

    if table and not files and controls is None:
        comparison = Comparison(root / "comparisons" / str(name))
    else:
        arms = chosen_arms(files or [], controls, budget_env_steps)
        chosen = name or _name(files or [], controls)
        comparison = Comparison.begin(root / "comparisons" / chosen, arms, seeds)
    failures = {} if table else _carry_out(comparison, processes, root)
    _show(comparison, root, no_tracking)
    if failures:
        say(f"{len(failures)} of {len(comparison.runs())} runs failed; the same command tries")
        say("them again. Why, in full:")
        for run in failures:
            typer.echo(f"  {comparison.failure_file(run)}")
        raise typer.Exit(1)


def chosen_arms(files: list[str], controls: str | None, env_steps: int | None) -> list[Arm]:
    """Returns what is compared, first what the others are held against."""
    from curricula.campaigns.comparison.arms import arm_of, controls_of, prepared

    arms = [arm_of(file) for file in files]
    if controls is not None:
        arm = arm_of(controls)
        made, notes = controls_of(arm)
        arms = [arm, *(other for other in arms if other.name != arm.name), *made]
        for note in notes:
            say(note)
    return prepared(arms, env_steps)


def _name(files: list[str], controls: str | None) -> str:
    """Returns what a comparison of these files is called."""
    stems = [Path(file).stem for file in files]
    if controls is not None:
        stems = [*(stem for stem in stems if stem != Path(controls).stem), Path(controls).stem]
        return "-vs-".join(stems) + "-controls"
    return "-vs-".join(stems)


def _carry_out(comparison: Comparison, processes: int, root: Path) -> dict[Run, str]:
    """Has what is missing run, and returns why some failed."""
    missing = comparison.missing()
    typer.echo(
        f"{comparison.name}: {len(comparison.arms)} arms × {comparison.num_seeds} seeds, "
        f"{amount(comparison.env_steps)} env steps each; {len(missing)} runs to do"
    )
    if not missing:
        return {}
    from curricula.campaigns.comparison.judging import measure_references
    from curricula.campaigns.comparison.running import carry_out

    with _terminated_like_interrupted(), _Lines(comparison) as lines:
        try:
            measure_references(comparison)
            return carry_out(comparison, missing, processes, lines)
        except KeyboardInterrupt:
            typer.echo(
                f"stopped; the same command goes on, and `taskgen compare --table --name "
                f"{comparison.name}{root_option(root)}` shows what is there."
            )
            raise typer.Exit(130) from None


def _show(comparison: Comparison, root: Path, no_tracking: bool) -> None:
    """Makes table and figure, writes, prints and logs them."""
    from curricula.campaigns.comparison.figure import comparison_figure
    from curricula.campaigns.comparison.table import make_table, markdown, save_table
    from curricula.campaigns.sight.figures import save_figure

    table = make_table(comparison)
    if not table["arms"]:
        say("There is no result yet.")
        return
    save_table(comparison, table)
    picture = comparison.folder / "comparison.png"
    save_figure(comparison_figure(table), picture)
    _print(table)
    typer.echo(f"table and figure: {comparison.folder / 'table.md'}, {picture.name} beside it")
    if no_tracking:
        return
    from curricula.campaigns.mlflow_tracking.comparisons import log_comparison
    from curricula.campaigns.mlflow_tracking.stores import tracking_uri

    tracking = comparison.config(comparison.runs()[0]).tracking
    uri = tracking_uri(tracking.uri, root)
    try:
        page = log_comparison(
            uri, root, tracking.experiment, comparison.folder, table, markdown(table)
        )
    except Exception as error:  # what was measured is on disk, and --table logs it later
        say(f"MLflow ({uri}) did not take it: {error}")
        return
    typer.echo(f"in MLflow: {page_address(page)}")


def _print(table: dict[str, Any]) -> None:
    from curricula.campaigns.comparison.table import ENOUGH_SEEDS, columns, interval_text

    told = columns(table)
    rows = [
        [
            arm["name"],
            str(len(arm["seeds"])),
            *(interval_text(arm[key]) for key, _ in told),
            amount(arm["env_steps"]),
            amount(arm["gradient_updates"]),
            duration(arm["seconds"]),
        ]
        for arm in table["arms"]
    ]
    names = ["arm", "seeds", *(title for _, title in told), "steps", "updates", "time"]
    print_table(names, rows)
    if min(len(arm["seeds"]) for arm in table["arms"]) < ENOUGH_SEEDS:
        say(f"Fewer than {ENOUGH_SEEDS} seeds of some arm: this supports no claim.")


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Has SIGTERM end a comparison as Ctrl-C does, its processes with it."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Lines:
    """Says when runs begin and end; in a terminal a last line says how far the others are."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._left = len(comparison.missing())
        self._now: dict[Run, int] = {}
        self._began: dict[Run, float] = {}
        self._said = time.monotonic()
        self._is_live = sys.stdout.isatty()
        self._shown = ""

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *error: object) -> None:
        self._clear()

    def started(self, run: Run) -> None:
        """Says so, with how much is there already."""
        self._began[run] = time.monotonic()
        self._now[run] = self._comparison.used_env_steps(run)
        before = f", goes on from {amount(self._now[run])} steps" if self._now[run] else ""
        self._say(f"{run.name} runs{before}")

    def reached(self, run: Run, env_steps: int) -> None:
        """Shows how far all are: at once in a terminal, once a minute elsewhere."""
        self._now[run] = env_steps
        budget = self._comparison.env_steps
        text = ", ".join(f"{r.name} {min(n / budget, 1):.0%}" for r, n in self._now.items())
        text = f"{text}; {self._left} runs left"
        if self._is_live:
            self._show(text)
        elif time.monotonic() - self._said > _LINE_EVERY_S:
            self._say(text)

    def ended(self, run: Run, failure: str) -> None:
        """Says so, and why it failed if it did."""
        self._left -= 1
        self._now.pop(run, None)
        took = duration(time.monotonic() - self._began[run])
        self._say(f"{run.name} failed: {failure}" if failure else f"{run.name} is done, {took}")

    def _say(self, text: str) -> None:
        self._clear()
        self._said = time.monotonic()
        typer.echo(text)

    def _show(self, text: str) -> None:
        if text != self._shown:
            self._clear()
            self._shown = text
            sys.stdout.write(text[:120])
            sys.stdout.flush()

    def _clear(self) -> None:
        if self._shown:
            sys.stdout.write("\r\x1b[K")
            self._shown = ""
