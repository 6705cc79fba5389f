"""Adaptation by gradient steps as a pure function of parameters, for B tasks at once.

Every parameter has a leading axis of tasks, and a loss returns one number for each task. The
gradient of their sum is then every task's own gradient, so that no loop over tasks is needed:

    start = spread(parameters, num_tasks)
    adapted = adapt(start, loss, batch, step_sizes=0.01, num_steps=5, inner_loop=InnerLoop())

What comes out is differentiable in the parameters that went in and in the step sizes, through all
steps. Whoever gathers new data between steps begins a `Point` and takes them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

Parameters: TypeAlias = Mapping[str, Tensor]
"""Parameters by name; inside the inner loop each is [B, …]."""
TaskLoss: TypeAlias = Callable[[Parameters, Any], Tensor]
"""From parameters [B, …] and a batch to the loss of each task, [B]."""
StepSizes: TypeAlias = float | Parameters
"""One number, or a tensor for each parameter that moves, without the axis of tasks."""


class Rule(Protocol):
    """Makes a direction to go of gradients, as an optimiser does."""

    def start(self, parameters: Parameters) -> Parameters:
        """Returns what it remembers before the first step."""

    def direction(self, gradients: Parameters, memory: Parameters) -> tuple[Parameters, Parameters]:
        """Returns the direction to step against, and what it then remembers."""


@dataclass(frozen=True)
class SGD:
    """Steps against the gradient itself."""

    def start(self, parameters: Parameters) -> Parameters:
        """Returns nothing: there is nothing to remember."""
        del parameters
        return {}

    def direction(self, gradients: Parameters, memory: Parameters) -> tuple[Parameters, Parameters]:
        """Returns the gradients."""
        return gradients, memory


@dataclass(frozen=True)
class Momentum:
    """Steps against a sum of gradients that fades: v ← μ·v + g.

    Args:
        coef: μ, in [0, 1).

    Source:
        Polyak 1964, "Some methods of speeding up the convergence of iteration methods", in the
        form of `torch.optim.SGD`, where the step size is not part of v.
    """

    coef: float

    def start(self, parameters: Parameters) -> Parameters:
        """Returns velocities of 0."""
        return {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}

    def direction(self, gradients: Parameters, memory: Parameters) -> tuple[Parameters, Parameters]:
        """Returns the new velocities, which are also what is remembered."""
        moved = {name: self.coef * memory[name] + gradients[name] for name in gradients}
        return moved, moved


@dataclass(frozen=True)
class Point:
    """Where B tasks stand in their adaptation.

    Args:
        parameters: of each task, [B, …] each.
        memory: of the rule.
    """

    parameters: Parameters
    memory: Parameters


@dataclass(frozen=True, kw_only=True)
class InnerLoop:
    """What a gradient step on B tasks is.

        θ_b ← θ_b − s · α ∘ d_b,   d_b made by the rule of ∇L_b(θ_b)

    Args:
        rule: makes the direction of the gradient.
        second_order: whether the gradient itself is differentiated by whoever differentiates what
            comes out. If not, it counts as a constant: first-order MAML.
        moves: names of the parameters that adapt, as those of the last layer alone (ANIL); None:
            all of them.

    Source:
        Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning" (arXiv:1703.03400), with its
        first-order form; Li et al. 2017, "Meta-SGD" (arXiv:1707.09835), α a tensor for each
        parameter; Raghu et al. 2020, "Rapid learning or feature reuse?" (arXiv:1909.09157), the
        head alone. There tasks are adapted to one after another, here all at once.
    """

    rule: Rule = SGD()
    second_order: bool = True
    moves: frozenset[str] | None = None

    def begin(self, parameters: Parameters) -> Point:
        """Returns the point before the first step.

        Raises:
            ValueError: if what should move is not among the parameters.
        """
        moving = {name: parameters[name] for name in self._moving(parameters)}
        return Point(parameters, self.rule.start(moving))

    def step(
        self,
        point: Point,
        loss: TaskLoss,
        batch: Any,
        step_sizes: StepSizes,
        scale: float = 1.0,
    ) -> Point:
        """Returns the point after one step.

        Args:
            point: before it.
            loss: of each task; what it returns for one task must depend on that task alone.
            batch: what the loss is told.
            step_sizes: α.
            scale: s, of this step.
        """
        names = self._moving(point.parameters)
        gradients = task_gradients(
            point.parameters, loss, batch, names, differentiable=self.second_order
        )
        directions, memory = self.rule.direction(gradients, point.memory)
        moved = {
            name: _stepped(point.parameters[name], directions[name], step_sizes, name, scale)
            for name in names
        }
        return Point({**point.parameters, **moved}, memory)

    def unroll(
        self,
        parameters: Parameters,
        loss: TaskLoss,
        batch: Any,
        *,
        step_sizes: StepSizes,
        num_steps: int,
        scales: Sequence[float] | None = None,
    ) -> Iterator[Parameters]:
        """Yields the parameters before the first step and after each, `num_steps` + 1 in all.

        Args:
            parameters: to start from, [B, …] each (`spread`).
            loss: see `step`.
            batch: the same in every step.
            step_sizes: α.
            num_steps: at least 0.
            scales: s of each step, [num_steps]; None: 1.
        """
        point = self.begin(parameters)
        yield point.parameters
        for scale in scales or [1.0] * num_steps:
            point = self.step(point, loss, batch, step_sizes, scale)
            yield point.parameters

    def _moving(self, parameters: Parameters) -> list[str]:
        moving = [name for name in parameters if self.moves is None or name in self.moves]
        if not moving or (self.moves is not None and len(moving) != len(self.moves)):
            wanted = "any" if self.moves is None else ", ".join(sorted(self.moves))
            raise ValueError(
                f"what adapts must be among the parameters {', '.join(parameters)}, "
                f"got {wanted}; name parameters of the network."
            )
        return moving


def adapt(
    parameters: Parameters,
    loss: TaskLoss,
    batch: Any,
    *,
    step_sizes: StepSizes,
    num_steps: int,
    inner_loop: InnerLoop | None = None,
) -> Parameters:
    """Returns the parameters after `num_steps` steps; see `InnerLoop.unroll`.

    Example:
        Two tasks with targets 1 and 3, and the loss (θ − y)²: a step of ¼ goes half the way.

        >>> start = spread({"theta": torch.zeros(())}, num_tasks=2)
        >>> loss = lambda parameters, y: (parameters["theta"] - y) ** 2
        >>> adapt(start, loss, torch.tensor([1.0, 3.0]), step_sizes=0.25, num_steps=1)["theta"]
        tensor([0.5000, 1.5000])
    """
    *_, last = (inner_loop or InnerLoop(second_order=False)).unroll(
        parameters, loss, batch, step_sizes=step_sizes, num_steps=num_steps
    )
    return last


def spread(parameters: Parameters, num_tasks: int) -> dict[str, Tensor]:
    """Returns the same parameters for each of B tasks, [B, …], without copying them."""
    return {name: value.expand(num_tasks, *value.shape) for name, value in parameters.items()}


def task_gradients(
    parameters: Parameters,
    loss: TaskLoss,
    batch: Any,
    names: Sequence[str],
    *,
    differentiable: bool,
) -> dict[str, Tensor]:
    """Returns the gradient of each task's loss in its own parameters, [B, …] each.

    Args:
        parameters: [B, …] each.
        loss: of each task.
        batch: what the loss is told.
        names: of the parameters whose gradient is wanted.
        differentiable: whether the gradients can be differentiated in turn; else, and where
            gradients are switched off, nothing of how they came about is kept.
    """
    differentiable = differentiable and torch.is_grad_enabled()
    at = {
        name: _leaf(value, fresh=not differentiable) if name in names else value
        for name, value in (parameters if differentiable else _detached(parameters)).items()
    }
    with torch.enable_grad():
        gradients = torch.autograd.grad(
            loss(at, batch).sum(),
            [at[name] for name in names],
            create_graph=differentiable,
            materialize_grads=True,
        )
    return dict(zip(names, gradients, strict=True))


def reptile_gradients(before: Parameters, after: Parameters) -> dict[str, Tensor]:
    """Returns the mean over tasks of θ − θ_b, without the axis of tasks.

    An outer optimiser that steps against it moves to where the tasks went; no gradient is taken
    through the adaptation. With one step it is the gradient of the mean loss.

    Args:
        before: θ, [B, …] each.
        after: θ_b after adapting, [B, …] each.

    Source:
        Nichol, Achiam and Schulman 2018, "On first-order meta-learning algorithms"
        (arXiv:1803.02999).
    """
    return {name: (before[name] - after[name]).mean(dim=0).detach() for name in before}


def _stepped(
    parameter: Tensor, direction: Tensor, step_sizes: StepSizes, name: str, scale: float
) -> Tensor:
    if isinstance(step_sizes, Mapping):
        return torch.addcmul(parameter, step_sizes[name], direction, value=-scale)
    return torch.sub(parameter, direction, alpha=scale * step_sizes)


def _detached(parameters: Parameters) -> Parameters:
    return {name: value.detach() for name, value in parameters.items()}


def _leaf(value: Tensor, *, fresh: bool) -> Tensor:
    """Returns a tensor that gradients can be taken in: the given one where it can be."""
    return value if value.requires_grad and not fresh else value.detach().requires_grad_()
