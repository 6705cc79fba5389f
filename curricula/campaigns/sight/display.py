"""What a person sees of a running campaign.

`RichDisplay` draws in place: generation and phase, a bar for each branch, the last generations
with their validation score, gain and distribution, and the time that the budget leaves.
`PlainDisplay` prints lines, few enough for a log file, where there is no terminal.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from curricula.campaigns.sight.decisions import decision_text, gain_text, moving_regions
from curricula.campaigns.sight.progress import CampaignProgress
from curricula.campaigns.sight.tracking import Display
from curricula.campaigns.sight.words import (
    amount,
    counted,
    duration,
    fitted,
    headline_text,
    with_interval,
)
from curricula.campaigns.store.records import Record

_MAX_BARS = 10
_MIN_LINE_INTERVAL_S = 15.0


def make_display(plain: bool = False) -> Display:
    """Returns the live display in a terminal, plain lines elsewhere or where asked for."""
    if plain or not sys.stdout.isatty():
        return PlainDisplay()
    return RichDisplay()


def estimate_text(estimate: Record) -> str:
    """Returns the estimate of a campaign in words; what cannot be known is left out.

    Example:
        >>> estimate_text({"env_steps": 2_000_000, "seconds": 240, "bytes": 3e7})
        'about 2 M env steps, 4 min, 30 MB on disk'
        >>> estimate_text({"env_steps": 5e5, "seconds": 60, "bytes": None, "per": "a generation"})
        'no end is set; a generation takes about 500 k env steps, 1 min'
    """
    parts = []
    if estimate.get("env_steps") is not None:
        parts.append(f"{amount(estimate['env_steps'])} {counted(estimate)}")
    if estimate.get("seconds") is not None:
        parts.append(duration(estimate["seconds"]))
    if estimate.get("bytes") is not None:
        parts.append(f"{amount(estimate['bytes'])}B on disk")
    text = f"about {', '.join(parts)}" if parts else ""
    if text and estimate.get("per"):
        text = f"no end is set; {estimate['per']} takes {text}"
    return f"{text} ({estimate['basis']})" if text and estimate.get("basis") else text


class PlainDisplay:
    """Prints a line for each phase and each commit, and now and then one on the way.

    Args:
        file: where to; standard output by default.
        clock: seconds that never go back.
    """

    def __init__(
        self, file: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = file
        self._clock = clock
        self._progress = CampaignProgress(clock)
        self._last_line = clock()

    def start(self, config: Record, estimate: Record) -> None:
        """Prints the campaign's name and what it may take."""
        self._progress.start(config, estimate)
        text = estimate_text(estimate)
        self.say(f"campaign {config['name']}" + (f": {text}" if text else ""))

    def phase(self, generation: int, name: str, branches: Mapping[str, int]) -> None:
        """Prints what begins."""
        is_known = (generation, name) == (self._progress.generation, self._progress.phase)
        self._progress.enter(generation, name, branches)
        steps, count = sum(branches.values()), len(branches)
        if is_known and not steps:
            return
        parts = [f"{count} branch{'es' if count > 1 else ''}"] if steps or count > 1 else []
        parts += [f"{amount(steps)} {self._progress.counted}"] if steps else []
        self.say(f"generation {generation}: {name}" + (f" ({', '.join(parts)})" if parts else ""))

    def steps(self, branch: str, env_steps: int) -> None:
        """Prints a line if the last one is a while ago."""
        progress = self._progress
        progress.add(branch, env_steps)
        if self._clock() - self._last_line < _MIN_LINE_INTERVAL_S:
            return
        planned, taken = sum(progress.planned.values()), sum(progress.taken.values())
        share = f"{min(taken / planned, 1):.0%}, " if planned else ""
        self.say(
            f"generation {progress.generation}: {progress.phase} {share}"
            f"{amount(progress.steps_per_s)} {_short(progress)}/s{_left(progress)}"
        )

    def committed(self, record: Record) -> None:
        """Prints what the generation came to."""
        if not self._progress.commit(record):
            return
        target = record["monitor"].get("target") or {}
        regions = "; ".join(f"{k} {v}" for k, v in moving_regions(record).items())
        parts = [
            f"committed generation {record['generation']}: {decision_text(record)}",
            f"gain {gain_text(record)}",
            f"validation {headline_text(target)}",
            f"success {with_interval(target.get('success_rate'))}",
            regions,
            f"{amount(record['totals']['env_steps'])} {counted(record)}",
            f"{duration(record['totals']['seconds'])}{_left(self._progress)}",
        ]
        self.say(", ".join(part for part in parts if part and not part.endswith(" –")))

    def say(self, message: str) -> None:
        """Prints a sentence."""
        file = self._file or sys.stdout
        print(fitted(message, file), file=file, flush=True)
        self._last_line = self._clock()

    def stop(self) -> None:
        """There is nothing to close."""


class RichDisplay:
    """Draws the campaign in place, four times a second.

    Args:
        console: where to draw; the terminal by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self._progress = CampaignProgress()
        self._lock = threading.Lock()
        self._live: Live | None = None

    def start(self, config: Record, estimate: Record) -> None:
        """Says what may be expected, then begins to draw."""
        with self._lock:
            self._progress.start(config, estimate)
        text = estimate_text(estimate)
        self.say(f"campaign {config['name']}" + (f": {text}" if text else ""))
        if self._live is None:
            self._live = Live(
                get_renderable=self.render, console=self.console, refresh_per_second=4
            )
            self._live.start()

    def phase(self, generation: int, name: str, branches: Mapping[str, int]) -> None:
        """Empties the bars."""
        with self._lock:
            self._progress.enter(generation, name, branches)

    def steps(self, branch: str, env_steps: int) -> None:
        """Fills a bar."""
        with self._lock:
            self._progress.add(branch, env_steps)

    def committed(self, record: Record) -> None:
        """Adds a line to the table."""
        with self._lock:
            self._progress.commit(record)

    def say(self, message: str) -> None:
        """Prints a sentence above what is drawn."""
        self.console.print(message, highlight=False, markup=False)

    def stop(self) -> None:
        """Draws for the last time and leaves the cursor below."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def render(self) -> RenderableType:
        """Returns what is drawn now."""
        with self._lock:
            progress = self._progress
            parts: list[RenderableType] = [_headline(progress)]
            if progress.planned:
                parts.append(_bars(progress))
            if progress.records:
                parts.append(_history(progress))
            title = str(progress.config.get("name", "campaign"))
            return Panel(Group(*parts), title=title, title_align="left", border_style="dim")


def _left(progress: CampaignProgress) -> str:
    seconds = progress.seconds_left
    return "" if seconds is None else f", {duration(seconds)} left"


def _short(progress: CampaignProgress) -> str:
    """Returns what is counted, in one word."""
    return progress.counted.rpartition(" ")[2]


def _headline(progress: CampaignProgress) -> Text:
    text = Text(f"generation {progress.generation}", style="bold")
    text.append(f" · {progress.phase} {duration(progress.phase_seconds)}", style="not bold")
    if progress.steps_per_s:
        speed = f"{amount(progress.steps_per_s)} {_short(progress)}/s"
        text.append(f" · {speed}", style="not bold")
    budget = progress.config.get("budget") or {}
    endless = not any(value is not None for value in budget.values())
    left = "no end set" if endless else f"{duration(progress.seconds_left)} left"
    return text.append(f" · {left}", style="not bold cyan")


def _bars(progress: CampaignProgress) -> Table:
    table = Table.grid(padding=(0, 2))
    for branch, planned in list(progress.planned.items())[:_MAX_BARS]:
        taken = progress.taken.get(branch, 0)
        bar = ProgressBar(total=planned or None, completed=taken, width=32, pulse=not planned)
        steps = f"{amount(taken)} of {amount(planned)} {_short(progress)}" if planned else ""
        table.add_row(Text(branch), bar, Text(steps, style="dim"))
    hidden = len(progress.planned) - _MAX_BARS
    if hidden > 0:
        table.add_row(Text(f"and {hidden} more", style="dim"))
    return table


def _history(progress: CampaignProgress) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for column, kind in (
        ("gen", "right"),
        ("went on", "left"),
        ("gain", "right"),
        ("validation", "left"),
        ("success", "left"),
        ("distribution", "left"),
        (_short(progress), "right"),
    ):
        table.add_column(column, justify=kind, overflow="fold")  # type: ignore[arg-type]
    for record in progress.records:
        target = record["monitor"].get("target") or {}
        table.add_row(
            str(record["generation"]),
            decision_text(record),
            gain_text(record),
            headline_text(target),
            with_interval(target.get("success_rate")),
            "\n".join(f"{name} {text}" for name, text in moving_regions(record).items()),
            amount(record["totals"]["env_steps"]),
        )
    return table
