"""Where every random number of a campaign comes from: (campaign, generation, role, indices).

Nothing is drawn from a stream that outlives its purpose, so a generation can be played again from
its number alone, and no state of a random generator has to be saved.
"""

from __future__ import annotations

import zlib

import numpy as np


def sequence(
    campaign_seed: int, generation: int, role: str, *indices: int
) -> np.random.SeedSequence:
    """Returns the seed sequence of a role in a generation; different roles are independent."""
    return np.random.SeedSequence([campaign_seed, generation, zlib.crc32(role.encode()), *indices])


def seed_for(campaign_seed: int, generation: int, role: str, *indices: int) -> int:
    """Returns a seed in [0, 2⁶²).

    Example:
        >>> seed_for(0, 3, "train", 1) == seed_for(0, 3, "train", 1) != seed_for(0, 3, "train", 2)
        True
    """
    words = sequence(campaign_seed, generation, role, *indices).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(2))


def rng_for(campaign_seed: int, generation: int, role: str, *indices: int) -> np.random.Generator:
    """Returns the random generator of a role in a generation."""
    return np.random.default_rng(sequence(campaign_seed, generation, role, *indices))
