"""The kind of learner under check, what it is checked with, and how its states are compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from learners.learner import Learner, Metrics, Play
from taskgen.batch import TaskBatch
from taskgen.generator import EnvGenerator, ProblemGenerator, TaskGenerator
from taskgen.outcomes import Outcomes
from taskgen.vector import Lifetime

NUM_TASKS = 6

_LIFETIME = Lifetime(num_episodes=2, num_steps=40)


@dataclass(frozen=True)
class Subject:
    """A kind of learner, and what it is checked with.

    Args:
        learner_class: under check.
        generator: of a kind that it can play.
        config: its settings, small enough to be quick.
    """

    learner_class: type[Learner]
    generator: TaskGenerator
    config: Any

    def learner(self, seed: int = 0) -> Learner:
        """Returns a new learner."""
        spaces: tuple[Any, Any] = (None, None)
        if isinstance(self.generator, EnvGenerator):
            spaces = (self.generator.observation_space, self.generator.action_space)
        if isinstance(self.generator, ProblemGenerator):
            spaces = (self.generator.input_space, self.generator.target_space)
        made: Learner = self.learner_class(*spaces, self.config, seed)  # type: ignore[call-arg]
        return made

    def tasks(self, seed: int) -> TaskBatch:
        """Returns a batch of tasks, another for every seed."""
        rng, space = np.random.default_rng(seed), self.generator.space
        rows = [space.complete({})] * NUM_TASKS
        if isinstance(self.generator, ProblemGenerator):  # whose tasks may be their parameters
            rows = [space.from_unit(rng.random(len(space))) for _ in rows]
        return self.generator.make_tasks(space.columns(rows), rng.integers(2**31, size=NUM_TASKS))

    def play(self) -> Play:
        """Returns where the tasks are played."""
        if isinstance(self.generator, ProblemGenerator):
            return self.generator
        assert isinstance(self.generator, EnvGenerator)
        env = self.generator.make_vector_env(NUM_TASKS)
        env.lifetime = _LIFETIME
        return env

    def train(
        self, learner: Learner, seeds: range, *, mask: bool = True
    ) -> list[tuple[Outcomes, Metrics]]:
        """Meta-trains once with each seed, which decides tasks and randomness."""
        play = self.play()
        train_mask = np.full(NUM_TASKS, mask)
        return [
            learner.meta_train(play, self.tasks(seed), train_mask, np.random.default_rng(seed))
            for seed in seeds
        ]


def fingerprint(learner: Learner) -> str:
    """Returns the SHA-256 of a learner's whole state: equal if and only if bit for bit the same."""
    digest = hashlib.sha256()
    for path, value in leaves(learner.state_dict()):
        digest.update(path.encode())
        if isinstance(value, torch.Tensor):
            array = value.detach().cpu().contiguous()
            digest.update(str((array.dtype, tuple(array.shape))).encode())
            digest.update(array.reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            digest.update(repr(value).encode())
    return digest.hexdigest()


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the tensors and plain values of a state with their paths, in order."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}/{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}/{index}")
    else:
        yield path, value
