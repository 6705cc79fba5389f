"""What makes two tabular MDPs the same: one becomes the other by naming things otherwise.

States but the start may be renamed, and so may actions, each one everywhere alike; states that no
episode can come to are left out, and so are horizon and noise. What an action is called in one
state and not in another is no mere name: it is what has to be found out.

The form is that of colour refinement over states, actions and pairs of them, run until every state
has told every other of itself. MDPs that are the same never have two forms; two that differ could
share one only where refinement is blind, which are highly regular graphs with equal rewards, and
would then lie on one side of a split: the careful error.

Source: Weisfeiler and Leman 1968; here with probabilities and rewards as labels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.tabular.contents import MILLION, MDPs
from taskgen.randomness import mix

_STATE, _ACTION, _START = (np.uint64(n) for n in (0x51A7E, 0xAC7, 0x57A27))
_AGAIN = np.uint64(0x2545F4914F6CDD1D)


def forms(mdps: MDPs) -> list[bytes]:
    """Returns the canonical forms of B MDPs."""
    weights = np.rint(mdps.transitions * MILLION).astype(np.uint64)
    payments = mix(np.rint(mdps.rewards * MILLION).astype(np.int64).view(np.uint64))
    there = mdps.reachable[:, :, None] & mdps.is_action[:, None, :]
    B, S, A = payments.shape
    states = np.full((B, S), _STATE)
    states[:, 0] = _START
    actions = np.full((B, A), _ACTION)
    for _ in range(S):
        pairs = _pairs(weights, payments, states, actions) * there
        states = mix(states * _AGAIN + pairs.sum(axis=2))
        actions = mix(actions * _AGAIN + pairs.sum(axis=1))
    whole = mix((states * mdps.reachable).sum(axis=1)) + mix((actions * mdps.is_action).sum(axis=1))
    return [b"mdp %016x" % int(key) for key in whole]


def _pairs(
    weights: NDArray[np.uint64],
    payments: NDArray[np.uint64],
    states: NDArray[np.uint64],
    actions: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    """Returns the colours of (state, action): who, which, what it pays and where it leads.

    Sums in whole numbers, modulo 2⁶⁴, do not depend on the order of what they add.
    """
    ahead = np.einsum("bsat,bt->bsa", weights, mix(states))
    return mix(ahead + mix(payments ^ mix(states)[:, :, None]) + mix(actions)[:, None, :])
