"""The sealed test, and the report on what leaked where.

The test is played when the campaign is asked for its result, and every time is written down, with
the named suites and the tasks from elsewhere that its learner was put to: all are uses of the test.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.exams.playing import counted_in, play_tasks
from curricula.campaigns.exams.sets import Exam, ExamSet, exam_set
from curricula.campaigns.generation.branch import form_digest, restore
from curricula.campaigns.generation.executors import using_threads
from curricula.campaigns.generation.nursery import Nursery
from curricula.campaigns.generation.references import (
    against_bayes,
    exam_references,
    task_references,
)
from curricula.campaigns.generation.seeding import rng_for, seed_for
from curricula.campaigns.generation.setup import Setup
from curricula.campaigns.sealed_films import film_test
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
from curricula.campaigns.store.files import write_atomically
from curricula.statistics import References, measures
from learners.evaluation import AdaptationCurve
from taskgen.generator import TaskGenerator
from taskgen.outcomes import Outcomes, concatenate
from taskgen.task import Task


def sealed_test(
    setup: Setup, store: CampaignStore, record: dict[str, Any], nursery: Nursery
) -> dict[str, Any]:
    """Plays the sealed test with a commit's learner, writes the result and the count of uses.

    Its best, its middling and its worst task are filmed.

    Args:
        setup: of the campaign.
        store: where the result is written.
        record: the commit.
        nursery: whose start is that commit.

    Returns:
        {"kind": "sealed", "name", "generation", "uses", "counted", "env_steps", "measures",
        "target", "bayes"}; the last is what `against_bayes` returns.
    """
    branch = nursery.start_branch()
    exams = setup.sealed_exams(setup.distribution(record["incumbent"]))
    nursery.examine([branch], exams)
    outcomes = concatenate([branch.exams[exam.name] for exam in exams])
    references = exam_references(nursery, exams) if setup.generator.has_oracle else None
    rng = rng_for(setup.config.seed, 0, "test/intervals")
    threshold = setup.config.evaluation.success_threshold
    place = setup.distribution(exams[0].distribution)
    result = {
        "kind": "sealed",
        "name": "sealed test",
        "generation": record["generation"],
        "counted": counted_in(setup.generator),
        "env_steps": sum(tally.evaluation_env_steps for tally in nursery.tallies),
        "target": exams[0].distribution,
        "measures": measures(outcomes, rng, threshold, references),
        "bayes": against_bayes(setup, place, outcomes, rng),
    }
    counted = store.add_test_result(result)
    if setup.config.tracking.films:
        film_test(setup, store, record, exams, outcomes)
    return counted


def known_result(store: CampaignStore, record: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the result of a commit's learner that was written down before, None if none was."""
    for result in store.test_results():
        is_sealed = result.get("kind", "sealed") == "sealed"
        if is_sealed and result["generation"] == record["generation"]:
            return result
    return None


def suite_test(
    setup: Setup, store: CampaignStore, record: dict[str, Any], suite: str
) -> dict[str, Any]:
    """Plays a named suite of the generator with a commit's learner: a use of the test.

    Returns:
        What `tasks_test` returns, its kind "suite".

    Raises:
        CampaignError: if the generator has no suite of that name.
    """
    suites = setup.generator.suites()
    if suite not in suites:
        known = ", ".join(sorted(suites)) or "none"
        raise CampaignError(f"{setup.generator.name} has no suite {suite!r}; it has: {known}.")
    return tasks_test(setup, store, record, suites[suite], suite, kind="suite")


def tasks_test(
    setup: Setup,
    store: CampaignStore,
    record: dict[str, Any],
    tasks: Sequence[Task],
    name: str,
    kind: str = "tasks",
) -> dict[str, Any]:
    """Plays tasks from elsewhere with a commit's learner, and counts it as a use of the test.

    Args:
        setup: of the campaign.
        store: where the result is written.
        record: the commit.
        tasks: of the campaign's generator.
        name: what the tasks are called.
        kind: "tasks" or "suite".

    Returns:
        {"kind", "name", "generation", "uses", "counted", "env_steps", "trained_on", "failed",
        "measures"}: how many tasks (or twins of them) the campaign trained on, how many could not
        be played.
    """
    config = setup.config
    play_seed = seed_for(config.seed, 0, f"{kind}/{name}/play")
    curve = _played(setup, store, record, tasks, play_seed)
    assert config.executor.threads is not None
    with using_threads(config.executor.threads):
        references, env_steps = task_references(config, setup.generator, tasks, play_seed)
    use = _use_of(setup, store, record, tasks, curve, references)
    use["env_steps"] += env_steps
    return store.add_test_result({"kind": kind, "name": name, **use})


def common_test(
    setup: Setup,
    store: CampaignStore,
    record: dict[str, Any],
    tasks: Sequence[Task],
    name: str,
    play_seed: int,
) -> Outcomes:
    """Plays the test of a comparison with a commit's learner, and counts it as a use of the test.

    Args:
        setup: of the campaign.
        store: where the use is written.
        record: the commit.
        tasks: that all campaigns of the comparison are tested on.
        name: of the comparison.
        play_seed: decides all that is random in it.

    Returns:
        What happened on each of the tasks, in their order.
    """
    curve = _played(setup, store, record, tasks, play_seed)
    use = _use_of(setup, store, record, tasks, curve, None)
    store.add_test_result({"kind": "comparison", "name": name, **use})
    return curve.outcomes


def _played(
    setup: Setup,
    store: CampaignStore,
    record: dict[str, Any],
    tasks: Sequence[Task],
    play_seed: int,
) -> AdaptationCurve:
    """Plays tasks with the learner of a commit."""
    config, generator = setup.config, setup.generator
    assert config.executor.threads is not None
    with using_threads(config.executor.threads):
        learner, _ = restore(config, generator, store.state(record))
        return play_tasks(tasks, config, generator, learner, play_seed)


def _use_of(
    setup: Setup,
    store: CampaignStore,
    record: dict[str, Any],
    tasks: Sequence[Task],
    curve: AdaptationCurve,
    references: References | None,
) -> dict[str, Any]:
    """Returns what is written down about tasks that were played."""
    rng = rng_for(setup.config.seed, 0, "test/intervals")
    threshold = setup.config.evaluation.success_threshold
    return {
        "generation": record["generation"],
        "counted": counted_in(setup.generator),
        "env_steps": curve.num_env_steps,
        "trained_on": _num_trained_on(setup.generator, tasks, store.seen()),
        "failed": len(curve.failures),
        "measures": measures(curve.outcomes, rng, threshold, references),
    }


def _num_trained_on(
    generator: TaskGenerator, tasks: Sequence[Task], seen: NDArray[np.int64]
) -> int:
    return int(np.isin(_digests([generator.canonical(task) for task in tasks]), seen).sum())


def write_leak_report(setup: Setup, store: CampaignStore, record: dict[str, Any]) -> dict[str, Any]:
    """Counts the canonical forms that different sets of tasks share, and writes them down.

    The sets are everything that was ever trained on, the exams of the commit's generation as they
    were played, the sealed test and the named suites. Training and validation, training and
    test, validation and test must share nothing; suites are made by other rules, and what they
    share is told. So is how far sets of one side repeat themselves or each other ("sets"), which
    a family of few tasks cannot help.
    """
    config, generator = setup.config, setup.generator
    sets = dict(_measured_sets(setup, store, record))
    forms = {name: _digests(whole.tasks.canonicals) for name, whole in sets.items()}
    forms["trained"] = store.seen()
    shared = {
        f"{one} & {other}": int(np.isin(forms[one], forms[other]).sum())
        for one, other in itertools.combinations(sorted(forms), 2)
        if _sides_differ(one, other)
    }
    suites = {
        name: _num_trained_on(generator, tasks, forms["trained"])
        for name, tasks in generator.suites().items()
    }
    report = {
        "generation": record["generation"],
        "split": config.splits.enabled,
        "salt": config.splits.salt,
        "started_from": None,  # every campaign starts from a learner that was never trained
        "trained_tasks": len(forms["trained"]),
        "sets": {name: whole.to_json() for name, whole in sets.items()},
        "shared": shared,
        "leaks": sum(shared.values()),
        "suites_shared_with_training": suites,
    }
    if not config.splits.enabled:
        report["note"] = "the split is off: this family has too few tasks to hold any back"
    write_atomically(store.folder / "leak_report.json", json.dumps(report, indent=1).encode())
    return report


def _measured_sets(
    setup: Setup, store: CampaignStore, record: dict[str, Any]
) -> Iterator[tuple[str, ExamSet]]:
    """Yields the exams that a generation played, and the test as it was or would be opened."""
    generation = record["generation"]
    records = {known["generation"]: known for known in store.records()} | {generation: record}
    exams, before = setup.monitors(), records.get(generation - 1)
    if before is not None:  # where a generation begins decides what its branches are compared on
        start = setup.distribution(before["incumbent"])
        exams += [setup.selection(generation, start), setup.adoption(generation, start)]
    for exam in exams:
        if exam.name in record.get("exam_sets", {}):  # commits once had none
            yield exam.name, _set_of(setup, exam, before)
    opened = records[_tested_generation(store, records, generation)]
    test = setup.sealed_exams(setup.distribution(opened["incumbent"]))[0]
    yield "test", _set_of(setup, test, opened)


def _tested_generation(
    store: CampaignStore, records: Mapping[int, Mapping[str, Any]], generation: int
) -> int:
    """Returns whose learner the sealed test was opened for last; if for none, the newest."""
    uses = [use for use in store.test_results() if use.get("kind", "sealed") == "sealed"]
    known = [use["generation"] for use in uses if use["generation"] in records]
    return known[-1] if known else generation


def _set_of(setup: Setup, exam: Exam, before: Mapping[str, Any] | None) -> ExamSet:
    """Returns an exam's set as it was drawn after a commit, which knew what not to play."""
    quarantine = sorted(before["quarantine"]) if before is not None else []
    return exam_set(exam, setup.config, setup.generator, quarantine)


def _sides_differ(one: str, other: str) -> bool:
    """Whether two sets lie on different sides of the split."""
    sides = [
        "train" if name == "trained" else "test" if name == "test" else "validation"
        for name in (one, other)
    ]
    return sides[0] != sides[1]


def _digests(forms: Sequence[bytes]) -> NDArray[np.int64]:
    return np.array([form_digest(form) for form in forms], dtype=np.int64)
