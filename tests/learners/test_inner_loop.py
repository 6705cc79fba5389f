"""The inner loop against a plain loop over tasks and against finite differences, in float64."""

import itertools

import pytest
import torch

from learners.inner_loop import (
    SGD,
    InnerLoop,
    Momentum,
    adapt,
    reptile_gradients,
    spread,
    task_gradients,
)
from learners.targets import task_means
from learners.task_networks import MLP, ConvNet

B, S, Q = 3, 4, 5
NETWORK = MLP(num_inputs=2, num_outputs=1, hidden_sizes=(4, 3), activation="tanh")
BODY = frozenset({"weight_0", "bias_0", "weight_1", "bias_1"})
OPTIONS = [
    pytest.param(
        InnerLoop(
            rule=Momentum(0.7) if momentum else SGD(),
            second_order=second_order,
            moves=NETWORK.head if head_only else None,
        ),
        learned,
        id="-".join(
            name
            for name, on in (
                ("second" if second_order else "first", True),
                ("learned", learned),
                ("head", head_only),
                ("momentum", momentum),
            )
            if on
        ),
    )
    for second_order, learned, head_only, momentum in itertools.product((True, False), repeat=4)
]


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def loss(parameters, batch):
    x, y = batch
    return task_means((NETWORK(parameters, x) - y).square().mean(dim=-1))


def setting(learned, seed=0):
    """Returns parameters, step sizes, support and query sets."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    start = {n: draw(*v.shape).requires_grad_() for n, v in NETWORK.initial(0).items()}
    sizes = 0.3
    if learned:
        sizes = {n: (0.3 + 0.1 * draw(*v.shape)).requires_grad_() for n, v in start.items()}
    return start, sizes, (draw(B, S, 2), draw(B, S, 1)), (draw(B, Q, 2), draw(B, Q, 1))


def outer(start, sizes, support, query, inner_loop, num_steps):
    """Returns the mean query loss after adapting."""
    adapted = adapt(
        spread(start, B),
        loss,
        support,
        step_sizes=sizes,
        num_steps=num_steps,
        inner_loop=inner_loop,
    )
    return loss(adapted, query).mean()


def plain_outer(start, sizes, support, query, inner_loop, num_steps):
    """The same with a loop over tasks and one set of parameters at a time."""
    total = 0.0
    for task in range(B):
        here, velocity = dict(start), {}
        for _ in range(num_steps):
            names = [n for n in here if inner_loop.moves is None or n in inner_loop.moves]
            value = plain_loss(here, *(part[task] for part in support))
            gradients = torch.autograd.grad(value, [here[n] for n in names], create_graph=True)
            for name, gradient in zip(names, gradients, strict=True):
                step = gradient if inner_loop.second_order else gradient.detach()
                if isinstance(inner_loop.rule, Momentum):
                    step = velocity[name] = inner_loop.rule.coef * velocity.get(name, 0.0) + step
                size = sizes if isinstance(sizes, float) else sizes[name]
                here[name] = here[name] - size * step
        total = total + plain_loss(here, *(part[task] for part in query))
    return total / B


def plain_loss(parameters, x, y):
    hidden = x
    for i in (0, 1):
        hidden = torch.tanh(hidden @ parameters[f"weight_{i}"] + parameters[f"bias_{i}"])
    return (hidden @ parameters["weight_2"] + parameters["bias_2"] - y).square().mean()


def leaves(start, sizes):
    return [*start.values(), *(sizes.values() if isinstance(sizes, dict) else ())]


def gradients_of(value, tensors):
    return torch.autograd.grad(value, tensors, materialize_grads=True)


@pytest.mark.parametrize("num_steps", [1, 3])
@pytest.mark.parametrize(("inner_loop", "learned"), OPTIONS)
def test_gradients_are_those_of_a_plain_loop_over_tasks(inner_loop, learned, num_steps):
    start, sizes, support, query = setting(learned)
    ours = outer(start, sizes, support, query, inner_loop, num_steps)
    plain = plain_outer(start, sizes, support, query, inner_loop, num_steps)
    torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-10)
    tensors = leaves(start, sizes)
    for a, b in zip(gradients_of(ours, tensors), gradients_of(plain, tensors), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("inner_loop", "learned"), OPTIONS)
def test_second_order_gradients_are_finite_differences_and_first_order_ones_are_not(
    inner_loop, learned
):
    start, sizes, support, query = setting(learned)
    same = is_gradient(
        lambda: outer(start, sizes, support, query, inner_loop, 2), leaves(start, sizes)
    )
    assert same == inner_loop.second_order


def is_gradient(function, tensors, step=1e-5, num_directions=3):
    """Whether the gradient is what central differences along random directions say, to 1e-6."""
    generator = torch.Generator().manual_seed(1)
    gradients = gradients_of(function(), tensors)
    for _ in range(num_directions):
        ways = [torch.randn(t.shape, generator=generator) for t in tensors]
        slope = sum((g * way).sum() for g, way in zip(gradients, ways, strict=True))
        ends = []
        for shift in (step, -2.0 * step, step):
            for tensor, way in zip(tensors, ways, strict=True):
                tensor.data += shift * way
            ends.append(function().detach())
        if not torch.allclose(slope, (ends[0] - ends[1]) / (2.0 * step), rtol=1e-6, atol=1e-6):
            return False
    return True


def test_a_step_is_that_of_torchs_optimiser():
    start, _, support, _ = setting(learned=False)
    for rule, momentum in ((SGD(), 0.0), (Momentum(0.9), 0.9)):
        ours = adapt(
            spread(start, B),
            loss,
            support,
            step_sizes=0.1,
            num_steps=4,
            inner_loop=InnerLoop(rule=rule),
        )
        for task in range(B):
            theirs = {n: v.detach().clone().requires_grad_() for n, v in start.items()}
            optimizer = torch.optim.SGD(theirs.values(), lr=0.1, momentum=momentum)
            for _ in range(4):
                optimizer.zero_grad()
                plain_loss(theirs, *(part[task] for part in support)).backward()
                optimizer.step()
            for name, value in theirs.items():
                torch.testing.assert_close(ours[name][task], value, rtol=1e-9, atol=1e-9)


def test_what_does_not_move_stays_and_still_learns():
    start, sizes, support, query = setting(learned=False)
    head_only = InnerLoop(moves=NETWORK.head)
    adapted = adapt(
        spread(start, B), loss, support, step_sizes=sizes, num_steps=2, inner_loop=head_only
    )
    for name in BODY:
        assert torch.equal(adapted[name], spread(start, B)[name])
    for name in NETWORK.head:
        assert not torch.allclose(adapted[name][0], adapted[name][1])
    gradients = gradients_of(loss(adapted, query).mean(), list(start.values()))
    assert all(gradient.abs().max() > 1e-6 for gradient in gradients)


def test_a_task_does_not_see_the_others():
    start, sizes, support, _ = setting(learned=True)
    whole = adapt(spread(start, B), loss, support, step_sizes=sizes, num_steps=3)
    alone = adapt(
        spread(start, 1), loss, [part[1:2] for part in support], step_sizes=sizes, num_steps=3
    )
    for name in start:
        torch.testing.assert_close(whole[name][1:2], alone[name], rtol=1e-12, atol=1e-12)


def test_first_order_keeps_nothing_of_how_a_gradient_came_about():
    start, _, support, _ = setting(learned=False)
    gradients = task_gradients(spread(start, B), loss, support, list(start), differentiable=False)
    assert not any(gradient.requires_grad for gradient in gradients.values())


@pytest.mark.parametrize("second_order", [True, False])
def test_where_gradients_are_switched_off_the_steps_are_the_same(second_order):
    start, _, support, _ = setting(learned=False)
    inner_loop = InnerLoop(second_order=second_order)
    ends = []
    for enabled in (True, False):
        with torch.set_grad_enabled(enabled):
            ends.append(
                adapt(
                    spread(start, B),
                    loss,
                    support,
                    step_sizes=0.2,
                    num_steps=2,
                    inner_loop=inner_loop,
                )
            )
    for name in start:
        torch.testing.assert_close(ends[0][name].detach(), ends[1][name])
        assert not torch.equal(ends[1][name], spread(start, B)[name])


def test_steps_can_be_scaled_one_by_one():
    start, _, support, _ = setting(learned=False)
    inner_loop = InnerLoop()
    scaled = list(
        inner_loop.unroll(
            spread(start, B), loss, support, step_sizes=0.2, num_steps=2, scales=[1.0, 0.5]
        )
    )
    by_hand = inner_loop.begin(spread(start, B))
    for size in (0.2, 0.1):
        by_hand = inner_loop.step(by_hand, loss, support, size)
    assert len(scaled) == 3
    for name in start:
        torch.testing.assert_close(scaled[-1][name], by_hand.parameters[name])


def test_reptile_goes_where_the_tasks_went():
    start, _, support, _ = setting(learned=False)
    before = spread(start, B)
    one_step = adapt(before, loss, support, step_sizes=0.5, num_steps=1)
    moved = reptile_gradients(before, one_step)
    expected = gradients_of(loss(before, support).mean(), list(start.values()))
    for name, gradient in zip(start, expected, strict=True):
        torch.testing.assert_close(moved[name], 0.5 * gradient)


def test_names_that_are_no_parameters_are_refused():
    start, _, support, _ = setting(learned=False)
    for moves in (frozenset({"weight_9"}), frozenset({"weight_9", "bias_0"})):
        with pytest.raises(ValueError, match="weight_9"):
            adapt(
                spread(start, B),
                loss,
                support,
                step_sizes=0.1,
                num_steps=1,
                inner_loop=InnerLoop(moves=moves),
            )


@pytest.mark.parametrize(
    "network",
    [
        MLP(num_inputs=49, num_outputs=3, hidden_sizes=(5,), activation="tanh", normalize=True),
        ConvNet(image_shape=(7, 7), num_outputs=3, filters=(4, 5), activation="tanh"),
        ConvNet(image_shape=(7, 7, 1), num_outputs=3, filters=(2,), activation="tanh"),
    ],
)
def test_second_order_holds_for_networks_that_normalise(network):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 7, generator=generator)
    if isinstance(network, ConvNet):
        x = x.reshape(2, 3, *network.image_shape)
    start = {n: v.double().requires_grad_() for n, v in network.initial(0).items()}

    def outputs_square(parameters, batch):
        return task_means(network(parameters, batch).square().sum(dim=-1))

    def value():
        here = spread(start, 2)
        after = adapt(here, outputs_square, x, step_sizes=0.1, num_steps=1, inner_loop=InnerLoop())
        return outputs_square(after, x + 0.1).mean()

    assert is_gradient(value, list(start.values()))


def test_each_task_has_its_own_network_and_each_point_its_own_answer():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, 9, 9, generator=generator)
    for network in (
        MLP(num_inputs=81, num_outputs=2, hidden_sizes=(6, 5), normalize=True),
        ConvNet(image_shape=(9, 9), num_outputs=2, filters=(3, 4)),
    ):
        several = [network.initial(seed) for seed in range(3)]
        together = {n: torch.stack([p[n] for p in several]).double() for n in several[0]}
        outputs = network(together, x)
        for task, point in itertools.product(range(3), range(4)):
            alone = {n: v.double()[None] for n, v in several[task].items()}
            torch.testing.assert_close(
                network(alone, x[task, point][None, None])[0, 0], outputs[task, point]
            )
