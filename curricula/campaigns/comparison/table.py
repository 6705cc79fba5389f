"""The table of a comparison: what each arm came to, from the results that are there.

Estimates are of the common sealed test, over seeds and tasks; intervals hold 95 % of bootstrap
resamples of both (`curricula.contrasts`). What could not be measured is None, and "–" for people.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.comparison.folder import Comparison
from curricula.campaigns.comparison.judging import array, references_in
from curricula.campaigns.sight.words import amount, duration
from curricula.campaigns.store.files import write_atomically
from curricula.contrasts import (
    Statistic,
    crossed_interval,
    improvement_interval,
    mean_cvar,
    mean_of,
    task_scores,
)
from curricula.statistics import NUM_RESAMPLES, Estimate, iqm, iqm_interval

ENOUGH_SEEDS = 5
"""A claim on fewer is none."""

_TOTALS = (
    "env_steps",
    "train_env_steps",
    "scoring_env_steps",
    "evaluation_env_steps",
    "gradient_updates",
    "seconds",
)
Table: TypeAlias = dict[str, Any]


def make_table(comparison: Comparison, num_resamples: int = NUM_RESAMPLES) -> Table:
    """Returns the table of what is there, as JSON-able values.

    Args:
        comparison: any number of its runs may have results.
        num_resamples: of every bootstrap.

    Returns:
        {"name", "baseline", "env_steps", "counted", "judged_by", "scored": whether `score` and
        `worst` are normalised (else they are returns), "num_tasks", "num_seeds", "arms": […]}; of
        an arm {"name", "note", "seeds": [int], the estimates as [value, low, high] or None:
        "score" (IQM), "score_published" (tasks as strata), "worst" (mean of each seed's worst
        tenth), "success", "mastered", "adaptation_gain", "forgetting", "improvement" (over the
        baseline), "by_seed": {estimate: [float]}, and means over seeds of the campaigns' totals}.
    """
    results = comparison.results()
    references = references_in(comparison.folder)
    baseline = next(iter(comparison.arms))
    by_arm = {name: [r for r in results if r["arm"] == name] for name in comparison.arms}
    scores = {name: _scores(rows, references) for name, rows in by_arm.items() if rows}
    arms = [
        _arm(name, note, by_arm[name], scores[name], scores.get(baseline), num_resamples)
        | {"is_baseline": name == baseline}
        for name, note in comparison.arms.items()
        if by_arm[name]
    ]
    for arm in arms:
        if arm["is_baseline"]:
            arm["improvement"] = None
    first = results[0] if results else {}
    return {
        "name": comparison.name,
        "baseline": baseline,
        "env_steps": comparison.env_steps,
        "counted": first.get("counted", "env steps"),
        "judged_by": first.get("judged_by", "return"),
        "scored": references is not None,
        "num_tasks": len(first.get("last_return", [])),
        "num_seeds": comparison.num_seeds,
        "missing": [run.name for run in comparison.missing()],
        "arms": arms,
    }


def markdown(table: Mapping[str, Any]) -> str:
    """Returns the table for people."""
    lines = ["| " + " | ".join(_header(table)) + " |", "|---" * len(_header(table)) + "|"]
    lines += ["| " + " | ".join(_row(arm, table)) + " |" for arm in table["arms"]]
    return "\n".join([*lines, "", *_notes(table)]) + "\n"


def columns(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the estimates that this table has, as (key, what it is called)."""
    is_score = table["scored"]
    told = "score" if is_score else table["judged_by"]
    named = {
        "score": f"{told}, IQM",
        "success": "success",
        "worst": f"{told}, worst 10 %",
        "mastered": "mastered",
        "adaptation_gain": "adaptation gain",
        "forgetting": "forgetting",
        "improvement": f"P(better than {table['baseline']})",
    }
    return [(k, v) for k, v in named.items() if any(arm[k] for arm in table["arms"])]


def save_table(comparison: Comparison, table: Table) -> None:
    """Writes the table beside the results, as JSON and as Markdown."""
    write_atomically(comparison.folder / "table.json", json.dumps(table, indent=1).encode())
    text = f"# {table['name']}\n\n{markdown(table)}"
    write_atomically(comparison.folder / "table.md", text.encode())


def _scores(
    rows: Sequence[Mapping[str, Any]], references: Mapping[str, NDArray[np.float64]] | None
) -> NDArray[np.float64]:
    """Returns the score of every seed on every task, [S, B]; the return where there is none."""
    returns = np.stack([array(row["last_return"]) for row in rows])
    return returns if references is None else task_scores(returns, **references)


def _arm(
    name: str,
    note: str,
    rows: Sequence[Mapping[str, Any]],
    scores: NDArray[np.float64],
    baseline: NDArray[np.float64] | None,
    num_resamples: int,
) -> dict[str, Any]:
    tables: dict[str, tuple[NDArray[np.float64] | None, Statistic]] = {
        "score": (scores, iqm),
        "worst": (scores, mean_cvar),
        "success": (_stacked(rows, "last_success"), mean_of),
        "mastered": (_stacked(rows, "mastered"), mean_of),
        "adaptation_gain": (_stacked(rows, "adaptation_gain"), mean_of),
        "forgetting": (array([row["forgetting"] for row in rows])[:, None], mean_of),
    }
    found: dict[str, Any] = {"name": name, "note": note, "seeds": [row["seed"] for row in rows]}
    for key, (values, statistic) in tables.items():
        found[key] = _crossed(values, statistic, num_resamples)
    found["by_seed"] = {
        key: [] if values is None else [_plain(statistic(row[None, :])) for row in values]
        for key, (values, statistic) in tables.items()
    }
    found["score_published"] = _triple(iqm_interval(scores.T, _rng(), num_resamples))
    found["improvement"] = (
        None
        if baseline is None
        else _triple(improvement_interval(scores, baseline, _rng(), num_resamples))
    )
    return found | {key: float(np.mean([row["totals"][key] for row in rows])) for key in _TOTALS}


def _stacked(rows: Sequence[Mapping[str, Any]], key: str) -> NDArray[np.float64] | None:
    if any(row[key] is None for row in rows):
        return None
    return np.stack([array(row[key]) for row in rows])


def _crossed(
    values: NDArray[np.float64] | None, statistic: Statistic, num_resamples: int
) -> list[float] | None:
    if values is None:
        return None
    return _triple(crossed_interval(values, statistic, _rng(), num_resamples))


def _rng() -> np.random.Generator:
    """Returns the same resamples for every estimate: what arms share is drawn alike."""
    return np.random.default_rng(0)


def _triple(found: Estimate) -> list[float] | None:
    values = [found.value, found.low, found.high]
    return values if all(map(math.isfinite, values)) else None


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _header(table: Mapping[str, Any]) -> list[str]:
    steps = f"{table['counted']}: all (training / scoring / evaluation)"
    told = [title for _, title in columns(table)]
    return ["arm", "seeds", *told, "gradient updates", steps, "time a run"]


def _row(arm: Mapping[str, Any], table: Mapping[str, Any]) -> list[str]:
    learned = arm["train_env_steps"] - arm["scoring_env_steps"]
    parts = (learned, arm["scoring_env_steps"], arm["evaluation_env_steps"])
    return [
        f"`{arm['name']}`",
        str(len(arm["seeds"])),
        *(interval_text(arm[key]) for key, _ in columns(table)),
        amount(arm["gradient_updates"]),
        f"{amount(arm['env_steps'])} ({' / '.join(map(amount, parts))})",
        duration(arm["seconds"]),
    ]


def interval_text(
    triple: Sequence[float] | None, to_text: Callable[[float], str] | None = None
) -> str:
    """Returns an estimate and its interval.

    Example:
        >>> interval_text([0.51234, 0.4, 0.6]), interval_text(None)
        ('0.512 [0.400, 0.600]', '–')
    """
    if triple is None:
        return "–"
    value, low, high = map(to_text or _number, triple)
    return f"{value} [{low}, {high}]"


def _number(value: float) -> str:
    return f"{value:z.3f}" if abs(value) < 100 else f"{value:z,.0f}"


def _notes(table: Mapping[str, Any]) -> list[str]:
    """Returns what has to be known to read the table."""
    score = (
        "Score: 0 is random play, 1 the oracle, of the last episode (shot, gradient step)"
        if table["scored"]
        else f"There is no oracle, so the score is the {table['judged_by']} of the last unit"
    )
    lines = [
        f"Sealed test of {table['num_tasks']} tasks of the target, the same for all; a budget of "
        f"{table['env_steps']:,} {table['counted']} a run, evaluation included. {score}.",
        "In brackets 95 % of bootstrap resamples over seeds and tasks. Worst 10 %: mean over "
        "seeds of the worst tenth of the tasks. Adaptation gain: last minus first unit, in "
        "returns. Forgetting: how far an arm lies below its own best on the monitor set of its "
        "own first distribution.",
    ]
    lines += [f"`{arm['name']}`: {arm['note']}." for arm in table["arms"] if arm["note"]]
    fewest = min((len(arm["seeds"]) for arm in table["arms"]), default=0)
    if fewest < ENOUGH_SEEDS:
        lines.append(f"**Fewer than {ENOUGH_SEEDS} seeds of some arm: this supports no claim.**")
    if table["missing"]:
        lines.append(f"Not there yet: {', '.join(table['missing'])}.")
    return ["\n\n".join(lines)]
