"""A campaign on one HTML page: what it was asked, what it came to, how it went, its tasks.

For people without MLflow: the page needs no network and no server. Everything comes from the
campaign's folder, and all of it is escaped.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from curricula.campaigns.sight import decisions, figures, search_pictures, words
from curricula.campaigns.sight.campaign_gallery import CampaignGallery
from curricula.campaigns.sight.gallery import filled, script_hash
from curricula.campaigns.sight.points import headline, interval, is_number, measure
from curricula.campaigns.sight.trials import distribution_graph, tried
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.machine import machine_text
from curricula.campaigns.store.records import Record
from taskgen.generator import TaskGenerator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_FILM_BYTES = 6_000_000
"""Of all films on a page; beyond that their first frames stand in."""

_COUNTS = ("num_tasks", "num_scored")
_escape = html.escape


class CampaignReport:
    """Writes the page of one campaign.

    Args:
        folder: of the campaign.
        config: its configuration.
        generator: of its tasks; None where it cannot be made: the page has no tasks then.
    """

    def __init__(self, folder: Path, config: Record, generator: TaskGenerator | None) -> None:
        self._store = CampaignStore(folder)
        self._config = config
        self._generator = generator
        self._records = list(self._store.records())
        self._way = figures.Way(log=figures.log_names(generator.space) if generator else ())
        for record in self._records:
            self._way.add(record)

    def page(self, seconds: float = math.inf) -> str | None:
        """Returns the page; None where nothing is committed yet.

        Args:
            seconds: how long pictures of tasks may be drawn.
        """
        if not self._records:
            return None
        sections = {
            "Results": self._results(),
            "Curves": captioned(self._curves()),
            "The search": captioned(search_figures(self._records, self._generator)),
            "Decisions": self._decisions(),
            "Adaptation": films(self._store.films),
            "Tasks": self._tasks(seconds),
            "Settings": self._settings(),
        }
        shown = {title: body for title, body in sections.items() if body}
        links = "".join(f'<a href="#{_anchor(title)}">{title}</a>' for title in shown)
        body = "".join(
            f'<section id="{_anchor(title)}"><h2>{title}</h2>{body}</section>'
            for title, body in shown.items()
        )
        last = self._records[-1]["generation"]
        status = words.status(self._store.is_running, self._store.test_results(), last)
        parts = {
            "TITLE": _escape(str(self._config["name"])),
            "PURPOSE": f"It {words.purpose(self._config, _escape, '–')}",
            "STANDING": words.standing(self._way.rows[-1], status, _escape),
            "BODY": f'<nav>{links}</nav><div class="facts">{self._facts()}</div>{body}',
            "FOOTER": _escape(machine_text(self._store.machine())),
            "SCRIPT_HASH": script_hash("gallery"),
        }
        return filled("report", parts)

    def _facts(self) -> str:
        """Returns the few numbers that matter most, large."""
        last = self._records[-1]
        results = self._store.test_results()
        sealed = [one for one in results if one.get("kind", "sealed") == "sealed"]
        name = "sealed test" if sealed else "monitor set of the target"
        measures = sealed[-1]["measures"] if sealed else last["monitor"].get("target") or {}
        told, value = headline(measures)
        totals = last["totals"]
        facts = {
            f"{told}, {name}": words.with_interval(value),
            f"success rate, {name}": words.with_interval(measure(measures, "success_rate")),
            "generations": words.number(last["generation"]),
            f"{words.counted(last)}, evaluation counted": words.amount(totals["env_steps"]),
            "on the clock": words.duration(totals.get("seconds")),
        }
        return "".join(_fact(label, value) for label, value in facts.items() if value != "–")

    def _results(self) -> str:
        """Returns every set that was measured, a column each, with intervals."""
        last = self._records[-1]
        sets = {f"monitor, {name}": found for name, found in last["monitor"].items() if found}
        for result in self._store.test_results():
            sets[f"{words.used_name(result)}, use {result.get('uses', 1)}"] = result["measures"]
        rows = []
        for key, label in words.measure_labels(last).items():
            values = [measure(found, key) for found in sets.values()]
            if any(is_number(interval(value)[0]) for value in values):
                shown = words.number if key in _COUNTS else words.with_interval
                rows.append([label, *map(shown, values)])
        uses = words.uses_text(self._store.test_results())
        note = "Brackets are 95 % bootstrap intervals. The monitor sets decide nothing."
        return table(["", *sets], rows) + f'<p class="soft">{_escape(f"{uses} {note}".strip())}</p>'

    def _curves(self) -> Iterator[tuple[str, Figure | None, str]]:
        last = self._records[-1]
        yield (
            "scores",
            figures.scores_figure(self._way),
            "The score on the monitor sets, which decide nothing, with 95 % intervals.",
        )
        yield (
            "adaptation",
            figures.adaptation_figure(last),
            f"Adaptation within a lifetime, after generation {last['generation']}; the values need "
            f"not begin at 0.",
        )
        yield (
            "widening",
            figures.widening_figure(self._way),
            "Every parameter that moved: the training interval, that of the target behind it; "
            "dots: a move was adopted.",
        )

    def _decisions(self) -> str:
        columns = ["generation", "went on", "gain", "validation", "distribution", "why"]
        rows = [_decision_row(record) for record in self._records[::-1]]
        return table(columns, rows, "log") + f'<p class="soft">{_escape(decisions.LEGEND)}</p>'

    def _tasks(self, seconds: float) -> str:
        """Returns the gallery of the last generation that trained, as a page within the page."""
        if self._generator is None:
            return ""
        gallery = CampaignGallery(self._store.folder, self._config, self._generator)
        for record in self._records[::-1]:
            page = gallery.page([record], seconds)
            if page is not None:
                title = f"Tasks that generation {record['generation']} trained on"
                return (
                    f'<p class="soft">{title}.</p><iframe sandbox="allow-scripts" title="{title}" '
                    f'srcdoc="{_escape(page)}"></iframe>'
                )
        return ""

    def _settings(self) -> str:
        return table(["", ""], list(_settings_rows(self._config)))


def search_figures(
    records: Sequence[Record], generator: TaskGenerator | None
) -> Iterator[tuple[str, Figure | None, str]]:
    """Yields the figures of a search: name, figure (None: it says nothing yet), a sentence."""
    found = tried(records)
    yield (
        "gains",
        search_pictures.history_figure(found),
        "What every branch gained on the selection tasks, with standard errors; hollow: stopped "
        "early; ringed: its distribution goes on.",
    )
    if generator is not None:
        graph = None
        with suppress(Exception):  # another version of the generator may refuse old distributions
            graph = distribution_graph(records, generator.space, records[-1].get("movable") or [])
        yield (
            "lineage",
            search_pictures.graph_figure(graph) if graph is not None else None,
            "Where distributions came from: full dots were adopted, hollow ones only tried, lines "
            "lead to each from where it was tried; higher covers more of what may move.",
        )
    yield (
        "moves",
        search_pictures.slices_figure(found),
        "Moves, and what they gained beyond staying; lighter points are older.",
    )
    yield (
        "importances",
        search_pictures.importance_figure(found),
        "Which axes of the moves decide whether one is among the best quarter (PED-ANOVA).",
    )


def captioned(drawn: Iterator[tuple[str, Figure | None, str]]) -> str:
    """Returns figures with their captions; those that there are."""
    shown = "".join(
        f'<figure><img alt="{_escape(text)}" src="{figures.figure_uri(figure)}">'
        f"<figcaption>{_escape(text)}</figcaption></figure>"
        for _, figure, text in drawn
        if figure is not None
    )
    return f'<div class="figures">{shown}</div>' if shown else ""


def films(folder: Path) -> str:
    """Returns the films of a campaign's test, best to worst; first frames where they are long."""
    files = sorted(folder.glob("*.gif"))
    whole = sum(file.stat().st_size for file in files) <= MAX_FILM_BYTES
    shown = []
    for file in files:
        with suppress(OSError):  # a file that is no picture any more
            kind, data = ("gif", file.read_bytes()) if whole else ("png", _first_frame(file))
            role, _, task = file.stem.partition("-")
            text = f"{role} of the sealed test, task {task}: first and last episode"
            source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
            shown.append(
                f'<figure><img alt="{_escape(text)}" src="{source}">'
                f"<figcaption>{_escape(text)}</figcaption></figure>"
            )
    return f'<div class="films">{"".join(shown)}</div>' if shown else ""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "facing") -> str:
    """Returns a table of texts, escaped; "" where it has no rows.

    Args:
        columns: their names, all empty for none.
        rows: of cells.
        kind: of the table, for the page's style.
    """
    if not rows:
        return ""
    head = "".join(f"<th>{_escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{_escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if any(columns) else ""
    return f'<div class="wide"><table class="{kind}">{top}<tbody>{body}</tbody></table></div>'


def _decision_row(record: Record) -> list[str]:
    regions = "; ".join(f"{name} {text}" for name, text in decisions.moving_regions(record).items())
    return [
        str(record["generation"]),
        decisions.decision_text(record),
        decisions.gain_text(record),
        words.headline_text(record["monitor"].get("target") or {}),
        regions,
        decisions.decision_sentences(record) if record["candidates"] else "",
    ]


def _settings_rows(config: Record) -> Iterator[list[str]]:
    """Yields what was set, as far as people ask for it, then the options of the plug-ins."""
    for section in ("generator", "learner", "curriculum", "search"):
        options = ", ".join(f"{k} {_plain(v)}" for k, v in config[section]["options"].items())
        yield [section, f"{config[section]['name']}{f' ({options})' if options else ''}"]
    start = [f"{name} {words.region_text(v)}" for name, v in config["start"].items()]
    yield ["start", "; ".join(start) or "the defaults"]
    yield ["target", words.aim_text(config.get("target")).removeprefix("toward ")]
    for section in ("lifetime", "generation", "evaluation", "budget", "splits"):
        known = {k: v for k, v in config[section].items() if v is not None}
        yield [section, ", ".join(f"{k.replace('_', ' ')} {_plain(v)}" for k, v in known.items())]
    yield ["seed", str(config["seed"])]


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    return words.number(value) if is_number(value) else str(value)


def _fact(label: str, value: str) -> str:
    """Returns one number, its interval smaller below it."""
    estimate, opened, rest = value.partition(" [")
    small = f"<small>{_escape((opened + rest).strip())}</small>" if opened else ""
    return f'<div class="fact"><b>{_escape(estimate)}</b>{small}<span>{_escape(label)}</span></div>'


def _first_frame(file: Path) -> bytes:
    buffer = io.BytesIO()
    with Image.open(file) as film:
        film.convert("RGB").save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
