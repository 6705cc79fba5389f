"""What is wrong with a campaign file: every problem at once, each where it stands.

A `Problem` is a path in the file and what must hold there; `ConfigErrors` carries all that were
found. Unknown keys come with the nearest known one, wherever in the file it belongs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

_PLUGIN_KEYS = ("name", "options")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Args:
        path: where, as in an override ("generation.num_candidates"); "" for the whole file.
        message: what must hold, what came, what to do about it.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def under(self, prefix: str) -> Problem:
        """Returns the problem with its path below another."""
        path = f"{prefix}.{self.path}" if self.path else prefix
        return replace(self, path=path)


class ConfigErrors(ValueError):
    """Everything that is wrong with a configuration.

    Args:
        source: what was read: a file, a preset, a plug-in's settings.
        problems: at least one.
    """

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{source} has {count} error{'s' if count > 1 else ''}:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


def suggestion(key: str, known: Iterable[str]) -> str:
    """Returns "; did you mean …?" with the nearest known key, or what there is to choose from.

    Example:
        >>> suggestion("num_candidate", ["num_candidates", "merge"])
        '; did you mean num_candidates?'
        >>> suggestion("x", ["merge", "rung"])
        '; known here: merge, rung'
    """
    known = list(known)
    near = difflib.get_close_matches(key, known, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; known here: {', '.join(known)}" if known else ""


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Returns what pydantic found wrong, in our words, with hints for unknown keys of `model`."""
    return [_problem(details, model) for details in error.errors(include_url=False)]


def path_of(location: Iterable[int | str]) -> str:
    """Returns a location as a dotted path.

    Example:
        >>> path_of(("movable", 0)), path_of(("budget", "hours"))
        ('movable[0]', 'budget.hours')
    """
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
    return path


def known_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yields every path that a file of this model may have, sections first."""
    for name, field in model.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from known_keys(field.annotation, f"{prefix}{name}.")


def _problem(details: Mapping[str, Any], model: type[BaseModel]) -> Problem:
    path = path_of(details["loc"])
    if details["type"] == "extra_forbidden":
        return Problem(path, "unknown key" + _hint(path, model))
    if details["type"] == "missing":
        return Problem(path, "is missing, and has no default")
    text = details["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    text = text[:1].lower() + text[1:]
    if details["type"] == "value_error" and isinstance(details["input"], Mapping):
        return Problem(path, text)
    return Problem(path, f"{text}, got {_shown(details['input'])}")


def _hint(path: str, model: type[BaseModel]) -> str:
    """Looks among the siblings first, then for the same word elsewhere in the file."""
    parent, _, key = path.rpartition(".")
    every = list(known_keys(model))
    siblings = [k.rpartition(".")[2] for k in every if k.rpartition(".")[0] == parent]
    if difflib.get_close_matches(key, siblings, n=1):
        return suggestion(key, siblings)
    leaves: dict[str, str] = {}
    for known in every:
        leaves.setdefault(known.rpartition(".")[2], known)
    elsewhere = difflib.get_close_matches(key, set(leaves) - set(_PLUGIN_KEYS), n=1, cutoff=0.75)
    if elsewhere:
        return f"; did you mean {leaves[elsewhere[0]]}?"
    return suggestion(key, siblings)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
