"""From a commit record to named numbers: every curve that a tracker draws, one value a commit.

Names have the form `section/quantity`, in the letters that MLflow allows. What is None, NaN or
infinite has no point: a gap in a curve says more than a made-up number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from curricula.campaigns.store.records import Record

GENERATION = "campaign/generation"
"""The point that says which commit is logged; the others of a commit stand beside it."""

MAX_NAME_LENGTH = 250


def metric_name(*parts: str) -> str:
    """Returns the parts as one metric name: parts joined by "/", strange characters replaced.

    Example:
        >>> metric_name("distribution", "goal distance/2 (%)_low")
        'distribution/goal distance_2 ____low'
    """
    return "/".join(_plain(part) for part in parts)[:MAX_NAME_LENGTH]


def record_points(
    record: Record, previous: Record | None = None, nats: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Returns the points of a commit by metric name.

    Args:
        record: the commit.
        previous: the commit before it, for speeds; None where there is none.
        nats: each parameter's width in nats, where the distribution could be read.
    """
    points: dict[str, Any] = {GENERATION: record["generation"]}
    for name, measures in record["monitor"].items():
        points |= measure_points("monitor", name, measures)
    points["monitor/forgetting"] = record.get("forgetting")
    points |= _frontier_points(record.get("reached") or {})
    points |= _search_points(record)
    points |= _distribution_points(record, nats or {})
    points |= _budget_points(record)
    points |= _time_points(record, previous)
    points |= _usage_points(record)
    return {name: float(value) for name, value in points.items() if is_number(value)}


def measure_points(section: str, set_name: str, measures: Mapping[str, Any]) -> dict[str, float]:
    """Returns the measures of a task set as points; one with an interval gives three of them.

    The interval stands in the measure itself or beside it, as "<measure>_interval". A set without
    a name of its own goes by the section's.

    Example:
        >>> measure_points("monitor", "target", {"success_rate": [0.5, 0.4, 0.6], "num_tasks": 9})
        {'monitor/target_success_rate': 0.5, 'monitor/target_success_rate_low': 0.4,
         'monitor/target_success_rate_high': 0.6, 'monitor/target_num_tasks': 9.0}
    """
    points: dict[str, Any] = {}
    for quantity in measures:
        name = metric_name(section, f"{set_name}_{quantity}" if set_name else quantity)
        estimate, low, high = interval(measure(measures, quantity))
        points |= {name: estimate, f"{name}_low": low, f"{name}_high": high}
    return {name: float(value) for name, value in points.items() if is_number(value)}


def result_points(test: Mapping[str, Any]) -> dict[str, float]:
    """Returns the points of a use of the test: the measures, and of the sealed test the count.

    Example:
        >>> result_points({"uses": 1, "measures": {"success_rate": 0.5}})
        {'test/target_success_rate': 0.5, 'test/uses': 1.0}
        >>> result_points({"kind": "suite", "name": "combs", "measures": {"success_rate": 0.5}})
        {'suite/combs_success_rate': 0.5}
    """
    kind, measures = test.get("kind", "sealed"), test.get("measures") or {}
    if kind != "sealed":
        return measure_points(kind, test["name"], measures)
    points = measure_points("test", "target", measures)
    points |= measure_points("test", "target", test.get("bayes") or {})
    if is_number(test.get("uses")):
        points["test/uses"] = float(test["uses"])
    return points


def measure(measures: Mapping[str, Any], name: str) -> Any:
    """Returns a measure as [estimate, low, high] if it has an interval, else as it is.

    Example:
        >>> measure({"gain": 0.5, "gain_interval": [0.4, 0.6], "n": 9}, "gain")
        [0.5, 0.4, 0.6]
    """
    value, ends = measures.get(name), measures.get(f"{name}_interval")
    return [value, *ends] if ends else value


def headline(measures: Mapping[str, Any]) -> tuple[str, Any]:
    """Returns the name and the value of what is told first: the score, the return where none is.

    Example:
        >>> headline({"score": [0.5, 0.4, 0.6], "return_iqm": [7.0, 6.0, 8.0]})
        ('score', [0.5, 0.4, 0.6])
        >>> headline({"return_iqm": [7.0, 6.0, 8.0]})
        ('return', [7.0, 6.0, 8.0])
    """
    if "score" in measures:
        return "score", measures["score"]
    return "return", measures.get("return_iqm")


def interval(value: Any) -> tuple[Any, Any, Any]:
    """Returns (estimate, low, high) of a measure; a plain number has None for the ends."""
    if isinstance(value, list | tuple) and len(value) == 3:
        return value[0], value[1], value[2]
    return value, None, None


def is_number(value: Any) -> bool:
    """Whether the value is a finite number (and no truth value)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def winner_of(record: Record) -> Mapping[str, Any] | None:
    """Returns the candidate that was adopted; None where nothing was tried, or nothing moved."""
    chosen = (record.get("decision") or {}).get("winner")
    return next((c for c in record.get("candidates") or () if c["index"] == chosen), None)


def _plain(part: str) -> str:
    """One part of a name; "." and ".." alone would be read as paths."""
    text = re.sub(r"[^A-Za-z0-9_\-. :]", "_", part).strip() or "_"
    return text if text.strip(".") else text.replace(".", "_")


def _in_section(section: str, name: str) -> str:
    """A metric name within the section, unless the name brings a section of its own."""
    return metric_name(*name.split("/")) if "/" in name else metric_name(section, name)


def _search_points(record: Record) -> dict[str, Any]:
    decision = record.get("decision") or {}
    points = {
        f"search/{key}": decision.get(key)
        for key in ("difference", "difference_se", "noise", "aa_gain_sd")
    }
    points |= _merge_points(decision.get("merge") or {})
    for name, solved in (decision.get("boundaries") or {}).items():
        points[metric_name("search", "boundary", name)] = solved
    best: dict[str, float] = {}
    for candidate in record["candidates"]:
        if is_number(gain := candidate.get("gain")):
            is_copy = candidate.get("name") == "keep-again"
            origin = "keep_again" if is_copy else candidate["origin"]
            best[origin] = max(gain, best.get(origin, -math.inf))
    points |= {metric_name("search", f"gain_{origin}"): gain for origin, gain in best.items()}
    best.pop("keep_again", None)
    points["search/best_gain"] = max(best.values(), default=None)
    points["search/num_pruned"] = sum(bool(c.get("pruned")) for c in record["candidates"])
    for name, value in (record.get("search_metrics") or {}).items():
        points[_in_section("search", name)] = value
    for name, value in (_trained(record).get("metrics") or {}).items():
        points[_in_section("train", name)] = value
    return points


def _frontier_points(reached: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the curves that move with the campaign: the learner where its generation aimed."""
    if not reached:
        return {}
    return {
        **measure_points("frontier", "", reached["measures"]),
        "frontier/volume": reached["volume"],
        "frontier/mastered_volume": reached["mastered_volume"],
    }


def _merge_points(merge: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what became of the merge; `merge_num_effective` is 1 / Σ w², how many count in it."""
    if not merge:
        return {}
    keys = ("difference", "difference_se", "difference_to_keep", "noise")
    return {
        **{f"search/merge_{key}": merge.get(key) for key in keys},
        "search/merge_goes_on": int(merge["goes_on"]),
        "search/merge_num_effective": 1.0 / sum(w**2 for w in merge["weights"]),
    }


def _trained(record: Record) -> Mapping[str, Any]:
    """Returns whose training the curves show: the winner's, or where only one trained, its own."""
    candidates = record["candidates"]
    return winner_of(record) or (candidates[0] if len(candidates) == 1 else {})


def _distribution_points(record: Record, nats: Mapping[str, float]) -> dict[str, Any]:
    points: dict[str, Any] = {"distribution/volume": record["volume"]}
    for name, region in record["parameters"].items():
        for end, value in region.items():
            points[metric_name("distribution", f"{name}_{end}")] = value
    for name, width in nats.items():
        points[metric_name("distribution", f"{name}_nats")] = width
    return points


def _budget_points(record: Record) -> dict[str, Any]:
    points = {metric_name("budget", name): value for name, value in record["totals"].items()}
    points["budget/quarantined"] = len(record.get("quarantine") or {})
    return points


def _time_points(record: Record, previous: Record | None) -> dict[str, Any]:
    seconds = record.get("seconds") or {}
    points = {metric_name("time", f"{phase}_s"): value for phase, value in seconds.items()}
    whole = seconds.get("generation") or 0.0
    if whole > 0:
        # Of all workers' time; records of before workers were counted have no such point.
        playing = seconds.get("train", 0.0) + seconds.get("evaluate", 0.0)
        if workers := (record.get("usage") or {}).get("workers"):
            points["time/train_evaluate_share"] = playing / (workers * whole)
        if previous is not None:
            steps = record["totals"]["env_steps"] - previous["totals"]["env_steps"]
            points["time/env_steps_per_s"] = steps / whole
    return points


def _usage_points(record: Record) -> dict[str, Any]:
    """Names begin with "system/", which MLflow shows on a page of their own."""
    usage, seconds = record.get("usage") or {}, record.get("seconds") or {}
    if not usage:
        return {}
    points = {
        "system/cpu_s": usage["cpu_s"],
        "system/peak_memory_mb": usage["peak_memory_bytes"] / 1e6,
        "system/num_processes": usage["num_processes"],
    }
    if whole := seconds.get("generation"):
        points["system/cores_in_use"] = usage["cpu_s"] / whole
    return points
