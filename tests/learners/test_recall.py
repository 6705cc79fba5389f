"""The memory of what came of each action in places that look alike."""

import math

import pytest
import torch
from step_by_step import step_by_step

from learners.algorithms.rl2 import RL2
from learners.networks import NetworkShape, RecurrentActorCritic
from learners.recall import Recall, RecallNotes, RecallShape

# What two places, two actions and a reward look like: [place, place | act, act | reward].
COLUMNS = 5


def step(place, action=None, reward=0.0):
    columns = [0.0] * COLUMNS
    columns[place] = 1.0
    if action is not None:
        columns[2 + action] = 1.0
    columns[4] = reward
    return columns


def sizes(**changes):
    given = {"num_inputs": COLUMNS, "num_observed": 2, "num_actions": 2, "num_places": 4}
    return RecallShape(**{**given, "num_averages": 3, "num_units": 5, **changes})


def tabular(num_actions=2):
    """Notes whose places are the two states and whose one average is of the reward."""
    notes = RecallNotes(sizes(num_actions=num_actions, num_places=2, num_averages=1))
    with torch.no_grad():
        for parameter in notes.parameters():
            parameter.zero_()
        notes.place.weight.copy_(200.0 * torch.eye(2))
        notes.noted.weight[0, 4] = 1.0
    return notes


def drawn(**changes):
    notes = RecallNotes(sizes(**changes))
    notes.initialize(torch.Generator().manual_seed(0))
    return notes


def network(cell):
    shape = {"num_inputs": COLUMNS, "num_outputs": 2, "hidden_size": 6, "recall": sizes()}
    layers = {"encoder_sizes": (7,), "heads_see_inputs": True}
    return RecurrentActorCritic(NetworkShape(cell=cell, **shape, **layers), seed=0)


def some_inputs(num_steps, num_lifetimes=3):
    generator = torch.Generator().manual_seed(1)
    numbers = torch.rand(num_steps, num_lifetimes, COLUMNS, generator=generator)
    acted = torch.nn.functional.one_hot((3 * numbers[..., 2]).long() % 2, 2).float()
    return torch.cat((numbers[..., :2], acted, numbers[..., 4:]), dim=-1)


def test_each_action_of_a_place_has_its_own_average_and_count():
    # In place 0 action 1 earned 4 and then 2; in place 1 action 0 earned 3.
    lifetime = [step(0), step(0, 1, 4.0), step(1, 1, 2.0), step(0, 0, 3.0), step(1, 1, 8.0)]
    read, _ = tabular()(torch.tensor(lifetime)[:, None])
    # [average, log count] of action 0 and of action 1
    nothing, once, twice, thrice = 0.0, math.log(2.0), math.log(3.0), math.log(4.0)
    expected = [
        [0.0, nothing, 0.0, nothing],
        [0.0, nothing, 4.0 / 2, once],
        [0.0, nothing, 0.0, nothing],
        [0.0, nothing, 6.0 / 3, twice],
        [3.0 / 2, once, 0.0, nothing],
    ]
    assert read[:, 0].tolist() == [pytest.approx(entry, abs=1e-6) for entry in expected]
    back, _ = tabular()(torch.tensor([*lifetime, step(0, 0, 1.0)])[:, None])
    assert back[-1, 0].tolist() == pytest.approx([0.0, nothing, 14.0 / 4, thrice])


def test_where_actions_are_numbers_a_place_has_one_entry():
    lifetime = torch.tensor([step(0), step(0, 1, 4.0), step(0, 0, 2.0)])[:, None]
    read, _ = tabular(num_actions=0)(lifetime)
    assert read[-1, 0].tolist() == pytest.approx([6.0 / 3, math.log(3.0)])


@pytest.mark.parametrize("num_actions", [0, 2])
def test_step_by_step_equals_all_at_once(num_actions):
    notes, inputs = drawn(num_actions=num_actions), some_inputs(300)  # more than one chunk
    with torch.no_grad():
        whole, last = notes(inputs)
    steps, state = step_by_step(notes, inputs)
    torch.testing.assert_close(steps, whole, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(state, last, atol=1e-3, rtol=1e-4)


def test_the_order_of_what_was_lived_through_makes_no_difference():
    notes, inputs = drawn(num_places=1), some_inputs(20)
    ways = [inputs, torch.cat((inputs[:1], inputs[1:19].flip(0), inputs[19:]))]
    with torch.no_grad():
        here, there = (notes(way)[0][-1] for way in ways)
    torch.testing.assert_close(here, there, atol=1e-5, rtol=1e-5)


def test_a_state_that_was_given_is_left_as_it_was():
    notes, inputs = drawn(), some_inputs(3)
    with torch.no_grad():
        _, state = notes(inputs)
        kept = [part.clone() for part in state]
        first, _ = notes(inputs[:1], state)
        second, _ = notes(inputs[:1], state)
    torch.testing.assert_close(state, tuple(kept), rtol=0, atol=0)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_actions_are_scored_by_what_is_noted_of_them_not_by_their_place_in_the_list():
    recall, inputs = Recall(sizes(), num_features=3), some_inputs(20)
    swapped = inputs[..., [0, 1, 3, 2, 4]]
    features = torch.rand(20, 3, 3, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        recall.notes.noted.weight[:, 2:4] = 0.0  # notes that do not name the action
        recall.look.context.weight[:, 2:4] = 0.0
        found, read, _ = recall(inputs, None)
        other_found, other_read, _ = recall(swapped, None)
        scores, others = recall.scores(read, features), recall.scores(other_read, features)
    torch.testing.assert_close(found, other_found, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(scores, others.flip(-1), atol=1e-6, rtol=1e-5)
    assert (scores[1:, :, 0] != scores[1:, :, 1]).any()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_network_with_a_recall_acts_step_by_step_as_it_learns_at_once(cell):
    model, inputs = network(cell), some_inputs(40)
    with torch.no_grad():
        whole, _ = model(inputs)
    steps, _ = step_by_step(model, inputs)
    torch.testing.assert_close(steps, whole, atol=1e-5, rtol=1e-5)
    assert model.policy(whole).shape == (40, 3, 2)
    assert model.value(whole).shape == (40, 3)


def test_the_first_policy_is_nearly_uniform():
    model = network("gru")
    with torch.no_grad():
        outputs = model.policy(model(some_inputs(30))[0])
    assert outputs.softmax(-1).sub(0.5).abs().max() < 0.05


def test_dropping_lifetimes_on_the_way_changes_neither_features_nor_gradients():
    lengths = [90, 60, 31, 30, 12]
    valid = (torch.arange(90)[:, None] < torch.tensor(lengths))[..., None]
    inputs = some_inputs(90, num_lifetimes=5)
    results = []
    for whole in (True, False):
        model = network("gru")
        kept = (model.whole_lifetimes(inputs, lengths) if whole else model(inputs)[0]) * valid
        (kept.square().sum() + model.policy(kept).square().sum()).backward()
        results.append((kept, [p.grad for p in model.recall.parameters()]))
    torch.testing.assert_close(results[0], results[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recall_places": -1}, "recall_places must be at least 0"),
        ({"recall_averages": 0}, "recall_averages must be above 0"),
        ({"recall_units": 0}, "recall_units must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RL2.Config(**settings)
