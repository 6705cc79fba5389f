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
from taskgen.generators.mujoco.grounds import Field, Ground, Pier
from taskgen.generators.mujoco.models import add_feeler, model_of, pair_up, spec_of
from taskgen.generators.mujoco.simulation import CHANGES, Floats, Forces, Simulation

GROUNDS: Mapping[str, type[Ground]] = {"field": Field, "pier": Pier}
_ALONG = np.linspace(-1.0, 1.0, 5)
"""Where along a capsule its height above the ground is looked at."""


@functools.lru_cache(maxsize=256)
def shaped(body: Body, lengths: tuple[float, ...], ground: str, feels: bool) -> mujoco.MjModel:
    """Returns the model of a body with limbs of other lengths, on a ground yet to be written.

    Masses follow the lengths, density stays.

    Args:
        body: the row.
        lengths: a factor a part, in the order of `body.lengths`.
        ground: of `GROUNDS`.
        feels: as in `model_of`.
    """
    spec = spec_of(body)
    for part, factor in zip(body.lengths, lengths, strict=True):
        _stretch(spec, body, part, factor)
    GROUNDS[ground].add(spec, body)
    pair_up(spec)
    if feels:
        add_feeler(spec)
    spec.compiler.settotalmass = -1
    model = spec.compile()
    mujoco.mj_setTotalmass(model, _density(body) * float(model.body_mass.sum()))
    mujoco.mj_setConst(model, mujoco.MjData(model))
    return model


class StructuredSimulation(Simulation):
    """N simulations of one body, each with limbs and ground of its own; see `Simulation`.

    Args:
        body: the row.
        num_sims: N.
        num_threads: of the engine, the caller's among them.
        forces: as in `Simulation`, but none is "exact".
        ground: of `GROUNDS`.
    """

    def __init__(
        self, body: Body, num_sims: int, num_threads: int, forces: Forces, ground: str
    ) -> None:
        self._kind, self._feels = ground, forces == "sensed"
        super().__init__(body, num_sims, num_threads, forces)
        self._ground = GROUNDS[ground](body, self.batch.bind("qpos"))
        mine = (self.model.geom_bodyid > 0) & (self.model.geom_bodyid < self.num_bodies)
        self._own = np.flatnonzero(mine)
        capsule = int(mujoco.mjtGeom.mjGEOM_CAPSULE)
        self._is_capsule = self.model.geom_type[self._own] == capsule
        self._sizes = np.repeat(self.model.geom_size[None, self._own, :2], num_sims, axis=0)
        for name in ("geom_xpos", "geom_xmat"):
            self.bound(name)
        self._data = mujoco.MjData(self.model)

    def _unperturbed(self, forces: Forces) -> mujoco.MjModel:
        del forces
        return self._shaped((1.0,) * len(self.body.lengths))

    def set_physics(self, content: Mapping[str, NDArray[Any]]) -> None:
        """Gives simulation i a model of the body, limbs and ground of row i."""
        models = [self._model(row, content) for row in range(len(content["lengths"]))]
        models += [self.model] * (self.num_sims - len(models))
        self.batch.set_models(models)
        self.uneven = self._ground.uneven

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
        return self._ground.at(np.arange(self.num_sims), x, y)

    def _shaped(self, lengths: tuple[float, ...]) -> mujoco.MjModel:
        return shaped(self.body, lengths, self._kind, self._feels)

    def _model(self, row: int, content: Mapping[str, NDArray[Any]]) -> mujoco.MjModel:
        shape = self._shaped(tuple(content["lengths"][row].tolist()))
        model = copy.copy(shape)
        for key, changes in CHANGES.items():
            value = content[key][row : row + 1].astype(float)
            for field, change in changes:
                factor = self._by_body(value) if key == "mass" else value
                _write(model, field, change(_read(shape, field), factor)[0])
        self._ground.write(model, row, {key: values[row] for key, values in content.items()})
        mujoco.mj_setConst(model, self._data)
        self._sizes[row] = model.geom_size[self._own, :2]
        return model

    def _depths(self, ids: NDArray[np.int64]) -> Floats:
        """Returns how deep these bodies stick in their ground, [n], m; 0 where they are clear."""
        radius, half = np.moveaxis(self._sizes[ids], 2, 0)
        axis = self.bound("geom_xmat")[ids][:, self._own].reshape(*half.shape, 3, 3)[..., 2]
        along = (half * self._is_capsule)[..., None, None] * _ALONG[:, None] * axis[:, :, None]
        points = self.bound("geom_xpos")[ids][:, self._own, None] + along
        ground = self._ground.at(ids[:, None, None], points[..., 0], points[..., 1])
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
