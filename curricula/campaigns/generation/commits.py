"""What a generation writes down of itself: the record that its commit holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from curricula.campaigns.config.schema import deciding
from curricula.campaigns.exams.playing import counted_in, judged_by
from curricula.campaigns.exams.tally import Tally
from curricula.campaigns.generation.branches import Branch, Grown
from curricula.campaigns.generation.nursery import Nursery
from curricula.campaigns.generation.references import committed, references_of
from curricula.campaigns.generation.seeding import rng_for
from curricula.campaigns.generation.setup import Setup
from curricula.statistics import measures
from taskgen.distribution import TaskDistribution, Weights
from taskgen.draws import MAX_REASONS
from taskgen.outcomes import Outcomes
from taskgen.parameters import Categorical
from taskgen.source import TaskSource
from taskgen.splits import Split

_NOTHING = Outcomes(
    returns=np.zeros((0, 1)),
    lengths=np.zeros((0, 1), dtype=np.int64),
    successes=None,
    complete=np.zeros((0, 1), dtype=bool),
    valid=np.zeros((0, 0), dtype=bool),
)


def first_record(
    setup: Setup,
    branch: Branch,
    nursery: Nursery,
    seconds: float,
    references: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Returns the record of generation 0: the untrained learner on the monitor sets.

    Args:
        setup: of the campaign.
        branch: the untrained learner, examined.
        nursery: that it grew in.
        seconds: since the process began to work for the campaign.
        references: of the monitor sets, as `references` measures them.
    """
    before = {
        "totals": {},
        "quarantine": {},
        "best": {"target_return": None, "start_return": None, "mastered_volume": None},
        "incumbent": setup.start.to_json(),
    }
    search = {"state": setup.search.state_dict(), "metrics": {}}
    common = _common(setup, before, branch, setup.start, nursery, seconds, search, references or {})
    nothing = {"difference": 0.0, "difference_se": 0.0, "noise": 0.0, "aa_gain_sd": None}
    return {
        **common,
        "settings": deciding(setup.config.model_dump(mode="json")),
        "candidates": [],
        "decision": {"winner": 0, "decided_by": "start", **nothing},
        "noise_history": [],
        "gain_history": [],
    }


def next_record(
    setup: Setup,
    before: Mapping[str, Any],
    grown: Grown,
    nursery: Nursery,
    seconds: float,
    references: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Returns the record of a generation that is about to be committed.

    Args:
        setup: of the campaign.
        before: the last commit.
        grown: what the generation came to.
        nursery: that its branches grew in.
        seconds: since the last commit, or since the process began where it made none yet.
        references: of the monitor sets, as for `first_record`.
    """
    metrics = setup.search.metrics() if grown.search_asked else {}
    search = {"state": setup.search.state_dict(), "metrics": metrics}
    common = _common(
        setup, before, grown.branch, grown.incumbent, nursery, seconds, search, references or {}
    )
    common["totals"]["lineage_env_steps"] += grown.branch.env_steps
    common["seconds"]["search"] = grown.search_s
    return {
        **common,
        "candidates": [_candidate(i, branch) for i, branch in enumerate(grown.branches)],
        "decision": {k: _number(v) for k, v in grown.decision.items()},
        "noise_history": [_number(value) for value in grown.noise_history],
        "gain_history": [_number(value) for value in grown.gain_history],
        "search_rest": grown.search_rest,
    }


def _common(
    setup: Setup,
    before: Mapping[str, Any],
    branch: Branch,
    incumbent: TaskDistribution,
    nursery: Nursery,
    seconds: float,
    search: dict[str, Any],
    references: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    generation = nursery.generation
    monitor = _monitor(setup, branch, references)
    reached = _reached(setup, before, branch, generation)
    forgetting, highest = _forgetting(before["best"], monitor)
    best = {**_best(setup, before["best"], monitor, reached, generation), "start_return": highest}
    return {
        "campaign": setup.config.name,
        "generation": generation,
        "incumbent": incumbent.to_json(),
        "frontier": setup.frontier(incumbent).to_json(),
        "volume": setup.volume(incumbent),
        "movable": setup.movable,
        "parameters": _parameters(incumbent),
        "totals": _totals(before["totals"], nursery.tallies, seconds),
        "evaluation_env_steps": sum(tally.evaluation_env_steps for tally in nursery.tallies),
        "counted": counted_in(setup.generator),
        "judged_by": judged_by(setup.generator),
        "monitor": monitor,
        "references": committed(references, generation),
        "reached": reached,
        "forgetting": forgetting,
        "best": best,
        "tasks": _specimens(setup, incumbent, nursery),
        "search": search["state"],
        "search_metrics": search["metrics"],
        "quarantine": _quarantine(before["quarantine"], nursery.tallies),
        "draw_reasons": _reasons(nursery.tallies),
        "draws": _sum_of(tally.draws for tally in nursery.tallies),
        "exam_sets": {k: v for tally in nursery.tallies for k, v in tally.exam_sets.items()},
        "seconds": {
            "train": sum(tally.train_s for tally in nursery.tallies),
            "evaluate": sum(tally.evaluate_s for tally in nursery.tallies),
            "generation": seconds,
        },
    }


def _monitor(
    setup: Setup, branch: Branch, references: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Returns the measures of the fixed sets; intervals come from a seed of their own."""
    threshold = setup.config.evaluation.success_threshold
    rng = rng_for(setup.config.seed, 0, "intervals")
    found = {}
    for name in ("target", "start"):
        exam = f"monitor-{name}"
        played = exam in branch.exams
        held_against = references_of(references.get(exam)) if played else None
        found[name] = measures(branch.exams.get(exam, _NOTHING), rng, threshold, held_against)
    return found


_PLACES = ("adoption", "selection", "monitor-target")
"""Exams on the frontier, first those whose tasks had the least say in who goes on."""


def _reached(
    setup: Setup, before: Mapping[str, Any], branch: Branch, generation: int
) -> dict[str, Any]:
    """Returns how the learner did on what counted in its generation, the frontier of its start."""
    frontier = setup.frontier(setup.distribution(before["incumbent"]))
    exam = next((name for name in _PLACES if name in branch.exams), None)
    rng = rng_for(setup.config.seed, generation, "frontier/intervals")
    found = measures(
        branch.exams.get(exam or "", _NOTHING), rng, setup.config.evaluation.success_threshold
    )
    volume, mastered = setup.volume(frontier), found["mastered_share"]
    return {
        "exam": exam,
        "frontier": frontier.to_json(),
        "volume": volume,
        "mastered_volume": None if mastered is None else volume * mastered,
        "measures": found,
    }


def _best(
    setup: Setup,
    before: Mapping[str, Any],
    monitor: Mapping[str, Any],
    reached: Mapping[str, Any],
    generation: int,
) -> dict[str, Any]:
    """Returns the best generation so far, and what it is the best by.

    With a target that is the return on its monitor set. Without one that set stays at the first
    ring; there it is the part of the space that is mastered, and where mastery has no meaning the
    newest generation.
    """
    target = monitor["target"]["return_mean"]
    mastered, most = reached["mastered_volume"], before.get("mastered_volume")
    if not setup.is_open_ended:
        by, is_better = "target_return", _or_worst(target) > _or_worst(before["target_return"])
    elif mastered is None and most is None:
        by, is_better = "newest", True
    else:
        by, is_better = "mastered_volume", _or_worst(mastered) >= _or_worst(most)
    if is_better or generation == 0:
        return {
            "generation": generation,
            "by": by,
            "target_return": target,
            "mastered_volume": mastered,
        }
    return {**before, "by": by}


def _forgetting(
    before: Mapping[str, Any], monitor: Mapping[str, Any]
) -> tuple[float | None, float | None]:
    """Returns how far the start set lies below its own best, and that best."""
    start = _or_worst(monitor["start"]["return_mean"])
    highest = max(start, _or_worst(before["start_return"]))
    return _number(highest - start), _number(highest)


def _or_worst(value: float | None) -> float:
    """Returns a measure, minus infinity where nothing could be measured."""
    return -math.inf if value is None else value


def _parameters(distribution: TaskDistribution) -> dict[str, dict[str, float]]:
    """Returns low and high, or the weights, of every parameter."""
    found: dict[str, dict[str, float]] = {}
    for name, region in distribution.regions.items():
        parameter = distribution.space[name]
        if isinstance(region, Weights):
            assert isinstance(parameter, Categorical)
            found[name] = dict(zip(parameter.choices, region.values, strict=True))
        else:
            found[name] = {"low": region.low, "high": region.high}
    return found


def _totals(
    before: Mapping[str, float], tallies: Iterable[Tally], seconds: float
) -> dict[str, float]:
    totals = {
        "env_steps": 0,
        "train_env_steps": 0,
        "scoring_env_steps": 0,
        "evaluation_env_steps": 0,
        "lineage_env_steps": 0,
        "gradient_updates": 0,
        "tasks": 0,
        "seconds": 0.0,
        **before,
    }
    for tally in tallies:
        totals["train_env_steps"] += tally.train_env_steps
        totals["scoring_env_steps"] += tally.scoring_env_steps
        totals["evaluation_env_steps"] += tally.evaluation_env_steps
        totals["gradient_updates"] += tally.gradient_updates
        totals["tasks"] += tally.num_tasks
    totals["env_steps"] = totals["train_env_steps"] + totals["evaluation_env_steps"]
    totals["seconds"] += seconds
    return totals


def _specimens(setup: Setup, incumbent: TaskDistribution, nursery: Nursery) -> list[dict[str, Any]]:
    """Returns a few tasks of the distribution that the learner trains on now."""
    config = setup.config
    if not config.tracking.num_pictures:
        return []
    split: Split | None = "train" if config.splits.enabled else None
    source = TaskSource(setup.generator, split, config.splits.salt)
    rng = rng_for(config.seed, nursery.generation, "specimens")
    return [task.to_json() for task in source.make(incumbent, config.tracking.num_pictures, rng)]


def _candidate(index: int, branch: Branch) -> dict[str, Any]:
    trained = [leg.tally for leg in branch.legs if leg.tally.train_env_steps]
    return {
        "index": index,
        "name": branch.name,
        "origin": branch.candidate.origin,
        "move": dict(branch.candidate.move),
        "distribution": branch.candidate.distribution.to_json(),
        "gain": _number(branch.gain),
        "gain_se": _number(branch.gain_se),
        "rung_gain": _number(branch.rung_gain),
        "pruned": branch.pruned,
        "failure": branch.failure,
        "env_steps": branch.env_steps,
        "seconds": sum(tally.train_s + tally.evaluate_s for tally in trained),
        "metrics": {k: _number(v) for k, v in trained[-1].metrics.items()} if trained else {},
    }


def _quarantine(before: Mapping[str, str], tallies: Iterable[Tally]) -> dict[str, str]:
    found = dict(before)
    for tally in tallies:
        for where, why in tally.failures.items():
            found.setdefault(where, why)
    return found


def _reasons(tallies: Iterable[Tally]) -> dict[str, str]:
    """Returns why parameters could not be made into tasks, a few of them."""
    found: dict[str, str] = {}
    for tally in tallies:
        found |= tally.draw_reasons
    return dict(list(found.items())[-MAX_REASONS:])


def _sum_of(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for name, value in count.items():
            total[name] = total.get(name, 0) + value
    return total


def _number(value: Any) -> Any:
    """Returns a value as JSON has it: a number that is not finite becomes None."""
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
