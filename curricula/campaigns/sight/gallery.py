"""Tasks as one HTML page that needs nothing else: what each is, where it is from, what it came to.

Pictures, numbers and the few lines of script are inside the page, so it can be sent, attached to a
run, or opened without a network. All data is one JSON text that only `textContent` reads, and the
page allows no script but its own: names and texts of plug-ins cannot do anything in it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from curricula.campaigns.sight.figures import log_names
from curricula.campaigns.sight.portraits import Portrait, portraits
from curricula.campaigns.sight.words import edits_text
from curricula.campaigns.store.plays import Play
from taskgen.generator import TaskGenerator
from taskgen.task import Task

MAX_TASKS = 2000
"""On a page, so that it opens at once and stays small."""

_ID_LETTERS = 16


@dataclass(frozen=True)
class Card:
    """What a page shows of one task.

    Args:
        task: it.
        portrait: its picture and what describes it.
        play: what came of playing it, and when; None: it was not played.
    """

    task: Task
    portrait: Portrait = field(default_factory=Portrait)
    play: Play | None = None

    @property
    def regret(self) -> float | None:
        """What the oracle earns more than the last episode did; None where that is not known."""
        if self.portrait.oracle is None or self.play is None or not self.play.returns:
            return None
        return self.portrait.oracle - self.play.returns[-1]


@dataclass(frozen=True)
class Chapter:
    """What a page says of a generation.

    Args:
        generation: its number.
        told: what was decided, in words.
        regions: the intervals of its parameters by name, (low, high).
        aims: where they shall go, likewise.
    """

    generation: int
    told: str
    regions: Mapping[str, tuple[float, float]]
    aims: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Binding:
    """What a page of tasks says beside its cards.

    Args:
        title: of the page.
        subtitle: a line below it.
        chapters: of the generations, if it has any.
        judged_by: what returns are.
        unit: what they are counted by, "episodes".
        score: what the score is called that a curriculum was told.
        hint: a command that makes a task again, with "ID" for its id.
        order: what the order of the cards is called.
    """

    title: str
    subtitle: str = ""
    chapters: Sequence[Chapter] = ()
    judged_by: str = "return"
    unit: str = "episodes"
    score: str = ""
    hint: str = ""
    order: str = "as drawn"


def gallery(generator: TaskGenerator, tasks: Sequence[Task], title: str, subtitle: str = "") -> str:
    """Returns the page of tasks that nobody played.

    Args:
        generator: describes and draws them.
        tasks: what to show.
        title: of the page.
        subtitle: a line below it.
    """
    drawn = portraits(generator, tasks)
    cards = [Card(task, drawn.get(task.id, Portrait())) for task in tasks]
    return bound(generator, cards, Binding(title, subtitle))


def bound(generator: TaskGenerator, cards: Sequence[Card], binding: Binding) -> str:
    """Returns the page of these cards."""
    return page(
        "gallery",
        {"TITLE": binding.title, "SUBTITLE": binding.subtitle},
        _data(generator, cards, binding),
    )


def page(name: str, texts: Mapping[str, str], data: Any) -> str:
    """Returns the page `pages/NAME.html` with its style, script and data in it.

    Args:
        name: of the page.
        texts: what stands in it by placeholder; escaped here.
        data: what its script reads, plain values.
    """
    script = _file(f"{name}.js")
    parts = {
        **{key: html.escape(text) for key, text in texts.items()},
        "SCRIPT_HASH": script_hash(name),
        "SCRIPT": script,
        "DATA": embedded(data),
    }
    return filled(name, parts)


def filled(name: str, parts: Mapping[str, str]) -> str:
    """Returns `pages/NAME.html` with its style and these parts in place, as they are."""
    pieces = _file(f"{name}.html").split("@")
    known = {"STYLE": _file(f"{name}.css"), **parts}
    return "".join(known.get(piece, piece) if i % 2 else piece for i, piece in enumerate(pieces))


def script_hash(name: str) -> str:
    """Returns the source of scripts that a page's policy names: its own script and no other."""
    digest = hashlib.sha256(_file(f"{name}.js").encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def embedded(data: Any) -> str:
    r"""Returns plain values as JSON that can stand inside a `<script>`: it holds no "<", "&", ">".

    Example:
        >>> embedded("</script>")
        '"\\u003c/script\\u003e"'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _file(name: str) -> str:
    return (resources.files("curricula.campaigns.sight") / "pages" / name).read_text("utf-8")


def _data(generator: TaskGenerator, cards: Sequence[Card], binding: Binding) -> dict[str, Any]:
    names = list(dict.fromkeys([*generator.space, *(k for c in cards for k in c.task.params)]))
    told = dict.fromkeys(key for card in cards for key in card.portrait.features)
    features = [key for key in told if not all(_is_known(card, key) for card in cards)]
    pictures = list(dict.fromkeys(c.portrait.picture for c in cards if c.portrait.picture))
    places = {picture: place for place, picture in enumerate(pictures)}
    return {
        "parameters": names,
        "features": features,
        "log": log_names(generator.space),
        "generations": [
            {
                "generation": c.generation,
                "told": c.told,
                "regions": dict(c.regions),
                "aims": dict(c.aims),
            }
            for c in binding.chapters
        ],
        "moved": moved(binding.chapters),
        "told": binding.subtitle if not binding.chapters else "",
        "judged_by": binding.judged_by,
        "unit": _singular(binding.unit),
        "score": binding.score,
        "hint": binding.hint,
        "order": binding.order,
        "pictures": pictures,
        "tasks": [_row(card, names, features, places) for card in cards],
    }


def moved(chapters: Sequence[Chapter]) -> list[str]:
    """Returns the parameters whose interval ever changed, or is not where it shall go."""
    if not chapters:
        return []
    first = chapters[0].regions
    return [
        name
        for name, region in first.items()
        if any(c.regions.get(name, region) != region for c in chapters)
        or chapters[-1].aims.get(name, region) != region
    ]


def _row(
    card: Card, names: Iterable[str], features: Iterable[str], places: Mapping[str, int]
) -> list[Any]:
    """Returns a task as the script reads it: the order of values is agreed with it."""
    task, play = card.task, card.play
    successes = play.successes if play else None
    return [
        task.id[:_ID_LETTERS],
        play.source.generation if play else None,
        play.origin if play else ("edit" if task.parents else "new"),
        play.branch if play else "",
        play.times if play else 0,
        [_short(task.params.get(name)) for name in names],
        [_short(card.portrait.features.get(name)) for name in features],
        [_short(value) for value in play.returns] if play else [],
        None if successes is None else "".join("1" if reached else "0" for reached in successes),
        _short(play.score) if play else None,
        _short(card.regret),
        [parent[:_ID_LETTERS] for parent in task.parents],
        edits_text(task.operator) if task.parents else "",
        places.get(card.portrait.picture or ""),
    ]


def _is_known(card: Card, key: str) -> bool:
    """Whether a feature of a card says what one of its parameters says."""
    params = card.task.params
    return key in params and card.portrait.features.get(key, params[key]) == params[key]


def _short(value: Any) -> Any:
    """Returns a number in five digits, None where it is not finite; other values as they are."""
    if not isinstance(value, float):
        return value
    return float(f"{value:z.5g}") if math.isfinite(value) else None


def _singular(unit: str) -> str:
    """Returns one of what a curve's axis counts.

    Example:
        >>> _singular("episodes"), _singular("gradient steps")
        ('episode', 'gradient step')
    """
    return unit.removesuffix("s")
