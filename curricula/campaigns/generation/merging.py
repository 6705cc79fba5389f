"""The merge of a generation's branches: what each learned, in one learner.

Forks that lose are training thrown away. So the parent's parameters plus the weighted sum of what
the branches changed may go on in place of the branch that was adopted, on its distribution, with
its curriculum and optimiser. How parts are merged is the learner's business
(`Learner.merged_state`), whether the merge goes on is decided in `adoption`.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from curricula.campaigns.config.plugins import make_learner
from curricula.campaigns.exams.sets import Exam
from curricula.campaigns.generation import adoption
from curricula.campaigns.generation.branch import start_state
from curricula.campaigns.generation.branches import Branch, lifetime_scores
from curricula.campaigns.generation.nursery import Nursery
from curricula.campaigns.generation.setup import Setup
from curricula.statistics import paired_difference
from taskgen.task import canonical_json

_log = logging.getLogger(__name__)


def try_merge(
    setup: Setup,
    nursery: Nursery,
    exam: Exam,
    branches: Sequence[Branch],
    chosen: Branch,
    aa_sd: float | None,
    *,
    moved_by_test: bool,
) -> tuple[Branch, dict[str, Any] | None]:
    """Merges the branches of a generation and has the merge play for its place.

    Args:
        setup: of the campaign.
        nursery: that grew the branches.
        exam: the adoption tasks.
        branches: all of the generation, "keep" first; those that stopped stay out.
        chosen: the one that goes on otherwise.
        aa_sd: of `adoption.aa_gain_sd`.
        moved_by_test: whether `chosen` was adopted because it won the test.

    Returns:
        The branch that goes on, and what the record says: "goes_on", "branches" (indices),
        "weights", "noise", the fields of `adoption.MergeVerdict`, "failure". None where there was
        nothing to merge.
    """
    members = [b for b in branches if not b.pruned and math.isfinite(b.gain)]
    if len(members) < 2 or chosen not in members:
        return chosen, None
    noise = adoption.gain_noise(aa_sd, _errors(setup, members))
    if math.isnan(noise):
        return chosen, None
    weights = adoption.merge_weights([b.gain for b in members], noise).tolist()
    facts = {
        "goes_on": False,
        "branches": [branches.index(b) for b in members],
        "weights": weights,
        "noise": noise,
        "failure": None,
    }
    merged = _merged(setup, nursery, members, weights, chosen)
    if merged.failure is None:
        players = [b for b in (branches[0], chosen, merged) if exam.name not in b.exams]
        nursery.examine(list({b.name: b for b in players}.values()), [exam])
    if merged.failure or chosen.failure:
        return chosen, {**facts, "failure": merged.failure or chosen.failure}
    mine, its, keeps = (
        lifetime_scores(setup.config, b.exams[exam.name]) for b in (merged, chosen, branches[0])
    )
    verdict = adoption.decide_merge(
        mine,
        its,
        keeps,
        moved_by_test=moved_by_test,
        aa_sd=aa_sd,
        adopt_sd=setup.config.generation.adopt_sd,
    )
    return merged if verdict.goes_on else chosen, {**facts, **verdict.to_json()}


def _errors(setup: Setup, members: Sequence[Branch]) -> list[float]:
    """Returns the standard errors of the gains above the first one's, paired over tasks."""
    first, *others = (lifetime_scores(setup.config, b.exams["selection"]) for b in members)
    return [paired_difference(other, first).se for other in others]


def _merged(
    setup: Setup,
    nursery: Nursery,
    members: Sequence[Branch],
    weights: Sequence[float],
    chosen: Branch,
) -> Branch:
    """Returns the merge as a branch; where the learner cannot be merged, one that failed."""
    branch = Branch("merge", replace(chosen.candidate, origin="merge", move={}), 0)
    branch.inherited_env_steps = sum(member.env_steps for member in members)
    winner = members.index(chosen)

    def make_state() -> dict[str, Any]:
        return merged_state(setup, start_state(nursery.start[0]), members, weights, winner)

    try:
        nursery.graft(branch, _digest(nursery, members, weights, winner), make_state)
    except MemoryError:  # says something about the machine, not about the learner
        raise
    except Exception as error:
        _log.warning("the branches could not be merged", exc_info=True)
        branch.failure = f"{type(error).__name__}: {error}"
    return branch


def merged_state(
    setup: Setup,
    parent: dict[str, Any],
    members: Sequence[Branch],
    weights: Sequence[float],
    winner: int,
) -> dict[str, Any]:
    """Returns the merged learner's state, and the curriculum's of the winner.

    Raises:
        Exception: whatever the learner raises that cannot be merged, or cannot take it back.
    """
    states = [member.state for member in members if member.state is not None]
    assert len(states) == len(members), "whoever has a gain has trained"
    learner = make_learner(setup.config.learner, setup.generator, seed=setup.config.seed)
    merged = learner.merged_state(
        parent["learner"], [state["learner"] for state in states], weights, winner
    )
    learner.load_state_dict(merged)
    return {"learner": learner.state_dict(), "curriculum": states[winner]["curriculum"]}


def _digest(
    nursery: Nursery, members: Sequence[Branch], weights: Sequence[float], winner: int
) -> str:
    """Returns what identifies the merge: its parent, its branches and their shares."""
    data = {
        "merge": [member.start[1] for member in members if member.start],
        "parent": nursery.start[1],
        "weights": [weight.hex() for weight in weights],
        "winner": winner,
    }
    return hashlib.sha256(canonical_json(data)).hexdigest()
