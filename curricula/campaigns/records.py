"""What a commit record holds: the JSON that is the truth about a campaign after a generation.

```
{
  "campaign": str, "generation": int,          0 is the untrained start
  "checkpoint": {"file": str, "sha256": str},  learner and curriculum of the adopted branch
  "incumbent": distribution, "frontier": distribution, "volume": float,
  "parameters": {name: {"low", "high"} or {choice: weight}},
  "totals": {"env_steps", "train_env_steps", "evaluation_env_steps", "lineage_env_steps",
             "gradient_updates", "tasks", "seconds", "generations"},
  "candidates": [{"index", "origin", "move", "distribution", "gain", "gain_se", "rung_gain",
                  "pruned", "env_steps", "seconds", "metrics"}],
  "decision": {"winner": int, "decided_by": str, "difference": float, "difference_se": float,
               "noise": float, "aa_gain_sd": float | null},
  "monitor": {"target": measures, "start": measures}, "forgetting": float,
  "tasks": [task JSON], "search": state, "search_metrics": {…}, "noise_history": [float],
  "gain_history": [float], "quarantine": {task id: reason}, "draws": counts,
  "seconds": {"train", "evaluate", "search", "commit", "generation"}
}
measures = {"return_iqm": [estimate, low, high], "return_mean": …, "success_rate": …,
            "adaptation_gain": …, "mastered_share": …, "return_cvar10": …,
            "curve": {"returns": [E], "successes": [E] | null, "lengths": [E]}, "num_tasks": int}
```
"""

from __future__ import annotations

from typing import Any, TypedDict


class Checkpoint(TypedDict):
    """Where the state is, and what it must hash to."""

    file: str
    sha256: str


class Decision(TypedDict):
    """Which branch goes on, and why."""

    winner: int
    decided_by: str
    difference: float
    difference_se: float
    noise: float
    aa_gain_sd: float | None


class CommitRecord(TypedDict):
    """The truth about a campaign after a generation; see the module's text."""

    campaign: str
    generation: int
    checkpoint: Checkpoint
    incumbent: dict[str, Any]
    frontier: dict[str, Any]
    volume: float
    parameters: dict[str, dict[str, float]]
    totals: dict[str, float]
    candidates: list[dict[str, Any]]
    decision: Decision
    monitor: dict[str, dict[str, Any]]
    forgetting: float
    tasks: list[dict[str, Any]]
    search: dict[str, Any]
    search_metrics: dict[str, float]
    noise_history: list[float]
    gain_history: list[float]
    quarantine: dict[str, str]
    draws: dict[str, int]
    seconds: dict[str, float]
