"""Levels of the sixteen Procgen games: pixels to look at, and a new level for every number.

`Procgen` is the plug-in. `native` calls the game library of the wheel procgen-mirror, `states`
reads and writes what it saves, `pinning` keeps a game on one level, `engine` and `env` show it as
lifetimes and as a single environment, and `layouts` says what levels look like. Without the wheel
this package cannot be imported, and nothing else is touched by that.
"""

from __future__ import annotations

from taskgen.generators.procgen.generator import Procgen
from taskgen.generators.procgen.native import library

NEEDS = {"procgen": "the wheel procgen-mirror (Linux on x86-64, Python up to 3.12)"}
"""Modules that must be installed, and where they come from: `taskgen list` reads this."""

library()

__all__ = ["Procgen"]
