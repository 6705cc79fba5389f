"""Models as the engine wants them: compiled once a process, without textures.

A model of gymnasium's carries half a megabyte of textures that nobody looks at while it is
stepped. Taking them out changes no number of the physics.
"""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import gymnasium
import mujoco
import numpy as np

from taskgen.generators.mujoco.bodies import Body

ASSETS = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"
NO_ISLANDS = int(mujoco.mjtDisableBit.mjDSBL_ISLAND)
_FEELER = "feeler"


def spec_of(body: Body) -> mujoco.MjSpec:
    """Returns the editable model of a body, its textures and materials taken out.

    A body is one tree, so all that constrains it is one island: to look for more changes no bit of
    the motion and takes a body's time (6 % of a half-cheetah's, 8 % of an ant's).
    """
    if body.model.endswith(".xml"):
        spec = mujoco.MjSpec.from_file(str(ASSETS / body.model))
    else:
        spec = mujoco.MjSpec.from_string(body.model)
    for geom in spec.geoms:
        geom.material = ""
    for part in [*spec.materials, *spec.textures]:
        spec.delete(part)
    spec.option.disableflags |= NO_ISLANDS
    return spec


def compiled(spec: mujoco.MjSpec, body: Body) -> mujoco.MjModel:
    """Returns the model of a spec, its masses scaled to the sum that the body asks for."""
    # What the file says about the sum is deprecated and prints a warning; the call is the same.
    spec.compiler.settotalmass = -1
    model = spec.compile()
    if body.total_mass is not None:
        mujoco.mj_setTotalmass(model, body.total_mass)
        mujoco.mj_setConst(model, mujoco.MjData(model))
    return model


@functools.cache
def model_of(body: Body, feels: bool = False) -> mujoco.MjModel:
    """Returns the unperturbed model of a body; shared, and not to be written to.

    Args:
        body: the row.
        feels: whether every physics step computes the forces on the bodies, which MuJoCo does only
            for a sensor; the motion is the same bit for bit.
    """
    spec = spec_of(body)
    pair_up(spec)
    if feels:
        add_feeler(spec)
    return compiled(spec, body)


def pair_up(spec: mujoco.MjSpec) -> None:
    """Names what may touch what, where that is the body and the ground alone.

    Otherwise the engine sorts all geoms in each of its evaluations to find that out. Contacts,
    their order and every bit of the motion are the same, in 12 % (half-cheetah) to 14 % (ant)
    less time. What gives way in another way, or can touch itself (hopper, humanoid), is left
    as it is.
    """
    ground = list(spec.worldbody.geoms)
    own = [geom for geom in spec.geoms if geom.parent.name != spec.worldbody.name]
    pairs = list(itertools.product(ground, own))
    if any(_may_touch(*two) for two in itertools.combinations_with_replacement(own, 2)):
        return
    if not ground or not all(_may_touch(*two) and _are_alike(*two) for two in pairs):
        return
    for index, geom in enumerate([*ground, *own]):
        geom.name = geom.name or f"geom_{index}"
    for two in pairs:
        _add_pair(spec, *two)
    for geom in [*ground, *own]:
        geom.contype = geom.conaffinity = 0


def _add_pair(spec: mujoco.MjSpec, one: mujoco.MjsGeom, other: mujoco.MjsGeom) -> None:
    """Adds a pair that touches as the engine would have it, of two geoms of equal priority."""
    slide, spin, roll = np.maximum(one.friction, other.friction)
    spec.add_pair(
        geomname1=one.name,
        geomname2=other.name,
        condim=max(one.condim, other.condim),
        friction=[slide, slide, spin, roll, roll],
        margin=one.margin + other.margin,
        gap=one.gap + other.gap,
        solref=one.solref,
        solimp=one.solimp,
    )


def _may_touch(one: mujoco.MjsGeom, other: mujoco.MjsGeom) -> bool:
    return bool(one.contype & other.conaffinity or other.contype & one.conaffinity)


def _are_alike(one: mujoco.MjsGeom, other: mujoco.MjsGeom) -> bool:
    """Whether two geoms weigh the same in what they make of a contact, and give way alike."""
    return (
        (one.priority, one.solmix) == (other.priority, other.solmix)
        and np.array_equal(one.solref, other.solref)
        and np.array_equal(one.solimp, other.solimp)
    )


def add_feeler(spec: mujoco.MjSpec) -> None:
    """Adds a sensor for whose sake the forces on the bodies are computed; nobody reads it."""
    spec.worldbody.first_body().add_site(name=_FEELER)
    spec.add_sensor(
        name=_FEELER,
        type=mujoco.mjtSensor.mjSENS_ACCELEROMETER,
        objtype=mujoco.mjtObj.mjOBJ_SITE,
        objname=_FEELER,
    )
