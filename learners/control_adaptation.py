"""Environments as what an inner loop adapts to: policies of B tasks, and their gradient steps.

Everything here is a pure function of tensors: parameters, step sizes and experience go in, adapted
parameters and log-probabilities come out, differentiable through all steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from learners.experience import Experience
from learners.heads import ActionHead
from learners.inner_loop import InnerLoop, Parameters, StepSizes, spread
from learners.policy_gradients import Estimator
from learners.task_networks import TaskNetwork


@dataclass(frozen=True)
class MetaExperience:
    """What B tasks played in their training lifetimes.

    Args:
        steps: what each inner step learned from; nothing is valid of a task that did not take it.
        judged: what each task played after its last step.
    """

    steps: tuple[Experience, ...]
    judged: Experience

    def of_tasks(self, tasks: slice) -> MetaExperience:
        """Returns what some of the tasks played."""
        steps = tuple(played.of_tasks(tasks) for played in self.steps)
        return MetaExperience(steps, self.judged.of_tasks(tasks))

    def first_episodes(self, share: float) -> MetaExperience:
        """Returns a share of the episodes of every part."""
        steps = tuple(played.first_episodes(share) for played in self.steps)
        return MetaExperience(steps, self.judged.first_episodes(share))


@dataclass(frozen=True)
class ControlAdaptation:
    """How policies of B tasks adapt.

    Args:
        network: says what the head needs.
        head: of the actions.
        inner_loop: the kind of steps.
        estimator: the loss that they lower.
    """

    network: TaskNetwork
    head: ActionHead
    inner_loop: InnerLoop
    estimator: Estimator

    def first_order(self) -> ControlAdaptation:
        """Returns the same whose steps are not differentiated."""
        return replace(self, inner_loop=replace(self.inner_loop, second_order=False))

    def log_probs(self, parameters: Parameters, played: Experience) -> Tensor:
        """Returns log π(a) of what was played under parameters of each task, [B, N]."""
        return self.head.log_prob(self.network(parameters, played.inputs), played.actions)

    def loss(self, parameters: Parameters, played: Experience) -> Tensor:
        """Returns the inner loss of each task, [B]."""
        return self.estimator(self.log_probs(parameters, played), played)

    def step(
        self, parameters: Parameters, played: Experience, step_sizes: StepSizes, scale: float = 1.0
    ) -> Parameters:
        """Returns the parameters of each task after one step; as they were where none was played.

        Args:
            parameters: [B, …] each.
            played: what to learn from.
            step_sizes: α.
            scale: of the step sizes.
        """
        point = self.inner_loop.begin(parameters)
        return self.inner_loop.step(point, self.loss, played, step_sizes, scale).parameters

    def path(
        self, initialization: Parameters, step_sizes: StepSizes, played: MetaExperience
    ) -> list[Parameters]:
        """Returns the parameters before the first step and after each, K + 1 in all.

        Args:
            initialization: what all tasks start from, without the axis of tasks.
            step_sizes: α.
            played: its steps are learned from, in turn.
        """
        path: list[Parameters] = [spread(initialization, len(played.judged.valid))]
        for step in played.steps:
            path.append(self.step(path[-1], step, step_sizes))
        return path
