"""Pictures of how a campaign's learner plays."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from curricula.campaigns.api import play_campaign
from curricula.campaigns.campaign import Campaign
from curricula.campaigns.cli import app
from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
from taskgen.splits import split_of
from tests.curricula.campaigns.tiny import TINY


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A campaign of one generation on grids whose goals are split."""
    config = {
        **TINY,
        "generator": "grid-goal-v1",
        "search": "fixed",
        "start": {"size": 7, "goal_distance": [0, 1], "horizon_factor": 2.0},
        "target": {},
        "lifetime": {"num_episodes": 2},
        "generation": {"num_candidates": 1, "branch_env_steps": 64, "tasks_per_batch": 4},
        "evaluation": {"num_selection": 2, "num_adoption": 2, "num_monitor": 2, "num_test": 2},
        "budget": {"generations": 1},
    }
    root = tmp_path_factory.mktemp("grids")
    Campaign.create(CampaignConfig.model_validate(config), root).run()
    return root


def test_validation_tasks_are_played_to_their_end(root):
    store = CampaignStore(root / "campaigns" / "tiny")
    before = store.test_results()
    lifetimes = play_campaign("tiny", root, num_tasks=3, seed=4)
    assert len(lifetimes) == 3
    for lifetime in lifetimes:
        assert lifetime.task.content["size"] == 7
        assert [len(episode.rewards) for episode in lifetime.episodes] == [14, 14]
        goals = sorted(lifetime.task.content["goal"])
        form = b'{"goal":[%d,%d],"size":7}' % tuple(goals)
        assert split_of(form, store.config().splits.salt) == "validation"
    assert store.test_results() == before


def test_the_same_seed_plays_the_same_and_another_learner_does_not(root):
    def actions(generation):
        played = play_campaign("tiny", root, generation, num_tasks=4, seed=0)
        return np.concatenate([e.actions for lifetime in played for e in lifetime.episodes])

    assert np.array_equal(actions(1), actions(1))
    assert not np.array_equal(actions(0), actions(1))


def test_the_command_writes_a_sheet(root, tmp_path):
    out = tmp_path / "lifetimes.png"
    result = CliRunner().invoke(
        app, ["play", "tiny", "--num", "2", "--root", str(root), "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert "2 lifetimes drawn" in result.output
    assert Image.open(out).size[0] == 1200
    wrong = CliRunner().invoke(app, ["play", "tiny", "--root", str(root), "--out", "a.gif"])
    assert wrong.exit_code == 2


def test_a_family_without_such_pictures_says_so(finished):
    with pytest.raises(CampaignError, match="maze-v1 draws no picture of a whole lifetime"):
        play_campaign("tiny", finished)
