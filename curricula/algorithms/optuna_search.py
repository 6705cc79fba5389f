"""Optuna searches the box of moves: one study a generation, warm-started with what moves gained.

A generation's study is seeded, filled with the remembered moves and asked for all candidates before
anything is told; it lives in memory, so that `ask` depends on state and arguments alone. Once the
gains are told, its own trials are written to the journal, for people and dashboards.

Values are *advantages*: the gain of a move minus that of "keep" in the same generation, which
takes out what every branch learned and how hard that generation's tasks were. Staying is thus the
move of zeros with the advantage 0, and every study knows it from the start.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.trial import TrialState

from curricula.algorithms.optuna_journal import OptunaJournal
from curricula.search import Candidate, DistributionSearch, Gain
from taskgen.distribution import Interval, Move, TaskDistribution

_CMAES_MIN_SOURCES = 10  # it starts from the best tenth, which must be one trial at least


@dataclass(frozen=True)
class Remembered:
    """What a move was worth: its advantage over "keep" in the generation that tried it."""

    move: Move
    advantage: float
    generation: int
    pruned: bool = False


class OptunaSearch(DistributionSearch):
    """Proposes moves by one of Optuna's samplers.

    A draw that, clipped to the bounds and the grid, leaves the incumbent as it is or repeats
    another candidate would waste a branch: it stays in the study as running, which steers the
    samplers away from it, and another is drawn. What is stored is the effective move.

    CMA-ES cannot carry its state through studies this small; its first mean and covariance are
    estimated from the remembered moves instead.

    Args:
        config: the settings.
        journal: file of the record, one study "generation-<g>" a generation; None: no record.

    Source:
        Akiba et al. 2019, "Optuna" (arXiv 1907.10902); for CMA-ES Nomura et al. 2021, "Warm
        starting CMA-ES for hyperparameter optimization" (arXiv 2012.06932).
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            sampler: "tpe", "gp" (better with few trials, some 0.1 s each), "cmaes" or "random".
            num_startup_trials: finished trials (remembered ones and "keep" count) below which
                draws are random; CMA-ES needs 10 at least.
            history: how many of the last moves are remembered.
            discount: factor on an advantage for each generation of its age, in [0, 1].
            max_redraws: draws a generation beyond those needed, before random ones take over.
        """

        sampler: Literal["tpe", "gp", "cmaes", "random"] = "tpe"
        num_startup_trials: int = 5
        history: int = 30
        discount: float = 0.9
        max_redraws: int = 20

        def __post_init__(self) -> None:
            if self.sampler not in ("tpe", "gp", "cmaes", "random"):
                raise ValueError(f"sampler must be tpe, gp, cmaes or random, got {self.sampler!r}.")
            for name in ("num_startup_trials", "history", "max_redraws"):
                if getattr(self, name) < 0:
                    raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}.")
            if not 0.0 <= self.discount <= 1.0:
                raise ValueError(f"discount must lie in [0, 1], got {self.discount}.")

    def __init__(self, config: Config, journal: Path | None = None) -> None:
        super().__init__(config, journal)
        self._history: list[Remembered] = []
        self._asked: tuple[int, list[Move]] = (0, [])
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
        """Returns different moves of the incumbent, fewer than asked for if there are no more."""
        box = incumbent.moves(movable)
        candidates: list[Candidate] = []
        with _quiet():
            if self.journal is not None:
                self._record.drop_from(generation)
            study = self._make_study(box, generation, seed)
            self._metrics = {"search/axes": len(box), "search/remembered": len(study.trials) - 1}
            self._metrics |= {"search/random_draws": 0, "search/redraws": 0}
            if box:
                candidates = self._draw(study, incumbent, box, num_candidates, seed)
        self._metrics["search/candidates"] = len(candidates)
        self._asked = (generation, [candidate.move for candidate in candidates])
        return candidates

    def tell(self, candidates: Sequence[Candidate], gains: Sequence[Gain]) -> None:
        """Remembers the moves' advantages and writes the generation's study to the journal.

        A pruned move is remembered with its rung's gain, at best as the worst that finished; one
        whose gain is not finite as the worst known. A round whose "keep" has no finite gain is
        recorded but not remembered, since there is nothing to compare with.

        Raises:
            RuntimeError: if a move comes back that was not asked for.
            ValueError: if the numbers of candidates and gains differ.
        """
        generation, asked = self._asked
        pairs = list(zip(candidates, gains, strict=True))
        unknown = [c.move for c, _ in pairs if c.origin != "keep" and c.move not in asked]
        if unknown:
            raise RuntimeError(
                f"only moves that the last ask returned can be told, and {unknown} is not one of "
                f"those of generation {generation} ({asked}); ask first, with the same seed."
            )
        baseline = _baseline([gain for c, gain in pairs if c.origin == "keep"])
        moves = [(c.move, gain) for c, gain in pairs if c.origin != "keep"]
        if self.journal is not None and asked:
            with _quiet():
                self._write(generation, list(asked[0]), moves, baseline)
        if math.isfinite(baseline):
            self._remember(generation, moves, baseline)
        self._asked = (generation, [])

    def metrics(self) -> dict[str, float]:
        """Returns what the last ask did.

        "search/random_draws" counts candidates that no model chose, "search/redraws" draws that
        moved nothing or repeated another, "search/remembered" the moves it was started with.
        """
        return dict(self._metrics)

    def state_dict(self) -> dict[str, Any]:
        """Returns the remembered moves, and those that are asked for and not told."""
        generation, asked = self._asked
        return {
            "history": [asdict(entry) for entry in self._history],
            "generation": generation,
            "asked": [dict(move) for move in asked],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self._history = [Remembered(**entry) for entry in state["history"]]
        self._asked = (int(state["generation"]), [dict(move) for move in state["asked"]])

    def _make_study(self, box: Sequence[str], generation: int, seed: int) -> optuna.Study:
        """Returns the generation's study in memory, holding what is known before it starts."""
        known = self._known_trials(box, generation)
        sampler = _make_sampler(self.config, _narrow(seed), known)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials(known)
        return study

    def _known_trials(self, box: Sequence[str], generation: int) -> list[optuna.trial.FrozenTrial]:
        """Returns "keep" and the remembered moves of the same box, discounted by age."""
        trials = [_trial(dict.fromkeys(box, 0.0), 0.0, origin="keep")]
        for entry in self._history:
            if set(entry.move) == set(box):
                age = max(generation - entry.generation, 0)
                value = entry.advantage * self.config.discount**age
                trials.append(_trial(entry.move, value, origin="remembered", age=age))
        return trials

    def _draw(
        self,
        study: optuna.Study,
        incumbent: TaskDistribution,
        box: Sequence[str],
        num_candidates: int,
        seed: int,
    ) -> list[Candidate]:
        candidates: list[Candidate] = []
        taken = {_key(incumbent)}
        patience = num_candidates + self.config.max_redraws
        for attempt in range(2 * patience):
            if len(candidates) >= num_candidates:
                break
            if attempt == patience:
                study.sampler = optuna.samplers.RandomSampler(seed=_narrow(seed))
            trial = study.ask(_axes(box))
            after = incumbent.moved(trial.params)
            if _key(after) in taken:
                self._metrics["search/redraws"] += 1
                continue
            taken.add(_key(after))
            self._metrics["search/random_draws"] += not set(box) <= set(trial.relative_params)
            move = incumbent.effective_move(after, trial.params)
            candidates.append(Candidate(after, "move", move))
        return candidates

    def _remember(
        self, generation: int, moves: Sequence[tuple[Move, Gain]], baseline: float
    ) -> None:
        finished = [g.value - baseline for _, g in moves if _is_finished(g)]
        worst = min([0.0, *finished])
        worst_known = min([worst, *(entry.advantage for entry in self._history)])
        for move, gain in moves:
            advantage = gain.value - baseline
            if not math.isfinite(advantage):
                advantage = worst_known
            elif gain.pruned:
                advantage = min(advantage, worst)
            self._history.append(Remembered(dict(move), advantage, generation, gain.pruned))
        self._history = self._history[max(len(self._history) - self.config.history, 0) :]

    def _write(
        self,
        generation: int,
        box: Sequence[str],
        moves: Sequence[tuple[Move, Gain]],
        baseline: float,
    ) -> None:
        """Writes the generation's own trials: "keep" and the moves, with what came of them.

        The remembered moves stand in the studies before it; repeating them in every study would
        make the journal of a long campaign ten times as large.
        """
        keep, *remembered = self._known_trials(box, generation)
        self._record.write(
            generation,
            [keep, *(_told_trial(move, gain, baseline) for move, gain in moves)],
            sampler=self.config.sampler,
            remembered=len(remembered),
            keep_gain=baseline if math.isfinite(baseline) else None,
        )

    @cached_property
    def _record(self) -> OptunaJournal:
        assert self.journal is not None
        return OptunaJournal(self.journal)


def _is_finished(gain: Gain) -> bool:
    return not gain.pruned and math.isfinite(gain.value)


def _baseline(keeps: Sequence[Gain]) -> float:
    """Returns the mean gain of "keep": 0 where it was not played, NaN where it has none."""
    if not keeps:
        return 0.0
    values = [gain.value for gain in keeps if _is_finished(gain)]
    return sum(values) / len(values) if values else math.nan


def _axes(box: Sequence[str]) -> dict[str, optuna.distributions.BaseDistribution]:
    return {name: optuna.distributions.FloatDistribution(-1.0, 1.0) for name in box}


def _trial(move: Move, value: float, **attributes: Any) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(
        params=dict(move), distributions=_axes(list(move)), value=value, user_attrs=attributes
    )


def _told_trial(move: Move, gain: Gain, baseline: float) -> optuna.trial.FrozenTrial:
    """Returns the record of a move: complete, pruned with the rung's advantage, or failed."""
    advantage = gain.value - baseline
    outcome: dict[str, Any] = {"state": TrialState.COMPLETE, "value": advantage}
    if not math.isfinite(advantage):
        outcome = {"state": TrialState.FAIL}
    elif gain.pruned:
        outcome = {"state": TrialState.PRUNED, "intermediate_values": {1: advantage}}
    attributes = {"origin": "move", "gain": gain.value if math.isfinite(gain.value) else None}
    return optuna.trial.create_trial(
        params=dict(move),
        distributions=_axes(list(move)),
        user_attrs=attributes,
        **outcome,
    )


def _make_sampler(
    config: OptunaSearch.Config, seed: int, known: list[optuna.trial.FrozenTrial]
) -> optuna.samplers.BaseSampler:
    num = config.num_startup_trials
    if config.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=num)
    if config.sampler == "gp":
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=num)
    if config.sampler == "cmaes":
        num = max(num, _CMAES_MIN_SOURCES)
        source = known if len(known) >= num else None
        return optuna.samplers.CmaEsSampler(seed=seed, n_startup_trials=num, source_trials=source)
    return optuna.samplers.RandomSampler(seed=seed)


def _narrow(seed: int) -> int:
    """Returns a seed of 32 bits, which is what Optuna takes, from one of any size."""
    return int(np.random.SeedSequence(seed).generate_state(1)[0])


def _key(distribution: TaskDistribution) -> tuple[float, ...]:
    """Returns what makes two candidates the same: their regions, but for rounding errors."""
    numbers: list[float] = []
    for region in distribution.regions.values():
        numbers += (region.low, region.high) if isinstance(region, Interval) else region.values
    return tuple(float(f"{number:.9g}") for number in numbers)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences Optuna's progress lines and its notes on experimental parts, for a block."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)
