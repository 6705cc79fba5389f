"""What a body is rewarded for: rows of data, and the pure functions that they name.

The reward of a step is

    r = c_p · progress + c_h · healthy − (c_a · Σ a² + c_f · Σ f²) + b,

a the action as it was given, f the contact forces (external, on all bodies). Progress is one of
the functions below, of where the tracked point was before and after the step and of the hidden
goal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.mujoco.bodies import Observed

Floats: TypeAlias = NDArray[np.float64]
Progress: TypeAlias = Callable[[Floats, Floats, float, Floats], Floats]
GroundKind: TypeAlias = Literal["floor", "field", "pier"]
GoalKind: TypeAlias = Literal["none", "velocity", "opposite", "angle", "disc"]


@dataclass(frozen=True)
class Rules:
    """How a family is played.

    Args:
        goal: what is hidden: "none", a "velocity", one of two "opposite" ways, an "angle", or a
            point of a "disc" (uniform over its area).
        progress: name of a function of `PROGRESS`.
        horizon: env steps of an episode.
        progress_coef: c_p.
        control_coef: c_a.
        double_costs: whether Σ a² is summed in double precision, whatever the action came in.
        contact_coef: c_f.
        contact_limit: largest absolute value that one component of f counts as; None: any.
        contact_cap: largest cost of all contacts together; None: any.
        exact_forces: whether f are the forces after the step, as gymnasium has them, or those
            of the last physics step, as the environments had them that the field's numbers are
            of; the latter is faster.
        healthy_reward: c_h, a step.
        bonus: b, a step, fallen or not.
        ends_when_fallen: whether an episode ends when the body is not healthy.
        radius: of the disc of goals, m.
        observed: what is seen, where it differs from the body's row.
        ground: a "floor", which may slope; a height "field" or a "pier" of floating blocks, with
            these two limbs of other lengths too.
    """

    goal: GoalKind
    progress: str
    horizon: int
    progress_coef: float = 1.0
    control_coef: float = 0.0
    double_costs: bool = False
    contact_coef: float = 0.0
    contact_limit: float | None = None
    contact_cap: float | None = None
    exact_forces: bool = False
    healthy_reward: float = 0.0
    bonus: float = 0.0
    ends_when_fallen: bool = True
    radius: float = 1.0
    observed: tuple[Observed, ...] | None = None
    ground: GroundKind = "floor"


def velocity_along(before: Floats, after: Floats, dt: float, goal: Floats) -> Floats:
    """Returns the speed along the goal's direction, [B], m/s."""
    speed = (after - before) / dt
    total = speed[:, 0] * goal[:, 0]
    for k in range(1, speed.shape[1]):  # one product after the other: the bits stay gymnasium's
        total = total + speed[:, k] * goal[:, k]
    return total


def velocity_error(before: Floats, after: Floats, dt: float, goal: Floats) -> Floats:
    """Returns −|v − v*| of the speed along x, [B], m/s."""
    return -np.abs((after[:, 0] - before[:, 0]) / dt - goal[:, 0])


def distance_l1(before: Floats, after: Floats, dt: float, goal: Floats) -> Floats:
    """Returns −(|Δx| + |Δy|) to the goal, [B], m."""
    del before, dt
    return -np.abs(after - goal).sum(axis=1)


def distance(before: Floats, after: Floats, dt: float, goal: Floats) -> Floats:
    """Returns −‖goal − point‖, [B], m."""
    del before, dt
    return -np.sqrt(np.square(after - goal).sum(axis=1))


def hanging_off(before: Floats, after: Floats, dt: float, goal: Floats) -> Floats:
    """Returns −(θ² + 0.1·θ̇²) of the angle θ from upright, within ±π, [B].

    Source: the reward of gymnasium's Pendulum-v1; there θ̇ is that at the step's start, here the
    mean over the step.
    """
    del goal
    angle = np.mod(after[:, 0] + np.pi, 2 * np.pi) - np.pi
    return -(np.square(angle) + 0.1 * np.square((after[:, 0] - before[:, 0]) / dt))


def upright_in_the_middle(before: Floats, after: Floats, dt: float, goal: Floats) -> Floats:
    """Returns ½(1 + cos θ) / (1 + x²) of a pole's angle from upright and its cart's place, [B]."""
    del before, dt, goal
    return 0.5 * (1.0 + np.cos(after[:, 1])) / (1.0 + np.square(after[:, 0]))


PROGRESS: Mapping[str, Progress] = {
    "velocity_along": velocity_along,
    "velocity_error": velocity_error,
    "distance_l1": distance_l1,
    "distance": distance,
    "hanging_off": hanging_off,
    "upright_in_the_middle": upright_in_the_middle,
}
