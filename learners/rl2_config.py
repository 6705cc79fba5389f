"""The settings of RL²: its network, what it is fed, how it credits; and those of its optimiser."""

from __future__ import annotations

from dataclasses import dataclass

from learners.ppo import PPOConfig
from learners.settings import require, require_choices

_CHOICES = {
    "cell": ("auto", "lstm", "gru"),
    "precision": ("auto", "float32", "bfloat16"),
    "kernel": ("auto", "torch", "fused"),
    "device": ("auto", "cpu", "cuda"),
}
_ABOVE_ZERO = (
    "hidden_size",
    "picture_pooling",
    "picture_features",
    "recall_averages",
    "recall_units",
)


@dataclass(frozen=True, kw_only=True)
class RL2Config(PPOConfig):
    """The settings of RL².

    Args:
        cell: of the memory: "lstm", "gru" or "auto" (what the machine's precision favours).
        precision: of encoder and memory: "float32", "bfloat16" or "auto" (bfloat16 where the
            processor has a unit for it). Heads, losses and returns are float32 always.
        kernel: of the memory: "torch", "fused" (ours, on the processor in float32) or "auto"
            (the faster of them).
        device: "cpu", "cuda" or "auto" (cuda where there is one).
        hidden_size: units of the memory.
        recall_places: soft places under which it is kept, beside the memory, what came of each
            action (`learners.recall`); 0: nothing is. Where a lifetime comes by the same places
            again, in bandits and tabular tasks above all, it learns with a fraction of the steps.
        recall_averages: averages that are kept of each place and action.
        recall_units: of the networks that look at them.
        encoder_sizes: units of the layers before the memory; () feeds it the inputs themselves.
        picture_pooling: where observations are pictures (bytes [rows, columns, channels]), the
            side of the squares of pixels of which the mean is taken before they are read; 1: none.
        picture_channels: of the stages that read them; each halves rows and columns.
        picture_features: what they make of a picture, fed beside the other inputs.
        heads_see_inputs: whether policy and critic see the encoded inputs beside the memory.
        sees_lifetime_left: whether it is fed the share of the lifetime that remains. Not where
            training lifetimes end by steps and those of an exam by episodes: there the number
            would mean one thing in training and another at test.
        normalize_observations: standardise observations of float spaces by running moments.
        normalize_rewards: scale rewards, for the loss by the deviation of the return, for the
            network by their root mean square where that is above 1.
        gamma: discount of one env step, in [0, 1].
        lambda_: weight of later TD errors in the advantage, in [0, 1].
        across_episodes: let credit flow across the ends of episodes inside a lifetime.

    And those of `PPOConfig`.

    Raises:
        ValueError: if a setting lies outside its range.
    """

    cell: str = "auto"
    precision: str = "auto"
    kernel: str = "auto"
    device: str = "auto"
    hidden_size: int = 128
    recall_places: int = 0
    recall_averages: int = 8
    recall_units: int = 8
    encoder_sizes: tuple[int, ...] = ()
    picture_pooling: int = 1
    picture_channels: tuple[int, ...] = (8, 16, 16)
    picture_features: int = 64
    heads_see_inputs: bool = False
    sees_lifetime_left: bool = True
    normalize_observations: bool = True
    normalize_rewards: bool = True
    gamma: float = 0.99
    lambda_: float = 0.95
    across_episodes: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("encoder_sizes", "picture_channels"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        require_choices(self, _CHOICES)
        fits = self.kernel != "fused" or self.precision != "bfloat16"
        require(fits, "the fused kernel computes in float32; precision must say so", self.precision)
        for name in _ABOVE_ZERO:
            require(getattr(self, name) > 0, f"{name} must be above 0", getattr(self, name))
        places = self.recall_places
        require(places >= 0, "recall_places must be at least 0 (0: no recall)", places)
        for name in ("gamma", "lambda_"):
            value = getattr(self, name)
            require(0.0 <= value <= 1.0, f"{name} must lie in [0, 1]", value)
