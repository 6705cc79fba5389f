"""Campaign files: what is wrong is told all at once; what is right is complete and comes back."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from curricula.campaigns.config.errors import ConfigErrors, known_keys
from curricula.campaigns.config.files import (
    dump,
    is_preset,
    load,
    loads,
    movable,
    presets,
    start_distribution,
    target_distribution,
)
from curricula.campaigns.config.plugins import (
    build,
    make_curriculum,
    make_generator,
    make_learner,
    make_search,
    resolved_options,
)
from curricula.campaigns.config.schema import CampaignConfig, EvaluationConfig, Plugin
from taskgen.distribution import Interval, Weights

MAZE = "name: trip\ngenerator: maze-v1\nstart: {size: [5, 7]}\ntarget: {size: [5, 13]}\n"


def errors_of(text: str, overrides: list[str] | tuple[()] = ()) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        loads(text, overrides)
    return [str(problem) for problem in caught.value.problems]


def test_every_preset_loads_and_comes_back() -> None:
    assert set(presets()) >= {"maze-quickstart", "maze-open-ended", "bandit"}
    for name, summary in presets().items():
        if name == "procgen-maze" and find_spec("procgen") is None:
            continue  # its games come in a wheel that not every machine has
        config = load(name)
        assert config.name == name
        assert len(summary) > 20
        assert loads(dump(config)) == config


def test_the_presets_mean_what_they_are_for() -> None:
    quick = load("maze-quickstart")
    space = make_generator(quick.generator).space
    assert start_distribution(quick, space).regions["size"] == Interval(5, 7)
    target = target_distribution(quick, space)
    assert target is not None
    assert target.regions["size"] == Interval(5, 13)
    assert movable(quick, make_generator(quick.generator)) == ["size"]

    endless = load("maze-open-ended")
    assert target_distribution(endless, space) is None
    assert set(endless.budget.model_dump().values()) == {None}

    bandit = load("bandit")
    assert bandit.search.name == "fixed"
    assert movable(bandit, make_generator(bandit.generator)) == []
    assert bandit.lifetime.num_episodes == 10


@pytest.mark.skipif(find_spec("procgen") is None, reason="the wheel of the games is not here")
def test_the_preset_of_pixels_widens_how_many_levels_there_are() -> None:
    config = load("procgen-maze")
    generator = make_generator(config.generator)
    start, target = (
        where(config, generator.space) for where in (start_distribution, target_distribution)
    )
    assert target is not None
    assert start.regions["level"] == Interval(0, 199)
    assert target.regions["level"] == Interval(0, 99_999)
    drawn = target.sample(50, np.random.default_rng(0))
    assert set(drawn["game"]) | set(start.sample(9, np.random.default_rng(0))["game"]) == {"maze"}
    assert set(drawn["mode"]) == {"easy"}
    assert movable(config, generator) == ["level"]


def test_defaults_of_plugins_are_written_out() -> None:
    config = loads(MAZE + "learner: {name: rl2, options: {lr: 1e-3}}")
    assert config.learner.options["lr"] == 0.001
    assert config.learner.options["gamma"] == 0.99
    assert "gamma: 0.99" in dump(config)


@pytest.mark.parametrize(
    ("addition", "expected"),
    [
        ("gnerator: x", "gnerator: unknown key; did you mean generator?"),
        (
            "num_candidates: 4",
            "num_candidates: unknown key; did you mean generation.num_candidates?",
        ),
        (
            "generation: {num_candidate: 4}",
            "generation.num_candidate: unknown key; did you mean num_candidates?",
        ),
        (
            "generation: {branch_env_steps: lots}",
            "generation.branch_env_steps: must be a whole number, got 'lots'",
        ),
        ("generation: {rung_share: 2}", "generation.rung_share: must be less than or equal to 1"),
        ("budget: {hours: 0}", "budget.hours: must be greater than 0, got 0"),
        (
            "evaluation: {score: best}",
            "evaluation.score: must be auto, last_return, winsorized_return, mean_return or "
            "last_success, got 'best'",
        ),
        ("executor: 3", "executor: must be a section, key: value, got 3"),
        ("movable: [sizes]", "movable[0]: sizes is no parameter; did you mean size?"),
        ("movable: size", "movable: must be a list, got 'size'"),
        ("movable: [size, size]", "movable[1]: size stands twice"),
        ("movable: [wall_density]", "movable[0]: wall_density has no effect in these tasks"),
        ("learner: rl3", "learner.name: no learner is called 'rl3' (did you mean rl2?)"),
        ("search: nowhere:Search", "search.name: 'nowhere:Search' names nothing"),
        (
            "search: {name: optuna, options: {samplr: cmaes}}",
            "search.options.samplr: unknown key; did you mean sampler?",
        ),
        (
            "learner: {name: rl2, options: {lr: fast}}",
            "learner.options.lr: must be a number, got 'fast'",
        ),
        (
            "learner: {name: rl2, options: {cell: lstn}}",
            "learner.options.cell: must be auto, lstm or gru, got 'lstn' (did you mean lstm?)",
        ),
        ("learner: {name: rl2, options: {gamma: 3}}", "learner.options.gamma: must lie in [0, 1]"),
        ("curriculum: {options: {}}", "curriculum.name: is missing"),
        ("rehearsal_share: .nan", "rehearsal_share: must be"),
    ],
)
def test_a_mistake_is_named_where_it_stands(addition: str, expected: str) -> None:
    problems = errors_of(MAZE + addition)
    assert len(problems) == 1
    assert problems[0].startswith(expected)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("size: [7, 5]", "start.size: must not have low above high, got [7, 5]; write [5, 7] if"),
        (
            "size: [5, 6]",
            "start.size: must be a whole number in [5, 255] in steps of 2 cells, got 6 (nearest: 5",
        ),
        ("size: [3, 7]", "start.size: must be a whole number"),
        ("size: [5, 7, 9]", "start.size: must be a number or [low, high]"),
        ("size: wide", "start.size: must be a number or [low, high]"),
        ("size: true", "start.size: must be a number or [low, high]"),
        ("size: .inf", "start.size: must be a whole number"),
        ("size: null", "start.size: must be a number or [low, high]"),
        ("sise: 5", "start.sise: is no parameter here; did you mean size?"),
        ("layout: cave", "start.layout: must be one of depth_first, wilson"),
        ("layout: {rooms: -1, wilson: 2}", "start.layout: weights must be finite, >= 0"),
        ("layout: {rooms: much}", "start.layout: must be a choice, a list of choices"),
        ("layout: 3", "start.layout: must be a choice, a list of choices"),
        ("braid: [0, 1.5]", "start.braid: must be in [0, 1], got 1.5 (nearest: 1)"),
    ],
)
def test_a_region_outside_the_space_is_refused(region: str, expected: str) -> None:
    problems = errors_of(f"name: x\ngenerator: maze-v1\nstart: {{{region}}}\n")
    assert len(problems) == 1
    assert problems[0].startswith(expected)


def test_all_mistakes_come_at_once() -> None:
    text = MAZE.replace("trip", "3") + (
        "name: again\ngeneration: {rung_share: 2, merg: true}\nlearner: rl3\n"
        "search: {name: optuna, options: {samplr: x}}\nmovable: [sizes]\n"
    )
    problems = errors_of(text.replace("[5, 7]", "[7, 5]"), ["seed=-1", "budget"])
    where = {problem.partition(":")[0] for problem in problems}
    assert where == {
        "name",
        "generation.rung_share",
        "generation.merg",
        "learner.name",
        "search.options.samplr",
        "movable[0]",
        "start.size",
        "seed",
        "budget",
    }


def test_no_mistake_in_options_hides_another() -> None:
    problems = errors_of(
        MAZE + "learner: {name: rl2, options: {hidden_size: big, gamma: 3, clip: -1, cell: x}}\n"
        "search: {name: optuna, options: {history: -1, samplr: tpe, discount: 2}}\n"
    )
    assert {problem.partition(":")[0] for problem in problems} == {
        *(f"learner.options.{name}" for name in ("hidden_size", "gamma", "clip", "cell")),
        *(f"search.options.{name}" for name in ("history", "samplr", "discount")),
    }
    reptile = "learner: {name: maml, options: {outer: reptile, inner_steps: 5, inner_lr: -1}}"
    (alone,) = errors_of("name: x\ngenerator: sinusoid-v1\nsearch: fixed\n" + reptile)
    assert alone == "learner.options.inner_lr: must be above 0, got -1.0"
    (fit,) = errors_of(MAZE + "learner: {name: rl2, options: {kernel: fused, precision: bfloat16}}")
    assert fit.startswith("learner.options: the fused kernel computes in float32")


def test_a_wrong_option_does_not_hide_what_is_wrong_with_the_tasks() -> None:
    text = "name: x\ngenerator: {name: bandit-v1, options: {num_arms: few}}\nsearch: fixed\n"
    problems = errors_of(text + "start: {pulls: 0}\n")
    assert [p.partition(":")[0] for p in problems] == ["generator.options.num_arms", "start.pulls"]


def test_settings_that_do_not_fit_each_other_are_told_beside_wrong_ones() -> None:
    wrong = "generation: {merge: true, num_candidates: 1, rung_share: 2}\nmovable: []\nseed: x\n"
    where = {problem.partition(":")[0] for problem in errors_of(MAZE + wrong)}
    assert where == {"generation", "generation.rung_share", "movable is empty", "seed"}


def test_a_learner_that_cannot_play_the_tasks_is_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "sines.py").write_text(
        "from taskgen.generator import ProblemGenerator\n"
        "from taskgen.parameter_space import ParameterSpace\n"
        "from taskgen.parameters import Float\n"
        "class Sines(ProblemGenerator):\n"
        "    name = 'sines-v1'\n"
        "    space = ParameterSpace({'phase': Float(low=0, high=3, default=1, open_ended=True)})\n"
        "    def make_task(self, params, seed): ...\n"
        "    def make_problems(self, tasks, rng): ...\n"
    )
    monkeypatch.chdir(tmp_path)
    problems = errors_of("name: x\ngenerator: sines:Sines\n")
    assert len(problems) == 1
    assert problems[0].startswith("learner.name: RL2 learns from tasks of the kind env")


def test_a_learner_that_cannot_take_the_spaces_is_refused(tmp_path, monkeypatch) -> None:
    reached = {"g": {"low": 1.0, "high": 20.0, "default": 10.0}}
    text = "name: trip\ngenerator: {name: gymnasium-v1, options: {env: %s, parameters: %s}}\n"
    assert loads(text % ("Pendulum-v1", reached), ["search=fixed"]).name == "trip"
    (tmp_path / "levers.py").write_text(
        "import gymnasium\n"
        "class Levers(gymnasium.Env):\n"
        "    g = 10.0\n"
        "    observation_space = gymnasium.spaces.Box(0, 1, (1,))\n"
        "    action_space = gymnasium.spaces.MultiBinary(3)\n"
        "gymnasium.register('Levers-v0', Levers, max_episode_steps=5)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (problem,) = errors_of(text % ("levers:Levers-v0", reached), ["search=fixed"])
    assert problem.startswith("learner: RL2 cannot be made for gymnasium-v1: ")
    assert "Discrete action space or a Box of floats, got MultiBinary" in problem
    (problem,) = errors_of(text % ("NoSuchThing-v1", reached), ["search=fixed"])
    assert problem.startswith("generator: gymnasium-v1 cannot say its spaces: ")


def test_a_score_of_successes_needs_tasks_that_succeed() -> None:
    bandit = "name: trip\ngenerator: bandit-v1\nsearch: fixed\nevaluation: {score: %s}\n"
    (problem,) = errors_of(bandit % "last_success")
    assert problem.startswith("evaluation.score: last_success needs tasks that can succeed")
    assert loads(bandit % "last_return").evaluation.score == "last_return"
    assert loads(MAZE, ["evaluation.score=last_success"]).evaluation.score == "last_success"


def test_a_plugin_that_breaks_when_made_is_a_problem_and_no_crash(tmp_path, monkeypatch) -> None:
    (tmp_path / "broken.py").write_text("class Broken:\n    def __init__(self):\n        1 / 0\n")
    monkeypatch.chdir(tmp_path)
    assert "ZeroDivisionError" in errors_of("name: x\ngenerator: broken:Broken\n")[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a campaign file holds key: value, got nothing"),
        ("- 1", "a campaign file holds key: value, got a list"),
        ("a: [", "is not YAML"),
        ("name: !!python/name:os.system", "the tag !!python/name:os.system is not read"),
    ],
)
def test_a_file_that_is_no_campaign_is_refused(text: str, expected: str) -> None:
    assert expected in errors_of(text)[0]


def test_missing_files_and_unreadable_files_are_refused(tmp_path) -> None:
    with pytest.raises(ConfigErrors, match="did you mean maze-quickstart"):
        load("maze-quickstar")
    with pytest.raises(ConfigErrors, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigErrors, match="cannot be read as text"):
        load(tmp_path / "binary.yaml")


def test_a_file_goes_before_a_preset_of_the_same_name(tmp_path, monkeypatch) -> None:
    assert is_preset("bandit")
    monkeypatch.chdir(tmp_path)
    Path("bandit").write_text(MAZE)
    assert not is_preset("bandit")
    assert load("bandit").name == "trip"


def test_overrides_change_what_the_file_says() -> None:
    config = loads(
        MAZE,
        [
            "start.size=[5, 9]",
            "generation.branch_env_steps=3e6",
            "search.options.sampler=random",
            "search.name=optuna",
            "learner.options.lr=1e-3",
            "budget.hours=2",
            "target=null",
            "name=other",
        ],
    )
    assert config.start == {"size": [5, 9]}
    assert config.generation.branch_env_steps == 3_000_000
    assert config.search.options["sampler"] == "random"
    assert config.learner.options["lr"] == 0.001
    assert config.budget.hours == 2
    assert config.target is None
    assert config.name == "other"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed", "seed: an override is written key.sub=value"),
        ("=3", "an override is written key.sub=value"),
        ("budget..hours=3", "budget..hours: an override is written key.sub=value"),
        ("seed.low=3", "seed.low: cannot be set, as seed is 4 and has no keys"),
        ("start.size=[5, 7}", "start.size: '[5, 7}': is not YAML: column 6: expected"),
        ("start.size=*x", "start.size: '*x': aliases (*x) are not read"),
        ("budget.hour=3", "budget.hour: unknown key; did you mean hours?"),
        ("seed=!!python/name:os.system", "the tag !!python/name:os.system is not read"),
    ],
)
def test_an_override_that_does_not_fit_is_refused(override: str, expected: str) -> None:
    problems = errors_of(MAZE + "seed: 4\n", [override])
    assert len(problems) == 1
    assert expected in problems[0]


def test_a_plugin_may_be_a_word() -> None:
    assert loads(MAZE + "search: fixed").search == Plugin(name="fixed")
    named = loads(MAZE + "search: optuna", ["search.options.sampler=random"])
    assert named.search.name == "optuna"
    assert named.search.options["sampler"] == "random"


def test_the_target_differs_from_the_start_only_in_what_it_names() -> None:
    config = loads(MAZE + "", ["start.braid=0.5", "start.layout=[rooms, wilson]"])
    target = target_distribution(config, make_generator(config.generator).space)
    assert target is not None
    assert target.regions["braid"] == Interval(0.5, 0.5)
    assert target.regions["layout"] == Weights((0.0, 0.5, 0.0, 0.5, 0.0))


def test_what_moves_by_default() -> None:
    maze = make_generator(Plugin(name="maze-v1"))
    assert movable(loads(MAZE), maze) == ["size"]
    assert movable(loads(MAZE, ["target=null"]), maze) == ["size"]
    assert movable(loads(MAZE, ["search=fixed"]), maze) == []
    assert movable(loads(MAZE, ["movable=[braid, size]"]), maze) == ["size", "braid"]
    both = loads(MAZE, ["target.layout=random_walls", "target.wall_density=0.3"])
    assert movable(both, maze) == ["size", "layout", "wall_density"]
    hidden = loads(MAZE, ["target.wall_density=0.3"])
    assert movable(hidden, maze) == ["size"], "no task of start or target has walls at random"


def test_more_than_four_move_only_when_listed() -> None:
    wide = "{size: 9, layout: rooms, braid: 0.5, goal_distance: 0.1, horizon_factor: 2}"
    text = f"name: x\ngenerator: maze-v1\ntarget: {wide}\n"
    assert "movable: 5 parameters would move" in errors_of(text)[0]
    listed = "movable: [size, layout, braid, goal_distance, horizon_factor]"
    assert len(movable(loads(text + listed), make_generator(Plugin(name="maze-v1")))) == 5


def test_a_search_with_nothing_to_move_is_refused() -> None:
    assert "is where it starts" in errors_of("name: x\ngenerator: maze-v1\ntarget: {}\n")[0]
    assert "has no open-ended parameters" in errors_of("name: x\ngenerator: bandit-v1\n")[0]
    loads("name: x\ngenerator: bandit-v1\nsearch: fixed\n")


def test_known_keys_are_the_paths_of_the_file() -> None:
    keys = set(known_keys(CampaignConfig))
    assert {"budget", "budget.hours", "generator.name", "movable"} <= keys
    assert f"evaluation.{next(iter(EvaluationConfig.model_fields))}" in keys


@dataclass(frozen=True)
class Settings:
    sizes: tuple[int, ...] = (1, 2)
    names: list[str] = field(default_factory=lambda: ["a"])
    rate: float = 0.5

    def __post_init__(self) -> None:
        if self.rate > 1:
            raise ValueError("rate must be at most 1.")


def test_options_are_checked_against_a_dataclass() -> None:
    assert build(Settings, {"sizes": [3, 4], "rate": 1}) == Settings((3, 4), ["a"], 1.0)
    assert resolved_options(Settings, {}) == {"sizes": [1, 2], "names": ["a"], "rate": 0.5}
    with pytest.raises(ConfigErrors) as caught:
        build(Settings, {"sizes": ["x"], "rats": 1})
    assert [p.path for p in caught.value.problems] == ["sizes[0]", "rats"]
    with pytest.raises(ConfigErrors, match="rate: must be at most 1"):
        build(Settings, {"rate": 2})
    with pytest.raises(ConfigErrors) as caught:
        build(Settings, {"sizes": 1, "rate": 2})
    assert [p.path for p in caught.value.problems] == ["sizes", "rate"]


def test_options_are_checked_against_a_constructor() -> None:
    class Free:
        def __init__(self, size: int, *, name="x", **rest: int) -> None:
            self.all = (size, name, rest)

    assert build(Free, {"size": 3, "other": 4}).all == (3, "x", {"other": 4})
    with pytest.raises(ConfigErrors, match="size: is missing"):
        build(Free, {})


def test_plugins_are_made_of_their_sections(tmp_path) -> None:
    bandit = make_generator(Plugin(name="bandit-v1", options={"num_arms": 3}))
    assert bandit.action_space.n == 3
    options = {"hidden_size": 8, "cell": "gru", "precision": "float32", "device": "cpu"}
    learner = make_learner(Plugin(name="rl2", options=options), bandit, seed=1)
    assert "env" in learner.kinds
    assert make_curriculum(Plugin(name="domain_randomization")).score is None
    assert make_search(Plugin(name="fixed"), tmp_path / "journal").state_dict() is not None
    with pytest.raises(ConfigErrors, match="num_arm: unknown key; did you mean num_arms"):
        make_generator(Plugin(name="bandit-v1", options={"num_arm": 3}))


def test_a_search_that_decides_by_itself_runs_without_forks() -> None:
    (problem,) = errors_of(MAZE, ["search=adr"])
    assert problem.startswith("generation.num_candidates: adr decides by itself")
    assert loads(MAZE, ["search=adr", "generation.num_candidates=0"]).search.name == "adr"
