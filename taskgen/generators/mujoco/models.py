"""Models as the engine wants them: compiled once a process, without textures.

A model of gymnasium's carries half a megabyte of textures that nobody looks at while it is
stepped. Taking them out changes no number of the physics.
"""

from __future__ import annotations

import functools
from pathlib import Path

import gymnasium
import mujoco

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
    if feels:
        add_feeler(spec)
    return compiled(spec, body)


def add_feeler(spec: mujoco.MjSpec) -> None:
    """Adds a sensor for whose sake the forces on the bodies are computed; nobody reads it."""
    spec.worldbody.first_body().add_site(name=_FEELER)
    spec.add_sensor(
        name=_FEELER,
        type=mujoco.mjtSensor.mjSENS_ACCELEROMETER,
        objtype=mujoco.mjtObj.mjOBJ_SITE,
        objname=_FEELER,
    )
