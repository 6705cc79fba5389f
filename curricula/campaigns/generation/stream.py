"""A generation without forks: every env step goes into the one learner.

The search proposes one move, the learner trains there and keeps what it learned; the move's gain is
compared with what the learner has been gaining lately (progress slows down whatever the move), and
the distribution moves only if that is better, or did no harm and covers more of what counts. Only
where the learner solves enough of what lies at its ends does covering more count for anything. Most
moves are the campaign's own, straight toward what counts: a search that knows a dozen gains is no
match for knowing where one wants to be. A search whose move did harm rests for a while, the longer
the more often in a row. A fall beyond the noise rolls learner and distribution back to
the last commit; its steps stay counted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from curricula.campaigns.generation import pace, stream_adoption
from curricula.campaigns.generation.adoption import Verdict
from curricula.campaigns.generation.branches import (
    HISTORY,
    Branch,
    Grown,
    lifetime_scores,
    measure_gains,
    probe_scores,
)
from curricula.campaigns.generation.ledger import Ledger
from curricula.campaigns.generation.nursery import Nursery
from curricula.campaigns.generation.seeding import seed_for
from curricula.campaigns.generation.setup import Setup
from curricula.search import Candidate, Gain
from taskgen.distribution import TaskDistribution

_LONGEST_REST = 8


@dataclass(frozen=True)
class Rest:
    """How long a search rests whose moves do harm.

    Args:
        left: of its turns, those that it still has to leave out.
        length: how many it leaves out after the next move that does harm.
    """

    left: int = 0
    length: int = 1

    def after(self, harmed: bool) -> Rest:
        """Returns the rest after a move of the search: twice as long each time in a row.

        Example:
            >>> Rest().after(True).after(True)
            Rest(left=2, length=4)
            >>> Rest(0, 4).after(False)
            Rest(left=0, length=1)
        """
        return Rest(self.length, min(2 * self.length, _LONGEST_REST)) if harmed else Rest()


def run(setup: Setup, nursery: Nursery, ledger: Ledger, incumbent: TaskDistribution) -> Grown:
    """Trains the learner on one move of its distribution, and decides what stays."""
    history = list(ledger.record["gain_history"])
    rest = Rest(**ledger.record.get("search_rest", {}))
    ours, rest = _turn(setup, nursery.generation, rest)
    paced = setup.can_move and not setup.search.decides
    solved = pace.solved_at_boundaries(setup, nursery, incumbent) if paced else {}
    free = pace.free_to_go(setup, solved)
    clock = time.perf_counter()
    branch = _propose(setup, nursery.generation, incumbent, free if ours else None)
    search_s = time.perf_counter() - clock
    start = _train(setup, nursery, ledger, branch, incumbent)
    if not ours:
        clock = time.perf_counter()
        baseline = stream_adoption.recent_mean(history)
        setup.search.tell([branch.candidate], [Gain(branch.gain - baseline)])
        search_s += time.perf_counter() - clock
        _probe(setup, nursery, branch)
    verdict = _decide(setup, incumbent, branch, history, free)
    fell = verdict.decided_by == "rollback"
    follows = verdict.decided_by == "search" and branch.candidate.origin == "move"
    moves = follows or verdict.decided_by in ("test", "tie")
    if branch.candidate.origin == "move":
        adopt_sd = setup.config.generation.adopt_sd
        harmless = stream_adoption.is_harmless(branch.gain, branch.gain_se, adopt_sd)
        rest = rest.after(harmed=not harmless)
    return Grown(
        branch=start if fell else branch,
        incumbent=branch.candidate.distribution if moves else incumbent,
        branches=[branch],
        decision=verdict.to_json() | {"boundaries": solved} | ({} if moves else {"winner": None}),
        noise_history=[],
        gain_history=(history if fell else [*history, branch.gain])[-HISTORY:],
        search_asked=not ours,
        search_rest=asdict(rest),
        search_s=search_s,
    )


def _decide(
    setup: Setup,
    incumbent: TaskDistribution,
    branch: Branch,
    history: Sequence[float],
    free: Sequence[str],
) -> Verdict:
    """Decides whether the move is made; a search that decides by itself is followed."""
    if setup.search.decides:
        return stream_adoption.follow(branch.gain, branch.gain_se, history)
    verdict = stream_adoption.decide(
        branch.gain,
        branch.gain_se,
        history,
        coverage=_coverage(setup, incumbent, branch.candidate.distribution, free),
        to_cover_more=_to_cover_more(setup),
        adopt_sd=setup.config.generation.adopt_sd,
        rollback_sd=setup.config.generation.rollback_sd,
    )
    stayed = branch.candidate.origin == "keep" and verdict.decided_by == "test"
    return replace(verdict, decided_by="keep") if stayed else verdict


def _to_cover_more(setup: Setup) -> stream_adoption.Standard:
    """Returns what a move that covers more must at least do.

    Towards a target, or where a boundary holds back whoever does not solve it, no harm. An
    open-ended frontier moves along with every move, and would lead a learner that has stopped
    learning away from all it can do: where success has no meaning, gains set the pace.
    """
    paced = setup.target is not None or setup.generator.has_success
    return "harmless" if paced else "as lately"


def _probe(setup: Setup, nursery: Nursery, branch: Branch) -> None:
    """Plays the trained learner where the search wants it measured, and tells what came of it."""
    exams = {} if branch.failure else setup.probes(nursery.generation, branch.candidate)
    if not exams:
        return
    nursery.examine([branch], list(exams.values()))
    if not branch.failure:
        played = {name: branch.exams[exam.name] for name, exam in exams.items()}
        setup.search.tell_probes({n: probe_scores(setup.config, o) for n, o in played.items()})


def _coverage(
    setup: Setup, incumbent: TaskDistribution, moved: TaskDistribution, free: Sequence[str]
) -> tuple[float, float]:
    """Returns how like what counts the incumbent is, where it may go on, and the moved one."""
    frontier = setup.frontier(incumbent)
    return incumbent.likeness(frontier, free), moved.likeness(frontier, free)


def _turn(setup: Setup, generation: int, rest: Rest) -> tuple[bool, Rest]:
    """Returns whether a generation's move is the campaign's own, and what is left of the rest."""
    every = setup.config.generation.search_every
    if not setup.can_move or setup.search.decides or every == 1:
        return False, rest
    if not every or generation % every:
        return True, rest
    if rest.left:
        return True, replace(rest, left=rest.left - 1)
    return False, rest


def _propose(
    setup: Setup, generation: int, incumbent: TaskDistribution, ours: Sequence[str] | None
) -> Branch:
    """Returns the branch of a generation.

    Args:
        setup: of the campaign.
        generation: its number.
        incumbent: where it starts from.
        ours: the parameters in which the campaign itself moves; None: the search does.
    """
    if ours is not None:
        candidate = setup.toward(incumbent, ours)
    else:
        moves = setup.propose(incumbent, 1, generation)
        candidate = moves[0] if moves else Candidate(incumbent, "keep")
    name = "move-1" if candidate.origin == "move" else candidate.origin
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
