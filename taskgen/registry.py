"""From names to plug-ins: entry points of installed packages, or `module:Class` strings.

Four groups are known: generators, learners, curricula and searches. Nothing is imported before it
is asked for, and a plug-in that cannot be imported is listed with its error, never fatal.
"""

from __future__ import annotations

import functools
import importlib
import sys
import traceback
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from taskgen.hints import did_you_mean

GROUPS = ("generators", "learners", "curricula", "searches")


class UnknownPlugin(LookupError):
    """A name that leads to no class: the message says how far it led, and what is near."""


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
        UnknownPlugin: if there is no such name, module or class, or the module fails on import.
    """
    module, is_path, attribute = name.partition(":")
    if is_path and module and attribute:
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        return _load(name, module, attribute)
    known = _entry_points(group)
    if name not in known:
        kind = group[:-1] if group != "curricula" else "curriculum"
        raise UnknownPlugin(
            f"no {kind} is called {name!r}{did_you_mean(name, known)}; "
            f"known: {', '.join(sorted(known))}, or give module:Class."
        )
    return _load(name, known[name].module, known[name].attr)


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


def _load(plugin: str, module_name: str, attribute: str) -> type[Any]:
    """Returns the class of a module; `plugin` is what it was asked for as."""
    module = _module(plugin, module_name)
    if not hasattr(module, attribute):
        names = [name for name, value in vars(module).items() if isinstance(value, type)]
        raise UnknownPlugin(
            f"{plugin!r}: the module {module_name} has no {attribute!r}"
            f"{did_you_mean(attribute, names)}; give module:Class with a class of that module."
        )
    return getattr(module, attribute)


def _module(plugin: str, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is None or not f"{name}.".startswith(f"{missing}."):
            raise _fails(plugin, name, error) from error
        raise UnknownPlugin(
            f"{plugin!r} names nothing that can be imported: there is no module {missing!r}; "
            f"give module:Class with the module on the path or in the working directory."
        ) from error


def _fails(plugin: str, module_name: str, error: Exception) -> UnknownPlugin:
    """Returns the error of a module that is there but cannot be imported."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [(frame.filename, frame.lineno) for frame in frames if frame.filename[0] != "<"]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    file, line = places[-1]
    what = error.msg if isinstance(error, SyntaxError) else error
    return UnknownPlugin(
        f"{plugin!r}: the module {module_name} is there, but importing it failed: "
        f"{type(error).__name__}: {what} ({Path(file).name}, line {line})."
    )
