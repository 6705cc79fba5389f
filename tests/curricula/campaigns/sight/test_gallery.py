"""Pages of tasks: all there, small, and nothing in them that plug-ins or people can make run."""

import base64
import hashlib
import io
import json
import re
import time

import numpy as np
import pytest
from PIL import Image

from curricula.campaigns.sight import portraits as portraits_module
from curricula.campaigns.sight.campaign_gallery import CampaignGallery
from curricula.campaigns.sight.gallery import Binding, Card, Chapter, bound, gallery, moved
from curricula.campaigns.sight.portraits import Portrait, portraits
from curricula.campaigns.sight.thumbnails import MAX_BYTES, thumbnail
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.lineage import fields_of, lines_of, read_fields, save_lineage
from curricula.campaigns.store.plays import Play
from curricula.curriculum import Proposal
from taskgen.generator import TaskGenerator
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Categorical, Float
from taskgen.task import Task

EVIL = '</script><img src=x onerror="alert(1)">&\u2028'


class Fields(TaskGenerator):
    """Fields of squares, described by words that want to be markup."""

    name = "fields-v1"
    kind = "problem"
    space = ParameterSpace(
        {
            "speed": Float(low=0.1, high=10.0, default=1.0, log=True),
            "colour": Categorical(choices=("grey", EVIL), default="grey"),
        }
    )

    def make_task(self, params, seed):
        return Task(self.name, 1, params, seed, {"seed": seed})

    def describe(self, task):
        return {"speed": task.params["speed"], EVIL: float(task.seed), "bad": float("nan")}

    def render(self, task):
        cells = np.random.default_rng(task.seed).integers(0, 2, (9, 9), dtype=np.uint8)
        return np.repeat(255 * cells[:, :, None], 3, axis=2).repeat(20, axis=0).repeat(20, axis=1)

    def oracle_return(self, task):
        return 2.0


GENERATOR = Fields()


def field(seed, speed=1.0, colour="grey"):
    return GENERATOR.make_task({"speed": speed, "colour": colour}, seed)


def data_of(page):
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(found.group(1))


def play_of(task, generation=1, **changes):
    source = read_fields(fields_of(task), generation)
    known = {"origin": "new", "branch": EVIL, "times": 2, "returns": (0.5, 1.25), **changes}
    return Play(source, **known)


def test_a_page_holds_every_task_with_all_that_is_known_of_it():
    task = field(3, speed=0.123456)
    edit = task.edited({"seed": 4}, "nudge+nudge")
    cards = [
        Card(task, portraits(GENERATOR, [task])[task.id], play_of(task, successes=(False, True))),
        Card(edit, Portrait(), play_of(edit, 2, origin="edit", score=0.25)),
    ]
    data = data_of(bound(GENERATOR, cards, Binding("two", score="regret")))
    assert data["parameters"] == ["speed", "colour"]
    assert data["features"] == [EVIL], "what repeats a parameter, or is no number, is left out"
    assert data["log"] == ["speed"]
    row, other = data["tasks"]
    assert row[:5] == [task.id[:16], 1, "new", EVIL, 2]
    assert row[5:11] == [[0.12346, "grey"], [3.0], [0.5, 1.25], "01", None, 0.75]
    assert data["pictures"][row[13]].startswith("data:image/png;base64,")
    assert other[2:5] == ["edit", EVIL, 2]
    assert other[9:] == [0.25, None, [task.id[:16]], "nudge (2)", None]


def test_nothing_foreign_is_markup_or_script():
    chapters = [Chapter(1, EVIL, {EVIL: (0.0, 1.0)}, {EVIL: (0.0, 2.0)})]
    task = field(1, colour=EVIL)
    card = Card(task, portraits(GENERATOR, [task])[task.id], play_of(task, origin="edit"))
    binding = Binding(EVIL, EVIL, chapters, judged_by=EVIL, unit=EVIL, score=EVIL, hint=EVIL)
    page = bound(GENERATOR, [card], binding)
    assert "<img" not in page
    assert page.count("</script>") == 2, "those of the page itself"
    assert "\u2028" not in page[page.index('id="data"') :], "JavaScript once took it for a line end"
    assert data_of(page)["generations"][0]["told"] == EVIL
    assert data_of(page)["tasks"][0][5][1] == EVIL


def test_the_page_allows_its_own_script_alone_and_no_network():
    page = gallery(GENERATOR, [field(1)], "one")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    script = page[page.rindex("<script>") + len("<script>") : page.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not re.search(r"localStorage|https?://(?!www\.w3\.org/2000/svg)|@[A-Z_]+@", page)


def test_a_picture_of_blocks_stays_exact():
    picture = GENERATOR.render(field(1))
    kind, _, text = thumbnail(picture).partition(";base64,")
    small = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))
    assert kind == "data:image/png"
    np.testing.assert_array_equal(small, picture[::20, ::20])


@pytest.mark.parametrize("shape", [(240, 320), (600, 40), (1, 1)])
def test_any_picture_becomes_small(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    packed = base64.b64decode(thumbnail(noise).partition(";base64,")[2])
    assert len(packed) <= 2 * MAX_BYTES, "noise is the worst that there is"
    assert max(Image.open(io.BytesIO(packed)).size) <= 128
    smooth = np.full((*shape, 3), np.linspace(0, 255, shape[1])[None, :, None], dtype=np.uint8)
    assert len(base64.b64decode(thumbnail(smooth).partition(";base64,")[2])) <= MAX_BYTES


class Faulty(Fields):
    """Cannot draw or describe some of its tasks, and hangs at one."""

    def render(self, task):
        if task.seed == 1:
            raise ValueError("no picture")
        if task.seed == 2:
            return np.zeros((3, 3))
        if task.seed == 4:
            while True:
                time.sleep(0.01)
        return super().render(task)

    def describe(self, task):
        raise KeyError("no words")

    def oracle_return(self, task):
        return float("inf") if task.seed else 1.0


def test_what_cannot_be_had_is_missing_alone_and_nothing_is_asked_after_a_hang(monkeypatch):
    monkeypatch.setattr(portraits_module, "PATIENCE_S", 0.5)
    tasks = [field(seed) for seed in range(6)]
    found = portraits(Faulty(), tasks)
    assert list(found) == [task.id for task in tasks[:4]]
    assert [one.picture is None for one in found.values()] == [False, True, True, False]
    assert [one.oracle for one in found.values()] == [1.0, None, None, None]
    assert not any(one.features for one in found.values())


def record_of(generation, low=0.5):
    return {
        "generation": generation,
        "parameters": {"speed": {"low": low, "high": 2.0}, "colour": {"grey": 1.0, EVIL: 0.0}},
        "frontier": {"regions": {"speed": [0.5, 8.0], "colour": {"grey": 1.0}}},
        "monitor": {"target": {"curve": {"returns": [1.0], "unit": "shots"}}},
        "candidates": [],
        "decision": {"decided_by": "start"},
    }


def test_a_campaign_shows_what_its_lineage_has_where_there_are_no_plays(tmp_path):
    store = CampaignStore(tmp_path)
    tasks = [field(seed, 1.0 + seed) for seed in range(4)]
    for generation in (1, 2):
        part = tasks[2 * generation - 2 : 2 * generation]
        save_lineage(store, generation, lines_of(map(Proposal, part)))
    config = {"name": "mine", "curriculum": {"name": "plr", "options": {}}}
    records = [record_of(generation) for generation in (0, 1, 2)]
    made = CampaignGallery(tmp_path, config, GENERATOR)
    data = data_of(made.page(records))
    assert sorted(row[0] for row in data["tasks"]) == sorted(task.id[:16] for task in tasks)
    assert [row[1] for row in data["tasks"]] == [1, 1, 2, 2]
    assert [one["generation"] for one in data["generations"]] == [0, 1, 2]
    assert data["unit"] == "shot"
    assert data["moved"] == ["speed"]
    assert made.page(records[:1]) is None
    assert "mine: generation 2" in made.page(records[2:])
    drawn = CampaignGallery(tmp_path, config, GENERATOR).cards(records, seconds=0.0)
    assert all(card.portrait.picture for card in drawn), "what was drawn once is kept"


def test_short_time_is_shared_by_all_generations(tmp_path):
    store = CampaignStore(tmp_path)
    for generation in (1, 2):
        tasks = [field(seed) for seed in range(10 * generation, 10 * generation + 4)]
        save_lineage(store, generation, lines_of(map(Proposal, tasks)))
    calls = []

    class Counted(Fields):
        def render(self, task):
            calls.append(task.seed // 10)
            if len(calls) == 5:
                raise TimeoutError
            return super().render(task)

    made = CampaignGallery(tmp_path, {"name": "mine"}, Counted())
    made.cards([record_of(1), record_of(2)])
    assert calls[:4] == [1, 2, 1, 2]


def test_damaged_portraits_are_made_again(tmp_path):
    save_lineage(CampaignStore(tmp_path), 1, lines_of([Proposal(field(1))]))
    made = CampaignGallery(tmp_path, {"name": "mine"}, GENERATOR)
    made.cards([record_of(1)])
    (file,) = (tmp_path / "portraits").glob("*.json")
    for text in ("{", "[]", '{"generator": "fields-v1 1", "x": {"y": 1}}', "null"):
        file.write_text(text)
        (card,) = CampaignGallery(tmp_path, {"name": "mine"}, GENERATOR).cards([record_of(1)])
        assert card.portrait.picture is not None


def test_what_moved_is_told_from_what_stays():
    def chapter(generation, low, aim):
        return Chapter(generation, "", {"a": (low, 2.0), "b": (1.0, 1.0)}, {"b": (1.0, aim)})

    assert moved([chapter(0, 1.0, 1.0), chapter(1, 1.0, 1.0)]) == []
    assert moved([chapter(0, 1.0, 1.0), chapter(1, 1.5, 1.0)]) == ["a"]
    assert moved([chapter(0, 1.0, 1.0), chapter(1, 1.0, 3.0)]) == ["b"]
    assert moved([]) == []
