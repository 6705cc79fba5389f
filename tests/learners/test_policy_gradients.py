"""Estimators of policy gradients, held against a problem that is small enough to be enumerated.

Two steps: the first action decides which of two states comes next. All four ways to play it stand
in one experience, each weighted by its probability, so that means are expectations.
"""

from itertools import product

import numpy as np
import pytest
import torch
from gymnasium.spaces import Discrete

from learners.control_adaptation import ControlAdaptation, MetaExperience
from learners.experience import Experience
from learners.heads import CategoricalHead
from learners.inner_loop import InnerLoop, task_gradients
from learners.meta_policy_optimization import MetaParameters, OuterConfig, TrustRegionUpdate
from learners.policy_gradients import ESTIMATORS, clipped, dice, divergences, lvc, plain
from learners.task_networks import MLP

HEAD = CategoricalHead(Discrete(2))
TABLE = MLP(num_inputs=3, num_outputs=2, hidden_sizes=())
WAYS = list(product(range(2), repeat=2))
FIRST = torch.tensor([[0.3, -0.2], [1.0, 0.4]], dtype=torch.float64)  # task, action
SECOND = torch.tensor(  # task, state, action
    [[[1.0, 0.0], [-1.0, 2.0]], [[0.5, -0.7], [0.1, 1.3]]], dtype=torch.float64
)


def start(seed=0):
    rng = torch.Generator().manual_seed(seed)
    return {
        "weight_0": torch.randn(3, 2, generator=rng, dtype=torch.float64),
        "bias_0": torch.randn(2, generator=rng, dtype=torch.float64),
    }


def vector(parameters):
    return torch.cat([parameters["weight_0"].reshape(-1), parameters["bias_0"]])


def named(vector):
    return {"weight_0": vector[:6].view(3, 2), "bias_0": vector[6:]}


def log_table(parameters):
    """log π(a | s) of the three states, [3, 2]."""
    return (parameters["weight_0"] + parameters["bias_0"]).log_softmax(dim=-1)


def exact_return(parameters, task, num_steps=2):
    probs = log_table(parameters).exp()
    total = (probs[0] * FIRST[task]).sum()
    if num_steps == 2:
        total = total + sum(probs[0, a] * (probs[1 + a] * SECOND[task, a]).sum() for a in (0, 1))
    return total


def enumerated(policies, num_steps=2, baseline=0.7):
    """Returns all ways to play under the policy of each task, weighted, as one experience."""
    num_rows = 4 * num_steps
    rows = {name: [] for name in ("inputs", "actions", "log_probs", "advantages")}
    for task, parameters in enumerate(policies):
        table = log_table(parameters).detach()
        seen, acts, logs, worth = [], [], [], []
        for first, second in WAYS:
            states = (0, 1 + first)[:num_steps]
            actions = (first, second)[:num_steps]
            rewards = torch.stack([FIRST[task, first], SECOND[task, first, second]])[:num_steps]
            # A way that is played in one step alone stands there twice, as half of itself.
            chance = (table[0, first] + table[1 + first, second]).exp()
            for t, (state, action) in enumerate(zip(states, actions, strict=True)):
                seen.append(torch.eye(3, dtype=torch.float64)[state])
                acts.append(action)
                logs.append(table[state, action])
                worth.append((rewards[t:].sum() - baseline * (1 + state)) * chance * num_rows)
        rows["inputs"].append(torch.stack(seen))
        rows["actions"].append(torch.tensor(acts))
        rows["log_probs"].append(torch.stack(logs))
        rows["advantages"].append(torch.stack(worth))
    shape = len(policies), num_rows
    begins = torch.arange(num_rows).expand(shape) % num_steps == 0
    stacked = {name: torch.stack(values) for name, values in rows.items()}
    return Experience(**stacked, episode_start=begins, valid=torch.ones(shape, dtype=torch.bool))


def log_probs(parameters, played):
    return HEAD.log_prob(TABLE(parameters, played.inputs), played.actions)


def hessian_of(estimator, num_steps):
    """Returns the expected Hessian of the loss of task 0."""
    at = vector(start())
    played = enumerated([start()], num_steps)

    def loss(moved):
        parameters = {name: value.unsqueeze(0) for name, value in named(moved).items()}
        return estimator(log_probs(parameters, played), played)[0]

    return torch.autograd.functional.hessian(loss, at)


def exact_hessian(num_steps):
    return torch.autograd.functional.hessian(
        lambda moved: -exact_return(named(moved), 0, num_steps), vector(start())
    )


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
@pytest.mark.parametrize("num_steps", [1, 2])
def test_the_gradient_of_all_is_the_policy_gradient(estimator, num_steps):
    played = enumerated([start(), start(1)], num_steps)
    at = {name: torch.stack([start()[name], start(1)[name]]) for name in start()}
    found = task_gradients(
        at,
        lambda parameters, played: estimator(log_probs(parameters, played), played),
        played,
        list(at),
        differentiable=False,
    )
    for task in range(2):
        leaves = {name: value[task].clone().requires_grad_() for name, value in at.items()}
        wanted = torch.autograd.grad(-exact_return(leaves, task, num_steps), leaves.values())
        for name, value in zip(leaves, wanted, strict=True):
            torch.testing.assert_close(found[name][task], value, rtol=1e-10, atol=1e-12)


def test_dice_has_the_whole_hessian():
    torch.testing.assert_close(hessian_of(dice, 2), exact_hessian(2), rtol=1e-10, atol=1e-12)


def test_lvc_has_the_hessian_of_fixed_places_and_fixed_values():
    at = start()
    table = log_table(at).exp()
    places = torch.stack([torch.ones(()).double(), table[0, 0], table[0, 1]])
    later = (table[1:] * SECOND[0]).sum(dim=1)
    worth = torch.cat([(FIRST[0] + later)[None], SECOND[0]])

    def fixed(moved):
        return -(places[:, None] * log_table(named(moved)).exp() * worth).sum()

    wanted = torch.autograd.functional.hessian(fixed, vector(at))
    torch.testing.assert_close(hessian_of(lvc, 2), wanted, rtol=1e-10, atol=1e-12)
    assert (hessian_of(lvc, 2) - exact_hessian(2)).abs().max() > 0.05, "biased over two steps"


def test_of_one_step_lvc_is_exact_and_plain_is_not():
    torch.testing.assert_close(hessian_of(lvc, 1), exact_hessian(1), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(hessian_of(dice, 1), exact_hessian(1), rtol=1e-10, atol=1e-12)
    assert (hessian_of(plain, 1) - exact_hessian(1)).abs().max() > 0.05


def exact_meta_gradient(at, alpha):
    leaves = {name: value.clone().requires_grad_() for name, value in at.items()}
    total = 0.0
    for task in range(2):
        slope = torch.autograd.grad(exact_return(leaves, task), leaves.values(), create_graph=True)
        adapted = {n: leaves[n] + alpha * g for n, g in zip(leaves, slope, strict=True)}
        total = total - exact_return(adapted, task) / 2
    return torch.cat([g.reshape(-1) for g in torch.autograd.grad(total, leaves.values())])


def meta_gradient(at, alpha, estimator, *, second_order=True):
    """Returns the gradient that the outer loop takes, from enumerated experience alone."""
    inner_loop = InnerLoop(second_order=second_order)
    adaptation = ControlAdaptation(TABLE, HEAD, inner_loop, estimator)
    parameters = MetaParameters(
        torch.nn.ParameterDict({name: value.clone() for name, value in at.items()}),
        torch.nn.ParameterDict(),
        alpha,
    )
    first = enumerated([at, at])
    nothing = enumerated([at, at])
    path = adaptation.path(parameters.start, alpha, MetaExperience((first,), nothing))
    after = [{name: value[task] for name, value in path[-1].items()} for task in range(2)]
    played = MetaExperience((first,), enumerated(after))
    update = TrustRegionUpdate(adaptation, parameters, OuterConfig())
    loss = lvc(update._judged(played), played.judged).mean()
    slope = torch.autograd.grad(loss, [parameters.initialization[name] for name in at])
    return torch.cat([part.reshape(-1) for part in slope])


def test_the_meta_gradient_of_dice_is_exact_and_those_of_the_others_are_not():
    at, alpha = start(2), 0.8
    wanted = exact_meta_gradient(at, alpha)
    torch.testing.assert_close(meta_gradient(at, alpha, dice), wanted, rtol=1e-9, atol=1e-11)
    errors = {
        name: (meta_gradient(at, alpha, estimator) - wanted).norm() / wanted.norm()
        for name, estimator in ESTIMATORS.items()
    }
    assert errors["lvc"] > 0.01
    assert errors["plain"] > 0.01


def test_of_the_first_order_all_are_one_and_are_the_gradient_after_the_step():
    at, alpha = start(2), 0.8
    found = [meta_gradient(at, alpha, e, second_order=False) for e in ESTIMATORS.values()]
    total = torch.zeros(8, dtype=torch.float64)
    for task in range(2):
        leaves = {name: value.clone().requires_grad_() for name, value in at.items()}
        slope = torch.autograd.grad(exact_return(leaves, task), leaves.values())
        moved = {
            n: (leaves[n] + alpha * g).detach().requires_grad_()
            for n, g in zip(leaves, slope, strict=True)
        }
        parts = torch.autograd.grad(-exact_return(moved, task), moved.values())
        total += torch.cat([part.reshape(-1) for part in parts]) / 2
    for each in found:
        torch.testing.assert_close(each, total, rtol=1e-9, atol=1e-11)


def rows(values):
    return torch.tensor([values], dtype=torch.float64)


def by_hand(advantages, log_probs, valid, episode_start=None):
    starts = episode_start or [True] + [False] * (len(valid) - 1)
    return Experience(
        inputs=torch.zeros(1, len(valid), 1),
        actions=torch.zeros(1, len(valid)),
        log_probs=rows(log_probs),
        advantages=rows(advantages),
        episode_start=torch.tensor([starts]),
        valid=torch.tensor([valid]),
    )


def test_values_by_hand_and_padding_counts_nowhere():
    played = by_hand([2.0, -1.0, 1e9], [-1.0, -2.0, -3.0], [True, True, False])
    now = rows([-1.0 + np.log(2.0), -2.0 + np.log(0.5), 0.0])
    assert lvc(now, played).item() == pytest.approx(-(2 * 2.0 - 0.5) / 2)
    assert plain(now, played).item() == pytest.approx(-(2 * now[0, 0] - now[0, 1]) / 2)
    assert clipped(now, played, 0.3).item() == pytest.approx(-(1.3 * 2.0 - 0.7) / 2)
    wanted = ((2 - 1 - np.log(2.0)) + (0.5 - 1 + np.log(2.0))) / 2
    assert divergences(now, played).item() == pytest.approx(wanted)
    assert dice(now, played).item() == 0.0


def test_dice_credits_earlier_actions_of_the_same_episode_alone():
    played = by_hand([0.0, 0.0, 1.0, 5.0], [0.0] * 4, [True] * 4, [True, False, False, True])
    logs = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(dice(logs, played).sum(), logs, create_graph=True)
    assert slope.tolist() == [[0.0, 0.0, -0.25, -1.25]]
    (curvature,) = torch.autograd.grad(slope[0, 2], logs)
    assert curvature.tolist() == [[-0.25, -0.25, -0.25, 0.0]]
