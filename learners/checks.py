"""The conformance suite: what every learner must keep to, ours and anybody's.

`check_learner(RL2, Bandit())` trains, adapts, saves and loads small learners on a generator and
returns a `LearnerReport` with one line a check. Each check below is a function that returns "" or
the reason why it fails, so reading them is reading what a learner promises.
"""

from __future__ import annotations

import copy
import hashlib
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch

from learners.boxes import is_float_box
from learners.evaluation import evaluate, ids_of
from learners.learner import Learner, Metrics, Play
from taskgen.batch import TaskBatch
from taskgen.generator import EnvGenerator, ProblemGenerator, TaskGenerator
from taskgen.outcomes import Outcomes
from taskgen.vector import Lifetime, LifetimeVectorEnv

Check: TypeAlias = Callable[["Subject"], str]

_NUM_TASKS = 6
_LIFETIME = Lifetime(num_episodes=2, num_steps=40)


class LearnerCheckFailed(AssertionError):
    """A learner does not keep to the contract; the message lists every check that failed."""


@dataclass(frozen=True)
class LearnerReport:
    """What came of all checks of one learner: names in words, and reasons, "" where it holds."""

    learner: str
    reasons: dict[str, str]

    @property
    def failed(self) -> dict[str, str]:
        """The checks that do not hold, with their reasons."""
        return {name: reason for name, reason in self.reasons.items() if reason}

    @property
    def ok(self) -> bool:
        """Whether all checks hold."""
        return not self.failed

    def __str__(self) -> str:
        lines = [f"{'FAILED' if why else 'ok    '} {name}" for name, why in self.reasons.items()]
        return "\n".join([self.learner, *lines])

    def raise_if_failed(self) -> None:
        """Raises one error that names all checks that failed.

        Raises:
            LearnerCheckFailed: if there is one.
        """
        if not self.ok:
            lines = "\n".join(f"{name}: {reason}" for name, reason in self.failed.items())
            raise LearnerCheckFailed(f"{self.learner} breaks {len(self.failed)} promises:\n{lines}")


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
        made: Learner = self.learner_class(*spaces, self.config, seed)  # type: ignore[call-arg]
        return made

    def tasks(self, seed: int) -> TaskBatch:
        """Returns a batch of tasks, another for every seed."""
        rng = np.random.default_rng(seed)
        row = self.generator.space.complete({})
        seeds = rng.integers(2**31, size=_NUM_TASKS)
        return self.generator.make_tasks(self.generator.space.columns([row] * _NUM_TASKS), seeds)

    def play(self) -> Play:
        """Returns where the tasks are played."""
        if isinstance(self.generator, ProblemGenerator):
            return self.generator
        assert isinstance(self.generator, EnvGenerator)
        env = self.generator.make_vector_env(_NUM_TASKS)
        env.lifetime = _LIFETIME
        return env

    def train(
        self, learner: Learner, seeds: range, *, mask: bool = True
    ) -> list[tuple[Outcomes, Metrics]]:
        """Meta-trains once with each seed, which decides tasks and randomness."""
        play = self.play()
        train_mask = np.full(_NUM_TASKS, mask)
        return [
            learner.meta_train(play, self.tasks(seed), train_mask, np.random.default_rng(seed))
            for seed in seeds
        ]


def check_learner(
    learner_class: type[Learner], generator: TaskGenerator, config: Any = None
) -> LearnerReport:
    """Checks a kind of learner against everything that the rest of the house relies on.

    Args:
        learner_class: under check.
        generator: of a kind that it can play; its default parameters are used.
        config: the settings; None: the defaults.

    Returns:
        A report; `raise_if_failed` turns it into an error.
    """
    config = learner_class.Config() if config is None else config
    subject = Subject(learner_class, generator, config)
    reasons = {name: _run(check, subject) for name, check in _checks(subject)}
    return LearnerReport(learner_class.__name__, reasons)


def fingerprint(learner: Learner) -> str:
    """Returns the SHA-256 of a learner's whole state: equal if and only if bit for bit the same."""
    digest = hashlib.sha256()
    for path, value in _leaves(learner.state_dict()):
        digest.update(path.encode())
        if isinstance(value, torch.Tensor):
            array = value.detach().cpu().contiguous()
            digest.update(str((array.dtype, tuple(array.shape))).encode())
            digest.update(array.reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            digest.update(repr(value).encode())
    return digest.hexdigest()


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}/{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}/{index}")
    else:
        yield path, value


def _checks(subject: Subject) -> Iterator[tuple[str, Check]]:
    yield "it can play this kind of generator", _knows_kind
    yield "the same seed gives the same parameters", _same_seed
    yield "no global randomness", _leaves_globals_alone
    yield "outcomes and metrics are well-formed", _reports
    yield "training is a function of tasks, mask and rng", _deterministic
    yield "training moves the parameters", _learns
    yield "tasks that are masked give no gradient", _masked
    yield "the state is plain, and continues bit for bit", _continues
    yield "the state of another kind is refused", _refuses
    yield "a merge with what learned nothing is the branch that learned", _merges
    if isinstance(subject.generator, EnvGenerator):
        yield "adapting leaves the learner as it was", _adapting_is_reading
        yield "an evaluation does not depend on the batch", _batch_free


def _run(check: Check, subject: Subject) -> str:
    try:
        return check(subject)
    except Exception as error:
        return f"it raised {error!r}"


def _knows_kind(subject: Subject) -> str:
    kind, kinds = subject.generator.kind, subject.learner_class.kinds
    return "" if kind in kinds else f"it plays {sorted(kinds)}, the generator is of kind {kind!r}"


def _same_seed(subject: Subject) -> str:
    first, second, other = (fingerprint(subject.learner(seed)) for seed in (0, 0, 1))
    if first != second:
        return "two learners made with one seed differ"
    return "two learners made with different seeds are the same" if first == other else ""


def _global_states() -> tuple[Any, ...]:
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002
    return random.getstate(), repr(numpy_state), torch.get_rng_state().numpy().tobytes()


def _leaves_globals_alone(subject: Subject) -> str:
    before = _global_states()
    subject.train(subject.learner(), range(1))
    names = ("Python's random", "numpy.random", "torch")
    moved = [n for n, a, b in zip(names, before, _global_states(), strict=True) if a != b]
    return f"it draws from the global state of {', '.join(moved)}" if moved else ""


def _reports(subject: Subject) -> str:
    ((outcomes, metrics),) = subject.train(subject.learner(), range(1))
    if outcomes.num_tasks != _NUM_TASKS:
        return f"{_NUM_TASKS} tasks were given, the outcomes tell of {outcomes.num_tasks}"
    if not outcomes.valid.any(axis=1).all():
        return "a task was not played"
    if (outcomes.valid[:, 1:] & ~outcomes.valid[:, :-1]).any():
        return "valid steps must come first"
    if not np.isfinite(outcomes.returns).all() or outcomes.returns[~outcomes.complete].any():
        return "returns must be finite, and 0 where not complete"
    if outcomes.td_errors is not None and outcomes.td_errors[~outcomes.valid].any():
        return "TD errors must be 0 where not valid"
    bad = [k for k, v in metrics.items() if not k.startswith("train/") or not np.isfinite(v)]
    if "train/gradient_updates" not in metrics:
        bad.append("train/gradient_updates (missing)")
    return f"metrics must be finite and called train/…: {bad}" if bad else ""


def _deterministic(subject: Subject) -> str:
    prints = set()
    for _ in range(2):
        learner = subject.learner()
        subject.train(learner, range(2))
        prints.add(fingerprint(learner))
    return "" if len(prints) == 1 else "two runs with the same arguments gave different learners"


def _learns(subject: Subject) -> str:
    learner = subject.learner()
    before = fingerprint(learner)
    ((_, metrics),) = subject.train(learner, range(1))
    if metrics["train/gradient_updates"] < 1:
        return "it took no gradient step"
    return "its state is as before" if fingerprint(learner) == before else ""


def _masked(subject: Subject) -> str:
    learner = subject.learner()
    before = fingerprint(learner)
    ((outcomes, metrics),) = subject.train(learner, range(1), mask=False)
    if metrics["train/gradient_updates"] != 0:
        return "it says that it took gradient steps"
    if not outcomes.valid.any(axis=1).all():
        return "it did not play the tasks"
    return "" if fingerprint(learner) == before else "its state changed"


def _continues(subject: Subject) -> str:
    straight = subject.learner()
    subject.train(straight, range(2))
    file = io.BytesIO()
    torch.save(straight.state_dict(), file)
    file.seek(0)
    resumed = subject.learner(seed=1)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    if fingerprint(resumed) != fingerprint(straight):
        return "what was loaded is not what was saved"
    for learner in (straight, resumed):
        subject.train(learner, range(2, 4))
    same = fingerprint(resumed) == fingerprint(straight)
    return "" if same else "after two more updates the loaded learner differs"


def _refuses(subject: Subject) -> str:
    learner = subject.learner()
    try:
        learner.load_state_dict({**learner.state_dict(), "no such part": {}})
    except ValueError:
        return ""
    return "it took a state with a part that it does not have"


def _merges(subject: Subject) -> str:
    learner = subject.learner()
    parent = copy.deepcopy(learner.state_dict())
    subject.train(learner, range(2))
    branch, before = copy.deepcopy(learner.state_dict()), fingerprint(learner)
    merged = learner.merged_state(parent, [branch, parent], [1.0, 0.0], 0)
    if fingerprint(learner) != before:
        return "merging changed the learner that was asked to"
    learner.load_state_dict(merged)
    found, wanted = dict(_leaves(learner.state_dict())), dict(_leaves(branch))
    other = [path for path in wanted if not _alike(found.get(path), wanted[path])]
    return f"the merge differs from the one branch that learned: {other[:5]}" if other else ""


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        same_shape = one.shape == other.shape
        return same_shape and torch.allclose(one.double(), other.double(), 1e-5, 1e-6, True)
    return bool(one == other)


def _adapting_is_reading(subject: Subject) -> str:
    learner, env = subject.learner(), subject.play()
    assert isinstance(env, LifetimeVectorEnv)
    subject.train(learner, range(1))
    before = fingerprint(learner)
    for greedy in (False, True):
        evaluate(learner, env, subject.tasks(5), num_episodes=2, seed=0, greedy=greedy)
    return "" if fingerprint(learner) == before else "playing with its policy changed its state"


def _batch_free(subject: Subject) -> str:
    assert isinstance(subject.generator, EnvGenerator)
    learner, tasks = subject.learner(), subject.tasks(5)
    played = {}
    for num_envs, order in ((_NUM_TASKS, range(_NUM_TASKS)), (4, range(_NUM_TASKS)[::-1])):
        env = subject.generator.make_vector_env(num_envs)
        chosen = tasks.select(list(order))
        curve = evaluate(learner, env, chosen, num_episodes=2, seed=0)
        rows = zip(ids_of(chosen), curve.outcomes.returns.tolist(), strict=True)
        played[num_envs] = dict(rows)
    first, second = ([played[n][task_id] for task_id in ids_of(tasks)] for n in played)
    # Numbers chosen from a continuum differ by the last bits of a matrix product, whose order of
    # summing may depend on the size of the batch; a choice among few does not.
    tolerance = 1e-4 if is_float_box(subject.generator.action_space) else 0.0
    same = np.allclose(first, second, rtol=tolerance, atol=tolerance)
    return "" if same else "a task plays differently in another batch or order"
