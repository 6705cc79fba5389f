"""From names to plug-ins: entry points of installed packages, or `module:Class` strings.

Four groups are known: generators, learners, curricula and searches. Nothing is imported before it
is asked for, and a plug-in that cannot be imported is listed with its error, never fatal.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

GROUPS = ("generators", "learners", "curricula", "searches")


class UnknownPlugin(LookupError):
    """A name that nothing is registered under; the message has the nearest known one."""


@dataclass(frozen=True)
class Listing:
    """One registered plug-in, as `taskgen list` shows it."""

    name: str
    target: str
    summary: str
    error: str = ""


def resolve(group: str, name: str) -> type[Any]:
    """Returns the class registered under a name, or the one a `module:Class` string names.

    The module of such a string may lie in the working directory.

    Raises:
        UnknownPlugin: if there is no such name, module or class.
    """
    if ":" in name:
        return _load_path(name)
    known = _entry_points(group)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UnknownPlugin(
            f"no {group[:-1] if group != 'curricula' else 'curriculum'} is called {name!r}; "
            f"{hint}known: {', '.join(sorted(known))}, or give module:Class."
        )
    return known[name].load()


def listings(group: str) -> list[Listing]:
    """Returns everything registered in a group, broken plug-ins with their error."""
    found = []
    for name, point in sorted(_entry_points(group).items()):
        try:
            text = (point.load().__doc__ or "").strip().split("\n")[0]
            found.append(Listing(name, point.value, text))
        except Exception as error:
            found.append(Listing(name, point.value, "", error=repr(error)))
    return found


@functools.cache  # reading the metadata of every installed package takes tens of milliseconds
def _entry_points(group: str) -> dict[str, EntryPoint]:
    if group not in GROUPS:
        raise ValueError(f"group must be one of {', '.join(GROUPS)}, got {group!r}.")
    return {point.name: point for point in entry_points(group=f"taskgen.{group}")}


def _load_path(path: str) -> type[Any]:
    module_name, _, attribute = path.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UnknownPlugin(
            f"{path!r} names nothing that can be imported ({error}); "
            f"give module:Class with the module on the path or in the working directory."
        ) from error
