"""Bodies as rows of data: a model, what is seen of it, when it has fallen, and how it starts.

These are gymnasium's own models with the settings of its v5 environments; `light` has bodies of
our own that learn in minutes. Nothing here imports
MuJoCo: a row can be read, listed and checked without the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Observed = Literal[
    "positions",
    "positions_without_root",
    "velocities",
    "clipped_velocities",
    "angles_as_vectors",
    "slides",
    "inertias",
    "body_velocities",
    "actuator_forces",
    "clipped_contact_forces",
    "contact_forces",
    "tracked",
]


@dataclass(frozen=True)
class Health:
    """When a body has fallen.

    Args:
        low: least height of the root above the ground, m.
        high: largest height, m.
        inclusive: whether the ends count as healthy.
        angle: largest pitch of the root, rad; None: any.
        state: largest absolute value of the other coordinates and velocities; None: any.
    """

    low: float
    high: float
    inclusive: bool = False
    angle: float | None = None
    state: float | None = None


@dataclass(frozen=True, eq=False)  # a row is itself; its dicts cannot be hashed
class Body:
    """One body.

    Args:
        name: of the row.
        model: a file of gymnasium's assets ("ant.xml"), or the text of a model.
        frame_skip: physics steps of one env step.
        actuators: the joints that are driven, in the order of the action.
        parts: name → bodies of the model (names or ids) whose mass varies together.
        limbs: name → actuators that a fault silences together.
        tracked: the point whose way is rewarded: "root" (the first coordinates), "body:NAME",
            "mass_center" or "site:NAME".
        coordinates: how many of the tracked point's coordinates count: 1 in the plane of a
            two-dimensional body, else 2.
        axes: along which wind blows, gravity leans and floors rise.
        height: index of the root's height among the positions; None: the body has none.
        observed: what is seen, in this order.
        start: what is added to the model's own first positions.
        position_noise: half-width of the uniform noise on the first positions.
        velocity_noise: scale of the noise on the first velocities.
        normal_velocities: whether that noise is normal (else uniform).
        health: when it has fallen; None: it cannot fall.
        reach: half the length that must stay clear of a slope at the start, m.
        horizontal: whether all motion is level, so that weight plays no part.
        total_mass: kg, where the model asks for its masses to be scaled to a sum.
        thickest_air: largest density, kg/m³, and viscosity, Pa·s, that it moves through; more would
            stop a light body within one physics step, which no explicit integrator survives.
        lengths: name → bodies of the model whose length varies together.
        camera: distance and height of the camera, m.
    """

    name: str
    model: str
    frame_skip: int
    actuators: tuple[str, ...]
    parts: Mapping[str, tuple[str | int, ...]]
    limbs: Mapping[str, tuple[str, ...]]
    tracked: str
    coordinates: int
    observed: tuple[Observed, ...]
    axes: tuple[str, ...] = ("x", "y")
    height: int | None = None
    start: tuple[float, ...] = ()
    position_noise: float = 0.0
    velocity_noise: float = 0.0
    normal_velocities: bool = False
    health: Health | None = None
    reach: float = 0.0
    horizontal: bool = False
    total_mass: float | None = None
    thickest_air: tuple[float, float] = (10.0, 2.0)
    lengths: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    camera: tuple[float, float] = (4.0, 0.5)


def _each(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: (name,) for name in names}


_CHEETAH = ("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot")

HALF_CHEETAH = Body(
    name="half-cheetah",
    model="half_cheetah.xml",
    frame_skip=5,
    actuators=_CHEETAH,
    parts=_each("torso", *_CHEETAH),
    limbs=_each(*_CHEETAH),
    tracked="root",
    coordinates=1,
    axes=("x",),
    height=1,
    observed=("positions_without_root", "velocities"),
    position_noise=0.1,
    velocity_noise=0.1,
    normal_velocities=True,
    reach=0.75,
    total_mass=14.0,
    lengths=_each(*_CHEETAH),
)
HOPPER = Body(
    name="hopper",
    model="hopper.xml",
    frame_skip=4,
    actuators=("thigh_joint", "leg_joint", "foot_joint"),
    parts=_each("torso", "thigh", "leg", "foot"),
    limbs=_each("thigh_joint", "leg_joint", "foot_joint"),
    tracked="root",
    coordinates=1,
    axes=("x",),
    height=1,
    observed=("positions_without_root", "clipped_velocities"),
    position_noise=5e-3,
    velocity_noise=5e-3,
    health=Health(0.7, float("inf"), angle=0.2, state=100.0),
    reach=0.3,
)
WALKER = Body(
    name="walker2d",
    model="walker2d_v5.xml",
    frame_skip=4,
    actuators=(
        "thigh_joint",
        "leg_joint",
        "foot_joint",
        "thigh_left_joint",
        "leg_left_joint",
        "foot_left_joint",
    ),
    parts=_each("torso", "thigh", "leg", "foot", "thigh_left", "leg_left", "foot_left"),
    limbs={
        "right_leg": ("thigh_joint", "leg_joint", "foot_joint"),
        "left_leg": ("thigh_left_joint", "leg_left_joint", "foot_left_joint"),
    },
    tracked="root",
    coordinates=1,
    axes=("x",),
    height=1,
    observed=("positions_without_root", "clipped_velocities"),
    position_noise=5e-3,
    velocity_noise=5e-3,
    health=Health(0.8, 2.0, angle=1.0),
    reach=0.3,
)
ANT = Body(
    name="ant",
    model="ant.xml",
    frame_skip=5,
    actuators=(
        "hip_4",
        "ankle_4",
        "hip_1",
        "ankle_1",
        "hip_2",
        "ankle_2",
        "hip_3",
        "ankle_3",
    ),
    # The last link of a leg has no name in the model, so legs are given by the ids of their bodies.
    parts={
        "torso": (1,),
        "leg_1": (2, 3, 4),
        "leg_2": (5, 6, 7),
        "leg_3": (8, 9, 10),
        "leg_4": (11, 12, 13),
    },
    lengths={f"leg_{k}": (3 * k - 1, 3 * k, 3 * k + 1) for k in (1, 2, 3, 4)},
    limbs={f"leg_{k}": (f"hip_{k}", f"ankle_{k}") for k in (1, 2, 3, 4)},
    tracked="body:torso",
    coordinates=2,
    height=2,
    observed=("positions_without_root", "velocities", "clipped_contact_forces"),
    position_noise=0.1,
    velocity_noise=0.1,
    normal_velocities=True,
    health=Health(0.2, 1.0, inclusive=True),
    reach=0.7,
    camera=(5.0, 2.5),
    thickest_air=(5.0, 0.2),
)
_HUMANOID_PARTS = (
    "torso",
    "lwaist",
    "pelvis",
    "right_thigh",
    "right_shin",
    "right_foot",
    "left_thigh",
    "left_shin",
    "left_foot",
    "right_upper_arm",
    "right_lower_arm",
    "left_upper_arm",
    "left_lower_arm",
)
HUMANOID = Body(
    name="humanoid",
    model="humanoid.xml",
    frame_skip=5,
    actuators=(
        "abdomen_y",
        "abdomen_z",
        "abdomen_x",
        "right_hip_x",
        "right_hip_z",
        "right_hip_y",
        "right_knee",
        "left_hip_x",
        "left_hip_z",
        "left_hip_y",
        "left_knee",
        "right_shoulder1",
        "right_shoulder2",
        "right_elbow",
        "left_shoulder1",
        "left_shoulder2",
        "left_elbow",
    ),
    parts=_each(*_HUMANOID_PARTS),
    limbs={
        "right_leg": ("right_hip_x", "right_hip_z", "right_hip_y", "right_knee"),
        "left_leg": ("left_hip_x", "left_hip_z", "left_hip_y", "left_knee"),
        "right_arm": ("right_shoulder1", "right_shoulder2", "right_elbow"),
        "left_arm": ("left_shoulder1", "left_shoulder2", "left_elbow"),
    },
    tracked="mass_center",
    coordinates=2,
    height=2,
    observed=(
        "positions_without_root",
        "velocities",
        "inertias",
        "body_velocities",
        "actuator_forces",
        "contact_forces",
    ),
    position_noise=1e-2,
    velocity_noise=1e-2,
    health=Health(1.0, 2.0),
    reach=0.3,
)
