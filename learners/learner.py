"""What every learner is: something that meta-trains on tasks, and adapts to new ones.

A `Learner` holds what was learned over all tasks. To environments it adapts by a `Policy`, which
plays one batch of tasks and holds what was learned about those; to problems by `predict`, which
answers after each unit of adaptation. Adapting never changes the learner. How well it adapts is
measured from outside, by `learners.evaluation` and `learners.problem_evaluation`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias

import gymnasium
import numpy as np
from numpy.typing import NDArray

from learners.merging import merged_parts
from taskgen.generator import ProblemGenerator
from taskgen.judging import Predictions
from taskgen.outcomes import Outcomes
from taskgen.problems import Problems
from taskgen.task import Task
from taskgen.vector import LifetimeVectorEnv

Metrics: TypeAlias = dict[str, float]
Play: TypeAlias = LifetimeVectorEnv | ProblemGenerator


class Stateful(Protocol):
    """Anything with a state that can be saved: modules, optimisers, normalisers."""

    def state_dict(self) -> dict[str, Any]:
        """Returns the state, of tensors and plain values only."""

    def load_state_dict(self, state_dict: Any) -> Any:
        """Takes the state back."""


@dataclass(frozen=True)
class Step:
    """What a policy sees before it acts in B tasks.

    Args:
        observations: [B, …].
        rewards: raw reward of the last action, 0 at the start of a lifetime, float [B].
        episode_start: whether the observation is the first of an episode, bool [B].
        lifetime_left: share of the lifetime that remains, in [0, 1], float [B].
        playing: whether the action will count, bool [B].
    """

    observations: NDArray[Any]
    rewards: NDArray[np.floating[Any]]
    episode_start: NDArray[np.bool_]
    lifetime_left: NDArray[np.float32]
    playing: NDArray[np.bool_]

    @classmethod
    def of(
        cls, observations: NDArray[Any], rewards: NDArray[Any], infos: Mapping[str, Any]
    ) -> Step:
        """Returns the step of what a `LifetimeVectorEnv` returned."""
        return cls(
            observations,
            rewards,
            infos["episode_start"],
            infos["lifetime_left"],
            infos["playing"],
        )


class Policy(ABC):
    """Plays B tasks, one step a call, and adapts to them by what it sees on the way.

    A policy starts with empty memory at the start of a lifetime. Whatever it learns, by recurrent
    state or by gradient steps, stays in this object.
    """

    @abstractmethod
    def act(self, step: Step) -> NDArray[Any]:
        """Returns the actions in B tasks, [B] or [B, A], as the action space has them."""


class Learner(ABC):
    """Learns to learn over a stream of tasks.

    A learner is made by `cls(observation_space, action_space, config, seed)`, where it plays
    problems by `cls(input_space, target_space, config, seed)`; `cls.Config` is a frozen dataclass
    of its settings, each documented where it stands, with defaults. It has `policy` if it plays
    environments, `predict` if it plays problems.
    """

    kinds: ClassVar[frozenset[str]]
    """The kinds of generators it can play: "env", "problem"."""
    Config: ClassVar[type[Any]]
    """The dataclass of its settings."""
    spaces: tuple[gymnasium.Space[Any], gymnasium.Space[Any]] | None = None
    """Of observations and actions, or of inputs and targets, for learners of no other spaces."""

    @classmethod
    def resolve(
        cls,
        config: Any,
        observation_space: gymnasium.Space[Any] | None,
        action_space: gymnasium.Space[Any] | None,
        *,
        num_tasks: int,
        threads: int,
    ) -> tuple[Any, str]:
        """Returns the settings with nothing left open that this machine should decide.

        Called once, when a campaign is made; what it returns is saved and used from then on.

        Returns:
            The settings, and a sentence for people on what was chosen and why; "": nothing was.
        """
        del observation_space, action_space, num_tasks, threads
        return config, ""

    @classmethod
    def unavailable(cls, config: Any) -> str | None:
        """Returns why resolved settings cannot be computed with on this machine; None: they can."""
        del config
        return None

    @classmethod
    def machine(cls, config: Any) -> dict[str, str]:
        """Returns what of this machine decides the last bits of what the settings compute.

        Saved when a campaign is made and compared when it is resumed: kernels and devices by name.
        What the settings do not use is left out, and so are versions, which are always compared.
        """
        del config
        return {}

    @abstractmethod
    def meta_train(
        self,
        play: Play,
        tasks: Sequence[Task],
        train_mask: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> tuple[Outcomes, Metrics]:
        """Plays one lifetime of each task and learns from those that the mask allows.

        Of problems, a lifetime is one support set and one query set, made with the rng.

        Args:
            play: where the tasks are played, its `lifetime` says how long; or what makes their
                sets.
            tasks: B tasks.
            train_mask: [B]; False: play it, record its outcome, take no gradient from it.
            rng: of this call alone.

        Returns:
            What happened, and metrics named "train/…" with "train/gradient_updates" among them.
        """

    def policy(self, keys: NDArray[np.uint64], *, greedy: bool = False) -> Policy:
        """Returns a policy with empty memory for B tasks, of a learner that plays environments.

        Args:
            keys: one a task, [B]; the randomness of its actions comes from its key alone
                (`taskgen.randomness`), so that it does not depend on the batch.
            greedy: take the likeliest action instead of drawing one.

        Raises:
            TypeError: if the learner plays no environments.
        """
        del keys, greedy
        raise _plays_other("act in environments", "policy", "problems", "predict")

    def predict(self, problems: Problems) -> Predictions:
        """Returns what a learner of problems says about the query points, unit by unit.

        Adapts to each support set anew, and reads neither the query targets nor, for the answer
        to one query point, the others. Nothing is random in it.

        Args:
            problems: B of them; where the mask is False there is no support point.

        Returns:
            Answers before any adaptation and after each unit of it, [B, E, Q, …].

        Raises:
            TypeError: if the learner plays no problems.
        """
        del problems
        raise _plays_other("solve problems", "predict", "environments", "policy")

    @abstractmethod
    def parts(self) -> Mapping[str, Stateful]:
        """Returns all that has a state: parameters, optimiser, normalisers, counters."""

    def state_dict(self) -> dict[str, Any]:
        """Returns the whole state, of tensors and plain values only."""
        return {name: part.state_dict() for name, part in self.parts().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes a state back; the learner then continues bit for bit.

        Raises:
            ValueError: if a part is missing or unknown.
        """
        parts = self.parts()
        if set(parts) != set(state):
            raise ValueError(
                f"this learner's state has the parts {sorted(parts)}, got {sorted(state)}; "
                f"it was saved by another kind of learner."
            )
        for name, part in parts.items():
            part.load_state_dict(state[name])

    def merged_state(
        self,
        parent: Mapping[str, Any],
        branches: Sequence[Mapping[str, Any]],
        weights: Sequence[float],
        winner: int,
    ) -> dict[str, Any]:
        """Returns the state of one learner made of several that left a common parent.

        Modules are averaged, parts with a `pooled_state` pool what they saw, and all else is the
        winner's (`learners.merging`). This learner itself stays as it is.

        Args:
            parent: the state that all of them started from.
            branches: their states, [N].
            weights: of the branches, summing to 1, [N].
            winner: index of the branch whose optimiser goes on.
        """
        return merged_parts(self.parts(), parent, branches, weights, winner)


def _plays_other(cannot: str, method: str, other: str, its_method: str) -> TypeError:
    return TypeError(
        f"this learner does not {cannot}, so it has no {method}; "
        f"if it plays {other}, ask for its {its_method}."
    )
