"""The families by name: a body, rules, and what people know them as.

A name stands for one reward, one horizon and one kind of goal, for good; another formula is
another name, so that no result can mix two.
"""

from __future__ import annotations

from dataclasses import replace

from taskgen.generators.mujoco.bodies import ANT, HALF_CHEETAH, HOPPER, HUMANOID, WALKER, Body
from taskgen.generators.mujoco.generator import MuJoCoFamily
from taskgen.generators.mujoco.light import CART_POLE, PENDULUM, POINT_MASS, REACHER
from taskgen.generators.mujoco.rules import Rules
from taskgen.generators.mujoco.space import space_of


def family(class_name: str, name: str, body: Body, rules: Rules, doc: str) -> type[MuJoCoFamily]:
    """Returns the generator class of a row; it is to be kept under `class_name` in this module."""
    members = {
        "__doc__": doc,
        "__module__": __name__,
        "__qualname__": class_name,
        "name": name,
        "body": body,
        "rules": rules,
        "space": space_of(body, rules),
        "check_ranges": {"heading": (0.0, 180.0), "goal_angle": (0.0, 180.0)},  # 360 is 0 again
    }
    return type(class_name, (MuJoCoFamily,), members)


HalfCheetah = family(
    "HalfCheetah",
    "half-cheetah-v1",
    HALF_CHEETAH,
    Rules(goal="none", progress="velocity_along", horizon=1000, control_coef=0.1),
    "Half-cheetahs that run ahead, as in gymnasium's HalfCheetah-v5: v − 0.1·Σa², 1000 steps.",
)
Hopper = family(
    "Hopper",
    "hopper-v1",
    HOPPER,
    Rules(
        goal="none",
        progress="velocity_along",
        horizon=1000,
        control_coef=1e-3,
        healthy_reward=1.0,
    ),
    "Hoppers that hop ahead, as in gymnasium's Hopper-v5: v + 1 − 0.001·Σa², 1000 steps.",
)
Walker = family(
    "Walker",
    "walker2d-v1",
    WALKER,
    Rules(
        goal="none",
        progress="velocity_along",
        horizon=1000,
        control_coef=1e-3,
        healthy_reward=1.0,
    ),
    "Walkers that walk ahead, as in gymnasium's Walker2d-v5: v + 1 − 0.001·Σa², 1000 steps.",
)
Ant = family(
    "Ant",
    "ant-v1",
    ANT,
    Rules(
        goal="none",
        progress="velocity_along",
        horizon=1000,
        control_coef=0.5,
        contact_coef=5e-4,
        contact_limit=1.0,
        exact_forces=True,
        healthy_reward=1.0,
    ),
    "Ants that run ahead, as in gymnasium's Ant-v5: v + 1 − 0.5·Σa² − 0.0005·Σf², 1000 steps.",
)
Humanoid = family(
    "Humanoid",
    "humanoid-v1",
    HUMANOID,
    Rules(
        goal="none",
        progress="velocity_along",
        horizon=1000,
        progress_coef=1.25,
        control_coef=0.1,
        double_costs=True,
        contact_coef=5e-7,
        contact_cap=10.0,
        exact_forces=True,
        healthy_reward=5.0,
    ),
    "Humanoids that run ahead, as in gymnasium's Humanoid-v5: 1.25·v + 5 − costs, 1000 steps.",
)
HalfCheetahVelocity = family(
    "HalfCheetahVelocity",
    "half-cheetah-velocity-v1",
    HALF_CHEETAH,
    Rules(goal="velocity", progress="velocity_error", horizon=200, control_coef=0.05),
    "Half-cheetahs that must find out how fast to run: −|v − v*| − 0.05·Σa², 200 steps.",
)
HalfCheetahDirection = family(
    "HalfCheetahDirection",
    "half-cheetah-direction-v1",
    HALF_CHEETAH,
    Rules(goal="opposite", progress="velocity_along", horizon=200, control_coef=0.05),
    "Half-cheetahs that must find out which way to run: ±v − 0.05·Σa², 200 steps.",
)
HalfCheetahDynamics = family(
    "HalfCheetahDynamics",
    "half-cheetah-dynamics-v1",
    HALF_CHEETAH,
    Rules(goal="none", progress="velocity_along", horizon=200, control_coef=0.05),
    "Half-cheetahs that run ahead whatever their physics: v − 0.05·Σa², 200 steps.",
)
AntDirection = family(
    "AntDirection",
    "ant-direction-v1",
    ANT,
    Rules(
        goal="angle",
        progress="velocity_along",
        control_coef=0.5,
        bonus=1.0,
        observed=("positions_without_root", "velocities"),
        horizon=200,
        contact_coef=5e-4,
        contact_limit=1.0,
    ),
    "Ants that must find out their heading, any of them: v·u + 1 − 0.5·Σa² − 0.0005·Σf².",
)
AntOpposite = family(
    "AntOpposite",
    "ant-opposite-v1",
    ANT,
    Rules(
        goal="opposite",
        progress="velocity_along",
        control_coef=0.5,
        bonus=1.0,
        observed=("positions_without_root", "velocities"),
        horizon=200,
        contact_coef=5e-4,
        contact_limit=1.0,
    ),
    "Ants that must find out which of two opposite ways to run: ±v + 1 − 0.5·Σa² − 0.0005·Σf².",
)
AntOppositeMAML = family(
    "AntOppositeMAML",
    "ant-opposite-maml-v1",
    ANT,
    replace(AntOpposite.rules, control_coef=0.005, bonus=0.05),
    "Ants that run forward or back, rewarded as in MAML: ±v + 0.05 − 0.005·Σa² − 0.0005·Σf².",
)
AntPosition = family(
    "AntPosition",
    "ant-position-v1",
    ANT,
    Rules(
        goal="disc",
        progress="distance_l1",
        control_coef=0.1,
        ends_when_fallen=False,
        radius=3.0,
        observed=("positions", "velocities"),
        horizon=200,
        contact_coef=5e-4,
        contact_limit=1.0,
    ),
    "Ants that must find a place within 3 m: −|Δx| − |Δy| − 0.1·Σa² − 0.0005·Σf², 200 steps.",
)
WalkerDynamics = family(
    "WalkerDynamics",
    "walker2d-dynamics-v1",
    WALKER,
    Rules(
        goal="none",
        progress="velocity_along",
        horizon=200,
        control_coef=1e-3,
        bonus=1.0,
    ),
    "Walkers that walk ahead whatever their physics: v + 1 − 0.001·Σa², 200 steps.",
)
HopperDynamics = family(
    "HopperDynamics",
    "hopper-dynamics-v1",
    HOPPER,
    Rules(
        goal="none",
        progress="velocity_along",
        horizon=200,
        control_coef=1e-3,
        bonus=1.0,
    ),
    "Hoppers that hop ahead whatever their physics: v + 1 − 0.001·Σa², 200 steps.",
)
HumanoidDirection = family(
    "HumanoidDirection",
    "humanoid-direction-v1",
    HUMANOID,
    Rules(
        goal="angle",
        progress="velocity_along",
        horizon=200,
        progress_coef=1.25,
        control_coef=0.1,
        contact_coef=5e-7,
        contact_cap=10.0,
        bonus=5.0,
    ),
    "Humanoids that must find out their heading, any of them: 1.25·v·u + 5 − costs, 200 steps.",
)
PendulumSwingUp = family(
    "PendulumSwingUp",
    "pendulum-swing-up-v1",
    PENDULUM,
    Rules(goal="none", progress="hanging_off", horizon=200, control_coef=0.004),
    "Pendulums to swing up, too weak to lift at once: −(θ² + 0.1·θ̇² + 0.004·a²), 200 steps.",
)
CartPoleSwingUp = family(
    "CartPoleSwingUp",
    "cart-pole-swing-up-v1",
    CART_POLE,
    Rules(goal="none", progress="upright_in_the_middle", horizon=200, control_coef=0.01),
    "Poles to swing up on a cart: ½(1 + cos θ)/(1 + x²) − 0.01·a², 200 steps.",
)
ReacherPosition = family(
    "ReacherPosition",
    "reacher-position-v1",
    REACHER,
    Rules(goal="disc", progress="distance", horizon=50, control_coef=0.01, radius=0.2),
    "Arms of two links that must find a place within reach: −distance − 0.01·Σa², 50 steps.",
)
PointMassPosition = family(
    "PointMassPosition",
    "point-mass-position-v1",
    POINT_MASS,
    Rules(goal="disc", progress="distance", horizon=50, radius=1.0),
    "Point masses that must find a place within 1 m: −distance, 50 steps.",
)
HalfCheetahTerrain = family(
    "HalfCheetahTerrain",
    "half-cheetah-terrain-v1",
    HALF_CHEETAH,
    Rules(
        goal="velocity",
        progress="velocity_error",
        horizon=200,
        control_coef=0.05,
        ground="field",
    ),
    "Half-cheetahs of any build on any ground, at a speed to be found: −|v − v*| − 0.05·Σa².",
)
AntTerrain = family(
    "AntTerrain",
    "ant-terrain-v1",
    ANT,
    Rules(
        goal="none",
        progress="velocity_along",
        horizon=200,
        control_coef=0.5,
        contact_coef=5e-4,
        contact_limit=1.0,
        bonus=1.0,
        observed=("positions_without_root", "velocities"),
        ground="field",
    ),
    "Ants of any build that run ahead on any ground: v + 1 − 0.5·Σa² − 0.0005·Σf², 200 steps.",
)
HalfCheetahPier = family(
    "HalfCheetahPier",
    "half-cheetah-pier-v1",
    HALF_CHEETAH,
    Rules(goal="none", progress="velocity_along", horizon=200, control_coef=0.05, ground="pier"),
    "Half-cheetahs of any build that run ahead on floating blocks: v − 0.05·Σa², 200 steps.",
)
AntPier = family(
    "AntPier",
    "ant-pier-v1",
    ANT,
    Rules(
        goal="none",
        progress="velocity_along",
        horizon=200,
        control_coef=0.5,
        contact_coef=5e-4,
        contact_limit=1.0,
        bonus=1.0,
        observed=("positions_without_root", "velocities"),
        ground="pier",
    ),
    "Ants of any build that run ahead on floating blocks: v + 1 − 0.5·Σa² − 0.0005·Σf².",
)

FAMILIES: dict[str, type[MuJoCoFamily]] = {
    kind.name: kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, MuJoCoFamily) and kind is not MuJoCoFamily
}
