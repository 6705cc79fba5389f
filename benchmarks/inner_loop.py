"""How fast is the outer gradient of MAML, and what is gained by adapting to all tasks at once?

A meta-iteration is the published one: 25 tasks, 10 points to learn from and 10 to be judged on,
one inner step of second order, a network of 2×40 units, and one step of Adam on what is left.
Four ways take turns in one run, all from the same parameters on the same points, and all must
agree on the gradient: a loop over tasks, `vmap(grad)`, the learner's batched products, and the
same compiled as one graph, which is left out where there is no compiler for C++. A square matrix
product beside them says what the machine can do.

Then whole updates of the learner: problems made, gradient, Adam, outcomes.

Bars: 500 meta-iterations/s without a compiler and 1,200 with one, on a quiet machine. Where others
work too, processor time (`--cpu-time`) tells more than the clock, and ratios more than either.

    python benchmarks/inner_loop.py [--repeats 9] [--cpu-time] [--no-compile]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from harness import report
from learners.algorithms.maml import MAML
from learners.one_graph import compiler_command
from learners.problem_adaptation import as_sets
from taskgen.generators.sinusoid import Sinusoid

NUM_TASKS, NUM_SHOTS, HIDDEN = 25, 10, (40, 40)
MATMUL_SIZE = 512
BARS = {"bmm": 500.0, "compiled": 1200.0}

Update = Callable[[], object]


def tasks_and_family() -> tuple[Sinusoid, object]:
    family, rng = Sinusoid(num_query=NUM_SHOTS), np.random.default_rng(0)
    columns = family.space.columns([family.space.complete({"shots": NUM_SHOTS})] * NUM_TASKS)
    columns["amplitude"] = rng.uniform(0.1, 5.0, NUM_TASKS)
    columns["phase"] = rng.uniform(0.0, np.pi, NUM_TASKS)
    return family, family.make_tasks(columns, np.arange(NUM_TASKS))


def learner_of(family: Sinusoid, *, compiled: bool) -> MAML:
    config = MAML.Config(hidden_sizes=HIDDEN, compile=compiled, device="cpu")
    return MAML(family.input_space, family.target_space, config, seed=0)


class Plain:
    """The network as anybody would write it, adapted to one task at a time or under vmap."""

    def __init__(self, learner: MAML) -> None:
        self._step_size = learner.config.inner_lr
        sizes = (1, *HIDDEN, 1)
        layers: list[nn.Module] = []
        for i in range(len(sizes) - 1):
            layers += [nn.Linear(sizes[i], sizes[i + 1]), nn.ReLU()]
        self.network = nn.Sequential(*layers[:-1])
        with torch.no_grad():
            for i, layer in enumerate(self.network[::2]):
                layer.weight.copy_(learner.initialization[f"weight_{i}"].t())
                layer.bias.copy_(learner.initialization[f"bias_{i}"])
        self.parameters = dict(self.network.named_parameters())

    def _loss(self, parameters: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return (functional_call(self.network, parameters, (x,)) - y).square().mean()

    def loop(self, sets: dict[str, Tensor]) -> list[Tensor]:
        """Returns the outer gradient, task after task."""
        names, total = list(self.parameters), torch.zeros(())
        for task in range(NUM_TASKS):
            x, y = sets["support_x"][task], sets["support_y"][task]
            loss = self._loss(self.parameters, x, y)
            gradients = torch.autograd.grad(loss, list(self.parameters.values()), create_graph=True)
            adapted = {
                name: self.parameters[name] - self._step_size * gradient
                for name, gradient in zip(names, gradients, strict=True)
            }
            total = total + self._loss(adapted, sets["query_x"][task], sets["query_y"][task])
        return list(torch.autograd.grad(total / NUM_TASKS, list(self.parameters.values())))

    def vmapped(self, sets: dict[str, Tensor]) -> list[Tensor]:
        """Returns the outer gradient, by `vmap` over `grad`."""

        def after(x: Tensor, y: Tensor, query_x: Tensor, query_y: Tensor) -> Tensor:
            gradients = grad(self._loss)(self.parameters, x, y)
            adapted = {n: p - self._step_size * gradients[n] for n, p in self.parameters.items()}
            return self._loss(adapted, query_x, query_y)

        names = ("support_x", "support_y", "query_x", "query_y")
        losses = vmap(after)(*(sets[name] for name in names))
        return list(torch.autograd.grad(losses.mean(), list(self.parameters.values())))


def with_adam(gradients_of: Callable[[], list[Tensor]], parameters: list[Tensor]) -> Update:
    """Returns a meta-iteration: the gradient, and Adam on it."""
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)

    def update() -> None:
        for parameter, gradient in zip(parameters, gradients_of(), strict=True):
            parameter.grad = gradient
        optimizer.step()

    return update


def ways(compiled: bool) -> tuple[dict[str, Callable[[], list[Tensor]]], dict[str, Update]]:
    """Returns the gradients by each way, and the learner's whole updates."""
    family, tasks = tasks_and_family()
    problems = family.make_problems(tasks, np.random.default_rng(1))
    sets, everyone = as_sets(problems), np.ones(NUM_TASKS, dtype=bool)
    learners = {"bmm": learner_of(family, compiled=False)}
    if compiled:
        learners["compiled"] = learner_of(family, compiled=True)
    plain = Plain(learners["bmm"])
    gradients = {"loop": lambda: plain.loop(sets), "vmap": lambda: plain.vmapped(sets)}
    updates = {}
    for name, learner in learners.items():
        rng = np.random.default_rng(2)
        gradients[name] = lambda of=learner: list(
            of.outer_gradient(*of.shared, sets).initialization.values()
        )
        updates[name] = lambda of=learner, rng=rng: of.meta_train(family, tasks, everyone, rng)
    require_agreement(gradients, plain, learners["bmm"])
    return gradients, updates


def require_agreement(
    gradients: dict[str, Callable[[], list[Tensor]]], plain: Plain, learner: MAML
) -> None:
    """Raises an error unless all ways give one gradient."""
    of_plain = dict(zip(plain.parameters, gradients["loop"](), strict=True))
    expected = {
        f"{kind}_{i}": of_plain[f"{2 * i}.{kind}"].t()
        if kind == "weight"
        else of_plain[f"{2 * i}.bias"]
        for i in range(len(HIDDEN) + 1)
        for kind in ("weight", "bias")
    }
    for found, loop in zip(gradients["vmap"](), of_plain.values(), strict=True):
        torch.testing.assert_close(found, loop, rtol=1e-4, atol=1e-5)
    for name in set(gradients) - {"loop", "vmap"}:
        for found, key in zip(gradients[name](), learner.initialization, strict=True):
            torch.testing.assert_close(found, expected[key], rtol=1e-4, atol=1e-5)


def rates_of(
    ways: dict[str, Update], repeats: int, clock: Callable[[], float], turn_s: float = 0.3
) -> dict[str, list[float]]:
    """Returns calls a second of each way, one number a turn; the ways take turns."""
    counts = {}
    for name, way in ways.items():
        way()
        start = clock()
        way()
        counts[name] = max(1, int(turn_s / max(clock() - start, 1e-6)))
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = clock()
            for _ in range(counts[name]):
                way()
            rates[name].append(counts[name] / (clock() - start))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("--no-compile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clock = time.process_time if options.cpu_time else time.perf_counter
    compiled = not options.no_compile and compiler_command() is not None
    gradients, updates = ways(compiled)
    a, b = torch.rand(2, MATMUL_SIZE, MATMUL_SIZE)
    iterations = {
        name: with_adam(way, [torch.zeros_like(g).requires_grad_() for g in way()])
        for name, way in gradients.items()
    }
    rates = rates_of({**iterations, "matmul": lambda: a @ b}, options.repeats, clock)
    said = {"clock": "processor" if options.cpu_time else "wall"}
    per_loop = {
        n: [r / loop for r, loop in zip(rates[n], rates["loop"], strict=True)] for n in rates
    }
    for name in iterations:
        report(f"meta-iterations, {name}", rates[name], "1/s", BARS.get(name), **said)
        report(f"{name} against a loop over tasks", per_loop[name], "1", **said)
    for name, samples in rates_of(updates, options.repeats, clock).items():
        report(f"updates of the learner, {name}", samples, "1/s", **said)
    flop = 2.0 * MATMUL_SIZE**3 / 1e9
    report("float32 matmul beside", [flop * rate for rate in rates["matmul"]], "GFLOP/s", **said)


if __name__ == "__main__":
    main()
