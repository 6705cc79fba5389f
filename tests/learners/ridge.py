"""The smallest learner of problems whose optimum is known: ridge regression around a learned line.

Targets are believed to be w · (1, x) with w ~ N(w0, 1/penalty) and noise of variance 1, so that
after e points the best w is

    w_e = w0 + (Φᵀ Φ + penalty · 1)⁻¹ Φᵀ (y − Φ w0)

Meta-training moves the prior mean w0 down the gradient of the query error after all shots; a
family whose lines have the mean w* is learned when w0 = w*. Of classes the logits are
(−f(x), f(x)) with f fitted to −1 and 1.
"""

from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.spaces import Discrete
from torch import nn

from learners.learner import Learner
from taskgen.judging import SHOTS, Predictions, outcomes_of


@dataclass(frozen=True)
class RidgeConfig:
    """Settings.

    Args:
        penalty: λ > 0.
        learning_rate: of w0.
    """

    penalty: float = 0.1
    learning_rate: float = 0.1


class Ridge(Learner):
    """Ridge regression on the support set around a learned line."""

    kinds = frozenset({"problem"})
    Config = RidgeConfig

    def __init__(self, input_space, target_space, config, seed):
        self.spaces = (input_space, target_space)
        self._config = config
        width = 1 + int(np.prod(input_space.shape))
        self._classes = isinstance(target_space, Discrete)
        rng = torch.Generator().manual_seed(seed)
        self.prior = nn.ParameterDict(
            {"mean": nn.Parameter(0.1 * torch.randn(width, generator=rng))}
        )
        self.optimizer = torch.optim.SGD(self.prior.parameters(), lr=config.learning_rate)

    def parts(self):
        return {"prior": self.prior, "optimizer": self.optimizer}

    def meta_train(self, play, tasks, train_mask, rng):
        problems = play.make_problems(tasks, rng)
        answers = self._answers(problems)
        updates = 0
        if train_mask.any():
            targets = self._numbers(problems.query_y)
            errors = ((answers[:, -1] - targets) ** 2).mean(dim=1)
            self.optimizer.zero_grad()
            errors[torch.from_numpy(train_mask)].mean().backward()
            self.optimizer.step()
            updates = 1
        outcomes = outcomes_of(problems, self._said(answers.detach()))
        return outcomes, {"train/gradient_updates": float(updates)}

    @torch.no_grad()
    def predict(self, problems):
        return self._said(self._answers(problems))

    def _said(self, answers):
        values = torch.stack([-answers, answers], dim=-1) if self._classes else answers[..., None]
        return Predictions(values.float().numpy(), SHOTS)

    def _numbers(self, y):
        return torch.from_numpy(2.0 * y - 1.0 if self._classes else y[..., 0]).double()

    def _answers(self, problems):
        """Returns the answers after 0 to S points, [B, S + 1, Q]."""
        support, query = (_with_one(x) for x in (problems.support_x, problems.query_x))
        S = support.shape[1]
        counts = torch.from_numpy(problems.mask)[:, None] & torch.ones(S + 1, S).tril(-1).bool()
        used = support[:, None] * counts[..., None]  # [B, S + 1, S, width]
        prior = self.prior["mean"].double()
        left = (self._numbers(problems.support_y) - support @ prior)[:, None, :, None]
        gram = used.mT @ used + self._config.penalty * torch.eye(support.shape[2]).double()
        weights = prior + torch.linalg.solve(gram, used.mT @ left)[..., 0]
        return weights @ query.mT


def _with_one(x):
    flat = torch.from_numpy(x.reshape(*x.shape[:2], -1)).double()
    return torch.cat([torch.ones_like(flat[..., :1]), flat], dim=-1)
