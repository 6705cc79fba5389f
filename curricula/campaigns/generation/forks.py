"""A generation with forks: every candidate trains a branch of its own, and the best goes on.

All branches fork the same checkpoint and train for the same steps with the same seeds. After a
share of the steps those that are behind beyond the noise stop (the rung). The best is played
against "keep" once more on fresh tasks, and adopted only if it wins there. Where the settings say
so, all branches are then merged into one learner, which goes on if it is better than the adopted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from curricula.campaigns.generation import adoption, merging
from curricula.campaigns.generation.branches import (
    HISTORY,
    NUM_NOISE,
    Branch,
    Grown,
    lifetime_scores,
    measure_gains,
)
from curricula.campaigns.generation.ledger import Ledger
from curricula.campaigns.generation.nursery import Nursery
from curricula.campaigns.generation.seeding import seed_for
from curricula.campaigns.generation.setup import Setup
from curricula.search import Candidate, Gain
from taskgen.distribution import TaskDistribution


def run(setup: Setup, nursery: Nursery, ledger: Ledger, incumbent: TaskDistribution) -> Grown:
    """Runs the forks of one generation and decides which goes on."""
    clock = time.perf_counter()
    branches = _plan(setup, nursery.generation, incumbent)
    search_s = time.perf_counter() - clock
    noise = list(ledger.record["noise_history"])
    _grow(setup, nursery, ledger, branches, incumbent, adoption.aa_gain_sd(noise))
    contenders = [branch for branch in branches if branch.name != "keep-again"]
    if len(contenders) < len(branches) and math.isfinite(branches[-1].gain - branches[0].gain):
        noise.append(branches[-1].gain - branches[0].gain)
    clock = time.perf_counter()
    told = [b for b in contenders if b.candidate.origin != "challenger"]
    setup.search.tell([b.candidate for b in told], [Gain(b.gain, b.pruned) for b in told])
    search_s += time.perf_counter() - clock
    aa_sd = adoption.aa_gain_sd(noise)
    decision, winner = _decide(setup, nursery, incumbent, contenders, aa_sd)
    goes_on = winner
    if setup.config.generation.merge:
        exam = setup.adoption(nursery.generation, incumbent)
        moved_by_test = decision["decided_by"] in ("test", "challenger")
        goes_on, decision["merge"] = merging.try_merge(
            setup, nursery, exam, branches, winner, aa_sd, moved_by_test=moved_by_test
        )
    return Grown(
        branch=goes_on,
        incumbent=winner.candidate.distribution,
        branches=branches,
        decision=decision,
        noise_history=noise[-NUM_NOISE:],
        gain_history=[*ledger.record["gain_history"], winner.gain][-HISTORY:],
        search_s=search_s,
    )


def _plan(setup: Setup, generation: int, incumbent: TaskDistribution) -> list[Branch]:
    """Returns the branches of a generation: keep, moves, perhaps a challenger and an A/A copy."""
    settings = setup.config.generation
    seed = setup.config.seed
    training_seed = seed_for(seed, generation, "training")
    moves = setup.propose(incumbent, settings.num_candidates - 1, generation)
    branches = [Branch("keep", Candidate(incumbent, "keep"), training_seed)]
    branches += [Branch(f"move-{i + 1}", move, training_seed) for i, move in enumerate(moves)]
    goal = replace(setup.frontier(incumbent), rehearsal=incumbent.rehearsal)
    if moves and goal != incumbent and _is_due(settings.challenger_every, generation):
        branches.append(Branch("challenger", Candidate(goal, "challenger"), training_seed))
    if moves and _is_due(settings.aa_every, generation):
        again = seed_for(seed, generation, "training", 1)
        branches.append(Branch("keep-again", Candidate(incumbent, "keep"), again))
    return branches


def _is_due(every: int, generation: int) -> bool:
    """Whether something that happens in the first generation and every few after it is due."""
    return every > 0 and (generation - 1) % every == 0


def _grow(
    setup: Setup,
    nursery: Nursery,
    ledger: Ledger,
    branches: Sequence[Branch],
    incumbent: TaskDistribution,
    aa_sd: float | None,
) -> None:
    """Trains the branches, in two legs with a rung between them, and measures their gains."""
    config = setup.config

    def score(outcomes: Any) -> Any:
        return lifetime_scores(config, outcomes)

    env_steps = ledger.branch_env_steps(len(branches))
    exam = setup.selection(nursery.generation, incumbent)
    start = nursery.start_branch()
    rung_steps = int(config.generation.rung_share * env_steps) if len(branches) > 1 else 0
    if rung_steps:
        nursery.train(branches, rung_steps, exam, examine_only=[start])
        measure_gains(branches, score, start.exams["selection"])
        _prune(branches, aa_sd, config.generation.prune_sd)
        alive = [branch for branch in branches if not branch.pruned]
        nursery.train(alive, env_steps - rung_steps, exam)
    else:
        alive = list(branches)
        nursery.train(alive, env_steps, exam, examine_only=[start])
    measure_gains(alive, score, start.exams["selection"])


def _prune(branches: Sequence[Branch], aa_sd: float | None, prune_sd: float) -> None:
    """Stops the branches that are behind at the rung, never "keep" or its copy."""
    for branch in branches:
        branch.rung_gain = branch.gain
    pruned = adoption.pruned_at_rung(
        [branch.gain for branch in branches],
        [branch.gain_se for branch in branches],
        aa_sd,
        prune_sd,
        protected=[branch.candidate.origin == "keep" for branch in branches],
    )
    for branch, stops in zip(branches, pruned, strict=True):
        branch.pruned = bool(stops)


def _decide(
    setup: Setup,
    nursery: Nursery,
    incumbent: TaskDistribution,
    contenders: Sequence[Branch],
    aa_sd: float | None,
) -> tuple[dict[str, Any], Branch]:
    """Plays the best branch against "keep" on fresh tasks and decides between them."""
    config = setup.config
    rivals = [b for b in contenders[1:] if not b.pruned and math.isfinite(b.gain)]
    if not rivals:
        return adoption.kept(aa_sd).to_json(), contenders[0]
    best = max(rivals, key=lambda branch: branch.gain)
    frontier = setup.frontier(incumbent)
    nursery.examine([contenders[0], best], [setup.adoption(nursery.generation, incumbent)])
    if best.failure:
        return adoption.kept(aa_sd).to_json(), contenders[0]
    origins = [branch.candidate.origin for branch in contenders]
    verdict = adoption.decide(
        lifetime_scores(config, best.exams["adoption"]),
        lifetime_scores(config, contenders[0].exams["adoption"]),
        gains=[branch.gain for branch in contenders],
        coverages=[b.candidate.distribution.likeness(frontier, setup.movable) for b in contenders],
        pruned=[branch.pruned for branch in contenders],
        winner=contenders.index(best),
        challenger=origins.index("challenger") if "challenger" in origins else None,
        aa_sd=aa_sd,
        adopt_sd=config.generation.adopt_sd,
    )
    return verdict.to_json(), contenders[verdict.winner]
