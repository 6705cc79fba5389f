"""A campaign's results from Python, and what is said when there are none."""

import pytest

from curricula.campaigns.api import evaluate_campaign, load_learner
from curricula.campaigns.campaign import Campaign
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
from tests.curricula.campaigns.tiny import tiny_config
from tests.curricula.campaigns.traces import digest_of


def store_of(root):
    return CampaignStore(root / "campaigns" / "tiny")


def committed(root, generation):
    """The digest of the learner that a commit holds."""
    record = list(store_of(root).records())[generation]
    return digest_of(store_of(root).state(record)["learner"])


@pytest.mark.parametrize("by", ["name", "folder"])
def test_the_newest_learner_by_name_or_folder(finished, by):
    campaign = "tiny" if by == "name" else finished / "campaigns" / "tiny"
    root = finished if by == "name" else finished / "nothing here"
    assert digest_of(load_learner(campaign, root).state_dict()) == committed(finished, 2)


def test_the_learner_of_a_generation(finished):
    learners = [load_learner("tiny", finished, generation=g) for g in range(3)]
    digests = [digest_of(learner.state_dict()) for learner in learners]
    assert digests == [committed(finished, g) for g in range(3)]
    assert len(set(digests)) == 3


def test_a_damaged_commit_is_passed_over_and_left_alone(finished):
    path = finished / "campaigns" / "tiny" / "checkpoints" / "000002.pt"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.warns(UserWarning, match="falls back"):
        learner = load_learner("tiny", finished)
    assert digest_of(learner.state_dict()) == committed(finished, 1)
    assert path.is_file(), "only the process that runs a campaign sets files aside"


def test_unknown_campaigns_generations_and_checkpoints_are_named(finished):
    with pytest.raises(CampaignError, match=r"no campaign 'tinny' \(did you mean tiny\?\)"):
        load_learner("tinny", finished)
    with pytest.raises(CampaignError, match="tiny has no commit of generation 7"):
        load_learner("tiny", finished, generation=7)
    (finished / "campaigns" / "tiny" / "checkpoints" / "000001.pt").unlink()
    with pytest.raises(CampaignError, match=r"generation 1 was not kept \(checkpoints.keep_"):
        load_learner("tiny", finished, generation=1)


def test_a_damaged_checkpoint_that_was_asked_for_is_named(finished):
    path = finished / "campaigns" / "tiny" / "checkpoints" / "000001.pt"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CampaignError, match=r"checkpoint of generation 1 is damaged"):
        load_learner("tiny", finished, generation=1)


def test_a_campaign_without_a_commit_says_so(tmp_path):
    Campaign.create(tiny_config(), tmp_path)
    for ask in (load_learner, evaluate_campaign):
        with pytest.raises(CampaignError, match="no commit yet"):
            ask("tiny", tmp_path)


def test_a_running_campaign_is_not_put_to_the_test(finished):
    store = store_of(finished)
    store.lock()
    with pytest.raises(CampaignError, match="another process is running"):
        evaluate_campaign("tiny", finished)
    store.unlock()
    assert evaluate_campaign("tiny", finished)["uses"] == 2


def test_evaluation_leaves_the_campaign_as_it_was(finished):
    before = [committed(finished, g) for g in range(3)]
    evaluate_campaign("tiny", finished)
    assert [committed(finished, g) for g in range(3)] == before
    assert store_of(finished).last()["generation"] == 2
