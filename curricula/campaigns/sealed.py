"""The sealed test, and the report on what leaked where.

The test is played when the campaign is asked for its result, and every time is written down.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from curricula.campaigns.branch import exam_tasks, form_digest, restore
from curricula.campaigns.branches import Nursery
from curricula.campaigns.checkpoint import CampaignError, CampaignStore, write_atomically
from curricula.campaigns.seeding import rng_for
from curricula.campaigns.setup import Setup
from curricula.statistics import measures
from learners.evaluation import evaluate
from taskgen.generator import EnvGenerator
from taskgen.outcomes import concatenate


def sealed_test(
    setup: Setup, store: CampaignStore, record: dict[str, Any], nursery: Nursery
) -> dict[str, Any]:
    """Plays the sealed test with a commit's learner, writes the result and the count of uses.

    Args:
        setup: of the campaign.
        store: where the result is written.
        record: the commit.
        nursery: whose start is that commit.

    Returns:
        {"generation", "uses", "env_steps", "measures", "target"}.
    """
    branch = nursery.start_branch()
    exams = setup.sealed_exams(setup.distribution(record["incumbent"]))
    nursery.examine([branch], exams)
    outcomes = concatenate([branch.exams[exam.name] for exam in exams])
    rng = rng_for(setup.config.seed, 0, "test/intervals")
    result = {
        "generation": record["generation"],
        "env_steps": sum(tally.evaluation_env_steps for tally in nursery.tallies),
        "target": exams[0].distribution,
        "measures": measures(outcomes, rng, setup.config.evaluation.success_threshold),
    }
    return _write_down(store, result)


def _write_down(store: CampaignStore, result: dict[str, Any]) -> dict[str, Any]:
    path = store.folder / "sealed_test.json"
    earlier = json.loads(path.read_text())["results"] if path.is_file() else []
    result = {**result, "uses": len(earlier) + 1}
    text = json.dumps({"uses": result["uses"], "results": [*earlier, result]}, indent=1)
    write_atomically(path, text.encode())
    return result


def suite_test(
    setup: Setup, store: CampaignStore, record: dict[str, Any], suite: str
) -> dict[str, Any]:
    """Plays a named suite of the generator with a commit's learner.

    Raises:
        CampaignError: if the generator has no suite of that name.
    """
    config, generator = setup.config, setup.generator
    suites = generator.suites()
    if suite not in suites:
        known = ", ".join(sorted(suites)) or "none"
        raise CampaignError(f"{generator.name} has no suite {suite!r}; it has: {known}.")
    if not isinstance(generator, EnvGenerator):
        raise CampaignError(f"{generator.name} makes no environments to play.")
    learner, _ = restore(config, generator, store.state(record))
    tasks = suites[suite]
    curve = evaluate(
        learner,
        generator.make_vector_env(min(len(tasks), 256)),
        tasks,
        num_episodes=config.lifetime.num_episodes,
        seed=config.seed,
        greedy=config.evaluation.greedy,
    )
    rng = rng_for(config.seed, 0, "test/intervals")
    return {
        "generation": record["generation"],
        "suite": suite,
        "env_steps": curve.num_env_steps,
        "measures": measures(curve.outcomes, rng, config.evaluation.success_threshold),
    }


def write_leak_report(setup: Setup, store: CampaignStore, record: dict[str, Any]) -> dict[str, Any]:
    """Counts the canonical forms that training shares with what it is measured on; must be 0."""
    config, generator = setup.config, setup.generator
    trained = store.seen()
    exams = [*setup.monitors(), *setup.sealed_exams(setup.distribution(record["incumbent"]))]
    shared = {}
    for exam in exams:
        forms = exam_tasks(exam, config, generator).canonicals
        digests = np.array([form_digest(form) for form in forms], dtype=np.int64)
        shared[exam.name] = int(np.isin(digests, trained).sum())
    report = {
        "generation": record["generation"],
        "split": config.splits.enabled,
        "salt": config.splits.salt,
        "trained_tasks": len(trained),
        "shared_with_training": shared,
        "leaks": sum(shared.values()),
        "started_from": None,
    }
    if not config.splits.enabled:
        report["note"] = "the split is off: this family has too few tasks to hold any back"
    write_atomically(store.folder / "leak_report.json", json.dumps(report, indent=1).encode())
    return report
