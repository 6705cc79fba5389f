"""What an unroll is said to take is what it takes."""

import pytest
import torch

from learners import unroll_memory
from learners.inner_loop import InnerLoop, spread
from learners.targets import task_means
from learners.task_networks import MLP
from learners.unroll_memory import NoRoom, at_steps, peak_kept_bytes, require_room

NETWORK = MLP(num_inputs=1, num_outputs=1, hidden_sizes=(20, 20))


def unroll(device, num_steps, *, second_order=True, num_tasks=4):
    """Returns what computes the loss after adapting, from tensors on a device."""
    start = {n: v.to(device).requires_grad_() for n, v in NETWORK.initial(0).items()}
    x = torch.ones(num_tasks, 8, 1, device=device)

    def loss(parameters, batch):
        return task_means(NETWORK(parameters, batch).square().sum(dim=-1))

    def compute():
        inner_loop = InnerLoop(second_order=second_order)
        points = inner_loop.unroll(
            spread(start, num_tasks), loss, x, step_sizes=0.1, num_steps=num_steps
        )
        *_, last = points
        return loss(last, x).mean()

    return compute


@pytest.mark.parametrize("second_order", [True, False])
def test_a_rehearsal_without_contents_keeps_what_the_real_run_keeps(second_order):
    on = {
        device: peak_kept_bytes(unroll(device, 2, second_order=second_order))
        for device in ("cpu", "meta")
    }
    assert on["cpu"] == on["meta"] > 0


def test_what_several_operations_keep_counts_once_and_what_they_dropped_no_more():
    x = torch.zeros(100, requires_grad=True)
    assert peak_kept_bytes(lambda: x.exp() * x.exp()) == 2 * 400
    assert peak_kept_bytes(lambda: [x.exp() for _ in range(3)] and None) == 3 * 400
    assert peak_kept_bytes(lambda: [x.exp().detach().sum().item() for _ in range(3)]) == 400


@pytest.mark.parametrize("second_order", [True, False])
@pytest.mark.parametrize("num_steps", [0, 4, 9])
def test_many_steps_are_a_straight_line_through_few(second_order, num_steps):
    def measured(steps):
        return peak_kept_bytes(unroll("meta", steps, second_order=second_order))

    assert at_steps(measured, num_steps) == measured(num_steps)


def test_second_order_grows_with_every_step_and_first_order_hardly():
    growth = {}
    for second_order in (True, False):
        few, many = (peak_kept_bytes(unroll("meta", n, second_order=second_order)) for n in (3, 13))
        growth[second_order] = many - few
    assert growth[True] > 10 * 4 * sum(v.numel() for v in NETWORK.initial(0).values())
    assert growth[False] <= 0.1 * growth[True]


def test_what_does_not_fit_is_refused_with_both_numbers():
    require_room(10, "a step", "take fewer", available=10)
    with pytest.raises(NoRoom, match=r"a step must fit .* 3\.0 GB and 2\.0 GB are free; take few"):
        require_room(3_000_000_000, "a step", "take fewer", available=2_000_000_000)
    with pytest.raises(NoRoom):
        require_room(10**16, "a step", "take fewer")


def test_a_container_may_have_less_than_the_machine(tmp_path, monkeypatch):
    machine = unroll_memory.available_bytes()
    assert machine > 0
    monkeypatch.setattr(unroll_memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    assert unroll_memory.available_bytes() == 3000
    (tmp_path / "memory.max").write_text("max\n")
    assert unroll_memory.available_bytes() > 3000


def test_counting_changes_no_gradient():
    gradients = []
    for counted in (False, True):
        start = {n: v.requires_grad_() for n, v in NETWORK.initial(0).items()}
        here = spread(start, 3)

        def loss(parameters, batch):
            return task_means(NETWORK(parameters, batch).square().sum(dim=-1))

        def compute(here=here, start=start, loss=loss):
            *_, last = InnerLoop().unroll(
                here, loss, torch.ones(3, 5, 1), step_sizes=0.1, num_steps=2
            )
            gradients.append(
                torch.autograd.grad(loss(last, torch.ones(3, 2, 1)).mean(), list(start.values()))
            )

        peak_kept_bytes(compute) if counted else compute()
    for plain, counted in zip(*gradients, strict=True):
        assert torch.equal(plain, counted)
