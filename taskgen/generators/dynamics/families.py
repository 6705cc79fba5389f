"""The registered families: bodies whose physics is perturbed, without goals.

What is fixed is what no transition tells: a goal, which only rewards know, and a fault that
strikes later than an episode is long.
"""

from __future__ import annotations

from taskgen.generators.dynamics.generator import DynamicsPrediction
from taskgen.generators.mujoco.families import AntDirection, HalfCheetahDynamics, PendulumSwingUp


class HalfCheetahDynamicsPrediction(DynamicsPrediction):
    """Half-cheetahs whose next state is to be predicted from a few transitions.

    Args:
        num_query: as in `DynamicsPrediction`.
        episode_steps: the same.
    """

    name = "half-cheetah-dynamics-prediction-v1"

    def __init__(self, num_query: int = 32, episode_steps: int = 16) -> None:
        super().__init__(
            HalfCheetahDynamics(),
            fixed={"fault_step": 0},
            num_query=num_query,
            episode_steps=episode_steps,
        )


class AntDynamicsPrediction(DynamicsPrediction):
    """Ants whose next state, without their place, is to be predicted from a few transitions.

    Args:
        num_query: as in `DynamicsPrediction`.
        episode_steps: the same.
    """

    name = "ant-dynamics-prediction-v1"

    def __init__(self, num_query: int = 32, episode_steps: int = 16) -> None:
        super().__init__(
            AntDirection(),
            fixed={"heading": 0.0, "fault_step": 0},
            num_query=num_query,
            episode_steps=episode_steps,
        )


class PendulumDynamicsPrediction(DynamicsPrediction):
    """Pendulums whose next state is to be predicted from a few transitions.

    Args:
        num_query: as in `DynamicsPrediction`.
        episode_steps: the same.
    """

    name = "pendulum-dynamics-prediction-v1"

    def __init__(self, num_query: int = 32, episode_steps: int = 16) -> None:
        super().__init__(
            PendulumSwingUp(),
            fixed={"fault_step": 0},
            num_query=num_query,
            episode_steps=episode_steps,
        )
