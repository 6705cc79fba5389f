"""A function of tensors, gradients within included, as one compiled graph.

Where tensors are small, what a step costs is not arithmetic but the starting of operations, of
which backpropagation through backpropagation has hundreds. They are traced into one flat list,
autograd resolved, and compiled as a whole by torch's compiler, which needs one for C++.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

TensorFunction: TypeAlias = Callable[..., tuple[Tensor, ...]]


class OneGraph:
    """Computes a function by a graph that is compiled at the first call with tensors of a shape.

    Args:
        function: of tensors alone, returning a tuple of tensors; its course must not depend on
            what is in them, and nothing in it may be random.
    """

    def __init__(self, function: TensorFunction) -> None:
        self._function = function
        self._graphs: dict[tuple[object, ...], TensorFunction] = {}

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Returns what the function returns, detached, up to rounding."""
        given = [tensor.detach() for tensor in tensors]
        form = tuple((tensor.shape, tensor.dtype, tensor.device) for tensor in given)
        if form not in self._graphs:
            traced = make_fx(self._function)(*given)
            self._graphs[form] = torch.compile(traced, fullgraph=True, dynamic=False)
        with torch.no_grad():
            return self._graphs[form](*given)


def compiler_command() -> str | None:
    """Returns the compiler for C++ that torch would call; None: there is none."""
    name = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    return shutil.which(name)


@functools.cache
def compiler_name() -> str:
    """Returns the first line of what the compiler says about itself; "none": there is none."""
    command = compiler_command()
    if command is None:
        return "none"
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    return (said.stdout.splitlines() or [command])[0]
