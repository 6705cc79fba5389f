"""Choices that are left to the campaign, made once, when it is created.

Cell, precision, kernel, workers and threads depend on the machine and decide the last bits of
every number; the score depends on the kind of tasks. They are settled before the first step,
saved with the campaign, and never measured again.
"""

from __future__ import annotations

import dataclasses

from curricula.campaigns.config.plugins import build, spaces_of
from curricula.campaigns.config.schema import CampaignConfig, Plugin
from curricula.campaigns.generation.executors import resolve as resolve_executor
from curricula.campaigns.generation.setup import Setup
from taskgen.generator import ProblemGenerator
from taskgen.registry import resolve as resolve_plugin


def resolve(config: CampaignConfig) -> tuple[CampaignConfig, str]:
    """Returns the configuration with nothing left to "auto" or null that the machine decides.

    Returns:
        The configuration, and a sentence on what was chosen and why; "": nothing was.
    """
    setup = Setup(config)
    executor = resolve_executor(config.executor, setup.num_branches)
    learner_class = resolve_plugin("learners", config.learner.name)
    settings, sentence = learner_class.resolve(
        build(learner_class.Config, config.learner.options),
        *spaces_of(setup.generator),
        num_tasks=config.generation.tasks_per_batch,
        threads=executor.threads,
    )
    settled = {
        "executor": executor,
        "learner": Plugin(name=config.learner.name, options=_plain(dataclasses.asdict(settings))),
        "evaluation": config.evaluation.model_copy(update={"score": _score(config, setup)}),
    }
    return config.model_copy(update=settled), sentence


def _score(config: CampaignConfig, setup: Setup) -> str:
    """Returns the score by its name: "auto" is what suits the kind of tasks."""
    if config.evaluation.score != "auto":
        return config.evaluation.score
    # Who adapts by gradient is at its best at the end, and without bound where that diverges.
    is_problem = isinstance(setup.generator, ProblemGenerator)
    return "winsorized_return" if is_problem else "mean_return"


def _plain(options: dict[str, object]) -> dict[str, object]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}
