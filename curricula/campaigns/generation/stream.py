"""A generation without forks: every env step goes into the one learner.

The search proposes one move, the learner trains there and keeps what it learned; the move's gain is
compared with what the learner has been gaining lately (progress slows down whatever the move), and
the distribution moves only if that is better, or as good and covers more of what counts. A fall
beyond the noise rolls learner and distribution back to the last commit; its steps stay counted.
"""

from __future__ import annotations

import time

from curricula.campaigns.generation import adoption
from curricula.campaigns.generation.branches import (
    HISTORY,
    Branch,
    Grown,
    Nursery,
    lifetime_scores,
    measure_gains,
)
from curricula.campaigns.generation.ledger import Ledger
from curricula.campaigns.generation.seeding import seed_for
from curricula.campaigns.generation.setup import Setup
from curricula.search import Candidate, Gain
from taskgen.distribution import TaskDistribution


def run(setup: Setup, nursery: Nursery, ledger: Ledger, incumbent: TaskDistribution) -> Grown:
    """Trains the learner on one move of its distribution, and decides what stays."""
    config = setup.config
    history = list(ledger.record["gain_history"])
    clock = time.perf_counter()
    branch = _propose(setup, nursery.generation, incumbent)
    search_s = time.perf_counter() - clock
    start = _train(setup, nursery, ledger, branch, incumbent)
    baseline = adoption.recent_mean(history)
    clock = time.perf_counter()
    setup.search.tell([branch.candidate], [Gain(branch.gain - baseline)])
    search_s += time.perf_counter() - clock
    verdict = adoption.decide_stream(
        branch.gain,
        branch.gain_se,
        history,
        coverage=_coverage(setup, incumbent, branch.candidate.distribution),
        adopt_sd=config.generation.adopt_sd,
        rollback_sd=config.generation.rollback_sd,
    )
    fell, moves = verdict.decided_by == "rollback", verdict.decided_by in ("test", "tie")
    return Grown(
        branch=start if fell else branch,
        incumbent=branch.candidate.distribution if moves else incumbent,
        branches=[branch],
        decision=verdict.to_json() | ({} if moves else {"winner": None}),
        noise_history=[],
        gain_history=(history if fell else [*history, branch.gain])[-HISTORY:],
        search_s=search_s,
    )


def _coverage(
    setup: Setup, incumbent: TaskDistribution, moved: TaskDistribution
) -> tuple[float, float]:
    """Returns how like what counts the incumbent is, and how like it the moved one."""
    frontier = setup.frontier(incumbent)
    return incumbent.likeness(frontier, setup.movable), moved.likeness(frontier, setup.movable)


def _propose(setup: Setup, generation: int, incumbent: TaskDistribution) -> Branch:
    moves = setup.propose(incumbent, 1, generation)
    candidate = moves[0] if moves else Candidate(incumbent, "keep")
    name = "move-1" if moves else "keep"
    return Branch(name, candidate, seed_for(setup.config.seed, generation, "training"))


def _train(
    setup: Setup,
    nursery: Nursery,
    ledger: Ledger,
    branch: Branch,
    incumbent: TaskDistribution,
) -> Branch:
    """Trains the branch and measures its gain; returns the start that it is measured against."""
    config = setup.config
    exam = setup.selection(nursery.generation, incumbent)
    start = nursery.start_branch()
    nursery.train([branch], ledger.branch_env_steps(1), exam, examine_only=[start])
    measure_gains([branch], lambda o: lifetime_scores(config, o), start.exams["selection"])
    return start
