"""The checks of curricula; each returns "" or the reason why a promise does not hold."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

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
    if unknown := [name for name in _names(made) if name not in SCORES]:
        return f"score must be None or one of {', '.join(SCORES)}, got {unknown[0]!r}."
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


def _traceable(make: Make) -> str:
    """What is replayed or edited was played before, so that every task can be traced."""
    played: set[str] = set()
    for batch in _play(make(), rounds=range(2 * _ROUNDS)):
        for proposal in batch:
            task, origin = proposal.task, proposal.origin
            if origin == "replay" and task.id not in played:
                return f"{task.id[:12]} is called a replay and was not played before."
            if origin != "replay" and bool(task.parents) != (origin == "edit"):
                return f"{task.id[:12]} is called {origin!r} and has the parents {task.parents}."
            if lost := [parent for parent in task.parents if parent not in played]:
                return f"{task.id[:12]} is an edit of {lost[0][:12]}, which was not played before."
        played |= {proposal.task.id for proposal in batch}
    return ""


def _obeys(make: Make) -> str:
    curriculum = make()
    _play(curriculum, rounds=range(_ROUNDS))
    for batch in _play(curriculum, rounds=range(_ROUNDS), distribution=ELSEWHERE):
        if outside := _outside(batch, ELSEWHERE):
            return f"after the distribution became {ELSEWHERE.to_json()}, {outside} came."
    return ""


def _survives_scores(make: Make) -> str:
    for values in ([0.0], [np.nan], [np.inf], [-np.inf], [np.nan, 0.5, np.inf, -np.inf, 0.25]):
        curriculum = make()
        batches = _play(curriculum, rounds=range(_ROUNDS), values=values)
        batches += _play(curriculum, rounds=range(_ROUNDS, _ROUNDS + 2))
        if any(len(batch) != _BATCH for batch in batches):
            return f"told scores of {values} alone, it no longer proposes {_BATCH} tasks."
        if any(_outside(batch, START) for batch in batches):
            return f"told scores of {values} alone, it leaves the distribution."
    return ""


def _answers(make: Make) -> str:
    """What was not asked for, or was told already, is refused or changes nothing."""
    strange = _play(make(), rounds=range(1))[0]
    curriculum = make()
    if flaw := _heeds(curriculum, strange, "before anything was asked for"):
        return flaw
    batch = _play(curriculum, rounds=range(_ROUNDS))[-1]
    return _heeds(curriculum, batch, "a second time for one ask")


def _heeds(curriculum: Curriculum, proposals: Sequence[Proposal], when: str) -> str:
    before = repr(curriculum.state_dict())
    with suppress(RuntimeError, ValueError):
        curriculum.tell(proposals, _told(curriculum, np.full(len(proposals), 0.5)))
    if repr(curriculum.state_dict()) != before:
        return f"told {when}, it takes it in; refuse it (curricula.curriculum.Asked)."
    return ""


def _speaks(make: Make) -> str:
    curriculum = make()
    early = curriculum.metrics()
    _play(curriculum, rounds=range(_ROUNDS))
    late = curriculum.metrics()
    if set(early) != set(late):
        return f"metrics has other names after play: {sorted(set(early) ^ set(late))}."
    odd = [name for name, value in late.items() if not isinstance(value, float | int)]
    return f"metrics must be numbers, {odd} are none." if odd else ""


def _rng_alone(make: Make) -> str:
    first = _signature(_play(make(), rounds=range(_ROUNDS)))
    second = with_other_globals(7, lambda: _signature(_play(make(), rounds=range(_ROUNDS))))
    if first != second:
        return "with the same rng and scores, other tasks came when the global seeds were others."
    return globals_touched(partial(_play, make(), rounds=range(_ROUNDS)))


def _resumes(make: Make) -> str:
    whole, half = make(), _ROUNDS // 2
    whole.load_state_dict(copy.deepcopy(make().state_dict()))  # as when a campaign begins
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
    again = make()
    again.load_state_dict(saved)
    if repr(again.state_dict()) != repr(saved):
        return "a state that is given back and taken again is another one."
    late = make()
    late.load_state_dict(state)
    if _signature(_play(late, rounds=range(half, _ROUNDS))) != expected:
        return "a state that was handed out changed afterwards; hand out copies."
    return ""


def _play(
    curriculum: Curriculum,
    rounds: Iterable[int],
    distribution: TaskDistribution = START,
    values: Sequence[float] | None = None,
) -> list[list[Proposal]]:
    """Returns the proposals of some rounds; rng and scores depend on the round alone.

    Args:
        curriculum: asked and told.
        rounds: their numbers.
        distribution: where tasks come from.
        values: the scores in turn; None: random ones in [0, 1).
    """
    batches = []
    for index in rounds:
        rng = np.random.default_rng(index)
        batch = curriculum.ask(training_source(), distribution, _BATCH, rng)
        num = len(batch)
        scores = rng.random(num) if values is None else np.resize(np.array(values), num)
        curriculum.tell(batch, _told(curriculum, scores))
        batches.append(list(batch))
    return batches


def _told(curriculum: Curriculum, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns scores as the curriculum wants them: [B], or a column for each that it names."""
    if isinstance(curriculum.score, tuple):
        return np.stack([np.roll(scores, k) for k in range(len(curriculum.score))], axis=1)
    return scores


def _names(curriculum: Curriculum) -> tuple[str, ...]:
    score = curriculum.score
    return (score,) if isinstance(score, str) else score or ()


def _outside(batch: Sequence[Proposal], distribution: TaskDistribution) -> str:
    rows = [dict(p.task.params) for p in batch if not distribution.contains(p.task.params)]
    return str(rows[0]) if rows else ""


def _signature(batches: Sequence[Sequence[Proposal]]) -> list[list[tuple[str, str, bool]]]:
    return [[(p.task.id, p.origin, p.train) for p in batch] for batch in batches]


CHECKS: Mapping[str, Callable[[Any], str]] = {
    "settings are a frozen dataclass, the score is known": _declared,
    "proposals are as many as asked for, inside the distribution": _inside,
    "no task of validation or test": _only_training_tasks,
    "every task can be traced to tasks that were played": _traceable,
    "a new distribution is obeyed at once": _obeys,
    "scores that are constant, NaN or infinite do no harm": _survives_scores,
    "the rng alone decides, and no global one is touched": _rng_alone,
    "a state taken and given back goes on the same": _resumes,
    "only what was asked for is taken in, once": _answers,
    "its metrics are numbers, of the same names always": _speaks,
}
