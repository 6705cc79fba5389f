"""Bodies whose physics and goals are generated: the MuJoCo families.

`families` has the registered generators, one row each: a body (`bodies`) under rules (`rules`).
`space` turns parameters into what the physics sees, which is a task's content; `simulation` gives
it to the engine, N simulations at once (`structure` where limbs and `terrain` differ); `arena` adds
goals, rewards and episodes; `engine` and `env` show the arena as batched lifetimes and as a single
gymnasium environment.
"""

from taskgen.generators.mujoco.families import (
    FAMILIES,
    Ant,
    AntDirection,
    AntOpposite,
    AntOppositeMAML,
    AntPier,
    AntPosition,
    AntTerrain,
    CartPoleSwingUp,
    HalfCheetah,
    HalfCheetahDirection,
    HalfCheetahDynamics,
    HalfCheetahPier,
    HalfCheetahTerrain,
    HalfCheetahVelocity,
    Hopper,
    HopperDynamics,
    Humanoid,
    HumanoidDirection,
    PendulumSwingUp,
    PointMassPosition,
    ReacherPosition,
    Walker,
    WalkerDynamics,
    family,
)
from taskgen.generators.mujoco.generator import MuJoCoFamily

__all__ = [
    "FAMILIES",
    "Ant",
    "AntDirection",
    "AntOpposite",
    "AntOppositeMAML",
    "AntPier",
    "AntPosition",
    "AntTerrain",
    "CartPoleSwingUp",
    "HalfCheetah",
    "HalfCheetahDirection",
    "HalfCheetahDynamics",
    "HalfCheetahPier",
    "HalfCheetahTerrain",
    "HalfCheetahVelocity",
    "Hopper",
    "HopperDynamics",
    "Humanoid",
    "HumanoidDirection",
    "MuJoCoFamily",
    "PendulumSwingUp",
    "PointMassPosition",
    "ReacherPosition",
    "Walker",
    "WalkerDynamics",
    "family",
]
