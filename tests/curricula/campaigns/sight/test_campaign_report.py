"""A campaign on one page: all its parts, its numbers, and nothing foreign that is markup."""

import html
import json
import re

import numpy as np
import pytest
from PIL import Image

from curricula.campaigns.sight import campaign_report
from curricula.campaigns.sight.campaign_report import CampaignReport, films, table
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.lineage import lines_of, save_lineage
from curricula.curriculum import Proposal
from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Float
from taskgen.task import Task

EVIL = "</td><script>alert(1)</script>"
CONFIG = {
    "name": EVIL,
    "seed": 3,
    "generator": {"name": EVIL, "options": {"text": EVIL}},
    "learner": {"name": "rl2", "options": {}},
    "curriculum": {"name": "plr", "options": {}},
    "search": {"name": "optuna", "options": {}},
    "start": {"speed": [1.0, 2.0]},
    "target": {"speed": [1.0, 8.0]},
    "lifetime": {"num_episodes": 3},
    "generation": {"num_candidates": 2},
    "evaluation": {"num_test": 8},
    "budget": {"env_steps": 400, "hours": None},
    "splits": {"salt": EVIL},
}


class Runs(TaskGenerator):
    """Tasks of a speed."""

    name = EVIL
    kind = "problem"
    space = ParameterSpace({"speed": Float(low=0.5, high=16.0, default=1.0, log=True)})

    def make_task(self, params, seed):
        return Task(self.name, 1, params, seed, {"seed": seed})


def measures(value):
    interval = [value - 0.1, value + 0.1]
    return {
        "return_iqm": [value, *interval],
        "success_rate": value,
        "success_rate_interval": interval,
        "num_tasks": 8,
        "curve": {"returns": [0.0, value], "successes": None},
    }


def record_of(generation):
    here = TaskDistribution.make(Runs.space, {"speed": [1.0, 2.0 + generation]})
    origins = [("keep", 0.1, {}), ("move", 0.3, {"speed.shift": 0.1 * generation})]
    return {
        "generation": generation,
        "checkpoint": {"file": "none"},
        "incumbent": here.to_json(),
        "movable": ["speed"],
        "parameters": {"speed": {"low": 1.0, "high": 2.0 + generation}},
        "frontier": {"regions": {"speed": [1.0, 8.0]}},
        "totals": {"env_steps": 100 * generation, "seconds": 61.0 * generation},
        "monitor": {"target": measures(0.25 * generation), "start": measures(0.5)},
        "candidates": [
            {
                "index": index,
                "name": EVIL,
                "origin": origin,
                "move": move,
                "distribution": here.to_json(),
                "gain": gain,
                "gain_se": 0.05,
            }
            for index, (origin, gain, move) in enumerate(origins)
        ]
        * (generation > 0),
        "decision": {"winner": 1, "decided_by": EVIL if generation else "start"},
    }


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "commits").mkdir()
    for generation in range(3):
        text = json.dumps(record_of(generation))
        (tmp_path / "commits" / f"{generation:06d}.json").write_text(text)
    return tmp_path


def headings(page):
    return re.findall(r"<h2>(.*?)</h2>", page)


def test_the_page_has_all_parts_and_the_numbers_of_the_test(folder):
    store = CampaignStore(folder)
    save_lineage(store, 2, lines_of(map(Proposal, [Runs().make_task({"speed": 1.5}, 7)])))
    store.add_test_result({"kind": "sealed", "name": "sealed test", "measures": measures(0.75)})
    store.films.mkdir()
    Image.new("RGB", (8, 8)).save(store.films / "best-0123abcd.gif")
    page = CampaignReport(folder, CONFIG, Runs()).page()
    assert headings(page) == [
        "Results",
        "Curves",
        "The search",
        "Decisions",
        "Adaptation",
        "Tasks",
        "Settings",
    ]
    assert "<b>0.750</b><small>[0.650, 0.850]</small><span>return, sealed test" in page
    assert "sealed test, use 1" in page
    assert "0.750 [0.650, 0.850]" in page
    assert page.count("data:image/svg+xml;base64,") == 6, "too few moves for importances"
    assert "best of the sealed test, task 0123abcd" in page
    inner = html.unescape(re.search(r'srcdoc="([^"]*)"', page).group(1))
    assert Runs().make_task({"speed": 1.5}, 7).id[:16] in inner
    assert "seed</td><td>3" in page
    assert "<b>2 min 2 s</b>" in page


def test_nothing_foreign_is_markup(folder):
    save_lineage(
        CampaignStore(folder), 2, lines_of([Proposal(Runs().make_task({"speed": 1.5}, 7))])
    )
    page = CampaignReport(folder, CONFIG, Runs()).page()
    assert "<script" not in page, "that of the gallery is text of an attribute"
    assert page.count("</td>") == page.count("<td>")
    assert EVIL not in page
    assert html.escape(EVIL) in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"@[A-Z_]+@", page)


def test_a_campaign_whose_generator_is_gone_still_has_a_page(folder):
    page = CampaignReport(folder, CONFIG, None).page()
    assert headings(page) == ["Results", "Curves", "The search", "Decisions", "Settings"]


def test_before_the_first_commit_there_is_no_page(tmp_path):
    assert CampaignReport(tmp_path, CONFIG, Runs()).page() is None


def test_long_films_are_their_first_frames(tmp_path, monkeypatch):
    frames = [Image.fromarray(np.full((8, 8, 3), shade, dtype=np.uint8)) for shade in (9, 200)]
    frames[0].save(tmp_path / "worst-1.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "torn-2.gif").write_bytes(b"GIF89a")
    assert films(tmp_path).count("data:image/gif") == 2
    monkeypatch.setattr(campaign_report, "MAX_FILM_BYTES", 10)
    page = films(tmp_path)
    assert page.count("data:image/png") == 1
    assert "data:image/gif" not in page
    assert films(tmp_path / "nothing") == ""


def test_a_table_escapes_what_stands_in_it():
    assert table(["a"], []) == ""
    assert "<td>&lt;b&gt;</td>" in table(["a"], [["<b>"]])
    assert "<thead>" not in table(["", ""], [["a", "b"]])
