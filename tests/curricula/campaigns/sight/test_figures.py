"""Figures of a campaign show what was recorded."""

import numpy as np
import pytest
from PIL import Image

from curricula.campaigns.sight import figures
from curricula.campaigns.sight.figures import Way


def record_of(generation, high=9):
    curve = {"returns": [0.1, 0.5], "successes": [0.2, None], "lengths": [3, 2]}
    measures = {"return_iqm": [0.5, 0.4, 0.6] if generation else [None] * 3, "curve": curve}
    return {
        "generation": generation,
        "totals": {"env_steps": 100 * generation},
        "parameters": {
            "size": {"low": 5, "high": high},
            "layout": {"rooms": 0.25, "walls": 0.75},
            "fixed": {"low": 1.0, "high": 1.0},
        },
        "frontier": {"regions": {"size": [5, 9], "layout": {"rooms": 0.25, "walls": 0.75}}},
        "monitor": {"target": measures, "start": measures},
    }


def test_the_way_keeps_one_row_a_generation_and_knows_what_moved():
    way = Way()
    way.add(record_of(0))
    assert way.moved() == []
    way.add(record_of(1))
    way.add(record_of(1, high=11))
    way.add(record_of(2, high=11))
    assert [row["generation"] for row in way.rows] == [0, 1, 2]
    assert way.moved() == ["size"]
    way.add({**record_of(3, high=11), "frontier": {"regions": {"fixed": [0.0, 1.0]}}})
    assert way.moved() == ["size", "fixed"]


def test_a_long_way_is_thinned_with_both_ends_kept():
    way = Way([{"generation": g} for g in range(5000)])
    rows = way.thinned()
    assert len(rows) == figures.MAX_POINTS
    assert (rows[0]["generation"], rows[-1]["generation"]) == (0, 4999)


@pytest.mark.parametrize("num_records", [1, 3])
def test_figures_show_what_was_recorded(tmp_path, num_records):
    way = Way()
    for generation in range(num_records):
        way.add(record_of(generation, high=9 + generation))
    figure = figures.campaign_figure(way)
    assert [axes.get_ylabel() for axes in figure.axes][1:] == ["size"] * (num_records > 1)
    figures.save_figure(figure, tmp_path / "way.png")
    curves = figures.adaptation_figure(record_of(1))
    lines = curves.axes[1].get_lines()
    np.testing.assert_array_equal(lines[0].get_ydata(), [0.2, np.nan])
    figures.save_figure(curves, tmp_path / "curve.png")
    for name in ("way.png", "curve.png"):
        with Image.open(tmp_path / name) as image:
            assert image.width <= 700
            assert np.asarray(image).std() > 5, "it is not blank"


def test_a_score_that_diverged_leaves_the_rest_to_be_read():
    way = Way()
    for generation, score in enumerate([0.2, -1e9, 0.6]):
        record = record_of(generation)
        for measures in record["monitor"].values():
            measures["score"] = [score, score - 0.1, score + 0.1]
        way.add(record)
    bottom, top = figures.campaign_figure(way).axes[0].get_ylim()
    assert bottom == -1.0
    assert 0.7 <= top < 1e9


def test_errors_are_drawn_by_their_middle_and_accuracies_by_their_mean():
    record = record_of(1)
    for measures in record["monitor"].values():
        measures["curve"] |= {"returns": [-4.0, -1e9], "returns_iqm": [-3.0, -0.5]}
    for judged_by, shown in (
        ("return (minus the squared error)", [-3.0, -0.5]),
        ("accuracy", [-4.0, -1e9]),
    ):
        axes = figures.adaptation_figure({**record, "judged_by": judged_by}).axes[0]
        assert axes.get_lines()[0].get_ydata().tolist() == shown
        assert " ".join(axes.get_ylabel().split()).startswith(judged_by)


def test_success_has_no_panel_where_it_has_no_meaning():
    record = record_of(1)
    for measures in record["monitor"].values():
        measures["curve"]["successes"] = None
    assert len(figures.adaptation_figure(record).axes) == 1
