"""Automatic domain randomisation: an interval grows at the ends that are mastered.

Every movable number has two sides. Each is probed: tasks that lie on it in this one parameter, and
are drawn from the distribution in all others. Once a side's buffer is full, its mean moves the end
outwards, back, or not at all. Nothing is compared with anything: this search decides by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curricula.search import Candidate, DistributionSearch, Gain, Probe
from taskgen.distribution import SIDES, Interval, Move, Side, TaskDistribution
from taskgen.moves import effective
from taskgen.parameters import Categorical, Numeric

_SLACK = 1e-9


class AutomaticDomainRandomization(DistributionSearch):
    """Widens an interval at a side whose mean success reaches the upper threshold.

    With p̄ the mean of a full buffer of side s, then emptied,

        end(s) moves out by Δ if p̄ ≥ t_high, back by Δ if p̄ ≤ t_low,

    and several sides may move in one generation. A generation is one move of the box, so an
    interval doubles or halves at most (a point counts as `min_width`). Categories stay.

    Where this differs from the published algorithm, which runs beside training without end:

    - There, half of all rollouts sample a random boundary. Here every side is probed once a
      generation, on held-out tasks, by a learner that does not learn from it.
    - Δ is a share of the room of each parameter, one step of the grid at least; there it is an
      amount in units chosen for each.
    - What is averaged is the success of a lifetime's last episode, not successes in a row.
    - No end comes further back than where it began.
    - A campaign's target bounds the moves, where there is one.

    Args:
        config: the settings.
        journal: not used, nothing is recorded beside the state.

    Source:
        OpenAI et al. 2019, "Solving Rubik's cube with a robot hand" (arXiv 1910.07113), Algorithm
        1; thresholds as for its vision model.
    """

    decides = True

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            threshold_low: mean at or below which an end comes back.
            threshold_high: mean at or above which it moves out. Both are shares of success;
                where success has no meaning, they are in units of the campaign's score.
            step: how far an end moves, as a share of the parameter's room, in (0, 1].
            buffer_size: scores of a side, from which on their mean counts.
            num_tasks: probes of each side in a generation.
        """

        threshold_low: float = 0.3
        threshold_high: float = 0.7
        step: float = 0.1
        buffer_size: int = 32
        num_tasks: int = 16

        def __post_init__(self) -> None:
            if not self.threshold_low < self.threshold_high:
                raise ValueError(
                    f"threshold_low must lie below threshold_high, got {self.threshold_low} and "
                    f"{self.threshold_high}."
                )
            if not 0.0 < self.step <= 1.0:
                raise ValueError(f"step must lie in (0, 1], got {self.step}.")
            for name in ("buffer_size", "num_tasks"):
                if getattr(self, name) < 1:
                    raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")

    def __init__(self, config: Config, journal: Path | None = None) -> None:
        super().__init__(config, journal)
        self._buffers: dict[str, list[float]] = {}
        self._steps: dict[str, int] = {}
        self._due: dict[str, int] = {}
        self._asked: Move | None = None
        self._metrics: dict[str, float] = {}

    def ask(
        self,
        incumbent: TaskDistribution,
        movable: Sequence[str],
        num_candidates: int,
        *,
        generation: int,
        seed: int,
    ) -> list[Candidate]:
        """Returns the one move that the full buffers ask for, none if there is none."""
        del generation, seed  # nothing is drawn
        self._asked = None
        after, move = incumbent, dict[str, float]()
        for name in movable if num_candidates > 0 else ():
            move |= self._move_of(incumbent, name)
        if move:
            after = incumbent.moved(move)
        if after == incumbent:
            return []
        self._asked = incumbent.effective_move(after, move)
        return [Candidate(after, "move", self._asked)]

    def tell(self, candidates: Sequence[Candidate], gains: Sequence[Gain]) -> None:
        """Takes note that the move was made; one whose gain is not finite was not.

        Raises:
            RuntimeError: if a move comes back that was not asked for.
            ValueError: if the numbers of candidates and gains differ.
        """
        for candidate, gain in zip(candidates, gains, strict=True):
            if candidate.origin == "keep":
                continue
            if candidate.move != self._asked:
                raise RuntimeError(
                    f"only the move that the last ask returned can be told ({self._asked}), and "
                    f"{candidate.move} is another; ask first."
                )
            if math.isfinite(gain.value):
                for side, step in self._due.items():
                    self._steps[side] = self._steps.get(side, 0) + step
        self._asked, self._due = None, {}

    def probes(self, distribution: TaskDistribution, movable: Sequence[str]) -> list[Probe]:
        """Returns a probe of every side that can move, named "<parameter>.<side>"."""
        return [
            Probe(f"{name}.{side}", distribution.boundary(name, side), self.config.num_tasks)
            for name, side in self._sides(distribution, movable)
        ]

    def tell_probes(self, scores: Mapping[str, Sequence[float]]) -> None:
        """Fills the buffers; a full one says where its end moves next, and is emptied."""
        self._metrics = {}
        for side, found in scores.items():
            buffer = self._buffers.setdefault(side, [])
            buffer += [float(score) for score in found if math.isfinite(score)]
            if len(buffer) < self.config.buffer_size:
                continue
            mean = sum(buffer) / len(buffer)
            self._metrics[f"search/boundary/{side}"] = mean
            self._buffers[side] = []
            if mean >= self.config.threshold_high:
                self._due[side] = 1
            elif mean <= self.config.threshold_low and self._steps.get(side, 0) > 0:
                self._due[side] = -1

    def metrics(self) -> dict[str, float]:
        """Returns the means of the buffers that were full, "search/boundary/<parameter>.<side>"."""
        return dict(self._metrics)

    def state_dict(self) -> dict[str, Any]:
        """Returns the buffers, how many steps each end has made, and what is to move."""
        return {
            "buffers": {side: list(buffer) for side, buffer in self._buffers.items()},
            "steps": dict(self._steps),
            "due": dict(self._due),
            "asked": None if self._asked is None else dict(self._asked),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self._buffers = {side: list(buffer) for side, buffer in state["buffers"].items()}
        self._steps = dict(state["steps"])
        self._due = dict(state["due"])
        self._asked = None if state["asked"] is None else dict(state["asked"])

    def _sides(
        self, distribution: TaskDistribution, movable: Sequence[str]
    ) -> Iterator[tuple[str, Side]]:
        """Yields the sides that can move out, or came out and can go back."""
        for name in movable:
            region, parameter = distribution.regions[name], distribution.space[name]
            if isinstance(parameter, Categorical) or not distribution.moves([name]):
                continue
            assert isinstance(region, Interval)
            room = _room(distribution, name, parameter)
            left = {"low": region.low - room.low, "high": room.high - region.high}
            for side in SIDES:
                if left[side] > 0 or self._steps.get(f"{name}.{side}", 0) > 0:
                    yield name, side

    def _move_of(self, incumbent: TaskDistribution, name: str) -> Move:
        """Returns the part of the move that one parameter makes, empty if it stays."""
        parameter, before = incumbent.space[name], incumbent.regions[name]
        if isinstance(parameter, Categorical) or not incumbent.moves([name]):
            return {}
        assert isinstance(before, Interval)
        due = {side: self._due.get(f"{name}.{side}", 0) for side in SIDES}
        after = _stepped(
            parameter, before, _room(incumbent, name, parameter), due, self.config.step
        )
        if after == before:
            return {}
        return {f"{name}.{axis}": v for axis, v in effective(parameter, before, after).items()}


def _room(distribution: TaskDistribution, name: str, parameter: Numeric) -> Interval:
    return distribution.room.get(name, Interval(parameter.low, parameter.high))


def _stepped(
    parameter: Numeric, before: Interval, room: Interval, due: Mapping[Side, int], step: float
) -> Interval:
    """Returns the interval after its ends moved, as far as one move of the box can go."""
    low, high = parameter.to_axis(before.low), parameter.to_axis(before.high)
    least, most = parameter.to_axis(room.low), parameter.to_axis(room.high)
    reach = max(step * (most - least), float(getattr(parameter, "step", 0)))
    out_low = min(due["low"] * reach, low - least)
    out_high = min(due["high"] * reach, most - high)
    width, change = high - low, out_low + out_high
    base = max(width, parameter.min_axis_width)
    wanted = min(max(width + change, min(width, base / 2)), 2 * base)
    if abs(change) > _SLACK:
        share = (wanted - width) / change
        out_low, out_high = out_low * share, out_high * share
    return Interval(parameter.from_axis(low - out_low), parameter.from_axis(high + out_high))
