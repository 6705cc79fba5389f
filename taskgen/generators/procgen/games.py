"""The sixteen games: in which modes each is made, how long an episode is, what returns are worth.

Source: Cobbe et al. 2020, "Leveraging procedural generation to benchmark reinforcement learning"
(arXiv:1912.01588), and the game library itself for the lengths of episodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MODES = {"easy": 0, "hard": 1, "extreme": 2, "memory": 10}
"""Modes by the number that the game library gives them."""


@dataclass(frozen=True)
class Game:
    """What is known of a game before a level of it is made.

    Args:
        timeout: env steps after which an episode ends by itself.
        easy: (least, most) of a return in easy mode: what someone scores who sees nothing, and
            the most that can be had (a practical limit where there is no strict one).
        hard: the same in hard mode.
        modes: those in which it is made, beside easy and hard.
    """

    timeout: int
    easy: tuple[float, float]
    hard: tuple[float, float]
    modes: tuple[str, ...] = ()

    def return_bounds(self, mode: str) -> tuple[float, float] | None:
        """Returns (least, most) of a return in a mode, None where nobody has published them."""
        return {"easy": self.easy, "hard": self.hard}.get(mode)

    def has_mode(self, mode: str) -> bool:
        """Whether the game is made in a mode."""
        return mode in ("easy", "hard", *self.modes)


GAMES = {
    "bigfish": Game(6000, (1.0, 40.0), (0.0, 40.0)),
    "bossfight": Game(4000, (0.5, 13.0), (0.5, 13.0)),
    "caveflyer": Game(1000, (3.5, 12.0), (2.0, 13.4), ("memory",)),
    "chaser": Game(1000, (0.5, 13.0), (0.5, 14.2), ("extreme",)),
    "climber": Game(1000, (2.0, 12.6), (1.0, 12.6)),
    "coinrun": Game(1000, (5.0, 10.0), (5.0, 10.0)),
    "dodgeball": Game(1000, (1.5, 19.0), (1.5, 19.0), ("extreme", "memory")),
    "fruitbot": Game(1000, (-1.5, 32.4), (-0.5, 27.2)),
    "heist": Game(1000, (3.5, 10.0), (2.0, 10.0), ("memory",)),
    "jumper": Game(1000, (3.0, 10.0), (1.0, 10.0), ("memory",)),
    "leaper": Game(500, (3.0, 10.0), (1.5, 10.0), ("extreme",)),
    "maze": Game(500, (5.0, 10.0), (4.0, 10.0), ("memory",)),
    "miner": Game(1000, (1.5, 13.0), (1.5, 20.0), ("memory",)),
    "ninja": Game(1000, (3.5, 10.0), (2.0, 10.0)),
    "plunder": Game(4000, (4.5, 30.0), (3.0, 30.0)),
    "starpilot": Game(1000, (2.5, 64.0), (1.5, 35.0), ("extreme",)),
}

MAX_LEVELS = 2**31 - 1
_LOOK = ("backgrounds", "center_agent", "monochrome", "paint_velocity", "restrict_themes")


def is_made(game: object, mode: object) -> bool:
    """Whether there is such a game, and it has such a mode."""
    is_known = isinstance(game, str) and game in GAMES and isinstance(mode, str)
    return is_known and GAMES[str(game)].has_mode(str(mode))


def flaw_of(content: object) -> str:
    """Returns why a task's content cannot be played, "" where it can.

    The library ends the whole process over a mode that a game does not have, so nothing of
    unknown origin reaches it unseen.
    """
    keys = {"game", "horizon", "level", "look", "mode"}
    if not isinstance(content, Mapping) or set(content) != keys:
        return f"a level has exactly the fields {', '.join(sorted(keys))}."
    game, mode, level, look = (content[key] for key in ("game", "mode", "level", "look"))
    if not is_made(game, mode):
        return f"there is no {mode} mode of a game {game}."
    if not _is_whole(level, 0, MAX_LEVELS - 1):
        return f"level must be a whole number in [0, {MAX_LEVELS - 1}], got {level!r}."
    if not _is_whole(content["horizon"], 1, GAMES[game].timeout):
        return (
            f"the horizon of {game} must be a whole number in [1, {GAMES[game].timeout}], "
            f"got {content['horizon']!r}."
        )
    is_mapping = isinstance(look, Mapping) and sorted(look) == list(_LOOK)
    if not is_mapping or not all(isinstance(value, bool) for value in look.values()):
        return f"look must have {', '.join(_LOOK)}, each true or false, got {look!r}."
    return ""


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
