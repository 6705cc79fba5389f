"""Glyphs as pictures: distance fields, hands, and the file they are kept in."""

import threading

import numpy as np
import pytest

from taskgen.generators.glyphs import rendering, store, writing
from taskgen.generators.glyphs.catalogue import Catalogue, catalogue
from taskgen.generators.glyphs.rendering import FIELD, GRID, SIDE, UNITS
from taskgen.generators.glyphs.writing import WRITERS, Hand, draw, hands_of
from taskgen.randomness import fold

KEYS = np.arange(1, 4001, dtype=np.uint64)
STILL = dict.fromkeys(WRITERS, 0.0)


def by_hand(num=1, turns=0, **writers):
    """Returns how `num` examples of class 0 are written, all by writers of these habits."""
    habits = np.array([[{**STILL, **writers}[name] for name in WRITERS]] * num)
    return hands_of(catalogue(), np.zeros(num, dtype=int), np.full(num, turns), habits, KEYS[:num])


def field_of(distance):
    """Returns a field, [1, FIELD, FIELD], of a distance by (row, column) from the middle, px."""
    places = (np.arange(FIELD) - 0.5 * (FIELD - 1)) / GRID
    rows, columns = np.meshgrid(places, places, indexing="ij")
    return np.clip(np.round(UNITS * distance(rows, columns)), -127, 127).astype(np.int8)[None]


def drawn(hand, field):
    return draw(Hand(**{**vars(hand), "pairs": np.zeros_like(hand.pairs)}), field)


def test_a_field_has_the_distances_to_the_nearest_dots():
    dots = np.random.default_rng(0).random((2, 2 * FIELD, 2 * FIELD)) < [[[0.003]], [[0.99]]]
    at = 2 * np.arange(FIELD) + 0.5
    middles = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1).reshape(-1, 1, 2)
    for raster, field in zip(dots, rendering.fields(dots), strict=True):
        to_ink, to_paper = (
            np.sqrt(((middles - np.argwhere(kind)) ** 2).sum(axis=-1).min(axis=1))
            for kind in (raster, ~raster)
        )
        # Distances to nothing within reach are cut before they are subtracted.
        expected = np.clip(np.round((to_ink - to_paper) * UNITS / 4), -127, 127)
        assert np.array_equal(field.ravel(), expected)


def test_a_glyph_fills_twenty_pixels_around_the_middle_whatever_its_size():
    for character in ".Aj_|":
        rows, columns = np.nonzero(rendering.raster("DejaVuSans", character))
        spans = [places.max() - places.min() + 1 for places in (rows, columns)]
        assert max(spans) == 80
        for places in (rows, columns):
            assert places.min() + places.max() == pytest.approx(95, abs=1)


def test_a_blank_glyph_is_refused():
    with pytest.raises(rendering.NoInk, match="choose another font"):
        rendering.raster("DejaVuSans", " ")


def test_an_edge_is_drawn_where_it_is_and_bolder_by_as_much_as_said():
    left_half = field_of(lambda row, column: column)
    plain = drawn(by_hand(), left_half)[0]
    ink = np.where(np.arange(SIDE) < SIDE // 2, 1.0, 0.0)
    inside = slice(4, SIDE - 4)  # a field ends two pixels beyond the ink
    assert np.allclose(plain[inside, inside], ink[inside], atol=0.02)
    (hand,) = [by_hand(1, thickness=1.0)]
    bold = drawn(hand, left_half)[0]
    width = bold[inside, inside].sum(axis=1) - plain[inside, inside].sum(axis=1)
    assert np.allclose(width, hand.bolder[0], atol=0.02)
    assert 0.0 < hand.bolder[0] < 1.0


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_go_anticlockwise(turns):
    wedge = field_of(lambda row, column: np.maximum(row - 0.5 * column, -column - 4.0))
    upright, turned = (drawn(by_hand(turns=k), wedge)[0] for k in (0, turns))
    assert np.allclose(np.rot90(upright, turns), turned, atol=1e-5)
    assert not np.allclose(upright, turned, atol=0.5)


def test_the_way_back_undoes_shear_turn_zoom_and_shift():
    angles, shears = np.array([0.7, -0.2]), np.array([0.3, -0.5])
    zooms, moved = np.array([1.2, 0.8]), np.array([[2.0, -1.0], [0.5, 3.0]])
    back = writing._maps(angles, shears, zooms, moved)
    glyph = np.array([3.0, -5.0])
    for k in range(2):
        sheared = np.array([glyph[0], glyph[1] + shears[k] * glyph[0]])
        cos, sin = np.cos(angles[k]), np.sin(angles[k])
        there = zooms[k] * np.array([[cos, -sin], [sin, cos]]) @ sheared + moved[k]
        assert np.allclose(back[k] @ [*there, 1.0], glyph)


def test_who_has_no_habits_writes_upright_in_the_first_font():
    hand = by_hand(50)
    assert np.array_equal(hand.maps, np.tile([[1.0, 0, 0], [0, 1, 0]], (50, 1, 1)))
    assert not hand.pairs.any()
    assert not hand.bolder.any()


def test_habits_keep_within_what_is_said_and_use_it():
    hand = by_hand(4000, rotation=30.0, scaling=0.25, shift=2.0, thickness=0.5)
    angles = np.rad2deg(np.arctan2(hand.maps[:, 0, 1], hand.maps[:, 0, 0]))
    away = -np.linalg.solve(hand.maps[:, :, :2], hand.maps[:, :, 2:])[:, :, 0]
    for values, low, high in (
        (angles, -30, 30),
        (hand.zooms, 0.8, 1.25),
        (away, -2, 2),
        (hand.bolder, 0, 0.5),
    ):
        reach = 0.01 * (high - low)
        assert low <= values.min() < low + reach
        assert high - reach < values.max() <= high


def test_every_font_of_a_class_is_used_as_often_as_said():
    count = int(catalogue().pair_counts[0])
    assert count > 1
    fonts = np.bincount(by_hand(4000, font_variety=1.0).pairs, minlength=count) / 4000
    assert np.allclose(fonts, 1 / count, atol=4 * np.sqrt(1 / count / 4000))
    first = np.mean(by_hand(4000, font_variety=0.5).pairs == 0)
    assert first == pytest.approx(0.5 + 0.5 / count, abs=0.04)


def test_noise_is_that_of_the_four_parts_of_a_keyed_number():
    grey = np.zeros((1, FIELD, FIELD), dtype=np.int8)  # an edge everywhere: ink is a half
    hand = by_hand(40, noise=0.1)
    pictures = drawn(hand, grey)
    middle = pictures[:, 6:-6, 6:-6]
    assert middle.mean() == pytest.approx(0.5, abs=4 * 0.1 / np.sqrt(middle.size))
    assert middle.std() == pytest.approx(0.1, rel=0.02)
    number = int(fold(hand.keys[:1], SIDE * 9 + 11)[0])
    total = sum(number >> shift & 0xFFFF for shift in (0, 16, 32, 48))
    expected = 0.5 + 0.1 * (total - 4 * 32767.5) / (65536 / np.sqrt(3))
    assert pictures[0, 9, 11] == pytest.approx(expected, abs=1e-6)


def test_pictures_stay_between_paper_and_ink():
    pictures = draw(by_hand(100, noise=0.5, rotation=60, thickness=1.0), store.glyph_fields())
    assert pictures.dtype == np.float32
    assert pictures.min() == 0.0
    assert pictures.max() == 1.0


@pytest.fixture
def two_classes():
    pairs = np.array([0, 1, 0])
    return Catalogue(
        fonts=("DejaVuSans", "DejaVuSerif"),
        scripts=("latin",),
        num_dealt=1,
        starts=np.array([0]),
        sizes=np.array([2]),
        codes=np.array([ord("a"), ord("b")]),
        pair_starts=np.array([0, 2]),
        pair_counts=np.array([2, 1]),
        pair_fonts=pairs,
    )


def test_fields_are_drawn_once_and_read_ever_after(two_classes, tmp_path, monkeypatch):
    path = tmp_path / "new" / "glyphs.npy"
    fields = store.load_or_draw(path, two_classes)
    rasters = [rendering.raster(*pair) for pair in (("DejaVuSans", "a"), ("DejaVuSerif", "a"))]
    assert np.array_equal(fields[:2], rendering.fields(np.array(rasters)))
    monkeypatch.setattr(store, "_drawn", None)
    again = store.load_or_draw(path, two_classes)
    assert np.array_equal(fields, again)
    assert not fields.flags.writeable
    assert not again.flags.writeable


@pytest.mark.parametrize("damage", ["cut", "other", "empty"])
def test_a_damaged_file_is_drawn_anew(damage, two_classes, tmp_path):
    path = tmp_path / "glyphs.npy"
    fields = store.load_or_draw(path, two_classes)
    whole = path.read_bytes()
    if damage == "other":
        np.save(path, np.zeros((3, 2, 2), dtype=np.int8))
    else:
        path.write_bytes(whole[:1000] if damage == "cut" else b"")
    assert np.array_equal(store.load_or_draw(path, two_classes), fields)
    assert path.read_bytes() == whole


def test_where_nothing_can_be_written_fields_are_kept_in_memory(two_classes, tmp_path):
    (tmp_path / "file").write_text("in the way")
    fields = store.load_or_draw(tmp_path / "file" / "glyphs.npy", two_classes)
    assert fields.shape == (3, FIELD, FIELD)


def test_many_may_draw_at_once(two_classes, tmp_path):
    found = []

    def ask():
        found.append(store.load_or_draw(tmp_path / "glyphs.npy", two_classes))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(np.array_equal(fields, found[0]) for fields in found)
    assert [path.name for path in tmp_path.iterdir()] == ["glyphs.npy"]


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.cache_folder() == tmp_path / "taskgen"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.cache_folder() == tmp_path / ".cache" / "taskgen"
