"""The worked examples of the how-tos run as they stand there."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from curricula.campaigns.cli import app
from curricula.campaigns.config.files import loads
from curricula.checks.specimens import ELSEWHERE, MOVABLE, START, training_source
from curricula.search import Candidate, Gain
from taskgen.checks import check_generator
from taskgen.generators.bandit import Bandit
from taskgen.registry import resolve
from taskgen.vector import Lifetime

HOWTO = Path(__file__).parents[2] / "docs" / "howto"


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (HOWTO / page).read_text("utf-8"), re.DOTALL)


@pytest.fixture
def made(request, tmp_path, monkeypatch, capsys):
    """What a reader has who follows a page: the file, its report, and the class by its path."""
    group, page, module = request.param
    source, usage = blocks(page, "python")
    (tmp_path / f"{module}.py").write_text(source, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    section = {"curricula": "curriculum", "learners": "learner", "searches": "search"}[group]
    plugin = getattr(loads(blocks(page, "yaml")[0]), section)
    plugin_class = resolve(group, plugin.name)
    exec(usage, {plugin_class.__name__: plugin_class})
    config = plugin_class.Config(**plugin.options)
    spaces = (Bandit.observation_space, Bandit().action_space) if group == "learners" else ()
    seeds = (0,) if group == "learners" else ()
    yield plugin_class(*spaces, config, *seeds), capsys.readouterr().out
    sys.modules.pop(module)


CURRICULUM = ("curricula", "add-a-curriculum.md", "rehearse")
LEARNER = ("learners", "add-a-learner.md", "one_step")
SEARCH = ("searches", "add-a-search.md", "persist")


@pytest.mark.parametrize("made", [CURRICULUM, LEARNER, SEARCH], indirect=True)
def test_the_example_keeps_every_promise(made):
    _, report = made
    assert "FAILED" not in report
    assert report.count("\nok ") >= 7


@pytest.mark.parametrize("made", [CURRICULUM], indirect=True)
def test_the_curriculum_replays_what_is_learnable(made):
    curriculum, _ = made
    rng = np.random.default_rng(0)
    first = curriculum.ask(training_source(), START, 40, rng)
    scores = np.linspace(0.0, 0.25, 40)
    curriculum.tell(first, scores)
    second = curriculum.ask(training_source(), START, 40, rng)
    replayed = [p.task.id for p in second if p.origin == "replay"]
    assert replayed == [p.task.id for p in first[::-1]][: len(replayed)]
    assert 4 <= len(replayed) <= 20  # 0.3 · 40, three deviations to either side
    elsewhere = curriculum.ask(training_source(), ELSEWHERE, 40, rng)
    assert {p.origin for p in elsewhere} == {"new"}


@pytest.mark.parametrize("made", [LEARNER], indirect=True)
def test_the_learner_stays_with_what_paid(made):
    """Arms that always or never pay: all that there is to learn is one step deep."""
    learner, _ = made
    bandit = Bandit(num_arms=5)
    rng = np.random.default_rng(0)
    params = bandit.space.columns([{"pulls": 10, "alpha": 0.1, "beta": 0.1}] * 64)
    env = bandit.make_vector_env(64)
    env.lifetime = Lifetime(num_episodes=1)
    earned = []
    for _ in range(80):
        tasks = bandit.make_tasks(params, rng.integers(2**31, size=64))
        outcomes, _ = learner.meta_train(env, tasks, np.ones(64, bool), rng)
        earned.append(outcomes.returns.mean())
    assert np.mean(earned[-20:]) > np.mean(earned[:10]) + 0.5


@pytest.mark.parametrize("made", [SEARCH], indirect=True)
def test_the_search_goes_on_where_it_gained(made):
    search, _ = made
    candidates = search.ask(START, MOVABLE, 3, generation=1, seed=0)
    search.tell([Candidate(START, "keep"), *candidates], [Gain(0.1), Gain(0), Gain(0.3), Gain(0.2)])
    assert search.direction == candidates[1].move
    again = search.ask(START, MOVABLE, 3, generation=2, seed=1)
    search.tell([Candidate(START, "keep"), *again], [Gain(0.1)] + [Gain(0.05)] * 3)
    assert search.direction == {}


TINY_LEARNER = [
    "learner.options.cell=gru",
    "learner.options.kernel=torch",
    "learner.options.precision=float32",
    "learner.options.hidden_size=8",
    "learner.options.epochs=1",
]
TINY = [
    "lifetime.num_episodes=1",
    *(f"generation.{setting}" for setting in ("branch_env_steps=16", "tasks_per_batch=2")),
    *(f"generation.{setting}" for setting in ("num_candidates=2", "challenger_every=0")),
    *(f"evaluation.num_{name}=2" for name in ("selection", "adoption", "monitor", "test")),
    "budget.generations=1",
    "executor.name=inline",
    "executor.threads=1",
]


PAGES = sorted(path.name for path in HOWTO.glob("*.md") if blocks(path.name, "yaml"))


@pytest.mark.parametrize("page", PAGES)
def test_the_campaign_file_of_a_page_runs(page, tmp_path, monkeypatch):
    """As it stands there, but for its size."""
    if "minigrid" in page:
        pytest.importorskip("minigrid", reason="an environment of another package")
    (text,) = blocks(page, "yaml")
    module = re.search(r"Save it\s+as `(\w+)\.py`", (HOWTO / page).read_text("utf-8"))
    if module:
        (tmp_path / f"{module[1]}.py").write_text(blocks(page, "python")[0], "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    importlib.invalidate_caches()
    (tmp_path / "it.yaml").write_text(text)
    learner = [] if "add-a-learner" in page else TINY_LEARNER
    settings = [*learner, *TINY, "--no-tracking", "--plain"]
    result = CliRunner().invoke(app, ["run", "it.yaml", *settings])
    if module:
        sys.modules.pop(module[1])
    assert result.exit_code == 0, result.output
    assert "finished: " in result.output


def test_the_environment_from_elsewhere_keeps_every_promise(tmp_path, monkeypatch):
    pytest.importorskip("minigrid", reason="an environment of another package")
    (source,) = blocks("plug-in-minigrid.md", "python")
    (tmp_path / "crossings.py").write_text(source, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # of the process that a check asks
    importlib.invalidate_caches()
    check_generator(importlib.import_module("crossings").Crossings()).raise_if_failed()
    sys.modules.pop("crossings")
