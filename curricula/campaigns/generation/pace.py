"""How fast a stream goes toward what counts: no faster than what lies at its ends is solved.

Before it trains, the learner plays tasks at each end of a movable interval beyond which what counts
goes on. Where it does not solve enough of them, there is more to learn here than further out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from curricula.campaigns.generation.nursery import Nursery
from curricula.campaigns.generation.setup import Setup
from curricula.scores import last_success
from taskgen.distribution import SIDES, Interval, Side, TaskDistribution

_FEWEST_TASKS = 32


def solved_at_boundaries(
    setup: Setup, nursery: Nursery, incumbent: TaskDistribution
) -> dict[str, float]:
    """Returns which share of the tasks at each boundary the learner solves in its last episode.

    They are named "<parameter>.<side>"; empty where success has no meaning, or nothing lies
    beyond. One that could not be played is left out.
    """
    if not setup.generator.has_success:
        return {}
    boundaries = list(_boundaries(setup, incumbent))
    num_tasks = setup.config.evaluation.num_selection // (2 * max(len(boundaries), 1))
    exams = {
        f"{name}.{side}": setup.exam(
            nursery.generation,
            f"boundary-{name}.{side}",
            incumbent.boundary(name, side),
            max(num_tasks, _FEWEST_TASKS),
            "validation",
        )
        for name, side in boundaries
    }
    if not exams:
        return {}
    learner = nursery.spare_branch("boundaries")
    nursery.examine([learner], list(exams.values()))
    played = {name: learner.exams.get(exam.name) for name, exam in exams.items()}
    return {
        name: float(np.mean(last_success(outcomes) > 0.0))  # what was not ended is not solved
        for name, outcomes in played.items()
        if outcomes is not None
    }


def free_to_go(setup: Setup, solved: Mapping[str, float]) -> list[str]:
    """Returns the movable parameters that are not held back by a boundary.

    Args:
        setup: of the campaign.
        solved: of `solved_at_boundaries`; one that is not in it holds nothing back.
    """
    needed = setup.config.generation.move_on_success
    held = {boundary.rpartition(".")[0] for boundary, share in solved.items() if share < needed}
    return [name for name in setup.movable if name not in held]


def _boundaries(setup: Setup, incumbent: TaskDistribution) -> Iterator[tuple[str, Side]]:
    """Yields the ends of the movable intervals beyond which what counts goes on.

    Numbers that are but names have none: further out nothing is harder.
    """
    aim = setup.frontier(incumbent)
    for name in filter(setup.generator.space.is_ordered, setup.movable):
        here, there = incumbent.regions[name], aim.regions[name]
        if not (isinstance(here, Interval) and isinstance(there, Interval)):
            continue
        beyond = {"low": there.low < here.low, "high": there.high > here.high}
        if incumbent.moves([name]):
            yield from ((name, side) for side in SIDES if beyond[side])
