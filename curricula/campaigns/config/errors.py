"""What is wrong with a campaign file: every problem at once, each where it stands.

A `Problem` is a path in the file and what must hold there; `ConfigErrors` carries all that were
found. Unknown keys come with the nearest known one, wherever in the file it belongs.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from taskgen.hints import did_you_mean, nearest_word

_Model = TypeVar("_Model", bound=BaseModel)

_PLUGIN_KEYS = ("name", "options")
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "a word",
    "list": "a list",
    "tuple": "a list",
    "dict": "a section, key: value",
    "model": "a section, key: value",
}
"""What must be there, by the first word of pydantic's name for an error of type."""


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
    near = nearest_word(key, known)
    if near:
        return f"; did you mean {near}?"
    return f"; known here: {', '.join(known)}" if known else ""


def validated(model: type[_Model], raw: Mapping[str, Any]) -> tuple[_Model | None, list[Problem]]:
    """Returns what a model makes of plain values, and everything that is wrong with them.

    What is wrong is left out and the rest looked at again, so that no mistake hides another; the
    result is without it. None where something is missing that has no default, or does not fit
    together.
    """
    problems: list[Problem] = []
    while True:
        try:
            return model.model_validate(raw), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
        found = [_problem(one, model) for one in details]
        problems += [problem for problem in found if problem not in problems]
        rest = _without(raw, [one["loc"] for one in details])
        if rest == raw:
            return None, problems
        raw = rest


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
    text = _rule(details)
    if details["type"] == "value_error" and isinstance(details["input"], Mapping):
        return Problem(path, text)
    return Problem(path, f"{text}, got {_shown(details['input'])}{_meant(details)}")


def _rule(details: Mapping[str, Any]) -> str:
    """Returns what must hold, in our words."""
    kind, _, how = details["type"].partition("_")
    if kind in _KINDS and how in ("type", "parsing", "from_float", "parsing_size", "number"):
        return f"must be {_KINDS[kind]}"
    if kind == "literal":
        return f"must be {details['ctx']['expected']}".replace("'", "")
    text = plain(details["msg"])
    return text[:1].lower() + text[1:]


def plain(message: str) -> str:
    """Returns a message of pydantic's without what only its authors need.

    Example:
        >>> plain("Value error, no such thing"), plain("Input should be greater than 0")
        ('no such thing', 'must be greater than 0')
        >>> plain("Input should be a valid integer, unable to parse string as an integer")
        'must be a valid integer'
    """
    text = re.sub(r"^(Value error|Assertion failed), |, unable to parse .*$", "", message)
    return re.sub(r"^(Input|[A-Z][a-z]+) should ", "must ", text)


def _meant(details: Mapping[str, Any]) -> str:
    """Returns which of several choices was probably meant."""
    if details["type"] != "literal_error" or not isinstance(details["input"], str):
        return ""
    return did_you_mean(details["input"], re.findall(r"'([^']*)'", details["ctx"]["expected"]))


def _without(raw: Mapping[str, Any], locations: Iterable[tuple[int | str, ...]]) -> dict[str, Any]:
    """Returns plain values without what stands at some places; lists and words go as a whole."""
    result = copy.deepcopy(dict(raw))
    for location in locations:
        section = result
        for depth, key in enumerate(location, 1):
            if key not in section:
                break
            inner = section[key]
            if depth == len(location) or not isinstance(inner, dict):
                del section[key]
                break
            section = inner
    return result


def _hint(path: str, model: type[BaseModel]) -> str:
    """Looks among the siblings first, then for the same word elsewhere in the file."""
    parent, _, key = path.rpartition(".")
    every = list(known_keys(model))
    siblings = [k.rpartition(".")[2] for k in every if k.rpartition(".")[0] == parent]
    if nearest_word(key, siblings):
        return suggestion(key, siblings)
    leaves: dict[str, str] = {}
    for known in every:
        leaves.setdefault(known.rpartition(".")[2], known)
    elsewhere = nearest_word(key, set(leaves) - set(_PLUGIN_KEYS), cutoff=0.75)
    if elsewhere:
        return f"; did you mean {leaves[elsewhere]}?"
    return suggestion(key, siblings)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
