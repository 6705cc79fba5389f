"""Tabular MDPs: a state seen, an action taken, a payment made, all by a table that is not shown.

`random_mdp` has `tabular-mdp-v1`, the random MDPs that RL² was first measured on; `structured` has
chains, grids and swimming up a river; `walking` makes a task of any networkx digraph. `contents` is
how a task writes an MDP down, `family` what they share, `engine` how they play, `planning` their
exact optimum. The published algorithms for them are in `taskgen.generators.references`.
"""

from taskgen.generators.tabular.family import TabularFamily
from taskgen.generators.tabular.graphs import digraph_of_task
from taskgen.generators.tabular.random_mdp import TabularMDP
from taskgen.generators.tabular.structured import TabularChain, TabularGrid, TabularRiverSwim
from taskgen.generators.tabular.walking import task_of_digraph

__all__ = [
    "TabularChain",
    "TabularFamily",
    "TabularGrid",
    "TabularMDP",
    "TabularRiverSwim",
    "digraph_of_task",
    "task_of_digraph",
]
