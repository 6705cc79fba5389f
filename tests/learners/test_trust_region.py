"""Natural gradients against matrices that are formed."""

import torch

from learners.trust_region import conjugate_gradient, fisher_product, gradient


def test_conjugate_gradients_solve():
    rng = torch.Generator().manual_seed(0)
    root = torch.randn(6, 6, generator=rng, dtype=torch.float64)
    matrix, wanted = root @ root.T + torch.eye(6), torch.randn(6, generator=rng).double()
    found = conjugate_gradient(lambda v: matrix @ v, matrix @ wanted, num_steps=6, tolerance=1e-20)
    torch.testing.assert_close(found, wanted)
    fewer = conjugate_gradient(lambda v: matrix @ v, matrix @ wanted, num_steps=2)
    gap = fewer - wanted
    assert 0 < gap @ matrix @ gap < wanted @ matrix @ wanted
    assert not conjugate_gradient(lambda v: matrix @ v, torch.zeros(6), num_steps=3).any()


def test_the_product_is_that_of_the_matrix_that_is_never_formed():
    rng = torch.Generator().manual_seed(1)
    parts = [torch.randn(3, 2, generator=rng), torch.randn(2, generator=rng)]
    parameters = [part.double().requires_grad_() for part in parts]
    inputs = torch.randn(4, 5, 3, generator=rng).double()
    weights = torch.rand(4, 5, generator=rng).double()
    # Not linear in the parameters, as a policy after a gradient step is not.
    moved = parameters[0] - 0.1 * (parameters[0] ** 3 + parameters[1])
    logs = (inputs @ moved + parameters[1]).log_softmax(dim=-1)[..., 0]
    scores = torch.stack([gradient(log, parameters, retain_graph=True) for log in logs.reshape(-1)])
    matrix = scores.T @ (weights.reshape(-1, 1) * scores) + 0.3 * torch.eye(8)
    product = fisher_product(logs, weights, parameters, damping=0.3)
    for _ in range(2):
        v = torch.randn(8, generator=rng).double()
        torch.testing.assert_close(product(v), matrix @ v)
