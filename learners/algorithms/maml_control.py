"""MAML for control: a policy from which a few gradient steps on a task's own episodes are enough.

The policy adapts inside the lifetime: after every R episodes of a task it takes one policy
gradient step on them, and the episodes that follow tell how good that was. The outer loop moves
the initialisation so that they earn more. Its kin are settings: first order, the head alone (ANIL),
learned step sizes, three estimators of the inner gradient, two outer loops (TRPO, ProMP).

Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning for fast adaptation of deep
networks" (arXiv:1703.03400); Rothfuss et al. 2019, "ProMP: Proximal meta-policy search"
(arXiv:1810.06784). Here: all tasks play and adapt at once, the episodes of a task one after another
as in every lifetime; actions are counted in units of their box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from learners.control_adaptation import ControlAdaptation
from learners.features import ObservationFeatures
from learners.gradient_policy import GradientPolicy, Schedule
from learners.heads import ActionHead, make_head
from learners.inner_loop import InnerLoop, Parameters, StepSizes
from learners.learner import Learner, Metrics, Play, Stateful
from learners.meta_policy_optimization import OUTER_UPDATES, MetaParameters, OuterConfig
from learners.policies import Draw, keyed_draw
from learners.policy_gradients import ESTIMATORS
from learners.rollout import Lifetimes, play_lifetimes
from learners.settings import Counters, require
from learners.task_networks import ACTIVATIONS, MLP, TaskNetwork, WithConstants
from taskgen.outcomes import Outcomes
from taskgen.task import Task
from taskgen.vector import LifetimeVectorEnv

_MOST_INPUTS = 1024
_FIRST_SAYING = 0.01
_CHOICES = {
    "activation": tuple(ACTIVATIONS),
    "estimator": tuple(ESTIMATORS),
    "order": (1, 2),
}


@dataclass(frozen=True, kw_only=True)
class MAMLControlConfig(OuterConfig):
    """The settings of MAML for control.

    A training lifetime should have (inner_steps + 1)·episodes_per_step episodes; if it has more,
    all that come after the last step judge it, and if less, there are fewer steps.

    Args:
        hidden_sizes: units of the policy's hidden layers.
        activation: "tanh" or "relu".
        normalize_observations: standardise observations of float spaces by running moments.
        episodes_per_step: R, the episodes of a task that one gradient step learns from.
        inner_steps: gradient steps of a training lifetime.
        inner_lr: α, the size of a step; where step sizes are learned, what they start at.
        late_step_scale: what α is multiplied with in the steps of an exam that come after the
            `inner_steps` of training; ½ as published, 0: there are none.
        estimator: of the inner gradient: "lvc", "dice" or "plain" (`learners.policy_gradients`).
        order: 2: differentiate through the inner gradient; 1: take it for a constant.
        learn_step_sizes: learn a step size for every single parameter.
        head_only: adapt the last layer alone (ANIL).
        gamma: discount of one env step, in [0, 1].
        lambda_: weight of later TD errors in the advantage, in [0, 1].

    And those of `OuterConfig`.

    Raises:
        ValueError: if a setting lies outside its range.
    """

    hidden_sizes: tuple[int, ...] = (64, 64)
    activation: str = "tanh"
    normalize_observations: bool = True
    episodes_per_step: int = 20
    inner_steps: int = 1
    inner_lr: float = 0.1
    late_step_scale: float = 0.5
    estimator: str = "lvc"
    order: int = 2
    learn_step_sizes: bool = False
    head_only: bool = False
    gamma: float = 0.99
    lambda_: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = tuple(self.hidden_sizes)
        object.__setattr__(self, "hidden_sizes", sizes)
        require(all(size > 0 for size in sizes), "hidden_sizes must be above 0", sizes)
        for name, choices in _CHOICES.items():
            value, words = getattr(self, name), ", ".join(map(str, choices))
            require(value in choices, f"{name} must be one of {words}", value)
        for name in ("episodes_per_step", "inner_steps", "inner_lr"):
            require(getattr(self, name) > 0, f"{name} must be above 0", getattr(self, name))
        require(
            self.late_step_scale >= 0, "late_step_scale must be 0 or more", self.late_step_scale
        )
        for name in ("gamma", "lambda_"):
            value = getattr(self, name)
            require(0.0 <= value <= 1.0, f"{name} must lie in [0, 1]", value)


class MAMLControl(Learner):
    """Meta-trains the initialisation of a policy, and step sizes if wanted.

    To adapt, it has to try: a policy that is asked to be greedy draws no actions, and learns next
    to nothing from what it does.

    Args:
        observation_space: of one task: Discrete, MultiBinary or Box.
        action_space: of one task: Discrete, or a Box of floats.
        config: the settings.
        seed: of the initial parameters.

    Raises:
        ValueError: if observations have more numbers than the baselines are made for.
    """

    kinds = frozenset({"env"})
    Config = MAMLControlConfig

    def __init__(
        self,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
        config: MAMLControlConfig,
        seed: int,
    ) -> None:
        self.config = config
        self.spaces = (observation_space, action_space)
        self._features = ObservationFeatures(
            observation_space, normalize=config.normalize_observations
        )
        rule = f"an observation must have at most {_MOST_INPUTS} numbers for a linear baseline"
        require(self._features.num <= _MOST_INPUTS, rule, self._features.num)
        self._adaptation = _adaptation(self._features.num, make_head(action_space), config)
        initial = _nearly_uniform(self._adaptation.network, seed)
        self._parameters = MetaParameters(
            nn.ParameterDict(initial), self._initial_step_sizes(initial), config.inner_lr
        )
        self._update = OUTER_UPDATES[config.outer](self._adaptation, self._parameters, config)
        self._counters = Counters()

    @classmethod
    def machine(cls, config: MAMLControlConfig) -> dict[str, str]:
        """Returns what computes; see `Learner.machine`."""
        del config
        return {"vector unit": torch.backends.cpu.get_cpu_capability()}

    def policy(self, keys: NDArray[np.uint64], *, greedy: bool = False) -> GradientPolicy:
        """Returns a policy that starts at the initialisation; see `Learner.policy`."""
        config = self.config
        draw = None if greedy else keyed_draw(keys, self._adaptation.head.num_uniforms)
        return self._policy(draw, config.late_step_scale, remembers=False)

    def parts(self) -> Mapping[str, Stateful]:
        """Returns initialisation, step sizes, optimiser, scales and counters."""
        parts: dict[str, Stateful] = {
            "initialization": self._parameters.initialization,
            "counters": self._counters,
            **self._update.parts(),
        }
        if self.config.learn_step_sizes:
            parts["step_sizes"] = self._parameters.step_sizes
        if self._features.normalizer is not None:
            parts["observations"] = self._features.normalizer
        return parts

    def meta_train(
        self,
        play: Play,
        tasks: Sequence[Task],
        train_mask: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> tuple[Outcomes, Metrics]:
        """Plays one lifetime of each task and learns from those that the mask allows.

        A batch in which no task could even begin changes nothing and has no metrics.

        Raises:
            TypeError: if `play` is not a `LifetimeVectorEnv`.
            FloatingPointError: if the outer gradient is not finite.
        """
        if not isinstance(play, LifetimeVectorEnv):
            raise TypeError(
                f"MAMLControl plays environments (kind 'env'), got a {type(play).__name__}."
            )
        policy, lifetimes = self._play(play, tasks, rng)
        if not lifetimes.valid.any():
            return lifetimes.outcomes(), {}
        learned_from = np.flatnonzero(train_mask & ~lifetimes.failed)
        metrics = {"gradient_updates": 0.0}
        if len(learned_from):
            metrics = self._update.learn(policy.played(learned_from, lifetimes.rewards[-1]))
            metrics["inner_steps"] = float(policy.num_steps[learned_from].mean())
            self._update_scales(policy, learned_from)
            self._counters.updates += 1
            self._counters.gradient_updates += int(metrics["gradient_updates"])
        named = {f"train/{name}": value for name, value in metrics.items()}
        return lifetimes.outcomes(), named

    def _play(
        self, env: LifetimeVectorEnv, tasks: Sequence[Task], rng: np.random.Generator
    ) -> tuple[GradientPolicy, Lifetimes]:
        shape = (len(tasks), self._adaptation.head.num_uniforms)
        policy = self._policy(
            lambda _: rng.random(shape, dtype=np.float32), late_step_scale=0.0, remembers=True
        )
        return policy, play_lifetimes(env, tasks, policy, seed=int(rng.integers(2**31)))

    def _policy(
        self, draw: Draw | None, late_step_scale: float, *, remembers: bool
    ) -> GradientPolicy:
        config = self.config
        schedule = Schedule(
            episodes_per_step=config.episodes_per_step,
            early_steps=config.inner_steps,
            late_step_scale=late_step_scale,
            gamma=config.gamma,
            lambda_=config.lambda_,
        )
        start, sizes = _detached(self._parameters.start), self._parameters.sizes
        return GradientPolicy(
            self._adaptation,
            start,
            _detached(sizes) if isinstance(sizes, Mapping) else sizes,
            self._features,
            schedule,
            draw,
            remembers=remembers,
        )

    def _update_scales(self, policy: GradientPolicy, learned_from: NDArray[np.int64]) -> None:
        if self._features.normalizer is not None:
            # Only what is fed later changes: the batch is learned from as it was played.
            self._features.normalizer.update(policy.observations(learned_from))

    def _initial_step_sizes(self, initial: Parameters) -> nn.ParameterDict:
        config, moves = self.config, self._adaptation.inner_loop.moves
        if not config.learn_step_sizes:
            return nn.ParameterDict()
        moving = {name: value for name, value in initial.items() if moves is None or name in moves}
        return nn.ParameterDict(
            {name: torch.full_like(value, config.inner_lr) for name, value in moving.items()}
        )


def _adaptation(num_inputs: int, head: ActionHead, config: MAMLControlConfig) -> ControlAdaptation:
    network: TaskNetwork = MLP(
        num_inputs=num_inputs,
        num_outputs=head.num_outputs - head.num_constants,
        hidden_sizes=config.hidden_sizes,
        activation=config.activation,
    )
    if head.num_constants:
        network = WithConstants(network, head.num_constants)
    moves = network.head if config.head_only else None
    inner_loop = InnerLoop(second_order=config.order == 2, moves=moves)
    return ControlAdaptation(network, head, inner_loop, ESTIMATORS[config.estimator])


def _nearly_uniform(network: TaskNetwork, seed: int) -> Parameters:
    """Returns initial parameters whose last layer says next to nothing.

    What a policy does by chance may carry it ever farther away, where nothing can be learned.
    """
    initial = network.initial(seed)
    return {n: _FIRST_SAYING * v if n in network.head else v for n, v in initial.items()}


def _detached(parameters: Parameters | StepSizes) -> dict[str, torch.Tensor]:
    assert isinstance(parameters, Mapping)
    return {name: value.detach() for name, value in parameters.items()}
