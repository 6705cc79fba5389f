"""A generation with forks: every candidate trains a branch of its own, and the best goes on.

All branches fork the same checkpoint and train for the same steps with the same seeds. After a
share of the steps those that are behind beyond the noise stop (the rung). The best is played
against "keep" once more on fresh tasks, and adopted only if it wins there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from curricula.campaigns import adoption
from curricula.campaigns.branches import Branch, Nursery, lifetime_scores, measure_gains
from curricula.campaigns.ledger import Ledger
from curricula.campaigns.seeding import seed_for
from curricula.search import Candidate, Gain
from taskgen.distribution import TaskDistribution

if TYPE_CHECKING:
    from curricula.campaigns.campaign import Campaign


@dataclass
class Grown:
    """What a generation came to.

    Args:
        branch: the one that goes on.
        incumbent: where the learner lives now.
        branches: all that were tried, in order.
        decision: which goes on and why, as the record has it.
        noise_history: differences of all A/A pairs so far.
        gain_history: gains of all adopted branches so far.
        search_s: seconds spent asking and telling.
    """

    branch: Branch
    incumbent: TaskDistribution
    branches: list[Branch]
    decision: dict[str, Any]
    noise_history: list[float]
    gain_history: list[float]
    search_s: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)


def run(campaign: Campaign, nursery: Nursery, ledger: Ledger, incumbent: TaskDistribution) -> Grown:
    """Runs the forks of one generation and decides which goes on."""
    clock = time.perf_counter()
    branches = _plan(campaign, nursery.generation, incumbent)
    search_s = time.perf_counter() - clock
    noise = list(ledger.record["noise_history"])
    _grow(campaign, nursery, ledger, branches, incumbent, adoption.aa_gain_sd(noise))
    contenders = [branch for branch in branches if branch.name != "keep-again"]
    if len(contenders) < len(branches):
        noise.append(branches[-1].gain - branches[0].gain)
    clock = time.perf_counter()
    told = [b for b in contenders if b.candidate.origin != "challenger"]
    campaign.search.tell(
        [b.candidate for b in told], [Gain(_finite(b.gain), b.pruned) for b in told]
    )
    search_s += time.perf_counter() - clock
    decision, winner = _decide(campaign, nursery, incumbent, contenders, noise)
    gains = [*ledger.record["gain_history"], _finite(winner.gain)]
    distribution = winner.candidate.distribution
    return Grown(winner, distribution, branches, decision, noise, gains[-100:], search_s)


def _plan(campaign: Campaign, generation: int, incumbent: TaskDistribution) -> list[Branch]:
    """Returns the branches of a generation: keep, moves, perhaps a challenger and an A/A copy."""
    settings = campaign.config.generation
    seed = campaign.config.seed
    training_seed = seed_for(seed, generation, "training")
    moves = campaign.search.ask(
        incumbent,
        campaign.movable,
        settings.num_candidates - 1,
        generation=generation,
        seed=seed_for(seed, generation, "search"),
    )
    branches = [Branch("keep", Candidate(incumbent, "keep"), training_seed)]
    branches += [Branch(f"move-{i + 1}", move, training_seed) for i, move in enumerate(moves)]
    if campaign.target is not None and moves and _is_due(settings.challenger_every, generation):
        whole = campaign.target
        branches.append(Branch("challenger", Candidate(whole, "challenger"), training_seed))
    if moves and _is_due(settings.aa_every, generation):
        again = seed_for(seed, generation, "training", 1)
        branches.append(Branch("keep-again", Candidate(incumbent, "keep"), again))
    return branches


def _is_due(every: int, generation: int) -> bool:
    """Whether something that happens in the first generation and every few after it is due."""
    return every > 0 and (generation - 1) % every == 0


def _grow(
    campaign: Campaign,
    nursery: Nursery,
    ledger: Ledger,
    branches: Sequence[Branch],
    incumbent: TaskDistribution,
    aa_sd: float | None,
) -> None:
    """Trains the branches, in two legs with a rung between them, and measures their gains."""
    config = campaign.config

    def score(outcomes: Any) -> Any:
        return lifetime_scores(config, outcomes)

    env_steps = ledger.branch_env_steps(len(branches))
    exam = nursery.exam("selection", campaign.frontier(incumbent), config.evaluation.num_selection)
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
    campaign: Campaign,
    nursery: Nursery,
    incumbent: TaskDistribution,
    contenders: Sequence[Branch],
    noise: Sequence[float],
) -> tuple[dict[str, Any], Branch]:
    """Plays the best branch against "keep" on fresh tasks and decides between them."""
    config = campaign.config
    keep, aa_sd = contenders[0], adoption.aa_gain_sd(noise)
    rivals = [branch for branch in contenders[1:] if not branch.pruned]
    if not rivals:
        return adoption.kept(aa_sd).to_json(), keep
    best = max(rivals, key=lambda branch: _finite(branch.gain))
    exam = nursery.exam("adoption", campaign.frontier(incumbent), config.evaluation.num_adoption)
    nursery.examine([keep, best], [exam])
    decision = adoption.decide(
        lifetime_scores(config, best.exams["adoption"]),
        lifetime_scores(config, keep.exams["adoption"]),
        gains=[_finite(branch.gain) for branch in contenders],
        volumes=[b.candidate.distribution.volume(campaign.movable) for b in contenders],
        pruned=[branch.pruned for branch in contenders],
        winner=contenders.index(best),
        is_challenger=best.candidate.origin == "challenger",
        aa_sd=aa_sd,
        adopt_sd=config.generation.adopt_sd,
    )
    return decision.to_json(), contenders[decision.winner]


def _finite(value: float) -> float:
    """Returns a gain, a very poor one for a branch that could not be measured."""
    return value if math.isfinite(value) else -1e6
