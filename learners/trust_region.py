"""Natural gradients: products with a Fisher matrix that is never formed, and solving with it.

Source: Schulman et al. 2015, "Trust region policy optimization" (arXiv:1502.05477). The Fisher
matrix is that of the actions that were taken, a Gauss-Newton form: no third derivative is needed
where the policy is itself the outcome of gradient steps, and no product is ever negative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

Product: TypeAlias = Callable[[Tensor], Tensor]
"""From a vector v to the product F·v."""


def fisher_product(
    log_probs: Tensor, weights: Tensor, parameters: Sequence[Tensor], damping: float
) -> Product:
    """Returns the product with F = Σᵢ wᵢ·∇log πᵢ·∇log πᵢᵀ + damping·1.

    Args:
        log_probs: log πᵢ of actions that were taken, any shape, with their graph.
        weights: wᵢ ≥ 0, of the same shape.
        parameters: what the gradients are taken in.
        damping: at least 0.
    """
    # The gradient of J^T·u in u, times v, is J·v: a derivative along v by two passes backwards.
    covector = torch.zeros_like(log_probs, requires_grad=True)
    pulled = gradient(log_probs, parameters, outer=covector, create_graph=True)

    def product(vector: Tensor) -> Tensor:
        (along,) = torch.autograd.grad(pulled @ vector, covector, retain_graph=True)
        back = gradient(log_probs, parameters, outer=weights * along, retain_graph=True)
        return back + damping * vector

    return product


def gradient(
    values: Tensor,
    parameters: Sequence[Tensor],
    *,
    outer: Tensor | None = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
) -> Tensor:
    """Returns the gradient of Σᵢ uᵢ·valueᵢ as one vector, [P].

    Args:
        values: with their graph.
        parameters: what it is taken in.
        outer: u; None: the value is one number.
        create_graph: whether it can be differentiated in turn.
        retain_graph: whether another gradient of the values will be asked for.
    """
    parts = torch.autograd.grad(
        values,
        parameters,
        grad_outputs=outer,
        create_graph=create_graph,
        retain_graph=retain_graph,
        materialize_grads=True,
    )
    return torch.cat([part.reshape(-1) for part in parts])


def conjugate_gradient(
    product: Product, vector: Tensor, num_steps: int, tolerance: float = 1e-10
) -> Tensor:
    """Returns x with F·x ≈ vector, from x = 0.

    Args:
        product: with F, symmetric and positive definite.
        vector: what the product shall be.
        num_steps: at most; as many as there are dimensions are exact, but for rounding.
        tolerance: of the squared residual, as a share of what it is at the start.

    Source:
        Hestenes and Stiefel 1952, "Methods of conjugate gradients for solving linear systems".

    Example:
        >>> F = torch.tensor([[2.0, 0.0], [0.0, 4.0]])
        >>> conjugate_gradient(lambda v: F @ v, torch.tensor([2.0, 2.0]), num_steps=2)
        tensor([1.0000, 0.5000])
    """
    solution = torch.zeros_like(vector)
    residual = direction = vector
    size = first = residual @ residual
    for _ in range(num_steps):
        if size <= tolerance * first:
            break
        image = product(direction)
        length = size / (direction @ image)
        solution = solution + length * direction
        residual = residual - length * image
        previous, size = size, residual @ residual
        direction = residual + (size / previous) * direction
    return solution
