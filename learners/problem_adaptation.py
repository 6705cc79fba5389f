"""Supervised problems as what an inner loop adapts to, and the gradients of an outer loop over it.

The support set is the inner loss, the query set the outer one. Everything here is a pure function
of tensors: parameters, step sizes and sets go in, answers and gradients come out, so that all of
it can be traced as one graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import torch
from torch import Tensor

from learners.inner_loop import InnerLoop, Parameters, StepSizes, reptile_gradients, spread
from learners.targets import Target, task_means
from learners.task_networks import TaskNetwork
from taskgen.problems import Problems

Sets: TypeAlias = Mapping[str, Tensor]
"""The arrays of `Problems` by name."""


def as_sets(problems: Problems, device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """Returns problems as tensors on a device."""
    return {
        field.name: torch.from_numpy(getattr(problems, field.name)).to(device)
        for field in fields(problems)
    }


@dataclass(frozen=True)
class MetaGradients:
    """What one batch of tasks says about how to start.

    Args:
        initialization: the outer gradient in the shared parameters.
        step_sizes: that in the learned step sizes; {}: there are none.
        outputs: at the query points before the first step and after each, [B, K + 1, Q, P].
        losses: mean query loss of all tasks before the first step and after the last, [2].
    """

    initialization: dict[str, Tensor]
    step_sizes: dict[str, Tensor]
    outputs: Tensor
    losses: Tensor


@dataclass(frozen=True)
class ProblemAdaptation:
    """How B problems are adapted to.

    Args:
        network: says something about a point.
        target: what it says, and what being wrong costs.
        inner_loop: the kind of steps.
    """

    network: TaskNetwork
    target: Target
    inner_loop: InnerLoop

    def support_loss(self, parameters: Parameters, sets: Sets) -> Tensor:
        """Returns the mean loss of each task over the support points that count, [B]."""
        outputs = self.network(parameters, sets["support_x"])
        return task_means(self.target.errors(outputs, sets["support_y"]), sets["mask"])

    def query_loss(self, outputs: Tensor, sets: Sets) -> Tensor:
        """Returns the mean loss of each task over its query points, [B], of outputs [B, Q, P]."""
        return task_means(self.target.errors(outputs, sets["query_y"]))

    def answers(
        self, initialization: Parameters, step_sizes: StepSizes, sets: Sets, scales: Sequence[float]
    ) -> Tensor:
        """Returns the outputs before the first of K steps and after each, [B, K + 1, Q, P].

        Args:
            initialization: what all tasks start from, without the axis of tasks.
            step_sizes: of the steps.
            sets: the query targets among them are not read.
            scales: of the step sizes, one a step, [K].
        """
        with torch.no_grad():
            points = self.inner_loop.unroll(
                spread(initialization, len(sets["mask"])),
                self.support_loss,
                sets,
                step_sizes=step_sizes,
                num_steps=len(scales),
                scales=scales,
            )
            outputs = [self.network(point, sets["query_x"]) for point in points]
        return torch.stack(outputs, dim=1)

    def maml_gradients(
        self, initialization: Parameters, step_sizes: StepSizes, sets: Sets, num_steps: int
    ) -> MetaGradients:
        """Returns the gradients of the mean query loss after the last step.

        ∇_{θ,α} 1/B · Σ_b L_b^query(θ_b),   θ_b adapted from θ to the support set of b
        """
        start = _leaves(initialization)
        sizes = _leaves(step_sizes) if isinstance(step_sizes, Mapping) else step_sizes
        learned = dict(sizes) if isinstance(sizes, Mapping) else {}
        outputs = []
        with torch.enable_grad():
            points = self.inner_loop.unroll(
                spread(start, len(sets["mask"])),
                self.support_loss,
                sets,
                step_sizes=sizes,
                num_steps=num_steps,
            )
            for step, point in enumerate(points):
                with torch.set_grad_enabled(step == num_steps):
                    outputs.append(self.network(point, sets["query_x"]))
            loss = self.query_loss(outputs[-1], sets).mean()
            gradients = torch.autograd.grad(
                loss, [*start.values(), *learned.values()], materialize_grads=True
            )
        return self._found(
            dict(zip(start, gradients[: len(start)], strict=True)),
            dict(zip(learned, gradients[len(start) :], strict=True)),
            torch.stack([each.detach() for each in outputs], dim=1),
            sets,
        )

    def reptile_gradients(
        self, initialization: Parameters, step_sizes: StepSizes, sets: Sets, num_steps: int
    ) -> MetaGradients:
        """Returns the mean way from where the tasks went, all their points being learned from.

        Support and query points together are the loss of the steps, since no gradient is taken
        through them; the outputs are those of an adaptation to the support set alone.
        """
        before = spread(initialization, len(sets["mask"]))
        with torch.no_grad():
            *_, after = self.inner_loop.unroll(
                before,
                self.support_loss,
                _joined(sets),
                step_sizes=step_sizes,
                num_steps=num_steps,
            )
        outputs = self.answers(initialization, step_sizes, sets, [1.0] * num_steps)
        return self._found(reptile_gradients(before, after), {}, outputs, sets)

    def _found(
        self,
        initialization: dict[str, Tensor],
        step_sizes: dict[str, Tensor],
        outputs: Tensor,
        sets: Sets,
    ) -> MetaGradients:
        losses = [self.query_loss(outputs[:, step], sets).mean() for step in (0, -1)]
        return MetaGradients(initialization, step_sizes, outputs, torch.stack(losses))


def _leaves(parameters: Parameters) -> dict[str, Tensor]:
    return {name: value.detach().requires_grad_() for name, value in parameters.items()}


def _joined(sets: Sets) -> dict[str, Tensor]:
    """Returns sets whose support points are all points there are."""
    everywhere = torch.ones_like(sets["query_x"][:, :, :1].flatten(1), dtype=torch.bool)
    joined = {
        f"support_{axis}": torch.cat((sets[f"support_{axis}"], sets[f"query_{axis}"]), dim=1)
        for axis in "xy"
    }
    mask = torch.cat((sets["mask"], everywhere[:, : sets["query_x"].shape[1]]), dim=1)
    return {**sets, **joined, "mask": mask}
