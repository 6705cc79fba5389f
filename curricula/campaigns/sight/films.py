"""Films of adaptation: the first and the last episode of a lifetime, side by side.

A task is played once more, as tests play it, and looked at through gymnasium's own `render`: every
family whose `make_env` gives environments of render mode "rgb_array" can be filmed. Where there is
no such picture, `render_lifetime` draws the episode so far; where a family has neither, or drawing
fails, the film is the curve of the return.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from learners.evaluation import Player, evaluate
from taskgen.generator import EnvGenerator
from taskgen.recording import Episode, Recorder
from taskgen.slotwise import SlotwiseVectorEnv
from taskgen.task import Task

MAX_FRAMES = 80
"""Of a film: longer episodes are shown every so many steps."""
_LOG = logging.getLogger(__name__)
_WIDTH, _HEIGHT, _CURVE, _LINE, _MARGIN = 320, 240, 56, 16, 6
_DEFAULT_FPS = 10.0
_FRAME_MS, _LAST_MS = (50, 150), 1500
_INK, _FAINT, _WAY = "#222222", "#cccccc", "#1f4e79"

Picture: TypeAlias = NDArray[np.uint8]


class CannotFilm(ValueError):
    """The task could not be played to its end; the message says why."""


@dataclass(frozen=True)
class Film:
    """A film that was made.

    Args:
        frames: all of one size.
        frame_ms: how long each is shown.
        returns: of every episode of the lifetime.
    """

    frames: list[Image.Image]
    frame_ms: int
    returns: list[float]

    def save(self, path: Path) -> None:
        """Writes an animated GIF that plays for ever, and rests on its last frame."""
        times = [self.frame_ms] * (len(self.frames) - 1) + [_LAST_MS]
        first, *rest = (frame.quantize(colors=64) for frame in self.frames)
        first.save(path, save_all=True, append_images=rest, duration=times, loop=0)


@dataclass(frozen=True)
class Reel:
    """One episode as a film shows it.

    Args:
        number: of the episode, from 1.
        earned: the return so far, before each step and at the end, [H + 1].
        pictures: by the step that they were taken at; none where there are no pictures.
    """

    number: int
    earned: NDArray[np.float64]
    pictures: Mapping[int, Picture]


def film(
    player: Player,
    generator: EnvGenerator,
    task: Task,
    *,
    num_episodes: int,
    seed: int,
    greedy: bool = False,
) -> Film:
    """Plays a lifetime of a task, and shows its first and its last episode.

    Args:
        player: read, not changed.
        generator: of the task.
        task: to be played.
        num_episodes: of the lifetime.
        seed: as in `evaluate`: with a test's own, what is seen is what the test counted.
        greedy: take the likeliest action always.

    Raises:
        CannotFilm: if the task could not be played.
    """
    studio = _Studio(generator, num_episodes)
    with closing(Recorder(SlotwiseVectorEnv(cast(EnvGenerator, studio), 1))) as recorder:
        curve = evaluate(
            player, recorder, [task], num_episodes=num_episodes, seed=seed, greedy=greedy
        )
        episodes = recorder.episodes(0)
    if curve.failures:
        reason = curve.failures[task.id].strip().splitlines()[-1]
        raise CannotFilm(f"task {task.id[:12]} could not be played: {reason}")
    camera = studio.cameras[-1]
    reels = [
        _reel(index, episodes[index], camera, generator, task) for index in sorted(camera.pictures)
    ]
    frames = list(_frames(reels, camera.every, _title(generator, task)))
    return Film(frames, camera.frame_ms, curve.outcomes.returns[0].tolist())


class _Studio:
    """A generator as `SlotwiseVectorEnv` sees it, whose environments are filmed."""

    def __init__(self, generator: EnvGenerator, num_episodes: int) -> None:
        self._generator = generator
        self._filmed = {0, num_episodes - 1}
        self.observation_space = generator.observation_space
        self.action_space = generator.action_space
        self.has_success, self.horizon = generator.has_success, generator.horizon
        self.cameras: list[_Camera] = []

    def make_env(self, task: Task) -> gymnasium.Env[Any, Any]:
        every = -(-self._generator.horizon(task) // MAX_FRAMES)
        self.cameras.append(_Camera(self._generator.make_env(task), self._filmed, every))
        return self.cameras[-1]


class _Camera(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Takes a picture every so many steps of some episodes, and one of their ends."""

    def __init__(self, env: gymnasium.Env[Any, Any], filmed: Iterable[int], every: int) -> None:
        super().__init__(env)
        self.pictures: dict[int, dict[int, Picture]] = {episode: {} for episode in filmed}
        self.every = every
        fps = float((env.metadata or {}).get("render_fps") or _DEFAULT_FPS)
        self.frame_ms = int(np.clip(1000.0 * every / fps, *_FRAME_MS))
        self._episode, self._step = -1, 0
        self._blind = env.render_mode != "rgb_array"

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        first = self.env.reset(**kwargs)
        self._episode, self._step = self._episode + 1, 0
        self._shoot()
        return first

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        result = self.env.step(action)
        self._step += 1
        if self._step % self.every == 0 or result[2] or result[3]:
            self._shoot()
        return result

    def _shoot(self) -> None:
        if self._blind or self._episode not in self.pictures:
            return
        try:
            picture = np.array(self.env.render(), dtype=np.uint8)
            self.pictures[self._episode][self._step] = picture[..., :3]
        except Exception as error:  # whatever a driver may raise: what was learned is seen without
            _LOG.warning("this environment cannot be drawn, so its film is a curve: %r", error)
            self._blind = True


def _reel(
    index: int, episode: Episode, camera: _Camera, generator: EnvGenerator, task: Task
) -> Reel:
    """Returns an episode with its pictures: the camera's, or else those of how it was played."""
    earned = np.concatenate([np.zeros(1), np.cumsum(episode.rewards)])
    pictures = camera.pictures[index]
    if not pictures and generator.draws_lifetimes:
        pictures = {
            step: drawn
            for step in range(1, len(earned))
            if step % camera.every == 0 or step == len(earned) - 1
            if (drawn := generator.render_lifetime(task, [_until(episode, step)])) is not None
        }
    return Reel(index + 1, earned, pictures)


def _until(episode: Episode, step: int) -> Episode:
    """Returns the first steps of an episode."""
    seen, actions = episode.observations[: step + 1], episode.actions[:step]
    return replace(episode, observations=seen, actions=actions, rewards=episode.rewards[:step])


def _frames(reels: Sequence[Reel], every: int, title: str) -> Iterator[Image.Image]:
    """Yields the frames: a panel an episode, and one that is over waits for the other."""
    values = np.concatenate([reel.earned for reel in reels])
    longest = max(len(reel.earned) for reel in reels) - 1
    draw_curve = partial(_draw_curve, low=values.min(), high=values.max(), longest=longest)
    seen = all(reel.pictures for reel in reels)
    top = 2 * _LINE + (_HEIGHT if seen else 0)
    bottom = top + (_CURVE if seen else _HEIGHT)
    for moment in [*range(0, longest, every), longest]:
        frame = Image.new("RGB", (_WIDTH * len(reels), bottom), "white")
        draw = ImageDraw.Draw(frame)
        _write(draw, 0, 0, title)
        for x, reel in zip(range(0, frame.width, _WIDTH), reels, strict=True):
            step = min(moment, len(reel.earned) - 1)
            told = f"episode {reel.number}   step {step}   return {reel.earned[step]:.4g}"
            _write(draw, x, _LINE, told)
            if seen:
                frame.paste(_fitted(_picture_at(reel, step)), (x, 2 * _LINE))
            draw_curve(draw, reel.earned, step, (x, top, x + _WIDTH, bottom))
        yield frame


def _picture_at(reel: Reel, step: int) -> Picture:
    """Returns the newest picture at a step; before the first one, that."""
    known = [taken for taken in reel.pictures if taken <= step]
    return reel.pictures[max(known) if known else min(reel.pictures)]


def _draw_curve(
    draw: ImageDraw.ImageDraw,
    earned: NDArray[np.float64],
    step: int,
    box: tuple[int, int, int, int],
    *,
    low: float,
    high: float,
    longest: int,
) -> None:
    """Draws the return over the steps of an episode, in ink as far as it has come."""
    left, top, right, bottom = np.array(box) + np.array([1, 1, -1, -1]) * _MARGIN
    across = left + (right - left) * np.arange(len(earned)) / max(longest, 1)
    up = bottom - (bottom - top) * (earned - low) / max(high - low, 1e-9)
    points = list(zip(across.tolist(), up.tolist(), strict=True))
    for part, colour, width in ((points, _FAINT, 1), (points[: step + 1], _WAY, 2)):
        if len(part) > 1:
            draw.line(part, fill=colour, width=width)
    x, y = points[step]
    draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=_WAY)


def _fitted(picture: Picture) -> Image.Image:
    """Returns a picture in the middle of a panel, as large as it can be."""
    image = Image.fromarray(picture).convert("RGB")
    scale = min(_WIDTH / image.width, _HEIGHT / image.height)
    size = (max(round(scale * image.width), 1), max(round(scale * image.height), 1))
    panel = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    panel.paste(image.resize(size), ((_WIDTH - size[0]) // 2, (_HEIGHT - size[1]) // 2))
    return panel


def _write(draw: ImageDraw.ImageDraw, x: int, y: int, text: str) -> None:
    draw.text((x + _MARGIN, y + 2), text, fill=_INK, font=ImageFont.load_default(11))


def _title(generator: EnvGenerator, task: Task) -> str:
    """Returns the family, the task's id, and its parameters that are not at their default."""
    space = generator.space
    default = space.complete({})
    changed = [
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in task.params.items()
        if name in default and value != default[name] and space.is_active(name, task.params)
    ]
    return f"{generator.name}   {task.id[:8]}   {', '.join(changed)}"[:110]
