"""The gradient of an outer loop over problems: which kind, compiled or not, and what it takes.

`OuterGradient` is what a learner steps against; it has no state but the graphs it compiled.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from learners.inner_loop import Parameters, StepSizes
from learners.one_graph import OneGraph
from learners.problem_adaptation import MetaGradients, ProblemAdaptation, Sets
from learners.unroll_memory import at_steps, peak_kept_bytes

OUTER = ("maml", "reptile")
_COPIES = 8


class OuterGradient:
    """Says how a shared start should change, from one batch of problems.

    Args:
        adaptation: how a problem is adapted to.
        num_steps: K, of the inner loop.
        step_size: of the inner loop where none are learned.
        outer: "maml" or "reptile".
        compiled: whether all of it runs as one compiled graph, the same up to rounding.
    """

    def __init__(
        self,
        adaptation: ProblemAdaptation,
        *,
        num_steps: int,
        step_size: float,
        outer: str = "maml",
        compiled: bool = False,
    ) -> None:
        self._num_steps = num_steps
        self._step_size = step_size
        maml, reptile = adaptation.maml_gradients, adaptation.reptile_gradients
        self._compute = reptile if outer == "reptile" else maml
        self._names: list[list[str]] = []
        self._graph = OneGraph(self._flat) if compiled else None

    def __call__(
        self, initialization: Parameters, step_sizes: Parameters, sets: Sets
    ) -> MetaGradients:
        """Returns the outer gradients.

        Args:
            initialization: what all tasks start from, without the axis of tasks.
            step_sizes: the learned ones; {}: there are none.
            sets: B problems.
        """
        if self._graph is None:
            return self._at(self._num_steps, initialization, step_sizes, sets)
        given = (initialization, step_sizes, sets)
        self._names = [list(part) for part in given]
        found = iter(self._graph(*(tensor for part in given for tensor in part.values())))
        return MetaGradients(_named(self._names[0], found), _named(self._names[1], found), *found)

    def needed_bytes(self, initialization: Parameters, step_sizes: Parameters, sets: Sets) -> int:
        """Returns about what a call takes in memory, without making it.

        That is what autograd keeps, half of it again for gradients under way, and a few copies of
        all tasks' parameters: of a step the start, the end, the gradient, and their own gradients.
        Of an MLP on images, by 1 to 8 steps, the process grew by 0.5 to 0.85 of it, of a conv net
        by 5 steps by 0.85; by one step, 0.1 GB, by half more, which is the library's workspace.
        """
        given = [
            {name: torch.empty_like(tensor, device="meta") for name, tensor in part.items()}
            for part in (initialization, step_sizes, sets)
        ]
        kept = at_steps(
            lambda num_steps: peak_kept_bytes(lambda: self._at(num_steps, *given)),
            self._num_steps,
        )
        a_copy = len(sets["mask"]) * sum(value.nbytes for value in initialization.values())
        return kept * 3 // 2 + _COPIES * a_copy

    def _at(
        self, num_steps: int, initialization: Parameters, step_sizes: Parameters, sets: Sets
    ) -> MetaGradients:
        sizes: StepSizes = step_sizes if step_sizes else self._step_size
        return self._compute(initialization, sizes, sets, num_steps)

    def _flat(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Takes and returns tensors alone, in the order of `__call__`."""
        given = iter(tensors)
        found = self._at(self._num_steps, *[_named(names, given) for names in self._names])
        named = (*found.initialization.values(), *found.step_sizes.values())
        return (*named, found.outputs, found.losses)


def _named(names: list[str], tensors: Iterator[Tensor]) -> dict[str, Tensor]:
    return {name: next(tensors) for name in names}
