"""The presets of the RL² tables play the published settings."""

import pytest

from curricula.campaigns.config.files import load
from curricula.campaigns.generation.setup import Setup


@pytest.mark.parametrize(
    ("name", "values", "num_steps"),
    [
        (
            "mdp",
            {
                "states": 10,
                "actions": 5,
                "concentration": 1.0,
                "reward_mean": 1.0,
                "reward_spread": 1.0,
                "noise": 1.0,
                "horizon": 10,
            },
            100,
        ),
        ("bandit-100", {"pulls": 100, "alpha": 1.0, "beta": 1.0}, 100),
    ],
)
def test_a_preset_is_the_published_setting(name, values, num_steps):
    config = load(name)
    setup = Setup(config)
    regions = setup.start.regions
    assert {key: (region.low, region.high) for key, region in regions.items()} == {
        key: (value, value) for key, value in values.items()
    }
    horizon = values.get("horizon", values.get("pulls"))
    assert config.lifetime.num_episodes * horizon == num_steps
    assert config.generation.branch_env_steps % (config.generation.tasks_per_batch * num_steps) == 0
