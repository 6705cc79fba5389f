"""A role in a generation has random numbers of its own, and the same ones for ever."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curricula.campaigns.generation.seeding import rng_for, seed_for

ROLES = ("training", "search", "selection/tasks", "selection/play", "adoption/tasks", "leg")


def test_campaigns_generations_roles_and_indices_never_share_a_seed():
    keys = list(itertools.product(range(4), range(50), ROLES, range(3)))
    seeds = {seed_for(campaign, g, role, index) for campaign, g, role, index in keys}
    assert len(seeds) == len(keys)
    assert seed_for(0, 3, "training") == seed_for(0, 3, "training", 0), "none counts as the first"


def test_neighbours_are_independent():
    table = np.array(
        [rng_for(0, g, role).normal(size=2000) for g in range(3) for role in ROLES]
        + [rng_for(campaign, 0, "training").normal(size=2000) for campaign in range(1, 4)]
    )
    correlations = np.corrcoef(table) - np.eye(len(table))
    assert np.abs(correlations).max() < 5 / np.sqrt(2000)


def test_seeds_are_what_they_always_were():
    """A campaign that was begun with another version goes on with the same numbers."""
    assert seed_for(0, 0, "training") == 3945432404368544842
    assert seed_for(7, 3, "training", 1) == 2492291579094461106


@given(st.integers(0, 2**40), st.integers(0, 10**6), st.text(max_size=20), st.integers(0, 100))
def test_a_seed_fits_into_62_bits_and_comes_again(campaign, generation, role, index):
    seed = seed_for(campaign, generation, role, index)
    assert 0 <= seed < 2**62
    assert seed == seed_for(campaign, generation, role, index)
    first, second = (rng_for(campaign, generation, role, index).integers(2**62) for _ in "ab")
    assert first == second
