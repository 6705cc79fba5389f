"""One learner out of several that were trained apart from a common parent.

Modules are averaged, parts that know how to pool what they saw do so, and everything else (an
optimiser's moments, counters) is taken from one branch, the winner. `Learner.merged_state` is the
way in; a learner whose parts need more overrides it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import torch

State: TypeAlias = Mapping[str, Any]


@runtime_checkable
class Poolable(Protocol):
    """A part that counts what it saw, as running moments do."""

    def pooled_state(self, parent: State, branches: Sequence[State]) -> dict[str, Any]:
        """Returns the state of one that saw what the parent saw and what each branch saw since."""


def merged_parts(
    parts: Mapping[str, Any],
    parent: State,
    branches: Sequence[State],
    weights: Sequence[float],
    winner: int,
) -> dict[str, Any]:
    """Returns the state of a learner that is the weighted mean of others, part by part.

    Args:
        parts: the learner's, by name; they tell how each is merged and stay as they are.
        parent: the state that all branches started from.
        branches: their states, [N].
        weights: of the branches, summing to 1, [N].
        winner: index of the branch that everything comes from that can be neither averaged nor
            pooled.
    """
    return {
        name: _merged_part(
            part, parent[name], [branch[name] for branch in branches], weights, winner
        )
        for name, part in parts.items()
    }


def _merged_part(
    part: Any, parent: State, branches: Sequence[State], weights: Sequence[float], winner: int
) -> Any:
    if isinstance(part, Poolable):
        return part.pooled_state(parent, branches)
    if isinstance(part, torch.nn.Module):
        return averaged(parent, branches, weights, winner)
    return branches[winner]


def averaged(
    parent: State, branches: Sequence[State], weights: Sequence[float], winner: int
) -> dict[str, Any]:
    """Returns θ = θ₀ + Σ wᵢ (θᵢ − θ₀) for every real tensor, summed in float64.

    Whole numbers and what is no tensor are the winner's.

    Args:
        parent: θ₀, tensors by name.
        branches: θᵢ, [N].
        weights: wᵢ, summing to 1, [N].
        winner: index of a branch.

    Source:
        Wortsman et al. 2022, "Model soups" (arXiv:2203.05482); as sums of differences Ilharco et
        al. 2022, "Editing models with task arithmetic" (arXiv:2212.04089). There what was
        averaged was fine-tuned to its end; here it trains on afterwards.
    """
    merged = dict(branches[winner])
    for name, start in parent.items():
        if isinstance(start, torch.Tensor) and start.is_floating_point():
            origin = start.double()
            moved = sum(
                weight * (branch[name].double() - origin)
                for weight, branch in zip(weights, branches, strict=True)
            )
            merged[name] = (origin + moved).to(start.dtype)
    return merged
