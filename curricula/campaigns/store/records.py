"""What a commit record holds: the JSON that is the truth about a campaign after a generation.

```
{
  "campaign": str, "generation": int,          0 is the untrained start
  "settings": {dotted path: value},            of generation 0 alone: what no resume may change
  "checkpoint": {"file": str, "sha256": str},  learner and curriculum of the adopted branch
                                               (or of the merge; lineage_env_steps count all in it)
  "incumbent": distribution, "frontier": distribution, "volume": float,
  "movable": [name], "parameters": {name: {"low", "high"} or {choice: weight}},
  "totals": {"env_steps", "train_env_steps", "scoring_env_steps", "evaluation_env_steps",
             "lineage_env_steps", "gradient_updates", "tasks", "seconds"},
             scoring: those of training that were played for their score alone
  "evaluation_env_steps": int,                 of this generation alone
  "counted": what all "env_steps" are: "env steps", or "examples" (support and query points used)
             where tasks are problems; "judged_by": what returns are, in words
  "best": {"generation", "by", "target_return", "mastered_volume", "start_return"},
           by: "target_return"; open-ended: "mastered_volume", or "newest" where success is unknown;
           start_return is the highest of all generations, for "forgetting"
  "reached": {"exam", "frontier": distribution, "volume", "mastered_volume", "measures"},
              the learner on the frontier that counted in this generation; mastered_volume is
              volume · mastered_share
  "candidates": [{"index", "name", "origin", "move", "distribution", "gain", "gain_se", "rung_gain",
                  "pruned", "failure", "env_steps", "seconds", "metrics"}],
  "decision": {"winner": int | null, "decided_by": str, "difference": float, "difference_se": float,
               "noise": float, "aa_gain_sd": float | null,  winner null: the distribution stays
               "boundaries": {"<parameter>.<side>": share of the tasks there that are solved},
                                               only of a stream; none where success has no meaning
               "merge": null | {"goes_on": bool, "branches": [index], "weights": [float],
                        "noise": float, "failure": str | null, "difference", "difference_se",
                        "difference_to_keep", "difference_to_keep_se", "needed_over_keep"}},
                                               only with generation.merge; goes_on: the learner is
                                               the merge, the distribution still the winner's
  "monitor": {"target": measures, "start": measures}, "forgetting": float,
  "references": {exam: {"generation": int}},   the commit that has the set's oracle and random play:
              there also "tasks": [id's first 16 digits], "random": [float], "oracle": [float]
              (null: not known), or "failure"
  "tasks": [task JSON], "search": state, "search_metrics": {…}, "noise_history": [float],
  "gain_history": [float], "search_rest": {"left", "length"}, "quarantine": {task id: reason},
  "draws": counts, "draw_reasons": {row and seed: reason},
  "exam_sets": {exam: {"num_tasks", "repeats", "repeats_apart"}},  of the exams that were played:
               tasks whose form comes earlier in the set, or in a set it should be apart from
  "seconds": {"train", "evaluate", "search", "generation"}, the first two summed over branches,
             the last one on a clock, since the commit before or the start of the process
  "usage": {"cpu_s", "peak_memory_bytes", "num_processes", "workers"}  `usage`
}
measures = {"return_iqm": [estimate, low, high], "return_mean": …, "mastered_share": …,
            "success_rate": …, "adaptation_gain": …, "length_gain": …, "return_cvar10": …,
            "<each of those three>_interval": [low, high] | null,
            "score": [estimate, low, high], "oracle_regret", "oracle_regret_interval",
                      only where the oracle is known, "num_scored" where not of all tasks,
            "curve": {"returns": [E], "returns_iqm": [E], "successes": [E] | null, "lengths": [E],
                      "unit": "episodes", "gradient steps" or "shots"}, "num_tasks": int}
```
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Record: TypeAlias = Mapping[str, Any]
"""A commit record."""
