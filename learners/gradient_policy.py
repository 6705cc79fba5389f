"""A policy that adapts to its tasks by gradient steps, between the episodes of a lifetime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.control_adaptation import ControlAdaptation, MetaExperience
from learners.experience import Experience, advantages_of
from learners.features import ObservationFeatures
from learners.inner_loop import Parameters, StepSizes, spread
from learners.journal import Columns, Journal
from learners.learner import Policy, Step
from learners.policies import Draw


@dataclass(frozen=True)
class Schedule:
    """When a policy takes its steps, and how it judges what it did.

    Args:
        episodes_per_step: R, whole episodes that a step learns from.
        early_steps: steps that are taken at full size.
        late_step_scale: what the step size of those after them is multiplied with; 0: none is
            taken.
        gamma: discount of one env step.
        lambda_: weight of later TD errors.
    """

    episodes_per_step: int
    early_steps: int
    late_step_scale: float
    gamma: float
    lambda_: float


class GradientPolicy(Policy):
    """Plays one lifetime of B tasks, each with parameters of its own that all start the same.

    When another episode of a task begins and the R before it are still to be learned from, its
    parameters take one step on them. After the last episode of a lifetime there is none: nothing
    would follow it.

    Args:
        adaptation: the network and the kind of steps.
        initialization: where all tasks start, without the axis of tasks; read, never written.
        step_sizes: of the steps.
        features: makes the rows that the network is fed.
        schedule: when steps are taken.
        draw: the randomness of the actions; None: always the likeliest one, from which there is
            hardly anything to learn.
        remembers: whether what was learned from is kept, for the outer loop; there must be no
            steps after the early ones then.

    `journal` is what it did, `parameters` are where its tasks have come to, [B, …] each, and
    `num_steps` how many steps each has taken, [B].
    """

    def __init__(
        self,
        adaptation: ControlAdaptation,
        initialization: Parameters,
        step_sizes: StepSizes,
        features: ObservationFeatures,
        schedule: Schedule,
        draw: Draw | None,
        *,
        remembers: bool = False,
    ) -> None:
        self._adaptation = adaptation.first_order()
        self._initialization = initialization
        self._step_sizes = step_sizes
        self._features = features
        self._schedule = schedule
        self._draw = draw
        self._remembers = remembers
        self._step = 0

    @torch.no_grad()
    def act(self, step: Step) -> NDArray[Any]:
        """Returns the actions, after a step of adaptation where it is time for one."""
        if self._step == 0:
            self._begin(len(step.rewards))
        else:
            self.journal.amend(rewards=step.rewards)
        self._adapt_where_due(step.episode_start & step.playing)
        inputs = np.empty((len(step.rewards), self._features.num), dtype=np.float32)
        self._features.write(inputs, step.observations)
        outputs = self._adaptation.network(self.parameters, torch.from_numpy(inputs)[:, None])[:, 0]
        actions = self._adaptation.head.choose(outputs, self._uniforms(outputs.dtype))
        self.journal.append(
            step.playing,
            inputs=inputs,
            outputs=outputs.numpy(),
            actions=actions.numpy(),
            rewards=np.zeros(len(inputs)),
            episode_start=step.episode_start,
            **self._raw(step),
        )
        self._step += 1
        return self._adaptation.head.to_env(actions)

    def _begin(self, num_tasks: int) -> None:
        everywhere = spread(self._initialization, num_tasks)
        self.parameters = {name: value.detach().clone() for name, value in everywhere.items()}
        self.num_steps = np.zeros(num_tasks, dtype=np.int64)
        self.journal = Journal(num_tasks, forgets=not self._remembers)
        self._bounds = np.zeros((num_tasks, self._schedule.early_steps + 1), dtype=np.int64)
        self._begun = np.zeros(num_tasks, dtype=np.int64)

    def _adapt_where_due(self, begins: NDArray[np.bool_]) -> None:
        """Counts the episodes that begin, and adapts where enough are behind a task."""
        if not begins.any():
            return
        schedule = self._schedule
        due = begins & (self._begun == schedule.episodes_per_step)
        if schedule.late_step_scale == 0.0:
            due &= self.num_steps < schedule.early_steps
        late = self.num_steps >= schedule.early_steps
        for tasks, scale in ((due & ~late, 1.0), (due & late, schedule.late_step_scale)):
            if tasks.any():
                self._adapt(np.flatnonzero(tasks), scale)
        self._begun[due] = 0
        self._begun += begins

    def _adapt(self, tasks: NDArray[np.int64], scale: float) -> None:
        index = torch.from_numpy(tasks)
        before = {name: value[index] for name, value in self.parameters.items()}
        played = self._experience(self.journal.unread(tasks))
        after = self._adaptation.step(before, played, self._step_sizes, scale)
        for name, value in after.items():
            self.parameters[name][index] = value
        self.journal.close(tasks)
        self.num_steps[tasks] += 1
        if self._remembers:
            self._bounds[tasks, self.num_steps[tasks]] = self.journal.read[tasks]

    def played(self, tasks: NDArray[np.int64], last_rewards: NDArray[Any]) -> MetaExperience:
        """Returns what some tasks learned from, step by step, and what they played after that.

        Args:
            tasks: which, [b]; each has acted.
            last_rewards: of the last actions, which nobody has told the policy yet, [B].
        """
        self.journal.amend(rewards=last_rewards)
        steps = []
        for k in range(int(self.num_steps[tasks].max(initial=0))):
            taken = k < self.num_steps[tasks]
            starts = self._bounds[tasks, k]
            ends = np.where(taken, self._bounds[tasks, k + 1], starts)
            steps.append(self._experience(self.journal.between(tasks, starts, ends)))
        return MetaExperience(tuple(steps), self._experience(self.journal.unread(tasks)))

    def observations(self, tasks: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns all that was seen in some tasks, as it came, [steps, O]."""
        columns = self.journal.between(tasks, np.zeros_like(tasks), self.journal.lengths[tasks])
        seen: NDArray[np.float32] = columns["observations"][columns["valid"]]
        return seen

    @torch.no_grad()
    def _experience(self, columns: Columns) -> Experience:
        advantages = advantages_of(
            *(columns[name] for name in ("inputs", "rewards", "episode_start", "valid")),
            gamma=self._schedule.gamma,
            lambda_=self._schedule.lambda_,
        )
        names = ("inputs", "actions", "episode_start", "valid")
        tensors = {name: torch.from_numpy(columns[name]) for name in names}
        outputs = torch.from_numpy(columns["outputs"])
        log_probs = self._adaptation.head.log_prob(outputs, tensors["actions"])
        return Experience(**tensors, log_probs=log_probs, advantages=torch.from_numpy(advantages))

    def _raw(self, step: Step) -> Columns:
        """Returns the observations themselves where their moments will be wanted."""
        if not self._remembers or self._features.normalizer is None:
            return {}
        flat = step.observations.reshape(len(step.rewards), -1)
        return {"observations": flat.astype(np.float32, copy=False)}

    def _uniforms(self, dtype: torch.dtype) -> Tensor | None:
        if self._draw is None:
            return None
        return torch.from_numpy(self._draw(self._step)).to(dtype)
