"""A campaign whose curriculum has much to remember goes on, after a stop, as if there was none.

The curriculum is a mixture of others, so that one campaign proves it of all of them, each with a
move of the distribution between the generations.
"""

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.config.schema import BudgetConfig
from curricula.campaigns.store.checkpoint import CampaignStore
from tests.curricula.campaigns.tiny import tiny_config
from tests.curricula.campaigns.traces import digest_of, without_times

HERE = "curricula.algorithms."
PARTS = [
    {
        "name": f"{HERE}quality_diversity:QualityDiversity",
        "options": {"descriptors": ["size", "goal_distance"], "score": "positive_value_loss"},
    },
    {"name": f"{HERE}alp_gmm:ALPGMM", "options": {"fit_every": 12, "score": "mean_return"}},
    {"name": f"{HERE}learning_progress:LearningProgress", "options": {"score": "mean_return"}},
    {"name": f"{HERE}riac:RIAC", "options": {"max_points": 6, "score": "mean_return"}},
    {
        "name": f"{HERE}sfl:SFL",
        "options": {"num_scouted": 6, "num_kept": 3, "refresh_every": 2},
    },
]


def config(generations):
    return tiny_config(
        curriculum={"name": f"{HERE}mixture:Mixture", "options": {"parts": PARTS}},
        start={"size": [5, 7], "goal_distance": [0.0, 0.2], "horizon_factor": 0.5},
        lifetime={"num_episodes": 2, "train_steps": 24},
        generation={
            "num_candidates": 0,
            "branch_env_steps": 1440,
            "tasks_per_batch": 15,
            "move_on_success": 0.0,  # so short a training solves no boundary
        },
        budget={"generations": generations},
        evaluation={"test_at_end": False},
    )


def test_stopped_and_resumed_it_ends_the_same(tmp_path):
    whole = Campaign.create(config(3), tmp_path / "whole")
    whole.run()
    stopped = Campaign.create(config(1), tmp_path / "stopped")
    stopped.run()
    resumed = Campaign.resume(stopped.folder, changes={"budget": BudgetConfig(generations=3)})
    resumed.run()
    stores = [CampaignStore(each.folder) for each in (whole, resumed)]
    ends = [store.record(3) for store in stores]
    assert without_times(ends[0]) == without_times(ends[1])
    assert len({str(store.record(g)["incumbent"]) for store in stores[:1] for g in range(4)}) > 1
    states = [store.state(end) for store, end in zip(stores, ends, strict=True)]
    assert digest_of(states[0]) == digest_of(states[1])
    told = ends[0]["candidates"][0]["metrics"]
    assert told["curriculum/QualityDiversity_num_elites"] > 0
    assert told["curriculum/LearningProgress_num_cells_played"] > 1
    assert told["curriculum/RIAC_num_boxes"] > 1
