"""What is counted of every slot in every step of a lifetime, each in one loop over the slots.

In numpy each is a handful of passes over small arrays, which cost more than a light task's step.
Arrays are [B] and are written in place; a bound on episodes or steps of -1 is none.
"""

import numba
import numpy as np


@numba.njit(cache=True)
def account(  # type: ignore[no-untyped-def]
    was_playing,
    playing,
    terminated,
    truncated,
    over,
    ended,
    again,
    episode,
    episode_steps,
    lifetime_steps,
    horizons,
    num_episodes,
    num_steps,
):
    """Counts one step of every slot, in place; returns whether any is `over`, any plays `again`.

    `ended` are episodes played to their end (goal or horizon), `truncated` those that the horizon
    or the lifetime's bound in steps cut, `over` either, `again` the slots that begin another one.
    """
    any_over = any_again = False
    for b in range(len(playing)):
        if not was_playing[b]:
            terminated[b] = False
            continue
        episode_steps[b] += 1
        lifetime_steps[b] += 1
        if not playing[b]:  # failed in this very step: nothing of the episode counts
            truncated[b] = over[b] = any_over = True
            terminated[b] = False
            continue
        if not terminated[b] and episode_steps[b] >= horizons[b]:
            truncated[b] = True
        ended[b] = terminated[b] or truncated[b]
        if ended[b]:
            episode[b] += 1
        out_of_steps = num_steps > 0 and lifetime_steps[b] >= num_steps
        out_of_episodes = num_episodes > 0 and episode[b] >= num_episodes
        if out_of_steps or out_of_episodes:
            playing[b] = False
            if not ended[b]:
                truncated[b] = True
        elif ended[b]:
            again[b] = any_again = True
        over[b] = terminated[b] or truncated[b]
        any_over |= over[b]
    return any_over, any_again


@numba.njit(cache=True)
def write_left(  # type: ignore[no-untyped-def]
    left,
    playing,
    episode,
    episode_steps,
    lifetime_steps,
    horizons,
    num_episodes,
    num_steps,
):
    """Writes what share of the lifetime remains to slots that play, by the scarcer bound."""
    for b in range(len(playing)):
        if not playing[b]:
            continue
        share = 1.0
        if num_episodes > 0:
            share -= (episode[b] + episode_steps[b] / horizons[b]) / num_episodes
        if num_steps > 0:
            share = min(share, 1.0 - lifetime_steps[b] / num_steps)
        left[b] = max(share, 0.0)


@numba.njit(cache=True)
def all_finite(numbers):  # type: ignore[no-untyped-def]
    """Returns whether no number of [N] is NaN or infinite."""
    count = 0  # counting to the end is vectorised, stopping at the first is not
    for i in range(numbers.size):
        count += np.isfinite(numbers[i])
    return count == numbers.size
