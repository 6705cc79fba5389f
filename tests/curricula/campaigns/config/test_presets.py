"""Every preset starts: its distributions hold tasks of every side of the split."""

from importlib.util import find_spec

import numpy as np
import pytest

from curricula.campaigns.config.files import load, presets
from curricula.campaigns.generation.setup import Setup
from taskgen.source import TaskSource
from taskgen.splits import SPLITS

WHEEL_IS_HERE = find_spec("procgen") is not None


@pytest.mark.parametrize("name", [p for p in presets() if WHEEL_IS_HERE or p != "procgen-maze"])
def test_every_preset_finds_tasks_to_train_on_and_tasks_to_hold_out(name):
    config = load(name)
    setup = Setup(config)
    rng = np.random.default_rng(0)
    for place in (setup.start, setup.frontier(setup.start)):
        for split in SPLITS if config.splits.enabled else (None,):
            source = TaskSource(setup.generator, split, config.splits.salt)
            assert len(source.make(place, 4, rng)) == 4
