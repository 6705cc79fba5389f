"""Choices that depend on the machine, made once, when a campaign is created.

Cell, precision, kernel, workers and threads decide the last bits of every number, so they are
settled before the first step, saved with the campaign, and never measured again.
"""

from __future__ import annotations

import dataclasses

from curricula.campaigns.config import CampaignConfig, Plugin
from curricula.campaigns.executors import resolve as resolve_executor
from curricula.campaigns.plugins import build, spaces_of
from curricula.campaigns.setup import Setup
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
    learner = Plugin(name=config.learner.name, options=_plain(dataclasses.asdict(settings)))
    return config.model_copy(update={"executor": executor, "learner": learner}), sentence


def _plain(options: dict[str, object]) -> dict[str, object]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}
