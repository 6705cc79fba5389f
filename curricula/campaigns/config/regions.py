"""What the sections `start`, `target` and `movable` of a campaign file mean.

`start` and `target` are distributions by parameter. What `target` does not name stays as in
`start`, what `start` does not name stays at the parameter's default. `movable` lists the
parameters that the search may move; left out, it follows from where start and target differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskgen.distribution import TaskDistribution
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Categorical

if TYPE_CHECKING:
    from curricula.campaigns.config.schema import CampaignConfig
    from taskgen.generator import TaskGenerator

MAX_DEFAULT_MOVABLE = 4
"""More parameters than this move only when they are listed: each doubles what a search must try."""


def start_distribution(config: CampaignConfig, space: ParameterSpace) -> TaskDistribution:
    """Returns the first training distribution.

    Raises:
        taskgen.parameter_space.OutOfSpace: if a name or a value is not of the space.
    """
    return TaskDistribution.make(space, config.start)


def target_distribution(config: CampaignConfig, space: ParameterSpace) -> TaskDistribution | None:
    """Returns the distribution that counts at test time; None for an open-ended campaign.

    Raises:
        taskgen.parameter_space.OutOfSpace: if a name or a value is not of the space.
    """
    if config.target is None:
        return None
    return TaskDistribution.make(space, {**config.start, **config.target})


def movable(config: CampaignConfig, generator: TaskGenerator) -> list[str]:
    """Returns the parameters that the search may move, in the order of the space.

    Those that the configuration lists; otherwise none for the search "fixed", those in which start
    and target differ for a campaign with a target, and the open-ended ones without. Parameters
    that no task of start or target has active are left out.
    """
    space = generator.space
    if config.movable is not None:
        return [name for name in space if name in config.movable]
    if config.search.name == "fixed":
        return []
    start, target = start_distribution(config, space), target_distribution(config, space)
    if target is None:
        chosen = [name for name in space if getattr(space[name], "open_ended", False)]
    else:
        chosen = [name for name in space if start.regions[name] != target.regions[name]]
    return [name for name in chosen if can_be_active(name, start, target)]


def can_be_active(name: str, *distributions: TaskDistribution | None) -> bool:
    """Whether some task of these distributions has the parameter active."""
    for distribution in distributions:
        if distribution is None:
            continue
        if isinstance(distribution.space[name], Categorical) or distribution.moves([name]):
            return True
    return False
