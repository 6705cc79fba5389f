"""MAML: an initialisation from which a few gradient steps on a task are enough.

The outer loop moves the initialisation against the gradient of the loss that is left after the
inner loop; all tasks of a batch are adapted to at once. Its kin are settings: first order,
learned step sizes (Meta-SGD), the head alone (ANIL), Reptile.

Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning for fast adaptation of deep
networks" (arXiv:1703.03400). Here: networks without statistics of a batch, so that no query point
helps to answer another (published results on images are with them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learners.descent import Descent, DescentConfig
from learners.devices import device_name, device_of
from learners.inner_loop import SGD, InnerLoop, Momentum
from learners.learner import Learner, Metrics, Play, Stateful
from learners.one_graph import compiler_command, compiler_name
from learners.outer_gradient import OUTER, OuterGradient
from learners.problem_adaptation import MetaGradients, ProblemAdaptation, Sets, as_sets
from learners.settings import require, require_choices
from learners.targets import make_target
from learners.task_networks import ACTIVATIONS, make_network
from learners.unroll_memory import require_room
from taskgen.generator import ProblemGenerator
from taskgen.judging import GRADIENT_STEPS, Predictions, outcomes_of
from taskgen.outcomes import Outcomes
from taskgen.problems import Problems
from taskgen.task import Task

_CHOICES = {
    "network": ("mlp", "conv"),
    "activation": tuple(ACTIVATIONS),
    "order": (1, 2),
    "outer": OUTER,
    "device": ("auto", "cpu", "cuda"),
}
_MOST_NUMBERS = 2**24
"""Parameters that are adapted at once in an exam, all tasks together: 64 MiB of them."""


@dataclass(frozen=True, kw_only=True)
class MAMLConfig(DescentConfig):
    """The settings of MAML and its kin. How many tasks a batch has is the campaign's to say.

    Args:
        network: "mlp", or "conv" for images.
        hidden_sizes: units of the hidden layers of an MLP.
        filters: of the convolutions of 3×3 with a stride of 2 of a conv network.
        activation: "relu" or "tanh".
        normalize: whether an MLP normalises its hidden layers, each point by itself; a conv
            network always does. Never over a batch, so that adaptation is not transductive.
        inner_lr: α, the step size on a task; where step sizes are learned, what they start at.
        inner_steps: gradient steps on a task in training.
        test_steps: gradient steps that an exam shows.
        late_step_scale: what the step size is multiplied with in the steps of an exam that come
            after the `inner_steps` of training, which never saw them: 1 as published for
            regression (of ten thousand sines, two diverge by ten such steps), ½ as for control.
        order: 2: differentiate through the inner gradient; 1: take it for a constant.
        learn_step_sizes: learn a step size for every single parameter (Meta-SGD).
        head_only: adapt the last layer alone (ANIL).
        inner_momentum: μ of the steps on a task, in [0, 1).
        outer: "maml": the gradient of the query loss after adapting; "reptile": the way to where
            the tasks went, with all their points learned from and nothing differentiated twice.
        compile: whether an update is compiled as one graph: half a minute or so at the start and
            for every new shape of a batch, and several times as fast from then on where networks
            are small. Needs a compiler for C++.
        device: "cpu", "cuda" or "auto" (cuda where there is one).

    And those of `DescentConfig`, of the initialisation and of learned step sizes alike.

    Raises:
        ValueError: if a setting lies outside its range, or two do not go together.
    """

    network: str = "mlp"
    hidden_sizes: tuple[int, ...] = (40, 40)
    filters: tuple[int, ...] = (32, 32, 32, 32)
    activation: str = "relu"
    normalize: bool = False
    inner_lr: float = 0.01
    inner_steps: int = 1
    test_steps: int = 10
    late_step_scale: float = 0.5
    order: int = 2
    learn_step_sizes: bool = False
    head_only: bool = False
    inner_momentum: float = 0.0
    outer: str = "maml"
    compile: bool = False
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("hidden_sizes", "filters"):
            sizes = tuple(getattr(self, name))
            object.__setattr__(self, name, sizes)
            require(all(size > 0 for size in sizes), f"{name} must be above 0", sizes)
        require(len(self.filters) > 0, "filters must name one convolution at least", self.filters)
        require_choices(self, _CHOICES)
        for name in ("inner_lr", "inner_steps", "test_steps", "late_step_scale"):
            require(getattr(self, name) > 0, f"{name} must be above 0", getattr(self, name))
        in_unit = 0.0 <= self.inner_momentum < 1.0
        require(in_unit, "inner_momentum must lie in [0, 1)", self.inner_momentum)
        if self.outer == "reptile":
            rule = "reptile takes no gradient through a step; learn_step_sizes must be false"
            require(not self.learn_step_sizes, rule, self.learn_step_sizes)
            rule = "reptile with one step only trains on all tasks; inner_steps must be 2 or more"
            require(self.inner_steps > 1, rule, self.inner_steps)


class MAML(Learner):
    """Meta-trains an initialisation, and step sizes if wanted.

    Args:
        input_space: of one input, a Box of any shape.
        target_space: of one target: a Box of floats (mean squared error) or Discrete
            (cross-entropy).
        config: the settings.
        seed: of the initial parameters.
    """

    kinds = frozenset({"problem"})
    Config = MAMLConfig

    def __init__(
        self,
        input_space: gymnasium.Space[Any],
        target_space: gymnasium.Space[Any],
        config: MAMLConfig,
        seed: int,
    ) -> None:
        self.config = config
        self.spaces = (input_space, target_space)
        self._device = device_of(config.device)
        self._adaptation = _adaptation(input_space, target_space, config)
        self.outer_gradient = OuterGradient(
            self._adaptation,
            num_steps=config.inner_steps,
            step_size=config.inner_lr,
            outer=config.outer,
            compiled=config.compile,
        )
        initial = self._adaptation.network.initial(seed)
        self.initialization = nn.ParameterDict(initial).to(self._device)
        self.step_sizes = nn.ParameterDict(self._first_step_sizes(initial)).to(self._device)
        # What all tasks share, by name: the tensors of the two modules themselves.
        self.shared = dict(self.initialization.items()), dict(self.step_sizes.items())
        learned = [*self.initialization.values(), *self.step_sizes.values()]
        self._descent = Descent(learned, config)
        self._fitting: set[tuple[torch.Size, ...]] = set()

    @classmethod
    def resolve(
        cls,
        config: MAMLConfig,
        observation_space: gymnasium.Space[Any] | None,
        action_space: gymnasium.Space[Any] | None,
        *,
        num_tasks: int,
        threads: int,
    ) -> tuple[MAMLConfig, str]:
        """Returns the settings with the device decided.

        Raises:
            NoRoom: if not even one example of each task would fit into memory.
        """
        del threads
        if observation_space is None or action_space is None:
            raise ValueError("MAML solves problems; resolve needs both spaces, got None.")
        settled = replace(config, device=str(device_of(config.device)))
        smallest = cls(observation_space, action_space, settled, seed=0)
        smallest.require_room(_one_example(observation_space, action_space, num_tasks))
        return settled, ""

    @classmethod
    def unavailable(cls, config: MAMLConfig) -> str | None:
        """Returns what is missing where the settings want a graphics card or a compiler."""
        if config.device == "cuda" and not torch.cuda.is_available():
            return "it learns on a graphics card (device: cuda), and torch finds none here"
        if config.compile and compiler_command() is None:
            return "it compiles its updates (compile: true), and there is no compiler for C++ here"
        return None

    @classmethod
    def machine(cls, config: MAMLConfig) -> dict[str, str]:
        """Returns the device, what computes on it and what compiles; see `Learner.machine`."""
        found = {"device": device_name(str(device_of(config.device)))}
        if found["device"] == "cpu":
            found["vector unit"] = torch.backends.cpu.get_cpu_capability()
        if config.compile:
            found["compiler"] = compiler_name()
        return found

    def parts(self) -> Mapping[str, Stateful]:
        """Returns initialisation, learned step sizes, optimiser and counters."""
        parts: dict[str, Stateful] = {
            "initialization": self.initialization,
            "optimizer": self._descent.optimizer,
            "counters": self._descent.counters,
        }
        if self.config.learn_step_sizes:
            parts["step_sizes"] = self.step_sizes
        return parts

    def predict(self, problems: Problems) -> Predictions:
        """Returns what it says before the first of `test_steps` gradient steps and after each."""
        config = self.config
        late = max(0, config.test_steps - config.inner_steps)
        scales = [1.0] * (config.test_steps - late) + [config.late_step_scale] * late
        num_numbers = sum(value.numel() for value in self.initialization.values())
        at_once = max(1, _MOST_NUMBERS // num_numbers)
        indices = np.arange(len(problems))
        chunks = [indices[start : start + at_once] for start in indices[::at_once]]
        return self._said(torch.cat([self._answers(problems.select(c), scales) for c in chunks]))

    def meta_train(
        self,
        play: Play,
        tasks: Sequence[Task],
        train_mask: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> tuple[Outcomes, Metrics]:
        """Adapts to each task and moves the initialisation by those that the mask allows.

        Raises:
            TypeError: if `play` is no generator of problems.
            NoRoom: if the unroll does not fit into memory.
            FloatingPointError: if the outer gradient is not finite.
        """
        if not isinstance(play, ProblemGenerator):
            raise TypeError(f"MAML solves problems (kind 'problem'), got a {type(play).__name__}.")
        problems = play.make_problems(tasks, rng)
        metrics = {"train/gradient_updates": 0.0}
        if not train_mask.all():
            outputs = self._answers(problems, [1.0] * self.config.inner_steps)
        if train_mask.any():
            everyone = bool(train_mask.all())
            some = problems if everyone else problems.select(np.flatnonzero(train_mask))
            sets = as_sets(some, self._device)
            self.require_room(sets)
            found = self.outer_gradient(*self.shared, sets)
            metrics = self._descend(found)
            outputs = found.outputs if everyone else outputs
        return outcomes_of(problems, self._said(outputs)), metrics

    def require_room(self, sets: Sets) -> None:
        """Raises an error if an update on such problems would not fit into memory.

        Raises:
            NoRoom: if it would not.
        """
        form = tuple(tensor.shape for tensor in sets.values())
        if form not in self._fitting:
            config, (num_tasks, num_points) = self.config, sets["mask"].shape
            require_room(
                self.outer_gradient.needed_bytes(*self.shared, sets),
                f"adapting to {num_tasks} tasks by {config.inner_steps} gradient steps on "
                f"{num_points} points each",
                "take fewer inner_steps or tasks a batch, a smaller network, or order: 1",
            )
            self._fitting.add(form)

    def _answers(self, problems: Problems, scales: Sequence[float]) -> Tensor:
        initialization, learned = self.shared
        sizes = learned or self.config.inner_lr
        sets = as_sets(problems, self._device)
        return self._adaptation.answers(initialization, sizes, sets, scales)

    def _said(self, outputs: Tensor) -> Predictions:
        values = self._adaptation.target.values(outputs).cpu().numpy()
        return Predictions(values, GRADIENT_STEPS)

    def _descend(self, found: MetaGradients) -> Metrics:
        """Takes one step of the outer loop and returns its metrics."""
        metrics = self._descent.step(
            [*found.initialization.values(), *found.step_sizes.values()],
            "lower inner_lr, lr or inner_steps, or look at the targets of the tasks",
        )
        before, after = found.losses.tolist()
        metrics |= {"train/query_loss_before": before, "train/query_loss": after}
        if self.config.learn_step_sizes:
            sizes = torch.cat([size.detach().flatten() for size in self.shared[1].values()])
            metrics["train/mean_step_size"] = float(sizes.mean())
        return metrics

    def _first_step_sizes(self, initial: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Returns what learned step sizes start at; {} where none are learned."""
        if not self.config.learn_step_sizes:
            return {}
        moves = self._adaptation.inner_loop.moves
        return {
            name: torch.full_like(value, self.config.inner_lr)
            for name, value in initial.items()
            if moves is None or name in moves
        }


def _adaptation(
    input_space: gymnasium.Space[Any], target_space: gymnasium.Space[Any], config: MAMLConfig
) -> ProblemAdaptation:
    target = make_target(target_space)
    network = make_network(
        config.network,
        input_space.shape or (),
        target.num_outputs,
        hidden_sizes=config.hidden_sizes,
        filters=config.filters,
        activation=config.activation,
        normalize=config.normalize,
    )
    inner_loop = InnerLoop(
        rule=Momentum(config.inner_momentum) if config.inner_momentum else SGD(),
        second_order=config.order == 2 and config.outer == "maml",
        moves=network.head if config.head_only else None,
    )
    return ProblemAdaptation(network, target, inner_loop)


def _one_example(
    input_space: gymnasium.Space[Any], target_space: gymnasium.Space[Any], num_tasks: int
) -> dict[str, Tensor]:
    """Returns the least that problems can be: one point to see and one that is asked for."""
    classes = isinstance(target_space, gymnasium.spaces.Discrete)
    x = np.zeros((1, 1, *(input_space.shape or ())), np.float32)
    y = np.zeros((1, 1, *(target_space.shape or ())), np.int64 if classes else np.float32)
    one = as_sets(Problems(x, y, x, y, np.ones((1, 1), bool)))
    return {name: part.expand(num_tasks, *part.shape[1:]) for name, part in one.items()}
