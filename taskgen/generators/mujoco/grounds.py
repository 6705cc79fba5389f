"""What structured bodies stand on: part of the model, different in each simulation.

A ground has two sides. Before a body's model is compiled it adds what all models of the family
have, so that they are of one layout; afterwards it is written into each simulation's own model, and
says how high it is where.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.mujoco.bodies import Body
from taskgen.generators.mujoco.models import NO_ISLANDS, model_of
from taskgen.generators.mujoco.simulation import Floats
from taskgen.generators.mujoco.terrain import FIELD, MAX_HEIGHT, STRIP, Grid, heights

Sims = NDArray[np.int64]

_BASE = 0.1
_NUM_BLOCKS, _NUM_BEHIND = 16, 2
_THICKNESS, _GAP = 0.3, 0.001
_DEEPEST, _SEABED = 0.6, 1.0
_END = 80.0
_PLANKS = ((0.66, 0.52, 0.36, 1.0), (0.52, 0.39, 0.25, 1.0))
_WATER = (0.25, 0.5, 0.7, 1.0)
_BLOCK_SHARE = 0.5
_NO_SIZE = 1e-9
_GRAVITY = 9.81
_MAX_DAMPING = 2.0


class Ground(ABC):
    """The ground of N simulations of one body.

    `uneven` says whether any simulation's ground is other than level and firm.

    Args:
        body: what stands on it.
        positions: of all joints, [N, nq], live.
    """

    def __init__(self, body: Body, positions: Floats) -> None:
        self.body, self.positions = body, positions
        self.uneven = False

    @staticmethod
    @abstractmethod
    def add(spec: mujoco.MjSpec, body: Body) -> None:
        """Adds to a model what every simulation's ground consists of."""

    @abstractmethod
    def write(self, model: mujoco.MjModel, sim: int, recipe: Mapping[str, Any]) -> None:
        """Gives simulation `sim`, whose own model this is, the ground of a recipe."""

    @abstractmethod
    def at(self, sims: Sims, x: Floats, y: Floats) -> Floats:
        """Returns the ground's height in these simulations at these places, m; shapes broadcast."""


class Field(Ground):
    """Height fields; the plane of the floor lies just below and catches what runs off them."""

    def __init__(self, body: Body, positions: Floats) -> None:
        super().__init__(body, positions)
        self._grid = grid_of(body)
        self._heights = np.zeros((len(positions), *self._grid.shape))

    @staticmethod
    def add(spec: mujoco.MjSpec, body: Body) -> None:
        """Adds a level height field."""
        grid = grid_of(body)
        rows, columns = grid.shape
        spec.add_hfield(
            name="ground",
            nrow=rows,
            ncol=columns,
            size=[*grid.half, MAX_HEIGHT, _BASE],
            userdata=np.zeros(rows * columns),
        )
        spec.worldbody.add_geom(
            name="ground",
            type=mujoco.mjtGeom.mjGEOM_HFIELD,
            hfieldname="ground",
            pos=[grid.centre, 0.0, 0.0],
            contype=spec.geom("floor").contype,
            **_surface(spec),
        )
        spec.geom("floor").pos = [0.0, 0.0, -0.5 * _BASE]

    def write(self, model: mujoco.MjModel, sim: int, recipe: Mapping[str, Any]) -> None:
        """Writes the heights of a recipe of `terrain.heights`."""
        ground = heights(
            self._grid,
            str(recipe["terrain"]),
            float(recipe["terrain_height"]),
            float(recipe["terrain_length"]),
            int(recipe["terrain_seed"]),
        )
        model.hfield_data[:] = ground.ravel() / MAX_HEIGHT
        self._heights[sim] = ground
        self.uneven = bool(self._heights.any())

    def at(self, sims: Sims, x: Floats, y: Floats) -> Floats:
        """Returns the height of the grid's nearest points."""
        return self._heights[(sims, *self._grid.nearest(x, y))]


class Pier(Ground):
    """Blocks in a row along x, afloat: each sinks under what stands on it, alone.

    A block is a box on a vertical slide, as heavy as half the body, with a spring that gives by
    `pier_sinking` under the default body's weight; a heavier one sinks deeper. Its damping is
    uniform between none and twice `pier_damping`, the share of what is critical for the body and a
    block together, each block's its own, drawn from the task's seed. The first block and the last
    reach as far as anybody gets. Below is a sea bed, for what falls off. Air and wind pass them by.

    Source: the cheetah on a pier of Nagabandi et al. 2019, arXiv 1803.11347 (`learning_to_adapt`):
    eight blocks of 4 m, damping U(0, 10) each, the rest fixed. There one N/m fits all; here springs
    go by the body's weight, so that the same numbers mean the same for any body.
    """

    def __init__(self, body: Body, positions: Floats) -> None:
        super().__init__(body, positions)
        self._lengths = np.ones(len(positions))
        self._mass = float(model_of(body).body_mass.sum())
        self.uneven = True

    @staticmethod
    def add(spec: mujoco.MjSpec, body: Body) -> None:
        """Adds the blocks, after all that is the body's, and lowers the floor to the sea bed."""
        size = [1.0, grid_of(body).half[1], 0.5 * _THICKNESS]
        for index in range(_NUM_BLOCKS):
            block = spec.worldbody.add_body(name=f"block_{index}", gravcomp=1.0)
            block.add_joint(
                type=mujoco.mjtJoint.mjJNT_SLIDE,
                axis=[0.0, 0.0, 1.0],
                limited=True,
                range=[-_DEEPEST, _DEEPEST],
                armature=0.0,
            )
            block.add_geom(
                type=mujoco.mjtGeom.mjGEOM_BOX,
                size=size,
                mass=1.0,
                contype=0,
                rgba=_PLANKS[index % 2],
                **_surface(spec),
            )
        spec.option.disableflags &= ~NO_ISLANDS  # with blocks there are parts to tell apart
        floor = spec.geom("floor")
        floor.pos, floor.contype, floor.rgba = [0.0, 0.0, -_SEABED], 0, _WATER

    def write(self, model: mujoco.MjModel, sim: int, recipe: Mapping[str, Any]) -> None:
        """Writes places, lengths, springs and damping of the blocks."""
        self._lengths[sim] = length = float(recipe["pier_length"])
        _place(model, *_ends(length))
        mass = _BLOCK_SHARE * self._mass
        stiffness = self._mass * _GRAVITY / float(recipe["pier_sinking"])
        critical = 2.0 * np.sqrt(stiffness * (self._mass + mass))
        rng = np.random.default_rng(int(recipe["pier_seed"]))
        each = float(recipe["pier_damping"]) * rng.uniform(0.0, _MAX_DAMPING, _NUM_BLOCKS)
        blocks = slice(-_NUM_BLOCKS, None)
        model.body_mass[blocks], model.body_gravcomp[blocks] = mass, 1.0
        model.body_inertia[blocks] = _NO_SIZE * mass  # air acts on what inertia says of the size
        model.jnt_stiffness[blocks] = stiffness
        model.dof_damping[blocks], model.dof_armature[blocks] = critical * each, 0.0

    def at(self, sims: Sims, x: Floats, y: Floats) -> Floats:
        """Returns the height of the block below, wherever it is now."""
        del y
        index = np.floor(np.nan_to_num(x / self._lengths[sims]) + 0.5) + _NUM_BEHIND
        block = np.clip(index, 0, _NUM_BLOCKS - 1).astype(np.int64)
        return self.positions[sims, block - _NUM_BLOCKS]


def grid_of(body: Body) -> Grid:
    """Returns where the height field of a body is given."""
    return STRIP if body.coordinates == 1 else FIELD


def _surface(spec: mujoco.MjSpec) -> dict[str, Any]:
    """Returns how the floor touches what stands on it."""
    floor = spec.geom("floor")
    names = ("friction", "conaffinity", "condim", "margin", "solref", "solimp")
    return {name: getattr(floor, name) for name in names}


def _ends(length: float) -> tuple[Floats, Floats]:
    """Returns where the blocks begin and end along x, [blocks] each; the start is in one's middle.

    Example:
        >>> lows, highs = _ends(2.0)
        >>> lows[:4], highs[:3]
        (array([-80.,  -3.,  -1.,   1.]), array([-3., -1.,  1.]))
    """
    edges = length * (np.arange(_NUM_BLOCKS + 1) - _NUM_BEHIND - 0.5)
    edges[0], edges[-1] = -_END, _END
    return edges[:-1], edges[1:]


def _place(model: mujoco.MjModel, lows: Floats, highs: Floats) -> None:
    """Puts the blocks between these ends, their upper sides level with the origin.

    What the compiler derives of a box's size is written too.
    """
    blocks = slice(-_NUM_BLOCKS, None)
    model.body_pos[blocks, 0] = 0.5 * (lows + highs)
    model.body_pos[blocks, 2] = -0.5 * _THICKNESS
    model.geom_size[blocks, 0] = 0.5 * (highs - lows - _GAP)
    size = model.geom_size[blocks]
    model.geom_rbound[blocks] = np.linalg.norm(size, axis=1)
    model.geom_aabb[blocks, 3:] = size
    model.bvh_aabb[model.body_bvhadr[blocks], 3:] = size
