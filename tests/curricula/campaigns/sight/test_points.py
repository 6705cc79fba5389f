import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curricula.campaigns.sight.points import (
    GENERATION,
    is_number,
    measure_points,
    metric_name,
    record_points,
    winner_of,
)


def record_of(**changes):
    return {
        "generation": 2,
        "volume": 0.5,
        "parameters": {"a": {"low": 1, "high": 3}, "b/c": {"x y": 0.25, "z%": 0.75}},
        "totals": {"env_steps": 300, "tasks": 7},
        "candidates": [
            {"index": 0, "name": "keep", "origin": "keep", "gain": 0.1},
            {"index": 1, "name": "move-1", "origin": "move", "gain": -0.2, "pruned": True},
            {"index": 2, "name": "move-2", "origin": "move", "gain": 0.3},
            {"index": 3, "name": "challenger", "origin": "challenger", "gain": None},
            {"index": 4, "name": "keep-again", "origin": "keep", "gain": 0.9},
        ],
        "decision": {"winner": 2, "difference": math.nan, "noise": 0.1, "aa_gain_sd": None},
        "monitor": {"target": {"return_iqm": [0.5, 0.25, 0.75], "success_rate": None}},
        "forgetting": math.inf,
        "quarantine": {"id": "why"},
        "seconds": {"train": 6.0, "evaluate": 3.0, "generation": 5.0},
        "usage": {"cpu_s": 8.0, "peak_memory_bytes": 5e8, "num_processes": 3, "workers": 2},
        **changes,
    }


def test_every_point_of_a_record():
    previous = {"totals": {"env_steps": 100}}
    assert record_points(record_of(), previous, {"a": -1.5}) == {
        GENERATION: 2.0,
        "monitor/target_return_iqm": 0.5,
        "monitor/target_return_iqm_low": 0.25,
        "monitor/target_return_iqm_high": 0.75,
        "search/noise": 0.1,
        "search/gain_keep": 0.1,
        "search/gain_keep_again": 0.9,
        "search/gain_move": 0.3,
        "search/best_gain": 0.3,
        "search/num_pruned": 1.0,
        "distribution/volume": 0.5,
        "distribution/a_low": 1.0,
        "distribution/a_high": 3.0,
        "distribution/b_c_x y": 0.25,
        "distribution/b_c_z_": 0.75,
        "distribution/a_nats": -1.5,
        "budget/env_steps": 300.0,
        "budget/tasks": 7.0,
        "budget/quarantined": 1.0,
        "time/train_s": 6.0,
        "time/evaluate_s": 3.0,
        "time/generation_s": 5.0,
        "time/train_evaluate_share": 0.9,
        "time/env_steps_per_s": 40.0,
        "system/cpu_s": 8.0,
        "system/peak_memory_mb": 500.0,
        "system/num_processes": 3.0,
        "system/cores_in_use": 1.6,
    }


def test_a_share_of_unknown_workers_is_not_told():
    points = record_points(record_of(usage=None))
    assert "time/train_s" in points
    assert not any(name.startswith("system/") or name.endswith("_share") for name in points)


def test_an_interval_beside_a_measure_gives_its_ends() -> None:
    measures = {"success_rate": 0.5, "success_rate_interval": [0.25, 0.75]}
    measures |= {"adaptation_gain": None, "adaptation_gain_interval": None, "length_gain": 3}
    assert measure_points("monitor", "target", measures) == {
        "monitor/target_success_rate": 0.5,
        "monitor/target_success_rate_low": 0.25,
        "monitor/target_success_rate_high": 0.75,
        "monitor/target_length_gain": 3.0,
    }


def test_where_nothing_moved_the_one_training_is_still_shown() -> None:
    alone = {"index": 0, "origin": "move", "gain": 0.25, "metrics": {"train/loss": 1}}
    record = record_of(candidates=[alone], decision={"winner": None, "decided_by": "rollback"})
    assert winner_of(record) is None
    points = record_points(record)
    assert (points["train/loss"], points["search/gain_move"]) == (1.0, 0.25)
    two = record_of(candidates=[alone, {**alone, "index": 1}], decision={"winner": None})
    assert "train/loss" not in record_points(two)


def test_the_start_has_no_speed_and_no_gain():
    points = record_points(record_of(candidates=[], seconds={"generation": 0.0}))
    assert not any("gain" in name or "per_s" in name or "share" in name for name in points)


def test_training_metrics_of_the_winner_keep_their_own_section():
    candidates = [
        {"index": 2, "origin": "move", "gain": 0.0, "metrics": {"train/loss": 1, "kl": 2}}
    ]
    points = record_points(record_of(candidates=candidates))
    assert (points["train/loss"], points["train/kl"]) == (1.0, 2.0)


def test_a_curve_of_three_episodes_is_no_interval():
    measures = {"curve": {"returns": [0.1, 0.2, 0.3]}, "return_mean": 0.5}
    assert measure_points("monitor", "target", measures) == {"monitor/target_return_mean": 0.5}


@pytest.mark.parametrize("value", [None, math.nan, -math.inf, True, "1", [1.0]])
def test_what_is_no_number(value):
    assert not is_number(value)


@settings(deadline=None)
@given(st.lists(st.text(max_size=300), min_size=1, max_size=3))
def test_names_are_allowed_whatever_they_are_made_of(parts):
    from mlflow.utils.validation import _validate_metric_name

    name = metric_name(*parts)
    _validate_metric_name(name)
    assert re.fullmatch(r"[A-Za-z0-9_\-. :/]{1,250}", name)
