"""Named sets of mazes that training never draws: larger ones, and layouts of other kinds.

Every suite is made by a rule of its own from a seed that is the hash of its name, so that a name
means the same mazes everywhere. Sides, starts and goals vary within a suite; the horizon is that
of the longer side at factor 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.maze.arrays import MazeArrays, single
from taskgen.generators.maze.geometry import distances
from taskgen.generators.maze.layouts import PERFECT, generate, horizon_of

Walls: TypeAlias = NDArray[np.uint8]
Cell: TypeAlias = tuple[int, int]
Rule: TypeAlias = Callable[[int, np.random.Generator], MazeArrays]

NUM_TASKS = 10


def suite(name: str) -> list[MazeArrays]:
    """Returns the mazes of a suite.

    Raises:
        KeyError: if there is no suite of that name.
    """
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    rng = np.random.default_rng(seed)
    return [SUITES[name](index, rng) for index in range(NUM_TASKS)]


def perfect(side: int) -> Rule:
    """Returns the rule of perfect mazes of one side, the goal as far as it gets."""

    def rule(index: int, rng: np.random.Generator) -> MazeArrays:
        params = {
            "size": np.array([side]),
            "layout": np.array([PERFECT[index % len(PERFECT)]]),
            "braid": np.zeros(1),
            "wall_density": np.zeros(1),
            "goal_distance": np.ones(1),
            "horizon_factor": np.ones(1),
        }
        return generate(params, rng.integers(0, 2**62, size=1))

    return rule


def room_grid(num_rooms: int, room: int) -> Rule:
    """Returns the rule of `num_rooms`² square rooms, one door between any two neighbours.

    Start and goal lie in different rooms.
    """

    def rule(index: int, rng: np.random.Generator) -> MazeArrays:
        del index
        side = num_rooms * (room + 1) - 1
        walls = np.zeros((side, side), dtype=np.uint8)
        walls[room :: room + 1] = walls[:, room :: room + 1] = 1
        for wall in range(room, side, room + 1):
            for first in range(0, side, room + 1):
                walls[wall, first + rng.integers(room)] = 0
                walls[first + rng.integers(room), wall] = 0
        one, other = rng.choice(num_rooms**2, size=2, replace=False)
        places = [
            (place // num_rooms * (room + 1), place % num_rooms * (room + 1))
            for place in (int(one), int(other))
        ]
        start, goal = ((r + rng.integers(room), c + rng.integers(room)) for r, c in places)
        return _maze(walls, start, goal, rng)

    return rule


def spiral(index: int, rng: np.random.Generator) -> MazeArrays:
    """Makes a spiral of 11 to 19 cells a side, walked inwards or outwards."""
    side = 11 + 2 * (index // 2)
    walls = np.ones((side, side), dtype=np.uint8)
    row, column, down, right = 0, 0, 0, 1
    walls[0, 0] = 0
    while True:
        if not _can_cut(walls, row + 2 * down, column + 2 * right):
            down, right = right, -down
            if not _can_cut(walls, row + 2 * down, column + 2 * right):
                break
        for _ in range(2):
            row, column = row + down, column + right
            walls[row, column] = 0
    ends = ((0, 0), (row, column))
    return _maze(walls, ends[index % 2], ends[1 - index % 2], rng)


def comb(index: int, rng: np.random.Generator) -> MazeArrays:
    """Makes a spine along one side with teeth of random lengths; the goal ends one of them."""
    side = 13 + 2 * (index % 5)
    walls = np.ones((side, side), dtype=np.uint8)
    walls[-1] = 0
    tops = rng.integers(0, side // 2, size=(side + 1) // 2)
    for tooth, top in enumerate(tops.tolist()):
        walls[top:, 2 * tooth] = 0
    tooth = int(rng.integers(1, len(tops)))
    return _maze(walls, (side - 1, 0), (int(tops[tooth]), 2 * tooth), rng)


def corridor(index: int, rng: np.random.Generator) -> MazeArrays:
    """Makes a long corridor with dead ends to both sides; the goal ends one of them."""
    side = 15 + 2 * (index % 4)
    middle = side // 2
    walls = np.ones((side, side), dtype=np.uint8)
    walls[middle] = 0
    ends: list[Cell] = []
    for column in range(0, side, 2):
        length = int(rng.integers(2, middle + 1))
        up = bool(rng.integers(2))
        end = middle - length if up else middle + length
        walls[min(end, middle) : max(end, middle) + 1, column] = 0
        ends.append((end, column))
    return _maze(walls, (middle, middle), ends[rng.integers(len(ends))], rng)


def open_field(index: int, rng: np.random.Generator) -> MazeArrays:
    """Makes a field of 13 to 31 cells a side without walls, start and goal far apart."""
    side = 13 + 2 * index
    walls = np.zeros((side, side), dtype=np.uint8)
    start = tuple(rng.integers(side, size=2).tolist())
    maze = single(walls, start, 0, (0, 0), 1)
    far = np.argwhere(distances(maze, 0, start) >= side - 1)
    return _maze(walls, start, tuple(rng.choice(far).tolist()), rng)


SUITES: dict[str, Rule] = {
    "perfect-21": perfect(21),
    "perfect-31": perfect(31),
    "perfect-51": perfect(51),
    "four_rooms": room_grid(2, 9),
    "sixteen_rooms": room_grid(4, 4),
    "spirals": spiral,
    "combs": comb,
    "corridors": corridor,
    "open_fields": open_field,
}


def _maze(walls: Walls, start: Cell, goal: Cell, rng: np.random.Generator) -> MazeArrays:
    side = np.array([max(walls.shape)])
    heading = int(rng.integers(4))
    return single(walls, start, heading, goal, int(horizon_of(side, np.ones(1))[0]))


def _can_cut(walls: Walls, row: int, column: int) -> bool:
    side = len(walls)
    return 0 <= row < side and 0 <= column < side and bool(walls[row, column])
