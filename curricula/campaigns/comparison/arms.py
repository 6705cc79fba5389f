"""What is compared: arms, made of campaign files, and the controls that a claim has to beat.

An arm is a campaign without name and seed. Arms of one comparison share tasks, target, lifetime and
budget, and nothing else has to be the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from curricula.campaigns.config.files import dump, is_preset, load, loads
from curricula.campaigns.config.plugins import make_generator
from curricula.campaigns.config.regions import movable, start_distribution, target_distribution
from curricula.campaigns.config.schema import (
    BudgetConfig,
    CampaignConfig,
    ExecutorConfig,
    Plugin,
)
from curricula.campaigns.generation.resolution import resolve
from curricula.campaigns.store.checkpoint import CampaignError
from taskgen.distribution import Interval, TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.parameters import Categorical, Numeric
from taskgen.regions import axis_centre
from taskgen.task import canonical_json

CONTROLS = {
    "start-kept": "the start distribution, never moved",
    "whole-target": "the whole target from the start: domain randomisation",
    "hardest-corner": "the corner of the target that lies farthest from the start, alone",
    "adr": "automatic domain randomisation",
    "straight-on": "no search: every generation a step toward the target, where a stream may",
    "random-moves": "the same campaign, its moves drawn at random",
}
"""The controls by name, and what each is."""


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True)
class Arm:
    """One side of a comparison.

    Args:
        name: of the arm, part of the names of its runs.
        config: its campaign; name and seed are those of a run.
        note: what it is, in a few words.
    """

    name: str
    config: CampaignConfig
    note: str = ""


def arm_of(file: str) -> Arm:
    """Returns the arm of a campaign file or preset, named like it.

    Raises:
        ConfigErrors: with everything that is wrong in the file.
    """
    name = file if is_preset(file) else Path(file).stem
    return Arm(name, load(file))


def controls_of(arm: Arm) -> tuple[list[Arm], list[str]]:
    """Returns the controls of an arm, and for each that there is not, why.

    Raises:
        CampaignError: if there is nothing to control: no target, or a search that never moves.
    """
    config = arm.config
    if config.target is None:
        raise CampaignError(
            f"{arm.name} has no target, and controls are measured on one; give the file a target."
        )
    if config.search.name == "fixed":
        raise CampaignError(
            f"{arm.name} never moves (search: fixed), so there is nothing that controls could "
            f"stand against; name a campaign with a search."
        )
    generator = make_generator(config.generator)
    moving = movable(config, generator)
    target = {**config.start, **config.target}
    made = {
        "start-kept": _kept(config, config.start),
        "whole-target": _kept(config, target),
        "hardest-corner": _kept(config, {**target, **_corner(config, generator, moving)}),
        "adr": _single(config, Plugin(name="adr"), 0),
        "straight-on": _single(config, config.search, 0, search_every=0),
        "random-moves": config.model_copy(
            update={"search": Plugin(name="optuna", options={"sampler": "random"})}
        ),
    }
    left_out = _left_out(config, generator, moving)
    arms = [
        Arm(name, loads(dump(changed), source=f"the control {name}"), CONTROLS[name])
        for name, changed in made.items()
        if name not in left_out
    ]
    return arms, [f"no control {name}: {why}" for name, why in left_out.items()]


def prepared(arms: Sequence[Arm], env_steps: int | None) -> list[Arm]:
    """Returns the arms as they run: the same env steps, one thread each, no test of their own.

    Args:
        arms: the first one is what the others are held against.
        env_steps: of every run, everything counted; None: what the files say.

    Raises:
        CampaignError: if arms have the same name, cannot be compared, or have no common budget.
    """
    names = [arm.name for arm in arms]
    if len(set(names)) < len(names):
        raise CampaignError(f"arms need names of their own, got {', '.join(names)}; rename a file.")
    odd = [name for name in names if not _NAME.fullmatch(name)]
    if odd:
        raise CampaignError(
            f"files are named with letters, digits, '.', '_' and '-', since runs are called after "
            f"them; got {', '.join(map(repr, odd))}."
        )
    if len(arms) < 2:
        raise CampaignError("a comparison needs two arms at least: two files, or --controls FILE.")
    _require_comparable(arms)
    env_steps = env_steps or _common_budget(arms)
    return [replace(arm, config=_as_run(arm.config, env_steps)) for arm in arms]


def settled(arms: Sequence[Arm]) -> list[Arm]:
    """Returns the arms with what the machine decides decided, once for all that share a learner."""
    known: dict[bytes, Plugin] = {}
    found = []
    for arm in arms:
        config = arm.config
        sections = [config.generator.model_dump(), config.learner.model_dump()]
        key = canonical_json([*sections, config.generation.tasks_per_batch])
        if key not in known:
            known[key] = resolve(config)[0].learner
        found.append(replace(arm, config=config.model_copy(update={"learner": known[key]})))
    return found


def common_target(config: CampaignConfig, generator: TaskGenerator) -> TaskDistribution:
    """Returns the distribution that all arms are tested on."""
    target = target_distribution(config, generator.space)
    assert target is not None, "arms without a target are refused"
    return target


def _kept(config: CampaignConfig, start: Mapping[str, Any]) -> CampaignConfig:
    """Returns the campaign on one distribution that nothing moves."""
    changed = config.model_copy(update={"start": dict(start), "movable": None})
    return _single(changed, Plugin(name="fixed"), 1)


def _single(
    config: CampaignConfig, search: Plugin, num_candidates: int, **changes: int
) -> CampaignConfig:
    """Returns the campaign with one branch, whose generations take as many steps as before."""
    before = config.generation
    generation = {
        "num_candidates": num_candidates,
        "branch_env_steps": before.branch_env_steps * max(before.num_candidates, 1),
        "rung_share": 0.0,
        "merge": False,
        **changes,
    }
    return config.model_copy(
        update={"search": search, "generation": before.model_copy(update=generation)}
    )


def _corner(
    config: CampaignConfig, generator: TaskGenerator, moving: Sequence[str]
) -> dict[str, float]:
    """Returns the ends of the target that lie farthest from where the start is."""
    start = start_distribution(config, generator.space)
    target = common_target(config, generator)
    found = {}
    for name in moving:
        parameter, here, there = generator.space[name], start.regions[name], target.regions[name]
        if here != there and isinstance(here, Interval) and isinstance(there, Interval):
            assert not isinstance(parameter, Categorical)
            found[name] = _farthest(parameter, axis_centre(parameter, here), there)
    return found


def _farthest(parameter: Numeric, place: float, interval: Interval) -> float:
    ends = (interval.high, interval.low)
    return max(ends, key=lambda end: abs(parameter.to_axis(end) - place))


def _left_out(
    config: CampaignConfig, generator: TaskGenerator, moving: Sequence[str]
) -> dict[str, str]:
    """Returns why some controls cannot be."""
    found = {}
    numbers = [name for name in moving if not isinstance(generator.space[name], Categorical)]
    if not numbers:
        found["hardest-corner"] = found["adr"] = "no number moves, so there are no ends"
    elif not generator.has_success:
        found["adr"] = (
            f"its thresholds are shares of success, which has no meaning in {generator.name}; "
            f"write a file with thresholds of returns, and compare that"
        )
    options = config.search.options
    if config.search.name == "optuna" and options.get("sampler") == "random":
        found["random-moves"] = "the campaign's own moves are random"
    return found


def _as_run(config: CampaignConfig, env_steps: int) -> CampaignConfig:
    timeout_s = config.executor.call_timeout_s
    return config.model_copy(
        update={
            "name": "arm",
            "seed": 0,
            "budget": BudgetConfig(env_steps=env_steps),
            "executor": ExecutorConfig(name="inline", threads=1, call_timeout_s=timeout_s),
            "evaluation": config.evaluation.model_copy(update={"test_at_end": False}),
            "tracking": config.tracking.model_copy(update={"films": False, "num_pictures": 0}),
        }
    )


def _common_budget(arms: Sequence[Arm]) -> int:
    budgets = {arm.name: arm.config.budget.env_steps for arm in arms}
    found = set(budgets.values())
    if len(found) == 1 and None not in found:
        return int(next(iter(found)) or 0)
    told = ", ".join(f"{name}: {steps or 'none'}" for name, steps in budgets.items())
    raise CampaignError(
        f"arms are compared at equal env steps, and the files have no common budget.env_steps "
        f"({told}); say it by --budget-env-steps."
    )


def _require_comparable(arms: Sequence[Arm]) -> None:
    first, *others = arms
    shared = _shared(first.config)
    for arm in others:
        differing = [name for name, value in _shared(arm.config).items() if value != shared[name]]
        if differing:
            raise CampaignError(
                f"{arm.name} and {first.name} cannot be compared, since they differ in "
                f"{', '.join(differing)}; a comparison is made on one test."
            )
    if shared["target"] is None:
        raise CampaignError(
            f"{first.name} has no target; a comparison needs one, the distribution that every arm "
            f"is tested on."
        )


def _shared(config: CampaignConfig) -> dict[str, Any]:
    """Returns what all arms must have in common."""
    generator = make_generator(config.generator)
    target = target_distribution(config, generator.space)
    return {
        "generator": config.generator.model_dump(),
        "target": None if target is None else target.to_json(),
        "lifetime.num_episodes": config.lifetime.num_episodes,
        "evaluation.num_test": config.evaluation.num_test,
        "evaluation.success_threshold": config.evaluation.success_threshold,
        "evaluation.greedy": config.evaluation.greedy,
        "splits": config.splits.model_dump(),
    }
