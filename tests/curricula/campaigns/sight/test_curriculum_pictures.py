"""Heat maps of a commit's curriculum, from its checkpoint; and what of it is counted and told."""

import numpy as np
from PIL import Image

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.sight.curriculum_pictures import heat_map_figure, save_heat_maps
from curricula.campaigns.sight.points import record_points
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.curriculum import HeatMap
from tests.curricula.campaigns.tiny import tiny_config

ARCHIVE = {
    "name": "curricula.algorithms.quality_diversity:QualityDiversity",
    "options": {
        "descriptors": ["size", "goal_distance"],
        "num_cells": [3, 4],
        "score": "positive_value_loss",  # sixteen steps are too few for learnability
    },
}
SCOUTS = {
    "name": "curricula.algorithms.sfl:SFL",
    "options": {"num_scouted": 8, "num_kept": 4, "refresh_every": 2},
}
SHORT = {"num_candidates": 0, "branch_env_steps": 192, "tasks_per_batch": 4}
START = {"size": [5, 7], "goal_distance": [0.0, 0.2], "horizon_factor": 0.5}


def run(folder, curriculum):
    config = tiny_config(
        curriculum=curriculum, generation=SHORT, start=START, budget={"generations": 1}
    )
    campaign = Campaign.create(config, folder)
    campaign.run()
    return campaign, CampaignStore(campaign.folder).record(1)


def test_a_heat_map_is_drawn_with_its_axes_in_words():
    values = np.array([[0.1, np.nan, 0.2], [np.nan, 0.3, 0.4]])
    shown = HeatMap(values, "goal_distance", "size", (0.0, 3.0), (5.0, 9.0), "learnability")
    axes, bar = heat_map_figure(shown).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("goal distance", "size")
    assert (axes.get_xlim(), axes.get_ylim()) == ((0.0, 3.0), (5.0, 9.0))
    assert bar.get_ylabel() == "learnability"
    (image,) = axes.images
    np.testing.assert_array_equal(image.get_array().mask, np.isnan(values))


def test_the_archive_of_a_commit_is_drawn_from_its_checkpoint(tmp_path):
    campaign, record = run(tmp_path, ARCHIVE)
    config = campaign.config.model_dump(mode="json")
    (file,) = save_heat_maps(campaign.folder, config, record, tmp_path)
    assert file.name == "archive.png"
    assert np.asarray(Image.open(file)).std() > 0
    assert record_points(record)["curriculum/num_elites"] >= 1
    plain = {**config, "curriculum": {"name": "domain_randomization"}}
    assert save_heat_maps(campaign.folder, plain, record, tmp_path) == []


def test_play_for_the_score_alone_is_in_the_budget_and_counted_apart(tmp_path):
    _, record = run(tmp_path, SCOUTS)
    totals = record["totals"]
    # Batches of 4 tasks × 16 steps: two that scout, one that trains.
    assert totals["train_env_steps"] == 3 * 4 * 16
    assert totals["scoring_env_steps"] == 2 * 4 * 16
    assert totals["env_steps"] == totals["train_env_steps"] + totals["evaluation_env_steps"]
    assert record_points(record)["budget/scoring_env_steps"] == 128.0
    assert 0.0 < record_points(record)["curriculum/num_kept"] <= 4.0
