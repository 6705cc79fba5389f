"""Loops over slots that call the game library without coming back to Python in between.

They let go of Python's lock, so that several threads can each take some of the slots.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import numba


@numba.njit(cache=True, nogil=True)
def start_over(act, slots, handles, given, reset):
    """Starts an episode in some slots.

    Args:
        act: `libenv_act` of the library, which reads the action where the instance was told to.
        slots: which, [N].
        handles: the instance of each slot, uint64 [B].
        given: where the instances read their actions, int32 [B].
        reset: the action that starts over.
    """
    for slot in slots:
        given[slot] = reset
        act(handles[slot])


@numba.njit(cache=True, nogil=True)
def advance(
    act,
    slots,
    handles,
    given,
    told,
    first,
    complete,
    actions,
    steps,
    timeouts,
    rewards,
    terminated,
    successes,
    fresh,
):
    """Takes one step in some slots.

    Args:
        act: `libenv_act` of the library.
        slots: which, [N].
        handles: the instance of each slot, uint64 [B].
        given: where the instances read their actions, int32 [B].
        told: the rewards that they write, float32 [B].
        first: whether what they show is the first frame of an episode, bool [B].
        complete: whether the step reached the goal, bool [B].
        actions: of this step, [B].
        steps: of the episode so far, int64 [B].
        timeouts: steps after which a game ends by itself, which counts as no end, int64 [B].
        rewards: written, float64 [B].
        terminated: written, bool [B].
        successes: written, bool [B].
        fresh: written: `first`, bool [B].
    """
    for slot in slots:
        given[slot] = actions[slot]
        act(handles[slot])
        over = first[slot]
        rewards[slot] = told[slot]
        successes[slot] = over and complete[slot]
        terminated[slot] = over and (complete[slot] or steps[slot] + 1 < timeouts[slot])
        fresh[slot] = over
