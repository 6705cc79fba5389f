"""RL² on supervised problems: a recurrent network whose memory learns a task while it reads it.

It reads the support points one after another, each with the target of the one before, and is
asked about the query points after each. Learning is what the memory does; nothing else changes
when a new task is met. Trained by plain descent on the errors of all answers.

Source: Hochreiter, Younger and Conwell 2001, "Learning to learn using gradient descent" (LNCS
2130); Santoro et al. 2016, "Meta-learning with memory-augmented neural networks"
(arXiv:1605.06065), there with an external memory. Here the error of every answer counts, to all
query points after every number of shots, not that of the next point alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.descent import Descent, DescentConfig
from learners.devices import device_name, device_of
from learners.learner import Learner, Metrics, Play, Stateful
from learners.problem_adaptation import Sets, as_sets
from learners.settings import require, require_choices
from learners.shot_memory import ShotMemory
from learners.targets import make_target
from learners.task_networks import ACTIVATIONS, make_network
from taskgen.generator import ProblemGenerator
from taskgen.judging import SHOTS, Predictions, outcomes_of
from taskgen.outcomes import Outcomes
from taskgen.problems import Problems
from taskgen.task import Task

_CHOICES = {
    "network": ("mlp", "conv"),
    "activation": tuple(ACTIVATIONS),
    "device": ("auto", "cpu", "cuda"),
}


@dataclass(frozen=True, kw_only=True)
class SupervisedRL2Config(DescentConfig):
    """The settings of RL² on supervised problems.

    Args:
        network: that encodes a point: "mlp", or "conv" for images.
        encoder_sizes: units of its layers, the features last; () are features of the size of the
            memory.
        filters: of the convolutions of a conv network.
        activation: "relu" or "tanh", of the encoder.
        normalize: whether an MLP normalises its hidden layers, each point by itself.
        hidden_size: units of the memory.
        max_grad_norm: as in `DescentConfig`, with a lower default.
        device: "cpu", "cuda" or "auto" (cuda where there is one).

    And those of `DescentConfig`.

    Raises:
        ValueError: if a setting lies outside its range.
    """

    network: str = "mlp"
    encoder_sizes: tuple[int, ...] = (64,)
    filters: tuple[int, ...] = (32, 32, 32, 32)
    activation: str = "relu"
    normalize: bool = False
    hidden_size: int = 128
    max_grad_norm: float = 1.0
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("encoder_sizes", "filters"):
            sizes = tuple(getattr(self, name))
            object.__setattr__(self, name, sizes)
            require(all(size > 0 for size in sizes), f"{name} must be above 0", sizes)
        require(len(self.filters) > 0, "filters must name one convolution at least", self.filters)
        require(self.hidden_size > 0, "hidden_size must be above 0", self.hidden_size)
        require_choices(self, _CHOICES)


class SupervisedRL2(Learner):
    """Meta-trains a memory that reads support sets and answers about query points.

    Args:
        input_space: of one input, a Box of any shape.
        target_space: of one target: a Box of floats (mean squared error) or Discrete
            (cross-entropy).
        config: the settings.
        seed: of the initial parameters.
    """

    kinds = frozenset({"problem"})
    Config = SupervisedRL2Config

    def __init__(
        self,
        input_space: gymnasium.Space[Any],
        target_space: gymnasium.Space[Any],
        config: SupervisedRL2Config,
        seed: int,
    ) -> None:
        self.config = config
        self.spaces = (input_space, target_space)
        self._device = device_of(config.device)
        self._target = make_target(target_space)
        *hidden_sizes, num_features = config.encoder_sizes or (config.hidden_size,)
        encoder = make_network(
            config.network,
            input_space.shape or (),
            num_features,
            hidden_sizes=tuple(hidden_sizes),
            filters=config.filters,
            activation=config.activation,
            normalize=config.normalize,
        )
        self.network = ShotMemory(
            encoder,
            num_features,
            self._target,
            hidden_size=config.hidden_size,
            activation=config.activation,
            seed=seed,
        ).to(self._device)
        self._descent = Descent(list(self.network.parameters()), config)

    @classmethod
    def resolve(
        cls,
        config: SupervisedRL2Config,
        observation_space: gymnasium.Space[Any] | None,
        action_space: gymnasium.Space[Any] | None,
        *,
        num_tasks: int,
        threads: int,
    ) -> tuple[SupervisedRL2Config, str]:
        """Returns the settings with the device decided."""
        del observation_space, action_space, num_tasks, threads
        return replace(config, device=str(device_of(config.device))), ""

    @classmethod
    def unavailable(cls, config: SupervisedRL2Config) -> str | None:
        """Returns what is missing where the settings want a graphics card and there is none."""
        if config.device == "cuda" and not torch.cuda.is_available():
            return "it learns on a graphics card (device: cuda), and torch finds none here"
        return None

    @classmethod
    def machine(cls, config: SupervisedRL2Config) -> dict[str, str]:
        """Returns the device and what computes on it; see `Learner.machine`."""
        found = {"device": device_name(str(device_of(config.device)))}
        if found["device"] == "cpu":
            found["vector unit"] = torch.backends.cpu.get_cpu_capability()
        return found

    def parts(self) -> Mapping[str, Stateful]:
        """Returns network, optimiser and counters."""
        return {
            "network": self.network,
            "optimizer": self._descent.optimizer,
            "counters": self._descent.counters,
        }

    @torch.no_grad()
    def predict(self, problems: Problems) -> Predictions:
        """Returns what it says before the first support point and after each."""
        return self._said(self.network(as_sets(problems, self._device)))

    def meta_train(
        self,
        play: Play,
        tasks: Sequence[Task],
        train_mask: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> tuple[Outcomes, Metrics]:
        """Reads each problem and learns from the answers to those that the mask allows.

        Raises:
            TypeError: if `play` is no generator of problems.
            FloatingPointError: if the gradient is not finite.
        """
        if not isinstance(play, ProblemGenerator):
            raise TypeError(
                f"supervised RL2 solves problems (kind 'problem'), got a {type(play).__name__}."
            )
        problems = play.make_problems(tasks, rng)
        metrics: Metrics = {"train/gradient_updates": 0.0}
        if not train_mask.all():
            predictions = self.predict(problems)
        if train_mask.any():
            learned_from = problems.select(np.flatnonzero(train_mask))
            outputs, metrics = self._learn(as_sets(learned_from, self._device))
            predictions = self._said(outputs) if train_mask.all() else predictions
        return outcomes_of(problems, predictions), metrics

    def _learn(self, sets: Sets) -> tuple[Tensor, Metrics]:
        """Takes one gradient step, and returns the outputs before it and its metrics."""
        outputs = self.network(sets)
        losses, counts = self._losses(outputs, sets)
        loss = (losses.sum(dim=1) / counts.sum(dim=1)).mean()
        gradients = torch.autograd.grad(loss, list(self.network.parameters()))
        metrics = self._descent.step(gradients, "lower lr, or look at the targets of the tasks")
        metrics["train/query_loss_before"] = float(losses[:, 0].detach().mean())
        last = counts.sum(dim=1, keepdim=True).long() - 1
        metrics["train/query_loss"] = float(losses.detach().gather(1, last).mean())
        return outputs.detach(), metrics

    def _losses(self, outputs: Tensor, sets: Sets) -> tuple[Tensor, Tensor]:
        """Returns the mean query loss after each number of shots, and which were made, [B, S + 1].

        The loss after more shots than a problem has is 0.
        """
        asked = sets["query_y"]
        targets = asked.unsqueeze(1).expand(-1, outputs.shape[1], *asked.shape[1:])
        errors = self._target.errors(outputs, targets).mean(dim=-1)
        begun = torch.ones_like(sets["mask"][:, :1])
        counts = torch.cat((begun, sets["mask"]), dim=1)
        return errors.masked_fill(~counts, 0.0), counts

    def _said(self, outputs: Tensor) -> Predictions:
        return Predictions(self._target.values(outputs).cpu().numpy(), SHOTS)
