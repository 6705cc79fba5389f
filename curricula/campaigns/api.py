"""A campaign's results from Python: load its learner, put it to the test.

Example:
    ```python
    import gymnasium
    from curricula.campaigns.api import load_learner
    from learners.adaptation import adapt

    learner = load_learner("maze-quickstart")
    policy = adapt(learner, env, num_episodes=3, seed=0)   # env: a gymnasium environment
    ```
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.config.plugins import make_generator
from curricula.campaigns.generation.branch import restore
from curricula.campaigns.generation.executors import make_executor, using_threads
from curricula.campaigns.lifetimes import PlayedLifetime, played_lifetimes, validation_tasks
from curricula.campaigns.sealed import suite_test, tasks_test
from curricula.campaigns.sight.films import CannotFilm, Film, film
from curricula.campaigns.store.checkpoint import (
    DEFAULT_ROOT,
    CampaignError,
    CampaignStore,
    campaign_folder,
)
from curricula.campaigns.store.machine import Machine, require_available
from curricula.campaigns.store.task_files import problems_of, refuse, tasks_of
from learners.learner import Learner
from taskgen.generator import EnvGenerator
from taskgen.task import Task


def load_learner(
    campaign: str | Path, root: Path = DEFAULT_ROOT, generation: int | None = None
) -> Learner:
    """Returns the learner of a campaign's commit, the newest by default.

    Args:
        campaign: its name under the root, or its folder.
        root: where campaigns lie.
        generation: of the commit; its checkpoint must have been kept.

    Raises:
        CampaignError: if there is no such campaign, commit or checkpoint.
    """
    store = CampaignStore(campaign_folder(campaign, root))
    config = store.config()
    require_available(config)
    record = _record(store, generation)
    learner, _ = restore(config, make_generator(config.generator), store.state(record))
    return learner


def evaluate_campaign(
    campaign: str | Path,
    root: Path = DEFAULT_ROOT,
    suite: str | None = None,
    tasks: str | Path | None = None,
) -> dict[str, Any]:
    """Plays the sealed test, a named suite or given tasks, with a campaign's newest learner.

    Each is a use of the test, counted in the campaign's folder.

    Args:
        campaign: its name under the root, or its folder.
        root: where campaigns and imported tasks lie.
        suite: of the campaign's generator, in place of the sealed test.
        tasks: an imported set's name, or a file of tasks, in place of the sealed test.

    Returns:
        What `curricula.campaigns.sealed.sealed_test` or `tasks_test` returns.

    Raises:
        CampaignError: if there is no such campaign, commit, suite or set, if the tasks are not of
            the campaign's generator, or if its sealed test is asked for while it is running.
    """
    if suite is not None and tasks is not None:
        raise CampaignError("one thing at a time: a suite or tasks, not both.")
    opened = _opened(campaign_folder(campaign, root))
    record = _record(opened.store, None)
    if suite is not None:
        return suite_test(opened.setup, opened.store, record, suite)
    if tasks is not None:
        name, given = tasks_of(str(tasks), root)
        refuse(f"{tasks}, for {opened.config.name},", problems_of(given, opened.setup.generator))
        return tasks_test(opened.setup, opened.store, record, given, name)
    opened.store.lock()
    executor = make_executor(opened.config.executor, opened.display.steps)
    try:
        return opened.sealed_test(record, executor)
    finally:
        executor.close()
        opened.store.unlock()


def play_campaign(
    campaign: str | Path,
    root: Path = DEFAULT_ROOT,
    generation: int | None = None,
    *,
    num_tasks: int = 6,
    seed: int = 0,
) -> list[PlayedLifetime]:
    """Plays validation tasks with a campaign's learner, to be looked at; no use of the test.

    Args:
        campaign: its name under the root, or its folder.
        root: where campaigns lie.
        generation: of the commit, the newest by default; its checkpoint must have been kept.
        num_tasks: how many lifetimes.
        seed: decides the tasks, and all that is random in play.

    Raises:
        CampaignError: if there is no such campaign, commit or checkpoint, or if its generator
            draws no lifetimes.
    """
    opened = _opened(campaign_folder(campaign, root))
    record = _record(opened.store, generation)
    return played_lifetimes(opened.setup, opened.store, record, num_tasks, seed)


def film_campaign(
    campaign: str | Path,
    root: Path = DEFAULT_ROOT,
    generation: int | None = None,
    *,
    task: Task | None = None,
    num_episodes: int | None = None,
    seed: int = 0,
) -> tuple[Task, Film]:
    """Films a campaign's learner as it adapts to a task; no use of the test.

    Args:
        campaign: its name under the root, or its folder.
        root: where campaigns lie.
        generation: of the commit, the newest by default; its checkpoint must have been kept.
        task: of the campaign's generator; None: a validation task.
        num_episodes: of the lifetime; None: as in the campaign's tests.
        seed: decides the task, where none is given, and all that is random in play.

    Raises:
        CampaignError: if there is no such campaign, commit or checkpoint, if the task is of another
            generator or cannot be played, or if the generator makes nothing to act in.
    """
    opened = _opened(campaign_folder(campaign, root))
    record = _record(opened.store, generation)
    config, generator = opened.config, opened.setup.generator
    if not isinstance(generator, EnvGenerator):
        raise CampaignError(f"{generator.name} makes {generator.kind}s: nothing acts in them.")
    task = task or validation_tasks(opened.setup, record, 1, seed)[0]
    refuse(f"the task for {config.name}", problems_of([task], generator))
    num_episodes = num_episodes or config.lifetime.num_episodes
    greedy = config.evaluation.greedy
    assert config.executor.threads is not None
    with using_threads(config.executor.threads):
        learner, _ = restore(config, generator, opened.store.state(record))
        try:
            made = film(
                learner, generator, task, num_episodes=num_episodes, seed=seed, greedy=greedy
            )
        except CannotFilm as error:
            raise CampaignError(str(error)) from None
    return task, made


def _opened(folder: Path) -> Campaign:
    """Returns a campaign that will not go on: to be examined, any machine will do."""
    store = CampaignStore(folder)
    config = store.config()
    require_available(config)
    return Campaign(store, config, Machine("", {}))


def _record(store: CampaignStore, generation: int | None) -> dict[str, Any]:
    if generation is None:
        record = store.last()
        if record is None:
            raise CampaignError(f"{store.folder.name} has no commit yet; let it run a while.")
        return record
    for record in store.records():
        if record["generation"] == generation:
            if not (store.folder / record["checkpoint"]["file"]).is_file():
                raise CampaignError(
                    f"the checkpoint of generation {generation} was not kept (checkpoints.keep_*)."
                )
            if not store.is_whole(record):
                raise CampaignError(
                    f"the checkpoint of generation {generation} is damaged; take another one, or "
                    f"resume the campaign, which makes its newest ones again."
                )
            return record
    raise CampaignError(f"{store.folder.name} has no commit of generation {generation}.")
