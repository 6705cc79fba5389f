"""The checks of searches; each returns "" or the reason why a promise does not hold."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from curricula.checks.specimens import (
    MOVABLE,
    SPACE,
    START,
    config_flaw,
    globals_touched,
    with_other_globals,
)
from curricula.search import Candidate, DistributionSearch, Gain
from taskgen.distribution import Interval, Region, TaskDistribution
from taskgen.task import canonical_json

Make: TypeAlias = Callable[..., DistributionSearch]
_ROUNDS = 5
_NUM_CANDIDATES = 2
_POINT = TaskDistribution.make(SPACE, {})
_NAN = float("nan")
_ODD_GAINS = (
    Gain(0.0),
    Gain(_NAN),
    Gain(math.inf),
    Gain(-math.inf),
    Gain(0.1, pruned=True),
    Gain(_NAN, pruned=True),
)


def _settings(make: Make) -> str:
    return config_flaw(type(make()).Config)


def _moves(make: Make) -> str:
    flaws = (_flaw(candidates, START) for candidates in _play(make(), range(_ROUNDS)))
    return next(filter(None, flaws), "")


def _extremes(make: Make) -> str:
    for incumbent in (_POINT, TaskDistribution.whole(SPACE)):
        for candidates in _play(make(), range(2), incumbent):
            if flaw := _flaw(candidates, incumbent):
                return f"from {incumbent.to_json()}: {flaw}"
    return ""


def _nothing_movable(make: Make) -> str:
    search = make()
    found = search.ask(START, [], _NUM_CANDIDATES, generation=1, seed=0)
    search.tell([Candidate(START, "keep")], [Gain(0.1)])
    if found:
        return f"no parameter may move, and {len(found)} candidates came."
    found = search.ask(START, MOVABLE, 0, generation=2, seed=0)
    return f"0 candidates were asked for, {len(found)} came." if found else ""


def _refuses(make: Make) -> str:
    search = make()
    stranger = Candidate(START, "move", {"size.shift": 0.123, "size.log_width": -0.321})
    for when in ("before it was asked", "after it was asked"):
        try:
            search.tell([stranger], [Gain(1.0)])
        except RuntimeError:
            search.ask(START, MOVABLE, _NUM_CANDIDATES, generation=1, seed=0)
            continue
        return f"told a move that it never proposed, {when}, it must raise RuntimeError."
    return ""


def _survives_gains(make: Make) -> str:
    for keep in (Gain(0.0), Gain(_NAN)):
        search = make()
        for index, gain in enumerate(_ODD_GAINS):
            candidates = _ask(search, START, index)
            if flaw := _flaw(candidates, START):
                return f"after odd gains: {flaw}"
            gains = [keep] + [gain] * len(candidates)
            search.tell([Candidate(START, "keep"), *candidates], gains)
            json.loads(canonical_json(search.state_dict()))
    return ""


def _same_again(make: Make) -> str:
    search = make()
    _play(search, range(_ROUNDS))
    first = _ask(search, START, _ROUNDS)
    if with_other_globals(7, lambda: _ask(search, START, _ROUNDS)) != first:
        return "asked twice with the same arguments, it answers differently."
    if _ask(search, START, _ROUNDS) != first:
        return "its answer depends on how often it was asked."
    return globals_touched(partial(_play, make(), range(2)))


def _probes(make: Make) -> str:
    search, limit = make(), 1 if make().decides else _NUM_CANDIDATES
    for generation in range(_ROUNDS):
        candidates = _ask(search, START, generation)
        if len(candidates) > limit:
            return f"a search that decides proposes one move at most, {len(candidates)} came."
        after = candidates[0].distribution if candidates else START
        probes = search.probes(after, MOVABLE)
        if search.probes(after, MOVABLE) != probes:
            return "asked twice for its probes, it answers differently."
        names = [probe.name for probe in probes]
        if len(set(names)) < len(names) or any(probe.num_tasks < 1 for probe in probes):
            return f"probes have names of their own and a task at least, got {probes}."
        search.tell([Candidate(START, "keep"), *candidates], [Gain(0.0)] * (1 + len(candidates)))
        odd = [_NAN, math.inf, 1.0]
        search.tell_probes({p.name: [odd[i % 3] for i in range(p.num_tasks)] for p in probes})
        json.loads(canonical_json(search.state_dict()))
    search.tell_probes({})
    return ""


def _resumes(make: Make) -> str:
    whole, half = make(), _ROUNDS - 2
    _play(whole, range(half))
    state = json.loads(canonical_json(whole.state_dict()))
    expected = _play(whole, range(half, _ROUNDS))
    resumed = make()
    resumed.load_state_dict(state)
    if _play(resumed, range(half, _ROUNDS)) != expected:
        return "a new object with the saved state proposes other moves than the one that went on."
    if resumed.state_dict() != whole.state_dict():
        return "after the same rounds, a resumed search has another state."
    return _resumes_between_ask_and_tell(make)


def _resumes_between_ask_and_tell(make: Make) -> str:
    search, resumed = make(), make()
    candidates = _ask(search, START, 1)
    resumed.load_state_dict(json.loads(canonical_json(search.state_dict())))
    for each in (search, resumed):
        _tell(each, candidates)
    same = _ask(search, START, 2) == _ask(resumed, START, 2)
    return "" if same else "a state saved between ask and tell does not go on the same."


def _journal_decides_nothing(make: Make) -> str:
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        plain, kept = make(), make(journal)
        expected = _play(plain, range(_ROUNDS))
        if _play(kept, range(_ROUNDS)) != expected:
            return "with a journal it proposes other moves than without."
        if _play(make(journal), range(_ROUNDS)) != expected:
            return "over a journal that an earlier run left, it proposes other moves."
    return ""


def _play(
    search: DistributionSearch, rounds: Iterable[int], incumbent: TaskDistribution = START
) -> list[list[Candidate]]:
    """Returns the candidates of some rounds; seeds and gains depend on the round alone."""
    found = []
    for generation in rounds:
        candidates = _ask(search, incumbent, generation)
        _tell(search, candidates, incumbent)
        found.append(candidates)
    return found


def _ask(
    search: DistributionSearch, incumbent: TaskDistribution, generation: int
) -> list[Candidate]:
    seed = 1000 + generation
    return search.ask(incumbent, MOVABLE, _NUM_CANDIDATES, generation=generation, seed=seed)


def _tell(
    search: DistributionSearch,
    candidates: Sequence[Candidate],
    incumbent: TaskDistribution = START,
) -> None:
    gains = [Gain(0.1 - 0.01 * sum(v * v for v in c.move.values())) for c in candidates]
    search.tell([Candidate(incumbent, "keep"), *candidates], [Gain(0.05), *gains])
    after = candidates[0].distribution if candidates else incumbent
    search.tell_probes({p.name: [1.0] * p.num_tasks for p in search.probes(after, MOVABLE)})
    for name, value in search.metrics().items():
        if not name.startswith("search/") or not math.isfinite(value):
            raise ValueError(f"metrics are finite and named search/…, got {name}: {value}.")


def _flaw(candidates: Sequence[Candidate], incumbent: TaskDistribution) -> str:
    """Returns what is wrong with a round's candidates, "" if nothing is."""
    if len(candidates) > _NUM_CANDIDATES:
        return f"{_NUM_CANDIDATES} candidates were asked for, {len(candidates)} came."
    seen = [incumbent]
    for candidate in candidates:
        if candidate.origin != "move":
            return f"a search proposes moves alone, got {candidate.origin!r}."
        if candidate.distribution in seen:
            return f"{candidate.distribution.to_json()} is the incumbent, or came twice."
        seen.append(candidate.distribution)
        if flaw := next(filter(None, _flaws(candidate, incumbent)), ""):
            return flaw
    return ""


def _flaws(candidate: Candidate, incumbent: TaskDistribution) -> Iterator[str]:
    axes = incumbent.moves(MOVABLE)
    odd = {k: v for k, v in candidate.move.items() if k not in axes or not -1.0 <= v <= 1.0}
    yield f"a move lies in the box [−1, 1] of {axes}, got {odd}." if odd else ""
    after = candidate.distribution
    if not _near(incumbent.moved(candidate.move), after):
        yield f"{candidate.move} leads elsewhere than {after.to_json()}; give the effective move."
    yield (
        "" if after.regions["still"] == incumbent.regions["still"] else "what is not movable moved."
    )
    for name, region in after.regions.items():
        if isinstance(region, Interval):
            bounded = SPACE[name].contains(region.low) and SPACE[name].contains(region.high)
            yield "" if bounded else f"{name} became {region}, outside of its declared bounds."


def _near(one: TaskDistribution, other: TaskDistribution) -> bool:
    """Whether two distributions are the same but for rounding errors."""
    pairs = zip(one.regions.values(), other.regions.values(), strict=True)
    return all(np.allclose(_numbers(a), _numbers(b), rtol=1e-6, atol=1e-9) for a, b in pairs)


def _numbers(region: Region) -> tuple[float, ...]:
    return (region.low, region.high) if isinstance(region, Interval) else region.values


CHECKS: Mapping[str, Callable[[Any], str]] = {
    "settings are a frozen dataclass": _settings,
    "moves lie in the box, candidates in the space, none twice": _moves,
    "nothing movable, nothing moved": _nothing_movable,
    "a point and the whole space can be moved": _extremes,
    "a move that was not asked for is refused": _refuses,
    "gains that are constant, NaN, infinite or pruned do no harm": _survives_gains,
    "asked again, the same answer, whatever the globals": _same_again,
    "probes are the same when asked again, and odd scores do no harm": _probes,
    "a state taken and given back, as JSON, goes on the same": _resumes,
    "the journal decides nothing": _journal_decides_nothing,
}
