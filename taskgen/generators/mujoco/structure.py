"""Simulations whose limbs and ground differ: a model each, of one layout.

What `Simulation` writes into per-simulation fields of one model stands here in a model for each
simulation, since the heights of a height field cannot be shared out as a field. Models of one
layout run in one batch; limbs of one set of lengths are compiled once.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.mujoco.bodies import Body
from taskgen.generators.mujoco.models import add_feeler, model_of, spec_of
from taskgen.generators.mujoco.simulation import CHANGES, Floats, Forces, Simulation
from taskgen.generators.mujoco.terrain import FIELD, MAX_HEIGHT, STRIP, Grid, heights

_GROUND = "ground"
_BASE = 0.1
_ALONG = np.linspace(-1.0, 1.0, 5)
"""Where along a capsule its height above the ground is looked at."""


def grid_of(body: Body) -> Grid:
    """Returns where the ground of a body is given."""
    return STRIP if body.coordinates == 1 else FIELD


@functools.lru_cache(maxsize=256)
def shaped(body: Body, lengths: tuple[float, ...], feels: bool) -> mujoco.MjModel:
    """Returns the model of a body with limbs of other lengths, on a height field.

    Masses follow the lengths, density stays. The plane of the floor lies just below the field and
    catches what runs off it.

    Args:
        body: the row.
        lengths: a factor a part, in the order of `body.lengths`.
        feels: as in `model_of`.
    """
    spec = spec_of(body)
    for part, factor in zip(body.lengths, lengths, strict=True):
        _stretch(spec, body, part, factor)
    _add_ground(spec, grid_of(body))
    if feels:
        add_feeler(spec)
    spec.compiler.settotalmass = -1
    model = spec.compile()
    mujoco.mj_setTotalmass(model, _density(body) * float(model.body_mass.sum()))
    mujoco.mj_setConst(model, mujoco.MjData(model))
    return model


class StructuredSimulation(Simulation):
    """N simulations of one body, each with limbs and ground of its own; see `Simulation`."""

    def __init__(
        self, body: Body, num_sims: int, num_threads: int, forces: Forces = "none"
    ) -> None:
        self._feels = forces == "sensed"
        super().__init__(body, num_sims, num_threads, forces)
        self._grid = grid_of(body)
        self._heights = np.zeros((num_sims, *self._grid.shape))
        self._own = np.flatnonzero(self.model.geom_bodyid)
        capsule = int(mujoco.mjtGeom.mjGEOM_CAPSULE)
        self._is_capsule = self.model.geom_type[self._own] == capsule
        self._sizes = np.repeat(self.model.geom_size[None, self._own, :2], num_sims, axis=0)
        for name in ("geom_xpos", "geom_xmat"):
            self.bound(name)
        self._data = mujoco.MjData(self.model)

    def _unperturbed(self, forces: Forces) -> mujoco.MjModel:
        return shaped(self.body, (1.0,) * len(self.body.lengths), forces == "sensed")

    def set_physics(self, content: Mapping[str, NDArray[Any]]) -> None:
        """Gives simulation i a model of the body, limbs and ground of row i."""
        models = [self._model(row, content) for row in range(len(content["terrain"]))]
        models += [self.model] * (self.num_sims - len(models))
        self.batch.set_models(models)
        self.uneven = bool(self._heights.any())

    def reset(self, ids: NDArray[np.int64], positions: Floats, velocities: Floats) -> None:
        """Starts these simulations, raised by as much as the noise put them into their ground."""
        super().reset(ids, positions, velocities)
        assert self.body.height is not None
        self.positions[ids, self.body.height] += self._depths(ids)
        self.batch.forward(ids)

    def ground(self) -> Floats:
        """Returns the height of the ground below the root, [N], m."""
        x = self.positions[:, 0]
        y = self.positions[:, 1] if self.body.coordinates > 1 else np.zeros(self.num_sims)
        return self._heights[(np.arange(self.num_sims), *self._grid.nearest(x, y))]

    def _model(self, row: int, content: Mapping[str, NDArray[Any]]) -> mujoco.MjModel:
        shape = shaped(self.body, tuple(content["lengths"][row].tolist()), self._feels)
        model = copy.copy(shape)
        for key, changes in CHANGES.items():
            value = content[key][row : row + 1].astype(float)
            for field, change in changes:
                factor = self._by_body(value) if key == "mass" else value
                _write(model, field, change(_read(shape, field), factor)[0])
        ground = heights(
            self._grid,
            str(content["terrain"][row]),
            float(content["terrain_height"][row]),
            float(content["terrain_length"][row]),
            int(content["terrain_seed"][row]),
        )
        model.hfield_data[:] = ground.ravel() / MAX_HEIGHT
        mujoco.mj_setConst(model, self._data)
        self._heights[row] = ground
        self._sizes[row] = model.geom_size[self._own, :2]
        return model

    def _depths(self, ids: NDArray[np.int64]) -> Floats:
        """Returns how deep these bodies stick in their ground, [n], m; 0 where they are clear."""
        radius, half = np.moveaxis(self._sizes[ids], 2, 0)
        axis = self.bound("geom_xmat")[ids][:, self._own].reshape(*half.shape, 3, 3)[..., 2]
        along = (half * self._is_capsule)[..., None, None] * _ALONG[:, None] * axis[:, :, None]
        points = self.bound("geom_xpos")[ids][:, self._own, None] + along
        cells = self._grid.nearest(points[..., 0], points[..., 1])
        ground = self._heights[(ids[:, None, None], *cells)]
        depths = ground - points[..., 2] + radius[..., None]
        return np.maximum(depths.reshape(len(ids), -1).max(axis=1), 0.0)


def _stretch(spec: mujoco.MjSpec, body: Body, part: str, factor: float) -> None:
    """Makes the bodies of a part longer: their geoms, and where the next bodies begin."""
    plain = model_of(body)
    names = {plain.body(member).id for member in body.lengths[part]}
    for link in spec.bodies:
        if link.id not in names:
            continue
        for geom in link.geoms:
            if np.isfinite(geom.fromto).all():
                geom.fromto = np.asarray(geom.fromto) * factor
            else:
                geom.pos = np.asarray(geom.pos) * factor
                geom.size = [geom.size[0], geom.size[1] * factor, geom.size[2]]
        for child in link.bodies:
            child.pos = np.asarray(child.pos) * factor


def _add_ground(spec: mujoco.MjSpec, grid: Grid) -> None:
    rows, columns = grid.shape
    spec.add_hfield(
        name=_GROUND,
        nrow=rows,
        ncol=columns,
        size=[*grid.half, MAX_HEIGHT, _BASE],
        userdata=np.zeros(rows * columns),
    )
    floor = spec.geom("floor")
    spec.worldbody.add_geom(
        name=_GROUND,
        type=mujoco.mjtGeom.mjGEOM_HFIELD,
        hfieldname=_GROUND,
        pos=[grid.centre, 0.0, 0.0],
        friction=floor.friction,
        contype=floor.contype,
        conaffinity=floor.conaffinity,
        condim=floor.condim,
        margin=floor.margin,
        solref=floor.solref,
        solimp=floor.solimp,
        rgba=floor.rgba,
    )
    floor.pos = [0.0, 0.0, -0.5 * _BASE]


@functools.cache
def _density(body: Body) -> float:
    """Returns how much denser a body is than its model's file says, to weigh what it should."""
    if body.total_mass is None:
        return 1.0
    spec = spec_of(body)
    spec.compiler.settotalmass = -1
    return body.total_mass / float(spec.compile().body_mass.sum())


def _read(model: mujoco.MjModel, field: str) -> Any:
    return getattr(model.opt, field[4:]) if field.startswith("opt.") else getattr(model, field)


def _write(model: mujoco.MjModel, field: str, value: Any) -> None:
    if field.startswith("opt."):
        setattr(model.opt, field[4:], value)
    else:
        getattr(model, field)[...] = value
