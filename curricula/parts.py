"""Curricula made of curricula: named in the settings, made by name, told the scores they want.

The part that combinators hold. A part hears the scores that its `score` names, whatever others
beside it want.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Curriculum
from taskgen.hints import did_you_mean
from taskgen.registry import UnknownPlugin, resolve


def made(name: str, options: Mapping[str, Any], setting: str) -> Curriculum:
    """Returns a curriculum by its registered name, or `module:Class`, and its own settings.

    Args:
        name: of the curriculum.
        options: its settings.
        setting: of the combinator that names it, for messages.

    Raises:
        ValueError: if there is no such curriculum, or a setting is unknown or refused.
    """
    try:
        cls = resolve("curricula", name)
    except UnknownPlugin as error:
        raise ValueError(f"{setting} must name curricula: {error}") from error
    known = [field.name for field in dataclasses.fields(cls.Config)]
    for option in options:
        if option not in known:
            raise ValueError(
                f"{setting} has a setting {option!r} that {name} does not have"
                f"{did_you_mean(option, known)}; it has {', '.join(known) or 'none'}."
            )
    try:
        return cls(cls.Config(**options))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{setting} cannot make {name}: {error}") from error


def names_of(score: str | Sequence[str] | None) -> tuple[str, ...]:
    """Returns the names of the scores that a curriculum wants."""
    if score is None:
        return ()
    return (score,) if isinstance(score, str) else tuple(score)


def wanted(parts: Sequence[Curriculum], more: Sequence[str] = ()) -> str | tuple[str, ...] | None:
    """Returns all scores that some curricula want, each once: none, one, or several."""
    names = tuple(dict.fromkeys([name for p in parts for name in names_of(p.score)] + [*more]))
    return names if len(names) > 1 else (names[0] if names else None)


def heard(
    part: Curriculum, score: str | Sequence[str] | None, scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns what a part hears of all scores: [B], [B, K] if it wants several, or zeros.

    Args:
        part: one of the curricula.
        score: the names of all scores.
        scores: as they were told, [B], or [B, K] where there are several names.
    """
    columns = {name: _column(scores, i) for i, name in enumerate(names_of(score))}
    if part.score is None:
        return np.zeros(len(scores))
    if isinstance(part.score, str):
        return columns[part.score]
    return np.stack([columns[name] for name in part.score], axis=1)


def _column(scores: NDArray[np.float64], index: int) -> NDArray[np.float64]:
    return scores if scores.ndim == 1 else scores[:, index]


def metrics_of(parts: Mapping[str, Curriculum]) -> dict[str, float]:
    """Returns the parts' own metrics, each with the part's name within, curriculum/<part>_…."""
    return {
        f"curriculum/{label}_{name.removeprefix('curriculum/')}": value
        for label, part in parts.items()
        for name, value in part.metrics().items()
    }


def labels_of(names: Sequence[str]) -> list[str]:
    """Returns a label for each part, fit for a metric: its name, numbered where it comes twice.

    Example:
        >>> labels_of(["sfl", "mine:Other", "sfl"])
        ['sfl', 'Other', 'sfl_2']
    """
    plain = [name.rpartition(":")[2] for name in names]
    return [
        label if plain[:i].count(label) == 0 else f"{label}_{plain[:i].count(label) + 1}"
        for i, label in enumerate(plain)
    ]
