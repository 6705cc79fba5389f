"""N simulations of one body, each with physics of its own, stepped together.

`Simulation` is a thin hand on `mujoco.batch.Batch`: it turns a task's content into per-simulation
fields of the model, starts and steps simulations, and hands out what they look like as arrays
[N, …]. It knows nothing of goals, rewards or lifetimes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError
from numpy.typing import NDArray

from taskgen.generators.mujoco.bodies import Body
from taskgen.generators.mujoco.models import model_of

Floats: TypeAlias = NDArray[np.float64]
Forces: TypeAlias = Literal["none", "sensed", "exact"]
Ids: TypeAlias = NDArray[np.int64] | None
Change: TypeAlias = Callable[[Any, Floats], Any]

# A simulation that diverges is dealt with here, and says so to whoever listens; MuJoCo's own way
# is to write a file into the working directory.
if mujoco.get_mju_user_warning() is None:
    mujoco.set_mju_user_warning(logging.getLogger(__name__).debug)

_DIVERGED = [
    int(warning)
    for warning in (
        mujoco.mjtWarning.mjWARN_BADQPOS,
        mujoco.mjtWarning.mjWARN_BADQVEL,
        mujoco.mjtWarning.mjWARN_BADQACC,
        mujoco.mjtWarning.mjWARN_BADCTRL,
    )
]
_NOBODY: NDArray[np.int64] = np.empty(0, dtype=np.int64)
_NO_STAGE = int(mujoco.mjtStage.mjSTAGE_NONE)


def _times(default: Any, factor: Floats) -> Any:
    """Returns default · factor, [N, …], the factor's axes first."""
    return default * factor.reshape(factor.shape + (1,) * (np.ndim(default) + 1 - factor.ndim))


def _as_it_is(default: Any, value: Floats) -> Any:
    del default
    return value


def _first_column(default: Any, factor: Floats) -> Any:
    values = np.repeat(np.asarray(default)[None], len(factor), axis=0)
    values[..., 0] *= factor
    return values


def _everywhere(default: Any, value: Floats) -> Any:
    return np.repeat(value[:, None], len(default), axis=1)


CHANGES: Mapping[str, tuple[tuple[str, Change], ...]] = {
    "gravity": (("opt.gravity", _as_it_is),),
    "mass": (("body_mass", _times), ("body_inertia", _times)),
    "friction": (("geom_friction", _times), ("pair_friction", _times)),
    "damping": (("dof_damping", _times),),
    "armature": (("dof_armature", _times),),
    "strength": (("actuator_gear", _first_column),),
    "density": (("opt.density", _as_it_is),),
    "viscosity": (("opt.viscosity", _as_it_is),),
    "wind": (("opt.wind", _as_it_is),),
    "buoyancy": (("body_gravcomp", _everywhere),),
}
"""Content → fields of the model, and how the field comes of its default and the content."""


class Simulation:
    """N simulations of one body.

    Args:
        body: the row.
        num_sims: N.
        num_threads: of the engine, the caller's among them.
        forces: how `contact_forces` come about: "none", "sensed" in the last physics step of an
            env step, or "exact": those after it, as gymnasium has them, which takes 0.2 MB a
            simulation and 20 µs an env step more.
    """

    def __init__(
        self, body: Body, num_sims: int, num_threads: int, forces: Forces = "none"
    ) -> None:
        self.body = body
        self.num_sims = num_sims
        self.model = self._unperturbed(forces)
        exact = forces == "exact"
        self.batch = Batch(self.model, num_sims, num_threads, persistent=exact)
        self.dt = float(self.model.opt.timestep * body.frame_skip)
        own = model_of(body)  # there may be more in a model than the body: what it stands on
        self.num_bodies = own.nbody
        self.positions: Floats = self.batch.bind("qpos")[:, : own.nq]
        self.velocities: Floats = self.batch.bind("qvel")[:, : own.nv]
        self.controls = self.batch.bind("ctrl")
        self.contact_forces: Floats = (
            self.batch.bind("cfrc_ext")[:, : own.nbody]
            if forces == "sensed"
            else np.zeros((num_sims, own.nbody, 6))
        )
        self._slope = np.zeros((num_sims, 2))
        self.uneven = False
        self.is_hinge = _is_hinge(own)
        self._part_of_body = _part_of_body(body, self.model)
        self._expanded: set[str] = set()
        self._warnings = self.batch.warning[:, :, 1]  # how often each was given, [N, kinds]
        self._scratch = mujoco.MjData(self.model) if exact else None
        self._bound: dict[str, Floats] = {}
        self.tracked()  # a field that is first bound after a call is zero until the next one

    def bound(self, name: str) -> Floats:
        """Returns a live field of the simulations' data, [N, …]."""
        if name not in self._bound:
            self._bound[name] = self.batch.bind(name)
        return self._bound[name]

    def set_physics(self, content: Mapping[str, NDArray[Any]]) -> None:
        """Gives simulation i the physics of row i; there may be fewer rows than simulations.

        Fields that every task leaves at its default stay shared, which is faster to step.
        """
        changed = False
        for name, values in self._fields(content):
            self.batch.expand(name)[: len(values)] = values
            changed = True
        if changed:
            self.batch.set_const()

    def reset(self, ids: NDArray[np.int64], positions: Floats, velocities: Floats) -> None:
        """Starts these simulations from the given noise around the model's own start, [n, …]."""
        self.batch.reset(ids, stage=_NO_STAGE)
        self.positions[ids, : len(self.body.start)] += self.body.start
        self.positions[ids] += positions
        self.velocities[ids] += velocities
        if self.body.height is not None:
            self.positions[ids, self.body.height] += self.lifts(ids)
        self.batch.forward(ids)
        if self._scratch is not None:
            self._read_contact_forces(ids)

    def step(self, ids: Ids) -> NDArray[np.int64]:
        """Takes one env step in these simulations (None: all); returns those that diverged."""
        failed = _NOBODY
        try:
            self.batch.step(ids, nstep=self.body.frame_skip)
        except SimulationError as error:
            failed = np.asarray(error.ids, dtype=np.int64)
        if self._scratch is not None:
            self._read_contact_forces(np.arange(self.num_sims) if ids is None else ids)
        if self._warnings.any():
            diverged = self._warnings[:, _DIVERGED].any(axis=1)
            failed = np.union1d(failed, np.flatnonzero(diverged))
            self._warnings[...] = 0
        return failed

    def tracked(self) -> Floats:
        """Returns where the tracked point is, [N, coordinates], m."""
        kind, _, name = self.body.tracked.partition(":")
        num = self.body.coordinates
        if kind == "root":
            return self.positions[:, :num].copy()
        if kind == "body":
            return self.bound("xpos")[:, self.model.body(name).id, :num].copy()
        if kind == "site":
            return self.bound("site_xpos")[:, self.model.site(name).id, :num].copy()
        return self._mass_center()[:, :num]

    def heights(self) -> Floats:
        """Returns the root's height above the ground below it, [N], m."""
        assert self.body.height is not None
        height: Floats = self.positions[:, self.body.height]
        return height - self.ground() if self.uneven else height

    def ground(self) -> Floats:
        """Returns the height of the ground below the root, [N], m."""
        across = self.positions[:, :2].copy()
        if self.body.coordinates == 1:
            across[:, 1] = 0.0
        return (np.tan(np.radians(self._slope)) * across).sum(axis=1)

    def lifts(self, ids: NDArray[np.int64]) -> Floats:
        """Returns how much higher these simulations start, to stand clear of a slope, [n], m."""
        return self.body.reach * np.abs(np.tan(np.radians(self._slope[ids]))).sum(axis=1)

    def _fields(self, content: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, Any]]:
        for key, value in content.items():
            if key == "slope":
                yield from self._tilted(value)
                continue
            for field, change in CHANGES.get(key, ()):
                factor = self._by_body(value) if key == "mass" else value
                values = change(self._default(field), factor)
                if field in self._expanded or (values != self._default(field)).any():
                    self._expanded.add(field)
                    yield field, values

    def _by_body(self, parts: Floats) -> Floats:
        """Returns factors of parts, [n, parts], as factors of the model's bodies, [n, nbody]."""
        factor = parts[:, self._part_of_body]
        factor[:, 0] = 1.0  # the world
        return factor

    def _tilted(self, slope: Floats) -> Iterator[tuple[str, Any]]:
        self._slope[: len(slope)] = slope
        self.uneven = bool(self._slope.any())
        if "geom_quat" in self._expanded or slope.any():
            self._expanded.add("geom_quat")
            values = np.repeat(self.model.geom_quat[None], len(slope), axis=0)
            values[:, self.model.geom("floor").id] = _tilts(slope)
            yield "geom_quat", values

    def _unperturbed(self, forces: Forces) -> mujoco.MjModel:
        return model_of(self.body, feels=forces == "sensed")

    def _default(self, field: str) -> Any:
        if field.startswith("opt."):
            return getattr(self.model.opt, field[4:])
        return getattr(self.model, field)

    def _mass_center(self) -> Floats:
        expanded = self.batch.expanded("body_mass")
        if expanded is None:
            mass = np.broadcast_to(self.model.body_mass, (self.num_sims, self.model.nbody))
        else:
            mass = expanded
        centers = self.bound("xipos")
        total = mass[:, 0, None] * centers[:, 0]
        for k in range(1, mass.shape[1]):
            total = total + mass[:, k, None] * centers[:, k]
        return total / np.ascontiguousarray(mass).sum(axis=1)[:, None]

    def _read_contact_forces(self, ids: NDArray[np.int64]) -> None:
        """Computes the forces that contacts put on the bodies, which a step leaves undone.

        Source: gymnasium does the same after every step (`mj_rnePostConstraint`); a sensor in the
        model has them of another moment of a Runge–Kutta step.
        """
        scratch = self._scratch
        assert scratch is not None
        touching = self.bound("ncon")[ids].reshape(-1) > 0
        self.contact_forces[ids[~touching]] = 0.0
        for sim in ids[touching].tolist():
            self.batch.get_data(sim, scratch)
            mujoco.mj_rnePostConstraint(self.model, scratch)
            self.contact_forces[sim] = scratch.cfrc_ext


def _part_of_body(body: Body, model: mujoco.MjModel) -> NDArray[np.int64]:
    """Returns the index of the part that each body of the model belongs to, [nbody]."""
    part_of_body = np.zeros(model.nbody, dtype=np.int64)
    for index, members in enumerate(body.parts.values()):
        for member in members:
            part_of_body[model.body(member).id] = index
    return part_of_body


def _is_hinge(model: mujoco.MjModel) -> NDArray[np.bool_]:
    """Returns which positions are angles of hinges, [nq]."""
    is_hinge = np.zeros(model.nq, dtype=bool)
    is_hinge[model.jnt_qposadr] = model.jnt_type == int(mujoco.mjtJoint.mjJNT_HINGE)
    return is_hinge


def _tilts(slope: Floats) -> Floats:
    """Returns the quaternions, [n, 4], that turn level ground to slopes in degrees, [n, 2]."""
    rise = np.tan(np.radians(slope))
    normal = np.column_stack([-rise, np.ones(len(rise))])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    # The shortest turn from (0, 0, 1) to n is about (−n_y, n_x, 0), by the angle between them.
    quaternion = np.column_stack(
        [1.0 + normal[:, 2], -normal[:, 1], normal[:, 0], np.zeros(len(rise))]
    )
    return quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)
