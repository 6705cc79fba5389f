"""Every registered learner keeps to the contract; learners that break it are found out."""

import numpy as np
import pytest
import torch
from point_tasks import Goals

from learners.algorithms.rl2 import RL2
from learners.checks import LearnerCheckFailed, check_learner, fingerprint
from taskgen.generators.bandit import Bandit
from taskgen.generators.maze import Maze
from taskgen.generators.sinusoid import Sinusoid
from taskgen.registry import listings, resolve

SMALL = {
    "maml": {"hidden_sizes": (8,), "test_steps": 2},
    "maml_control": {"hidden_sizes": (8,), "episodes_per_step": 1},
    "rl2": {"hidden_size": 8, "epochs": 2, "minibatches": 2},
    "rl2_supervised": {"hidden_size": 8, "encoder_sizes": (5,)},
}
GENERATORS = {
    "env": [Bandit(num_arms=3), Maze(), Goals(num_axes=2)],
    "problem": [Sinusoid(num_query=4)],
}
REGISTERED = [listing.name for listing in listings("learners")]


def cases():
    for name in REGISTERED:
        learner_class = resolve("learners", name)
        config = learner_class.Config(**SMALL.get(name, {}))
        for kind in sorted(learner_class.kinds):
            for generator in GENERATORS[kind]:
                yield pytest.param(learner_class, generator, config, id=f"{name}-{generator.name}")


@pytest.mark.parametrize(("learner_class", "generator", "config"), list(cases()))
def test_registered_learners_keep_their_promises(learner_class, generator, config):
    check_learner(learner_class, generator, config).raise_if_failed()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_rl2_keeps_them_with_every_cell_and_precision(cell, precision):
    config = RL2.Config(cell=cell, precision=precision, hidden_size=8, encoder_sizes=(5,))
    check_learner(RL2, Bandit(num_arms=3), config).raise_if_failed()


RECALL = {"recall_places": 4, "recall_averages": 2, "recall_units": 3}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_rl2_keeps_them_with_a_recall(precision):
    config = RL2.Config(cell="lstm", precision=precision, hidden_size=8, **RECALL)
    check_learner(RL2, Bandit(num_arms=3), config).raise_if_failed()


@pytest.mark.parametrize(("cell", "recall"), [("lstm", {}), ("gru", {}), ("gru", RECALL)])
def test_rl2_keeps_them_where_actions_are_numbers_of_a_box(cell, recall):
    sizes = {"hidden_size": 8, "heads_see_inputs": True}
    config = RL2.Config(cell=cell, precision="float32", **sizes, **recall)
    check_learner(RL2, Goals(num_axes=1), config).raise_if_failed()


class DrawsFromGlobals(RL2):
    def meta_train(self, play, tasks, train_mask, rng):
        np.random.random()  # noqa: NPY002
        torch.rand(1)
        return super().meta_train(play, tasks, train_mask, rng)


class IgnoresTheMask(RL2):
    def meta_train(self, play, tasks, train_mask, rng):
        return super().meta_train(play, tasks, np.ones_like(train_mask), rng)


class ForgetsItsOptimizer(RL2):
    def parts(self):
        return {name: part for name, part in super().parts().items() if name != "optimizer"}


class LearnsFromItsExam(RL2):
    def policy(self, keys, *, greedy=False):
        self._optimization.counters.updates += 1
        return super().policy(keys, greedy=greedy)


class SharesOneStream(RL2):
    def policy(self, keys, *, greedy=False):
        return super().policy(np.arange(len(keys), dtype=np.uint64), greedy=greedy)


class AddsBranchesUp(RL2):
    def merged_state(self, parent, branches, weights, winner):
        return super().merged_state(parent, branches, [1.0] * len(branches), 1 - winner)


@pytest.mark.parametrize("generator", [Bandit(num_arms=3), Goals()], ids=["choices", "numbers"])
@pytest.mark.parametrize(
    ("learner_class", "broken"),
    [
        (DrawsFromGlobals, {"no global randomness"}),
        (IgnoresTheMask, {"tasks that are masked give no gradient"}),
        (ForgetsItsOptimizer, {"the state is plain, and continues bit for bit"}),
        (LearnsFromItsExam, {"adapting leaves the learner as it was"}),
        (AddsBranchesUp, {"a merge with what learned nothing is the branch that learned"}),
        (SharesOneStream, {"an evaluation does not depend on the batch"}),
    ],
)
def test_a_learner_that_breaks_one_promise_is_found_out(learner_class, broken, generator):
    config = RL2.Config(cell="gru", precision="float32", **SMALL["rl2"])
    report = check_learner(learner_class, generator, config)
    assert set(report.failed) == broken
    with pytest.raises(LearnerCheckFailed, match=next(iter(broken))):
        report.raise_if_failed()


def test_fingerprints_tell_one_bit():
    space = Bandit(num_arms=2)
    learner = RL2(space.observation_space, space.action_space, RL2.Config(hidden_size=4), 0)
    before = fingerprint(learner)
    with torch.no_grad():
        learner.network.value_head.bias.add_(1e-7)
    assert fingerprint(learner) != before
