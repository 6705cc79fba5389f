"""The checks of curricula; each returns "" or the reason why a promise does not hold."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from curricula.checks.specimens import (
    ELSEWHERE,
    SALT,
    START,
    Marks,
    config_flaw,
    globals_touched,
    impure,
    training_source,
    with_other_globals,
)
from curricula.curriculum import Curriculum, Proposal
from curricula.scores import SCORES
from taskgen.distribution import TaskDistribution
from taskgen.splits import split_of

Make: TypeAlias = Callable[[], Curriculum]
_ROUNDS = 6
_BATCH = 12


def _declared(make: Make) -> str:
    made = make()
    if made.score is not None and made.score not in SCORES:
        return f"score must be None or one of {', '.join(SCORES)}, got {made.score!r}."
    return config_flaw(type(made).Config)


def _inside(make: Make) -> str:
    for batch in _play(make(), rounds=range(_ROUNDS)):
        if len(batch) != _BATCH:
            return f"{_BATCH} proposals were asked for, {len(batch)} came."
        if outside := _outside(batch, START):
            return f"{outside} lies outside of the distribution {START.to_json()}."
        if odd := [p.origin for p in batch if p.origin not in ("new", "replay", "edit")]:
            return f"an origin is new, replay or edit, got {odd}."
    return ""


def _only_training_tasks(make: Make) -> str:
    marks = Marks()
    for batch in _play(make(), rounds=range(_ROUNDS)):
        sides = {split_of(marks.canonical(proposal.task), SALT) for proposal in batch}
        if sides != {"train"}:
            return f"tasks of {sides} were proposed; make and edit tasks by the source alone."
    return ""


def _obeys(make: Make) -> str:
    curriculum = make()
    _play(curriculum, rounds=range(_ROUNDS))
    for batch in _play(curriculum, rounds=range(_ROUNDS), distribution=ELSEWHERE):
        if outside := _outside(batch, ELSEWHERE):
            return f"after the distribution became {ELSEWHERE.to_json()}, {outside} came."
    return ""


def _survives_scores(make: Make) -> str:
    for value in (0.0, np.nan, np.inf, -np.inf):
        batches = _play(make(), rounds=range(_ROUNDS), constant=value)
        if any(len(batch) != _BATCH for batch in batches):
            return f"told scores of {value} alone, it no longer proposes {_BATCH} tasks."
    return ""


def _rng_alone(make: Make) -> str:
    first = _signature(_play(make(), rounds=range(_ROUNDS)))
    second = with_other_globals(7, lambda: _signature(_play(make(), rounds=range(_ROUNDS))))
    if first != second:
        return "with the same rng and scores, other tasks came when the global seeds were others."
    return globals_touched(partial(_play, make(), rounds=range(_ROUNDS)))


def _resumes(make: Make) -> str:
    whole, half = make(), _ROUNDS // 2
    _play(whole, rounds=range(half))
    state = whole.state_dict()
    if flaw := impure(state):
        return flaw
    saved = copy.deepcopy(state)
    expected = _signature(_play(whole, rounds=range(half, _ROUNDS)))
    resumed = make()
    resumed.load_state_dict(saved)
    if _signature(_play(resumed, rounds=range(half, _ROUNDS))) != expected:
        return "a new object with the saved state proposes other tasks than the one that went on."
    late = make()
    late.load_state_dict(state)
    if _signature(_play(late, rounds=range(half, _ROUNDS))) != expected:
        return "a state that was handed out changed afterwards; hand out copies."
    return ""


def _play(
    curriculum: Curriculum,
    rounds: Iterable[int],
    distribution: TaskDistribution = START,
    constant: float | None = None,
) -> list[list[Proposal]]:
    """Returns the proposals of some rounds; rng and scores depend on the round alone."""
    batches = []
    for index in rounds:
        rng = np.random.default_rng(index)
        batch = curriculum.ask(training_source(), distribution, _BATCH, rng)
        scores = rng.random(len(batch)) if constant is None else np.full(len(batch), constant)
        curriculum.tell(batch, scores)
        batches.append(list(batch))
    return batches


def _outside(batch: Sequence[Proposal], distribution: TaskDistribution) -> str:
    rows = [dict(p.task.params) for p in batch if not distribution.contains(p.task.params)]
    return str(rows[0]) if rows else ""


def _signature(batches: Sequence[Sequence[Proposal]]) -> list[list[tuple[str, str, bool]]]:
    return [[(p.task.id, p.origin, p.train) for p in batch] for batch in batches]


CHECKS: Mapping[str, Callable[[Any], str]] = {
    "settings are a frozen dataclass, the score is known": _declared,
    "proposals are as many as asked for, inside the distribution": _inside,
    "no task of validation or test": _only_training_tasks,
    "a new distribution is obeyed at once": _obeys,
    "scores that are constant, NaN or infinite do no harm": _survives_scores,
    "the rng alone decides, and no global one is touched": _rng_alone,
    "a state taken and given back goes on the same": _resumes,
}
