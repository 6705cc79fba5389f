"""The memory of what came of each action in places that look alike."""

import math

import pytest
import torch

from learners.algorithms.rl2 import RL2
from learners.networks import NetworkShape, RecurrentActorCritic
from learners.precision import resolve_compute
from learners.recall import RecallMemory, RecallShape

# What two places, two actions and a reward look like: [place, place | act, act | reward].
COLUMNS = 5


def row(place, action=None, reward=0.0):
    columns = [0.0] * COLUMNS
    columns[place] = 1.0
    if action is not None:
        columns[2 + action] = 1.0
    columns[4] = reward
    return columns


def tabular_memory(num_actions=2):
    """A memory whose places are the two states and whose one content is the reward."""
    shape = RecallShape(num_observed=2, num_actions=num_actions, num_places=2, num_contents=1)
    memory = RecallMemory(COLUMNS, 3, shape)
    with torch.no_grad():
        for parameter in memory.parameters():
            parameter.zero_()
        memory.place.weight.copy_(200.0 * torch.eye(2))
        memory.content.weight[0, 4] = 1.0
    return memory


def drawn_memory(num_actions=2, num_places=4):
    shape = RecallShape(num_observed=2, num_actions=num_actions, num_places=num_places)
    memory = RecallMemory(COLUMNS, 6, shape)
    memory.initialize(torch.Generator().manual_seed(0))
    return memory


def some_inputs(num_steps, num_lifetimes=3):
    drawn = torch.rand(
        num_steps, num_lifetimes, COLUMNS, generator=torch.Generator().manual_seed(1)
    )
    acted = torch.nn.functional.one_hot((3 * drawn[..., 2]).long() % 2, 2).float()
    return torch.cat((drawn[..., :2], acted, drawn[..., 4:]), dim=-1)


def test_each_action_of_a_place_has_its_own_average_and_count():
    # In place 0 action 1 earned 4 and then 2; in place 1 action 0 earned 3.
    lifetime = [row(0), row(0, 1, 4.0), row(1, 1, 2.0), row(0, 0, 3.0), row(1, 1, 8.0)]
    features, _ = tabular_memory()(torch.tensor(lifetime)[:, None])
    read = features[:, 0, 3:].tolist()  # [average, log count] of action 0 and of action 1
    nothing, once, twice, thrice = 0.0, math.log(2.0), math.log(3.0), math.log(4.0)
    expected = [
        [0.0, nothing, 0.0, nothing],
        [0.0, nothing, 4.0 / 2, once],
        [0.0, nothing, 0.0, nothing],
        [0.0, nothing, 6.0 / 3, twice],
        [3.0 / 2, once, 0.0, nothing],
    ]
    assert read == [pytest.approx(row, abs=1e-6) for row in expected]
    back, _ = tabular_memory()(torch.tensor([*lifetime, row(0, 0, 1.0)])[:, None])
    assert back[-1, 0, 3:].tolist() == pytest.approx([0.0, nothing, 14.0 / 4, thrice])


def test_where_actions_are_numbers_a_place_has_one_row():
    lifetime = torch.tensor([row(0), row(0, 1, 4.0), row(0, 0, 2.0)])[:, None]
    features, _ = tabular_memory(num_actions=0)(lifetime)
    assert features[-1, 0, 3:].tolist() == pytest.approx([6.0 / 3, math.log(3.0)])


@pytest.mark.parametrize("num_actions", [0, 2])
def test_step_by_step_equals_all_at_once(num_actions):
    memory, inputs = drawn_memory(num_actions), some_inputs(300)  # more than one chunk
    with torch.no_grad():
        whole, last = memory(inputs)
        state, parts = None, []
        for each in inputs:
            part, state = memory(each[None], state)
            parts.append(part)
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(state, last, atol=1e-3, rtol=1e-4)


def test_the_order_of_what_was_lived_through_makes_no_difference():
    memory, inputs = drawn_memory(num_places=1), some_inputs(20)
    ways = [inputs, torch.cat((inputs[:1], inputs[1:19].flip(0), inputs[19:]))]
    with torch.no_grad():
        here, there = (memory(way)[0][-1] for way in ways)
    torch.testing.assert_close(here, there, atol=1e-5, rtol=1e-5)


def test_a_state_that_was_given_is_left_as_it_was():
    memory, inputs = drawn_memory(), some_inputs(3)
    with torch.no_grad():
        _, state = memory(inputs)
        kept = [part.clone() for part in state]
        first, _ = memory(inputs[:1], state)
        second, _ = memory(inputs[:1], state)
    torch.testing.assert_close(state, tuple(kept), rtol=0, atol=0)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_dropping_lifetimes_on_the_way_changes_neither_features_nor_gradients():
    lengths = [90, 60, 31, 30, 12]
    valid = (torch.arange(90)[:, None] < torch.tensor(lengths))[..., None]
    inputs = some_inputs(90, num_lifetimes=5)
    results = []
    for whole in (True, False):
        recall = RecallShape(num_observed=2, num_actions=2, num_places=4)
        sizes = {"num_inputs": COLUMNS, "num_outputs": 2, "hidden_size": 6}
        model = RecurrentActorCritic(NetworkShape(cell="recall", recall=recall, **sizes), seed=0)
        kept = (model.whole_lifetimes(inputs, lengths) if whole else model(inputs)[0]) * valid
        kept.square().sum().backward()
        results.append((kept, [p.grad for p in model.memory.parameters()]))
    torch.testing.assert_close(results[0], results[1], atol=1e-4, rtol=1e-4)


def test_there_is_nothing_to_measure():
    compute = resolve_compute("recall", threads=1)
    assert (compute.cell, compute.precision, compute.kernel) == ("recall", "float32", "torch")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel": "fused"}, "a recall memory runs by torch in float32, got 'fused in auto'"),
        ({"precision": "bfloat16"}, "a recall memory runs by torch in float32"),
        ({"encoder_sizes": [8]}, r"encoder_sizes must be \[\]"),
        ({"recall_places": 0}, "recall_places must be above 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RL2.Config(cell="recall", **settings)
