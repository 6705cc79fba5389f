"""The parameters of a family, and what the physics sees of them: a task's content.

The space is what people and searches move in: gravity and its tilt, mass of the whole and of each
part, strength of each actuator. The content is what is left when it reaches the engine: a vector
of gravity, one factor of mass a part, dead actuators and the step at which they die. Parameters
that come to the same physics give the same content, and so the same task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.mujoco.bodies import Body
from taskgen.generators.mujoco.rules import Rules
from taskgen.generators.mujoco.terrain import KINDS, MAX_HEIGHT
from taskgen.parameter_space import Columns, ParameterSpace
from taskgen.parameters import Categorical, Float, Int, Parameter

MAX_DELAY = 4
_DIGITS = 9
"""Digits after the point that a content keeps: below what the engine could show."""
_NO_FAULT = "none"


def space_of(body: Body, rules: Rules) -> ParameterSpace:
    """Returns the space of a body under rules: goal, weight, ground, parts, air, senses, faults."""
    return ParameterSpace(
        {
            **_goal(rules),
            **_weight(body, rules),
            **(_structure(body, rules) if rules.ground != "floor" else {}),
            **_parts(body),
            **_medium(body),
            **_senses(),
            **_fault(body, rules),
        }
    )


def content_of(
    body: Body, rules: Rules, columns: Columns, seeds: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Returns the contents of B rows of parameters and B seeds, a key an array [B, …].

    The seeds decide rough ground and the blocks of a pier, and nothing else.
    """
    num = len(seeds)
    content: dict[str, NDArray[Any]] = {
        "mass": _each(columns, "mass_", body.parts) * columns["mass"][:, None],
        "friction": columns["friction"] if "friction" in columns else np.ones(num),
        "damping": columns["damping"],
        "armature": columns["armature"],
        "strength": _each(columns, "strength_", body.actuators),
        "density": columns["density"],
        "viscosity": columns["viscosity"],
        "wind": _vector(columns, "wind", num, 3),
        "observation_noise": columns["observation_noise"],
        **_weight_content(body, rules, columns, num),
        **_goal_content(body, rules, columns),
    }
    # Without a medium the wind blows nothing along, so it is no part of the task.
    still = (content["density"] == 0) & (content["viscosity"] == 0)
    content["wind"][still] = 0.0
    # Adding zero turns −0.0 into 0.0, which is the same physics but another text.
    rounded = {key: np.round(value.astype(float), _DIGITS) + 0.0 for key, value in content.items()}
    rest = _structure_content(body, rules, columns, seeds)
    delay = {"action_delay": columns["action_delay"]}
    return {**rounded, **delay, **_fault_content(body, columns), **rest}


def default_content(body: Body, rules: Rules) -> dict[str, NDArray[Any]]:
    """Returns the content of the default task, a key an array [1, …]."""
    space = space_of(body, rules)
    return content_of(body, rules, space.columns([space.complete({})]), np.zeros(1, dtype=np.int64))


def _goal(rules: Rules) -> dict[str, Parameter]:
    if rules.goal == "velocity":
        text = "speed along x that is asked for"
        # The field asks for 0–2, 0–3 or 0–7 m/s; the bound is for what grows without a target.
        speed = Float(
            low=0.0,
            high=10.0,
            default=1.0,
            unit="m/s",
            min_width=0.15,
            open_ended=True,
            doc=text,
        )
        return {"velocity": speed}
    if rules.goal == "opposite":
        ways = ("forward", "backward")
        return {"direction": Categorical(choices=ways, default="forward", doc="way along x")}
    if rules.goal == "angle":
        text = "heading, counter-clockwise from x"
        return {"heading": Float(low=0.0, high=360.0, default=0.0, unit="deg", doc=text)}
    if rules.goal == "disc":
        text = f"share of the disc of {rules.radius:g} m that is nearer than the goal"
        return {
            "goal_area": Float(low=0.0, high=1.0, default=0.25, doc=text),
            "goal_angle": Float(low=0.0, high=360.0, default=0.0, unit="deg", doc="its bearing"),
        }
    return {}


def _weight(body: Body, rules: Rules) -> dict[str, Parameter]:
    gravity: dict[str, Parameter] = {}
    if not body.horizontal:
        gravity["gravity"] = Float(
            low=3.0, high=20.0, default=9.81, log=True, unit="m/s²", open_ended=True
        )
    for axis in body.axes:
        text = f"gravity's lean towards {axis}"
        gravity[f"gravity_tilt_{axis}"] = _degrees(15.0, text)
    if body.height is not None:
        text = "share of weight that the surroundings carry"
        gravity["buoyancy"] = Float(low=-0.3, high=0.8, default=0.0, doc=text)
        for axis in body.axes if rules.ground == "floor" else ():
            gravity[f"slope_{axis}"] = _degrees(15.0, f"rise of the floor along {axis}")
    return gravity


def _parts(body: Body) -> dict[str, Parameter]:
    parts: dict[str, Parameter] = {
        "mass": _factor(0.2, 2.0, "mass and inertia of the whole", open_ended=True)
    }
    for part in body.parts if len(body.parts) > 1 else ():
        parts[f"mass_{part}"] = _factor(0.5, 2.0, f"mass and inertia of {part}")
    if body.height is not None:
        parts["friction"] = _factor(0.3, 2.0, "friction of every surface", open_ended=True)
    parts["damping"] = _factor(0.2, 3.0, "damping of every joint")
    parts["armature"] = _factor(0.3, 3.0, "inertia of every motor")
    for name in body.actuators:
        text = f"strength of {name}; 0: it does nothing"
        parts[f"strength_{name}"] = Float(low=0.0, high=1.5, default=1.0, doc=text)
    return parts


def _structure(body: Body, rules: Rules) -> dict[str, Parameter]:
    ground = _terrain() if rules.ground == "field" else _pier()
    for part in body.lengths:
        ground[f"length_{part}"] = _factor(0.7, 1.3, f"length of {part}")
    return ground


def _terrain() -> dict[str, Parameter]:
    uneven = {"terrain": KINDS[1:]}
    return {
        "terrain": Categorical(choices=KINDS, default=KINDS[0], doc="what the ground is like"),
        "terrain_height": Float(
            low=0.02,
            high=MAX_HEIGHT,
            default=0.1,
            log=True,
            unit="m",
            open_ended=True,
            active_when=uneven,
            doc="of its highest point",
        ),
        "terrain_length": Float(
            low=0.4,
            high=3.0,
            default=1.5,
            log=True,
            unit="m",
            active_when=uneven,
            doc="of a hill, a step, a platform with its gap",
        ),
    }


def _pier() -> dict[str, Parameter]:
    return {
        "pier_sinking": Float(
            low=0.01,
            high=0.4,
            default=0.1,
            log=True,
            unit="m",
            open_ended=True,
            doc="of a block under the default body's weight",
        ),
        "pier_damping": Float(
            low=0.02,
            high=1.0,
            default=0.1,
            log=True,
            doc="mean of the blocks' damping, as a share of what is critical",
        ),
        "pier_length": Float(
            low=0.6, high=4.0, default=1.5, log=True, unit="m", doc="of a block with its gap"
        ),
    }


def _structure_content(
    body: Body, rules: Rules, columns: Columns, seeds: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    if rules.ground == "floor":
        return {}
    seeds = np.asarray(seeds) % 2**31
    ground = (
        _terrain_content(columns, seeds)
        if rules.ground == "field"
        else {**{name: columns[name].round(_DIGITS) for name in _pier()}, "pier_seed": seeds}
    )
    return {**ground, "lengths": _each(columns, "length_", body.lengths).round(_DIGITS)}


def _terrain_content(columns: Columns, seeds: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    terrain = np.asarray(columns["terrain"])
    uneven, rough = terrain != KINDS[0], terrain == "rough"
    return {
        "terrain": terrain,
        "terrain_height": np.where(uneven, columns["terrain_height"], 0.0).round(_DIGITS),
        "terrain_length": np.where(uneven, columns["terrain_length"], 1.0).round(_DIGITS),
        "terrain_seed": np.where(rough, seeds, 0),
    }


def _medium(body: Body) -> dict[str, Parameter]:
    density, viscosity = body.thickest_air
    medium: dict[str, Parameter] = {
        "density": Float(low=0.0, high=density, default=0.0, unit="kg/m³", doc="of the air: drag"),
        "viscosity": Float(low=0.0, high=viscosity, default=0.0, unit="Pa·s", doc="of the air"),
    }
    for axis in body.axes:
        medium[f"wind_{axis}"] = Float(
            low=-20.0,
            high=20.0,
            default=0.0,
            unit="m/s",
            active_when={"density": (0.5, density)},
            doc=f"along {axis}; there is none without air",
        )
    return medium


def _senses() -> dict[str, Parameter]:
    return {
        "action_delay": Int(
            low=0, high=MAX_DELAY, default=0, unit="env steps", doc="before an action acts"
        ),
        "observation_noise": Float(
            low=0.0, high=0.2, default=0.0, doc="standard deviation, on every number seen"
        ),
    }


def _fault(body: Body, rules: Rules) -> dict[str, Parameter]:
    choices = (_NO_FAULT, *body.limbs)
    return {
        "fault": Categorical(choices=choices, default=_NO_FAULT, doc="what stops working"),
        "fault_step": Int(
            low=0,
            high=2 * rules.horizon,
            default=0,
            unit="env steps",
            active_when={"fault": tuple(body.limbs)},
            doc="of the lifetime, at which it stops; 0: crippled from the start",
        ),
    }


def _degrees(most: float, doc: str) -> Float:
    return Float(low=-most, high=most, default=0.0, unit="deg", doc=doc)


def _factor(low: float, high: float, doc: str, *, open_ended: bool = False) -> Float:
    return Float(low=low, high=high, default=1.0, log=True, open_ended=open_ended, doc=doc)


def _each(columns: Columns, prefix: str, names: Any) -> NDArray[np.float64]:
    num = len(columns["mass"])
    return np.column_stack([columns.get(prefix + name, np.ones(num)) for name in names])


def _vector(columns: Columns, name: str, num: int, size: int) -> NDArray[np.float64]:
    """Returns the parameters `name_x` and `name_y` as vectors, [num, size], the rest 0."""
    vector = np.zeros((num, size))
    for k, axis in enumerate("xy"):
        if f"{name}_{axis}" in columns:
            vector[:, k] = columns[f"{name}_{axis}"]
    return vector


def _weight_content(
    body: Body, rules: Rules, columns: Columns, num: int
) -> dict[str, NDArray[Any]]:
    lean = np.tan(np.radians(_vector(columns, "gravity_tilt", num, 2)))
    direction = np.column_stack([lean, -np.ones(num)])
    direction /= np.sqrt(np.square(direction).sum(axis=1, keepdims=True))
    strength = columns["gravity"] if "gravity" in columns else np.full(num, 9.81)
    content = {"gravity": direction * strength[:, None]}
    if body.height is not None:
        content["buoyancy"] = columns["buoyancy"]
        if rules.ground == "floor":
            content["slope"] = _vector(columns, "slope", num, 2)
    return content


def _goal_content(body: Body, rules: Rules, columns: Columns) -> Mapping[str, NDArray[Any]]:
    if rules.goal == "none":
        return {}
    if rules.goal == "velocity":
        return {"goal": columns["velocity"][:, None]}
    if rules.goal == "opposite":
        ahead = np.where(columns["direction"] == "forward", 1.0, -1.0)
        return {"goal": np.column_stack([ahead, np.zeros(len(ahead))])[:, : body.coordinates]}
    angle = np.radians(columns["heading" if rules.goal == "angle" else "goal_angle"])
    away = np.full(len(angle), 1.0 if rules.goal == "angle" else rules.radius)
    if rules.goal == "disc":  # the root makes goals as likely here as there, per square metre
        away = away * np.sqrt(columns["goal_area"])
    return {"goal": away[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])}


def _fault_content(body: Body, columns: Columns) -> dict[str, NDArray[Any]]:
    dead = np.zeros((len(columns["fault"]), len(body.actuators)), dtype=np.int64)
    for name, members in body.limbs.items():
        struck = columns["fault"] == name
        for member in members:
            dead[struck, body.actuators.index(member)] = 1
    return {"fault": dead, "fault_step": np.where(dead.any(axis=1), columns["fault_step"], 0)}
