"""Checks of how a learner is made, trained, saved and merged.

Each returns "" or the reason why it fails.
"""

from __future__ import annotations

import copy
import io
import random
from typing import Any

import numpy as np
import torch

from learners.checks.subject import NUM_TASKS, Subject, fingerprint, leaves


def knows_kind(subject: Subject) -> str:
    """The generator is of a kind that it says it can play."""
    kind, kinds = subject.generator.kind, subject.learner_class.kinds
    return "" if kind in kinds else f"it plays {sorted(kinds)}, the generator is of kind {kind!r}"


def same_seed(subject: Subject) -> str:
    """The seed decides the parameters, and nothing else does."""
    first, second, other = (fingerprint(subject.learner(seed)) for seed in (0, 0, 1))
    if first != second:
        return "two learners made with one seed differ"
    return "two learners made with different seeds are the same" if first == other else ""


def _global_states() -> tuple[Any, ...]:
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002
    return random.getstate(), repr(numpy_state), torch.get_rng_state().numpy().tobytes()


def leaves_globals_alone(subject: Subject) -> str:
    """Training leaves the global random states as they were."""
    before = _global_states()
    subject.train(subject.learner(), range(1))
    names = ("Python's random", "numpy.random", "torch")
    moved = [n for n, a, b in zip(names, before, _global_states(), strict=True) if a != b]
    return f"it draws from the global state of {', '.join(moved)}" if moved else ""


def reports(subject: Subject) -> str:
    """Training returns outcomes of all tasks, and metrics by the names that are relied on."""
    ((outcomes, metrics),) = subject.train(subject.learner(), range(1))
    if outcomes.num_tasks != NUM_TASKS:
        return f"{NUM_TASKS} tasks were given, the outcomes tell of {outcomes.num_tasks}"
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


def deterministic(subject: Subject) -> str:
    """The same tasks, mask and rng give the same learner."""
    prints = set()
    for _ in range(2):
        learner = subject.learner()
        subject.train(learner, range(2))
        prints.add(fingerprint(learner))
    return "" if len(prints) == 1 else "two runs with the same arguments gave different learners"


def learns(subject: Subject) -> str:
    """An update changes the state, and says so."""
    learner = subject.learner()
    before = fingerprint(learner)
    ((_, metrics),) = subject.train(learner, range(1))
    if metrics["train/gradient_updates"] < 1:
        return "it took no gradient step"
    return "its state is as before" if fingerprint(learner) == before else ""


def masked(subject: Subject) -> str:
    """Tasks that are only to be played are played, and change nothing."""
    learner = subject.learner()
    before = fingerprint(learner)
    ((outcomes, metrics),) = subject.train(learner, range(1), mask=False)
    if metrics["train/gradient_updates"] != 0:
        return "it says that it took gradient steps"
    if not outcomes.valid.any(axis=1).all():
        return "it did not play the tasks"
    return "" if fingerprint(learner) == before else "its state changed"


def continues(subject: Subject) -> str:
    """A state that was saved and loaded goes on as if nothing had been."""
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


def refuses(subject: Subject) -> str:
    """A state with a part too many raises `ValueError`."""
    learner = subject.learner()
    try:
        learner.load_state_dict({**learner.state_dict(), "no such part": {}})
    except ValueError:
        return ""
    return "it took a state with a part that it does not have"


def merges(subject: Subject) -> str:
    """A merge with weight 1 on one branch is that branch."""
    learner = subject.learner()
    parent = copy.deepcopy(learner.state_dict())
    subject.train(learner, range(2))
    branch, before = copy.deepcopy(learner.state_dict()), fingerprint(learner)
    merged = learner.merged_state(parent, [branch, parent], [1.0, 0.0], 0)
    if fingerprint(learner) != before:
        return "merging changed the learner that was asked to"
    learner.load_state_dict(merged)
    found, wanted = dict(leaves(learner.state_dict())), dict(leaves(branch))
    other = [path for path in wanted if not _alike(found.get(path), wanted[path])]
    return f"the merge differs from the one branch that learned: {other[:5]}" if other else ""


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        same_shape = one.shape == other.shape
        return same_shape and torch.allclose(one.double(), other.double(), 1e-5, 1e-6, True)
    return bool(one == other)
