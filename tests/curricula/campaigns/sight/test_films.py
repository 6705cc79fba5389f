"""Films of adaptation: what is on them, and that nothing keeps them from being made."""

import gymnasium
import numpy as np
import pytest
from PIL import Image, ImageSequence
from typer.testing import CliRunner

from curricula.campaigns.api import evaluate_campaign, film_campaign
from curricula.campaigns.campaign import Campaign
from curricula.campaigns.cli import app
from curricula.campaigns.sight.films import MAX_FRAMES, CannotFilm, film
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
from learners.evaluation import evaluate
from learners.random_play import RandomPlayer
from taskgen.generator import EnvGenerator
from taskgen.generators.bandit import Bandit
from taskgen.generators.goals import GridGoal
from taskgen.generators.maze import Maze
from taskgen.generators.mujoco import FAMILIES
from taskgen.slotwise import SlotwiseVectorEnv
from tests.curricula.campaigns.tiny import tiny_config


def filmed(generator, num_episodes=3, seed=4, **params):
    task = generator.make_task(generator.space.complete(params), 0)
    player = RandomPlayer(generator.action_space)
    return film(player, generator, task, num_episodes=num_episodes, seed=seed), task


def pixels(frame):
    return np.asarray(frame.convert("RGB"), dtype=int)


def test_what_is_shown_is_what_a_test_with_this_seed_counts():
    generator = Maze()
    made, task = filmed(generator, size=7)
    player = RandomPlayer(generator.action_space)
    env = generator.make_vector_env(2)
    curve = evaluate(player, env, [task], num_episodes=3, seed=4)
    assert made.returns == curve.outcomes.returns[0].tolist()


def test_a_frame_shows_both_episodes_and_the_picture_of_the_family():
    made, _ = filmed(Maze(), size=7)
    sizes = {frame.size for frame in made.frames}
    assert sizes == {(640, 328)}
    first, last = pixels(made.frames[0]), pixels(made.frames[-1])
    left, right = np.split(first[32:272], 2, axis=1)
    np.testing.assert_array_equal(left, right)  # both begin at the start of the maze
    assert (first[32:272] != last[32:272]).any()
    assert len(np.unique(first.reshape(-1, 3), axis=0)) > 5


def test_long_episodes_are_shown_every_so_many_steps_and_to_their_last():
    made, _ = filmed(FAMILIES["half-cheetah-velocity-v1"](), num_episodes=1)
    assert 0.5 * MAX_FRAMES < len(made.frames) <= MAX_FRAMES + 1
    assert made.frames[0].size[0] == 320  # one episode is both first and last
    assert 50 <= made.frame_ms <= 150


def test_a_family_that_draws_lifetimes_is_shown_by_them_and_one_that_draws_nothing_by_its_return():
    with_lifetimes, _ = filmed(GridGoal())
    assert with_lifetimes.frames[0].size == (640, 328)
    bare, _ = filmed(Bandit(num_arms=2))
    assert bare.frames[0].size == (640, 272)


def test_every_panel_is_told_which_episode_of_the_lifetime_it_shows():
    told = []

    class Told(GridGoal):
        def render_lifetime(self, task, episodes):
            told.append([episode.number for episode in episodes])
            return super().render_lifetime(task, episodes)

    filmed(Told(), num_episodes=4)
    steps = 15
    assert told == [[1]] * steps + [[4]] * steps


class Blind(gymnasium.Wrapper):
    """An environment that says it can be drawn, and cannot."""

    def render(self):
        raise RuntimeError("no display here")


class BlindMaze(Maze):
    def make_env(self, task):
        return Blind(super().make_env(task))


def test_a_picture_that_cannot_be_drawn_costs_the_picture_alone():
    made, _ = filmed(BlindMaze(), size=5)
    assert made.frames[0].size == (640, 272)
    assert len(made.returns) == 3


def test_without_opengl_a_body_is_shown_by_its_way(monkeypatch):
    def no_opengl(self, arena, slot=0):
        raise ImportError("no EGL here")

    monkeypatch.setattr("taskgen.generators.mujoco.camera.Camera.__init__", no_opengl)
    for name in ("point-mass-position-v1", "pendulum-swing-up-v1"):
        made, _ = filmed(FAMILIES[name](), num_episodes=2)
        assert made.frames[0].size == (640, 328)
        first, last = pixels(made.frames[0])[32:272], pixels(made.frames[-1])[32:272]
        assert (first != last).sum() > 100


class Sealed(gymnasium.Wrapper):
    def step(self, action):
        raise RuntimeError("there is no such world")


class Broken(Maze):
    def make_env(self, task):
        return Sealed(super().make_env(task))


def test_a_task_that_cannot_be_played_says_why():
    with pytest.raises(CannotFilm, match="no such world"):
        filmed(Broken(), size=5)


def test_every_family_has_environments_that_can_be_filmed_or_says_nothing():
    for generator in (Maze(), FAMILIES["ant-v1"](), Bandit(num_arms=2)):
        assert isinstance(generator, EnvGenerator)
        env = generator.make_env(generator.make_task(generator.space.complete({}), 0))
        assert env.render_mode in (None, "rgb_array")
        env.close()


# --- campaigns -----------------------------------------------------------------------------------


def test_the_command_films_a_task_by_its_id_and_counts_as_no_test(finished, tmp_path, monkeypatch):
    store = CampaignStore(finished / "campaigns" / "tiny")
    before = store.test_results()
    task_id = store.last()["tasks"][0]["id"]
    out = tmp_path / "film.gif"
    arguments = ["film", "tiny", task_id[:10], "--root", str(finished), "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "frames written" in result.output
    times = [frame.info["duration"] for frame in ImageSequence.Iterator(Image.open(out))]
    assert len(times) > 1
    assert times[-1] > times[0]
    assert store.test_results() == before
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["film", "tiny", "--root", str(finished), "--episodes", "1"])
    assert result.exit_code == 0, result.output
    assert len(list(tmp_path.glob("tiny-*.gif"))) == 1
    wrong = CliRunner().invoke(app, ["film", "tiny", "--root", str(finished), "--out", "a.png"])
    assert wrong.exit_code == 2


def test_a_task_of_another_family_is_refused(finished):
    generator = GridGoal()
    task = generator.make_task(generator.space.complete({}), 0)
    with pytest.raises(CampaignError, match="the task for tiny"):
        film_campaign("tiny", finished, task=task)


def test_the_sealed_test_films_its_best_middling_and_worst_task(tmp_path):
    config = tiny_config(
        search="fixed",
        movable=["size"],
        generation={"branch_env_steps": 64},
        budget={"generations": 1},
        tracking={"films": True},
    )
    Campaign.create(config, tmp_path).run()
    films = CampaignStore(tmp_path / "campaigns" / "tiny").films
    assert [path.name.split("-")[0] for path in sorted(films.glob("*.gif"))] == [
        "best",
        "median",
        "worst",
    ]
    (films / "best-of-old.gif").write_bytes(b"")
    evaluate_campaign("tiny", tmp_path)
    assert len(list(films.iterdir())) == 3  # in place of those before


def test_the_slots_of_a_film_are_played_by_the_adapter_that_every_engine_is_compared_with():
    generator = FAMILIES["point-mass-position-v1"]()
    made, task = filmed(generator, num_episodes=2)
    player = RandomPlayer(generator.action_space)
    plain = evaluate(player, SlotwiseVectorEnv(generator, 1), [task], num_episodes=2, seed=4)
    batched = evaluate(player, generator.make_vector_env(3), [task], num_episodes=2, seed=4)
    assert made.returns == plain.outcomes.returns[0].tolist()
    assert made.returns == batched.outcomes.returns[0].tolist()
